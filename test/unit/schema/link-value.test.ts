import { expect, test } from "vitest";
import type { ValueLink } from "../../../src/schema/link.ts";
import { type Linked, link } from "./schema-fixture.ts";

const IMPORTS = ["timestamp", "duration", "wrappers"].map((name) => `import "google/protobuf/${name}.proto";`).join("");

function linkFields(thrift: string, protobuf: string, more = ""): Linked & { readonly value: ValueLink | undefined } {
  const result = link({
    "a.thrift": `namespace * t\nenum E { A = 1 } struct P { 1: optional i32 x } struct S { ${thrift} }`,
    "b.proto": `syntax = "proto3"; package t; import "causeway/options.proto"; ${IMPORTS}
enum E { E_UNSPECIFIED = 0; E_A = 1; } message P { optional int32 x = 1; } ${more} message S { ${protobuf} }`,
  });
  const [type] = result.linked.schema.messages.get("t.S") ?? [];
  const value = type && result.linked.messageLink(type).fields[0]?.value;
  return { ...result, value };
}

test.each([
  ["bool", "bool"],
  ["i8", "int32"],
  ["i16", "int32"],
  ["i32", "int32"],
  ["i32", "sint32"],
  ["i32", "sfixed32"],
  ["i32", "uint32"],
  ["i64", "int64"],
  ["i64", "sint64"],
  ["i64", "sfixed64"],
  ["i64", "uint32"],
  ["i64", "fixed32"],
  ["i64", "uint64"],
  ["i64", "fixed64"],
  ["double", "double"],
  ["double", "float"],
  ["string", "string"],
  ["string", "bytes"],
  ["binary", "bytes"],
  ["binary", "string"],
  ["uuid", "bytes"],
  ["uuid", "string"],
])("%s and %s stand for each other", (thrift, protobuf) => {
  expect(linkFields(`1: optional ${thrift} a`, `optional ${protobuf} a = 1;`).value).toMatchObject({
    kind: "scalar",
    thrift,
    protobuf,
  });
});

test.each([
  ["i32", "int64"],
  ["i64", "int32"],
  ["i16", "uint32"],
  ["string", "int32"],
  ["bool", "int32"],
  ["list<i32>", "int32"],
  ["i32", "P"],
  ["P", "string"],
  ["map<string, i32>", "string"],
])("%s and %s are an error that names field and types", (thrift, protobuf) => {
  const { found } = linkFields(`1: optional ${thrift} a`, `${protobuf} a = 1;`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^a\.thrift:2:\d+ error: field "a" \(1\) cannot be translated: .* have nothing in common/);
  expect(found[0]).toMatch(/\(declared at .*b\.proto:2\)$/);
});

test("double beside float is lossy, unless exact makes rounding an error or lossy accepts it", () => {
  expect(linkFields("1: optional double a", "optional float a = 1;").found).toEqual([
    'a.thrift:2:79 lossy: field "a" (1) rounds a double to a float; the rule exact makes every rounding an error',
  ]);
  const exact = linkFields('1: optional double a (pb.exact = "true")', "optional float a = 1;");
  expect(exact.found).toEqual([]);
  expect(exact.value).toMatchObject({ exact: true });
  expect(linkFields("1: optional double a", "optional float a = 1 [(causeway.rules).lossy = true];").found).toEqual([]);
});

test("i64 beside uint64 is lossy unless bits keeps the 64 bits", () => {
  expect(linkFields("1: optional i64 a", "optional uint64 a = 1;").found[0]).toContain(
    'lossy: field "a" (1) cannot carry negative values',
  );
  const bits = linkFields("1: optional i64 a", "optional uint64 a = 1 [(causeway.rules).bits = true];");
  expect(bits.found).toEqual([]);
  expect(bits.value).toMatchObject({ bits: true });
  expect(linkFields("1: optional i32 a", "optional uint32 a = 1;").found[0]).toContain("2^31-1");
});

test("a uuid is 16 bytes, or canonical text by uuid_text and beside a string", () => {
  expect(linkFields("1: optional uuid a", "optional bytes a = 1;").value).toMatchObject({ uuidText: false });
  expect(linkFields('1: optional uuid a (pb.uuid_text = "true")', "optional bytes a = 1;").value).toMatchObject({
    uuidText: true,
  });
  expect(linkFields("1: optional uuid a", "optional string a = 1;").value).toMatchObject({ uuidText: true });
});

