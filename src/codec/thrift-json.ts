// What the reader and the writers of Thrift's JSON protocols share: they render the same typed values that the binary encoding
// holds, so each goes by way of its bytes, and all rules of translation stay in the binary reader and writer.
import type { MessageLink, ValueLink } from "../schema/link.ts";
import { insideOf, type ThriftBody } from "./thrift-binary.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** The names by which TJSON calls Thrift's types. */
export const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [THRIFT_TYPES.bool, "tf"],
  [THRIFT_TYPES.i8, "i8"],
  [THRIFT_TYPES.i16, "i16"],
  [THRIFT_TYPES.i32, "i32"],
  [THRIFT_TYPES.i64, "i64"],
  [THRIFT_TYPES.double, "dbl"],
  [THRIFT_TYPES.string, "str"],
  [THRIFT_TYPES.struct, "rec"],
  [THRIFT_TYPES.map, "map"],
  [THRIFT_TYPES.list, "lst"],
  [THRIFT_TYPES.set, "set"],
  [THRIFT_TYPES.uuid, "uid"],
]);

/** What stands under an id: its name and value, as far as the link knows them. */
export type Fields = (id: number) => { readonly name: string; readonly value: ValueLink } | undefined;

/** The fields of the struct that a body's bytes are. */
export function fieldsOfBody({ link, field }: ThriftBody): Fields {
  if (!field) return fieldsOfStruct(link);
  const inside = { name: field.name, value: { kind: "message", link, delimited: false } } as const;
  return (id) => (id === field.id ? inside : undefined);
}

/** The fields of a value; none if it is no struct. */
export function fieldsOfValue(value: ValueLink | undefined): Fields {
  const inside = value && insideOf(value);
  return inside?.kind === "message" ? fieldsOfStruct(inside.link) : () => undefined;
}

function fieldsOfStruct({ fields }: MessageLink): Fields {
  return (id) => {
    const found = fields.find(({ thrift }) => thrift.id === id);
    return found && { name: found.thrift.name, value: found.value };
  };
}

/** What the elements of a list or set are. */
export function elementOf(value: ValueLink | undefined): ValueLink | undefined {
  const inside = value && insideOf(value);
  return inside?.kind === "list" ? inside.element : undefined;
}

/** What the keys and values of a map are. */
export function partsOf(value: ValueLink | undefined): {
  readonly key?: ValueLink;
  readonly value?: ValueLink;
} {
  const inside = value && insideOf(value);
  return inside?.kind === "map" ? inside : {};
}

/** Whether a string on the wire is bytes to the IDL, which JSON has as base64. */
export function isBinary(value: ValueLink | undefined): boolean {
  const inside = value && insideOf(value);
  return inside?.kind === "scalar" && inside.thrift === "binary";
}
