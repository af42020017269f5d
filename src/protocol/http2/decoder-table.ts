// The dynamic table of HPACK's decoder (RFC 7541 section 2.3.2): a ring, the newest entry first.
import { FIELD_OVERHEAD_BYTES } from "./static-table.ts";

/** Fields that the peer refers to by number; each with its kind. */
export class DecoderTable {
  #names: string[] = [];
  #values: string[] = [];
  #kinds: number[] = [];
  /** Where the newest entry stands; older ones follow, around the end. */
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The slot of an index that is below `count`. */
  slotOf(index: number): number {
    return (this.#newest + index) & (this.#names.length - 1);
  }

  nameAt(slot: number): string {
    return this.#names[slot]!;
  }

  valueAt(slot: number): string {
    return this.#values[slot]!;
  }

  kindAt(slot: number): number {
    return this.#kinds[slot]!;
  }

  /** Makes room and adds; a field that is larger than the table empties it and is not added. */
  add(name: string, value: string, kind: number): void {
    const bytes = name.length + value.length + FIELD_OVERHEAD_BYTES;
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.#count === this.#names.length) this.#grow();
    this.#newest = (this.#newest - 1) & (this.#names.length - 1);
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#kinds[this.#newest] = kind;
    this.#count++;
    this.#bytes += bytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const slot = this.slotOf(--this.#count);
      this.#bytes -= this.#names[slot]!.length + this.#values[slot]!.length + FIELD_OVERHEAD_BYTES;
      this.#names[slot] = "";
      this.#values[slot] = "";
    }
  }

  #grow(): void {
    const order = Array.from({ length: this.#count }, (_, index) => this.slotOf(index));
    const names = order.map((slot) => this.#names[slot]!);
    const values = order.map((slot) => this.#values[slot]!);
    const kinds = order.map((slot) => this.#kinds[slot]!);
    const free = Math.max(8, this.#count);
    this.#names = [...names, ...new Array<string>(free).fill("")];
    this.#values = [...values, ...new Array<string>(free).fill("")];
    this.#kinds = [...kinds, ...new Array<number>(free).fill(0)];
    this.#newest = 0;
  }
}
