// Frames of TTHeader, which Kitex speaks: string and integer keys before a Thrift message or a Kitex-Protobuf one.
import { RpcError } from "../../base/errors.ts";
import { createTextReader, textBytes, writeText } from "../../base/short-text.ts";
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
import { createKnownHeaders } from "./known-headers.ts";
import { asBuffer } from "./message.ts";

/** The integer keys that Causeway reads or writes. */
export const NUMBERED_KEY = {
  FROM_SERVICE: 3,
  TO_SERVICE: 6,
  TO_METHOD: 9,
  /** Decimal milliseconds. */
  RPC_TIMEOUT: 12,
  MESSAGE_TYPE: 22,
} as const;

const MAGIC = 0x1000;
const BLOCK = { PADDING: 0, STRINGS: 0x01, NUMBERED: 0x10, ACL_TOKEN: 0x11 } as const;

/**
 * Reads a frame, without its length. Throws a RpcError: INVALID_ARGUMENT when it is malformed, UNIMPLEMENTED for a
 * transform.
 *
 *     10 00 | flags | sequence id | size ÷ 4 | u8 protocol id | u8 transforms (0) | blocks | payload
 *     01 | u16 pairs | (u16 length | key | u16 length | value)…
 *     10 | u16 pairs | (u16 key | u16 length | value)…
 *     11 | u16 length | token
 *     00   padding
 */
export function readTTHeader(frame: Uint8Array): HeaderFrame {
  const buffer = asBuffer(frame);
  const end = headersEnd(frame);
  let block = knownBlocks.get(frame, FIXED_BYTES, end);
  const known = block !== undefined;
  block ??= readBlock(buffer.subarray(0, end));
  const { protocolId, pairs, numbered } = block;
  return {
    flags: buffer.readUInt16BE(2),
    sequenceId: buffer.readInt32BE(4),
    protocolId,
    zlib: false,
    pairs,
    numbered,
    isKnown: known || knownBlocks.add(frame, FIXED_BYTES, end, block),
    payload: frame.subarray(end),
  };
}

/** What stands in the headers, whichever frame they are of. */
type Block = Pick<HeaderFrame, "protocolId" | "pairs" | "numbered">;

const knownBlocks = createKnownHeaders<Block>();

function readBlock(headers: Buffer): Block {
  const cursor = new Cursor(headers);
  const protocolId = cursor.u8();
  const transforms = cursor.u8();
  if (transforms > 0) {
    throw new RpcError("UNIMPLEMENTED", `the transform ${cursor.u8()} is not served: expected none`, {
      cause: new ThriftFault(EXCEPTION_TYPE.INVALID_TRANSFORM),
    });
  }
  const pairs: string[] = [];
  let numbered: Map<number, string> | undefined;
  while (cursor.at < headers.length) {
    const block = cursor.u8();
    if (block === BLOCK.STRINGS) {
      for (let count = cursor.u16(); count > 0; count--) pairs.push(cursor.text(), cursor.text());
    } else if (block === BLOCK.NUMBERED) {
      numbered ??= new Map();
      for (let count = cursor.u16(); count > 0; count--) numbered.set(cursor.u16(), cursor.text());
    } else if (block === BLOCK.ACL_TOKEN) {
      cursor.text();
    } else if (block !== BLOCK.PADDING) {
      throw new RpcError(
        "INVALID_ARGUMENT",
        `headers of the unknown kind ${block} at byte ${cursor.at - 1}: expected 0, 1, 16 or 17`,
      );
    }
  }
  return { protocolId, pairs, numbered: numbered ?? NOTHING_NUMBERED };
}

const readText = createTextReader();

/** Reads what stands in the headers, and no further. */
class Cursor {
  readonly #buffer: Buffer;
  at = FIXED_BYTES;

  constructor(headers: Buffer) {
    this.#buffer = headers;
  }

  u8(): number {
    return this.#buffer[this.#take(1)]!;
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  text(): string {
    const length = this.u16();
    const start = this.#take(length);
    return readText(this.#buffer, start, start + length);
  }

  #take(bytes: number): number {
    const start = this.at;
    if (bytes > this.#buffer.length - start) {
      throw new RpcError("INVALID_ARGUMENT", `a header at byte ${start} ends behind the headers`);
    }
    this.at += bytes;
    return start;
  }
}

/** Headers as they are written, without what pads them. */
export function encodeHeaders({ protocolId, pairs, numbered }: Block): Buffer {
  let bytes = 2 + (pairs.length > 0 ? 3 : 0) + (numbered.size > 0 ? 3 : 0);
  for (const text of pairs) bytes += 2 + textBytes(text);
  for (const value of numbered.values()) bytes += 4 + textBytes(value);
  paddedSize(bytes);
  const out = Buffer.allocUnsafe(bytes);
  let at = out.writeUInt8(protocolId, 0);
  at = out.writeUInt8(0, at);
  if (pairs.length > 0) {
    at = out.writeUInt8(BLOCK.STRINGS, at);
    at = out.writeUInt16BE(pairs.length / 2, at);
    for (const text of pairs) at = writeSized(out, text, at);
  }
  if (numbered.size > 0) {
    at = out.writeUInt8(BLOCK.NUMBERED, at);
    at = out.writeUInt16BE(numbered.size, at);
    for (const [key, value] of numbered) at = writeSized(out, value, out.writeUInt16BE(key, at));
  }
  return out;
}

function writeSized(out: Buffer, text: string, at: number): number {
  const end = writeText(out, text, at + 2);
  out.writeUInt16BE(end - at - 2, at);
  return end;
}

/**
 * Writes a frame with its length; `message(room)` gives the payload behind so many bytes of room. Throws a RpcError
 * RESOURCE_EXHAUSTED when the headers pass 32 KiB.
 */
export function writeTTHeader(head: FrameHead, message: (roomBytes: number) => Buffer): Buffer {
  return writeEncoded(head, encodeHeaders(head), message);
}

/** What stands of a frame before its headers. */
export type FrameStart = Pick<FrameHead, "flags" | "sequenceId">;

/** The same with the bytes of `encodeHeaders`. */
export function writeEncoded(start: FrameStart, headers: Uint8Array, message: (roomBytes: number) => Buffer): Buffer {
  const headerBytes = paddedSize(headers.length);
  const roomBytes = 4 + FIXED_BYTES + headerBytes;
  const out = message(roomBytes);
  const at = writeFixedPart(out, MAGIC, start, headerBytes);
  out.set(headers, at);
  for (let i = at + headers.length; i < roomBytes; i++) out[i] = BLOCK.PADDING;
  return out;
}
