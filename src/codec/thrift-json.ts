// What the reader and the writers of Thrift's JSON protocols share: they render the same typed values that the binary encoding
// holds, so each goes by way of its bytes, and all rules of translation stay in the binary reader and writer.
import type { FieldType, MessageType } from "../schema/model.ts";
import type { ThriftBody } from "./thrift-binary.ts";
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

/** The field of an id: its name and type, as far as the IDL knows them. */
export type Fields = (id: number) => { readonly name: string; readonly type: FieldType } | undefined;

/** The fields of the struct that a body's bytes are. */
export function fieldsOfBody({ link, field }: ThriftBody): Fields {
  if (!field) return fieldsOfStruct(link.thrift);
  const inside = { name: field.name, type: { kind: "message", type: link.thrift, delimited: false } } as const;
  return (id) => (id === field.id ? inside : undefined);
}

/** The fields of a value; none if it is no struct. */
export function fieldsOfType(type: FieldType | undefined): Fields {
  return type?.kind === "message" ? fieldsOfStruct(type.type) : () => undefined;
}

function fieldsOfStruct({ fieldsById }: MessageType): Fields {
  return (id) => fieldsById.get(id);
}

/** The type of the elements of a list or set. */
export function elementOf(type: FieldType | undefined): FieldType | undefined {
  return type?.kind === "list" || type?.kind === "set" ? type.element : undefined;
}

/** Whether a string on the wire is bytes to the IDL, which JSON has as base64. */
export function isBinary(type: FieldType | undefined): boolean {
  return type?.kind === "scalar" && type.name === "binary";
}
