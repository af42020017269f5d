// What becomes of a scalar between Thrift and Protobuf, checked: the interpreter's rules.
import type { ValueLink } from "../schema/link.ts";
import type { ProtoScalar, ThriftScalar } from "../schema/model.ts";
import type { Session } from "./byte-reader.ts";
import { FAULT_INEXACT, FAULT_RANGE, FAULT_UNKNOWN_ENUM, FAULT_UTF8, FAULT_UUID } from "./layout.ts";
import { asBytes, asInteger, doubleBits, doubleOfBits, floatBits, floatOfBits, type Value } from "./value.ts";

type ScalarLink = ValueLink & { kind: "scalar" };
type EnumLink = ValueLink & { kind: "enum" };

const I8 = [-(2n ** 7n), 2n ** 7n - 1n] as const;
const I16 = [-(2n ** 15n), 2n ** 15n - 1n] as const;
const I32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const I64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const U32 = [0n, 2n ** 32n - 1n] as const;
const U64 = [0n, 2n ** 64n - 1n] as const;

type Range = readonly [least: bigint, most: bigint];

const THRIFT_RANGES: Partial<Record<ThriftScalar, Range>> = { i8: I8, i16: I16, i32: I32, i64: I64 };

/** The integers that each Protobuf type can hold. */
export const PROTOBUF_RANGES: Partial<Record<ProtoScalar, Range>> = {
  int32: I32,
  sint32: I32,
  sfixed32: I32,
  int64: I64,
  sint64: I64,
  sfixed64: I64,
  uint32: U32,
  fixed32: U32,
  uint64: U64,
  fixed64: U64,
};

/** A Thrift scalar (an integer, the bits of a double, or bytes) in the terms of its Protobuf side. */
export function scalarToProtobuf(
  value: bigint | Uint8Array,
  link: ScalarLink,
  session: Session,
  at: number,
  path: string,
): Value {
  if (value instanceof Uint8Array) {
    if (link.thrift === "uuid") return link.uuidText ? Buffer.from(uuidText(value)) : value;
    if (link.protobuf === "string") checkText(value, session, at, path, link);
    return value;
  }
  if (link.thrift === "bool") return value !== 0n;
  if (link.thrift === "double") return link.protobuf === "float" ? narrow(value, link, session, at, path) : value;
  const range = PROTOBUF_RANGES[link.protobuf] ?? I64;
  if (value >= range[0] && value <= range[1]) return value;
  if (!link.bits || range !== U64) session.fail(FAULT_RANGE, at, path, link, value);
  return BigInt.asUintN(64, value);
}

/** The reverse: an integer, the bits of a double, or bytes. */
export function scalarToThrift(value: Value, link: ScalarLink, session: Session, path: string): bigint | Uint8Array {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (value instanceof Uint8Array) {
    if (link.thrift === "uuid") return uuidBytes(value, link, session, path);
    if (link.thrift === "string") checkText(value, session, undefined, path, link);
    return value;
  }
  if (link.thrift === "double") return link.protobuf === "float" ? widen(asInteger(value)) : asInteger(value);
  const range = THRIFT_RANGES[link.thrift] ?? I64;
  const integer = asInteger(value);
  if (integer >= range[0] && integer <= range[1]) return integer;
  if (!link.bits || range !== I64) session.fail(FAULT_RANGE, undefined, path, link, integer);
  return BigInt.asIntN(64, integer);
}

/** Refuses a number that the target's enum does not name, where the rules say so. */
export function checkEnum(
  value: bigint,
  link: EnumLink,
  session: Session,
  at: number | undefined,
  path: string,
): bigint {
  if (link.unknown === "pass") return value;
  const target = session.direction === "to-protobuf" ? link.protobuf : link.thrift;
  if (!target.valuesByNumber.has(Number(value))) session.fail(FAULT_UNKNOWN_ENUM, at, path, link, value);
  return value;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes as text; refuses what is not UTF-8. */
export function checkText(
  bytes: Uint8Array,
  session: Session,
  at: number | undefined,
  path: string,
  link?: ValueLink,
): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return session.fail(FAULT_UTF8, at === undefined ? undefined : at + validLength(bytes), path, link);
  }
}

/** How many bytes, from the start, are UTF-8. */
function validLength(bytes: Uint8Array): number {
  const stream = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let valid = 0;
  for (let i = 0; i < bytes.length; i++) {
    try {
      if (stream.decode(bytes.subarray(i, i + 1), { stream: true }) !== "") valid = i + 1;
    } catch {
      return valid;
    }
  }
  return valid;
}

function narrow(bits: bigint, link: ScalarLink, session: Session, at: number, path: string): bigint {
  const value = doubleOfBits(bits);
  if (Number.isNaN(value)) {
    const payload = (bits >> 29n) & 0x7fffffn;
    return ((bits >> 63n) << 31n) | 0x7f800000n | (payload === 0n ? 0x400000n : payload);
  }
  const float = Math.fround(value);
  const asSigned = BigInt.asIntN(64, bits);
  if (!Number.isFinite(float) && Number.isFinite(value)) session.fail(FAULT_RANGE, at, path, link, asSigned);
  if (link.exact && float !== value) session.fail(FAULT_INEXACT, at, path, link, asSigned);
  return floatBits(value);
}

function widen(bits: bigint): bigint {
  const value = floatOfBits(bits);
  if (!Number.isNaN(value)) return doubleBits(value);
  return ((bits >> 31n) << 63n) | 0x7ff0000000000000n | ((bits & 0x7fffffn) << 29n);
}

function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function uuidBytes(value: Uint8Array, link: ScalarLink, session: Session, path: string): Uint8Array {
  if (!link.uuidText && value.length === 16) return value;
  const text = Buffer.from(asBytes(value)).toString("latin1");
  if (!link.uuidText || !UUID_TEXT.test(text)) session.fail(FAULT_UUID, undefined, path, link, BigInt(value.length));
  return Buffer.from(text.replaceAll("-", ""), "hex");
}
