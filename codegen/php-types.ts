// How types and values of the stub model look in PHP: declarations, doc types, literals.
import type { Constant } from "../src/schema/model.ts";
import type { PhpFile } from "./php-file.ts";
import type { ApiScalar, StubEnum, StubField, StubType } from "./stub-model.ts";

const SCALARS: Readonly<Record<ApiScalar, string>> = {
  bool: "bool",
  i8: "int",
  i16: "int",
  i32: "int",
  i64: "int",
  u32: "int",
  u64: "int",
  float: "float",
  double: "float",
  string: "string",
  bytes: "string",
  uuid: "string",
};

const NIL_UUID = "'00000000-0000-0000-0000-000000000000'";

/** What stands in a declaration. */
export function declaredType(file: PhpFile, type: StubType): string {
  switch (type.kind) {
    case "scalar":
      return SCALARS[type.api];
    case "enum":
      return `${file.classOf(type.type)}|int`;
    case "message":
      return file.classOf(type.type);
    case "list":
    case "map":
      return "array";
    case "wrapped":
      return declaredType(file, type.inner);
  }
}

/** The same, or null. */
export function nullableType(file: PhpFile, type: StubType): string {
  const declared = declaredType(file, type);
  return declared.includes("|") ? `${declared}|null` : `?${declared}`;
}

/** What a doc comment says of it. */
export function docType(file: PhpFile, type: StubType): string {
  switch (type.kind) {
    case "list":
      return `list<${docType(file, type.element)}>`;
    case "map":
      return isArrayKey(type.key)
        ? `array<${keyDocType(type.key)}, ${docType(file, type.value)}>`
        : `list<array{${docType(file, type.key)}, ${docType(file, type.value)}}>`;
    case "wrapped":
      return docType(file, type.inner);
    default:
      return declaredType(file, type);
  }
}

/** Numbers of enums, and 0 and 1 for false and true: PHP's arrays have keys of two types only. */
function keyDocType(type: StubType): string {
  return type.kind === "scalar" && SCALARS[type.api] === "string" ? "string" : "int";
}

/** Whether an array can have it as a key; maps with others are lists of pairs. */
export function isArrayKey(type: StubType): boolean {
  if (type.kind === "enum") return true;
  return type.kind === "scalar" && SCALARS[type.api] !== "float";
}

/** How a key is read and written: no case of an enum can be one of an array, so its number is. */
export function keyType(type: StubType, thrift: boolean): StubType {
  return type.kind === "enum" ? { kind: "scalar", api: "i32", coding: thrift ? "i32" : "int32", bits: false } : type;
}

/** The line that tells what an array holds; undefined when the declaration says it all. */
export function arrayDoc(file: PhpFile, type: StubType, nullable: boolean): string | undefined {
  const inner = type.kind === "wrapped" ? type.inner : type;
  if (inner.kind !== "list" && inner.kind !== "map") return undefined;
  return `${docType(file, inner)}${nullable ? "|null" : ""}`;
}

/** Whether a field of the API may be null: optional ones, and messages, of which there is no zero. */
export function isNullable({ type, optional, required }: StubField): boolean {
  return optional || (!required && innerOf(type).kind === "message");
}

function innerOf(type: StubType): StubType {
  return type.kind === "wrapped" ? type.inner : type;
}

/** Zero, or empty; null for messages. */
export function zeroOf(file: PhpFile, type: StubType): string {
  switch (type.kind) {
    case "enum":
      return enumLiteral(file, type.type, 0n);
    case "message":
      return "null";
    case "list":
    case "map":
      return "[]";
    case "wrapped":
      return zeroOf(file, type.inner);
    case "scalar":
      if (type.api === "uuid") return NIL_UUID;
      if (type.api === "bool") return "false";
      if (SCALARS[type.api] === "string") return "''";
      return SCALARS[type.api] === "float" ? "0.0" : "0";
  }
}

/** What a new value has; of what may be null, null. */
export function defaultOf(file: PhpFile, field: StubField): string {
  if (isNullable(field)) return "null";
  return field.defaultValue ? literal(file, field.type, field.defaultValue) : zeroOf(file, field.type);
}

/** Whether a value of the type can stand in a constant expression. */
export function isConstant(type: StubType): boolean {
  switch (type.kind) {
    case "message":
      return false;
    case "list":
      return isConstant(type.element);
    case "map":
      return isConstant(type.key) && isConstant(type.value);
    case "wrapped":
      return isConstant(type.inner);
    default:
      return true;
  }
}

