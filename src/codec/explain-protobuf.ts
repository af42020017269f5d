// Explains the bytes of a Protobuf message (protobuf.dev/programming-guides/encoding).
import { type FieldType, isMessageSet, type MessageType, type ProtoScalar } from "../schema/model.ts";
import {
  fieldsOf,
  isPrintable,
  type Lookup,
  NOTHING_KNOWN,
  plural,
  showBytes,
  showDouble,
  showInteger,
  textOf,
  typeName,
  type Visit,
  Walk,
} from "./explain-walk.ts";
import { fieldPath } from "./fault.ts";
import { WIRE_TYPES } from "./wire-types.ts";

const NAMES: readonly string[] = ["varint", "fixed64", "length-delimited", "group", "end group", "fixed32"];
const MAX_NUMBER = 536_870_911;

/** Visits what each byte of a Protobuf message is, with the names of its `type` where that is known. */
export function explainProtobuf(
  bytes: Uint8Array,
  type: MessageType | undefined,
  maxDepth: number,
  visit: Visit,
): void {
  new ProtobufWalk(bytes, maxDepth, visit).message(partsOf(type), undefined, 0, "");
}

/** Where a field's bytes stand in the message, and what the IDL says of it. */
interface Place {
  readonly start: number;
  readonly depth: number;
  readonly path: string;
  readonly type: FieldType | undefined;
  readonly set?: MessageType | undefined;
}

/** What may stand in a message. A MessageSet has groups of the number 1, each with a message of another type. */
function partsOf(type: MessageType | undefined): Lookup {
  if (!type || !isMessageSet(type)) return fieldsOf(type);
  return (number) => (number === 1 ? { name: "item", type: undefined, set: type } : undefined);
}

/** What stands in an item of a MessageSet, whose number of an extension may come before or after the message. */
function partsOfItem(set: MessageType, bytes: Buffer, start: number, end: number): Lookup {
  let number: number | undefined;
  scan(bytes, start, end, (field, at) => {
    if (field === 2) number = readVarint(bytes, at, end)?.value;
  });
  const extension = number === undefined ? undefined : set.fieldsById.get(number);
  return (field) => {
    if (field === 2) return { name: "type_id", type: { kind: "scalar", name: "uint32" } };
    return field === 3 ? { name: "message", type: extension?.type } : undefined;
  };
}

