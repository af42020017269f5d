// Writes values in the Thrift binary encoding, by the rules towards Thrift: the interpreter's plain counterpart of the engine.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import { createSession, type Session } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import * as layout from "./layout.ts";
import { checkEnum, scalarToThrift } from "./scalars.ts";
import { FIXED_SIZES, insideOf, NANOS, PER_SECOND, STOP, type ThriftBody } from "./thrift-binary.ts";
import {
  asBytes,
  asEntries,
  asInteger,
  asList,
  asMessage,
  asTime,
  constantValue,
  isImplicit,
  isZero,
  type MessageValue,
  type Value,
} from "./value.ts";
import { THRIFT_TYPES, thriftTypeOf } from "./wire-types.ts";

/** Encodes a message as a struct, by the rules towards Thrift. */
export function encodeThriftBinary(
  message: MessageValue,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): Uint8Array {
  const writer = new ThriftWriter(session, losses);
  if (body.field) writer.header(THRIFT_TYPES.struct, body.field.id);
  const path = body.field?.name ?? "";
  if (!writer.struct(message, body.link, path)) session.fail(layout.FAULT_NO_MEMBER, undefined, path);
  if (body.field) writer.out.u8(STOP);
  return writer.out.finish();
}

/** One field with its header. The value must fit. */
export function encodeThriftField(field: FieldLink, value: Value): Uint8Array {
  const limits = { maxBytes: Number.MAX_SAFE_INTEGER, maxDepth: 64, maxElements: Number.MAX_SAFE_INTEGER };
  const writer = new ThriftWriter(createSession("to-thrift", limits), { unknownFields: 0, duplicates: 0 });
  writer.header(thriftTypeOf(field.value), field.thrift.id);
  writer.value(value, field.value, field.thrift.name);
  return writer.out.finish();
}

/** Its verbs return false for what Thrift cannot say: a union without a member, a synthetic zero. */
class ThriftWriter {
  out = new ByteWriter();
  readonly #session: Session;
  readonly #losses: Losses;

  constructor(session: Session, losses: Losses) {
    this.#session = session;
    this.#losses = losses;
  }

  header(type: number, id: number): void {
    this.out.u8(type);
    this.out.u16(id & 0xffff);
  }

  struct(message: MessageValue, link: MessageLink, path: string): boolean {
    let members = 0;
    for (const field of link.fields)
      if (this.#field(field, message.fields.get(field), fieldPath(path, field.protobuf.name))) members++;
    if (link.union && members === 0) return false;
    if (link.union && members > 1) this.#session.fail(layout.FAULT_MEMBERS, undefined, path);
    this.out.u8(STOP);
    return true;
  }

  /** Whether anything was written. */
  #field(field: FieldLink, value: Value | undefined, path: string): boolean {
    const isAbsent = value === undefined || (isImplicit(field) && isZero(value));
    if (!isAbsent) {
      const content = this.#aside(() => this.value(value, field.value, path));
      if (content) {
        this.header(thriftTypeOf(field.value), field.thrift.id);
        this.out.raw(content);
        return true;
      }
      if (field.unwritable === "omit") return false;
      this.#failUnwritable(field.value, path);
    }
    const absent = field.absentInProtobuf;
    if (absent.kind === "error") this.#session.fail(layout.FAULT_MISSING, undefined, path, field.value);
    if (absent.kind === "value") this.out.raw(encodeThriftField(field, constantValue(absent.value, field.value)));
    return absent.kind === "value";
  }

