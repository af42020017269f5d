// An independent reader of Thrift binary messages, written from the specification: it says what must become of bytes on a
// Thrift connection, so that nothing has to be taken on the word of what is tested.

/** A message's header, and where its struct begins. */
export interface Header {
  readonly strict: boolean;
  readonly name: string;
  readonly type: number;
  readonly sequenceId: number;
  readonly bodyAt: number;
}

/** What stands somewhere: `partial` is what more bytes could still make whole, `broken` what none can. */
export type Found<T> =
  | { readonly kind: "whole"; readonly value: T }
  | { readonly kind: "partial" }
  | { readonly kind: "broken" };

const PARTIAL = { kind: "partial" } as const;
const BROKEN = { kind: "broken" } as const;

/** Ends a walk from wherever it is. */
class Stopped extends Error {
  readonly found: typeof PARTIAL | typeof BROKEN;

  constructor(found: typeof PARTIAL | typeof BROKEN) {
    super(found.kind);
    this.found = found;
  }
}
const MAX_NAME_BYTES = 1024;

/** The header at `at`. */
export function readHeader(bytes: Buffer, at = 0): Found<Header> {
  if (bytes.length < at + 4) return PARTIAL;
  const first = bytes.readInt32BE(at);
  const strict = first < 0;
  if (strict && first >>> 16 !== 0x8001) return BROKEN;
  const nameAt = strict ? at + 8 : at + 4;
  if (strict && bytes.length < nameAt) return PARTIAL;
  const length = strict ? bytes.readInt32BE(at + 4) : first;
  if (length < 0 || length > MAX_NAME_BYTES) return BROKEN;
  const end = nameAt + length;
  const bodyAt = end + (strict ? 4 : 5);
  if (bytes.length < bodyAt) return PARTIAL;
  const type = strict ? first & 0xff : bytes[end]!;
  const value = {
    strict,
    name: bytes.toString("utf8", nameAt, end),
    type,
    sequenceId: bytes.readInt32BE(bodyAt - 4),
    bodyAt,
  };
  return { kind: "whole", value };
}

/** The sizes of the types that have one. */
const SIZES = new Map([
  [2, 1],
  [3, 1],
  [4, 8],
  [6, 2],
  [8, 4],
  [10, 8],
  [16, 16],
]);
const [STRING, STRUCT, MAP, SET, LIST] = [11, 12, 13, 14, 15];

/** Bounds that a reader has. */
export interface Bounds {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/** Where the struct at `at` ends; `from` is where its message begins. */
export function structEnd(bytes: Buffer, at: number, { maxBytes, maxDepth }: Bounds, from = 0): Found<number> {
  const stop = (found: typeof PARTIAL | typeof BROKEN): never => {
    throw new Stopped(found);
  };
  const need = (n: number, position: number): number => (position + n <= bytes.length ? position : stop(PARTIAL));

  function count(position: number): number {
    const n = bytes.readInt32BE(need(4, position));
    return n < 0 || n > maxBytes - (position - from) ? stop(BROKEN) : n;
  }

  function known(type: number): number {
    return SIZES.has(type) || (type >= STRING! && type <= LIST!) ? type : stop(BROKEN);
  }

  function elements(n: number, types: readonly number[], position: number, depth: number): number {
    if (n === 0) return position;
    const sizes = types.map((type) => SIZES.get(known(type)));
    if (sizes.every((size) => size !== undefined)) return position + n * sizes.reduce((sum, size) => sum + size, 0);
    if (depth > maxDepth) stop(BROKEN);
    let end = position;
    for (let i = 0; i < n; i++) for (const type of types) end = value(type, end, depth + 1);
    return end;
  }

  /** The end of a value; structs and containers at `depth`, the outermost at 1. */
  function value(type: number, position: number, depth: number): number {
    if (position - from > maxBytes) stop(BROKEN);
    const size = SIZES.get(known(type));
    if (size !== undefined) return position + size;
    if (type === STRING) {
      const length = count(position);
      return position + 4 + length;
    }
    if (type === MAP) {
      need(6, position);
      return elements(count(position + 2), [bytes[position]!, bytes[position + 1]!], position + 6, depth);
    }
    if (type === SET || type === LIST) {
      need(5, position);
      return elements(count(position + 1), [bytes[position]!], position + 5, depth);
    }
    if (depth > maxDepth) stop(BROKEN);
    let end = position;
    for (;;) {
      if (end - from > maxBytes) stop(BROKEN);
      const next = bytes[need(1, end)]!;
      if (next === 0) return end + 1;
      need(3, end);
      end = value(known(next), end + 3, depth + 1);
    }
  }

  try {
    const end = value(STRUCT!, at, 1);
    if (end - from > maxBytes) return BROKEN;
    return end <= bytes.length ? { kind: "whole", value: end } : PARTIAL;
  } catch (error) {
    if (error instanceof Stopped) return error.found;
    throw error;
  }
}
