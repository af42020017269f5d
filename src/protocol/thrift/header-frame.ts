// What THeader and TTHeader have in common: the fixed part before the headers, and the bounds.
import { RpcError } from "../../base/errors.ts";
import { asBuffer } from "./message.ts";

/** A frame of either, without its length. */
export interface HeaderFrame {
  readonly flags: number;
  /** Signed 32 bits. */
  readonly sequenceId: number;
  readonly protocolId: number;
  /** Whether the payload came, or shall go, compressed with zlib. */
  readonly zlib: boolean;
  /** Keys at even, values at odd positions, in the order of the wire. */
  readonly pairs: readonly string[];
  /** TTHeader's integer keys. */
  readonly numbered: ReadonlyMap<number, string>;
  /** Whether the same bytes of headers have come before: `pairs` is then the very same array each time. */
  readonly isKnown: boolean;
  /** The message; empty for a signal. */
  readonly payload: Uint8Array;
}

/** What is written before a message. */
export type FrameHead = Omit<HeaderFrame, "payload" | "isKnown">;

/** Most bytes of a frame's headers, in either direction. */
const MAX_HEADER_BYTES = 32 * 1024;

/** Bytes of a frame before its headers, without the frame's length. */
export const FIXED_BYTES = 10;

/** The integer keys of a frame that has none. */
export const NOTHING_NUMBERED: ReadonlyMap<number, string> = new Map();

/** Replies to a frame with this flag may overtake those to earlier ones. */
export const OUT_OF_ORDER_FLAG = 0x01;

/** Which of the two a frame is, by its first two bytes; undefined when it is neither. */
export function headerKind(frame: Uint8Array): "theader" | "ttheader" | undefined {
  if (frame[0] === 0x0f && frame[1] === 0xff) return "theader";
  if (frame[0] === 0x10 && frame[1] === 0x00) return "ttheader";
  return undefined;
}

/** The sequence id of a frame that may be cut short; 0 when it is not there. */
export function frameSequenceId(frame: Uint8Array): number {
  return frame.length < 8 ? 0 : asBuffer(frame).readInt32BE(4);
}

/** The flags of a frame that may be cut short. */
export function frameFlags(frame: Uint8Array): number {
  return frame.length < 4 ? 0 : asBuffer(frame).readUInt16BE(2);
}

/**
 * The offset behind the headers. Throws a RpcError: INVALID_ARGUMENT when the frame ends before them, RESOURCE_EXHAUSTED
 * above 32 KiB.
 *
 *     u16 magic | u16 flags | u32 sequence id | u16 size of the headers ÷ 4 | headers | payload
 */
export function headersEnd(frame: Uint8Array): number {
  if (frame.length < FIXED_BYTES) {
    throw new RpcError("INVALID_ARGUMENT", `the frame ends at byte ${frame.length}, before its headers`);
  }
  const size = ((frame[8]! << 8) | frame[9]!) * 4;
  if (size > MAX_HEADER_BYTES) throw headersTooLarge(size);
  const end = FIXED_BYTES + size;
  if (end > frame.length) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the frame ends at byte ${frame.length}, inside its ${size} bytes of headers`,
    );
  }
  return end;
}

/** Writes a frame's length and the fixed part of its headers; returns the offset behind. */
export function writeFixedPart(
  out: Buffer,
  magic: number,
  { flags, sequenceId }: Pick<FrameHead, "flags" | "sequenceId">,
  headerBytes: number,
): number {
  let at = out.writeUInt32BE(out.length - 4, 0);
  at = out.writeUInt16BE(magic, at);
  at = out.writeUInt16BE(flags, at);
  at = out.writeInt32BE(sequenceId, at);
  return out.writeUInt16BE(headerBytes / 4, at);
}

/** The size of headers padded to a multiple of 4. Throws a RpcError RESOURCE_EXHAUSTED above 32 KiB. */
export function paddedSize(bytes: number): number {
  const padded = (bytes + 3) & ~3;
  if (padded > MAX_HEADER_BYTES) throw headersTooLarge(padded);
  return padded;
}

function headersTooLarge(size: number): RpcError {
  return new RpcError(
    "RESOURCE_EXHAUSTED",
    `the headers of ${size} bytes pass the limit of ${MAX_HEADER_BYTES} bytes of a frame`,
  );
}
