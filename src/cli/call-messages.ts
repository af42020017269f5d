// The messages of a method for `causeway call`: JSON as people give it and read it, and the bytes that go over the wire.
import type { Codec, Losses, Transcoder } from "../codec/codec.ts";
import { compileInterpreter } from "../codec/interpret.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { Payload, Reply } from "../rpc/call.ts";
import type { BodyLink } from "../schema/link.ts";
import type { Method } from "../schema/model.ts";
import { LIMITS, UsageError } from "./convert-codec.ts";
import { exceptionsOf, type LoadedIdl, targetOfPart } from "./convert-type.ts";

/** Both directions of a method, on the wire of one codec. */
export interface CallMessages {
  /** Throws a RpcError INVALID_ARGUMENT that names the member for JSON that does not fit. */
  encode(json: Uint8Array): Payload;
  /** The JSON of a response. */
  decode(payload: Payload): string;
  /** The name and JSON of a declared exception. */
  decodeException(reply: Extract<Reply, { kind: "exception" }>): { readonly name: string; readonly json: string };
}

/** Throws a UsageError when a message of the method cannot be translated. */
export function compileMessages(idl: LoadedIdl, method: Method, codec: Codec): CallMessages {
  // What people have mistyped must not get lost on the way.
  const encode = compileInterpreter(bodyOf(idl, method, "request"), "json", codec, LIMITS, {
    refuseUnknown: true,
    firstLine: 1,
  });
  const decode = method.oneway ? undefined : compileTo("json", bodyOf(idl, method, "response"), codec);
  return {
    encode: (json) => ({ type: method.request, codec, bytes: encode(json, losses()) }),
    decode: ({ bytes }) => (decode ? textOf(decode(bytes, losses())) : "{}"),
    decodeException({ field, payload }) {
      const name = field.type.kind === "message" ? field.type.type.fullName : field.name;
      const body = exceptionsOf(idl, method).get(field.id);
      const compiled = body && compileTo("json", body, payload.codec);
      return { name, json: compiled ? textOf(compiled(payload.bytes, losses())) : "{}" };
    },
  };
}

function bodyOf(idl: LoadedIdl, method: Method, part: "request" | "response"): BodyLink {
  const { body } = targetOfPart(idl, method, part);
  if (!body) throw new UsageError(`${method.service}/${method.name} has a ${part} that cannot be translated`);
  return body;
}

function compileTo(to: Codec, body: BodyLink, from: Codec): Transcoder {
  return from === to ? compileInterpreter(body, from, to, LIMITS) : compileTranscoder(body, from, to, LIMITS);
}

function losses(): Losses {
  return { unknownFields: 0, duplicates: 0 };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
