// What a connection has to say, joined: frames are written side by side into few large buffers, which the owner of the
// socket takes once per turn of the event loop.
import { FRAME_HEAD_BYTES } from "./frame.ts";

const CHUNK_BYTES = 64 * 1024;
/** As many as connections may have something to say in one turn; of a chunk only the pages that were written are in memory. */
const KEPT_CHUNKS = 256;

/** Buffers that nobody uses; connections flush one after the other, so that few serve many. */
const freeChunks: Buffer[] = [];

const NO_CHUNK: Buffer = Buffer.alloc(0);

/** The output of one connection; it holds memory only while something waits. */
export class Output {
  #chunk: Buffer = NO_CHUNK;
  #used = 0;
  /** Chunks before the last one, and how much of each is used: all of it. */
  #full: Buffer[] = [];
  #fullBytes = 0;
  #lent: Buffer | undefined;

  /** How many bytes wait. */
  get length(): number {
    return this.#fullBytes + this.#used;
  }

  /** Begins a frame; `length` bytes of payload must follow. */
  frame(length: number, type: number, flags: number, streamId: number): void {
    this.#reserve(FRAME_HEAD_BYTES + Math.min(length, 64));
    const chunk = this.#chunk;
    let at = this.#used;
    chunk[at++] = length >>> 16;
    chunk[at++] = length >>> 8;
    chunk[at++] = length;
    chunk[at++] = type;
    chunk[at++] = flags;
    chunk[at++] = streamId >>> 24;
    chunk[at++] = streamId >>> 16;
    chunk[at++] = streamId >>> 8;
    chunk[at++] = streamId;
    this.#used = at;
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#chunk[this.#used++] = value >>> 8;
    this.#chunk[this.#used++] = value;
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value & 0xffff);
  }

  /** Copies the bytes from `start` to `end`. */
  bytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= this.#chunk.length - this.#used) {
      this.#copy(source, start, end);
      return;
    }
    for (let at = start; at < end; ) {
      this.#reserve(1);
      const next = Math.min(end, at + this.#chunk.length - this.#used);
      this.#copy(source, at, next);
      at = next;
    }
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    // A call into the engine costs more than a few bytes.
    if (length <= 32) {
      for (let i = 0; i < length; i++) this.#chunk[this.#used + i] = source[start + i]!;
    } else {
      this.#chunk.set(length === source.length ? source : source.subarray(start, end), this.#used);
    }
    this.#used += length;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#chunk.length) return;
    if (this.#used > 0) {
      this.#full.push(this.#used === this.#chunk.length ? this.#chunk : this.#chunk.subarray(0, this.#used));
      this.#fullBytes += this.#used;
    }
    this.#chunk = freeChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#used = 0;
  }

  /** The next bytes, which are the taker's; undefined when nothing waits. */
  take(): Buffer | undefined {
    const full = this.#full.shift();
    if (full !== undefined) {
      this.#fullBytes -= full.length;
      this.#lent = full;
      return full;
    }
    if (this.#used === 0) return undefined;
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#lent = this.#chunk;
    this.#chunk = NO_CHUNK;
    this.#used = 0;
    return bytes;
  }

  /** Takes back the memory of what was taken last: it has been written. */
  reuse(): void {
    const lent = this.#lent;
    this.#lent = undefined;
    if (lent === undefined || freeChunks.length >= KEPT_CHUNKS) return;
    freeChunks.push(lent.length === CHUNK_BYTES ? lent : Buffer.from(lent.buffer, 0, CHUNK_BYTES));
  }
}
