// Writes the Protobuf JSON mapping (protobuf.dev/programming-guides/json) of a message: the Protobuf side of its link.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import type { EnumType, FieldType } from "../schema/model.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import { jsonName, jsonNameOfField, toCamel } from "./json-names.ts";
import { printDuration, printNumber, printTimestamp } from "./json-scalars.ts";
import { FAULT_TIME } from "./layout.ts";
import { checkText } from "./scalars.ts";
import {
  asBytes,
  asEntries,
  asInteger,
  asList,
  asMessage,
  asTime,
  isImplicit,
  isZero,
  type MessageValue,
  type TimeValue,
  type Value,
} from "./value.ts";
import { entryTypes, isWrapperType } from "./well-known.ts";

/** Encodes a message on one line, fields in the order of their Thrift ids. Of map keys that come twice the last wins. */
export function encodeJson(message: MessageValue, link: MessageLink, session: Session, losses: Losses): Uint8Array {
  return Buffer.from(new JsonWriter(session, losses).message(message, link, ""));
}

class JsonWriter {
  readonly #session: Session;
  readonly #losses: Losses;

  constructor(session: Session, losses: Losses) {
    this.#session = session;
    this.#losses = losses;
  }

  message(message: MessageValue, link: MessageLink, path: string): string {
    const wellKnown = this.#wellKnown(message, link, path);
    if (wellKnown !== undefined) return wellKnown;
    const members: string[] = [];
    for (const field of link.fields) {
      const value = message.fields.get(field);
      if (value === undefined || (isImplicit(field) && isZero(value))) continue;
      const text = this.#value(value, field.value, field.protobuf.type, fieldPath(path, field.protobuf.name));
      members.push(quotedName(field) + text);
    }
    return `{${members.join(",")}}`;
  }

  #value(value: Value, link: ValueLink, type: FieldType, path: string): string {
    switch (link.kind) {
      case "scalar":
        if (type.kind === "enum") return printEnum(asInteger(value), type.type);
        if (value instanceof Uint8Array) return this.#bytes(value, link.protobuf === "string", path);
        return printNumber(typeof value === "boolean" ? value : asInteger(value), link.protobuf);
      case "enum":
        return printEnum(asInteger(value), link.protobuf);
      case "octets":
        return this.#bytes(asBytes(value), false, path);
      case "message":
        return this.message(asMessage(value), link.link, path);
      case "time":
        return this.#time(asTime(value), link.message.fullName, path);
      case "wrapped": {
        const inner = link.message.fieldsById.get(1);
        if (!inner) throw new TypeError(`${link.message.fullName} has no field 1`);
        const isBare = isWrapperType(link.message);
        if (!isBare && isZero(value)) return "{}";
        const text = this.#value(value, link.inner, inner.type, isBare ? path : fieldPath(path, inner.name));
        return isBare ? text : `{${JSON.stringify(jsonNameOfField(inner))}:${text}}`;
      }
      case "list": {
        const element = type.kind === "list" ? type.element : type;
        return `[${asList(value).map((item, i) => this.#value(item, link.element, element, `${path}[${i}]`))}]`;
      }
      case "map":
        return type.kind === "map" ? this.#map(value, link, type, path) : this.#entries(value, link, type, path);
    }
  }

  #map(value: Value, link: ValueLink & { kind: "map" }, type: FieldType & { kind: "map" }, path: string): string {
    const members = new Map<string, string>();
    for (const [key, content] of asEntries(value)) {
      const name = this.#key(key, path);
      if (members.delete(name)) this.#losses.duplicates++;
      members.set(name, this.#value(content, link.value, type.value, `${path}[${name}]`));
    }
    return `{${[...members].map(([name, text]) => `${name}:${text}`)}}`;
  }

  #key(key: Value, path: string): string {
    return key instanceof Uint8Array ? this.#bytes(key, true, path) : `"${String(key)}"`;
  }

  #entries(value: Value, link: ValueLink & { kind: "map" }, type: FieldType, path: string): string {
    const types = entryTypes(type);
    const items = asEntries(value).map(([key, content], i) => {
      const itemPath = `${path}[${i}]`;
      const keyText = this.#value(key, link.key, types.key ?? type, fieldPath(itemPath, "key"));
      return `{"key":${keyText},"value":${this.#value(content, link.value, types.value ?? type, fieldPath(itemPath, "value"))}}`;
    });
    return `[${items}]`;
  }

  #bytes(bytes: Uint8Array, isText: boolean, path: string): string {
    if (isText) return JSON.stringify(checkText(bytes, this.#session, undefined, path));
    return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64")}"`;
  }

  #time(value: TimeValue, fullName: string, path: string): string {
    const text = fullName === "google.protobuf.Duration" ? printDuration(value) : printTimestamp(value);
    return text ?? this.#session.fail(FAULT_TIME, undefined, path);
  }

  /** A message whose JSON is not an object of its fields. */
  #wellKnown(message: MessageValue, link: MessageLink, path: string): string | undefined {
    const name = link.protobuf.fullName;
    const field = (number: number) => link.fields.find(({ protobuf }) => protobuf.id === number);
    const valueAt = (number: number): Value | undefined => {
      const found = field(number);
      return found && message.fields.get(found);
    };
    if (isWrapperType(link.protobuf)) {
      const only = field(1);
      if (!only) return undefined;
      return this.#value(valueAt(1) ?? zeroInWrapper(only.value), only.value, only.protobuf.type, path);
    }
    switch (name) {
      case "google.protobuf.Timestamp":
      case "google.protobuf.Duration": {
        const [seconds, nanos] = [asInteger(valueAt(1) ?? 0n), asInteger(valueAt(2) ?? 0n)];
        return this.#time({ kind: "time", seconds, nanos }, name, path);
      }
      case "google.protobuf.FieldMask": {
        const paths = asList(valueAt(1) ?? { kind: "list", elements: [] });
        return JSON.stringify(
          paths.map((each) => toCamel(checkText(asBytes(each), this.#session, undefined, path))).join(","),
        );
      }
      case "google.protobuf.Struct":
      case "google.protobuf.ListValue": {
        const [only, value] = [field(1), valueAt(1)];
        if (!only || value === undefined) return name === "google.protobuf.Struct" ? "{}" : "[]";
        return this.#value(value, only.value, only.protobuf.type, path);
      }
      case "google.protobuf.Value": {
        const [entry] = message.fields;
        if (!entry || entry[0].protobuf.id === 1) return "null";
        return this.#value(entry[1], entry[0].value, entry[0].protobuf.type, path);
      }
      default:
        return undefined;
    }
  }
}

const quotedNames = new WeakMap<FieldLink, string>();

/** The name as it stands in front of a value. */
function quotedName(field: FieldLink): string {
  let quoted = quotedNames.get(field);
  if (quoted === undefined) {
    quoted = `${JSON.stringify(jsonName(field))}:`;
    quotedNames.set(field, quoted);
  }
  return quoted;
}

function printEnum(number: bigint, type: EnumType): string {
  if (type.fullName === "google.protobuf.NullValue") return "null";
  const named = type.valuesByNumber.get(Number(number));
  return named ? JSON.stringify(named.name) : String(number);
}

/** What a wrapper without its field holds: a scalar's zero. */
function zeroInWrapper(link: ValueLink): Value {
  if (link.kind !== "scalar") return 0n;
  if (link.protobuf === "bool") return false;
  return link.protobuf === "string" || link.protobuf === "bytes" ? new Uint8Array(0) : 0n;
}
