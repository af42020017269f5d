// Reads values from the Protobuf encoding: the interpreter's plain counterpart of the engine. The rules that concern Thrift are
// thrift-binary-writer.ts's.
import type { FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import type { ProtoScalar } from "../schema/model.ts";
import { ByteReader, type Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { fieldPath } from "./fault.ts";
import * as layout from "./layout.ts";
import { asInteger, type MessageValue, type Value, zeroValue } from "./value.ts";
import { isPackable, WIRE_TYPES, wireTypeOf } from "./wire-types.ts";

/** Decodes the message that fills `bytes`. */
export function decodeProtobuf(bytes: Uint8Array, link: MessageLink, session: Session, losses: Losses): MessageValue {
  const reader = new ProtobufReader(bytes, session, losses);
  return reader.message([{ start: 0, end: bytes.length, isGroup: false }], link, 1, "");
}

/** Where one occurrence of a field stands. */
interface Occurrence {
  readonly wireType: number;
  /** Behind the key. */
  readonly at: number;
}

/** What stands under one number of a level; entries and wrappers add no name to a path. */
interface Part {
  readonly link: ValueLink;
  readonly name: string;
}

/** A part of a message: messages may come in several, which merge. */
interface Piece {
  readonly start: number;
  readonly end: number;
  /** Ended by a tag before `end`. */
  readonly isGroup: boolean;
}

/** What may stand in a message, and the numbers of the oneof that each member is of. */
interface Level {
  readonly byNumber: ReadonlyMap<number, Part>;
  readonly rivals: ReadonlyMap<number, readonly number[]>;
}

const levels = new WeakMap<MessageLink, Level>();

function levelOf(link: MessageLink): Level {
  let level = levels.get(link);
  if (!level) {
    const { fields, oneofs } = link;
    const members = oneofs.map((oneof) => oneof.map(({ protobuf }) => protobuf.id));
    level = {
      byNumber: new Map(fields.map(({ protobuf, value }) => [protobuf.id, { link: value, name: protobuf.name }])),
      rivals: new Map(members.flatMap((ids) => ids.map((id) => [id, ids] as const))),
    };
    levels.set(link, level);
  }
  return level;
}

class ProtobufReader extends ByteReader {
  readonly #losses: Losses;

  constructor(bytes: Uint8Array, session: Session, losses: Losses) {
    super(bytes, session);
    this.#losses = losses;
  }

  message(pieces: readonly Piece[], link: MessageLink, depth: number, path: string): MessageValue {
    this.#checkDepth(depth, path);
    const { byNumber, rivals } = levelOf(link);
    const occurrences = this.#level(pieces, byNumber, rivals, depth, path);
    const fields = new Map<FieldLink, Value>();
    for (const field of link.fields) {
      const found = occurrences.get(field.protobuf.id);
      if (!found) continue;
      fields.set(field, this.#value(found, field.value, depth, fieldPath(path, field.protobuf.name)));
    }
    return { kind: "message", fields };
  }

  /** The occurrences of each known field, in their order; of a oneof only those of the member that came last. */
  #level(
    pieces: readonly Piece[],
    byNumber: ReadonlyMap<number, Part>,
    rivals: ReadonlyMap<number, readonly number[]>,
    depth: number,
    path: string,
  ): Map<number, Occurrence[]> {
    const found = new Map<number, Occurrence[]>();
    for (const piece of pieces) {
      this.at = piece.start;
      this.end = piece.end;
      while (this.left > 0) {
        const key = this.#key(path);
        const number = key >>> 3;
        const part = byNumber.get(number);
        const at = this.at;
        if (piece.isGroup && (key & 7) === WIRE_TYPES.groupEnd) break;
        const isKnown = part && acceptsWireType(part.link, key & 7);
        this.#skip(key, depth, isKnown && part.name ? fieldPath(path, part.name) : path);
        if (!isKnown) {
          this.#losses.unknownFields++;
          continue;
        }
        for (const rival of rivals.get(number) ?? []) if (rival !== number) found.delete(rival);
        const list = found.get(number);
        if (list) list.push({ wireType: key & 7, at });
        else found.set(number, [{ wireType: key & 7, at }]);
      }
    }
    this.end = this.bytes.length;
    return found;
  }

  #value(found: readonly Occurrence[], link: ValueLink, depth: number, path: string): Value {
    switch (link.kind) {
      case "scalar":
      case "enum":
        this.at = found.at(-1)?.at ?? 0;
        return this.#scalar(link.kind === "enum" ? "int32" : link.protobuf, path);
      case "octets":
        this.at = found.at(-1)?.at ?? 0;
        return this.#octets(depth + 1, path);
      case "list":
        return { kind: "list", elements: this.#elements(found, link, depth + 1, path) };
      case "map":
        this.#checkDepth(depth + 1, path);
        if (found.length > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, this.at, path);
        return { kind: "map", entries: found.map((entry, i) => this.#entry(entry, link, depth + 1, `${path}[${i}]`)) };
      default:
        return this.#compound(
          found.map((occurrence) => this.#piece(occurrence, path)),
          link,
          depth,
          path,
        );
    }
  }

  /** A value that is a message on this wire. */
  #compound(pieces: readonly Piece[], link: ValueLink, depth: number, path: string): Value {
    if (link.kind === "message") return this.message(pieces, link.link, depth + 1, path);
    if (link.kind === "wrapped") {
      const inside = this.#level(pieces, new Map([[1, { link: link.inner, name: "" }]]), new Map(), depth, path).get(1);
      return inside ? this.#value(inside, link.inner, depth, path) : this.#zero(link.inner, depth, path);
    }
    const parts = this.#level(pieces, TIME_PARTS, new Map(), depth, path);
    const part = (number: number, type: ProtoScalar) => {
      const last = parts.get(number)?.at(-1);
      if (!last) return 0n;
      this.at = last.at;
      return asInteger(this.#scalar(type, path));
    };
    return { kind: "time", seconds: part(1, "int64"), nanos: part(2, "int32") };
  }

  #elements(found: readonly Occurrence[], link: ValueLink & { kind: "list" }, depth: number, path: string): Value[] {
    this.#checkDepth(depth, path);
    const { element } = link;
    const elements: Value[] = [];
    const add = (value: () => Value) => {
      if (elements.length === this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, this.at, path);
      elements.push(value());
    };
    for (const occurrence of found) {
      const elementPath = () => `${path}[${elements.length}]`;
      if (occurrence.wireType === wireTypeOf(element)) {
        add(() => this.#value([occurrence], element, depth, elementPath()));
        continue;
      }
      this.at = occurrence.at;
      const length = this.#length(path);
      this.end = this.at + length;
      while (this.left > 0) {
        add(() => this.#scalar(element.kind === "scalar" ? element.protobuf : "int32", elementPath()));
      }
      this.end = this.bytes.length;
    }
    return elements;
  }

  #entry(
    occurrence: Occurrence,
    link: ValueLink & { kind: "map" },
    depth: number,
    path: string,
  ): readonly [Value, Value] {
    const byNumber = new Map([
      [1, { link: link.key, name: "" }],
      [2, { link: link.value, name: "" }],
    ]);
    const parts = this.#level([this.#piece(occurrence, path)], byNumber, new Map(), depth, path);
    const part = (number: number, partLink: ValueLink, name: string): Value => {
      const found = parts.get(number);
      return found
        ? this.#value(found, partLink, depth, `${path}.${name}`)
        : this.#zero(partLink, depth, `${path}.${name}`);
    };
    return [part(1, link.key, "key"), part(2, link.value, "value")];
  }

  #zero(link: ValueLink, depth: number, path: string): Value {
    return zeroValue(link, (empty) => this.message([], empty, depth + 1, path));
  }

  #piece({ wireType, at }: Occurrence, path: string): Piece {
    this.at = at;
    if (wireType === WIRE_TYPES.group) return { start: at, end: this.bytes.length, isGroup: true };
    const length = this.#length(path);
    return { start: this.at, end: this.at + length, isGroup: false };
  }

  #octets(depth: number, path: string): Uint8Array {
    this.#checkDepth(depth, path);
    const at = this.at;
    const length = this.#length(path);
    if (length > this.session.limits.maxElements) this.session.fail(layout.FAULT_ELEMENTS, at, path);
    return this.slice(length, path);
  }

  #scalar(type: ProtoScalar, path: string): Value {
    switch (type) {
      case "double":
        return this.view.getBigUint64(this.take(8, path), true);
      case "float":
        return BigInt(this.view.getUint32(this.take(4, path), true));
      case "fixed32":
        return BigInt(this.view.getUint32(this.take(4, path), true));
      case "sfixed32":
        return BigInt(this.view.getInt32(this.take(4, path), true));
      case "fixed64":
        return this.view.getBigUint64(this.take(8, path), true);
      case "sfixed64":
        return this.view.getBigInt64(this.take(8, path), true);
      case "string":
      case "bytes":
        return this.slice(this.#length(path), path);
      default:
        return fromVarint(this.#varint(path), type);
    }
  }

  #varint(path: string): bigint {
    const start = this.at;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.view.getUint8(this.take(1, path));
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    return this.session.fail(layout.FAULT_VARINT, start, path);
  }

  #key(path: string): number {
    const at = this.at;
    const key = this.#varint(path);
    if (key < 8n || key > 0xffffffffn || (key & 7n) > 5n) {
      this.session.fail(layout.FAULT_KEY, at, path, undefined, BigInt.asIntN(64, key));
    }
    return Number(key);
  }

  #length(path: string): number {
    const at = this.at;
    const length = this.#varint(path);
    if (length > BigInt(this.left))
      this.session.fail(layout.FAULT_LENGTH, at, path, undefined, BigInt.asIntN(64, length));
    return Number(length);
  }

  #checkDepth(depth: number, path: string): void {
    if (depth > this.session.limits.maxDepth) this.session.fail(layout.FAULT_DEPTH, this.at, path);
  }

  #skip(key: number, depth: number, path: string): void {
    switch (key & 7) {
      case WIRE_TYPES.varint:
        this.#varint(path);
        return;
      case WIRE_TYPES.fixed64:
        this.take(8, path);
        return;
      case WIRE_TYPES.fixed32:
        this.take(4, path);
        return;
      case WIRE_TYPES.delimited:
        this.take(this.#length(path), path);
        return;
      case WIRE_TYPES.group:
        this.#skipGroup(key >>> 3, depth + 1, path);
        return;
      default:
        this.session.fail(layout.FAULT_GROUP, this.at, path, undefined, BigInt(key >>> 3));
    }
  }

  #skipGroup(number: number, depth: number, path: string): void {
    this.#checkDepth(depth, path);
    for (;;) {
      if (this.left === 0) this.session.fail(layout.FAULT_TRUNCATED, this.at, path);
      const at = this.at;
      const key = this.#key(path);
      if ((key & 7) !== WIRE_TYPES.groupEnd) {
        this.#skip(key, depth, path);
        continue;
      }
      if (key >>> 3 !== number) this.session.fail(layout.FAULT_GROUP, at, path, undefined, BigInt(key >>> 3));
      return;
    }
  }
}

