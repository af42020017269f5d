// Types, defaults and constants of the API, in Java.
import type { Constant } from "../src/schema/model.ts";
import type { JavaFile } from "./java-file.ts";
import type { JavaNames } from "./java-names.ts";
import type { ApiScalar, StubField, StubMessage, StubType } from "./stub-model.ts";

const PRIMITIVES: Readonly<Partial<Record<ApiScalar, readonly [primitive: string, boxed: string]>>> = {
  bool: ["boolean", "Boolean"],
  i8: ["byte", "Byte"],
  i16: ["short", "Short"],
  i32: ["int", "Integer"],
  i64: ["long", "Long"],
  u32: ["int", "Integer"],
  u64: ["long", "Long"],
  float: ["float", "Float"],
  double: ["double", "Double"],
};

/** Whether Java has the type as a primitive. */
export function isPrimitive(type: StubType): boolean {
  return type.kind === "scalar" && PRIMITIVES[type.api] !== undefined;
}

/** A type where it cannot be a primitive: in a container, or where null means absent. */
export function boxedType(file: JavaFile, names: JavaNames, type: StubType): string {
  switch (type.kind) {
    case "scalar": {
      const boxed = PRIMITIVES[type.api]?.[1];
      if (boxed !== undefined) return file.jdk(`java.lang.${boxed}`);
      if (type.api === "string") return file.jdk("java.lang.String");
      return type.api === "uuid" ? file.jdk("java.util.UUID") : file.jdk("causeway.Bytes");
    }
    case "enum":
    case "message":
      if (type.type.deprecated) file.usesDeprecated();
      return file.use(names.types.get(type.type)!);
    case "list": {
      const element = boxedType(file, names, type.element);
      return `${file.jdk(type.set ? "java.util.Set" : "java.util.List")}<${element}>`;
    }
    case "map":
      return `${file.jdk("java.util.Map")}<${boxedType(file, names, type.key)}, ${boxedType(file, names, type.value)}>`;
    case "wrapped":
      return boxedType(file, names, type.inner);
  }
}

/** A type as a parameter or a component has it. */
export function javaType(file: JavaFile, names: JavaNames, type: StubType): string {
  return (type.kind === "scalar" && PRIMITIVES[type.api]?.[0]) || boxedType(file, names, type);
}

/** Whether a component is null when it is absent. */
export function isNullable({ optional, required, type }: StubField): boolean {
  return optional || (!required && unwrapped(type).kind === "message");
}

/** The type inside a message of its own, which Java's API does not show. */
export function unwrapped(type: StubType): Exclude<StubType, { kind: "wrapped" }> {
  return type.kind === "wrapped" ? unwrapped(type.inner) : type;
}

/** The zero of a type; null for messages. */
export function zeroOf(file: JavaFile, names: JavaNames, type: StubType): string {
  switch (type.kind) {
    case "scalar":
      switch (type.api) {
        case "bool":
          return "false";
        case "string":
          return '""';
        case "bytes":
          return `${file.jdk("causeway.Bytes")}.EMPTY`;
        case "uuid":
          return `new ${file.jdk("java.util.UUID")}(0, 0)`;
        default:
          return "0";
      }
    case "enum":
      return `${boxedType(file, names, type)}.of(0)`;
    case "message":
      return "null";
    case "list":
      return `${file.jdk(type.set ? "java.util.Set" : "java.util.List")}.of()`;
    case "map":
      return `${file.jdk("java.util.Map")}.of()`;
    case "wrapped":
      return zeroOf(file, names, type.inner);
  }
}

/** Whether a default is only the zero that there would be without it. */
export function isZeroConstant(value: Constant): boolean {
  switch (value.kind) {
    case "bool":
      return !value.value;
    case "int":
      return value.value === 0n;
    case "double":
      return Object.is(value.value, 0);
    case "string":
      return value.value === "";
    case "bytes":
      return value.value.length === 0;
    case "list":
      return value.values.length === 0;
    case "map":
      return value.entries.length === 0;
  }
}

