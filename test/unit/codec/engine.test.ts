import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { createEngine } from "../../../src/codec/engine.ts";
import { PLAN_SIZE } from "../../../src/codec/layout.ts";
import { createTables } from "../../../src/codec/tables.ts";
import { linkText } from "./idl-link.ts";

const LIMITS = { maxBytes: 64 << 20, maxDepth: 64, maxElements: 10_000_000 };
const link = linkText("test.E", {
  thrift: "namespace * test\nstruct E { 1: string s; 2: list<E> es; 3: list<i64> ns }",
});
const body = { link, field: undefined };

function string(length: number): Buffer {
  const bytes = Buffer.alloc(8 + length, 0x61);
  bytes.set([11, 0, 1]);
  bytes.writeUInt32BE(length, 3);
  bytes[7 + length] = 0;
  return bytes;
}

test("memory that one large message needed is given back, and the tables stay", () => {
  const engine = createEngine();
  const transcode = engine.compile(body, "thriftBinaryToProtobuf", LIMITS);
  const losses = { unknownFields: 0, duplicates: 0 };
  const small = transcode(string(3), losses);
  const before = engine.memoryBytes();
  const large = transcode(string(20 << 20), losses);
  expect(large.length).toBe((20 << 20) + 5);
  expect(engine.memoryBytes()).toBeLessThanOrEqual(Math.max(before, 8 << 20));
  expect(transcode(string(3), losses)).toEqual(small);
});

test("results stay as they were when the next message is translated", () => {
  const transcode = createEngine().compile(body, "thriftBinaryToProtobuf", LIMITS);
  const losses = { unknownFields: 0, duplicates: 0 };
  for (const length of [10, 500, 50_000]) {
    const first = transcode(string(length), losses);
    const copy = Uint8Array.from(first);
    for (let i = 0; i < 100; i++) transcode(string(length + 1).fill(0x62, 7, 8 + length), losses);
    expect(first).toEqual(copy);
  }
});

test("tables laid out later do not disturb those in use", () => {
  const engine = createEngine();
  const first = engine.compile(body, "thriftBinaryToProtobuf", LIMITS);
  const losses = { unknownFields: 0, duplicates: 0 };
  const expected = first(string(5), losses);
  for (let i = 0; i < 200; i++) {
    const more = linkText(`test.T${i}`, {
      thrift: `namespace * test\nstruct T${i} { 1: i32 a; ${i + 2}: string b; 20000: i64 c }`,
    });
    const transcode = engine.compile({ link: more, field: undefined }, "protobufToThriftBinary", { ...LIMITS });
    expect(Buffer.from(transcode(Buffer.from("0805", "hex"), losses)).toString("hex")).toBe("0800010000000500");
  }
  expect(first(string(5), losses)).toEqual(expected);
});

test("fields that interleave to the last byte are gathered, whatever they cost", () => {
  const engine = createEngine();
  const transcode = engine.compile(body, "protobufToThriftBinary", LIMITS);
  const pairs = 50_000;
  const bytes = Buffer.alloc(pairs * 4);
  for (let i = 0; i < pairs; i++) bytes.set([0x18, i & 127, 0x12, 0], i * 4);
  const thrift = transcode(bytes, { unknownFields: 0, duplicates: 0 });
  // Two list headers, structs that hold two empty lists each, numbers, and the stop byte.
  expect(thrift.length).toBe(8 + pairs * 17 + 8 + pairs * 8 + 1);
});

test("small input cannot make large output: it is refused at the limit", () => {
  const limits = { ...LIMITS, maxBytes: 4096 };
  const transcode = createEngine().compile(body, "protobufToThriftBinary", limits);
  // 1 byte of a packed list becomes 8.
  const bytes = Buffer.concat([Buffer.from([0x1a, 0x80, 0x10]), Buffer.alloc(2048, 1)]);
  expect(() => transcode(bytes, { unknownFields: 0, duplicates: 0 })).toThrow(RpcError);
});

test("a pair's tables are laid out when it is first compiled, once, and take under 20 kilobytes for both directions", () => {
  const tables = createTables(0);
  const sizes = (["to-protobuf", "to-protobuf", "to-thrift"] as const).map((direction) => {
    tables.plan(body, direction, LIMITS);
    return tables.size;
  });
  const [first = 0, again = 0, both = 0] = sizes;
  expect(again - first).toBe(PLAN_SIZE);
  expect(both).toBeGreaterThan(again + PLAN_SIZE);
  expect(both).toBeLessThan(20_000);
});

test("what stands in memory around a message decides nothing", () => {
  const engine = createEngine();
  const transcode = engine.compile(body, "thriftBinaryToProtobuf", LIMITS);
  const outcomes = [0, 127, 255].map((byte) => {
    engine.poison(byte, 4096);
    return Buffer.from(transcode(string(5), { unknownFields: 0, duplicates: 0 })).toString("hex");
  });
  expect(new Set(outcomes)).toEqual(new Set(["0a056161616161"]));
});
