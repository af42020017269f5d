// Explains the bytes of a Thrift struct, binary or compact (Thrift's doc/specs/thrift-binary-protocol.md and
// thrift-compact-protocol.md).
import type { FieldType, MessageType } from "../schema/model.ts";
import {
  fieldsOf,
  type Lookup,
  plural,
  showBytes,
  showDouble,
  showInteger,
  typeName,
  type Visit,
  Walk,
} from "./explain-walk.ts";
import { fieldPath } from "./fault.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Visits what each byte of a Thrift struct is, with the names of its `type` where that is known. */
export function explainThrift(
  bytes: Uint8Array,
  protocol: "binary" | "compact",
  type: MessageType | undefined,
  maxDepth: number,
  visit: Visit,
): void {
  const walk = protocol === "binary" ? new BinaryWalk(bytes, maxDepth, visit) : new CompactWalk(bytes, maxDepth, visit);
  walk.struct(fieldsOf(type), 0, "");
  if (walk.left > 0) walk.fail(walk.at, "", `expected the end of the message, got ${plural(walk.left, "more byte")}`);
}

type Kind = keyof typeof THRIFT_TYPES;

/** What a field's header says; `bool` is the value of one that stands in the header. */
interface Header {
  readonly kind: Kind;
  readonly id: number;
  readonly bool?: boolean;
}

interface Elements {
  readonly kinds: readonly (Kind | undefined)[];
  readonly count: number;
}

abstract class ThriftWalk extends Walk {
  /** Undefined at the end of the struct. */
  abstract header(lastId: number, path: string): Header | undefined;
  abstract elements(isMap: boolean, path: string): Elements;
  /** A scalar with a fixed size, as it is shown. */
  abstract number(kind: Kind, type: FieldType | undefined, path: string): string;
  abstract length(path: string): number;

  struct(lookup: Lookup, depth: number, path: string): void {
    this.checkDepth(depth + 1, path);
    for (let lastId = 0; ; ) {
      const start = this.at;
      const header = this.header(lastId, path);
      if (!header) {
        this.visit({ at: start, end: this.at, depth, path, wire: "stop", type: undefined, value: undefined });
        return;
      }
      lastId = header.id;
      const known = lookup(header.id);
      this.#value(
        start,
        header.kind,
        known?.type,
        depth,
        fieldPath(path, known?.name ?? String(header.id)),
        header.bool,
      );
    }
  }

  #value(
    start: number,
    kind: Kind,
    declared: FieldType | undefined,
    depth: number,
    path: string,
    bool?: boolean,
  ): void {
    const fits = declared === undefined || kindOf(declared) === kind;
    const type = fits ? declared : undefined;
    const name = declared && (fits ? typeName(declared) : `${typeName(declared)}, which has another type`);
    const row = (wire: string, value: string | undefined): void =>
      this.visit({ at: start, end: this.at, depth, path, wire, type: name, value });
    switch (kind) {
      case "struct":
        // An element has no bytes before its first field.
        if (this.at > start) row("struct", "struct");
        this.struct(fieldsOf(type?.kind === "message" ? type.type : undefined), depth + 1, path);
        return;
      case "list":
      case "set": {
        const { kinds, count } = this.elements(false, path);
        const [element] = kinds;
        row(`${kind}<${element ?? "nothing"}>`, plural(count, "element"));
        this.checkDepth(depth + 1, path);
        const elementType = type?.kind === "list" || type?.kind === "set" ? type.element : undefined;
        if (element === undefined) return;
        for (let i = 0; i < count; i++) this.#value(this.at, element, elementType, depth + 1, `${path}[${i}]`);
        return;
      }
      case "map": {
        const { kinds, count } = this.elements(true, path);
        const [key, value] = kinds;
        row(count === 0 ? "map" : `map<${key}, ${value}>`, plural(count, "entry").replace("entrys", "entries"));
        this.checkDepth(depth + 1, path);
        if (key === undefined || value === undefined) return;
        const [keyType, valueType] = type?.kind === "map" ? [type.key, type.value] : [];
        for (let i = 0; i < count; i++) {
          this.#value(this.at, key, keyType, depth + 1, `${path}[${i}].key`);
          this.#value(this.at, value, valueType, depth + 1, `${path}[${i}].value`);
        }
        return;
      }
      case "string":
      case "binary": {
        const at = this.at;
        const length = this.length(path);
        this.checkLength(length, at, path);
        const content = this.bytes.subarray(this.at, this.at + length);
        this.at += length;
        row("string", showBytes(content, type));
        return;
      }
      case "uuid": {
        const at = this.take(16, path, "a uuid");
        const hex = this.bytes.toString("hex", at, at + 16);
        row("uuid", hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"));
        return;
      }
      default:
        row(kind, bool === undefined ? this.number(kind, type, path) : String(bool));
    }
  }

  /** A count of things that take at least a byte each, be they several bytes. */
  checkCount(count: number, least: number, at: number, path: string): void {
    if (count < 0 || count * least > this.left) {
      this.fail(at, path, `${plural(count, "element")} cannot stand in what is left, ${plural(this.left, "byte")}`);
    }
  }
}

