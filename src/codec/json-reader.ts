// Reads the Protobuf JSON mapping (protobuf.dev/programming-guides/json) of a message: the Protobuf side of its link.
import { RpcError } from "../base/errors.ts";
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import type { EnumType, FieldType, ProtoScalar } from "../schema/model.ts";
import { isProtoScalar } from "../schema/scalar-pairs.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import { enumNumber, fieldByJsonName, jsonNameOfField, jsonNames, toSnake, unknownName } from "./json-names.ts";
import { type Parsed, parseDuration, parseKey, parseScalar, parseTimestamp } from "./json-scalars.ts";
import { type JsonNode, parseJson, placeIn } from "./json-text.ts";
import { checkText } from "./scalars.ts";
import type { MessageValue, Value } from "./value.ts";
import { entryTypes, isWrapperType } from "./well-known.ts";

/** Decodes one JSON value. Members that the type does not have are counted; errors name the path, the line and the column. */
export function decodeJson(bytes: Uint8Array, link: MessageLink, session: Session, losses: Losses): MessageValue {
  const { limits } = session;
  const text = checkText(bytes, session, 0, "").replace(/^\uFEFF/, "");
  const fail = (at: number, reason: string, path = ""): never => {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `${path || "message"}: ${reason}, at ${placeIn(text, at, session.json.firstLine)}`,
    );
  };
  if (bytes.length > limits.maxBytes) fail(0, `the message is larger than ${limits.maxBytes} bytes`);
  // Entry lists and wrappers add levels of JSON to those of the message.
  const root = parseJson(text, limits.maxDepth * 3 + 2, fail);
  return new JsonReader(session, losses, fail).message(root, link, 1, "");
}

class JsonReader {
  readonly #session: Session;
  readonly #losses: Losses;
  readonly #failAt: (at: number, reason: string, path: string) => never;

  constructor(session: Session, losses: Losses, fail: (at: number, reason: string, path: string) => never) {
    this.#session = session;
    this.#losses = losses;
    this.#failAt = fail;
  }

