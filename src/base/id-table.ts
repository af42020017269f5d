// What is in flight, by its number. A Map does the same, but not for things that come and go with every call: V8 leaves a
// table that a Map has outgrown linked to its successor, with what was in it then, so once one of them is old all calls
// after it survive every minor collection.

const MIN_SLOTS = 8;
/** More than so many slots are given back when nothing is left. */
const KEPT_SLOTS = 256;

/** What all empty ones have: thousands of connections are idle. */
const NO_IDS = new Int32Array(0);
const NO_VALUES: never[] = [];

/** Values by integers of 32 bits: open addressing with linear probing, at most half full. An empty one holds no slots. */
export class IdTable<T extends object> {
  #ids = NO_IDS;
  #values: (T | undefined)[] = NO_VALUES;
  /** A hash's high bits are the slot. */
  #shift = 32;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    const at = this.#find(id);
    return at < 0 ? undefined : this.#values[at];
  }

  has(id: number): boolean {
    return this.#find(id) >= 0;
  }

  set(id: number, value: T): void {
    const known = this.#find(id);
    if (known >= 0) {
      this.#values[known] = value;
      return;
    }
    if (2 * (this.#size + 1) > this.#values.length) this.#resize(Math.max(MIN_SLOTS, 2 * this.#values.length));
    this.#insert(id, value);
    this.#size++;
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const at = this.#find(id);
    if (at < 0) return false;
    this.#size--;
    this.#close(at);
    if (this.#size === 0 && this.#values.length > KEPT_SLOTS) this.clear();
    return true;
  }

  clear(): void {
    this.#ids = NO_IDS;
    this.#values = NO_VALUES;
    this.#shift = 32;
    this.#size = 0;
  }

  /** Those that are there now, in no order. */
  values(): T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** The slot of an id; below 0 when it has none. */
  #find(id: number): number {
    if (this.#size === 0) return -1;
    const mask = this.#values.length - 1;
    for (let at = this.#slotOf(id); this.#values[at] !== undefined; at = (at + 1) & mask) {
      if (this.#ids[at] === id) return at;
    }
    return -1;
  }

  /** Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4). */
  #slotOf(id: number): number {
    return Math.imul(id, 0x9e3779b1) >>> this.#shift;
  }

  #insert(id: number, value: T): void {
    const mask = this.#values.length - 1;
    let at = this.#slotOf(id);
    while (this.#values[at] !== undefined) at = (at + 1) & mask;
    this.#ids[at] = id;
    this.#values[at] = value;
  }

  /** Empties a slot, and moves those behind it that would not be found any more (Knuth's algorithm R in the same place). */
  #close(empty: number): void {
    const mask = this.#values.length - 1;
    let hole = empty;
    for (let at = (hole + 1) & mask; this.#values[at] !== undefined; at = (at + 1) & mask) {
      const home = this.#slotOf(this.#ids[at]!);
      // Whether the hole lies on the way from its home to where it is.
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#ids[hole] = this.#ids[at]!;
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#values[hole] = undefined;
  }

  #resize(slots: number): void {
    const [ids, values] = [this.#ids, this.#values];
    this.#ids = new Int32Array(slots);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
    this.#shift = 32 - Math.log2(slots);
    for (const [i, value] of values.entries()) if (value !== undefined) this.#insert(ids[i]!, value);
  }
}
