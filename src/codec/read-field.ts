// One field of a message, read from its bytes past everything else: what routes and limits look at. A message that is
// malformed has no such field here; whoever translates it says what is wrong.
import type { Field, MessageType } from "../schema/model.ts";
import type { Codec } from "./codec.ts";
import { enumNameText, integerText, MAX_VALUE_BYTES, textAt } from "./field-text.ts";
import { jsonNameOfField } from "./json-names.ts";
import { type JsonNode, parseJson } from "./json-text.ts";
import { findInProtobuf } from "./read-field-protobuf.ts";
import { findInThriftBinary, findInThriftCompact } from "./read-field-thrift.ts";

/** The text of a field: numbers in decimal, true or false, an enum by its name; undefined where a message does not have it. */
export type FieldReader = (bytes: Uint8Array) => string | undefined;

/** Finds a field, given the fields on the way to it, in bytes; throws a RangeError where they end too early. */
export type FindField = (bytes: Uint8Array, path: readonly Field[]) => string | undefined;

/**
 * Reads the field of `type` that `path` names, such as `order.customer.id`, from messages in `codec`, without decoding the
 * rest. Undefined when there is no such field, or it is no text, integer, bool or enum. Values above 1 KiB count as absent,
 * and so do those that a message leaves out.
 */
export function compileFieldReader(type: MessageType, path: string, codec: Codec): FieldReader | undefined {
  const fields = fieldsOn(type, path);
  if (!fields) return undefined;
  const find = FINDERS[codec];
  return (bytes) => {
    try {
      return find(bytes, fields);
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };
}

const FINDERS: Readonly<Record<Codec, FindField>> = {
  "thrift-binary": findInThriftBinary,
  "thrift-compact": findInThriftCompact,
  protobuf: findInProtobuf,
  json: findInJson,
  "thrift-json": findInThriftJson,
  "thrift-simplejson": () => undefined,
};

const READABLE = new Set(["bool", "i8", "i16", "i32", "i64", "string"]);
const READABLE_PROTO = /^(?:bool|string|[su]?int(?:32|64)|s?fixed(?:32|64))$/;

/** The fields that a path goes through, the one that it names last. */
function fieldsOn(type: MessageType, path: string): readonly Field[] | undefined {
  const fields: Field[] = [];
  let within: MessageType | undefined = type;
  for (const name of path.split(".")) {
    const field: Field | undefined = within?.fields.find(
      (each) => each.name === name || jsonNameOfField(each) === name,
    );
    if (!field) return undefined;
    fields.push(field);
    within = field.type.kind === "message" && !field.type.delimited ? field.type.type : undefined;
  }
  return isReadable(fields.at(-1)!) ? fields : undefined;
}

function isReadable({ type }: Field): boolean {
  if (type.kind === "enum") return true;
  return type.kind === "scalar" && (READABLE.has(type.name) || READABLE_PROTO.test(type.name));
}

/** Nested deeper, a JSON text is not looked into. */
const MAX_JSON_DEPTH = 130;

function parse(bytes: Uint8Array, options = {}): JsonNode {
  const fail = (): never => {
    throw new SyntaxError("no JSON");
  };
  return parseJson(textAt(bytes, 0, bytes.length), MAX_JSON_DEPTH, fail, options);
}

/** The last member of a name counts. */
function memberOf(node: JsonNode | undefined, ...names: readonly string[]): JsonNode | undefined {
  return node?.kind === "object" ? node.members.findLast(({ name }) => names.includes(name))?.value : undefined;
}

function findInJson(bytes: Uint8Array, path: readonly Field[]): string | undefined {
  let node: JsonNode | undefined = parse(bytes);
  for (const field of path) node = memberOf(node, jsonNameOfField(field), field.name);
  return scalarText(node, path.at(-1)!);
}

/** Thrift's JSON has fields by their ids, each in an object whose one member is named after its type. */
function findInThriftJson(bytes: Uint8Array, path: readonly Field[]): string | undefined {
  let node: JsonNode | undefined = parse(bytes, { tjson: true });
  for (const field of path) {
    const typed = memberOf(node, String(field.id));
    node = typed?.kind === "object" ? typed.members[0]?.value : undefined;
  }
  return scalarText(node, path.at(-1)!);
}

function scalarText(node: JsonNode | undefined, field: Field): string | undefined {
  if (node?.kind === "boolean") return String(node.value);
  if (node?.kind === "number")
    return /^-?\d{1,20}$/.test(node.text) ? integerText(field, BigInt(node.text)) : undefined;
  if (node?.kind !== "string" || Buffer.byteLength(node.text) > MAX_VALUE_BYTES) return undefined;
  return field.type.kind === "enum" ? enumNameText(field.type.type, node.text) : node.text;
}