/** The Thrift type that a declared type has on the wire. */
function kindOf(type: FieldType): Kind | undefined {
  switch (type.kind) {
    case "enum":
      return "i32";
    case "message":
      return "struct";
    case "scalar":
      if (type.name === "binary") return "string";
      return Object.hasOwn(THRIFT_TYPES, type.name) ? (type.name as Kind) : undefined;
    default:
      return type.kind;
  }
}

const BINARY_KINDS: ReadonlyMap<number, Kind> = new Map(
  (["bool", "i8", "double", "i16", "i32", "i64", "string", "struct", "map", "set", "list", "uuid"] as const).map(
    (kind) => [THRIFT_TYPES[kind], kind],
  ),
);
const BINARY_SIZES: Partial<Record<Kind, number>> = { bool: 1, i8: 1, i16: 2, i32: 4, i64: 8, double: 8 };

class BinaryWalk extends ThriftWalk {
  override header(_lastId: number, path: string): Header | undefined {
    const at = this.take(1, path, "a field's type or the end of the struct");
    const type = this.bytes.readUInt8(at);
    if (type === 0) return undefined;
    const kind = BINARY_KINDS.get(type) ?? this.fail(at, path, `expected a field's type, got ${type}`);
    return { kind, id: this.bytes.readInt16BE(this.take(2, path, "a field id")) };
  }

  override elements(isMap: boolean, path: string): Elements {
    const size = isMap ? 2 : 1;
    const at = this.take(size, path, "element types");
    const types = [...this.bytes.subarray(at, at + size)];
    const countAt = this.take(4, path, "a count");
    const count = this.bytes.readInt32BE(countAt);
    this.checkCount(count, size, countAt, path);
    if (count === 0) return { kinds: types.map((type) => BINARY_KINDS.get(type)), count };
    const kinds = types.map(
      (type, i) => BINARY_KINDS.get(type) ?? this.fail(at + i, path, `expected an element's type, got ${type}`),
    );
    return { kinds, count };
  }

  override number(kind: Kind, type: FieldType | undefined, path: string): string {
    const size = BINARY_SIZES[kind] ?? 1;
    const at = this.take(size, path, `${/^i8$|^i16$|^i32$|^i64$/.test(kind) ? "an" : "a"} ${kind}`);
    if (kind === "double") return showDouble(this.bytes.readDoubleBE(at));
    if (kind === "i64") return String(this.bytes.readBigInt64BE(at));
    if (kind === "bool") return String(this.bytes[at] !== 0);
    return showInteger(BigInt(this.bytes.readIntBE(at, size)), type);
  }

  override length(path: string): number {
    return this.bytes.readInt32BE(this.take(4, path, "a length"));
  }
}

const COMPACT_KINDS: readonly (Kind | undefined)[] = [
  undefined,
  ...(["bool", "bool", "i8", "i16", "i32", "i64", "double", "string", "list", "set", "map", "struct", "uuid"] as const),
];

class CompactWalk extends ThriftWalk {
  override header(lastId: number, path: string): Header | undefined {
    const at = this.take(1, path, "a field's type or the end of the struct");
    const byte = this.bytes.readUInt8(at);
    if (byte === 0) return undefined;
    const type = byte & 15;
    const kind = COMPACT_KINDS[type] ?? this.fail(at, path, `expected a field's type, got ${type}`);
    const delta = byte >> 4;
    const id = delta === 0 ? Number(unZigzag(this.varint(path, "a field id"))) : lastId + delta;
    if (id < -32768 || id > 32767) this.fail(at, path, `expected a field id of 16 bits, got ${id}`);
    return kind === "bool" ? { kind, id, bool: type === 1 } : { kind, id };
  }

  override elements(isMap: boolean, path: string): Elements {
    const at = this.at;
    const kindAt = (type: number): Kind =>
      COMPACT_KINDS[type] ?? this.fail(this.at - 1, path, `expected an element's type, got ${type}`);
    if (isMap) {
      const count = Number(this.varint(path, "a count"));
      if (count === 0) return { kinds: [], count };
      this.checkCount(count, 2, at, path);
      const types = this.bytes.readUInt8(this.take(1, path, "the types of key and value"));
      return { kinds: [kindAt(types >> 4), kindAt(types & 15)], count };
    }
    const byte = this.bytes.readUInt8(this.take(1, path, "a count and an element type"));
    const short = byte >> 4;
    const count = short === 15 ? Number(this.varint(path, "a count")) : short;
    this.checkCount(count, 1, at, path);
    return { kinds: [count === 0 ? COMPACT_KINDS[byte & 15] : kindAt(byte & 15)], count };
  }

  override number(kind: Kind, type: FieldType | undefined, path: string): string {
    switch (kind) {
      case "bool":
        return String(this.bytes[this.take(1, path, "a bool")] === 1);
      case "i8":
        return String(this.bytes.readInt8(this.take(1, path, "an i8")));
      case "double":
        return showDouble(this.bytes.readDoubleLE(this.take(8, path, "a double")));
      default:
        return showInteger(unZigzag(this.varint(path, `an ${kind}`)), type);
    }
  }

  override length(path: string): number {
    const length = this.varint(path, "a length");
    return Number(length);
  }
}

function unZigzag(bits: bigint): bigint {
  return bits & 1n ? -(bits >> 1n) - 1n : bits >> 1n;
}
