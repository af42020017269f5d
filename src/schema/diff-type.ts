// Whether two versions of a type have the same bytes, by the rules of each wire. Protobuf: protobuf.dev/programming-guides,
// "Updating a message type"; Thrift: a field of another type code is skipped.

import type { Pairs } from "./diff-pairs.ts";
import type { Change } from "./diff-rules.ts";
import type { EnumType, FieldType, MessageType, Wire } from "./model.ts";

/** What all comparers share. */
export interface Comparison {
  readonly pairs: Pairs;
  report(change: Change): void;
  /**
   * What makes the bytes of one message be misread as those of another, undefined when nothing does. Two versions of one
   * message are compared for themselves and so are no reason here.
   */
  messageBreak(before: MessageType, after: MessageType): string | undefined;
}

/** How a type changed; undefined instead of this when it did not. */
export interface TypeChange {
  /** Whether the bytes are misread or skipped; otherwise only generated code has another type. */
  readonly breaks: boolean;
  /** A clause about the new type that says why, or what is lost: "where values that do not fit are cut off". */
  readonly why: string;
}

type Kind<K extends FieldType["kind"]> = FieldType & { readonly kind: K };

/** Types whose bytes each reads of the other, with what is lost. Protobuf enums are int32 here, Thrift ones i32. */
const GROUPS: readonly (readonly [why: string, ...types: readonly string[]])[] = [
  ["where values that do not fit are cut off", "int32", "uint32", "int64", "uint64", "bool"],
  ["where values that do not fit are cut off", "sint32", "sint64"],
  ["where values above the signed range change their sign", "fixed32", "sfixed32"],
  ["where values above the signed range change their sign", "fixed64", "sfixed64"],
  ["where readers of string refuse what is not UTF-8", "string", "bytes", "binary"],
];

const SKIPPED: TypeChange = { breaks: true, why: "which peers of the other version skip or misread" };

/** How `after` differs from `before`, two types of `wire`, for those who exchange values of the two. */
export function compareTypes(
  comparison: Comparison,
  wire: Wire,
  before: FieldType,
  after: FieldType,
): TypeChange | undefined {
  switch (before.kind) {
    case "scalar":
      if (after.kind === "scalar") return compareScalars(before.name, after.name);
      break;
    case "enum":
      if (after.kind === "enum") return compareEnumTypes(comparison, before.type, after.type);
      break;
    case "message":
      if (after.kind === "message") return compareMessageTypes(comparison, before, after);
      break;
    case "map":
      if (after.kind === "map") {
        const key = compareTypes(comparison, wire, before.key, after.key);
        const value = compareTypes(comparison, wire, before.value, after.value);
        return key?.breaks ? key : (value ?? key);
      }
      break;
    case "list":
    case "set":
      if (after.kind === before.kind) return compareTypes(comparison, wire, before.element, after.element);
  }
  return compareKinds(comparison, wire, before, after);
}

function compareScalars(before: string, after: string): TypeChange | undefined {
  if (before === after) return undefined;
  const group = GROUPS.find(([, ...types]) => types.includes(before) && types.includes(after));
  return group ? { breaks: false, why: group[0] } : SKIPPED;
}

function compareEnumTypes({ pairs }: Comparison, before: EnumType, after: EnumType): TypeChange | undefined {
  if (before === after || pairs.enums.get(before) === after) return undefined;
  const missing = before.values.find(({ number }) => !after.valuesByNumber.has(number));
  if (missing) return { breaks: true, why: `which has no value ${missing.number} (${missing.name})` };
  return { breaks: false, why: "which has the same numbers" };
}

function compareMessageTypes(
  comparison: Comparison,
  before: Kind<"message">,
  after: Kind<"message">,
): TypeChange | undefined {
  if (before.delimited !== after.delimited) {
    return { breaks: true, why: "whose bytes begin and end in another way" };
  }
  if (before.type === after.type || comparison.pairs.messages.get(before.type) === after.type) return undefined;
  const reason = comparison.messageBreak(before.type, after.type);
  return {
    breaks: reason !== undefined,
    why: reason === undefined ? "which reads the same fields" : `where ${reason}`,
  };
}

