// The names of fields and enum values in JSON: lowerCamelCase (or json_name) is written; that, the .proto file's name and the
// Thrift file's name are read.
import type { FieldLink, MessageLink } from "../schema/link.ts";
import type { EnumType, Extension, Field } from "../schema/model.ts";

const readNames = new WeakMap<MessageLink, ReadonlyMap<string, FieldLink>>();

/** The field that a member's name means. */
export function fieldByJsonName(link: MessageLink, name: string): FieldLink | undefined {
  return fieldsByName(link).get(name);
}

/** Every name that is read, those that are written first. */
export function jsonNames(link: MessageLink): Iterable<string> {
  return fieldsByName(link).keys();
}

function fieldsByName(link: MessageLink): ReadonlyMap<string, FieldLink> {
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
  return names;
}

/** That there is no such member, and the known name that is nearest, or else all of them. */
export function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `there is no such field; did you mean ${nearest}?`;
  const more = known.length > 10 ? " …" : "";
  return known.length === 0
    ? "there is no such field; the message has none"
    : `there is no such field; expected one of ${known.slice(0, 10).join(", ")}${more}`;
}

/** The candidate that the fewest edits lead to, if those are few for a name of that length. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.min(3, Math.ceil(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < fewest) [nearest, fewest] = [candidate, distance];
  }
  return nearest;
}

/** How many letters must be added, left out or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The name that is written. */
export function jsonName({ protobuf }: FieldLink): string {
  return jsonNameOfField(protobuf);
}

/** As the Protobuf JSON mapping has it: json_name, else the name with each `_x` as `X`; an extension's full name in brackets. */
export function jsonNameOfField(field: Field | Extension): string {
  if ("extendee" in field) return `[${field.fullName}]`;
  return field.annotations.find(([key]) => key === "json_name")?.[1] ?? toCamel(field.name);
}

function originalName({ protobuf }: FieldLink): string {
  return protobuf.rules.name ?? protobuf.name;
}

function thriftName({ thrift }: FieldLink): string {
  return thrift.name;
}

/** The name of a field in JSON, `order_id` as `orderId`, as protoc makes it. */
export function toCamel(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

/** The inverse for names that have it, as paths of a FieldMask must. */
export function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The number of an enum value by its name in any of the types; a derived enum's values go by the names before it, too. */
export function enumNumber(types: readonly EnumType[], name: string): number | undefined {
  for (const { values } of types) {
    const found = values.find((value) => value.name === name || value.rules.name === name);
    if (found) return found.number;
  }
  for (const { values, rules } of types) {
    const found = rules.prefix === undefined ? undefined : values.find((value) => value.name === rules.prefix + name);
    if (found) return found.number;
  }
  return undefined;
}
