// The `default` of a proto2 or editions field: read as an exact constant, and printed as descriptors hold it.
import type { Constant, FieldType, ProtoScalar, ThriftScalar } from "./model.ts";
import type { ProtoDefault, ProtoField } from "./proto-document.ts";
import { parseProtoBigint } from "./proto-integer.ts";

/** The default that the field states, undefined when it states none or a wrong one, which `fail` is told. */
export function parseProtoDefault(
  { name, defaultValue }: ProtoField,
  type: FieldType,
  fail: (message: string) => void,
): Constant | undefined {
  if (defaultValue === undefined) return undefined;
  const constant = readDefault(defaultValue, type);
  if (typeof constant !== "string") return constant;
  fail(`the default of "${name}" must be ${constant}`);
  return undefined;
}

/** The constant, or what was expected. */
function readDefault(written: ProtoDefault, type: FieldType): Constant | string {
  if (type.kind === "enum") {
    const value = type.type.values.find(({ name }) => "word" in written && name === written.word);
    return value ? { kind: "int", value: BigInt(value.number) } : `a value of the enum "${type.type.fullName}"`;
  }
  if (type.kind !== "scalar") return "left out: only scalars and enums have one";
  return "bytes" in written ? readBytes(written.bytes, type.name) : readWord(written.word, type.name);
}

function readBytes(bytes: Uint8Array, scalar: ProtoScalar | ThriftScalar): Constant | string {
  if (scalar === "bytes") return { kind: "bytes", value: bytes };
  if (scalar !== "string") return `of the type ${scalar}, not a string`;
  try {
    return { kind: "string", value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return "valid UTF-8";
  }
}

function readWord(word: string, scalar: ProtoScalar | ThriftScalar): Constant | string {
  switch (scalar) {
    case "string":
    case "bytes":
      return "a string in quotes";
    case "bool":
      return word === "true" || word === "false" ? { kind: "bool", value: word === "true" } : "true or false";
    case "float":
    case "double": {
      const value = parseProtoDouble(word);
      if (value === undefined) return "a number, inf or nan";
      return { kind: "double", value: scalar === "float" ? Math.fround(value) : value };
    }
  }
  const value = parseProtoBigint(word);
  const bits = scalar.endsWith("64") ? 64n : 32n;
  const unsigned = scalar.startsWith("u") || scalar.startsWith("fixed");
  const low = unsigned ? 0n : -(1n << (bits - 1n));
  const high = unsigned ? (1n << bits) - 1n : (1n << (bits - 1n)) - 1n;
  if (value === undefined || value < low || value > high) return `an integer from ${low} to ${high}`;
  return { kind: "int", value };
}

/** The number that a word such as `1e3`, `-inf` or `nan` stands for; undefined for anything else. */
export function parseProtoDouble(word: string): number | undefined {
  const [, sign, digits = ""] = /^(-?)(.*)$/.exec(word) ?? [];
  const size = /^inf(inity)?$/i.test(digits)
    ? Number.POSITIVE_INFINITY
    : /^nan$/i.test(digits)
      ? Number.NaN
      : /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?$/.test(digits)
        ? Number(digits.replace(/[fF]$/, ""))
        : Number(parseProtoBigint(digits));
  if (Number.isNaN(size) && !/^nan$/i.test(digits)) return undefined;
  return sign === "-" ? -size : size;
}

/** The constant as FieldDescriptorProto.default_value has it: bytes with C escapes, enum values by name. */
export function printProtoDefault(type: FieldType, constant: Constant): string {
  switch (constant.kind) {
    case "int":
      return type.kind === "enum"
        ? (type.type.valuesByNumber.get(Number(constant.value))?.name ?? String(constant.value))
        : String(constant.value);
    case "double":
      return printDouble(constant.value, type.kind === "scalar" && type.name === "float");
    case "bytes":
      return Array.from(constant.value, escapeByte).join("");
    case "bool":
    case "string":
      return String(constant.value);
    default:
      return "";
  }
}

function printDouble(value: number, float: boolean): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const [usual, exact] = float ? [6, 9] : [15, 17];
  const short = printDigits(value, usual);
  const same = float ? Math.fround(Number(short)) === value : Number(short) === value;
  return same ? short : printDigits(value, exact);
}

/** As C's `%.*g`, which protoc prints with. */
function printDigits(value: number, precision: number): string {
  const [digits = "", power = ""] = value.toExponential(precision - 1).split("e");
  const exponent = Number(power);
  const trim = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < precision) return trim(value.toFixed(precision - 1 - exponent));
  const padded = String(Math.abs(exponent)).padStart(2, "0");
  return `${trim(digits)}e${exponent < 0 ? "-" : "+"}${padded}`;
}

const ESCAPED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "'": "\\'",
  "\\": "\\\\",
};

function escapeByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (byte < 0x20 || byte >= 0x7f) return ESCAPED[char] ?? `\\${byte.toString(8).padStart(3, "0")}`;
  return ESCAPED[char] ?? char;
}
