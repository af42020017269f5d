// Writes values in the Protobuf encoding: the interpreter's plain counterpart of the engine. The rules that concern Thrift are
// thrift-binary-reader.ts's.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import { ByteWriter } from "./byte-writer.ts";
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
  type Value,
} from "./value.ts";
import { isPackable, WIRE_TYPES, wireTypeOf } from "./wire-types.ts";

/** Encodes a value as the Protobuf side of its link. */
export function encodeProtobuf(message: MessageValue, link: MessageLink): Uint8Array {
  const out = new ByteWriter();
  writeMessage(out, message, link);
  return out.finish();
}

/** One field with its tag; nothing when it has no presence and is zero. */
export function encodeProtobufField(field: FieldLink, value: Value): Uint8Array {
  const out = new ByteWriter();
  if (!(isImplicit(field) && isZero(value))) writeField(out, value, field.value, field.protobuf.id);
  return out.finish();
}

const TIME_PART = { kind: "scalar", thrift: "i64", bits: false, exact: false, uuidText: false } as const;
function writeMessage(out: ByteWriter, message: MessageValue, link: MessageLink): void {
  const known = new Set(link.fields);
  for (const [field, value] of message.fields) {
    if (known.has(field) && !(isImplicit(field) && isZero(value)))
      writeField(out, value, field.value, field.protobuf.id);
  }
}

function writeField(out: ByteWriter, value: Value, link: ValueLink, number: number): void {
  switch (link.kind) {
    case "list": {
      const elements = asList(value);
      if (link.packed && isPackable(link.element)) {
        if (elements.length === 0) return;
        writeDelimited(out, number, (inner) => {
          for (const element of elements) writeScalar(inner, element, link.element);
        });
        return;
      }
      for (const element of elements) writeField(out, element, link.element, number);
      return;
    }
    case "map":
      for (const [key, content] of asEntries(value)) {
        writeDelimited(out, number, (inner) => {
          writeField(inner, key, link.key, 1);
          writeField(inner, content, link.value, 2);
        });
      }
      return;
    case "message":
      if (link.delimited) {
        writeVarint(out, BigInt(((number << 3) | WIRE_TYPES.group) >>> 0));
        writeMessage(out, asMessage(value), link.link);
        writeVarint(out, BigInt(((number << 3) | WIRE_TYPES.groupEnd) >>> 0));
        return;
      }
      writeDelimited(out, number, (inner) => writeMessage(inner, asMessage(value), link.link));
      return;
    case "wrapped":
      writeDelimited(out, number, (inner) => {
        if (!isZero(value) || isMessage(link.inner)) writeField(inner, value, link.inner, 1);
      });
      return;
    case "time":
      writeDelimited(out, number, (inner) => {
        const { seconds, nanos } = asTime(value);
        if (seconds !== 0n) writeField(inner, seconds, { ...TIME_PART, protobuf: "int64" }, 1);
        if (nanos !== 0n) writeField(inner, nanos, { ...TIME_PART, protobuf: "int32" }, 2);
      });
      return;
    default:
      writeVarint(out, BigInt(((number << 3) | wireTypeOf(link)) >>> 0));
      writeScalar(out, value, link);
  }
}

/** What has presence by being a message. */
function isMessage(link: ValueLink): boolean {
  return link.kind === "message" || link.kind === "wrapped" || link.kind === "time";
}

function writeDelimited(out: ByteWriter, number: number, write: (inner: ByteWriter) => void): void {
  const inner = new ByteWriter();
  write(inner);
  writeVarint(out, BigInt(((number << 3) | WIRE_TYPES.delimited) >>> 0));
  writeVarint(out, BigInt(inner.length));
  out.raw(inner.finish());
}

function writeScalar(out: ByteWriter, value: Value, link: ValueLink): void {
  if (typeof value === "boolean") {
    out.u8(value ? 1 : 0);
    return;
  }
  const type = link.kind === "scalar" ? link.protobuf : link.kind === "octets" ? "bytes" : "int32";
  switch (type) {
    case "double":
    case "fixed64":
    case "sfixed64":
      out.u64(BigInt.asUintN(64, asInteger(value)), true);
      return;
    case "float":
    case "fixed32":
    case "sfixed32":
      out.u32(Number(BigInt.asUintN(32, asInteger(value))), true);
      return;
    case "string":
    case "bytes":
      writeVarint(out, BigInt(asBytes(value).length));
      out.raw(asBytes(value));
      return;
    case "sint32":
    case "sint64": {
      const integer = asInteger(value);
      writeVarint(out, integer < 0n ? -integer * 2n - 1n : integer * 2n);
      return;
    }
    default:
      writeVarint(out, BigInt.asUintN(64, asInteger(value)));
  }
}

function writeVarint(out: ByteWriter, value: bigint): void {
  let rest = value;
  for (; rest > 127n; rest >>= 7n) out.u8(Number(rest & 127n) | 128);
  out.u8(Number(rest));
}