/** Types of two kinds, in either order. */
function compareKinds(comparison: Comparison, wire: Wire, before: FieldType, after: FieldType): TypeChange {
  const either = <A extends FieldType["kind"], B extends FieldType["kind"]>(a: A, b: B) => {
    if (before.kind === a && after.kind === b) return [before as Kind<A>, after as Kind<B>] as const;
    if (before.kind === b && after.kind === a) return [after as Kind<A>, before as Kind<B>] as const;
    return undefined;
  };
  const enumAndScalar = either("enum", "scalar");
  if (enumAndScalar) return compareNumbers(wire, enumAndScalar[1].name);
  if (wire === "thrift") return SKIPPED;
  const messageAndScalar = either("message", "scalar");
  if (messageAndScalar) {
    const [{ type, delimited }, { name }] = messageAndScalar;
    return name === "bytes" && !delimited
      ? { breaks: false, why: `where the bytes must be those of ${type.name}` }
      : SKIPPED;
  }
  const mapAndList = either("map", "list");
  if (mapAndList) return compareMapWithEntries(comparison, ...mapAndList);
  if (before.kind === "list" && isSingle(after)) return compareWithSingle(comparison, before, after);
  if (after.kind === "list" && isSingle(before)) return compareWithSingle(comparison, after, before);
  return SKIPPED;
}

/** An enum and a scalar. */
function compareNumbers(wire: Wire, scalar: string): TypeChange {
  const change = compareScalars(wire === "thrift" ? "i32" : "int32", scalar);
  return change ?? { breaks: false, why: "which has the same numbers" };
}

/** A Protobuf map is repeated entries with a key 1 and a value 2. */
function compareMapWithEntries(comparison: Comparison, map: Kind<"map">, { element }: Kind<"list">): TypeChange {
  const entry = element.kind === "message" && !element.delimited ? element.type : undefined;
  const key = entry?.fieldsById.get(1);
  const value = entry?.fieldsById.get(2);
  if (entry?.fields.length !== 2 || !key || !value) return SKIPPED;
  const keyChange = compareTypes(comparison, "protobuf", map.key, key.type);
  const valueChange = compareTypes(comparison, "protobuf", map.value, value.type);
  const change = keyChange?.breaks ? keyChange : (valueChange ?? keyChange);
  return change ?? { breaks: false, why: "which has the same entries" };
}

function isSingle({ kind }: FieldType): boolean {
  return kind === "scalar" || kind === "enum" || kind === "message";
}

/** A Protobuf field that is repeated in one version only. */
function compareWithSingle(comparison: Comparison, list: Kind<"list">, single: FieldType): TypeChange {
  const change = compareTypes(comparison, "protobuf", list.element, single);
  if (change?.breaks) return change;
  if (list.packed) return { breaks: true, why: "where readers of a single value do not take packed ones" };
  const what = single.kind === "message" ? "merge all elements" : "keep the last element only";
  return { breaks: false, why: `where readers of a single value ${what}` };
}

/** A type as its author wrote it; names of types are full where `qualified`. */
export function typeText(type: FieldType, wire: Wire, qualified = false): string {
  const inner = (each: FieldType): string => typeText(each, wire, qualified);
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "message":
      return (type.delimited ? "group " : "") + (qualified ? type.type.fullName : type.type.name);
    case "enum":
      return qualified ? type.type.fullName : type.type.name;
    case "list":
      return wire === "protobuf" ? `repeated ${inner(type.element)}` : `list<${inner(type.element)}>`;
    case "set":
      return `set<${inner(type.element)}>`;
    case "map":
      return `map<${inner(type.key)}, ${inner(type.value)}>`;
  }
}
