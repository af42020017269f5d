// The values that the interpreter holds between a reader and a writer, in the terms of the Protobuf side: integers, enums and
// the bits of floats as bigint, text and bytes as bytes. A link says which of them a value is; wrappers hold nothing more.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import type { Constant } from "../schema/model.ts";

export type Value = boolean | bigint | Uint8Array | ListValue | MapValue | MessageValue | TimeValue;

export interface ListValue {
  readonly kind: "list";
  readonly elements: readonly Value[];
}

/** Entries in the order of the source, duplicates and all. */
export interface MapValue {
  readonly kind: "map";
  readonly entries: readonly (readonly [key: Value, value: Value])[];
}

/** The fields that are there, in the order in which they are to be written to Protobuf. */
export interface MessageValue {
  readonly kind: "message";
  readonly fields: Map<FieldLink, Value>;
}

/** google.protobuf.Timestamp or Duration. */
export interface TimeValue {
  readonly kind: "time";
  readonly seconds: bigint;
  readonly nanos: bigint;
}

/** The value that an absent key, element or inside of a wrapper has. */
export function zeroValue(link: ValueLink, emptyMessage: (link: MessageLink) => Value): Value {
  switch (link.kind) {
    case "scalar":
      if (link.thrift === "uuid")
        return link.uuidText ? Buffer.from("00000000-0000-0000-0000-000000000000") : new Uint8Array(16);
      if (link.protobuf === "bool") return false;
      return link.protobuf === "string" || link.protobuf === "bytes" ? new Uint8Array(0) : 0n;
    case "enum":
      return 0n;
    case "message":
      return emptyMessage(link.link);
    case "list":
      return { kind: "list", elements: [] };
    case "map":
      return { kind: "map", entries: [] };
    case "wrapped":
      return zeroValue(link.inner, emptyMessage);
    case "octets":
      return new Uint8Array(0);
    case "time":
      return { kind: "time", seconds: 0n, nanos: 0n };
  }
}

/** Whether a value without presence says the same as its absence. */
export function isZero(value: Value): boolean {
  if (typeof value === "boolean") return !value;
  if (typeof value === "bigint") return value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return (value.kind === "list" && value.elements.length === 0) || (value.kind === "map" && value.entries.length === 0);
}

/** Whether the Protobuf field cannot tell its zero from its absence: repeated fields and maps never can. */
export function isImplicit(field: FieldLink): boolean {
  return field.implicit || field.value.kind === "list" || field.value.kind === "map";
}

/** A constant of an IDL as the value of a field. */
export function constantValue(constant: Constant, link: ValueLink): Value {
  if (link.kind === "wrapped") return constantValue(constant, link.inner);
  switch (constant.kind) {
    case "bool":
      return constant.value;
    case "int":
      return numberValue(Number(constant.value), constant.value, link);
    case "double":
      return numberValue(constant.value, BigInt(Math.trunc(constant.value)), link);
    case "string":
      return Buffer.from(constant.value);
    case "bytes":
      return constant.value;
    case "list": {
      if (link.kind === "octets")
        return Uint8Array.from(constant.values, (item) => (item.kind === "int" ? Number(item.value) : 0));
      if (link.kind !== "list") break;
      return { kind: "list", elements: constant.values.map((item) => constantValue(item, link.element)) };
    }
    case "map":
      if (link.kind !== "map") break;
      return {
        kind: "map",
        entries: constant.entries.map(
          ([key, value]) => [constantValue(key, link.key), constantValue(value, link.value)] as const,
        ),
      };
  }
  throw new TypeError(`a ${constant.kind} constant cannot stand for a ${link.kind}`);
}

function numberValue(asDouble: number, asInteger: bigint, link: ValueLink): Value {
  if (link.kind !== "scalar") return asInteger;
  if (link.protobuf === "bool") return asInteger !== 0n;
  if (link.protobuf === "double") return doubleBits(asDouble);
  return link.protobuf === "float" ? floatBits(asDouble) : asInteger;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The 64 bits of a double. */
export function doubleBits(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

/** The double of 64 bits. */
export function doubleOfBits(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

/** The bits of the nearest float. */
export function floatBits(value: number): bigint {
  scratch.setFloat32(0, value);
  return BigInt(scratch.getUint32(0));
}

/** The float of 32 bits, as the double that it is. */
export function floatOfBits(bits: bigint): number {
  scratch.setUint32(0, Number(bits));
  return scratch.getFloat32(0);
}

// Each of these narrows a value that its link has already decided; they fail only if a reader broke that promise.

export function asInteger(value: Value): bigint {
  if (typeof value === "bigint") return value;
  throw new TypeError("expected an integer value");
}

export function asBytes(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("expected a bytes value");
}

export function asList(value: Value): readonly Value[] {
  if (isTagged(value) && value.kind === "list") return value.elements;
  throw new TypeError("expected a list value");
}

export function asEntries(value: Value): MapValue["entries"] {
  if (isTagged(value) && value.kind === "map") return value.entries;
  throw new TypeError("expected a map value");
}

export function asMessage(value: Value): MessageValue {
  if (isTagged(value) && value.kind === "message") return value;
  throw new TypeError("expected a message value");
}

export function asTime(value: Value): TimeValue {
  if (isTagged(value) && value.kind === "time") return value;
  throw new TypeError("expected a time value");
}

function isTagged(value: Value): value is ListValue | MapValue | MessageValue | TimeValue {
  return typeof value === "object" && !(value instanceof Uint8Array);
}
