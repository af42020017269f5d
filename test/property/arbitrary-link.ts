// Links and messages at random: links are made directly, so that every kind of value meets every rule, also those that an IDL
// rarely writes. Messages are written byte by byte, with unknown fields, repetitions, pieces and wrong types mixed in.

import { isPackable, THRIFT_TYPES, thriftTypeOf, wireTypeOf } from "../../src/codec/wire-types.ts";
import type { Absent, FieldLink, MessageLink, ValueLink } from "../../src/schema/link.ts";
import type {
  Declaration,
  EnumType,
  Field,
  FieldType,
  MessageType,
  ProtoScalar,
  ThriftScalar,
} from "../../src/schema/model.ts";

/** A stream of random choices that one number decides (mulberry32). */
export interface Random {
  /** From 0 up to, not including, `n`. */
  below(n: number): number;
  chance(percent: number): boolean;
  pick<T>(choices: readonly T[]): T;
  bits(n: number): bigint;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (n: number) => next() % n;
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (choices) => choices[below(choices.length)]!,
    bits: (n) => BigInt.asUintN(n, (BigInt(next()) << 32n) | BigInt(next())),
  };
}

const named = (name: string): Declaration => ({
  name,
  doc: undefined,
  annotations: [],
  rules: {},
  position: { file: "random", line: 1, column: 1 },
});

const INTEGERS: readonly ProtoScalar[] = [
  "int32",
  "int64",
  "uint32",
  "uint64",
  "sint32",
  "sint64",
  "fixed32",
  "fixed64",
  "sfixed32",
  "sfixed64",
];

function scalarLink(random: Random): ValueLink {
  const thrift = random.pick<ThriftScalar>([
    "bool",
    "i8",
    "i16",
    "i32",
    "i32",
    "i64",
    "i64",
    "double",
    "string",
    "string",
    "binary",
    "uuid",
  ]);
  const base = { kind: "scalar", thrift, bits: false, exact: false, uuidText: false } as const;
  switch (thrift) {
    case "bool":
      return { ...base, protobuf: "bool" };
    case "double":
      return { ...base, protobuf: random.pick(["double", "float"]), exact: random.chance(30) };
    case "string":
    case "binary":
      return { ...base, protobuf: random.pick(["string", "bytes"]) };
    case "uuid":
      return random.chance(50)
        ? { ...base, protobuf: "bytes", uuidText: random.chance(20) }
        : { ...base, protobuf: "string", uuidText: true };
    default:
      return {
        ...base,
        protobuf: random.chance(40) ? (thrift === "i64" ? "int64" : "int32") : random.pick(INTEGERS),
        bits: thrift === "i64" && random.chance(20),
      };
  }
}

function enumType(wire: "thrift" | "protobuf", numbers: readonly number[]): EnumType {
  const values = numbers.map((number) => ({ ...named(`V${number < 0 ? "_" : ""}${Math.abs(number)}`), number }));
  return {
    ...named("Color"),
    wire,
    fullName: "random.Color",
    values,
    valuesByNumber: new Map(values.map((value) => [value.number, value])),
    closed: false,
    parent: undefined,
  };
}

const COLORS = { thrift: enumType("thrift", [-3, 1, 2, 7]), protobuf: enumType("protobuf", [0, -3, 1, 2, 7]) };

type LinkShell = { -readonly [K in keyof MessageLink]: MessageLink[K] };

function valueLink(random: Random, messages: readonly LinkShell[], budget: number): ValueLink {
  const kind = random.below(budget > 0 ? 100 : 50);
  if (kind < 40) return scalarLink(random);
  if (kind < 47)
    return { kind: "enum", ...COLORS, syntheticZero: random.chance(50), unknown: random.chance(30) ? "error" : "pass" };
  if (kind < 50)
    return {
      kind: "time",
      unit: random.pick(["s", "ms", "us", "ns"] as const),
      message: typeNamed(random.pick(["Timestamp", "Duration"])),
    };
  if (kind < 65) return { kind: "message", link: random.pick(messages), delimited: random.chance(15) };
  if (kind < 80) {
    const element = insideContainer(random, messages, budget - 1);
    return { kind: "list", set: random.chance(30), element, packed: isPackable(element) && random.chance(60) };
  }
  if (kind < 92) {
    return {
      kind: "map",
      key: random.chance(85) ? scalarLink(random) : insideContainer(random, messages, 0),
      value: insideContainer(random, messages, budget - 1),
    };
  }
  if (kind < 95) return { kind: "octets" };
  return wrapped(valueLink(random, messages, budget - 1));
}

