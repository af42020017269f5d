// Numbers, bytes and times between JSON and the interpreter's values, as the Protobuf JSON mapping has them.
import type { ProtoScalar } from "../schema/model.ts";
import type { JsonNode } from "./json-text.ts";
import { PROTOBUF_RANGES } from "./scalars.ts";
import { doubleBits, doubleOfBits, floatBits, floatOfBits, type TimeValue, type Value } from "./value.ts";

/** A scalar, or a sentence on what was expected. */
export type Parsed<T> = { readonly value: T } | { readonly expected: string };

/** Reads a scalar as Protobuf's JSON mapping has it, numbers in quotes included; what does not fit says what was expected. */
export function parseScalar(node: JsonNode, type: ProtoScalar): Parsed<Value> {
  switch (type) {
    case "bool":
      return node.kind === "boolean" ? { value: node.value } : { expected: "expected true or false" };
    case "string":
      return node.kind === "string" ? { value: Buffer.from(node.text) } : { expected: "expected a string" };
    case "bytes":
      return parseBytes(node);
    case "double":
    case "float":
      return parseFloating(node, type);
    default:
      return parseInteger(node, type);
  }
}

/** A map's key, which JSON has as a string. */
export function parseKey(name: string, at: number, type: ProtoScalar): Parsed<Value> {
  if (type === "bool" && (name === "true" || name === "false")) return { value: name === "true" };
  return parseScalar({ kind: "string", at, text: name }, type);
}

const INTEGER = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** More characters than any integer needs; without a bound the digits alone could cost seconds. */
const LONGEST_INTEGER = 500;

/** Exact, also when it is written with a fraction or an exponent that cancel out. */
function integerOf(text: string): bigint | undefined {
  const parts = text.length <= LONGEST_INTEGER ? INTEGER.exec(text) : null;
  if (!parts) return undefined;
  const fraction = parts[2] ?? "";
  const digits = BigInt((parts[1] ?? "") + fraction);
  const shift = Number(parts[3] ?? 0) - fraction.length;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

function parseInteger(node: JsonNode, type: ProtoScalar): Parsed<Value> {
  const value = node.kind === "number" || node.kind === "string" ? integerOf(node.text) : undefined;
  if (value === undefined) return { expected: `expected an integer (${type})` };
  const [least, most] = PROTOBUF_RANGES[type] ?? [0n, 0n];
  return value >= least && value <= most ? { value } : { expected: `${value} does not fit ${type}` };
}

const FLOATING = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const SPECIALS: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function parseFloating(node: JsonNode, type: "double" | "float"): Parsed<Value> {
  const bits = type === "double" ? doubleBits : floatBits;
  if (node.kind !== "number" && node.kind !== "string") return { expected: `expected a number (${type})` };
  const special = node.kind === "string" ? SPECIALS.get(node.text) : undefined;
  if (special !== undefined) return { value: bits(special) };
  if (!FLOATING.test(node.text)) return { expected: `expected a number (${type}), "NaN", "Infinity" or "-Infinity"` };
  const value = Number(node.text);
  const fits = Number.isFinite(type === "double" ? value : Math.fround(value));
  return fits ? { value: bits(value) } : { expected: `${node.text} does not fit ${type}` };
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function parseBytes(node: JsonNode): Parsed<Value> {
  const isBase64 = node.kind === "string" && BASE64.test(node.text) && node.text.replace(/=+$/, "").length % 4 !== 1;
  return isBase64 ? { value: Buffer.from(node.text, "base64") } : { expected: "expected base64" };
}

const WIDE: ReadonlySet<ProtoScalar> = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

/** A number or boolean as JSON text. */
export function printNumber(value: boolean | bigint, type: ProtoScalar): string {
  if (typeof value === "boolean") return String(value);
  if (type === "double") return printFloating(doubleOfBits(value), String);
  if (type === "float") return printFloating(floatOfBits(value), shortestFloat);
  return WIDE.has(type) ? `"${value}"` : String(value);
}

function printFloating(value: number, print: (value: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : print(value);
}

/** The fewest digits that read back as the same float. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}

const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
/** 0001-01-01T00:00:00Z and the last second of 9999. */
const TIMESTAMP_RANGE = [-62_135_596_800n, 253_402_300_799n] as const;
const DURATION_SECONDS = 315_576_000_000n;

/** Reads a google.protobuf.Timestamp in its JSON form, RFC 3339. */
export function parseTimestamp(text: string): Parsed<TimeValue> {
  const expected = "expected a time as in 2026-01-31T12:00:00.5Z, from year 1 to 9999";
  const parts = TIMESTAMP.exec(text);
  const utc = Date.parse(`${parts?.[1]}T${parts?.[2]}Z`);
  if (!parts || Number.isNaN(utc)) return { expected };
  const [hours, minutes] = [Number(parts[5] ?? 0), Number(parts[6] ?? 0)];
  if (hours > 23 || minutes > 59) return { expected };
  const offset = (hours * 3600 + minutes * 60) * (parts[4] === "-" ? -1 : 1);
  const seconds = BigInt(utc / 1000 - offset);
  if (seconds < TIMESTAMP_RANGE[0] || seconds > TIMESTAMP_RANGE[1]) return { expected };
  return { value: { kind: "time", seconds, nanos: BigInt((parts[3] ?? "").padEnd(9, "0")) } };
}

/** Reads a google.protobuf.Duration in its JSON form, seconds with an `s` behind them. */
export function parseDuration(text: string): Parsed<TimeValue> {
  const parts = DURATION.exec(text);
  const sign = parts?.[1] === "-" ? -1n : 1n;
  const seconds = BigInt(parts?.[2] ?? 0);
  if (!parts || seconds > DURATION_SECONDS) return { expected: "expected seconds as in 1.5s, at most 315576000000" };
  return { value: { kind: "time", seconds: sign * seconds, nanos: sign * BigInt((parts[3] ?? "").padEnd(9, "0")) } };
}

/** Undefined outside the years 1 to 9999. */
export function printTimestamp({ seconds, nanos }: TimeValue): string | undefined {
  const isValid =
    seconds >= TIMESTAMP_RANGE[0] && seconds <= TIMESTAMP_RANGE[1] && nanos >= 0n && nanos < 1_000_000_000n;
  if (!isValid) return undefined;
  return `"${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction(nanos)}Z"`;
}

/** Undefined when the parts have two signs or are out of range. */
export function printDuration({ seconds, nanos }: TimeValue): string | undefined {
  const isNegative = seconds < 0n || nanos < 0n;
  const [whole, part] = isNegative ? [-seconds, -nanos] : [seconds, nanos];
  if (whole < 0n || part < 0n || whole > DURATION_SECONDS || part >= 1_000_000_000n) return undefined;
  return `"${isNegative ? "-" : ""}${whole}${fraction(part)}s"`;
}

/** None, three, six or nine digits. */
function fraction(nanos: bigint): string {
  if (nanos === 0n) return "";
  return `.${String(nanos)
    .padStart(9, "0")
    .replace(/(?:000){1,2}$/, "")}`;
}