  value(value: Value, link: ValueLink, path: string): boolean {
    switch (link.kind) {
      case "scalar":
        this.#scalar(scalarToThrift(value, link, this.#session, path), thriftTypeOf(link));
        return true;
      case "enum": {
        const number = asInteger(value);
        if (number === 0n && link.syntheticZero) return false;
        this.#scalar(checkEnum(number, link, this.#session, undefined, path), THRIFT_TYPES.i32);
        return true;
      }
      case "message":
        return this.struct(asMessage(value), link.link, path);
      case "list": {
        const elements = asList(value).map((element, i) => this.#part(element, link.element, `${path}[${i}]`));
        const isScalar = link.element.kind === "scalar" || link.element.kind === "enum";
        const kept = link.set && isScalar ? this.#firsts(elements) : elements;
        this.out.u8(thriftTypeOf(link.element));
        this.out.u32(kept.length);
        for (const element of kept) this.out.raw(element);
        return true;
      }
      case "map":
        this.#map(asEntries(value), link, path);
        return true;
      case "wrapped":
        return this.value(value, link.inner, path);
      case "octets": {
        const octets = asBytes(value);
        this.out.u8(THRIFT_TYPES.i8);
        this.out.u32(octets.length);
        this.out.raw(octets);
        return true;
      }
      case "time":
        this.out.u64(BigInt.asUintN(64, this.#time(asTime(value), link, path)));
        return true;
    }
  }

  #map(entries: readonly (readonly [Value, Value])[], link: ValueLink & { kind: "map" }, path: string): void {
    const lasts = new Map<string, readonly [key: Uint8Array, value: Uint8Array]>();
    for (const [i, [key, value]] of entries.entries()) {
      const encoded = [
        this.#part(key, link.key, `${path}[${i}].key`),
        this.#part(value, link.value, `${path}[${i}].value`),
      ] as const;
      const name = Buffer.from(encoded[0]).toString("latin1");
      if (lasts.delete(name)) this.#losses.duplicates++;
      lasts.set(name, encoded);
    }
    this.out.u8(thriftTypeOf(link.key));
    this.out.u8(thriftTypeOf(link.value));
    this.out.u32(lasts.size);
    for (const [key, value] of lasts.values()) {
      this.out.raw(key);
      this.out.raw(value);
    }
  }

  #time(value: { seconds: bigint; nanos: bigint }, link: ValueLink & { kind: "time" }, path: string): bigint {
    const per = PER_SECOND[link.unit];
    const each = NANOS / per;
    const count = value.seconds * per + value.nanos / each;
    const inRange = value.nanos > -NANOS && value.nanos < NANOS && BigInt.asIntN(64, count) === count;
    if (!inRange || value.nanos % each !== 0n)
      this.#session.fail(layout.FAULT_TIME, undefined, path, link, value.seconds);
    return count;
  }

  #scalar(value: bigint | Uint8Array, type: number): void {
    if (value instanceof Uint8Array) {
      if (type !== THRIFT_TYPES.uuid) this.out.u32(value.length);
      this.out.raw(value);
      return;
    }
    const size = FIXED_SIZES.get(type);
    if (size === 1) this.out.u8(Number(BigInt.asUintN(8, value)));
    else if (size === 2) this.out.u16(Number(BigInt.asUintN(16, value)));
    else if (size === 4) this.out.u32(Number(BigInt.asUintN(32, value)));
    else this.out.u64(BigInt.asUintN(64, value));
  }

  /** An element, key or value, which cannot be left out. */
  #part(value: Value, link: ValueLink, path: string): Uint8Array {
    return this.#aside(() => this.value(value, link, path)) ?? this.#failUnwritable(link, path);
  }

  /** What `write` writes, in bytes of its own; undefined when it returns false. */
  #aside(write: () => boolean): Uint8Array | undefined {
    const { out } = this;
    this.out = new ByteWriter();
    try {
      return write() ? this.out.finish() : undefined;
    } finally {
      this.out = out;
    }
  }

  #firsts(elements: readonly Uint8Array[]): readonly Uint8Array[] {
    const firsts = new Map<string, Uint8Array>();
    for (const element of elements) {
      const name = Buffer.from(element).toString("latin1");
      if (firsts.has(name)) this.#losses.duplicates++;
      else firsts.set(name, element);
    }
    return [...firsts.values()];
  }

  #failUnwritable(link: ValueLink, path: string): never {
    const code = insideOf(link).kind === "enum" ? layout.FAULT_SYNTHETIC_ZERO : layout.FAULT_NO_MEMBER;
    return this.#session.fail(code, undefined, path, link);
  }
}
