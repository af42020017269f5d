// A field by its path in Thrift's binary and compact encodings: structs are entered, everything else is stepped over.
import type { Field } from "../schema/model.ts";
import { integerText, MAX_VALUE_BYTES, textAt } from "./field-text.ts";

const MAX_DEPTH = 64;

/** What the two encodings differ in. Types are those of the encoding. */
interface Cursor {
  /** The next field of a struct whose last one had the id `before`; undefined at its end. */
  field(before: number): { readonly type: number; readonly id: number } | undefined;
  isStruct(type: number): boolean;
  isText(type: number): boolean;
  /** How many bytes of text follow. */
  length(): number;
  /** An integer or a bool; undefined when the type is neither. */
  integer(type: number): bigint | undefined;
  skip(type: number, depth: number): void;
  at: number;
}

/** See FindField. */
export function findInThriftBinary(bytes: Uint8Array, path: readonly Field[]): string | undefined {
  return find(binaryCursor(bytes), bytes, path);
}

/** See FindField. */
export function findInThriftCompact(bytes: Uint8Array, path: readonly Field[]): string | undefined {
  return find(compactCursor(bytes), bytes, path);
}

function find(cursor: Cursor, bytes: Uint8Array, path: readonly Field[]): string | undefined {
  let step = 0;
  let before = 0;
  for (;;) {
    const header = cursor.field(before);
    if (!header) return undefined;
    before = header.id;
    const field = path[step]!;
    if (header.id !== field.id) {
      cursor.skip(header.type, 0);
      continue;
    }
    if (step === path.length - 1) return textOfValue(cursor, bytes, field, header.type);
    if (!cursor.isStruct(header.type)) return undefined;
    step++;
    before = 0;
  }
}

function textOfValue(cursor: Cursor, bytes: Uint8Array, field: Field, type: number): string | undefined {
  if (cursor.isText(type)) {
    const length = cursor.length();
    if (length > bytes.length - cursor.at) throw new RangeError("a length beyond the end");
    return length <= MAX_VALUE_BYTES ? textAt(bytes, cursor.at, cursor.at + length) : undefined;
  }
  const value = cursor.integer(type);
  return value === undefined ? undefined : integerText(field, value);
}

const BINARY = { BOOL: 2, I8: 3, DOUBLE: 4, I16: 6, I32: 8, I64: 10, TEXT: 11, STRUCT: 12, MAP: 13, SET: 14, LIST: 15 };
const BINARY_SIZES: Readonly<Record<number, number>> = { 2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8, 16: 16 };

function binaryCursor(bytes: Uint8Array): Cursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  /** Steps over `n` bytes, which must be there. */
  function pass(n: number): number {
    const from = cursor.at;
    if (n < 0 || n > bytes.length - from) throw new RangeError("a value beyond the end");
    cursor.at += n;
    return from;
  }

  function skipAll(types: readonly number[], count: number, depth: number): void {
    if (count < 0 || depth >= MAX_DEPTH) throw new RangeError("a container that cannot be");
    const sizes = types.map((type) => BINARY_SIZES[type]);
    if (sizes.every((size) => size !== undefined)) pass(count * sizes.reduce((sum, size) => sum + size, 0));
    else for (let i = 0; i < count; i++) for (const type of types) cursor.skip(type, depth + 1);
  }

  const cursor: Cursor = {
    at: 0,
    field() {
      const type = view.getUint8(pass(1));
      return type === 0 ? undefined : { type, id: view.getInt16(pass(2)) };
    },
    isStruct: (type) => type === BINARY.STRUCT,
    isText: (type) => type === BINARY.TEXT,
    length: () => view.getUint32(pass(4)),
    integer(type) {
      if (type === BINARY.BOOL || type === BINARY.I8) return BigInt(view.getInt8(pass(1)));
      if (type === BINARY.I16) return BigInt(view.getInt16(pass(2)));
      if (type === BINARY.I32) return BigInt(view.getInt32(pass(4)));
      return type === BINARY.I64 ? view.getBigInt64(pass(8)) : undefined;
    },
    skip(type, depth) {
      const size = BINARY_SIZES[type];
      if (size !== undefined) pass(size);
      else if (type === BINARY.TEXT) pass(view.getUint32(pass(4)));
      else if (type === BINARY.STRUCT && depth < MAX_DEPTH) {
        for (let field = cursor.field(0); field; field = cursor.field(0)) cursor.skip(field.type, depth + 1);
      } else if (type === BINARY.MAP) {
        const types = [view.getUint8(pass(1)), view.getUint8(pass(1))];
        skipAll(types, view.getInt32(pass(4)), depth);
      } else if (type === BINARY.SET || type === BINARY.LIST) {
        const element = view.getUint8(pass(1));
        skipAll([element], view.getInt32(pass(4)), depth);
      } else throw new RangeError("no such type");
    },
  };
  return cursor;
}

