// The envelope of a Thrift message: Thrift binary, strict and old, and Kitex-Protobuf, which is strict binary's with
// another version; and compact. Thrift's `doc/specs/thrift-binary-protocol.md`, `thrift-compact-protocol.md` and
// `thrift-rpc.md`.
import { RpcError } from "../../base/errors.ts";
import { createTextReader, textBytes, writeText } from "../../base/short-text.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Envelope } from "./dialect.ts";
import { varintEnd, varintSize, varintValue, writeVarint } from "./varint.ts";

/** Message types. A Reply may hold a declared exception; Exception is a TApplicationException. */
export const MESSAGE = { CALL: 1, REPLY: 2, EXCEPTION: 3, ONEWAY: 4 } as const;

/** What stands before a message's struct. */
export interface MessageHeader {
  readonly envelope: Envelope;
  readonly name: string;
  /** One of MESSAGE; not checked. */
  readonly type: number;
  /** Signed 32 bits. */
  readonly sequenceId: number;
}

/** A header that was read, with the offset of the struct behind it. */
export interface ReadHeader extends MessageHeader {
  readonly bodyOffset: number;
}

const readName = createTextReader();

const COMPACT_ID = 0x82;
const COMPACT_VERSION = 1;
const STRICT_VERSION = 0x8001;
const KITEX_PROTOBUF_VERSION = 0x9001;

/** The codec that a message begins as, whether or not the rest of its header makes sense; undefined below four bytes. */
export function codecOfStart(bytes: Uint8Array): Codec | undefined {
  if (bytes.length < 4) return undefined;
  if (bytes[0] === COMPACT_ID) return "thrift-compact";
  return ((bytes[0]! << 8) | bytes[1]!) === KITEX_PROTOBUF_VERSION ? "protobuf" : "thrift-binary";
}

/**
 * Reads the header at the start of `bytes`; undefined when they end before it does. Throws a RpcError INVALID_ARGUMENT
 * when they begin no message.
 *
 *     strict:         80 01 00 tt | i32 name length | name | i32 sequence id | struct
 *     Kitex-Protobuf: 90 01 00 tt | i32 name length | name | i32 sequence id | protobuf
 *     old:            i32 name length | name | tt | i32 sequence id | struct
 *     compact:        82 | tttv vvvv | varint sequence id | varint name length | name | struct
 */
export function readMessageHeader(bytes: Uint8Array): ReadHeader | undefined {
  if (bytes.length < 4) return undefined;
  if (bytes[0] === COMPACT_ID) return readCompactHeader(bytes);
  const buffer = asBuffer(bytes);
  const first = buffer.readInt32BE(0);
  if (first < 0) {
    const version = first >>> 16;
    if (version !== STRICT_VERSION && version !== KITEX_PROTOBUF_VERSION) {
      throw new RpcError(
        "INVALID_ARGUMENT",
        `a Thrift message begins with 80 01, 82 or the length of its name, not with ${buffer.toString("hex", 0, 4)}`,
      );
    }
    if (bytes.length < 8) return undefined;
    const nameEnd = 8 + nameLength(buffer.readInt32BE(4));
    if (bytes.length < nameEnd + 4) return undefined;
    return {
      envelope: version === STRICT_VERSION ? "strict" : "kitex-protobuf",
      name: readName(buffer, 8, nameEnd),
      type: first & 0xff,
      sequenceId: buffer.readInt32BE(nameEnd),
      bodyOffset: nameEnd + 4,
    };
  }
  const nameEnd = 4 + nameLength(first);
  if (bytes.length < nameEnd + 5) return undefined;
  return {
    envelope: "old",
    name: readName(buffer, 4, nameEnd),
    type: buffer[nameEnd]!,
    sequenceId: buffer.readInt32BE(nameEnd + 1),
    bodyOffset: nameEnd + 5,
  };
}

function readCompactHeader(bytes: Uint8Array): ReadHeader | undefined {
  const second = bytes[1]!;
  if ((second & 0x1f) !== COMPACT_VERSION) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `version ${second & 0x1f} of the compact protocol: expected ${COMPACT_VERSION}`,
    );
  }
  const idEnd = varintEnd(bytes, 2);
  if (idEnd === undefined) return undefined;
  const lengthEnd = varintEnd(bytes, idEnd);
  if (lengthEnd === undefined) return undefined;
  const nameEnd = lengthEnd + nameLength(varintValue(bytes, idEnd, lengthEnd));
  if (bytes.length < nameEnd) return undefined;
  return {
    envelope: "compact",
    name: readName(asBuffer(bytes), lengthEnd, nameEnd),
    type: second >> 5,
    sequenceId: varintValue(bytes, 2, idEnd) | 0,
    bodyOffset: nameEnd,
  };
}

/** Most bytes of a message's name; names are method names, so this is generous. */
const MAX_NAME_BYTES = 1024;

function nameLength(length: number): number {
  if (length < 0 || length > MAX_NAME_BYTES) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `a Thrift message name of ${length} bytes: expected at most ${MAX_NAME_BYTES}`,
    );
  }
  return length;
}

/** One message in one new array, behind `roomBytes` that the caller fills: a frame's length and headers go there. */
export function writeMessage(header: MessageHeader, roomBytes: number, body: Uint8Array): Buffer {
  const { envelope, name, type, sequenceId } = header;
  const nameBytes = textBytes(name);
  if (envelope === "compact") {
    const head = 2 + varintSize(sequenceId) + varintSize(nameBytes) + nameBytes;
    const out = Buffer.allocUnsafe(roomBytes + head + body.length);
    let at = out.writeUInt8(COMPACT_ID, roomBytes);
    at = out.writeUInt8((type << 5) | COMPACT_VERSION, at);
    at = writeVarint(out, sequenceId, at);
    at = writeVarint(out, nameBytes, at);
    out.set(body, writeText(out, name, at));
    return out;
  }
  const out = Buffer.allocUnsafe(roomBytes + (envelope === "old" ? 9 : 12) + nameBytes + body.length);
  let at = roomBytes;
  if (envelope !== "old") {
    at = out.writeUInt16BE(envelope === "strict" ? STRICT_VERSION : KITEX_PROTOBUF_VERSION, at);
    at = out.writeUInt16BE(type, at);
  }
  at = out.writeInt32BE(nameBytes, at);
  at = writeText(out, name, at);
  if (envelope === "old") at = out.writeUInt8(type, at);
  at = out.writeInt32BE(sequenceId, at);
  out.set(body, at);
  return out;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same of a message that is there to its end. Throws a RpcError INVALID_ARGUMENT also when it ends inside its header. */
export function readWholeHeader(message: Uint8Array): ReadHeader {
  const header = readMessageHeader(message);
  if (!header) {
    throw new RpcError("INVALID_ARGUMENT", `the message ends at byte ${message.length}, inside its header`);
  }
  return header;
}