/** Containers cannot stand in containers on the Protobuf wire, but wrapped. */
function insideContainer(random: Random, messages: readonly LinkShell[], budget: number): ValueLink {
  const link = valueLink(random, messages, budget);
  return link.kind === "list" || link.kind === "map" ? wrapped(link) : link;
}

function wrapped(inner: ValueLink): ValueLink {
  return inner.kind === "wrapped" ? inner : { kind: "wrapped", message: typeNamed("Wrapper"), inner };
}

function typeNamed(name: string, shape: MessageType["shape"] = "message"): MessageType {
  return {
    ...named(name),
    wire: "protobuf",
    fullName: `google.protobuf.${name}`,
    shape,
    fields: [],
    fieldsById: new Map(),
    parent: undefined,
  };
}

const ANY_TYPE: FieldType = { kind: "scalar", name: "i32" };

export function randomField(name: string, id: number): Field {
  return { ...named(name), id, type: ANY_TYPE, presence: "optional", defaultValue: undefined, oneof: undefined };
}

function isScalarLink(link: ValueLink): boolean {
  return link.kind === "scalar" || link.kind === "enum";
}

/** A constant that fits; undefined where writing one takes more than it shows. */
function absentValue(random: Random, link: ValueLink): Absent | undefined {
  if (link.kind === "list") return { kind: "value", value: { kind: "list", values: [] } };
  if (link.kind === "map") return { kind: "value", value: { kind: "map", entries: [] } };
  if (link.kind === "enum") return { kind: "value", value: { kind: "int", value: random.pick([1n, 2n, 7n]) } };
  if (link.kind !== "scalar" || link.thrift === "uuid") return undefined;
  if (link.thrift === "bool") return { kind: "value", value: { kind: "bool", value: random.chance(50) } };
  if (link.thrift === "string" || link.thrift === "binary")
    return { kind: "value", value: { kind: "string", value: random.pick(["", "grün"]) } };
  if (link.thrift === "double") return { kind: "value", value: { kind: "double", value: random.pick([0, 0.5]) } };
  return { kind: "value", value: { kind: "int", value: BigInt(random.below(100)) } };
}

function fieldLink(
  random: Random,
  messages: readonly LinkShell[],
  thriftId: number,
  protobufId: number,
  isMember: boolean,
): FieldLink {
  const value = isMember && random.chance(50) ? scalarLink(random) : valueLink(random, messages, 2);
  const implicit =
    !isMember &&
    (value.kind === "list" ||
      value.kind === "map" ||
      ((isScalarLink(value) || value.kind === "octets") && random.chance(40)));
  const absent = (): Absent => {
    if (isMember || random.chance(70)) return { kind: "omit" };
    if (random.chance(30)) return { kind: "error" };
    return absentValue(random, value) ?? { kind: "omit" };
  };
  return {
    thrift: randomField(`f${protobufId}`, thriftId),
    protobuf: randomField(`f${protobufId}`, protobufId),
    value: isMember && (value.kind === "list" || value.kind === "map") ? wrapped(value) : value,
    absentInThrift: absent(),
    absentInProtobuf: absent(),
    implicit,
    unwritable: random.chance(70) ? "omit" : "error",
  };
}

const THRIFT_IDS = [1, 2, 3, 4, 5, 9, 16, 63, 64, 700, 5000, 32767, 0, -1];
const PROTOBUF_NUMBERS = [1, 2, 3, 4, 5, 8, 15, 16, 100, 2047, 2048, 70000, 536870911];

/** Several messages that may hold each other and themselves. */
export function randomLink(random: Random): MessageLink {
  const count = 1 + random.below(4);
  const messages: LinkShell[] = Array.from({ length: count }, (_, i) => ({
    thrift: typeNamed(`M${i}`, "struct"),
    protobuf: typeNamed(`M${i}`),
    fields: [],
    union: random.chance(25),
    oneofs: [],
  }));
  for (const message of messages) {
    const ids = [...THRIFT_IDS].sort(() => random.below(3) - 1).slice(0, random.below(8));
    const isWide = random.chance(5);
    const numbers = [...PROTOBUF_NUMBERS].sort(() => random.below(3) - 1);
    if (isWide) for (let id = 1000; id < 1080; id++) ids.push(id);
    const isOneof = message.union || random.chance(30);
    const fields = ids.map((id, i) =>
      fieldLink(random, messages, id, numbers[i] ?? 3000 + i, isOneof && (message.union || i < 3)),
    );
    message.fields = fields.sort((a, b) => a.thrift.id - b.thrift.id);
    const members = message.fields.filter((candidate) => ids.indexOf(candidate.thrift.id) < 3 || message.union);
    if (isOneof && random.chance(80) && members.length > 1) message.oneofs = [members];
  }
  return messages[0]!;
}