const COMPACT = {
  TRUE: 1,
  FALSE: 2,
  I8: 3,
  I16: 4,
  I64: 6,
  DOUBLE: 7,
  TEXT: 8,
  LIST: 9,
  SET: 10,
  MAP: 11,
  STRUCT: 12,
  UUID: 13,
};

function compactCursor(bytes: Uint8Array): Cursor {
  function byte(): number {
    const value = bytes[cursor.at++];
    if (value === undefined) throw new RangeError("the end of the message");
    return value;
  }

  function pass(n: number): void {
    if (n > bytes.length - cursor.at) throw new RangeError("a value beyond the end");
    cursor.at += n;
  }

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = byte();
      value |= BigInt(next & 127) << shift;
      if (next < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a varint of more than 10 bytes");
  }

  function zigzag(): bigint {
    const value = varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  /** In a container a bool takes a byte, where a field has it in its header. */
  function skipElement(type: number, depth: number): void {
    if (type === COMPACT.TRUE || type === COMPACT.FALSE) byte();
    else cursor.skip(type, depth);
  }

  const cursor: Cursor = {
    at: 0,
    field(before) {
      const header = byte();
      const type = header & 15;
      if (type === 0) return undefined;
      return { type, id: header >> 4 === 0 ? Number(zigzag()) : before + (header >> 4) };
    },
    isStruct: (type) => type === COMPACT.STRUCT,
    isText: (type) => type === COMPACT.TEXT,
    length: () => Number(varint()),
    integer(type) {
      if (type === COMPACT.TRUE || type === COMPACT.FALSE) return type === COMPACT.TRUE ? 1n : 0n;
      if (type === COMPACT.I8) return BigInt.asIntN(8, BigInt(byte()));
      return type >= COMPACT.I16 && type <= COMPACT.I64 ? zigzag() : undefined;
    },
    skip(type, depth) {
      if (depth >= MAX_DEPTH) throw new RangeError("nested too deep");
      if (type === COMPACT.TRUE || type === COMPACT.FALSE) return;
      if (type === COMPACT.I8) byte();
      else if (type >= COMPACT.I16 && type <= COMPACT.I64) varint();
      else if (type === COMPACT.DOUBLE) pass(8);
      else if (type === COMPACT.UUID) pass(16);
      else if (type === COMPACT.TEXT) pass(Number(varint()));
      else if (type === COMPACT.LIST || type === COMPACT.SET) {
        const header = byte();
        const count = header >> 4 === 15 ? Number(varint()) : header >> 4;
        for (let i = 0; i < count; i++) skipElement(header & 15, depth + 1);
      } else if (type === COMPACT.MAP) {
        const count = Number(varint());
        const types = count === 0 ? 0 : byte();
        for (let i = 0; i < count; i++) {
          skipElement(types >> 4, depth + 1);
          skipElement(types & 15, depth + 1);
        }
      } else if (type === COMPACT.STRUCT) {
        let before = 0;
        for (let field = cursor.field(0); field; field = cursor.field(before)) {
          before = field.id;
          cursor.skip(field.type, depth + 1);
        }
      } else throw new RangeError("no such type");
    },
  };
  return cursor;
}
