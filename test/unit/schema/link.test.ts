import { expect, test } from "vitest";
import { derive, link } from "./schema-fixture.ts";

/** Two IDLs of one service, written apart. */
function apart(thrift: string, protobuf: string, pairs?: readonly { thrift: string; protobuf: string }[]) {
  return link(
    {
      "a.thrift": `namespace * t\n${thrift}`,
      "b.proto": `syntax = "proto3"; package t; import "causeway/options.proto";\n${protobuf}`,
    },
    pairs,
  );
}

const linesOf = (found: readonly string[], severity: string): readonly string[] =>
  found.filter((text) => text.includes(` ${severity}: `));

test("fields match by number and never by name", () => {
  const { linked, found } = apart(
    "struct S { 1: optional i32 a, 2: optional i32 b }",
    "message S { optional int32 b = 1; optional int32 x = 2; }",
  );
  const [type] = linked.schema.messages.get("t.S") ?? [];
  const pairs = type && linked.messageLink(type).fields.map(({ thrift, protobuf }) => [thrift.name, protobuf.name]);
  expect(pairs).toEqual([
    ["a", "b"],
    ["b", "x"],
  ]);
  expect(found).toEqual([]);
});

test("the rule field on either side chooses the partner", () => {
  const { linked, found } = apart(
    'struct S { 1: optional i32 a (pb.field = "7"), 2: optional i32 b }',
    "message S { optional int32 a = 7; optional int32 b = 40000 [(causeway.rules).field = 2]; }",
  );
  const [type] = linked.schema.messages.get("t.S") ?? [];
  expect(type && linked.messageLink(type).fields.map(({ thrift, protobuf }) => [thrift.id, protobuf.id])).toEqual([
    [1, 7],
    [2, 40000],
  ]);
  expect(linesOf(found, "lossy")).toEqual([]);
});

test("fields of a link come by Thrift id, ascending", () => {
  const { linked } = link({ "t.thrift": "namespace * t\nstruct S { 300: i32 a, 1: i32 b, 20: i32 c }" });
  const [type] = linked.schema.messages.get("t.S") ?? [];
  expect(type && linked.messageLink(type).fields.map(({ thrift }) => thrift.id)).toEqual([1, 20, 300]);
});

test("a field without a partner is lossy, a required one an error, each with its place", () => {
  const { found } = apart(
    "struct S { 1: optional i32 a, 2: optional i32 mine, 3: required i32 must }",
    "message S { optional int32 a = 1;\noptional int32 yours = 9; }",
  );
  expect(found).toEqual([
    'a.thrift:2:47 lossy: field "mine" (2) has no partner in message t.S and is dropped on the way there',
    'a.thrift:2:69 error: field "must" (3) has no partner in message t.S, and is required: no message from there could be valid; add it there or make it optional',
    'b.proto:3:16 lossy: field "yours" (9) has no partner in struct t.S and is dropped on the way there',
  ]);
});

test("the rule lossy accepts a field without a partner", () => {
  const { found } = apart('struct S { 2: optional i32 mine (pb.lossy = "true") }', "message S {}");
  expect(found).toEqual([]);
});

test("an optional container is reported as lossy, and not with the rule presence or lossy", () => {
  const field = (rules: string): readonly string[] =>
    link({ "t.thrift": `struct S { 1: optional list<i32> a ${rules} }` }).found;
  expect(field("")).toEqual([
    't.thrift:1:34 lossy: field "a" (1) is optional, and an empty one arrives as absent; the rule presence keeps the two apart',
  ]);
  expect(field('(pb.presence = "true")')).toEqual([]);
  expect(field('(pb.lossy = "true")')).toEqual([]);
});

test("a default that only one side declares is a warning", () => {
  const { found } = apart("struct S { 1: optional i32 a = 7 }", "message S { optional int32 a = 1; }");
  expect(found).toEqual([
    'a.thrift:2:28 warning: field "a" (1) has a default in Thrift only: where it is absent, Thrift reads the default and Protobuf reads zero',
  ]);
});

