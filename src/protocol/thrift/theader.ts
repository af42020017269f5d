// Frames of THeader, as in Thrift's `doc/specs/HeaderFormat.md`: key/value headers before a binary or compact message,
// which may be compressed.
import { deflateSync, inflateSync } from "node:zlib";
import { RpcError } from "../../base/errors.ts";
import { EXCEPTION_TYPE, ThriftFault } from "./codes.ts";
import {
  FIXED_BYTES,
  type FrameHead,
  type HeaderFrame,
  headersEnd,
  NOTHING_NUMBERED,
  paddedSize,
  writeFixedPart,
} from "./header-frame.ts";
import { asBuffer } from "./message.ts";
import { varintEnd, varintSize, varintValue, writeVarint } from "./varint.ts";

const MAGIC = 0x0fff;
const ZLIB = 1;
const KEY_VALUE = 1;
/** Each is undone in turn, so a peer cannot ask for many. */
const MAX_TRANSFORMS = 4;

/**
 * Reads a frame, without its length. Throws a RpcError: INVALID_ARGUMENT when it is malformed, UNIMPLEMENTED for a
 * transform other than zlib, RESOURCE_EXHAUSTED when the payload inflates to more than `maxBytes`.
 *
 *     0F FF | flags | sequence id | size ÷ 4 |
 *       varint protocol id | varint transforms | varint id…  |
 *       1 | varint pairs | (varint length | key | varint length | value)… | 0… | payload
 */
export function readTHeader(frame: Uint8Array, maxBytes: number): HeaderFrame {
  const buffer = asBuffer(frame);
  const end = headersEnd(frame);
  const cursor = new Cursor(buffer, end);
  const protocolId = cursor.varint("protocol id");
  const transforms = readTransforms(cursor);
  const pairs: string[] = [];
  // An unknown block has no length, so nothing can be read behind it; 0 is padding.
  while (cursor.at < end && cursor.varint("kind of headers") === KEY_VALUE) {
    for (let count = cursor.varint("number of pairs"); count > 0; count--) pairs.push(cursor.text(), cursor.text());
  }
  return {
    flags: buffer.readUInt16BE(2),
    sequenceId: buffer.readInt32BE(4),
    protocolId,
    zlib: transforms > 0,
    pairs,
    numbered: NOTHING_NUMBERED,
    isKnown: false,
    payload: inflated(frame.subarray(end), transforms, maxBytes),
  };
}

/** How many times the payload is compressed. */
function readTransforms(cursor: Cursor): number {
  const count = cursor.varint("number of transforms");
  for (let i = 0; i < count; i++) {
    const id = cursor.varint("transform");
    if (id === ZLIB && i < MAX_TRANSFORMS) continue;
    throw new RpcError(
      "UNIMPLEMENTED",
      id === ZLIB ? `more than ${MAX_TRANSFORMS} transforms` : `the transform ${id} is not served: expected 1 (zlib)`,
      { cause: new ThriftFault(EXCEPTION_TYPE.INVALID_TRANSFORM) },
    );
  }
  return count;
}

function inflated(payload: Uint8Array, times: number, maxBytes: number): Uint8Array {
  let bytes = payload;
  for (let i = 0; i < times; i++) {
    try {
      bytes = inflateSync(bytes, { maxOutputLength: maxBytes });
    } catch (cause) {
      if (cause instanceof RangeError) {
        throw new RpcError("RESOURCE_EXHAUSTED", `the payload inflates to more than the limit of ${maxBytes} bytes`);
      }
      throw new RpcError("INVALID_ARGUMENT", "the payload is no zlib stream, which its headers say it is", { cause });
    }
  }
  return bytes;
}

/** Reads what stands in the headers, and no further. */
class Cursor {
  readonly #buffer: Buffer;
  readonly #end: number;
  at = FIXED_BYTES;

  constructor(buffer: Buffer, end: number) {
    this.#buffer = buffer.subarray(0, end);
    this.#end = end;
  }

  varint(what: string): number {
    const end = varintEnd(this.#buffer, this.at);
    if (end === undefined) throw new RpcError("INVALID_ARGUMENT", `the headers end inside the ${what}`);
    const value = varintValue(this.#buffer, this.at, end);
    this.at = end;
    return value;
  }

  text(): string {
    const length = this.varint("length of a header");
    if (length > this.#end - this.at) {
      throw new RpcError("INVALID_ARGUMENT", `a header of ${length} bytes at byte ${this.at} ends behind the headers`);
    }
    const start = this.at;
    this.at += length;
    return this.#buffer.toString("utf8", start, this.at);
  }
}

/**
 * Writes a frame with its length; `message(room)` gives the payload behind so many bytes of room. Throws a RpcError
 * RESOURCE_EXHAUSTED when the headers pass 32 KiB.
 */
export function writeTHeader(head: FrameHead, message: (roomBytes: number) => Buffer): Buffer {
  const { protocolId, zlib, pairs } = head;
  const sizes = pairs.map((text) => Buffer.byteLength(text));
  const pairBytes = sizes.reduce((sum, size) => sum + varintSize(size) + size, 0);
  const count = pairs.length / 2;
  const bytes = varintSize(protocolId) + (zlib ? 2 : 1) + (count > 0 ? 1 + varintSize(count) + pairBytes : 0);
  const headerBytes = paddedSize(bytes);
  const roomBytes = 4 + FIXED_BYTES + headerBytes;
  const out = zlib ? Buffer.concat([Buffer.alloc(roomBytes), deflateSync(message(0))]) : message(roomBytes);
  let at = writeFixedPart(out, MAGIC, head, headerBytes);
  at = writeVarint(out, protocolId, at);
  at = out.writeUInt8(zlib ? 1 : 0, at);
  if (zlib) at = out.writeUInt8(ZLIB, at);
  if (count > 0) {
    at = out.writeUInt8(KEY_VALUE, at);
    at = writeVarint(out, count, at);
    for (let i = 0; i < pairs.length; i++) {
      at = writeVarint(out, sizes[i]!, at);
      at += out.write(pairs[i]!, at);
    }
  }
  out.fill(0, at, roomBytes);
  return out;
}
