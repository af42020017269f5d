// The one struct that is part of the protocol itself, TApplicationException, in each encoding.
import { Reader, Writer } from "protobufjs/minimal.js";
import { RpcError } from "../../base/errors.ts";
import { COMPACT_TYPE } from "./compact-walker.ts";
import type { Envelope } from "./dialect.ts";
import { eachCompactField, eachField } from "./fields.ts";
import { asBuffer, type ReadHeader } from "./message.ts";
import { TYPE } from "./struct-walker.ts";
import { varintEnd, varintSize, varintValue, writeVarint } from "./varint.ts";

/** The body of a message of type Exception. */
export interface ApplicationException {
  readonly message: string;
  /** TApplicationException's type: 0 to 10 are named. */
  readonly type: number;
}

/** `{1: string message, 2: i32 type}`; in Kitex-Protobuf `{1: int32 type, 2: string message}`. */
export function writeApplicationException(envelope: Envelope, exception: ApplicationException): Uint8Array {
  switch (envelope) {
    case "strict":
    case "old":
      return writeBinary(exception);
    case "compact":
      return writeCompact(exception);
    case "kitex-protobuf":
      return Writer.create()
        .uint32(0x08)
        .int32(exception.type)
        .uint32(0x12)
        .string(exception.message.toWellFormed())
        .finish();
  }
}

function writeBinary({ message, type }: ApplicationException): Uint8Array {
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

function writeCompact({ message, type }: ApplicationException): Uint8Array {
  const length = Buffer.byteLength(message);
  const zigzag = (type << 1) ^ (type >> 31);
  const out = Buffer.allocUnsafe(1 + varintSize(length) + length + 1 + varintSize(zigzag) + 1);
  // Each field is one above the last, which is the high nibble.
  let at = out.writeUInt8(0x10 | COMPACT_TYPE.BINARY, 0);
  at = writeVarint(out, length, at);
  at += out.write(message, at);
  at = out.writeUInt8(0x10 | COMPACT_TYPE.I32, at);
  at = writeVarint(out, zigzag, at);
  out.writeUInt8(COMPACT_TYPE.STOP, at);
  return out;
}

/** Longer messages of peers are cut: they go to logs and into other protocols' headers. */
const MAX_TEXT_BYTES = 4096;

/** Reads the body of a message; a missing field is "" or 0. Throws a RpcError INVALID_ARGUMENT when it is malformed. */
export function readApplicationException(
  bytes: Uint8Array,
  { envelope, bodyOffset }: ReadHeader,
  maxDepth: number,
): ApplicationException {
  switch (envelope) {
    case "strict":
    case "old":
      return readBinary(bytes, bodyOffset, maxDepth);
    case "compact":
      return readCompact(bytes, bodyOffset, maxDepth);
    case "kitex-protobuf":
      return readProtobuf(bytes.subarray(bodyOffset));
  }
}

function readBinary(bytes: Uint8Array, offset: number, maxDepth: number): ApplicationException {
  const buffer = asBuffer(bytes);
  let message = "";
  let type = 0;
  eachField(bytes, offset, maxDepth, (id, wireType, at, end) => {
    if (id === 1 && wireType === TYPE.STRING) message = textOf(buffer, at + 4, end);
    else if (id === 2 && wireType === TYPE.I32) type = buffer.readInt32BE(at);
    return true;
  });
  return { message, type };
}

function readCompact(bytes: Uint8Array, offset: number, maxDepth: number): ApplicationException {
  let message = "";
  let type = 0;
  eachCompactField(bytes, offset, maxDepth, (id, wireType, at, end) => {
    if (id === 1 && wireType === COMPACT_TYPE.BINARY) {
      message = textOf(asBuffer(bytes), varintEnd(bytes, at) ?? end, end);
    } else if (id === 2 && wireType === COMPACT_TYPE.I32) {
      const zigzag = varintValue(bytes, at, end);
      type = (zigzag >>> 1) ^ -(zigzag & 1);
    }
    return true;
  });
  return { message, type };
}

function readProtobuf(body: Uint8Array): ApplicationException {
  let message = "";
  let type = 0;
  try {
    const reader = Reader.create(body);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x08) type = reader.int32();
      else if (tag === 0x12) {
        const text = asBuffer(reader.bytes());
        message = textOf(text, 0, text.length);
      } else reader.skipType(tag & 7);
    }
  } catch (cause) {
    throw new RpcError("INVALID_ARGUMENT", "the exception of a Kitex-Protobuf message is malformed", { cause });
  }
  return { message, type };
}

function textOf(buffer: Buffer, start: number, end: number): string {
  return buffer.toString("utf8", start, Math.min(end, start + MAX_TEXT_BYTES));
}