test("a union wants exactly one oneof, and its link says so", () => {
  const good = apart("union U { 1: i32 a, 2: i32 b }", "message U { oneof o { int32 a = 1; int32 b = 2; } }");
  const [type] = good.linked.schema.messages.get("t.U") ?? [];
  const union = type && good.linked.messageLink(type);
  expect(union).toMatchObject({ union: true });
  expect(union?.oneofs.map((members) => members.map(({ thrift }) => thrift.id))).toEqual([[1, 2]]);
  expect(good.found).toEqual([]);
  const bad = apart("union U { 1: i32 a, 2: i32 b }", "message U { optional int32 a = 1; optional int32 b = 2; }");
  expect(bad.found[0]).toContain('warning: union "U" stands for t.U, which is not exactly one oneof');
});

test("a oneof beside other fields is linked as a group of which one may be set", () => {
  const { linked } = link({
    "p.proto": 'syntax = "proto3"; package p; message M { int32 a = 1; oneof o { int32 b = 2; int32 c = 3; } }',
  });
  const [type] = linked.schema.messages.get("p.M") ?? [];
  const both = type && linked.messageLink(type);
  expect(both).toMatchObject({ union: false });
  expect(both?.oneofs.map((members) => members.map(({ protobuf }) => protobuf.name))).toEqual([["b", "c"]]);
});

test("every method of a derived service has a link, by the methods of both sides", () => {
  const { linked, method, found } = link({
    "t.thrift":
      "namespace * t\nexception X {} struct P {} service S { P get(1: P p) throws (2: X x) void nop() oneway void tell(1: i32 a) }",
  });
  expect(found).toEqual([]);
  const get = linked.methods.get(method("thrift", "t.S", "get"));
  expect(get).toBe(linked.methods.get(method("protobuf", "t.S", "get")));
  expect(get?.request).toMatchObject({ kind: "whole" });
  expect(get?.response.link.fields.map(({ thrift, protobuf }) => [thrift.id, protobuf.id])).toEqual([[0, 1]]);
  expect([...(get?.exceptions.keys() ?? [])]).toEqual([2]);
  expect(get?.exceptions.get(2)).toMatchObject({ kind: "field", field: { id: 2 } });
  expect(get?.protobuf.throws.map(({ id, name }) => [id, name])).toEqual([[2, "x"]]);
  expect(linked.methods.get(method("thrift", "t.S", "nop"))?.response.link.fields).toEqual([]);
  expect(linked.methods.get(method("thrift", "t.S", "tell"))?.protobuf.oneway).toBe(true);
});

test("a method derived from Protobuf is unwrapped on both sides", () => {
  const { linked, method } = link({
    "p.proto": 'syntax = "proto3"; package p; message A {} message B {} service S { rpc Do(A) returns (B); }',
  });
  const both = linked.methods.get(method("protobuf", "p.S", "Do"));
  expect(both).toMatchObject({
    request: { kind: "field", field: { id: 1 } },
    response: { kind: "field", field: { id: 0 } },
  });
  expect(both?.request.link.protobuf.fullName).toBe("p.A");
});

test("inheritance is flattened: each service has methods of its own, which reach the service they are called on", () => {
  const { linked, method } = link({
    "t.thrift": "namespace * t\nservice Base { void ping() } service Top extends Base { void more() }",
  });
  const top = linked.schema.services.get("t.Top")?.find(({ wire }) => wire === "thrift");
  expect(top?.base).toBeUndefined();
  expect(top?.methods.map(({ name, service }) => [name, service])).toEqual([
    ["ping", "t.Top"],
    ["more", "t.Top"],
  ]);
  const own = linked.methods.get(method("thrift", "t.Base", "ping"));
  const inherited = linked.methods.get(method("thrift", "t.Top", "ping"));
  expect(own?.protobuf.service).toBe("t.Base");
  expect(inherited?.protobuf.service).toBe("t.Top");
  expect(inherited?.request.link.protobuf.fullName).toBe("t.Base_ping_args");
});