const TIME_PART = { kind: "scalar", thrift: "i64", bits: false, exact: false, uuidText: false } as const;
const TIME_PARTS: ReadonlyMap<number, Part> = new Map([
  [1, { link: { ...TIME_PART, protobuf: "int64" }, name: "" }],
  [2, { link: { ...TIME_PART, protobuf: "int32" }, name: "" }],
]);

function acceptsWireType(link: ValueLink, wireType: number): boolean {
  if (wireType === wireTypeOf(link)) return true;
  return link.kind === "list" && isPackable(link.element) && wireType === WIRE_TYPES.delimited;
}

/** A varint's bits as its type has them: those above the type's width are dropped. */
function fromVarint(bits: bigint, type: ProtoScalar): Value {
  switch (type) {
    case "bool":
      return bits !== 0n;
    case "int64":
      return BigInt.asIntN(64, bits);
    case "uint32":
      return BigInt.asUintN(32, bits);
    case "uint64":
      return bits;
    case "sint32":
      return unZigzag(BigInt.asUintN(32, bits));
    case "sint64":
      return unZigzag(bits);
    default:
      return BigInt.asIntN(32, bits);
  }
}

function unZigzag(bits: bigint): bigint {
  return bits & 1n ? -(bits >> 1n) - 1n : bits >> 1n;
}
