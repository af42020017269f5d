// Deriving there and back is equal on the wire: fields, ids, presence, methods and enum numbers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EnumType, FieldType, MessageType, Method, SchemaFile } from "../../../src/schema/model.ts";
import { methodsOf } from "../../../src/schema/model.ts";
import { complaintsOf, derive, schemaOf, type Texts } from "./schema-fixture.ts";

const IDL = join(import.meta.dirname, "../../../idl");
const readIdl = (path: string): string => readFileSync(join(IDL, path), "utf8");

/** What the wire can tell of a file. */
function wireOf(file: SchemaFile): object {
  const messages = file.messages.filter((message) => !message.rules.args && !message.rules.wrap);
  return {
    messages: Object.fromEntries(messages.map((message) => [nameOf(message), fieldsOf(message)])),
    enums: Object.fromEntries(file.enums.map((type) => [nameOf(type), type.values.map(({ number }) => number)])),
    services: Object.fromEntries(
      file.services.map((service) => [service.fullName, methodsOf(service).map((method) => methodOf(method))]),
    ),
  };
}

/** Nested types come back flat. */
function nameOf({ name, parent, fullName }: MessageType | EnumType): string {
  return parent ? `${nameOf(parent)}_${name}` : fullName;
}

function fieldsOf({ shape, fields }: MessageType): object {
  const listed = fields.map(
    ({ id, type, presence, oneof }) => `${id}: ${presence} ${describe(type)}${oneof === undefined ? "" : " oneof"}`,
  );
  return { shape, fields: listed };
}

/** An enum key of a map comes back as i32, which is the same on the wire. */
function describe(type: FieldType, key = false): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
      return key ? (type.type.wire === "thrift" ? "i32" : "int32") : nameOf(type.type);
    case "message":
      return nameOf(type.type);
    case "map":
      return `map<${describe(type.key, true)}, ${describe(type.value)}>`;
    default:
      return `${type.kind}<${describe(type.element)}>`;
  }
}

function methodOf({ name, request, response, throws, oneway, idempotent, wire }: Method): object {
  const body = (type: MessageType | undefined): unknown =>
    wire === "thrift" ? type && fieldsOf(type) : type?.fullName;
  const thrown = throws.map(({ id, type }) => `${id}: ${describe(type)}`);
  return { name, request: body(request), response: body(response), throws: thrown, oneway, idempotent };
}

/** The given files by what the wire can tell, and the same after deriving the twins of their printed twins. */
function thereAndBack(texts: Texts): { given: object; back: object } {
  const there = derive(texts, true);
  expect(there.found).toEqual([]);
  const back = derive(there.texts, true);
  expect(back.found).toEqual([]);
  const named = (files: readonly SchemaFile[]): object => Object.assign({}, ...files.map(wireOf));
  const given = schemaOf(texts, true).files.filter(({ path }) => !/options|descriptor/.test(path));
  const names = given.map(({ package: name }) => name);
  return { given: named(given), back: named(back.files.filter((file) => names.includes(file.package))) };
}

const HAIRY_THRIFT = `
namespace * hairy
enum Level { HIGH = 10, LOW = -3, MID = 10 }
enum Fine { FINE_A = 0, FINE_B }
union Empty {}
union Either { -1: i32 low, 1: list<i8> bytes (pb.type = "bytes"), 2: map<string, list<i64>> deep, 3: Either more }
struct Odd {
  -7: i32 negative
  0: required string zero
  19500: optional double shifted
  4: required set<i16> shorts
  5: optional list<set<uuid>> ids
  6: map<double, Level> byDouble
  7: optional map<Level, map<Odd, binary>> byLevel
  8: i64 fooBar = 5
  9: i64 foo_bar
  10: optional i32 tuned (pb.type = "sfixed32", pb.field = "77")
  11: optional list<list<i8>> blobs (pb.type = "bytes")
  12: optional uuid text (pb.uuid_text = "true")
  13: list<string> kept (pb.presence = "true")
  14: i64 at (pb.time = "ms")
  15: optional i32 boxed (pb.unwrap = "true")
  16: map<i8, i16> tiny
  17: optional Fine fine = Fine.FINE_B
  18: set<list<Odd>> nested
}
exception Bad { 1: required Odd odd }
service Base { Odd echo(1: Odd odd, 3: list<list<Odd>> grid) throws (1: Bad bad, 7: Bad worse) }
service Top extends Base {
  oneway void tell(5: i8 what)
  Either pick(2: Either it) (pb.unwrap = "true")
  i8 tiny(1: set<i8> all) (idempotent = "true")
  map<i16, Odd> maps()
  void nothing()
}`;

