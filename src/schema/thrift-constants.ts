// From a constant as written to a constant of the model: names looked up, and the value held against its type.
import type { Position, Report } from "../base/diagnostic.ts";
import type { Constant, EnumType, EnumValue, FieldType, MessageType } from "./model.ts";
import { quote } from "./thrift-lexer.ts";
import { find, hintForUnknown, type KnownConstant, type SizedType, type ThriftScope } from "./thrift-scope.ts";
import type { ConstantNode, LiteralNode } from "./thrift-syntax.ts";

/** Where a constant is read: the names before it, and where to report. */
export interface ConstantContext {
  readonly scope: ThriftScope;
  /** Whether an enum of this file is still to come: its values cannot be used yet. */
  isAhead(type: EnumType): boolean;
  /** The line of the constant of this file that has this name, which is still to come when it cannot be found. */
  lineOf(constant: string): number | undefined;
  readonly report: Report;
}

const INTEGER_BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64 };

const LITERAL_NAMES = {
  int: "an integer",
  double: "a decimal",
  string: "a string",
  list: "a list",
  map: "a map",
} as const;

const UUID =
  /^(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|\{[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\})$/;

/**
 * `node` as a value of `type`; undefined when it does not fit, which has been reported. An integer outside the range of
 * its type is a warning and stands for its low bits, as in the code that the official compilers generate.
 */
export function readConstant(context: ConstantContext, node: ConstantNode, type: FieldType): Constant | undefined {
  switch (type.kind) {
    case "scalar":
      return readScalar(context, node, type.name);
    case "enum":
      return readEnum(context, node, type.type);
    case "list":
    case "set":
      return readList(context, node, type.kind, type.element);
    case "map":
      return readMap(context, node, type.key, type.value);
    case "message":
      return readStruct(context, node, type.type);
  }
}

/** `node`, a constant of `type` that was read and is right, as other constants refer to it. */
export function knownConstant(context: ConstantContext, node: ConstantNode, type: FieldType): KnownConstant {
  const literal = node.kind === "name" ? literalOf(context, node, () => undefined) : node;
  const isDouble = type.kind === "scalar" && type.name === "double";
  return {
    literal:
      isDouble && literal?.kind === "int" ? { ...literal, kind: "double", value: Number(literal.value) } : literal,
  };
}

function fail({ report }: ConstantContext, position: Position, message: string): undefined {
  report({ severity: "error", position, message });
  return undefined;
}

function mismatch(context: ConstantContext, literal: LiteralNode, position: Position, expected: string): undefined {
  return fail(context, position, `expected ${expected}, found ${LITERAL_NAMES[literal.kind]}`);
}

function readScalar(context: ConstantContext, node: ConstantNode, name: string): Constant | undefined {
  const { position } = node;
  const literal = node.kind === "name" ? literalOf(context, node, (message) => fail(context, position, message)) : node;
  if (!literal) return undefined;
  if (name === "double") {
    if (literal.kind !== "double" && literal.kind !== "int")
      return mismatch(context, literal, position, "a number for double");
    return { kind: "double", value: Number(literal.value) };
  }
  if (name === "string" || name === "binary" || name === "uuid") {
    if (literal.kind !== "string") return mismatch(context, literal, position, `a string for ${name}`);
    if (name === "uuid") return readUuid(context, literal.value, position);
    if (name === "string") return { kind: "string", value: literal.value };
    return { kind: "bytes", value: new TextEncoder().encode(literal.value) };
  }
  if (literal.kind !== "int") return mismatch(context, literal, position, `an integer for ${name}`);
  if (name === "bool") return { kind: "bool", value: literal.value !== 0n };
  return { kind: "int", value: fitInteger(context, literal.value, name, position) };
}

function fitInteger(context: ConstantContext, value: bigint, name: string, position: Position): bigint {
  const bits = INTEGER_BITS[name] ?? 64;
  const fitted = BigInt.asIntN(bits, value);
  if (fitted !== value) {
    const half = 2n ** BigInt(bits - 1);
    const message = `${value} is outside the range of ${name} (${-half} to ${half - 1n}) and stands for ${fitted}; write that`;
    context.report({ severity: "warning", position, message });
  }
  return fitted;
}

function readUuid(context: ConstantContext, text: string, position: Position): Constant | undefined {
  if (UUID.test(text)) return { kind: "bytes", value: Uint8Array.from(Buffer.from(text.replace(/[-{}]/g, ""), "hex")) };
  return fail(
    context,
    position,
    `expected a uuid such as "00112233-4455-6677-8899-aabbccddeeff", found ${quote(text)}`,
  );
}

/** The literal that a name stands for where a scalar is expected. */
function literalOf(
  context: ConstantContext,
  { name, position }: ConstantNode & { kind: "name" },
  failed: (message: string) => undefined,
): LiteralNode | undefined {
  const constant = find(context.scope, "constants", name);
  const literal = constant?.literal;
  if (literal?.kind === "list" || literal?.kind === "map") {
    return failed(`${quote(name)} is a ${literal.kind}, where a scalar is expected`);
  }
  if (constant) return literal && { ...literal, position };
  const member = findEnumValue(context, name);
  if (member && !context.isAhead(member.type)) return { kind: "int", value: BigInt(member.value.number), position };
  return failed(unknownConstant(context, name, member?.type));
}

function unknownConstant(context: ConstantContext, name: string, ahead: EnumType | undefined): string {
  const line = ahead?.position.line ?? context.lineOf(name);
  if (line !== undefined) return `${quote(name)} is declared in line ${line}, not above this; move its declaration up`;
  const dot = name.lastIndexOf(".");
  const holder = dot > 0 ? find(context.scope, "types", name.slice(0, dot)) : undefined;
  if (holder?.type.kind === "enum") {
    return `the enum ${quote(name.slice(0, dot))} has no value ${quote(name.slice(dot + 1))}${listValues(holder.type.type)}`;
  }
  return `there is no constant or enum value ${quote(name)}${hintForUnknown(context.scope, "constants", name)}`;
}

function findEnumValue({ scope }: ConstantContext, name: string): { type: EnumType; value: EnumValue } | undefined {
  const dot = name.lastIndexOf(".");
  const holder = dot > 0 ? find(scope, "types", name.slice(0, dot))?.type : undefined;
  if (holder?.kind !== "enum") return undefined;
  const value = valuesByName(holder.type).get(name.slice(dot + 1));
  return value && { type: holder.type, value };
}

const VALUES_BY_NAME = new WeakMap<EnumType, ReadonlyMap<string, EnumValue>>();

function valuesByName(type: EnumType): ReadonlyMap<string, EnumValue> {
  const known = VALUES_BY_NAME.get(type);
  if (known) return known;
  const values = new Map(type.values.map((value) => [value.name, value]));
  VALUES_BY_NAME.set(type, values);
  return values;
}

const MOST_LISTED = 8;

function listValues({ values }: EnumType): string {
  const names = values.slice(0, MOST_LISTED).map(({ name }) => name);
  return names.length === 0 ? "" : `; it has ${names.join(", ")}${values.length > MOST_LISTED ? ", …" : ""}`;
}

/** Where an enum is expected the official compilers go by the last part of a dotted name alone, whatever is before it. */
function readEnum(context: ConstantContext, node: ConstantNode, type: EnumType): Constant | undefined {
  const { position } = node;
  if (node.kind === "int") {
    if (type.valuesByNumber.has(Number(node.value))) return { kind: "int", value: node.value };
    const message = `no value of the enum ${quote(type.name)} has the number ${node.value}${listValues(type)}`;
    return fail(context, position, message);
  }
  if (node.kind !== "name") return mismatch(context, node, position, `a value of the enum ${quote(type.name)}`);
  const dot = node.name.lastIndexOf(".");
  const value = valuesByName(type).get(node.name.slice(dot + 1));
  if (dot < 0) {
    const written = `${referenceTo(context.scope, type)}.${value?.name ?? "NAME"}`;
    return fail(context, position, `expected a value with its enum, ${written}, found ${quote(node.name)}`);
  }
  if (!value) {
    const message = `the enum ${quote(type.name)} has no value ${quote(node.name.slice(dot + 1))}${listValues(type)}`;
    return fail(context, position, message);
  }
  if (context.isAhead(type)) return fail(context, position, unknownConstant(context, node.name, type));

  const holder = find(context.scope, "types", node.name.slice(0, dot))?.type;
  if (holder?.kind !== "enum" || holder.type !== type) {
    const meant = `${referenceTo(context.scope, type)}.${value.name}`;
    const message = `${quote(node.name)} stands for ${meant}, because that enum is expected here; write that`;
    context.report({ severity: "warning", position, message });
  }
  return { kind: "int", value: BigInt(value.number) };
}

/** How the file of `scope` refers to an enum. */
function referenceTo(scope: ThriftScope, type: EnumType): string {
  const isType = (found: SizedType | undefined): boolean => found?.type.kind === "enum" && found.type.type === type;
  if (isType(scope.own.types.get(type.name))) return type.name;
  const include = [...scope.includes].find(([, declared]) => isType(declared.types.get(type.name)));
  return include ? `${include[0]}.${type.name}` : type.name;
}

/** Container constants are written where they are used: the official compilers follow names to scalars only. */
function failContainerName(
  context: ConstantContext,
  { name, position }: ConstantNode & { kind: "name" },
  what: string,
): undefined {
  return fail(
    context,
    position,
    `expected ${what} written out, found the name ${quote(name)}; names can only stand for scalars and enum values`,
  );
}

function readList(
  context: ConstantContext,
  node: ConstantNode,
  kind: "list" | "set",
  element: FieldType,
): Constant | undefined {
  if (node.kind === "name") return failContainerName(context, node, `a ${kind}`);
  if (node.kind === "map" && node.entries.length === 0) return { kind: "list", values: [] };
  if (node.kind !== "list") return mismatch(context, node, node.position, `[…] for a ${kind}`);
  const values = node.values.map((value) => readConstant(context, value, element));
  return allDefined(values) ? { kind: "list", values } : undefined;
}

function readMap(context: ConstantContext, node: ConstantNode, key: FieldType, value: FieldType): Constant | undefined {
  if (node.kind === "name") return failContainerName(context, node, "a map");
  if (node.kind === "list" && node.values.length === 0) return { kind: "map", entries: [] };
  if (node.kind !== "map") return mismatch(context, node, node.position, "{…} for a map");
  const entries = node.entries.map(([k, v]) => pair(readConstant(context, k, key), readConstant(context, v, value)));
  return allDefined(entries) ? { kind: "map", entries } : undefined;
}

function readStruct(context: ConstantContext, node: ConstantNode, type: MessageType): Constant | undefined {
  if (node.kind === "name") return failContainerName(context, node, `the ${type.shape} ${quote(type.name)}`);
  if (node.kind !== "map")
    return mismatch(context, node, node.position, `{…} for the ${type.shape} ${quote(type.name)}`);
  const entries = node.entries.map(([key, value]) => readMember(context, key, value, type));
  if (!allDefined(entries)) return undefined;
  const keys = new Set(entries.map(([key]) => (key.kind === "string" ? key.value : "")));
  if (keys.size < entries.length)
    return fail(context, node.position, `a field of ${quote(type.name)} is given twice; keep one`);
  if (type.shape === "union" && entries.length > 1) {
    return fail(
      context,
      node.position,
      `the union ${quote(type.name)} holds one field, ${entries.length} are given; keep one`,
    );
  }
  return { kind: "map", entries };
}

function readMember(
  context: ConstantContext,
  key: ConstantNode,
  value: ConstantNode,
  type: MessageType,
): readonly [Constant, Constant] | undefined {
  if (key.kind !== "string")
    return fail(context, key.position, `expected the name of a field of ${quote(type.name)} in quotes`);
  const field = type.fields.find(({ name }) => name === key.value);
  if (field) return pair({ kind: "string", value: key.value }, readConstant(context, value, field.type));
  const names = type.fields.slice(0, MOST_LISTED).map(({ name }) => name);
  return fail(
    context,
    key.position,
    `the ${type.shape} ${quote(type.name)} has no field ${quote(key.value)}; it has ${names.join(", ") || "none"}`,
  );
}

function pair(key: Constant | undefined, value: Constant | undefined): readonly [Constant, Constant] | undefined {
  return key && value && [key, value];
}

function allDefined<T>(items: (T | undefined)[]): items is T[] {
  return items.every((item) => item !== undefined);
}