/** A constant of the IDL as a Java expression of its type. */
export function constantOf(file: JavaFile, names: JavaNames, type: StubType, value: Constant, boxed = false): string {
  switch (type.kind) {
    case "scalar":
      return scalarConstant(file, type.api, value, boxed);
    case "enum": {
      const number = value.kind === "int" ? Number(value.value) : 0;
      const named = type.type.values.find((each) => each.number === number);
      const own = boxedType(file, names, type);
      if (named?.deprecated) file.usesDeprecated();
      return named ? `${own}.${names.values.get(named)}` : `${own}.of(${number})`;
    }
    case "message":
      return messageConstant(file, names, type.type, value);
    case "list": {
      const values = value.kind === "list" ? value.values : [];
      const texts = values.map((each) => constantOf(file, names, type.element, each, true));
      if (!type.set) return `${file.jdk("java.util.List")}.of(${texts.join(", ")})`;
      return `${file.jdk("causeway.Frozen")}.set(${file.jdk("java.util.List")}.of(${texts.join(", ")}))`;
    }
    case "map": {
      const entries = value.kind === "map" ? value.entries : [];
      const map = entries.length > 0 ? file.jdk("java.util.Map") : "";
      const texts = entries.map(
        ([key, each]) =>
          `${map}.entry(${constantOf(file, names, type.key, key, true)}, ${constantOf(file, names, type.value, each, true)})`,
      );
      return `${file.jdk("causeway.Frozen")}.mapOf(${texts.join(", ")})`;
    }
    case "wrapped":
      return constantOf(file, names, type.inner, value, boxed);
  }
}

function messageConstant(file: JavaFile, names: JavaNames, type: StubMessage, value: Constant): string {
  const own = file.use(names.types.get(type)!);
  const entries = value.kind === "map" ? value.entries : [];
  const set = entries.flatMap(([key, each]) => {
    const field = key.kind === "string" && type.fields.find(({ name }) => name === key.value);
    return field ? [{ field, text: constantOf(file, names, field.type, each, true) }] : [];
  });
  if (set.some(({ field }) => field.deprecated)) file.usesDeprecated();
  if (type.kind === "union")
    return set.map(({ field, text }) => `new ${own}.${names.members.get(field)}(${text})`)[0] ?? "null";
  return `${own}.builder()${set.map(({ field, text }) => `.${names.fields.get(field)}(${text})`).join("")}.build()`;
}

function scalarConstant(file: JavaFile, api: ApiScalar, value: Constant, boxed: boolean): string {
  switch (value.kind) {
    case "bool":
      return api === "bool" ? String(value.value) : String(Number(value.value));
    case "int":
      return integer(api, value.value, boxed);
    case "double":
      return real(value.value, api === "float");
    case "string":
      if (api === "uuid") return `${file.jdk("java.util.UUID")}.fromString(${stringLiteral(value.value)})`;
      if (api === "bytes") return bytes(file, new TextEncoder().encode(value.value));
      return stringLiteral(value.value);
    case "bytes":
      return bytes(file, value.value);
    default:
      return "null";
  }
}

function integer(api: ApiScalar, value: bigint, boxed: boolean): string {
  switch (api) {
    case "bool":
      return String(value !== 0n);
    case "i8":
      return boxed ? `(byte) ${value}` : String(value);
    case "i16":
      return boxed ? `(short) ${value}` : String(value);
    case "i64":
    case "u64":
      return `${BigInt.asIntN(64, value)}L`;
    case "float":
      return `${value}f`;
    case "double":
      return `${value}.0`;
    default:
      return String(BigInt.asIntN(32, value));
  }
}

function real(value: number, single: boolean): string {
  const box = single ? "Float" : "Double";
  if (Number.isNaN(value)) return `${box}.NaN`;
  if (!Number.isFinite(value)) return `${box}.${value > 0 ? "POSITIVE" : "NEGATIVE"}_INFINITY`;
  const text = Object.is(value, -0) ? "-0.0" : String(value);
  return `${/[.e]/.test(text) ? text : `${text}.0`}${single ? "f" : ""}`;
}

function bytes(file: JavaFile, value: Uint8Array): string {
  const own = file.jdk("causeway.Bytes");
  if (value.length === 0) return `${own}.EMPTY`;
  return `${own}.of(new byte[] {${[...value].map((byte) => (byte < 128 ? byte : `(byte) ${byte}`)).join(", ")}})`;
}

/** Text in quotes; characters that are not ASCII stay as they are. */
export function stringLiteral(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const escaped = text.replace(/["\\\p{Cc}\p{Cs}\p{Cf}]/gu, (character) => {
    const known = escapes[character];
    if (known !== undefined) return known;
    return [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join("");
  });
  return `"${escaped}"`;
}
