// Headers that have come before: a client sends the same ones with every call, so their bytes are compared where they would be
// read. What does not come twice is not kept.

/** Headers that were read, of any frame with the same bytes. */
export interface KnownHeaders<T> {
  /** What was kept for the bytes from `start` up to `end`. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined;
  /** Keeps what the bytes that were last asked for in vain say, if they came before; returns whether it did. */
  add(bytes: Uint8Array, start: number, end: number, value: T): boolean;
}

const SLOTS = 256;
/** Larger headers are read each time. */
const MAX_BYTES = 512;

/** Keeps up to 256 headers of up to 512 bytes each: what came last among those that share a slot. */
export function createKnownHeaders<T>(): KnownHeaders<T> {
  const blocks = new Array<Uint8Array | undefined>(SLOTS).fill(undefined);
  const values = new Array<T | undefined>(SLOTS).fill(undefined);
  /** The hashes of those that came last, kept or not. */
  const seen = new Int32Array(SLOTS);
  let lastHash = 0;
  return {
    get(bytes, start, end) {
      if (end - start > MAX_BYTES) return undefined;
      lastHash = hashOf(bytes, start, end);
      const block = blocks[slotOf(lastHash)];
      return block !== undefined && isSame(block, bytes, start, end) ? values[slotOf(lastHash)] : undefined;
    },
    add(bytes, start, end, value) {
      if (end - start > MAX_BYTES) return false;
      const slot = slotOf(lastHash);
      if (seen[slot] !== lastHash) {
        seen[slot] = lastHash;
        return false;
      }
      // The frame is a view of all that came with it.
      blocks[slot] = Uint8Array.prototype.slice.call(bytes, start, end);
      values[slot] = value;
      return true;
    },
  };
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** The bytes by fours, which headers are padded to. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 3 < end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x9e3779b1);
  return hash ^ (hash >>> 13);
}

function isSame(block: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let i = 0; i < block.length; i++) if (block[i] !== bytes[start + i]) return false;
  return true;
}