class ProtobufWalk extends Walk {
  /** A message up to `end`, or a group up to its end tag. */
  message(lookup: Lookup, group: number | undefined, depth: number, path: string): void {
    this.checkDepth(depth + 1, path);
    const counts = countFields(this.bytes, this.at, this.end);
    const seen = new Map<number, number>();
    while (this.left > 0) {
      const start = this.at;
      const { number, wireType } = this.#key(path);
      if (wireType === WIRE_TYPES.groupEnd) {
        if (number !== group)
          this.fail(start, path, `expected a field, but there the group ${number} ends, which is not open`);
        this.visit({ at: start, end: this.at, depth, path, wire: "end group", type: undefined, value: undefined });
        return;
      }
      const known = lookup(number);
      const index = seen.get(number) ?? 0;
      seen.set(number, index + 1);
      const type = known?.type;
      const isRepeated =
        known?.set !== undefined ||
        (type ? type.kind === "list" || type.kind === "map" : (counts.get(number) ?? 0) > 1);
      const name = fieldPath(path, known?.name ?? String(number));
      const isPacked = type?.kind === "list" && wireType === WIRE_TYPES.delimited && isPackable(type.element);
      const own = type?.kind === "list" && !isPacked ? type.element : type;
      this.#value(wireType, number, {
        start,
        depth,
        path: isRepeated && !isPacked ? `${name}[${index}]` : name,
        type: own,
        set: known?.set,
      });
    }
    if (group !== undefined) this.fail(this.at, path, `expected the end of group ${group}`);
  }

  #key(path: string): { readonly number: number; readonly wireType: number } {
    const at = this.at;
    const key = this.varint(path, "a field key");
    const [number, wireType] = [key >> 3n, Number(key & 7n)];
    if (number < 1n || number > MAX_NUMBER)
      this.fail(at, path, `expected a field number from 1 to ${MAX_NUMBER}, got ${number}`);
    if (wireType > 5) this.fail(at, path, `expected a wire type from 0 to 5, got ${wireType}`);
    return { number: Number(number), wireType };
  }

  #value(wireType: number, number: number, place: Place): void {
    const { start, depth, path, type } = place;
    const fits = type === undefined || wireTypes(type).includes(wireType);
    const declared = fits ? type : undefined;
    const row = (value: string | undefined): void => {
      const name = type && (fits ? typeName(type) : `${typeName(type)}, which has another wire type`);
      this.visit({ at: start, end: this.at, depth, path, wire: NAMES[wireType] ?? "", type: name, value });
    };
    switch (wireType) {
      case WIRE_TYPES.varint:
        row(showVarint(this.varint(path, "a value"), declared));
        return;
      case WIRE_TYPES.fixed64:
        row(showFixed64(this.bytes, this.take(8, path, "a fixed64"), declared));
        return;
      case WIRE_TYPES.fixed32:
        row(showFixed32(this.bytes, this.take(4, path, "a fixed32"), declared));
        return;
      case WIRE_TYPES.group:
        row("group");
        this.message(this.#partsOfGroup(declared, place.set), number, depth + 1, path);
        return;
      default: {
        const at = this.at;
        const length = this.varint(path, "a length");
        this.checkLength(length, at, path);
        this.#delimited(Number(length), declared, place, row);
        return;
      }
    }
  }

  #partsOfGroup(declared: FieldType | undefined, set: MessageType | undefined): Lookup {
    if (set) return partsOfItem(set, this.bytes, this.at, this.end);
    return partsOf(declared?.kind === "message" ? declared.type : undefined);
  }

  #delimited(
    length: number,
    declared: FieldType | undefined,
    { depth, path }: Place,
    row: (value: string) => void,
  ): void {
    const content = this.bytes.subarray(this.at, this.at + length);
    const inside = (walk: () => void): void => {
      const outer = this.end;
      this.end = this.at + length;
      walk();
      this.end = outer;
    };
    const enter = (lookup: Lookup): void => {
      row(`message of ${plural(length, "byte")}`);
      inside(() => this.message(lookup, undefined, depth + 1, path));
    };
    switch (declared?.kind) {
      case "message":
        enter(partsOf(declared.type));
        return;
      case "map": {
        const parts = { 1: { name: "key", type: declared.key }, 2: { name: "value", type: declared.value } };
        enter((id) => (id === 1 || id === 2 ? parts[id] : undefined));
        return;
      }
      case "list": {
        row(`packed, ${plural(length, "byte")}`);
        inside(() => this.#packed(declared.element, depth + 1, path));
        return;
      }
      case undefined:
        if (!looksLikeMessage(content)) break;
        enter(NOTHING_KNOWN);
        return;
    }
    this.at += length;
    row(showBytes(content, declared));
  }

  #packed(element: FieldType, depth: number, path: string): void {
    const [wireType = WIRE_TYPES.varint] = wireTypes(element);
    for (let i = 0; this.left > 0; i++) {
      this.#value(wireType, 0, { start: this.at, depth, path: `${path}[${i}]`, type: element });
    }
  }
}

const FIXED64: ReadonlySet<string> = new Set<ProtoScalar>(["fixed64", "sfixed64", "double"]);
const FIXED32: ReadonlySet<string> = new Set<ProtoScalar>(["fixed32", "sfixed32", "float"]);

/** The wire types that a value of this type may have. */
function wireTypes(type: FieldType): readonly number[] {
  switch (type.kind) {
    case "enum":
      return [WIRE_TYPES.varint];
    case "message":
      return [WIRE_TYPES.delimited, WIRE_TYPES.group];
    case "scalar":
      if (FIXED64.has(type.name)) return [WIRE_TYPES.fixed64];
      if (FIXED32.has(type.name)) return [WIRE_TYPES.fixed32];
      return [type.name === "string" || type.name === "bytes" ? WIRE_TYPES.delimited : WIRE_TYPES.varint];
    default:
      return [WIRE_TYPES.delimited];
  }
}

function isPackable(element: FieldType): boolean {
  return !wireTypes(element).includes(WIRE_TYPES.delimited);
}

