// Reads values from the Thrift binary encoding, by the rules towards Protobuf: the interpreter's plain counterpart of the engine.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import { ByteReader, type Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import * as layout from "./layout.ts";
import { checkEnum, scalarToProtobuf } from "./scalars.ts";
import { FIXED_SIZES, insideOf, NANOS, PER_SECOND, STOP, type ThriftBody } from "./thrift-binary.ts";
import { asInteger, constantValue, isImplicit, isZero, type MessageValue, type Value } from "./value.ts";
import { THRIFT_TYPES, thriftTypeOf } from "./wire-types.ts";

/** Decodes a struct that fills `bytes`, by the rules towards Protobuf. */
export function decodeThriftBinary(
  bytes: Uint8Array,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): MessageValue {
  const reader = new ThriftReader(bytes, session, losses);
  const message = body.field ? reader.body(body.link, body.field) : reader.struct(body.link, 1, "");
  if (reader.left > 0) session.fail(layout.FAULT_TRAILING, reader.at, "", undefined, BigInt(reader.left));
  return message;
}

class ThriftReader extends ByteReader {
  readonly #losses: Losses;

  constructor(bytes: Uint8Array, session: Session, losses: Losses) {
    super(bytes, session);
    this.#losses = losses;
  }

  body(link: MessageLink, { id, name, needed }: NonNullable<ThriftBody["field"]>): MessageValue {
    let message: MessageValue | undefined;
    for (;;) {
      const type = this.#u8("");
      if (type === STOP) break;
      if (this.#i16("") !== id || type !== THRIFT_TYPES.struct) {
        this.#losses.unknownFields++;
        this.#skip(type, 0, "");
        continue;
      }
      if (message) this.#losses.duplicates++;
      message = this.struct(link, 1, name);
    }
    if (message) return message;
    if (needed) this.session.fail(layout.FAULT_MISSING, this.at - 1, name, undefined, 1n);
    return this.#complete(link, new Map(), new Set(), "");
  }

  struct(link: MessageLink, depth: number, path: string): MessageValue {
    this.#checkDepth(depth, path);
    const fields = new Map<FieldLink, Value>();
    const seen = new Set<FieldLink>();
    for (;;) {
      const type = this.#u8(path);
      if (type === STOP) break;
      const id = this.#i16(path);
      const field = link.fields.find((candidate) => candidate.thrift.id === id);
      if (!field || !this.#accepts(field.value, type)) {
        this.#losses.unknownFields++;
        this.#skip(type, depth, path);
        continue;
      }
      if (seen.has(field)) this.#losses.duplicates++;
      seen.add(field);
      const value = this.value(field.value, depth, fieldPath(path, field.thrift.name));
      // Deleted first: the last occurrence also decides the place.
      fields.delete(field);
      if (!leavesNothing(field, value)) fields.set(field, value);
    }
    return this.#complete(link, fields, seen, path);
  }

