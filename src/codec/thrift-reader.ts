// Reads values from an encoding of Thrift, by the rules towards Protobuf: the interpreter's plain counterpart of the engine. How
// an encoding's single values stand is in the class that extends this one.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import { ByteReader, type Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import * as layout from "./layout.ts";
import { checkEnum, scalarToProtobuf } from "./scalars.ts";
import { FIXED_SIZES, insideOf, NANOS, PER_SECOND, type ThriftBody } from "./thrift-binary.ts";
import { asInteger, constantValue, isImplicit, isZero, type MessageValue, type Value } from "./value.ts";
import { THRIFT_TYPES, thriftTypeOf } from "./wire-types.ts";

/** What stands before the value of a field. */
export interface FieldHeader {
  readonly type: number;
  readonly id: number;
}

/** What stands before the elements of a container: of a map two types, of any other one. */
export interface ContainerHeader {
  readonly types: readonly number[];
  readonly count: number;
}

/** Types are numbered as the binary encoding numbers them, whatever the encoding. */
export abstract class ThriftReader extends ByteReader {
  readonly #losses: Losses;

  constructor(bytes: Uint8Array, session: Session, losses: Losses) {
    super(bytes, session);
    this.#losses = losses;
  }

  /** The next field of a struct, of which `last` is the id of the one before, zero at first; undefined at its end. */
  protected abstract field(last: number, path: string): FieldHeader | undefined;
  /** Enters a list, set or map. The count is no more than what is left can hold. */
  protected abstract container(type: number, path: string): ContainerHeader;
  /** An integer (of a bool 0 or 1), the bits of a double, or bytes. */
  protected abstract scalar(type: number, path: string): bigint | Uint8Array;
  /** The header ahead, whatever its count; undefined when it is cut off. */
  protected abstract peekContainer(type: number): ContainerHeader | undefined;
  /** The number by which errors name a type. */
  protected nameOf(type: number): number {
    return type;
  }

  /** The struct that fills the bytes, or the one in its field. */
  message(body: ThriftBody): MessageValue {
    const message = body.field ? this.#body(body.link, body.field) : this.#struct(body.link, 1, "");
    if (this.left > 0) this.session.fail(layout.FAULT_TRAILING, this.at, "", undefined, BigInt(this.left));
    return message;
  }