const HAIRY_PROTO = `
syntax = "proto3";
package hairy;
import "causeway/options.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
enum Level { option allow_alias = true; NONE = 0; LOW = -3; HIGH = 10; TOP = 10; }
message Odd {
  message Inner { uint32 u = 1; repeated sint64 s = 2; map<fixed32, float> m = 3; Kind kind = 4; enum Kind { A = 0; } }
  uint64 big = 19;
  optional fixed64 fixed = 2;
  oneof choice { string a = 3; Inner inner = 4; }
  repeated Inner inners = 5;
  map<string, Odd> odds = 6;
  bytes data = 7;
  Level level = 8;
  optional Level other = 9;
  int32 list = 10;
  int64 far = 70000 [(causeway.rules).field = 11];
  repeated uint32 counts = 12 [(causeway.rules).set = true];
  google.protobuf.UInt32Value boxed = 13 [(causeway.rules).unwrap = true];
  bool done = 14;
}
message Only { oneof it { int32 a = 1; Odd b = 2; } }
service Svc {
  rpc Do(Odd) returns (Only);
  rpc Again(Only) returns (Odd) { option idempotency_level = IDEMPOTENT; }
}`;

test("there and back: Thrift with everything odd about it", () => {
  const { given, back } = thereAndBack({ "hairy.thrift": HAIRY_THRIFT });
  expect(back).toEqual(given);
});