function showVarint(bits: bigint, type: FieldType | undefined): string {
  if (type?.kind === "enum") return showInteger(BigInt.asIntN(32, bits), type);
  const signed = BigInt.asIntN(64, bits);
  switch (type?.kind === "scalar" ? type.name : undefined) {
    case "bool":
      return String(bits !== 0n);
    case "int32":
      return String(BigInt.asIntN(32, bits));
    case "uint32":
      return String(BigInt.asUintN(32, bits));
    case "int64":
      return String(signed);
    case "sint32":
      return String(unZigzag(BigInt.asUintN(32, bits)));
    case "sint64":
      return String(unZigzag(bits));
    default:
      return type === undefined && signed < 0n ? `${bits} (or ${signed})` : String(bits);
  }
}

function unZigzag(bits: bigint): bigint {
  return bits & 1n ? -(bits >> 1n) - 1n : bits >> 1n;
}

function showFixed64(bytes: Buffer, at: number, type: FieldType | undefined): string {
  const name = type?.kind === "scalar" ? type.name : undefined;
  if (name === "double") return showDouble(bytes.readDoubleLE(at));
  if (name === "sfixed64") return String(bytes.readBigInt64LE(at));
  const integer = String(bytes.readBigUInt64LE(at));
  return name === undefined ? `${integer} (or double ${showDouble(bytes.readDoubleLE(at))})` : integer;
}

function showFixed32(bytes: Buffer, at: number, type: FieldType | undefined): string {
  const name = type?.kind === "scalar" ? type.name : undefined;
  if (name === "float") return showDouble(Number(bytes.readFloatLE(at).toPrecision(9)));
  if (name === "sfixed32") return String(bytes.readInt32LE(at));
  const integer = String(bytes.readUInt32LE(at));
  return name === undefined
    ? `${integer} (or float ${showDouble(Number(bytes.readFloatLE(at).toPrecision(9)))})`
    : integer;
}

/**
 * Whether undeclared bytes are rather a message than text or blob: they are fields up to their end, and not text. Text that
 * begins with a control character is none: a newline is also the key of field 1.
 */
function looksLikeMessage(content: Buffer): boolean {
  const [first] = content;
  if (first === undefined) return false;
  const text = first >= 0x20 ? textOf(content) : undefined;
  if (text !== undefined && isPrintable(text)) return false;
  return scan(content, 0, content.length, () => {});
}

/** How often each number stands in a level, as far as it can be read. */
function countFields(bytes: Buffer, start: number, end: number): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  scan(bytes, start, end, (number) => counts.set(number, (counts.get(number) ?? 0) + 1));
  return counts;
}

/** A varint of at most 10 bytes, and where it ends; undefined when it is none. Its value is exact below 2^53. */
function readVarint(bytes: Buffer, start: number, end: number): { value: number; at: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10 && start + i < end; i++) {
    const byte = bytes[start + i] ?? 0;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, at: start + i + 1 };
  }
  return undefined;
}

/**
 * Calls `field` with the number of each field of one level and where its value stands; whether the bytes are fields and whole
 * groups up to `end`, or to the end of the group around them.
 */
function scan(bytes: Buffer, start: number, end: number, field: (number: number, at: number) => void): boolean {
  let at = start;
  const groups: number[] = [];
  const varint = (): number => {
    const read = readVarint(bytes, at, end);
    at = read?.at ?? end;
    return read?.value ?? Number.NaN;
  };
  while (at < end) {
    const key = varint();
    const number = Math.floor(key / 8);
    if (!(number >= 1 && number <= MAX_NUMBER)) return false;
    const wireType = key % 8;
    if (wireType === WIRE_TYPES.groupEnd) {
      // The end of the group that is being scanned, or of one that is not open.
      if (groups.pop() !== number) return false;
      continue;
    }
    if (groups.length === 0) field(number, at);
    if (wireType === WIRE_TYPES.varint) {
      if (Number.isNaN(varint())) return false;
    } else if (wireType === WIRE_TYPES.fixed64) at += 8;
    else if (wireType === WIRE_TYPES.fixed32) at += 4;
    else if (wireType === WIRE_TYPES.delimited) {
      const length = varint();
      at += length;
    } else if (wireType === WIRE_TYPES.group) groups.push(number);
    else return false;
    if (!(at <= end)) return false;
  }
  return groups.length === 0;
}