test("a streaming method has no link and is listed", () => {
  const { linked, found, method } = link({
    "p.proto":
      'syntax = "proto3"; package p; message A {}\nservice S { rpc Do(A) returns (stream A); rpc Go(A) returns (A); }',
  });
  expect(found).toEqual([
    'p.proto:2:17 lossy: method "Do" is streaming, which Thrift has no way to say; it is left out of the translation',
  ]);
  expect(linked.methods.has(method("protobuf", "p.S", "Do"))).toBe(false);
  expect(linked.methods.has(method("protobuf", "p.S", "Go"))).toBe(true);
});

const SERVICE = "struct Req { 1: optional i32 a } struct Res { 1: optional i32 b } service S { Res get(1: Req r) }";
const MESSAGES = "message Req { optional int32 a = 1; } message Res { optional int32 b = 1; }";

test("services of one full name pair themselves, methods whatever the case of their first letter", () => {
  const { linked, method } = apart(SERVICE, `${MESSAGES} service S { rpc Get(Req) returns (Res); }`);
  const both = linked.methods.get(method("thrift", "t.S", "get"));
  expect(both?.protobuf).toMatchObject({ name: "Get", service: "t.S" });
  expect(linked.schema.services.get("t.S")).toHaveLength(2);
});

test("one struct argument and an unmarked message pair unwrapped, and the report says so", () => {
  const { linked, method, found } = apart(SERVICE, `${MESSAGES} service S { rpc get(Req) returns (Res); }`);
  const both = linked.methods.get(method("thrift", "t.S", "get"));
  expect(both).toMatchObject({
    request: { kind: "field", field: { name: "r" } },
    response: { kind: "field", field: { id: 0 } },
  });
  expect(linesOf(found, "warning").map((text) => text.replace(/.* warning: /, "").slice(0, 70))).toEqual([
    'method "get": its argument "r" is paired with t.Req itself; say so wit',
    'method "get": its result is paired with t.Res itself; say so with pb.u',
  ]);
  const said = apart(
    SERVICE.replace("Req r)", 'Req r) (pb.unwrap = "true")'),
    `${MESSAGES} service S { rpc get(Req) returns (Res); }`,
  );
  expect(said.found).toEqual([]);
});

test("a message that is marked args stands for the argument list, and one for the result", () => {
  const { linked, method, found } = apart(
    SERVICE,
    `${MESSAGES} message Args { option (causeway.message_rules).args = true; Req r = 1; }
     message Result { option (causeway.message_rules).args = true; Res success = 1; }
     service S { rpc get(Args) returns (Result); }`,
  );
  const both = linked.methods.get(method("thrift", "t.S", "get"));
  expect(both).toMatchObject({ request: { kind: "whole" }, response: { kind: "whole" } });
  expect(both?.response.link.fields[0]).toMatchObject({ thrift: { id: 0 }, protobuf: { id: 1 } });
  expect(found).toEqual([]);
});

test("several arguments pair with the fields of the message, and the report asks to mark it", () => {
  const { linked, method, found } = apart(
    "service S { i32 add(1: i32 a, 2: i32 b) }",
    "message In { optional int32 a = 1; optional int32 b = 2; } message Out { optional int32 sum = 1; } service S { rpc Add(In) returns (Out); }",
  );
  const both = linked.methods.get(method("thrift", "t.S", "add"));
  expect(both?.request.link.fields).toHaveLength(2);
  expect(both?.response.link.fields[0]).toMatchObject({ thrift: { id: 0 }, protobuf: { name: "sum" } });
  expect(linesOf(found, "warning")).toHaveLength(2);
  expect(linesOf(found, "warning")[0]).toContain("mark t.In with (causeway.message_rules).args = true");
});

test("exceptions pair with messages of their name in the Protobuf file or its imports, else they are reported", () => {
  const { linked, method, found } = apart(
    "exception Gone { 1: optional i32 a } exception Odd {} service S { void get() throws (3: Gone g, 4: Odd o) }",
    "message Gone { optional int32 a = 1; } message In {} message Out {} service S { rpc get(In) returns (Out); }",
  );
  const both = linked.methods.get(method("thrift", "t.S", "get"));
  expect(both?.exceptions.get(3)?.link.protobuf.fullName).toBe("t.Gone");
  expect(both?.exceptions.has(4)).toBe(false);
  expect(both?.protobuf.throws.map(({ id }) => id)).toEqual([3]);
  expect(method("protobuf", "t.S", "get").throws.map(({ id }) => id)).toEqual([3]);
  expect(linesOf(found, "lossy")[0]).toContain('exception "Odd" of method "get" has no message of that name');
});

