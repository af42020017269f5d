// Explains JSON text: the Protobuf JSON mapping, and Thrift's JSON protocol, which names the type of each value. A range begins
// where a member or an element does, and reaches to where the next one begins.
import type { FieldType, MessageType } from "../schema/model.ts";
import {
  type ByteRange,
  ExplainStop,
  fieldsOf,
  type Known,
  type Lookup,
  plural,
  textOf,
  typeName,
  type Visit,
} from "./explain-walk.ts";
import { fieldPath } from "./fault.ts";
import { jsonNameOfField } from "./json-names.ts";
import { type JsonMember, type JsonNode, parseJson } from "./json-text.ts";
import { TYPE_NAMES } from "./thrift-json.ts";

/** The Protobuf JSON mapping, and Thrift's simple JSON. */
export function explainJson(bytes: Uint8Array, type: MessageType | undefined, maxDepth: number, visit: Visit): void {
  const rows = new TextRows(bytes, visit);
  // Lists of entries and wrappers add levels of JSON to those of the message.
  const root = rows.parse(maxDepth * 3 + 2);
  const whole: FieldType | undefined = type && { kind: "message", type, delimited: false };
  explainValue(rows, root, root.at, whole, 0, "");
  rows.finish();
}

/** Thrift's JSON protocol, as it writes structs. */
export function explainThriftJson(
  bytes: Uint8Array,
  type: MessageType | undefined,
  maxDepth: number,
  visit: Visit,
): void {
  const rows = new TextRows(bytes, visit);
  const root = rows.parse(maxDepth * 2 + 3);
  rows.add(root.at, { depth: 0, path: "", wire: "rec", type: type?.fullName, value: countOf(root) });
  explainStruct(rows, root, fieldsOf(type), 0, "");
  rows.finish();
}

type Row = Omit<ByteRange, "at" | "end">;

/** Text whose places are counted in bytes as the rows go on. */
class TextRows {
  readonly #bytes: Uint8Array;
  readonly #visit: Visit;
  readonly #text: string;
  readonly #start: number;
  /** How far bytes were counted. */
  #counted = { unit: 0, byte: 0 };
  #open: (Row & { readonly at: number }) | undefined;

  constructor(bytes: Uint8Array, visit: Visit) {
    this.#bytes = bytes;
    this.#visit = visit;
    const text = textOf(bytes);
    if (text === undefined) throw new ExplainStop({ at: 0, path: "", message: "expected JSON, and this is not UTF-8" });
    this.#start = text.startsWith("\uFEFF") ? 1 : 0;
    this.#text = text.slice(this.#start);
    this.#counted.byte = this.#start === 0 ? 0 : 3;
  }