test("an enum passes numbers, unknown ones too, unless unknown_enum forbids it", () => {
  expect(linkFields("1: optional E a", "optional E a = 1;").value).toMatchObject({ kind: "enum", unknown: "pass" });
  expect(linkFields('1: optional E a (pb.unknown_enum = "error")', "optional E a = 1;").value).toMatchObject({
    unknown: "error",
  });
});

test("an enum and a 32-bit integer have the same bytes", () => {
  const integer = { kind: "scalar", thrift: "i32", protobuf: "int32" };
  expect(linkFields("1: optional E a", "optional int32 a = 1;").value).toMatchObject(integer);
  expect(linkFields("1: optional i32 a", "optional E a = 1;").value).toMatchObject(integer);
  expect(linkFields("1: map<E, i32> a", "map<int32, int32> a = 1;").value).toMatchObject({ kind: "map", key: integer });
});

test("lists and sets are repeated, packed as the Protobuf side says", () => {
  expect(linkFields("1: list<i32> a", "repeated int32 a = 1;").value).toMatchObject({
    kind: "list",
    set: false,
    packed: true,
  });
  expect(linkFields("1: set<i32> a", "repeated int32 a = 1 [packed = false];").value).toMatchObject({
    kind: "list",
    set: true,
    packed: false,
  });
  expect(linkFields("1: list<P> a", "repeated P a = 1;").value).toMatchObject({
    element: { kind: "message" },
    packed: false,
  });
});

test("a list<i8> beside bytes is octets", () => {
  expect(linkFields("1: optional list<i8> a", "optional bytes a = 1;").value).toEqual({ kind: "octets" });
});

test("a map is a map, or repeated messages with key = 1 and value = 2", () => {
  expect(linkFields("1: map<string, P> a", "map<string, P> a = 1;").value).toMatchObject({
    kind: "map",
    value: { kind: "message" },
  });
  const entries = linkFields(
    "1: map<P, string> a",
    "repeated Entry a = 1;",
    "message Entry { P key = 1; string value = 2; }",
  );
  expect(entries.found).toEqual([]);
  expect(entries.value).toMatchObject({ kind: "map", key: { kind: "message" }, value: { kind: "scalar" } });
});

test("a nested container stands in a message of the one field 1", () => {
  const { value, found } = linkFields(
    "1: list<list<i32>> a",
    "repeated Row a = 1;",
    "message Row { repeated int32 items = 1; }",
  );
  expect(found).toEqual([]);
  expect(value).toMatchObject({ kind: "list", element: { kind: "wrapped", inner: { kind: "list", packed: true } } });
});

test("an i64 counts a Timestamp or Duration in the unit that the rule time says, and cannot without", () => {
  expect(linkFields('1: optional i64 a (pb.time = "ms")', "google.protobuf.Timestamp a = 1;").value).toMatchObject({
    kind: "time",
    unit: "ms",
  });
  expect(linkFields("1: optional i64 a", "google.protobuf.Duration a = 1;").found[0]).toContain(
    "before the rule time says what the i64 counts",
  );
});

test("a scalar stands in its well-known wrapper", () => {
  expect(linkFields("1: optional i32 a", "google.protobuf.Int32Value a = 1;").value).toMatchObject({
    kind: "wrapped",
    inner: { kind: "scalar", thrift: "i32", protobuf: "int32" },
  });
});

test("messages link once, also when they refer to themselves", () => {
  const { linked } = link({ "t.thrift": "namespace * t\nstruct Tree { 1: optional Tree left, 2: list<Tree> more }" });
  const [tree] = linked.schema.messages.get("t.Tree") ?? [];
  const treeLink = tree && linked.messageLink(tree);
  expect(treeLink?.fields[0]?.value).toMatchObject({ kind: "message" });
  const inner = treeLink?.fields[0]?.value;
  expect(inner?.kind === "message" && inner.link).toBe(treeLink);
});

test("a chain of messages longer than the stack is deep links", () => {
  const depth = 20_000;
  const structs = Array.from(
    { length: depth },
    (_, i) => `struct S${i} { ${i + 1 < depth ? `1: optional S${i + 1} next` : ""} }`,
  );
  const { linked, found } = link({ "t.thrift": `namespace * t\n${structs.join("\n")}` });
  expect(found).toEqual([]);
  const [first] = linked.schema.messages.get("t.S0") ?? [];
  expect(first && linked.messageLink(first).fields).toHaveLength(1);
});
