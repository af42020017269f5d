// Tells what stands around the body of a whole RPC message: a Thrift message header, framed or not, in any of its codecs, or the
// prefix of a gRPC message.
import type { Codec } from "../codec/codec.ts";
import { type JsonNode, parseJson } from "../codec/json-text.ts";
import { MESSAGE, readMessageHeader } from "../protocol/thrift/message.ts";
import { LIMITS, UsageError } from "./convert-codec.ts";

export type MessageKind = "call" | "reply" | "exception" | "oneway";

/** What a message says of itself. */
export interface Envelope {
  readonly codec: Codec;
  /** As a person is told; undefined members do not stand on the wire. */
  readonly header: {
    readonly protocol: "grpc" | "thrift-binary" | "thrift-compact" | "thrift-json";
    readonly framed?: boolean;
    /** Of thrift-binary: false for the old form without a version. */
    readonly strict?: boolean;
    readonly name?: string;
    readonly type?: MessageKind;
    readonly sequenceId?: number;
  };
  /** The body's first byte, the one behind its last, and the one behind the message. */
  readonly bodyAt: number;
  readonly bodyEnd: number;
  readonly end: number;
}

/**
 * The message at `at` of the input. Throws a UsageError that lists what was expected when it is none. A Thrift message without
 * a frame reaches to the end of the input, because nothing in front says how long it is.
 */
export function readEnvelope(bytes: Buffer, at: number): Envelope {
  const rest = bytes.subarray(at);
  const found =
    readTextMessage(rest) ??
    readThrift(rest, 0, rest.length, false) ??
    readFramed(rest) ??
    readGrpc(rest) ??
    readOld(rest, 0, rest.length, false);
  if (!found) {
    const start = rest.toString("hex", 0, 12).replace(/..(?=.)/g, "$& ");
    throw new UsageError(
      `no RPC message begins at byte ${at} (${start || "the end of the input"}); expected a Thrift message, framed or not ` +
        "(80 01 binary, 82 compact, a name's length, or [1,… for thrift-json), or a gRPC message (00 and its length)",
    );
  }
  return { ...found, bodyAt: at + found.bodyAt, bodyEnd: at + found.bodyEnd, end: at + found.end };
}

function readFramed(bytes: Buffer): Envelope | undefined {
  if (bytes.length < 8) return undefined;
  const end = 4 + bytes.readUInt32BE(0);
  // A length of gRPC's may look like the start of a Thrift message; then what fills the input is meant.
  if (end < 8 || (end !== bytes.length && bytes[0] === 0 && 5 + bytes.readUInt32BE(1) === bytes.length))
    return undefined;
  const found =
    readThrift(bytes, 4, Math.min(end, bytes.length), true) ?? readOld(bytes, 4, Math.min(end, bytes.length), true);
  if (found && end > bytes.length) {
    throw new UsageError(`the frame says that ${end - 4} bytes follow, but ${bytes.length - 4} do`);
  }
  return found;
}

/** The forms that begin with a number that nothing else does. */
function readThrift(bytes: Buffer, at: number, end: number, framed: boolean): Envelope | undefined {
  const [first, second = 0] = bytes.subarray(at, end);
  const isStrict = first === 0x80 && second === 0x01;
  const isCompact = first === 0x82 && (second & 31) === 1;
  return isStrict || isCompact ? readHeader(bytes, at, end, framed, true) : undefined;
}

/** Without a version, so that only its form tells it. */
function readOld(bytes: Buffer, at: number, end: number, framed: boolean): Envelope | undefined {
  const nameLength = end - at < 4 ? 0 : bytes.readUInt32BE(at);
  return nameLength < 1 || nameLength > 255 ? undefined : readHeader(bytes, at, end, framed, false);
}

/** What is `sure` to be a message, by its first bytes, is broken where it cannot be read. */
function readHeader(bytes: Buffer, at: number, end: number, framed: boolean, sure: boolean): Envelope | undefined {
  const header = readMessageHeader(bytes.subarray(at, end));
  if (!header) {
    if (sure) throw new UsageError(`the message ends inside its header, at byte ${end}`);
    return undefined;
  }
  const { envelope, name, type, sequenceId, bodyOffset } = header;
  const kind = kindOf(type);
  if (!kind || (!sure && !/^[\x20-\x7e]*$/.test(name))) {
    if (sure) throw new UsageError(`${type} is no type of a Thrift message; expected 1 to 4`);
    return undefined;
  }
  const codec = envelope === "compact" ? "thrift-compact" : "thrift-binary";
  const strict = codec === "thrift-binary" ? { strict: envelope === "strict" } : {};
  return {
    codec,
    header: { protocol: codec, framed, ...strict, name, type: kind, sequenceId },
    bodyAt: at + bodyOffset,
    bodyEnd: end,
    end,
  };
}

/** `00 | u32 length | message` */
function readGrpc(bytes: Buffer): Envelope | undefined {
  const [flag] = bytes;
  if (bytes.length < 5 || (flag !== 0 && flag !== 1)) return undefined;
  const bodyEnd = 5 + bytes.readUInt32BE(1);
  if (bodyEnd > bytes.length) return undefined;
  if (flag === 1) throw new UsageError("the gRPC message is compressed (its flag is 1); decompress it first");
  return { codec: "protobuf", header: { protocol: "grpc" }, bodyAt: 5, bodyEnd, end: bodyEnd };
}

/** `[1,"name",type,sequence id,{…}]` */
function readTextMessage(bytes: Buffer): Envelope | undefined {
  const start = bytes.findIndex((byte) => byte > 0x20);
  if (bytes[start] !== 0x5b) return undefined;
  const text = bytes.toString("latin1");
  const fail = (at: number, reason: string): never => {
    throw new UsageError(`the message is no JSON: ${reason}, at byte ${at}`);
  };
  // Read as latin1, a character is a byte.
  const root = parseJson(text, LIMITS.maxDepth * 2 + 4, fail, { tjson: true });
  const [version, name, type, sequenceId, body] = root.kind === "array" ? root.items : [];
  const kind = kindOf(numberOf(type) ?? 0);
  if (numberOf(version) !== 1 || name?.kind !== "string" || !kind || !body) {
    throw new UsageError('a thrift-json message is [1,"name",type,sequence id,{…}] with a type from 1 to 4');
  }
  return {
    codec: "thrift-json",
    header: {
      protocol: "thrift-json",
      name: Buffer.from(name.text, "latin1").toString(),
      type: kind,
      sequenceId: numberOf(sequenceId) ?? 0,
    },
    bodyAt: body.at,
    bodyEnd: text.lastIndexOf("]"),
    end: bytes.length,
  };
}

function numberOf(node: JsonNode | undefined): number | undefined {
  return node?.kind === "number" ? Number(node.text) : undefined;
}

function kindOf(type: number): MessageKind | undefined {
  return KINDS.get(type);
}

const KINDS: ReadonlyMap<number, MessageKind> = new Map([
  [MESSAGE.CALL, "call"],
  [MESSAGE.REPLY, "reply"],
  [MESSAGE.EXCEPTION, "exception"],
  [MESSAGE.ONEWAY, "oneway"],
]);
