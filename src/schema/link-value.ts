// How the values of a Thrift type and of a Protobuf type stand for each other, and what of them is lost.
import type { ValueLink } from "./link.ts";
import {
  type EnumType,
  type FieldType,
  isMessageSet,
  type MessageType,
  type ProtoScalar,
  type Rules,
  type ThriftScalar,
} from "./model.ts";
import { canTranslate, isProtoScalar, isThriftScalar, translationsOf } from "./scalar-pairs.ts";
import { isTime, isWrapper } from "./well-known.ts";

/** What linking the values of one pair of fields needs. */
export interface ValueContext {
  /** What either side says of the fields, else of what they are in. */
  readonly rules: Rules;
  /** Of those, what is said of the fields themselves. */
  readonly own: Rules;
  linkMessages(thrift: MessageType, protobuf: MessageType): ValueLink & { readonly kind: "message" };
  /** Some values do not survive: `reason` says which, and what the author can do. */
  lossy(reason: string): void;
}

/** Why two types cannot stand for each other: a sentence that follows the names of the two fields. */
export interface Mismatch {
  readonly mismatch: string;
}

/** Links two types, or says why they cannot be. What is lossy goes to the context. */
export function linkValues(context: ValueContext, thrift: FieldType, protobuf: FieldType): ValueLink | Mismatch {
  if (protobuf.kind === "message") {
    if (isMessageSet(protobuf.type)) {
      return { mismatch: `cannot be translated: ${protobuf.type.fullName} is a MessageSet, which has no translation` };
    }
    if (thrift.kind !== "message") return linkToMessage(context, thrift, protobuf.type);
    return { ...context.linkMessages(thrift.type, protobuf.type), delimited: protobuf.delimited };
  }
  switch (thrift.kind) {
    case "list":
    case "set":
      return linkList(context, thrift, protobuf);
    case "map":
      return linkMap(context, thrift, protobuf);
    case "scalar":
      return linkScalar(context, thrift, protobuf);
    case "enum":
      return linkEnum(context, thrift.type, protobuf);
    case "message":
      return mismatch(thrift, protobuf);
  }
}

/** Whether two types cannot be linked; otherwise the result is their link. */
export function isMismatch(result: ValueLink | Mismatch): result is Mismatch {
  return "mismatch" in result;
}

function linkScalar(
  context: ValueContext,
  thrift: FieldType & { readonly kind: "scalar" },
  protobuf: FieldType,
): ValueLink | Mismatch {
  if (!isThriftScalar(thrift.name)) return mismatch(thrift, protobuf);
  if (protobuf.kind === "enum" && thrift.name === "i32") return scalarLink(context, "i32", "int32");
  if (protobuf.kind !== "scalar" || !isProtoScalar(protobuf.name)) return mismatch(thrift, protobuf);
  if (!canTranslate(thrift.name, protobuf.name)) return mismatch(thrift, protobuf);
  reportLosses(context, thrift.name, protobuf.name);
  return scalarLink(context, thrift.name, protobuf.name);
}

function scalarLink({ rules }: ValueContext, thrift: ThriftScalar, protobuf: ProtoScalar): ValueLink {
  const { bits = false, exact = false, uuidText = false } = rules;
  return {
    kind: "scalar",
    thrift,
    protobuf,
    bits: bits && (protobuf === "uint64" || protobuf === "fixed64"),
    exact,
    uuidText: thrift === "uuid" && (uuidText || protobuf === "string"),
  };
}

function reportLosses({ rules, lossy }: ValueContext, thrift: ThriftScalar, protobuf: ProtoScalar): void {
  if (protobuf === "float" && !rules.exact) {
    lossy("rounds a double to a float; the rule exact makes every rounding an error");
  } else if ((protobuf === "uint64" || protobuf === "fixed64") && !rules.bits) {
    lossy(
      `cannot carry negative values, nor those of ${protobuf} above 2^63-1; the rule bits keeps the 64 bits as they are`,
    );
  } else if (thrift === "i32" && protobuf === "uint32") {
    lossy("cannot carry negative values, nor those of uint32 above 2^31-1; an i64 holds them all");
  }
}

function linkEnum(context: ValueContext, thrift: EnumType, protobuf: FieldType): ValueLink | Mismatch {
  if (protobuf.kind === "scalar" && protobuf.name === "int32") return scalarLink(context, "i32", "int32");
  if (protobuf.kind !== "enum") return mismatch({ kind: "enum", type: thrift }, protobuf);
  const { type } = protobuf;
  const ofEnums: Rules = { ...thrift.rules, ...type.rules, ...thrift.overrides, ...type.overrides };
  const unknown = context.own.unknownEnum ?? ofEnums.unknownEnum ?? context.rules.unknownEnum ?? "pass";
  return {
    kind: "enum",
    thrift,
    protobuf: type,
    syntheticZero: hasSyntheticZero(thrift, type),
    unknown,
  };
}