/** Longest literal on one line: what stands before it has to fit too. */
const MAX_LITERAL = 80;

/** A constant of the IDL; what is long stands on lines of its own. */
export function literal(file: PhpFile, type: StubType, value: Constant): string {
  if (type.kind === "wrapped") return literal(file, type.inner, value);
  if (type.kind === "enum" && value.kind === "int") return enumLiteral(file, type.type, value.value);
  if (type.kind === "message" && value.kind === "map") return messageLiteral(file, type, value.entries);
  if (type.kind === "list" && value.kind === "list") {
    return enclosed(
      "[",
      value.values.map((element) => literal(file, type.element, element)),
      "]",
    );
  }
  if (type.kind === "map" && value.kind === "map") {
    const entries = value.entries.map(([key, element]) => {
      const text = literal(file, type.value, element);
      if (!isArrayKey(type.key)) return `[${literal(file, type.key, key)}, ${text}]`;
      return `${keyLiteral(file, type.key, key)} => ${text}`;
    });
    return enclosed("[", entries, "]");
  }
  return type.kind === "scalar" ? scalarLiteral(type.api, value) : zeroOf(file, type);
}

/** On one line, or where that is too long on one line each. */
function enclosed(open: string, items: readonly string[], close: string): string {
  const line = `${open}${items.join(", ")}${close}`;
  if (items.length === 0 || (line.length <= MAX_LITERAL && !line.includes("\n"))) return line;
  return [open, ...items.map((item) => `    ${item.replaceAll("\n", "\n    ")},`), close].join("\n");
}

function keyLiteral(file: PhpFile, type: StubType, value: Constant): string {
  if (value.kind === "int") return intLiteral(value.value);
  if (value.kind === "bool") return value.value ? "1" : "0";
  return literal(file, type, value);
}

function messageLiteral(
  file: PhpFile,
  { type }: StubType & { kind: "message" },
  entries: readonly (readonly [Constant, Constant])[],
): string {
  const said = entries.flatMap(([key, value]) => {
    const field = key.kind === "string" ? type.fields.find(({ name }) => name === key.value) : undefined;
    return field ? [{ property: file.names.propertyOf(field), text: literal(file, field.type, value) }] : [];
  });
  const name = file.classOf(type);
  if (type.kind === "union") return said.map(({ property, text }) => `${name}::${property}(${text})`).join("");
  return enclosed(
    `new ${name}(`,
    said.map(({ property, text }) => `${property}: ${text}`),
    ")",
  );
}

function scalarLiteral(api: ApiScalar, value: Constant): string {
  switch (value.kind) {
    case "bool":
      return SCALARS[api] === "bool" ? String(value.value) : value.value ? "1" : "0";
    case "int":
      if (api === "bool") return String(value.value !== 0n);
      return SCALARS[api] === "float" ? floatLiteral(Number(value.value)) : intLiteral(BigInt.asIntN(64, value.value));
    case "double":
      return floatLiteral(value.value);
    case "string":
      return stringLiteral(value.value);
    case "bytes":
      return bytesLiteral(value.value);
    default:
      return "null";
  }
}

/** The smallest integer is no literal of PHP's: it reads as a float that is negated. */
function intLiteral(value: bigint): string {
  return value === -(2n ** 63n) ? "PHP_INT_MIN" : String(value);
}

function floatLiteral(value: number): string {
  if (Number.isNaN(value)) return "NAN";
  if (!Number.isFinite(value)) return value > 0 ? "INF" : "-INF";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return /[.e]/.test(text) ? text.replace(/e\+?/, "e") : `${text}.0`;
}

export function enumLiteral(file: PhpFile, type: StubEnum, number: bigint): string {
  const value = type.values.find((each) => BigInt(each.number) === number);
  return value ? `${file.classOf(type)}::${caseName(value.name)}` : String(number);
}

/** Every word can be a case but one. */
export function caseName(name: string): string {
  return name.toLowerCase() === "class" ? `${name}_` : name;
}

/** In single quotes where nothing has to be escaped but these. */
export function stringLiteral(text: string): string {
  if (/\p{Cc}/u.test(text)) {
    const escaped = text.replace(/[\\"$]/g, "\\$&").replace(/\p{Cc}/gu, (character) => {
      const known: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
      return known[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
    });
    return `"${escaped}"`;
  }
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

function bytesLiteral(bytes: Uint8Array): string {
  const latin = Buffer.from(bytes).toString("latin1");
  if (/^[\x20-\x7e]*$/.test(latin)) return stringLiteral(latin);
  return `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
}
