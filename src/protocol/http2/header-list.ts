// Header lists, and what a received one is beside its fields.

/** Names in lower case at even, values at odd positions, pseudo headers first; characters up to U+00FF. */
export type HeaderList = readonly string[];

/** No fields. */
export const NO_FIELDS: HeaderList = [];

/** A decoded header block. One that was recognised by its bytes is the same object again, list included. */
export interface HeaderBlock {
  /** Incomplete if it is too large. */
  readonly list: HeaderList;
  /** The bits of KIND of all its fields. */
  readonly kinds: number;
  /** Why it can be in no message, if it cannot. */
  readonly fault: string | undefined;
  /** What content-length says; -1 without one. */
  readonly contentLength: number;
  /** Names and values and 32 a field are more than maxHeaderListBytes. */
  readonly tooLarge: boolean;
}

const neverIndexedNames = new WeakMap<HeaderList, ReadonlySet<string>>();

/** The names of a received list whose values must never enter a table (RFC 7541 section 7.1.3); undefined for none. */
export function neverIndexedOf(list: HeaderList): ReadonlySet<string> | undefined {
  return neverIndexedNames.get(list);
}

/** Marks names of a list as never to be indexed; sending the list keeps to it. */
export function markNeverIndexed(list: HeaderList, names: ReadonlySet<string>): void {
  neverIndexedNames.set(list, names);
}
