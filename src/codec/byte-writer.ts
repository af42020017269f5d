// The interpreter's output.

/** Bytes that grow. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** The view to write `n` bytes into, and where; they then count as written. */
  #room(n: number): number {
    const at = this.length;
    this.length += n;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value);
  }

  u32(value: number, littleEndian = false): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, littleEndian);
  }

  u64(value: bigint, littleEndian = false): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value, littleEndian);
  }

  raw(content: Uint8Array): void {
    const at = this.#room(content.length);
    this.#bytes.set(content, at);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}