  parse(maxDepth: number): JsonNode {
    return parseJson(this.#text, maxDepth, (at, reason) => this.fail(at, "", reason), { tjson: true });
  }

  fail(at: number, path: string, message: string): never {
    this.finish(at);
    throw new ExplainStop({ at: this.#byteAt(at), path, message });
  }

  /** A row that begins at a unit of the text, which is not before that of the row before. */
  add(at: number, row: Row): void {
    const start = this.#open ? this.#byteAt(at) : 0;
    this.#close(start);
    this.#open = { ...row, at: start };
  }

  finish(at?: number): void {
    this.#close(at === undefined ? this.#bytes.length : this.#byteAt(at));
  }

  #close(end: number): void {
    if (this.#open && end > this.#open.at) this.#visit({ ...this.#open, end });
    this.#open = undefined;
  }

  #byteAt(unit: number): number {
    const { unit: from, byte } = this.#counted;
    if (unit > from) this.#counted = { unit, byte: byte + Buffer.byteLength(this.#text.slice(from, unit)) };
    return this.#counted.byte;
  }
}

function countOf(node: JsonNode): string {
  if (node.kind === "object") return plural(node.members.length, "member");
  return node.kind === "array" ? plural(node.items.length, "element") : showScalar(node);
}

function showScalar(node: JsonNode): string {
  switch (node.kind) {
    case "string":
      return JSON.stringify(node.text);
    case "number":
      return node.text;
    case "boolean":
      return String(node.value);
    default:
      return "null";
  }
}

function explainValue(
  rows: TextRows,
  node: JsonNode,
  at: number,
  type: FieldType | undefined,
  depth: number,
  path: string,
): void {
  rows.add(at, { depth, path, wire: node.kind, type: type && typeName(type), value: countOf(node) });
  if (node.kind === "array") {
    const element = type?.kind === "list" || type?.kind === "set" ? type.element : undefined;
    for (const [i, item] of node.items.entries())
      explainValue(rows, item, item.at, element, depth + 1, `${path}[${i}]`);
  } else if (node.kind === "object") {
    const fields = type?.kind === "message" ? fieldsByName(type.type) : undefined;
    for (const { name, at: start, value } of node.members) {
      const inside = type?.kind === "map" ? type.value : fields?.get(name)?.type;
      const inner = type?.kind === "map" ? `${path}[${JSON.stringify(name)}]` : fieldPath(path, name);
      explainValue(rows, value, start, inside, depth + 1, inner);
    }
  }
}

const names = new WeakMap<MessageType, ReadonlyMap<string, Known>>();

function fieldsByName(type: MessageType): ReadonlyMap<string, Known> {
  let known = names.get(type);
  if (!known) {
    const fields = [...type.fieldsById.values()];
    known = new Map([
      ...fields.map((field) => [field.name, field] as const),
      ...fields.map((field) => [jsonNameOfField(field), field] as const),
    ]);
    names.set(type, known);
  }
  return known;
}

const KINDS: ReadonlySet<string> = new Set(TYPE_NAMES.values());

/** `{"1":{"i32":5},…}` */
function explainStruct(rows: TextRows, node: JsonNode, lookup: Lookup, depth: number, path: string): void {
  if (node.kind !== "object") rows.fail(node.at, path, 'expected an object of fields by id, as in {"1":{"i32":5}}');
  for (const member of node.members) {
    const known = /^-?\d{1,5}$/.test(member.name) ? lookup(Number(member.name)) : undefined;
    const inner = fieldPath(path, known?.name ?? member.name);
    const [kind, value] = typed(rows, member, inner);
    explainTyped(rows, kind, value, member.at, known?.type, depth, inner);
  }
}

/** `{"i32":5}` */
function typed(rows: TextRows, { name, value }: JsonMember, path: string): readonly [kind: string, value: JsonNode] {
  if (!/^-?\d{1,5}$/.test(name))
    rows.fail(value.at, path, `expected the id of a field instead of ${JSON.stringify(name)}`);
  const [only] = value.kind === "object" ? value.members : [];
  if (value.kind !== "object" || !only || value.members.length > 1) {
    rows.fail(value.at, path, 'expected the type and the value of a field, as in {"i32":5}');
  }
  if (!KINDS.has(only.name)) rows.fail(only.at, path, `expected a type: ${[...KINDS].join(", ")}`);
  return [only.name, only.value];
}

function explainTyped(
  rows: TextRows,
  kind: string,
  node: JsonNode,
  at: number,
  type: FieldType | undefined,
  depth: number,
  path: string,
): void {
  const row = (wire: string, value: string): void =>
    rows.add(at, { depth, path, wire, type: type && typeName(type), value });
  if (kind === "rec") {
    row(kind, countOf(node));
    explainStruct(rows, node, fieldsOf(type?.kind === "message" ? type.type : undefined), depth + 1, path);
  } else if (kind === "lst" || kind === "set") {
    const [element, , ...items] = node.kind === "array" ? node.items : [];
    if (element?.kind !== "string")
      rows.fail(node.at, path, 'expected the type, the size and the elements, as in ["i32",1,5]');
    row(`${kind}<${element.text}>`, plural(items.length, "element"));
    const inside = type?.kind === "list" || type?.kind === "set" ? type.element : undefined;
    for (const [i, item] of items.entries()) {
      explainTyped(rows, element.text, item, item.at, inside, depth + 1, `${path}[${i}]`);
    }
  } else if (kind === "map") explainMap(rows, node, at, type, depth, path);
  else row(kind, showScalar(node));
}

/** `["str","i32",1,{"a":5}]` */
function explainMap(
  rows: TextRows,
  node: JsonNode,
  at: number,
  type: FieldType | undefined,
  depth: number,
  path: string,
): void {
  const [key, value, , content] = node.kind === "array" ? node.items : [];
  if (key?.kind !== "string" || value?.kind !== "string" || content?.kind !== "object") {
    rows.fail(node.at, path, 'expected both types, the size and an object, as in ["str","i32",1,{"a":5}]');
  }
  const wire = `map<${key.text}, ${value.text}>`;
  const count = content.members.length;
  const total = `${count} ${count === 1 ? "entry" : "entries"}`;
  rows.add(at, { depth, path, wire, type: type && typeName(type), value: total });
  const [keyType, valueType] = type?.kind === "map" ? [type.key, type.value] : [];
  for (const [i, member] of content.members.entries()) {
    const name: JsonNode = member.key ?? { kind: "string", at: member.at, text: member.name };
    explainTyped(rows, key.text, name, member.at, keyType, depth + 1, `${path}[${i}].key`);
    explainTyped(rows, value.text, member.value, member.value.at, valueType, depth + 1, `${path}[${i}].value`);
  }
}
