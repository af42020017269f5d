// Lays links out as the records that layout.ts draws and the engine walks by. Tables only grow: what was laid out once stays
// at its address.
import type { Absent, FieldLink, MessageLink, ValueLink } from "../schema/link.ts";
import type { ProtoScalar } from "../schema/model.ts";
import type { Limits } from "./codec.ts";
import type { Direction } from "./fault.ts";
import * as layout from "./layout.ts";
import { encodeProtobufField } from "./protobuf-writer.ts";
import type { ThriftBody } from "./thrift-binary.ts";
import { encodeThriftField } from "./thrift-binary-writer.ts";
import { encodeCompactValue } from "./thrift-compact-writer.ts";
import { constantValue, isImplicit } from "./value.ts";
import { isPackable, thriftTypeOf, wireTypeOf } from "./wire-types.ts";

/** A node's part of a path, and what stands there. */
export interface NodeLabel {
  readonly kind: "field" | "element" | "key" | "value";
  readonly name: string;
  readonly link: ValueLink | undefined;
}

export interface Tables {
  /** Bytes of all records. */
  readonly size: number;
  /** The records, to be put at `start` of the engine's memory. */
  bytes(): Uint8Array;
  /** The labels of nodes by their id. */
  readonly labels: readonly NodeLabel[];
  /** The address of the record by which the engine translates this body within the limits; without a direction, between Thrift and Thrift. */
  plan(body: ThriftBody, direction: Direction | undefined, limits: Limits): number;
}

/** Field numbers below this index an array; a message of few fields with larger ones is searched. */
const DENSE_ALWAYS = 64;
const DENSE_PER_FIELD = 8;
const WORD = 8;

const FORMS: Partial<Record<ProtoScalar, number>> = {
  int32: layout.FORM_INT32,
  int64: layout.FORM_INT64,
  uint32: layout.FORM_UINT32,
  uint64: layout.FORM_UINT64,
  sint32: layout.FORM_SINT32,
  sint64: layout.FORM_SINT64,
  fixed32: layout.FORM_FIXED32,
  fixed64: layout.FORM_FIXED64,
  sfixed32: layout.FORM_SFIXED32,
  sfixed64: layout.FORM_SFIXED64,
};

const TIME_UNITS = ["s", "ms", "us", "ns"];

/** What a node record says, before addresses. */
interface NodePlan {
  readonly label: NodeLabel;
  readonly value: ValueLink;
  /** Its number on the source's wire. */
  readonly number: number;
  /** Its number on the Protobuf wire. */
  readonly protobufNumber: number;
  readonly head: Uint8Array;
  readonly implicit: boolean;
  readonly omitUnwritable: boolean;
  readonly absent: number;
  readonly oneof: number;
}

