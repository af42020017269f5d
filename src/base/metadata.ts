// Key/value pairs that travel with a call on every wire that has room for them.

/**
 * Immutable, ordered, keys in lower case, repeated keys kept. The value of a key that ends in `-bin` is unpadded base64,
 * as on the gRPC wire; every other value is text.
 */
export class Metadata implements Iterable<readonly [key: string, value: string]> {
  static readonly EMPTY = new Metadata([]);

  /** Keys at even, values at odd positions: one array for the hot path. */
  readonly #flat: readonly string[];

  private constructor(flat: readonly string[]) {
    this.#flat = flat;
  }

  /** Takes ownership of `flat`: lower-case keys at even, values at odd positions. */
  static fromFlat(flat: readonly string[]): Metadata {
    return flat.length === 0 ? Metadata.EMPTY : new Metadata(flat);
  }

  /** Copies pairs; keys are put in lower case. */
  static from(pairs: Iterable<readonly [string, string]>): Metadata {
    const flat: string[] = [];
    for (const [key, value] of pairs) flat.push(key.toLowerCase(), value);
    return Metadata.fromFlat(flat);
  }

  /** How many pairs there are. */
  get size(): number {
    return this.#flat.length / 2;
  }

  /** The first value of a lower-case key. */
  get(key: string): string | undefined {
    const flat = this.#flat;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return flat[i + 1];
    return undefined;
  }

  /** All values of a lower-case key, in order. */
  getAll(key: string): string[] {
    const values: string[] = [];
    for (const [name, value] of this) if (name === key) values.push(value);
    return values;
  }

  /** A copy with one more pair at the end. */
  with(key: string, value: string): Metadata {
    return new Metadata([...this.#flat, key.toLowerCase(), value]);
  }

  /** A copy that holds only the pairs that `keep` accepts; itself when it accepts all. */
  filter(keep: (key: string, value: string) => boolean): Metadata {
    const kept: string[] = [];
    for (const [key, value] of this) if (keep(key, value)) kept.push(key, value);
    return kept.length === this.#flat.length ? this : Metadata.fromFlat(kept);
  }

  *[Symbol.iterator](): Generator<readonly [string, string]> {
    const flat = this.#flat;
    for (let i = 0; i < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string];
  }
}