  message(node: JsonNode, link: MessageLink, depth: number, path: string): MessageValue {
    this.#checkDepth(node, depth, path);
    const wellKnown = this.#wellKnown(node, link, depth, path);
    if (wellKnown) return wellKnown;
    if (node.kind !== "object") return this.#fail(node, "expected an object", path);
    const fields = new Map<FieldLink, Value>();
    for (const { name, at, value } of node.members) {
      const field = fieldByJsonName(link, name);
      if (!field) {
        this.#unknown(at, name, [...jsonNames(link)], path);
        continue;
      }
      const memberPath = fieldPath(path, name);
      if (fields.has(field)) this.#failAt(at, "the field comes twice", memberPath);
      if (value.kind === "null" && !canBeNull(field.value, field.protobuf.type)) continue;
      fields.set(field, this.#value(value, field.value, field.protobuf.type, depth, memberPath));
    }
    for (const members of link.union ? [link.fields, ...link.oneofs] : link.oneofs) {
      const set = members.filter((member) => fields.has(member)).map(({ protobuf }) => protobuf.name);
      if (set.length > 1) this.#fail(node, `at most one of ${set.join(" and ")} may be set`, path);
    }
    return { kind: "message", fields };
  }

  #value(node: JsonNode, link: ValueLink, type: FieldType, depth: number, path: string): Value {
    switch (link.kind) {
      case "scalar":
        if (type.kind === "enum") return this.#enum(node, [type.type], path);
        return this.#take(parseScalar(node, link.protobuf), node, path);
      case "enum":
        return this.#enum(node, [link.protobuf, link.thrift], path);
      case "octets":
        return this.#take(parseScalar(node, "bytes"), node, path);
      case "message":
        return this.message(node, link.link, depth + 1, path);
      case "time":
        return this.#time(node, link.message.fullName, path);
      case "wrapped": {
        const inner = link.message.fieldsById.get(1);
        if (!inner) return this.#fail(node, `${link.message.fullName} has no field 1`, path);
        if (isWrapperType(link.message)) return this.#value(node, link.inner, inner.type, depth, path);
        return this.#wrapped(node, link.inner, inner.type, [jsonNameOfField(inner), inner.name], depth, path);
      }
      case "list": {
        const items = this.#items(node, depth + 1, path);
        const element = type.kind === "list" ? type.element : type;
        return {
          kind: "list",
          elements: items.map((item, i) => this.#value(item, link.element, element, depth + 1, `${path}[${i}]`)),
        };
      }
      case "map":
        return type.kind === "map"
          ? this.#map(node, link, type, depth + 1, path)
          : this.#entries(node, link, type, depth + 1, path);
    }
  }

  #wrapped(
    node: JsonNode,
    link: ValueLink,
    type: FieldType,
    names: readonly string[],
    depth: number,
    path: string,
  ): Value {
    if (node.kind !== "object") return this.#fail(node, "expected an object", path);
    const found = node.members.filter(({ name }) => names.includes(name));
    for (const { name, at } of node.members) if (!names.includes(name)) this.#unknown(at, name, names, path);
    const [member] = found;
    if (found.length > 1) this.#fail(node, "the field comes twice", path);
    const empty: JsonNode = emptyOf(link, type, node.at);
    return this.#value(
      member && member.value.kind !== "null" ? member.value : empty,
      link,
      type,
      depth,
      fieldPath(path, names[0] ?? ""),
    );
  }

  /** A member that the type does not have. */
  #unknown(at: number, name: string, known: readonly string[], path: string): void {
    if (this.#session.json.refuseUnknown) this.#failAt(at, unknownName(name, known), fieldPath(path, name));
    this.#losses.unknownFields++;
  }

  #map(
    node: JsonNode,
    link: ValueLink & { kind: "map" },
    type: FieldType & { kind: "map" },
    depth: number,
    path: string,
  ): Value {
    this.#checkDepth(node, depth, path);
    if (node.kind !== "object") return this.#fail(node, "expected an object", path);
    this.#checkCount(node, node.members.length, path);
    const entries = node.members.map(({ name, at, value }) => {
      const entryPath = `${path}[${JSON.stringify(name)}]`;
      const keyType = link.key.kind === "scalar" ? link.key.protobuf : "int32";
      const key = this.#take(parseKey(name, at, keyType), value, entryPath, at);
      return [key, this.#value(value, link.value, type.value, depth, entryPath)] as const;
    });
    return { kind: "map", entries };
  }

  /** A map whose keys Protobuf does not allow: a list of objects with `key` and `value`. */
  #entries(node: JsonNode, link: ValueLink & { kind: "map" }, type: FieldType, depth: number, path: string): Value {
    const types = entryTypes(type);
    const entries = this.#items(node, depth, path).map((item, i) => {
      const itemPath = `${path}[${i}]`;
      if (item.kind !== "object") return this.#fail(item, "expected an object with key and value", itemPath);
      const part = (name: "key" | "value", partLink: ValueLink) => {
        const found = item.members.find((member) => member.name === name)?.value;
        const partType = types[name] ?? type;
        return this.#value(
          found ?? emptyOf(partLink, partType, item.at),
          partLink,
          partType,
          depth,
          fieldPath(itemPath, name),
        );
      };
      return [part("key", link.key), part("value", link.value)] as const;
    });
    return { kind: "map", entries };
  }

  #items(node: JsonNode, depth: number, path: string): readonly JsonNode[] {
    this.#checkDepth(node, depth, path);
    if (node.kind !== "array") return this.#fail(node, "expected an array", path);
    this.#checkCount(node, node.items.length, path);
    return node.items;
  }

  #enum(node: JsonNode, types: readonly EnumType[], path: string): Value {
    const [type] = types;
    if (node.kind === "null" && type?.fullName === "google.protobuf.NullValue") return 0n;
    if (node.kind === "number") return this.#take(parseScalar(node, "int32"), node, path);
    const number = node.kind === "string" ? enumNumber(types, node.text) : undefined;
    if (number !== undefined) return BigInt(number);
    const known = (type?.values ?? []).map(({ name }) => name);
    return this.#fail(
      node,
      `expected a value of ${type?.fullName}: ${known.slice(0, 20).join(", ")}, or a number`,
      path,
    );
  }

  #time(node: JsonNode, fullName: string, path: string): Value {
    const text = node.kind === "string" ? node.text : "";
    return this.#take(fullName === "google.protobuf.Duration" ? parseDuration(text) : parseTimestamp(text), node, path);
  }

  /** A message whose JSON is not an object of its fields. */
  #wellKnown(node: JsonNode, link: MessageLink, depth: number, path: string): MessageValue | undefined {
    const name = link.protobuf.fullName;
    if (isWrapperType(link.protobuf)) {
      return this.#only(link, 1, (field) => this.#value(node, field.value, field.protobuf.type, depth, path));
    }
    switch (name) {
      case "google.protobuf.Timestamp":
      case "google.protobuf.Duration": {
        const time = this.#time(node, name, path);
        if (typeof time !== "object" || !("seconds" in time)) return undefined;
        const fields = new Map<FieldLink, Value>();
        for (const field of link.fields) fields.set(field, field.protobuf.id === 1 ? time.seconds : time.nanos);
        return { kind: "message", fields };
      }
      case "google.protobuf.FieldMask": {
        if (node.kind !== "string") return this.#fail(node, "expected a string of field paths", path);
        const paths = node.text === "" ? [] : node.text.split(",");
        return this.#only(link, 1, () => ({ kind: "list", elements: paths.map((each) => Buffer.from(toSnake(each))) }));
      }
      case "google.protobuf.Struct":
        if (node.kind !== "object") return this.#fail(node, "expected an object", path);
        return this.#only(link, 1, (field) => this.#value(node, field.value, field.protobuf.type, depth, path));
      case "google.protobuf.ListValue":
        if (node.kind !== "array") return this.#fail(node, "expected an array", path);
        return this.#only(link, 1, (field) => this.#value(node, field.value, field.protobuf.type, depth, path));
      case "google.protobuf.Value":
        return this.#only(link, VALUE_FIELDS[node.kind], (field) => {
          if (node.kind === "null") return 0n;
          return this.#value(node, field.value, field.protobuf.type, depth, path);
        });
      default:
        return undefined;
    }
  }

  /** A message with one field, if the link has it. */
  #only(link: MessageLink, number: number, value: (field: FieldLink) => Value): MessageValue {
    const field = link.fields.find(({ protobuf }) => protobuf.id === number);
    return { kind: "message", fields: field ? new Map([[field, value(field)]]) : new Map() };
  }

  #take<T>(parsed: Parsed<T>, node: JsonNode, path: string, at = node.at): T {
    return "value" in parsed ? parsed.value : this.#failAt(at, parsed.expected, path);
  }

  #fail(node: JsonNode, reason: string, path: string): never {
    return this.#failAt(node.at, reason, path);
  }

  #checkDepth(node: JsonNode, depth: number, path: string): void {
    const { maxDepth } = this.#session.limits;
    if (depth > maxDepth) this.#fail(node, `messages and containers are nested deeper than ${maxDepth}`, path);
  }

  #checkCount(node: JsonNode, count: number, path: string): void {
    const { maxElements } = this.#session.limits;
    if (count > maxElements) this.#fail(node, `more than ${maxElements} elements`, path);
  }
}

