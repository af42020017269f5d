// Bytes that come in pieces, joined.

const NOTHING = new Uint8Array(0);

/** Up to this size all the memory that was announced is taken at once; a length alone shall not reserve more. */
const TRUSTED_BYTES = 256 * 1024;

/** Grows by doubling, so that the copies stay linear in the bytes however small the pieces are. */
export class ByteGatherer {
  #memory: Uint8Array = NOTHING;
  #length = 0;

  /** How many bytes there are. */
  get length(): number {
    return this.#length;
  }

  /** What there is so far: a view, which stays as it is until `truncate` is followed by `append`. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Adds a copy of `piece`. `expectedBytes` is what there will be in all, if that is known. */
  append(piece: Uint8Array, expectedBytes?: number): void {
    const needed = this.#length + piece.length;
    if (needed > this.#memory.length) {
      const grown = Buffer.allocUnsafeSlow(capacity(needed, this.#length, expectedBytes));
      grown.set(this.bytes);
      this.#memory = grown;
    }
    this.#memory.set(piece, this.#length);
    this.#length = needed;
  }

  /** Forgets the bytes from `length` on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** The bytes, which are the taker's from now on; nothing is left here. */
  take(): Uint8Array {
    const taken = this.bytes;
    this.#memory = NOTHING;
    this.#length = 0;
    return taken;
  }
}

function capacity(needed: number, length: number, expected: number | undefined): number {
  const doubled = Math.max(needed, 2 * length);
  if (expected === undefined) return Math.max(doubled, 512);
  return Math.max(needed, Math.min(expected, Math.max(doubled, TRUSTED_BYTES)));
}
