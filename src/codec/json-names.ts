// The names of fields and enum values in JSON: lowerCamelCase (or json_name) is written; that, the .proto file's name and the
// Thrift file's name are read.
import type { FieldLink, MessageLink } from "../schema/link.ts";
import type { EnumType, Field } from "../schema/model.ts";

const readNames = new WeakMap<MessageLink, ReadonlyMap<string, FieldLink>>();

/** The field that a member's name means. */
export function fieldByJsonName(link: MessageLink, name: string): FieldLink | undefined {
  let names = readNames.get(link);
  if (!names) {
    // The earlier kind of name wins where two fields share one.
    const all = new Map<string, FieldLink>();
    for (const nameOf of [jsonName, originalName, thriftName]) {
      for (const field of link.fields) if (!all.has(nameOf(field))) all.set(nameOf(field), field);
    }
    names = all;
    readNames.set(link, all);
  }
  return names.get(name);
}

/** The name that is written. */
export function jsonName({ protobuf }: FieldLink): string {
  return jsonNameOfField(protobuf);
}

/** As the Protobuf JSON mapping has it: json_name, else the name with each `_x` as `X`. */
export function jsonNameOfField(field: Field): string {
  return field.annotations.find(([key]) => key === "json_name")?.[1] ?? toCamel(field.name);
}

function originalName({ protobuf }: FieldLink): string {
  return protobuf.rules.name ?? protobuf.name;
}

function thriftName({ thrift }: FieldLink): string {
  return thrift.name;
}

export function toCamel(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

/** The inverse for names that have it, as paths of a FieldMask must. */
export function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The number of an enum value by its name in any of the types. */
export function enumNumber(types: readonly EnumType[], name: string): number | undefined {
  for (const { values } of types) {
    const found = values.find((value) => value.name === name || value.rules.name === name);
    if (found) return found.number;
  }
  return undefined;
}