  #complete(
    link: MessageLink,
    fields: Map<FieldLink, Value>,
    seen: ReadonlySet<FieldLink>,
    path: string,
  ): MessageValue {
    for (const field of link.fields) {
      if (seen.has(field)) continue;
      const absent = field.absentInThrift;
      if (absent.kind === "error")
        this.session.fail(layout.FAULT_MISSING, this.at - 1, fieldPath(path, field.thrift.name), field.value);
      if (absent.kind === "value") fields.set(field, constantValue(absent.value, field.value));
    }
    const rivals = [...(link.union ? [link.fields] : []), ...link.oneofs];
    for (const members of rivals) {
      if (members.filter((member) => seen.has(member)).length > 1)
        this.session.fail(layout.FAULT_MEMBERS, this.at - 1, path);
    }
    return { kind: "message", fields };
  }

  value(link: ValueLink, depth: number, path: string): Value {
    switch (link.kind) {
      case "scalar": {
        const at = this.at;
        return scalarToProtobuf(this.#scalar(thriftTypeOf(link), path), link, this.session, at, path);
      }
      case "enum": {
        const at = this.at;
        return checkEnum(asInteger(this.#scalar(THRIFT_TYPES.i32, path)), link, this.session, at, path);
      }
      case "message":
        return this.struct(link.link, depth + 1, path);
      case "list": {
        const count = this.#openList(link.element, depth + 1, path);
        const elements: Value[] = [];
        for (let i = 0; i < count; i++) elements.push(this.value(link.element, depth + 1, `${path}[${i}]`));
        return { kind: "list", elements };
      }
      case "map":
        return this.#map(link, depth + 1, path);
      case "wrapped":
        return this.value(link.inner, depth, path);
      case "octets": {
        const count = this.#openList(undefined, depth + 1, path);
        return this.slice(count, path);
      }
      case "time":
        return this.#time(link, path);
    }
  }

  /** Enters a list or set and says how many elements it has; `element` undefined stands for i8. */
  #openList(element: ValueLink | undefined, depth: number, path: string): number {
    this.#checkDepth(depth, path);
    const at = this.at;
    const type = this.#u8(path);
    const count = this.#count(leastSize(type), path);
    if (count > 0 && type !== (element ? thriftTypeOf(element) : THRIFT_TYPES.i8)) {
      this.session.fail(layout.FAULT_ELEMENT_TYPE, at, path, undefined, BigInt(type));
    }
    if (count > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, at, path);
    return count;
  }

  #map(link: ValueLink & { kind: "map" }, depth: number, path: string): Value {
    this.#checkDepth(depth, path);
    const at = this.at;
    const types = [this.#u8(path), this.#u8(path)] as const;
    const count = this.#count(leastSize(types[0]) + leastSize(types[1]), path);
    if (count > 0) {
      const wrong = types[0] !== thriftTypeOf(link.key) ? types[0] : types[1];
      if (wrong !== types[1] || types[1] !== thriftTypeOf(link.value)) {
        this.session.fail(layout.FAULT_ELEMENT_TYPE, at, path, undefined, BigInt(wrong));
      }
    }
    if (count > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, at, path);
    const entries: (readonly [Value, Value])[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.value(link.key, depth, `${path}[${i}].key`);
      entries.push([key, this.value(link.value, depth, `${path}[${i}].value`)]);
    }
    return { kind: "map", entries };
  }

  #time(link: ValueLink & { kind: "time" }, path: string): Value {
    const count = asInteger(this.#scalar(THRIFT_TYPES.i64, path));
    const per = PER_SECOND[link.unit];
    let seconds = count / per;
    let rest = count % per;
    // A duration's parts have one sign; a timestamp counts its nanoseconds forward.
    if (rest < 0n && link.message.fullName !== "google.protobuf.Duration") {
      seconds -= 1n;
      rest += per;
    }
    return { kind: "time", seconds, nanos: rest * (NANOS / per) };
  }

  /** Whether a value of this wire type is what the link has; looks ahead at the element types of a container that has any. */
  #accepts(link: ValueLink, type: number): boolean {
    if (thriftTypeOf(link) !== type) return false;
    const inner = insideOf(link);
    if (inner.kind === "list" || inner.kind === "octets") {
      const element = inner.kind === "list" ? thriftTypeOf(inner.element) : THRIFT_TYPES.i8;
      return this.left < 5 || this.view.getUint32(this.at + 1) === 0 || this.bytes[this.at] === element;
    }
    if (inner.kind !== "map" || this.left < 6 || this.view.getUint32(this.at + 2) === 0) return true;
    return this.bytes[this.at] === thriftTypeOf(inner.key) && this.bytes[this.at + 1] === thriftTypeOf(inner.value);
  }

  /** An integer, the bits of a double, or bytes. */
  #scalar(type: number, path: string): bigint | Uint8Array {
    switch (type) {
      case THRIFT_TYPES.bool:
        return BigInt(this.#u8(path));
      case THRIFT_TYPES.i8:
        return BigInt(this.view.getInt8(this.take(1, path)));
      case THRIFT_TYPES.i16:
        return BigInt(this.view.getInt16(this.take(2, path)));
      case THRIFT_TYPES.i32:
        return BigInt(this.view.getInt32(this.take(4, path)));
      case THRIFT_TYPES.i64:
        return this.view.getBigInt64(this.take(8, path));
      case THRIFT_TYPES.double:
        return this.view.getBigUint64(this.take(8, path));
      case THRIFT_TYPES.uuid:
        return this.slice(16, path);
      default:
        return this.slice(this.#count(1, path), path);
    }
  }

  #u8(path: string): number {
    return this.view.getUint8(this.take(1, path));
  }

  #i16(path: string): number {
    return this.view.getInt16(this.take(2, path));
  }

  /** A count of things that take at least `least` bytes each. */
  #count(least: number, path: string): number {
    const at = this.take(4, path);
    const count = this.view.getUint32(at);
    if (count * least > this.left) this.session.fail(layout.FAULT_LENGTH, at, path, undefined, BigInt(count | 0));
    return count;
  }

  #checkDepth(depth: number, path: string): void {
    if (depth > this.session.limits.maxDepth) this.session.fail(layout.FAULT_DEPTH, this.at, path);
  }

  #skip(type: number, depth: number, path: string): void {
    const size = FIXED_SIZES.get(type);
    if (size !== undefined) {
      this.take(size, path);
      return;
    }
    if (type === THRIFT_TYPES.string) {
      this.#scalar(type, path);
      return;
    }
    this.#checkDepth(depth + 1, path);
    switch (type) {
      case THRIFT_TYPES.struct:
        for (let field = this.#u8(path); field !== STOP; field = this.#u8(path)) {
          this.#i16(path);
          this.#skip(field, depth + 1, path);
        }
        return;
      case THRIFT_TYPES.list:
      case THRIFT_TYPES.set:
        this.#skipElements([this.#u8(path)], depth + 1, path);
        return;
      case THRIFT_TYPES.map:
        this.#skipElements([this.#u8(path), this.#u8(path)], depth + 1, path);
        return;
      default:
        this.session.fail(layout.FAULT_TYPE, this.at, path, undefined, BigInt(type));
    }
  }

  #skipElements(types: readonly number[], depth: number, path: string): void {
    const count = this.#count(
      types.reduce((sum, type) => sum + leastSize(type), 0),
      path,
    );
    for (let i = 0; i < count; i++) for (const type of types) this.#skip(type, depth, path);
  }
}

/** The fewest bytes that a value of this type takes. */
function leastSize(type: number): number {
  if (type === THRIFT_TYPES.string) return 4;
  if (type === THRIFT_TYPES.struct) return 1;
  return FIXED_SIZES.get(type) ?? (type === THRIFT_TYPES.list || type === THRIFT_TYPES.set ? 5 : 6);
}

/** Whether the Protobuf side has nothing to write for this value: a zero without presence, an empty container. */
function leavesNothing(field: FieldLink, value: Value): boolean {
  return isImplicit(field) && isZero(value);
}