test("a method without a partner is listed on either side", () => {
  const { found } = apart(
    "service S { void a() void b() }",
    "message M {} service S { rpc A(M) returns (M); rpc C(M) returns (M); rpc D(stream M) returns (M); }",
  );
  expect(linesOf(found, "lossy").map((text) => text.replace(/^.* lossy: /, ""))).toEqual([
    'method "D" is streaming, which Thrift has no way to say; it is left out of the translation',
    'method "b" has no partner in service t.S; calls from there cannot reach it',
    'method "C" has no partner in service t.S; calls from there cannot reach it',
  ]);
});

test("services of different names pair when they are named, and an unknown name says which there are", () => {
  const thrift = "service Old { void ping() }";
  const protobuf = "message M {} service New { rpc Ping(M) returns (M); }";
  const named = apart(thrift, protobuf, [{ thrift: "t.Old", protobuf: "t.New" }]);
  expect(named.linked.methods.get(named.method("thrift", "t.Old", "ping"))?.protobuf.service).toBe("t.New");
  expect(named.linked.schema.services.get("t.Old")).toHaveLength(1);
  const unknown = apart(thrift, protobuf, [{ thrift: "t.Olt", protobuf: "t.New" }]);
  expect(unknown.found[0]).toContain("there is no Thrift service t.Olt; the Thrift services are: t.Old");
});

test("a type links with its given partner of the same full name, else with its twin", () => {
  const { linked } = apart("struct A { 1: i32 a } struct Only {}", "message A { int32 b = 1; }");
  const given = linked.schema.messages.get("t.A")?.find(({ wire }) => wire === "thrift");
  const only = linked.schema.messages.get("t.Only")?.find(({ wire }) => wire === "thrift");
  expect(given && linked.messageLink(given).protobuf.fields[0]?.name).toBe("b");
  expect(only && linked.messageLink(only).protobuf.fullName).toBe("t.Only");
});

test("a Thrift file beside the .proto that was derived from it pairs without a word", () => {
  const thrift =
    "namespace * t\nexception X { 1: required i32 a } struct P { 1: i32 a = 5, -1: i32 low } service S { P get(1: P p, 2: set<i8> all) throws (2: X x) }";
  const { texts } = derive({ "t.thrift": thrift }, true);
  const { found, linked, method } = link({ "t.thrift": thrift, ...texts });
  expect(linked.methods.get(method("thrift", "t.S", "get"))?.exceptions.size).toBe(1);
  expect(found.filter((text) => !text.includes("implicit field keys") && !text.includes("discards"))).toEqual([]);
});

test("the same finding is reported once, however many methods lead to it", () => {
  const { found } = apart(
    "struct P { 1: optional double a } service S { void a(1: P p, 2: P q) void b(1: P p, 2: P q) }",
    "message P { optional float a = 1; } message In { option (causeway.message_rules).args = true; P p = 1; P q = 2; } message Out {} service S { rpc a(In) returns (Out); rpc b(In) returns (Out); }",
  );
  expect(linesOf(found, "lossy")).toHaveLength(1);
});

test("an extension has its partner by number, like any field of its message", () => {
  const { linked, found } = link({
    "a.thrift": "namespace * t\nstruct S { 1: optional i32 a, 100: optional string more }",
    "b.proto": 'syntax = "proto2"; package t; message S { optional int32 a = 1; extensions 100 to 199; }',
    "c.proto": 'syntax = "proto2"; package u; import "b.proto"; extend t.S { optional string extra = 100; }',
  });
  const [type] = linked.schema.messages.get("t.S") ?? [];
  const pairs = type && linked.messageLink(type).fields.map(({ thrift, protobuf }) => [thrift.name, protobuf.name]);
  expect(pairs).toEqual([
    ["a", "a"],
    ["more", "extra"],
  ]);
  expect(found).toEqual([]);
});
