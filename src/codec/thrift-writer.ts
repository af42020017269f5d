// Writes values in an encoding of Thrift, by the rules towards Thrift: the interpreter's plain counterpart of the engine. How an
// encoding's single values stand is in the class that extends this one.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import { createSession, type Session } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import * as layout from "./layout.ts";
import { checkEnum, scalarToThrift } from "./scalars.ts";
import { insideOf, NANOS, PER_SECOND, STOP, type ThriftBody } from "./thrift-binary.ts";
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

/**
 * Its private verbs return false for what Thrift cannot say: a union without a member, a synthetic zero. Types are numbered
 * as the binary encoding numbers them, whatever the encoding.
 */
export abstract class ThriftWriter {
  protected out = new ByteWriter();
  readonly #session: Session;
  readonly #losses: Losses;

  constructor(session: Session, losses: Losses) {
    this.#session = session;
    this.#losses = losses;
  }

  /** Writes a field of which the value is written already; `last` is the id of the field before, zero at first. */
  protected abstract field(type: number, id: number, last: number, content: Uint8Array): void;
  /** Writes an integer (of a bool 0 or 1), the bits of a double, or bytes. */
  protected abstract scalar(value: bigint | Uint8Array, type: number): void;
  /** Writes what stands before the elements of a list or set. */
  protected abstract list(element: number, count: number): void;
  protected abstract map(key: number, value: number, count: number): void;

  /** The struct, or one with the struct in its field. */
  message(message: MessageValue, { link, field }: ThriftBody): Uint8Array {
    const path = field?.name ?? "";
    const struct = this.#aside(() => this.#struct(message, link, path));
    if (!struct) return this.#session.fail(layout.FAULT_NO_MEMBER, undefined, path);
    if (!field) return struct;
    this.field(THRIFT_TYPES.struct, field.id, 0, struct);
    this.out.u8(STOP);
    return this.out.finish();
  }

  /** One field, as the first of its struct. The value must fit. */
  wholeField(field: FieldLink, value: Value): Uint8Array {
    this.field(thriftTypeOf(field.value), field.thrift.id, 0, this.content(field, value));
    return this.out.finish();
  }

  /** The value of a field alone. It must fit. */
  content(field: FieldLink, value: Value): Uint8Array {
    return this.#part(value, field.value, field.thrift.name);
  }

  #struct(message: MessageValue, link: MessageLink, path: string): boolean {
    let members = 0;
    let last = 0;
    for (const field of link.fields) {
      const content = this.#content(field, message.fields.get(field), fieldPath(path, field.protobuf.name));
      if (!content) continue;
      this.field(thriftTypeOf(field.value), field.thrift.id, last, content);
      last = field.thrift.id;
      members++;
    }
    if (link.union && members === 0) return false;
    if (link.union && members > 1) this.#session.fail(layout.FAULT_MEMBERS, undefined, path);
    this.out.u8(STOP);
    return true;
  }

  /** What stands in the field, if anything does. */
  #content(field: FieldLink, value: Value | undefined, path: string): Uint8Array | undefined {
    const isAbsent = value === undefined || (isImplicit(field) && isZero(value));
    if (!isAbsent) {
      const content = this.#aside(() => this.#value(value, field.value, path));
      if (content || field.unwritable === "omit") return content;
      this.#failUnwritable(field.value, path);
    }
    const absent = field.absentInProtobuf;
    if (absent.kind === "error") this.#session.fail(layout.FAULT_MISSING, undefined, path, field.value);
    return absent.kind === "value" ? this.content(field, constantValue(absent.value, field.value)) : undefined;
  }

  #value(value: Value, link: ValueLink, path: string): boolean {
    switch (link.kind) {
      case "scalar":
        this.scalar(scalarToThrift(value, link, this.#session, path), thriftTypeOf(link));
        return true;
      case "enum": {
        const number = asInteger(value);
        if (number === 0n && link.syntheticZero) return false;
        this.scalar(checkEnum(number, link, this.#session, undefined, path), THRIFT_TYPES.i32);
        return true;
      }
      case "message":
        return this.#struct(asMessage(value), link.link, path);
      case "list": {
        const elements = asList(value).map((element, i) => this.#part(element, link.element, `${path}[${i}]`));
        const isScalar = link.element.kind === "scalar" || link.element.kind === "enum";
        const kept = link.set && isScalar ? this.#firsts(elements) : elements;
        this.list(thriftTypeOf(link.element), kept.length);
        for (const element of kept) this.out.raw(element);
        return true;
      }
      case "map":
        this.#map(asEntries(value), link, path);
        return true;
      case "wrapped":
        return this.#value(value, link.inner, path);
      case "octets": {
        const octets = asBytes(value);
        this.list(THRIFT_TYPES.i8, octets.length);
        this.out.raw(octets);
        return true;
      }
      case "time":
        this.scalar(this.#time(asTime(value), link, path), THRIFT_TYPES.i64);
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
    this.map(thriftTypeOf(link.key), thriftTypeOf(link.value), lasts.size);
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

  /** An element, key or value, which cannot be left out. */
  #part(value: Value, link: ValueLink, path: string): Uint8Array {
    return this.#aside(() => this.#value(value, link, path)) ?? this.#failUnwritable(link, path);
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

/** What the writing of constants of the IDL needs: they are within any limits, and lose nothing. */
export function createConstantSession(): [Session, Losses] {
  const limits = { maxBytes: Number.MAX_SAFE_INTEGER, maxDepth: 64, maxElements: Number.MAX_SAFE_INTEGER };
  return [createSession("to-thrift", limits), { unknownFields: 0, duplicates: 0 }];
}