/** A zero that only stands there because proto3 wants one: marked as such, or named so by custom. */
function hasSyntheticZero(thrift: EnumType, protobuf: EnumType): boolean {
  const zero = protobuf.valuesByNumber.get(0);
  if (!zero || thrift.valuesByNumber.has(0)) return false;
  return zero.rules.synthetic ?? /(?:^|_)UNSPECIFIED$/.test(zero.name);
}

function linkList(
  context: ValueContext,
  thrift: FieldType & { readonly kind: "list" | "set" },
  protobuf: FieldType,
): ValueLink | Mismatch {
  const { element } = thrift;
  if (thrift.kind === "list" && element.kind === "scalar" && element.name === "i8") {
    if (protobuf.kind === "scalar" && protobuf.name === "bytes") return { kind: "octets" };
  }
  if (protobuf.kind !== "list") return mismatch(thrift, protobuf);
  const link = linkValues(context, element, protobuf.element);
  return isMismatch(link) ? link : { kind: "list", set: thrift.kind === "set", element: link, packed: protobuf.packed };
}

function linkMap(
  context: ValueContext,
  thrift: FieldType & { readonly kind: "map" },
  protobuf: FieldType,
): ValueLink | Mismatch {
  const entry = entryOf(protobuf);
  if (!entry) return mismatch(thrift, protobuf);
  const key = linkValues(context, thrift.key, entry.key);
  if (isMismatch(key)) return key;
  const value = linkValues(context, thrift.value, entry.value);
  return isMismatch(value) ? value : { kind: "map", key, value };
}

/** The types of keys and values of a map, or of repeated messages {key = 1; value = 2}. */
function entryOf(type: FieldType): { readonly key: FieldType; readonly value: FieldType } | undefined {
  if (type.kind === "map") return type;
  if (type.kind !== "list" || type.element.kind !== "message") return undefined;
  const { fields, fieldsById } = type.element.type;
  const key = fieldsById.get(1)?.type;
  const value = fieldsById.get(2)?.type;
  // A container that stands there itself is not in a wrapper, and would not come as one value.
  return fields.length === 2 && key && value && !isRepeated(key) && !isRepeated(value) ? { key, value } : undefined;
}

function isRepeated({ kind }: FieldType): boolean {
  return kind === "list" || kind === "map";
}

/** A Thrift scalar, enum or container beside a Protobuf message: a time, or a message that wraps the one value. */
function linkToMessage(context: ValueContext, thrift: FieldType, message: MessageType): ValueLink | Mismatch {
  const protobuf: FieldType = { kind: "message", type: message, delimited: false };
  const { rules } = context;
  if (isTime(message) && thrift.kind === "scalar" && thrift.name === "i64") {
    if (rules.time !== undefined) return { kind: "time", unit: rules.time, message };
    return { mismatch: `cannot be translated before the rule time says what the i64 counts: s, ms, us or ns` };
  }
  const [only] = message.fields;
  const wraps = isContainer(thrift)
    ? only !== undefined && isRepeated(only.type)
    : isWrapper(message) || (rules.unwrap ?? false);
  if (message.fields.length !== 1 || only?.id !== 1 || !wraps) return mismatch(thrift, protobuf);
  const inner = linkValues(context, thrift, only.type);
  return isMismatch(inner) ? inner : { kind: "wrapped", message, inner };
}

function isContainer({ kind }: FieldType): boolean {
  return kind === "list" || kind === "set" || kind === "map";
}

function mismatch(thrift: FieldType, protobuf: FieldType): Mismatch {
  const hint =
    thrift.kind === "scalar" && isThriftScalar(thrift.name)
      ? `; expected ${translationsOf(thrift.name).join(", ")} for ${thrift.name}`
      : "";
  return {
    mismatch: `cannot be translated: ${describe(thrift)} and ${describe(protobuf)} have nothing in common${hint}`,
  };
}

/** A type as a person would say it. */
function describe(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
    case "message":
      return type.type.fullName;
    case "list":
      return `list<${describe(type.element)}>`;
    case "set":
      return `set<${describe(type.element)}>`;
    case "map":
      return `map<${describe(type.key)}, ${describe(type.value)}>`;
  }
}