  #body(link: MessageLink, { id, name, needed }: NonNullable<ThriftBody["field"]>): MessageValue {
    let message: MessageValue | undefined;
    for (let last = 0; ; ) {
      const header = this.field(last, "");
      if (!header) break;
      last = header.id;
      if (header.id !== id || header.type !== THRIFT_TYPES.struct) {
        this.#losses.unknownFields++;
        this.#skip(header.type, 0, "");
        continue;
      }
      if (message) this.#losses.duplicates++;
      message = this.#struct(link, 1, name);
    }
    if (message) return message;
    if (needed) this.session.fail(layout.FAULT_MISSING, this.at - 1, name, undefined, 1n);
    return this.#complete(link, new Map(), new Set(), "");
  }

  #struct(link: MessageLink, depth: number, path: string): MessageValue {
    this.#checkDepth(depth, path);
    const fields = new Map<FieldLink, Value>();
    const seen = new Set<FieldLink>();
    for (let last = 0; ; ) {
      const header = this.field(last, path);
      if (!header) break;
      const { type, id } = header;
      last = id;
      const field = link.fields.find((candidate) => candidate.thrift.id === id);
      if (!field || !this.#accepts(field.value, type)) {
        this.#losses.unknownFields++;
        this.#skip(type, depth, path);
        continue;
      }
      if (seen.has(field)) this.#losses.duplicates++;
      seen.add(field);
      const value = this.#value(field.value, depth, fieldPath(path, field.thrift.name));
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

  #value(link: ValueLink, depth: number, path: string): Value {
    switch (link.kind) {
      case "scalar": {
        const at = this.at;
        return scalarToProtobuf(this.scalar(thriftTypeOf(link), path), link, this.session, at, path);
      }
      case "enum": {
        const at = this.at;
        return checkEnum(asInteger(this.scalar(THRIFT_TYPES.i32, path)), link, this.session, at, path);
      }
      case "message":
        return this.#struct(link.link, depth + 1, path);
      case "list": {
        const count = this.#openList(link.element, depth + 1, path);
        const elements: Value[] = [];
        for (let i = 0; i < count; i++) elements.push(this.#value(link.element, depth + 1, `${path}[${i}]`));
        return { kind: "list", elements };
      }
      case "map":
        return this.#map(link, depth + 1, path);
      case "wrapped":
        return this.#value(link.inner, depth, path);
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
    const { types, count } = this.container(THRIFT_TYPES.list, path);
    if (count > 0 && types[0] !== (element ? thriftTypeOf(element) : THRIFT_TYPES.i8)) {
      this.session.fail(layout.FAULT_ELEMENT_TYPE, at, path, undefined, BigInt(this.nameOf(types[0] ?? 0)));
    }
    if (count > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, at, path);
    return count;
  }

  #map(link: ValueLink & { kind: "map" }, depth: number, path: string): Value {
    this.#checkDepth(depth, path);
    const at = this.at;
    const { types, count } = this.container(THRIFT_TYPES.map, path);
    const expected = [thriftTypeOf(link.key), thriftTypeOf(link.value)];
    const wrong = types.find((type, i) => type !== expected[i]);
    if (count > 0 && wrong !== undefined) {
      this.session.fail(layout.FAULT_ELEMENT_TYPE, at, path, undefined, BigInt(this.nameOf(wrong)));
    }
    if (count > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, at, path);
    const entries: (readonly [Value, Value])[] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#value(link.key, depth, `${path}[${i}].key`);
      entries.push([key, this.#value(link.value, depth, `${path}[${i}].value`)]);
    }
    return { kind: "map", entries };
  }

  #time(link: ValueLink & { kind: "time" }, path: string): Value {
    const count = asInteger(this.scalar(THRIFT_TYPES.i64, path));
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
    switch (inner.kind) {
      case "list":
        return this.#contains(THRIFT_TYPES.list, [thriftTypeOf(inner.element)]);
      case "octets":
        return this.#contains(THRIFT_TYPES.list, [THRIFT_TYPES.i8]);
      case "map":
        return this.#contains(THRIFT_TYPES.map, [thriftTypeOf(inner.key), thriftTypeOf(inner.value)]);
      default:
        return true;
    }
  }

  /** Whether the container ahead has elements of these types, or none, or cannot be entered. */
  #contains(container: number, expected: readonly number[]): boolean {
    const { at } = this;
    const found = this.peekContainer(container);
    this.at = at;
    return !found || found.count === 0 || expected.every((type, i) => type === found.types[i]);
  }

  #checkDepth(depth: number, path: string): void {
    if (depth > this.session.limits.maxDepth) this.session.fail(layout.FAULT_DEPTH, this.at, path);
  }

  #skip(type: number, depth: number, path: string): void {
    if (isScalar(type)) {
      this.scalar(type, path);
      return;
    }
    this.#checkDepth(depth + 1, path);
    switch (type) {
      case THRIFT_TYPES.struct:
        for (let last = 0; ; ) {
          const header = this.field(last, path);
          if (!header) return;
          last = header.id;
          this.#skip(header.type, depth + 1, path);
        }
      case THRIFT_TYPES.list:
      case THRIFT_TYPES.set:
      case THRIFT_TYPES.map: {
        const { types, count } = this.container(type, path);
        for (let i = 0; i < count; i++) for (const each of types) this.#skip(each, depth + 1, path);
        return;
      }
      default:
        this.session.fail(layout.FAULT_TYPE, this.at, path, undefined, BigInt(this.nameOf(type)));
    }
  }
}

/** Whether the Protobuf side has nothing to write for this value: a zero without presence, an empty container. */
function leavesNothing(field: FieldLink, value: Value): boolean {
  return isImplicit(field) && isZero(value);
}

function isScalar(type: number): boolean {
  return type === THRIFT_TYPES.string || FIXED_SIZES.has(type);
}