/** The field of google.protobuf.Value that holds a JSON value of each kind. */
const VALUE_FIELDS: Readonly<Record<JsonNode["kind"], number>> = {
  null: 1,
  number: 2,
  string: 3,
  boolean: 4,
  object: 5,
  array: 6,
};

/** Whether null is a value of this field, not its absence. */
function canBeNull(link: ValueLink, type: FieldType): boolean {
  if (link.kind === "message") return link.link.protobuf.fullName === "google.protobuf.Value";
  return type.kind === "enum" && type.type.fullName === "google.protobuf.NullValue";
}

/** What stands for an absent key, value or inside of a wrapper. */
function emptyOf(link: ValueLink, type: FieldType, at: number): JsonNode {
  switch (link.kind) {
    case "list":
      return { kind: "array", at, items: [] };
    case "map":
      return type.kind === "map" ? { kind: "object", at, members: [] } : { kind: "array", at, items: [] };
    case "message":
    case "wrapped":
      return { kind: "object", at, members: [] };
    case "time":
      return {
        kind: "string",
        at,
        text: link.message.fullName === "google.protobuf.Duration" ? "0s" : "1970-01-01T00:00:00Z",
      };
    case "enum":
      return { kind: "number", at, text: "0" };
    case "octets":
      return { kind: "string", at, text: "" };
    case "scalar":
      return zeroOf(type.kind === "scalar" && isProtoScalar(type.name) ? type.name : link.protobuf, at);
  }
}

function zeroOf(type: ProtoScalar, at: number): JsonNode {
  if (type === "bool") return { kind: "boolean", at, value: false };
  return type === "string" || type === "bytes" ? { kind: "string", at, text: "" } : { kind: "number", at, text: "0" };
}
