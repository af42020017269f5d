// Key/value pairs that travel with a call on every wire that has room for them.

/** Metadata that many callers send alike, by its pairs; what is longer, or says who somebody is, is not kept. */
const shared = new Map<string, Metadata>();
const MAX_SHARED = 1_024;
const MAX_SHARED_CHARACTERS = 512;
const PERSONAL: readonly string[] = ["authorization", "cookie"];

/**
 * Immutable, ordered, keys in lower case, repeated keys kept. The value of a key that ends in `-bin` is unpadded base64,
 * as on the gRPC wire; every other value is text.
 */
export class Metadata implements Iterable<readonly [key: string, value: string]> {
  static readonly EMPTY = new Metadata([]);

  /** Keys at even, values at odd positions: one array for the hot path. */
  readonly #flat: readonly string[];
  /** What `behind` was asked for last, and its answer. */
  #first: Metadata | undefined = undefined;
  #joined: Metadata | undefined = undefined;

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

  /** The pairs of `first`, then these; the very same object again when asked for again with the same `first`. */
  behind(first: Metadata): Metadata {
    if (this.#flat.length === 0) return first;
    if (this.#first !== first || this.#joined === undefined) {
      this.#first = first;
      this.#joined = new Metadata([...first.#flat, ...this.#flat]);
    }
    return this.#joined;
  }

  /**
   * The object that stands for all metadata with these pairs that is shared; this one, if it is the first of them. Worth it
   * for what comes again and again, over many connections: what is made of it is made once.
   */
  shared(): Metadata {
    if (this.#flat.length === 0 || PERSONAL.some((key) => this.get(key) !== undefined)) return this;
    const key = this.#flat.join("\0");
    if (key.length > MAX_SHARED_CHARACTERS) return this;
    const known = shared.get(key);
    if (known) return known;
    if (shared.size >= MAX_SHARED) shared.clear();
    shared.set(key, this);
    return this;
  }

  /** Whether any key begins so. */
  hasPrefix(prefix: string): boolean {
    const flat = this.#flat;
    for (let i = 0; i < flat.length; i += 2) if (flat[i]?.startsWith(prefix)) return true;
    return false;
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