/** Empty tables whose first byte will stand at the address `start`. */
export function createTables(start: number): Tables {
  let bytes = new Uint8Array(64 * 1024);
  let view = new DataView(bytes.buffer);
  let end = start;
  let frameSize = 16;
  const labels: NodeLabel[] = [];
  const laidOut = { "to-protobuf": new Map<MessageLink, number>(), "to-thrift": new Map<MessageLink, number>() };

  function allocate(size: number): number {
    const address = end;
    end += (size + 15) & ~15;
    if (end - start > bytes.length) {
      const larger = new Uint8Array(Math.max(bytes.length * 2, end - start));
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    return address;
  }

  const put32 = (address: number, value: number) => view.setUint32(address - start, value, true);
  const put16 = (address: number, value: number) => view.setUint16(address - start, value, true);
  const put8 = (address: number, value: number) => view.setUint8(address - start, value);

  function blob(content: Uint8Array): number {
    const address = allocate(4 + content.length);
    put32(address, content.length);
    bytes.set(content, address + 4 - start);
    return address;
  }

  function plan({ link, field }: ThriftBody, direction: Direction | undefined, limits: Limits): number {
    const message = direction ? layOut(link, direction) : 0;
    const record = allocate(layout.PLAN_SIZE);
    put32(record + layout.PLAN_MESSAGE, message);
    put32(record + layout.PLAN_MAX_BYTES, limits.maxBytes);
    put32(record + layout.PLAN_MAX_DEPTH, limits.maxDepth);
    put32(record + layout.PLAN_MAX_ELEMENTS, limits.maxElements);
    // One frame for each level, and a spare for each entry or wrapper between them.
    put32(record + layout.PLAN_STACK_BYTES, (limits.maxDepth + 4) * (frameSize + 16) + 64);
    put32(record + layout.PLAN_FIELD, field ? field.id & 0xffff : layout.NO_FIELD);
    if (!field) return record;
    put32(record + layout.PLAN_NODE, label({ kind: "field", name: field.name, link: undefined }));
    put32(record + layout.PLAN_NEEDED, field.needed ? 1 : 0);
    return record;
  }

  function layOut(link: MessageLink, direction: Direction): number {
    const known = laidOut[direction].get(link);
    if (known !== undefined) return known;
    const record = allocate(layout.MESSAGE_SIZE);
    // Before the fields, which may refer to it.
    laidOut[direction].set(link, record);
    fillMessage(
      record,
      link.fields.map((field) => planField(field, link, direction)),
      direction,
    );
    put32(record + layout.MESSAGE_IS_UNION, link.union ? 1 : 0);
    const index = new Map(link.fields.map((field, i) => [field, i]));
    const masks = link.oneofs.map((members) => members.map((member) => index.get(member) ?? 0));
    put32(record + layout.MESSAGE_ONEOF_COUNT, masks.length);
    put32(record + layout.MESSAGE_ONEOF_MASKS, putMasks(masks, link.fields.length));
    frameSize = Math.max(frameSize, frameBytes(link.fields.length, masks.length));
    return record;
  }

  function planField(field: FieldLink, link: MessageLink, direction: Direction): NodePlan {
    const toProtobuf = direction === "to-protobuf";
    const source = toProtobuf ? field.thrift : field.protobuf;
    const oneof = link.oneofs.findIndex((members) => members.includes(field));
    return {
      label: { kind: "field", name: source.name, link: field.value },
      value: field.value,
      number: toProtobuf ? field.thrift.id & 0xffff : field.protobuf.id,
      protobufNumber: field.protobuf.id,
      head: toProtobuf ? keyBytes(field.value, field.protobuf.id) : thriftHeader(field),
      implicit: isImplicit(field),
      omitUnwritable: field.unwritable === "omit",
      absent: absentAddress(field, direction),
      oneof: oneof + 1,
    };
  }

  function absentAddress(field: FieldLink, direction: Direction): number {
    const absent: Absent = direction === "to-protobuf" ? field.absentInThrift : field.absentInProtobuf;
    if (absent.kind === "omit") return layout.ABSENT_OMIT;
    if (absent.kind === "error") return layout.ABSENT_ERROR;
    const value = constantValue(absent.value, field.value);
    if (direction === "to-protobuf") return blob(encodeProtobufField(field, value));
    const address = blob(encodeThriftField(field, value));
    // Right behind it.
    blob(encodeCompactValue(field, value));
    return address;
  }

  /** A part of a larger value: an element, a key, a value, the inside of a wrapper. */
  function part(
    kind: NodeLabel["kind"],
    value: ValueLink,
    number: number,
    head: Uint8Array,
    implicit: boolean,
  ): NodePlan {
    return {
      label: { kind, name: "", link: value },
      value,
      number,
      protobufNumber: number,
      head,
      implicit,
      omitUnwritable: false,
      absent: layout.ABSENT_OMIT,
      oneof: 0,
    };
  }

  function fillMessage(record: number, plans: readonly NodePlan[], direction: Direction): void {
    const nodes = allocate((plans.length + 1) * layout.NODE_SIZE);
    put32(nodes + plans.length * layout.NODE_SIZE + layout.NODE_SOURCE, layout.NO_SOURCE);
    put32(record + layout.MESSAGE_COUNT, plans.length);
    put32(record + layout.MESSAGE_NODES, nodes);
    for (const [i, plan] of plans.entries()) fillNode(nodes + i * layout.NODE_SIZE, plan, i, direction);

    const needed = plans.flatMap((plan, i) => (plan.absent === layout.ABSENT_OMIT ? [] : [i]));
    put32(record + layout.MESSAGE_NEEDED, needed.length > 0 ? putMasks([needed], plans.length) : 0);
    fillIndex(
      record,
      plans.map((plan, i) => [plan.number, nodes + i * layout.NODE_SIZE]),
    );
    frameSize = Math.max(frameSize, frameBytes(plans.length, 0));
  }

  function fillIndex(record: number, numbers: readonly (readonly [number: number, node: number])[]): void {
    const bound = Math.max(DENSE_ALWAYS, numbers.length * DENSE_PER_FIELD);
    const dense = numbers.filter(([number]) => number < bound);
    const sparse = numbers.filter(([number]) => number >= bound).sort(([a], [b]) => a - b);
    const denseCount = Math.max(0, ...dense.map(([number]) => number + 1));
    const denseArray = allocate(denseCount * 4);
    for (const [number, node] of dense) put32(denseArray + number * 4, node);
    const pairs = allocate(sparse.length * 8);
    for (const [i, [number, node]] of sparse.entries()) {
      put32(pairs + i * 8, number);
      put32(pairs + i * 8 + 4, node);
    }
    put32(record + layout.MESSAGE_DENSE_COUNT, denseCount);
    put32(record + layout.MESSAGE_DENSE, denseArray);
    put32(record + layout.MESSAGE_SPARSE_COUNT, sparse.length);
    put32(record + layout.MESSAGE_SPARSE, pairs);
  }

  function putMasks(masks: readonly (readonly number[])[], fieldCount: number): number {
    const width = Math.ceil(fieldCount / 64) * WORD;
    const address = allocate(masks.length * width);
    for (const [i, members] of masks.entries()) {
      for (const member of members) {
        const byte = address - start + i * width + (member >>> 3);
        bytes[byte] = (bytes[byte] ?? 0) | (1 << (member & 7));
      }
    }
    return address;
  }

  function fillNode(node: number, plan: NodePlan, index: number, direction: Direction): void {
    const { value } = plan;
    const toProtobuf = direction === "to-protobuf";
    put8(node + layout.NODE_KIND, kindOf(value));
    put8(node + layout.NODE_THRIFT_TYPE, thriftTypeOf(value));
    put8(node + layout.NODE_FORM, formOf(value));
    put16(node + layout.NODE_FLAGS, flagsOf(plan, direction));
    put16(node + layout.NODE_HEAD_LENGTH, plan.head.length);
    bytes.set(plan.head, node + layout.NODE_HEAD - start);
    put32(node + layout.NODE_INDEX, index);
    put32(node + layout.NODE_ABSENT, plan.absent);
    put32(node + layout.NODE_ONEOF, plan.oneof);
    put32(node + layout.NODE_ID, label(plan.label));
    const key = ((plan.protobufNumber << 3) | wireTypeOf(value)) >>> 0;
    put32(node + layout.NODE_KEY, key);
    const keyOrNone = key < 128 ? key : layout.NO_SOURCE;
    put32(node + layout.NODE_SOURCE, toProtobuf ? headerNumber(thriftTypeOf(value), plan.number) : keyOrNone);

    const alone = (inner: NodePlan): number => {
      const address = allocate(layout.NODE_SIZE);
      fillNode(address, inner, 0, direction);
      return address;
    };
    const level = (...parts: readonly NodePlan[]): number => {
      const record = allocate(layout.MESSAGE_SIZE);
      fillMessage(record, parts, direction);
      return record;
    };
    const headOf = (inner: ValueLink, number: number) => (toProtobuf ? keyBytes(inner, number) : NO_HEAD);
    switch (value.kind) {
      case "message":
        put32(node + layout.NODE_TARGET, layOut(value.link, direction));
        return;
      case "list": {
        const isPacked = toProtobuf && value.packed && isPackable(value.element);
        const head = !toProtobuf || isPacked ? NO_HEAD : keyBytes(value.element, plan.protobufNumber);
        put32(node + layout.NODE_TARGET, alone(part("element", value.element, plan.protobufNumber, head, false)));
        return;
      }
      case "map": {
        const key = part("key", value.key, 1, headOf(value.key, 1), false);
        const content = part("value", value.value, 2, headOf(value.value, 2), false);
        put32(node + layout.NODE_TARGET, toProtobuf ? alone(key) : level(key, content));
        if (toProtobuf) put32(node + layout.NODE_OTHER, alone(content));
        return;
      }
      case "wrapped": {
        const inner = part("field", value.inner, 1, headOf(value.inner, 1), toProtobuf);
        put32(node + layout.NODE_TARGET, toProtobuf ? alone(inner) : level(inner));
        return;
      }
      case "time":
        if (!toProtobuf) put32(node + layout.NODE_TARGET, level(timePart("int64", 1), timePart("int32", 2)));
        return;
      case "enum":
        put32(node + layout.NODE_TARGET, value.unknown === "error" ? numbersOf(value, toProtobuf) : 0);
        return;
      default:
    }
  }

  function timePart(protobuf: ProtoScalar, number: number): NodePlan {
    const link = { kind: "scalar", thrift: "i64", protobuf, bits: false, exact: false, uuidText: false } as const;
    return part("field", link, number, NO_HEAD, false);
  }

  function numbersOf(value: ValueLink & { kind: "enum" }, toProtobuf: boolean): number {
    const target = toProtobuf ? value.protobuf : value.thrift;
    const numbers = [...target.valuesByNumber.keys()].sort((a, b) => a - b);
    const address = allocate(4 + numbers.length * 4);
    put32(address, numbers.length);
    for (const [i, number] of numbers.entries()) put32(address + 4 + i * 4, number >>> 0);
    return address;
  }

  function label(newLabel: NodeLabel): number {
    labels.push(newLabel);
    return labels.length - 1;
  }

  return {
    get size() {
      return end - start;
    },
    bytes: () => bytes.subarray(0, end - start),
    labels,
    plan,
  };
}

const NO_HEAD = new Uint8Array(0);

/** A frame of either direction: slots of 16 bytes and the oneofs' members, or masks and last positions. */
function frameBytes(fields: number, oneofs: number): number {
  return Math.max(fields * 16 + oneofs * 4 + 32, Math.ceil(fields / 64) * WORD + fields * 4 + 16);
}

/** The tag of one occurrence; of a packed list, of the whole. */
function keyBytes(value: ValueLink, number: number): Uint8Array {
  const isPacked = value.kind === "list" && value.packed && isPackable(value.element);
  let rest = ((number << 3) | (isPacked ? 2 : wireTypeOf(value))) >>> 0;
  const key: number[] = [];
  for (; rest > 127; rest >>>= 7) key.push((rest & 127) | 128);
  key.push(rest);
  return Uint8Array.from(key);
}

/** A field's header in Thrift's binary encoding, as a little-endian number. */
function headerNumber(type: number, id: number): number {
  return type | (id & 0xff00) | ((id & 0xff) << 16);
}

function thriftHeader(field: FieldLink): Uint8Array {
  return Uint8Array.of(thriftTypeOf(field.value), (field.thrift.id >> 8) & 255, field.thrift.id & 255);
}

function kindOf(value: ValueLink): number {
  switch (value.kind) {
    case "scalar":
      return scalarKind(value);
    case "enum":
      return value.unknown === "error" || value.syntheticZero ? layout.KIND_ENUM : layout.KIND_I32;
    case "message":
      return layout.KIND_MESSAGE;
    case "list":
      return layout.KIND_LIST;
    case "map":
      return layout.KIND_MAP;
    case "wrapped":
      return layout.KIND_WRAPPED;
    case "octets":
      return layout.KIND_OCTETS;
    case "time":
      return layout.KIND_TIME;
  }
}

function scalarKind({ thrift, protobuf, uuidText }: ValueLink & { kind: "scalar" }): number {
  switch (thrift) {
    case "bool":
      return layout.KIND_BOOL;
    case "double":
      return protobuf === "float" ? layout.KIND_FLOAT : layout.KIND_DOUBLE;
    case "string":
    case "binary":
      return layout.KIND_STRING;
    case "uuid":
      return uuidText ? layout.KIND_UUID_TEXT : layout.KIND_UUID;
    default:
      if (thrift === "i32" && protobuf === "int32") return layout.KIND_I32;
      return thrift === "i64" && protobuf === "int64" ? layout.KIND_I64 : layout.KIND_INTEGER;
  }
}

function formOf(value: ValueLink): number {
  if (value.kind === "time") return TIME_UNITS.indexOf(value.unit);
  return value.kind === "scalar" ? (FORMS[value.protobuf] ?? 0) : 0;
}

function flagsOf({ value, implicit, omitUnwritable }: NodePlan, direction: Direction): number {
  const toProtobuf = direction === "to-protobuf";
  let flags = (implicit ? layout.FLAG_IMPLICIT : 0) | (omitUnwritable ? layout.FLAG_OMIT_UNWRITABLE : 0);
  switch (value.kind) {
    case "scalar":
      if (value.bits) flags |= layout.FLAG_BITS;
      if (value.exact) flags |= layout.FLAG_EXACT;
      if (toProtobuf ? value.protobuf === "string" : value.thrift === "string") flags |= layout.FLAG_TEXT;
      return flags;
    case "enum":
      return flags | (value.syntheticZero && !toProtobuf ? layout.FLAG_SYNTHETIC_ZERO : 0);
    case "message":
      return flags | (value.delimited ? layout.FLAG_DELIMITED : 0);
    case "list":
      if (isPackable(value.element) && (value.packed || !toProtobuf)) flags |= layout.FLAG_PACKED;
      return flags | (value.set ? layout.FLAG_SET : 0);
    case "time":
      return flags | (value.message.fullName === "google.protobuf.Duration" ? layout.FLAG_DURATION : 0);
    default:
      return flags;
  }
}