test("there and back: the all-kinds Thrift file and the shop's", () => {
  for (const names of [
    ["kinds/kinds.thrift"],
    ["kinds/kinds-uuid.thrift"],
    ["shop/common.thrift", "shop/inventory.thrift", "shop/vouchers.thrift"],
  ]) {
    const texts = Object.fromEntries(names.map((name) => [name.replace(/^.*\//, ""), readIdl(name)]));
    const { given, back } = thereAndBack(texts);
    expect(back).toEqual(given);
  }
});

test("there and back: Protobuf with everything odd about it", () => {
  const { given, back } = thereAndBack({ "hairy.proto": HAIRY_PROTO });
  expect(back).toEqual(given);
});

test("there and back: the shop's Protobuf files", () => {
  const { given, back } = thereAndBack({
    "shop/customer.proto": readIdl("shop/customer.proto"),
    "shop/orders.proto": readIdl("shop/orders.proto"),
  });
  expect(back).toEqual(given);
});

test("there and back: the names of enum values, whether or not they got a prefix", () => {
  const thrift =
    "enum Color { RED = 1, GREEN = 2 } enum Size { SIZE_S = 0, SIZE_L = 1 } enum Odd { from = 0, ODD_A = 1 }";
  const back = derive(derive({ "t.thrift": `namespace * t\n${thrift}` }).texts);
  const named = back.files[0]?.enums.map(({ values }) => values.map(({ name }) => name));
  expect(named).toEqual([
    ["RED", "GREEN"],
    ["SIZE_S", "SIZE_L"],
    ["from_", "ODD_A"],
  ]);
});

test("there and back: a name that was chosen for the other language", () => {
  const thrift = `namespace * t\nstruct A { 1: i32 x (pb.name = "y") } (pb.name = "B")
    service S { void go() (pb.name = "Run") } (pb.name = "V") enum E { C = 0 } (pb.name = "F")`;
  const { texts, found } = derive({ "t.thrift": thrift });
  expect(found).toEqual([]);
  for (const part of ["message B {", " y = 1", "service V {", "rpc Run(.t.V_Run_args)", "enum F {"]) {
    expect(texts["t.proto"]).toContain(part);
  }
  const back = derive(texts).texts["t.thrift"];
  for (const part of ["struct A {", "i32 x", "service S {", "void go()", "enum E {"]) expect(back).toContain(part);
});

test("there and back: the defaults of scalars, containers and structs", () => {
  const thrift = `namespace * t

enum E {
  A = 1
}

struct Q {
  1: optional i32 a
  2: list<string> b
}

struct S {
  1: i32 n = -5
  2: list<E> all = [E.A]
  3: optional Q q = {"a": 3, "b": ["x\\"y"]}
  4: map<string, double> m = {"k": 1.5}
  5: set<i64> s = [9223372036854775807]
  6: list<bool> t = [true, false]
  7: binary raw = "abc"
  8: uuid id = "55555555-5555-5555-5555-000000000000"
  9: list<uuid> ids = ["00112233-4455-6677-8899-aabbccddeeff"]
}
`;
  const { texts } = derive({ "t.thrift": thrift });
  expect(derive(texts).texts["t.thrift"]).toBe(thrift);
});

test("there and back: groups, by way of an edition", () => {
  const proto = `syntax = "proto2"; package g;
message M { optional group One = 1 { optional int32 a = 1; } repeated group Many = 2 { optional M m = 1; } }`;
  const thrift = derive({ "g.proto": proto }).texts;
  expect(thrift["g.thrift"]).toContain('1: optional M_One one (pb.type = "group"');
  const { texts, found, files } = derive(thrift);
  expect(found).toEqual([]);
  const [message] = files[0]?.messages ?? [];
  expect(message?.fields.map(({ type }) => type)).toMatchObject([
    { kind: "message", delimited: true },
    { kind: "list", element: { kind: "message", delimited: true } },
  ]);
  expect(texts["g.proto"]).toContain('edition = "2023";');
  const [again] = schemaOf(texts).messages.get("g.M") ?? [];
  expect(again?.fields.map(({ type }) => type)).toMatchObject([
    { kind: "message", delimited: true },
    { kind: "list", element: { kind: "message", delimited: true } },
  ]);
});

test("a default that Thrift cannot write is reported", () => {
  const { found, texts } = derive({
    "t.proto":
      'syntax = "proto2"; message M { optional bytes a = 1 [default = "\\377"]; optional double b = 2 [default = nan]; optional uint64 c = 3 [default = 18446744073709551615]; }',
  });
  expect(found).toEqual([
    't.proto:1:47 lossy: Thrift cannot write the default of field "a": it is left out, and an absent field has none',
    't.proto:1:89 lossy: Thrift cannot write the default of field "b": it is left out, and an absent field has none',
    't.proto:1:128 lossy: Thrift cannot write the default of field "c": it is left out, and an absent field has none',
  ]);
  expect(texts["t.thrift"]).toMatch(/a\n.* b\n.* c \(pb.type = "uint64"\)\n/);
  const kept = derive({
    "t.proto": `syntax = "proto2"; import "causeway/options.proto";
      message M { optional uint64 c = 3 [default = 18446744073709551615, (causeway.rules).bits = true]; }`,
  });
  expect(kept.texts["t.thrift"]).toContain("optional i64 c = -1 (");
});

test("protoc accepts what is derived from Thrift", (context) => {
  const complaints = complaintsOf("protoc", {
    ...derive({ "hairy.thrift": HAIRY_THRIFT }, true).texts,
    ...derive({ "kinds.thrift": readIdl("kinds/kinds.thrift") }).texts,
    ...derive({
      "kinds-uuid.thrift": readIdl("kinds/kinds-uuid.thrift"),
      "kinds.thrift": readIdl("kinds/kinds.thrift"),
    }).texts,
  });
  if (complaints === undefined) context.skip("needs protoc: npm run setup");
  expect(complaints).toBe("");
});

test("the Thrift compiler accepts what is derived from Protobuf", (context) => {
  const complaints = complaintsOf("thrift", {
    ...derive({ "hairy.proto": HAIRY_PROTO }).texts,
    ...derive({ "shop/customer.proto": readIdl("shop/customer.proto"), "orders.proto": readIdl("shop/orders.proto") })
      .texts,
    ...derive(derive({ "kinds.thrift": readIdl("kinds/kinds.thrift") }).texts).texts,
  });
  if (complaints === undefined) context.skip("needs the Thrift compiler: npm run setup");
  expect(complaints).toBe("");
});
