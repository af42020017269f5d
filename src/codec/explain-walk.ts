// What the walkers of explain.ts share: the cursor, the rows that they report, and how values are shown.
import type { FieldType, MessageType } from "../schema/model.ts";

/** Some bytes that belong together. */
export interface ByteRange {
  /** Bytes from the start of the message. */
  readonly at: number;
  /** Just behind the last byte. */
  readonly end: number;
  /** How many messages and containers it stands in. */
  readonly depth: number;
  /** For example `items[3].price`; a field that the IDL does not know stands as its number, the message itself as "". */
  readonly path: string;
  /** What the bytes say that they are, in the words of the encoding. */
  readonly wire: string;
  /** What the IDL says; undefined where it says nothing. */
  readonly type: string | undefined;
  /** Undefined for what only opens or closes something. */
  readonly value: string | undefined;
}

export type Visit = (range: ByteRange) => void;

/** Why a walk ended before the end. */
export interface ExplainError {
  /** The byte that is not what was expected. */
  readonly at: number;
  readonly path: string;
  readonly message: string;
}

/** Ends a walk where the bytes mean nothing any more. */
export class ExplainStop extends Error {
  readonly error: ExplainError;

  constructor(error: ExplainError) {
    super(error.message);
    this.error = error;
  }
}

/** A field, or a part of a map's entry. */
export interface Known {
  readonly name: string;
  /** Undefined where nothing says it. */
  readonly type: FieldType | undefined;
  /** Of an item of a MessageSet: the set. */
  readonly set?: MessageType;
}

/** What stands under each number of a level. */
export type Lookup = (id: number) => Known | undefined;

/** Knows no field, for bytes without an IDL. */
export const NOTHING_KNOWN: Lookup = () => undefined;

/** Looks up the fields of a type; none where there is no type. */
export function fieldsOf(type: MessageType | undefined): Lookup {
  return type ? (id) => type.fieldsById.get(id) : NOTHING_KNOWN;
}

/** A cursor over the bytes, bounded by `end`. */
export class Walk {
  readonly bytes: Buffer;
  readonly visit: Visit;
  readonly #maxDepth: number;
  at = 0;
  end: number;

  constructor(bytes: Uint8Array, maxDepth: number, visit: Visit) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.visit = visit;
    this.#maxDepth = maxDepth;
    this.end = bytes.length;
  }

  get left(): number {
    return this.end - this.at;
  }

  fail(at: number, path: string, message: string): never {
    throw new ExplainStop({ at, path, message });
  }

  checkDepth(depth: number, path: string): void {
    if (depth > this.#maxDepth)
      this.fail(this.at, path, `messages and containers are nested deeper than ${this.#maxDepth}`);
  }

  /** Where the next `length` bytes of a `what` stand, which are then behind. */
  take(length: number, path: string, what: string): number {
    const { at, left } = this;
    if (length > left) {
      this.fail(
        at,
        path,
        `expected ${plural(length, "byte")} of ${what}, and there ${left === 1 ? "is" : "are"} ${left || "none"} left`,
      );
    }
    this.at += length;
    return at;
  }

  /** A length of what follows, which must be there. */
  checkLength(length: number | bigint, at: number, path: string): void {
    if (length < 0 || length > this.left)
      this.fail(at, path, `the length ${length} is more than what is left, ${plural(this.left, "byte")}`);
  }

  varint(path: string, what: string): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.left === 0)
        this.fail(this.at, path, `expected another byte of ${what}, a varint that began at ${start}`);
      const byte = this.bytes[this.at++] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    return this.fail(start, path, `expected ${what}, but the varint is longer than 10 bytes`);
  }
}

/** A count with its noun: `1 byte`, `2 bytes`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** How an IDL would write the type. */
export function typeName(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
    case "message":
      return type.type.fullName;
    case "list":
      return `list<${typeName(type.element)}>`;
    case "set":
      return `set<${typeName(type.element)}>`;
    case "map":
      return `map<${typeName(type.key)}, ${typeName(type.value)}>`;
  }
}

/** An integer, with the name that an enum has for it. */
export function showInteger(value: bigint, type: FieldType | undefined): string {
  if (type?.kind !== "enum") return String(value);
  const named = type.type.valuesByNumber.get(Number(value));
  return `${value} (${named?.name ?? `not in ${type.type.fullName}`})`;
}

/** A double as text, which tells -0 from 0. */
export function showDouble(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Text in quotes if it is text, else hexadecimal; `declared` says that the IDL has text here. */
export function showBytes(bytes: Buffer, type: FieldType | undefined): string {
  const declared = type?.kind === "scalar" ? type.name : undefined;
  const text = declared === "bytes" || declared === "binary" ? undefined : textOf(bytes);
  if (text !== undefined && (declared === "string" || isPrintable(text))) return JSON.stringify(text);
  const hex = bytes.length === 0 ? "no bytes" : `0x${bytes.toString("hex")}`;
  return declared === "string" ? `${hex} (not UTF-8)` : hex;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined for what is not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a person could have written it. */
export function isPrintable(text: string): boolean {
  return !/[^\P{C}\t\n\r]/u.test(text);
}