// ---- messages

const SPECIAL_INTEGERS = [
  0n,
  0n,
  1n,
  -1n,
  127n,
  128n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 31n),
  -(2n ** 63n),
];

function randomInteger(random: Random): bigint {
  if (random.chance(40)) return random.pick(SPECIAL_INTEGERS);
  return random.chance(70) ? BigInt(random.below(300)) - 20n : random.bits(64);
}

/** Mostly what fits, so that most messages translate. */
function fittingInteger(random: Random, least: bigint, most: bigint): bigint {
  const value = randomInteger(random);
  if ((value >= least && value <= most) || random.chance(3)) return value;
  return BigInt(random.below(Number(most < 1000n ? most + 1n : 1000n)));
}

const RANGES: Partial<Record<ThriftScalar | ProtoScalar, readonly [bigint, bigint]>> = {
  i8: [-128n, 127n],
  i16: [-32768n, 32767n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 63n - 1n],
  fixed64: [0n, 2n ** 63n - 1n],
};

function integerFor(random: Random, link: ValueLink & { kind: "scalar" }): bigint {
  const [a, b] = [RANGES[link.thrift], RANGES[link.protobuf]];
  const least = [a, b].reduce((low, range) => (range && range[0] > low ? range[0] : low), -(2n ** 63n));
  const most = [a, b].reduce((high, range) => (range && range[1] < high ? range[1] : high), 2n ** 63n - 1n);
  return fittingInteger(random, least, most);
}

const TEXTS = ["", "a", "hello, world", "naïve – 日本語 – 😀", "x".repeat(130), "0123456789abcdef"];

function randomBytes(random: Random): Buffer {
  if (random.chance(97)) return Buffer.from(random.pick(TEXTS));
  return Buffer.from(Array.from({ length: random.below(20) }, () => random.below(256)));
}

const DOUBLES = [0, 0, -0, 1, -1.5, 1e300, 1e-50, 0.1, Number.POSITIVE_INFINITY, 3.4028235e38];

function doubleBytes(random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  if (random.chance(10))
    bytes.writeBigUInt64BE(random.pick([0x7ff8000000000000n, 0xfff0000000000001n, 0x7ff4000020000000n]));
  else bytes.writeDoubleBE(random.chance(90) ? Math.fround(random.pick(DOUBLES.slice(0, 5))) : random.pick(DOUBLES));
  return bytes;
}

