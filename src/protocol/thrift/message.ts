// The envelope of a Thrift binary message, strict and old, and the one struct that is part of the protocol itself:
// TApplicationException. Thrift's `doc/specs/thrift-binary-protocol.md` and `thrift-rpc.md`.
import { RpcError } from "../../base/errors.ts";
import { StructWalker, TYPE } from "./struct-walker.ts";

/** Message types. A Reply may hold a declared exception; Exception is a TApplicationException. */
export const MESSAGE = { CALL: 1, REPLY: 2, EXCEPTION: 3, ONEWAY: 4 } as const;

/** What stands before a message's struct. */
export interface MessageHeader {
  /** Whether it begins with the version 0x8001; old messages begin with the length of their name. */
  readonly strict: boolean;
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

/**
 * Reads the header at the start of `bytes`; undefined when they end before it does. Throws a RpcError INVALID_ARGUMENT
 * when they begin no Thrift binary message.
 *
 *     strict: 80 01 00 tt | i32 name length | name | i32 sequence id | struct
 *     old:    i32 name length | name | tt | i32 sequence id | struct
 */
export function readMessageHeader(bytes: Uint8Array): ReadHeader | undefined {
  if (bytes.length < 4) return undefined;
  const buffer = asBuffer(bytes);
  const first = buffer.readInt32BE(0);
  if (first < 0) {
    if (first >>> 16 !== 0x8001) {
      throw new RpcError(
        "INVALID_ARGUMENT",
        `a Thrift binary message begins with 80 01 or the length of its name, not with ${buffer.toString("hex", 0, 4)}`,
      );
    }
    if (bytes.length < 8) return undefined;
    const nameEnd = 8 + nameLength(buffer.readInt32BE(4));
    if (bytes.length < nameEnd + 4) return undefined;
    return {
      strict: true,
      name: buffer.toString("utf8", 8, nameEnd),
      type: first & 0xff,
      sequenceId: buffer.readInt32BE(nameEnd),
      bodyOffset: nameEnd + 4,
    };
  }
  const nameEnd = 4 + nameLength(first);
  if (bytes.length < nameEnd + 5) return undefined;
  return {
    strict: false,
    name: buffer.toString("utf8", 4, nameEnd),
    type: buffer[nameEnd]!,
    sequenceId: buffer.readInt32BE(nameEnd + 1),
    bodyOffset: nameEnd + 5,
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

/** One message in one new array, with its length in front if it is framed. */
export function writeMessage(header: MessageHeader, framed: boolean, body: Uint8Array): Uint8Array {
  const nameBytes = Buffer.byteLength(header.name);
  const size = (header.strict ? 12 : 9) + nameBytes + body.length;
  const out = Buffer.allocUnsafe(framed ? size + 4 : size);
  let at = framed ? out.writeUInt32BE(size, 0) : 0;
  if (header.strict) at = out.writeUInt32BE((0x80010000 | header.type) >>> 0, at);
  at = out.writeInt32BE(nameBytes, at);
  at += out.write(header.name, at);
  if (!header.strict) at = out.writeUInt8(header.type, at);
  at = out.writeInt32BE(header.sequenceId, at);
  out.set(body, at);
  return out;
}

/** The struct of a message of type Exception. */
export interface ApplicationException {
  readonly message: string;
  /** TApplicationException's type: 0 to 10 are named. */
  readonly type: number;
}

/** `{1: string message, 2: i32 type}` */
export function writeApplicationException({ message, type }: ApplicationException): Uint8Array {
  const length = Buffer.byteLength(message);
  const out = Buffer.allocUnsafe(7 + length + 8);
  let at = out.writeUInt8(TYPE.STRING, 0);
  at = out.writeInt16BE(1, at);
  at = out.writeInt32BE(length, at);
  at += out.write(message, at);
  at = out.writeUInt8(TYPE.I32, at);
  at = out.writeInt16BE(2, at);
  at = out.writeInt32BE(type, at);
  out.writeUInt8(TYPE.STOP, at);
  return out;
}

/** Longer messages of peers are cut: they go to logs and into other protocols' headers. */
const MAX_TEXT_BYTES = 4096;

/** Reads the struct at `offset`; a missing field is "" or 0. Throws a RpcError INVALID_ARGUMENT when it is malformed. */
export function readApplicationException(bytes: Uint8Array, offset: number, maxDepth: number): ApplicationException {
  const buffer = asBuffer(bytes);
  let message = "";
  let type = 0;
  eachField(bytes, offset, maxDepth, (id, wireType, at, end) => {
    if (id === 1 && wireType === TYPE.STRING)
      message = buffer.toString("utf8", at + 4, Math.min(end, at + 4 + MAX_TEXT_BYTES));
    else if (id === 2 && wireType === TYPE.I32) type = buffer.readInt32BE(at);
    return true;
  });
  return { message, type };
}

/**
 * Calls `visit` with the id, type and bounds of each field of the struct at `offset` until it returns false. Throws a
 * RpcError INVALID_ARGUMENT when the struct is malformed or cut short.
 */
export function eachField(
  bytes: Uint8Array,
  offset: number,
  maxDepth: number,
  visit: (id: number, type: number, start: number, end: number) => boolean,
): void {
  const walker = new StructWalker({ maxMessageBytes: bytes.length, maxDepth });
  for (let at = offset; ; ) {
    const type = bytes[at];
    if (type === TYPE.STOP) return;
    if (type === undefined || at + 3 > bytes.length) throw cutShort(bytes);
    const start = at + 3;
    walker.begin(start, type);
    if (!walker.resume(bytes)) throw cutShort(bytes);
    at = walker.position;
    if (!visit(((bytes[start - 2]! << 24) >> 16) | bytes[start - 1]!, type, start, at)) return;
  }
}

function cutShort(bytes: Uint8Array): RpcError {
  return new RpcError("INVALID_ARGUMENT", `the message ends at byte ${bytes.length}, inside its struct`);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
