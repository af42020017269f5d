// Translates by way of a tree of values: slower than the engine and plainer, the reference that it is held to, and the only
// way to and from JSON.
import { RpcError } from "../base/errors.ts";
import type { BodyLink } from "../schema/link.ts";
import { createSession, type JsonReading, type Session } from "./byte-reader.ts";
import { CODEC_WIRES, type Codec, type Limits, type Losses, type Transcoder } from "./codec.ts";
import { decodeJson } from "./json-reader.ts";
import { encodeJson } from "./json-writer.ts";
import { FAULT_BYTES } from "./layout.ts";
import { decodeProtobuf } from "./protobuf-reader.ts";
import { encodeProtobuf } from "./protobuf-writer.ts";
import type { ThriftBody } from "./thrift-binary.ts";
import { decodeThriftBinary } from "./thrift-binary-reader.ts";
import { encodeThriftBinary } from "./thrift-binary-writer.ts";
import { decodeThriftCompact } from "./thrift-compact-reader.ts";
import { encodeThriftCompact } from "./thrift-compact-writer.ts";
import { decodeThriftJson } from "./thrift-json-reader.ts";
import { encodeThriftJson } from "./thrift-json-writer.ts";
import { encodeThriftSimpleJson } from "./thrift-simplejson-writer.ts";
import type { MessageValue } from "./value.ts";

type Decode = (bytes: Uint8Array, body: ThriftBody, session: Session, losses: Losses) => MessageValue;
type Encode = (message: MessageValue, body: ThriftBody, session: Session, losses: Losses) => Uint8Array;

const DECODERS: Record<Codec, Decode> = {
  "thrift-binary": decodeThriftBinary,
  "thrift-compact": decodeThriftCompact,
  protobuf: (bytes, body, session, losses) => decodeProtobuf(bytes, body.link, session, losses),
  json: (bytes, body, session, losses) => decodeJson(bytes, body.link, session, losses),
  "thrift-json": decodeThriftJson,
  "thrift-simplejson": () => {
    throw new RpcError(
      "UNIMPLEMENTED",
      "thrift-simplejson is only written, because it does not say what its values are",
    );
  },
};

const ENCODERS: Record<Codec, Encode> = {
  "thrift-binary": encodeThriftBinary,
  "thrift-compact": encodeThriftCompact,
  protobuf: (message, body) => encodeProtobuf(message, body.link),
  json: (message, body, session, losses) => encodeJson(message, body.link, session, losses),
  "thrift-json": encodeThriftJson,
  "thrift-simplejson": encodeThriftSimpleJson,
};

/** As `compileTranscoder`, for every pair of codecs; `json` says how JSON is read, by default unknown members are counted. From a codec to itself it brings a message into its canonical form. */
export function compileInterpreter(
  body: BodyLink,
  from: Codec,
  to: Codec,
  limits: Limits,
  json?: JsonReading,
): Transcoder {
  const thriftBody = bodyOf(body);
  const decode = DECODERS[from];
  const encode = ENCODERS[to];
  // Reading Thrift and writing it each have rules; towards any other codec a value stands as Protobuf has it.
  const reading = createSession(CODEC_WIRES[from] === "thrift" ? "to-protobuf" : "to-thrift", limits, json);
  const writing = createSession(CODEC_WIRES[to] === "thrift" ? "to-thrift" : "to-protobuf", limits);
  return (bytes, losses) => {
    const result = encode(decode(bytes, thriftBody, reading, losses), thriftBody, writing, losses);
    if (result.length > limits.maxBytes) writing.fail(FAULT_BYTES, undefined, "");
    return result;
  };
}

/** What the Thrift codecs need to know of a body. */
export function bodyOf(body: BodyLink): ThriftBody {
  if (body.kind === "whole") return { link: body.link, field: undefined };
  const { id, name } = body.field;
  return { link: body.link, field: { id, name, needed: body.thrift.shape !== "arguments" } };
}