class Output {
  readonly parts: Buffer[] = [];
  size = 0;
  raw(bytes: Uint8Array): this {
    this.parts.push(Buffer.from(bytes));
    this.size += bytes.length;
    return this;
  }
  u8(...values: number[]): this {
    return this.raw(Uint8Array.from(values));
  }
  be(value: bigint, size: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
    return this.raw(bytes.subarray(8 - size));
  }
  le(value: bigint, size: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
    return this.raw(bytes.subarray(0, size));
  }
  varint(value: bigint): this {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.u8(Number(rest & 127n) | 128);
    return this.u8(Number(rest));
  }
  key(number: number, wire: number): this {
    return this.varint((BigInt(number) << 3n) | BigInt(wire));
  }
  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** How much may still be written, so that recursive messages end. */
interface Budget {
  left: number;
}

export function randomThrift(random: Random, link: MessageLink, size: number): Uint8Array {
  const out = new Output();
  thriftStruct(random, out, link, { left: size });
  return out.bytes();
}

function thriftStruct(random: Random, out: Output, link: MessageLink, budget: Budget): void {
  const single = link.union || random.chance(5);
  let fields = link.fields.filter(
    (candidate) => isRequired(candidate.absentInThrift) || random.chance(budget.left > 0 ? 60 : 10),
  );
  for (const members of link.oneofs)
    fields = fields.filter((candidate) => !members.includes(candidate) || candidate === members[0] || random.chance(2));
  if (single && link.fields.length > 0 && !random.chance(5)) fields = [random.pick(link.fields)];
  const order = random.chance(10) ? [...fields].reverse() : [...fields];
  if (random.chance(5) && fields.length > 0) order.push(random.pick(fields));
  for (const candidate of order) {
    if (--budget.left < -40) break;
    if (random.chance(4)) thriftUnknown(random, out, random.chance(50) ? candidate.thrift.id : 777);
    out.u8(thriftTypeOf(candidate.value)).be(BigInt(candidate.thrift.id), 2);
    thriftValue(random, out, candidate.value, budget);
  }
  out.u8(0);
}

function isRequired(absent: Absent): boolean {
  return absent.kind === "error";
}

function thriftUnknown(random: Random, out: Output, id: number): void {
  const header = (type: number) => out.u8(type).be(BigInt(id), 2);
  switch (random.below(5)) {
    case 0:
      header(THRIFT_TYPES.i16).be(5n, 2);
      return;
    case 1:
      header(THRIFT_TYPES.string).be(3n, 4).raw(Buffer.from("abc"));
      return;
    case 2:
      header(THRIFT_TYPES.list).u8(THRIFT_TYPES.struct).be(2n, 4).u8(0, 0);
      return;
    case 3:
      header(THRIFT_TYPES.map).u8(THRIFT_TYPES.i8, THRIFT_TYPES.string).be(1n, 4).u8(1).be(1n, 4).u8(65);
      return;
    default:
      header(THRIFT_TYPES.struct).u8(THRIFT_TYPES.bool).be(1n, 2).u8(1, 0);
  }
}

function thriftValue(random: Random, out: Output, link: ValueLink, budget: Budget): void {
  budget.left--;
  const count = budget.left < 0 ? random.below(2) : random.below(5);
  switch (link.kind) {
    case "scalar":
      thriftScalar(random, out, link);
      return;
    case "enum":
      out.be(random.pick([1n, 2n, 7n, -3n, 1n, 2n, random.chance(20) ? 99n : 1n, random.chance(50) ? 0n : 2n]), 4);
      return;
    case "time":
      out.be(randomInteger(random), 8);
      return;
    case "message":
      thriftStruct(random, out, link.link, budget);
      return;
    case "list":
      if (count === 0 && random.chance(50)) out.u8(random.below(17));
      else out.u8(random.chance(1) ? 3 : thriftTypeOf(link.element));
      out.be(BigInt(count), 4);
      for (let i = 0; i < count; i++) thriftValue(random, out, link.element, budget);
      return;
    case "map":
      out.u8(thriftTypeOf(link.key), thriftTypeOf(link.value)).be(BigInt(count), 4);
      for (let i = 0; i < count; i++) {
        thriftValue(random, out, link.key, budget);
        thriftValue(random, out, link.value, budget);
      }
      return;
    case "octets":
      out.u8(THRIFT_TYPES.i8).be(BigInt(count), 4);
      for (let i = 0; i < count; i++) out.u8(random.below(256));
      return;
    case "wrapped":
      thriftValue(random, out, link.inner, budget);
  }
}

const SIZES: Partial<Record<ThriftScalar, number>> = { bool: 1, i8: 1, i16: 2, i32: 4, i64: 8 };

function thriftScalar(random: Random, out: Output, link: ValueLink & { kind: "scalar" }): void {
  switch (link.thrift) {
    case "bool":
      out.u8(random.chance(5) ? 2 : random.below(2));
      return;
    case "double":
      out.raw(doubleBytes(random));
      return;
    case "uuid":
      out.be(random.bits(64), 8).be(random.bits(64), 8);
      return;
    case "string":
    case "binary": {
      const bytes = randomBytes(random);
      out.be(BigInt(bytes.length), 4).raw(bytes);
      return;
    }
    default:
      out.be(integerFor(random, link), SIZES[link.thrift] ?? 8);
  }
}

export function randomProtobuf(random: Random, link: MessageLink, size: number): Uint8Array {
  const out = new Output();
  protobufMessage(random, out, link, { left: size });
  return out.bytes();
}

function protobufMessage(random: Random, out: Output, link: MessageLink, budget: Budget): void {
  let fields = link.fields.filter(
    (candidate) => isRequired(candidate.absentInProtobuf) || random.chance(budget.left > 0 ? 60 : 10),
  );
  if (link.union && link.fields.length > 0 && !random.chance(10)) fields = [random.pick(link.fields)];
  // Fields interleave and repeat.
  const order = random.chance(70) ? [...fields] : [...fields, ...fields].sort(() => random.below(3) - 1);
  for (const candidate of order) {
    if (--budget.left < -40) break;
    if (random.chance(4)) protobufUnknown(random, out, random.chance(50) ? candidate.protobuf.id : 12345);
    protobufField(random, out, candidate.protobuf.id, candidate.value, budget);
  }
}

function protobufUnknown(random: Random, out: Output, number: number): void {
  switch (random.below(5)) {
    case 0:
      out.key(number, 0).varint(random.bits(64));
      return;
    case 1:
      out.key(number, 1).le(7n, 8);
      return;
    case 2:
      out.key(number, 2).varint(2n).u8(8, 1);
      return;
    case 3:
      out.key(number, 3).key(9, 0).varint(3n).key(10, 3).key(10, 4).key(number, 4);
      return;
    default:
      out.key(number, 5).le(7n, 4);
  }
}

function delimited(out: Output, write: (inner: Output) => void): void {
  const inner = new Output();
  write(inner);
  out.varint(BigInt(inner.size)).raw(inner.bytes());
}

function protobufField(random: Random, out: Output, number: number, link: ValueLink, budget: Budget): void {
  budget.left--;
  const count = budget.left < 0 ? random.below(2) : random.below(4);
  switch (link.kind) {
    case "list":
      if (isPackable(link.element) && random.chance(50)) {
        out.key(number, 2);
        delimited(out, (inner) => {
          for (let i = 0; i < count; i++) protobufScalar(random, inner, link.element);
        });
        return;
      }
      for (let i = 0; i < count; i++) protobufField(random, out, number, link.element, budget);
      return;
    case "map":
      for (let i = 0; i < count; i++) {
        out.key(number, 2);
        delimited(out, (inner) => {
          if (!random.chance(10)) protobufField(random, inner, 1, link.key, budget);
          if (!random.chance(10)) protobufField(random, inner, 2, link.value, budget);
          if (random.chance(10)) protobufField(random, inner, 2, link.value, budget);
          if (random.chance(5)) protobufUnknown(random, inner, 3);
        });
      }
      return;
    case "message":
      if (link.delimited) {
        out.key(number, 3);
        protobufMessage(random, out, link.link, budget);
        out.key(number, 4);
        return;
      }
      out.key(number, 2);
      delimited(out, (inner) => protobufMessage(random, inner, link.link, budget));
      return;
    case "wrapped":
      out.key(number, 2);
      delimited(out, (inner) => {
        if (!random.chance(15)) protobufField(random, inner, 1, link.inner, budget);
      });
      return;
    case "time":
      out.key(number, 2);
      delimited(out, (inner) => {
        if (random.chance(80))
          inner.key(1, 0).varint(random.chance(90) ? BigInt(random.below(1e9)) : randomInteger(random));
        if (random.chance(40))
          inner.key(2, 0).varint(random.pick([0n, 5_000_000n, -3_000_000n, 999_999_999n, 1_000_000_000n, 5n]));
      });
      return;
    default:
      out.key(number, wireTypeOf(link));
      protobufScalar(random, out, link);
  }
}

function protobufScalar(random: Random, out: Output, link: ValueLink): void {
  if (link.kind === "enum") {
    out.varint(random.pick([1n, 2n, 7n, -3n, 2n, random.chance(20) ? 99n : 1n, random.chance(30) ? 0n : 7n]));
    return;
  }
  if (link.kind !== "scalar") {
    delimited(out, (inner) => inner.raw(Uint8Array.from({ length: random.below(6) }, () => random.below(256))));
    return;
  }
  if (link.thrift === "uuid") {
    const text = link.uuidText ? "12345678-9abc-def0-1234-56789ABCDEF0" : "0123456789abcdef";
    delimited(out, (inner) => inner.raw(Buffer.from(random.chance(95) ? text : random.pick(["", "short"]))));
    return;
  }
  switch (link.protobuf) {
    case "bool":
      out.varint(random.chance(5) ? random.bits(64) : BigInt(random.below(2)));
      return;
    case "double":
      out.raw(doubleBytes(random));
      return;
    case "float":
      out.le(random.chance(90) ? random.bits(32) : random.pick([0n, 0x7f800001n, 0xffc00000n, 0x80000000n]), 4);
      return;
    case "string":
    case "bytes":
      delimited(out, (inner) => inner.raw(randomBytes(random)));
      return;
    default: {
      const value = integerFor(random, link);
      const wire = wireTypeOf(link);
      if (wire === 1) out.le(value, 8);
      else if (wire === 5) out.le(value, 4);
      else if (link.protobuf.startsWith("sint")) out.varint(value < 0n ? -value * 2n - 1n : value * 2n);
      else out.varint(value);
    }
  }
}

/** Bits flipped, bytes overwritten, inserted, removed or cut off. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const mutated = [...bytes];
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(mutated.length + 1);
    switch (random.below(5)) {
      case 0:
        mutated[at] = ((mutated[at] ?? 0) ^ (1 << random.below(8))) & 255;
        break;
      case 1:
        mutated[at] = random.pick([0, 1, 127, 128, 255]);
        break;
      case 2:
        mutated.splice(at, 0, random.below(256));
        break;
      case 3:
        mutated.splice(at, 1 + random.below(3));
        break;
      default:
        mutated.length = Math.min(mutated.length, at);
    }
  }
  return Uint8Array.from(mutated, (byte) => byte ?? 0);
}
