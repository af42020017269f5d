import { expect, test } from "vitest";
import { complaintsOf, derive, thriftOf } from "./schema-fixture.ts";

test.each([
  ["bool", "bool", ""],
  ["int32", "i32", ""],
  ["sint32", "i32", ' (pb.type = "sint32")'],
  ["sfixed32", "i32", ' (pb.type = "sfixed32")'],
  ["uint32", "i64", ' (pb.type = "uint32")'],
  ["fixed32", "i64", ' (pb.type = "fixed32")'],
  ["int64", "i64", ""],
  ["sint64", "i64", ' (pb.type = "sint64")'],
  ["sfixed64", "i64", ' (pb.type = "sfixed64")'],
  ["uint64", "i64", ' (pb.type = "uint64")'],
  ["fixed64", "i64", ' (pb.type = "fixed64")'],
  ["float", "double", ' (pb.type = "float")'],
  ["double", "double", ""],
  ["string", "string", ""],
  ["bytes", "binary", ""],
])("a Protobuf %s becomes %s and records what it was", (protobuf, thrift, annotations) => {
  expect(thriftOf(`message M { optional ${protobuf} a = 1; }`)).toContain(`  1: optional ${thrift} a${annotations}\n`);
  expect(thriftOf(`message M { repeated ${protobuf} a = 1; }`)).toContain(`  1: list<${thrift}> a${annotations}\n`);
});

test("a map records what its keys and values were", () => {
  const text = thriftOf("message M { map<uint32, fixed64> a = 1; map<string, M> b = 2; map<sint64, M> c = 3; }");
  expect(text).toContain('1: map<i64, i64> a (pb.type = "map<uint32,fixed64>")');
  expect(text).toContain("2: map<string, M> b\n");
  expect(text).toContain('3: map<i64, M> c (pb.type = "map<sint64,M>")');
});

test("optional fields, messages and oneof members are optional; implicit scalars, repeated and map are default", () => {
  const text = thriftOf(
    "message M { optional int32 a = 1; int32 b = 2; M c = 3; oneof o { string d = 4; } repeated int32 e = 5; map<int32, int32> f = 6; }",
  );
  expect(text).toContain(`  1: optional i32 a
  2: i32 b (pb.requiredness = "implicit")
  3: optional M c
  4: optional string d (pb.oneof = "o")
  5: list<i32> e
  6: map<i32, i32> f
`);
});

test("proto2 required is required, and a proto2 default is a Thrift default", () => {
  const text = thriftOf(
    'enum E { A = 0; B = 5; } message M { required int32 a = 1; optional int32 b = 2 [default = -7]; optional E e = 3 [default = B]; optional string s = 4 [default = "x\\"y"]; }',
    "proto2",
  );
  expect(text).toContain("1: required i32 a\n  2: optional i32 b = -7\n  3: optional E e = E.B\n");
  expect(text).toContain('4: optional string s = "x\\"y"');
});

test("that most fields of a message are implicit is said once for the struct", () => {
  const text = thriftOf("message M { int32 a = 1; int32 b = 2; optional int32 c = 3; }");
  expect(text).toContain('3: optional i32 c (pb.requiredness = "optional")\n} (pb.requiredness = "implicit")');
});

test("a message that is exactly one oneof is a union", () => {
  expect(thriftOf("message U { oneof any { int32 a = 1; string b = 2; } }")).toContain(
    "union U {\n  1: i32 a\n  2: string b\n}",
  );
});

test("the synthetic oneof of a proto3 optional is no oneof", () => {
  expect(thriftOf("message M { optional int32 a = 1; }")).toContain("struct M {");
});

test("nested messages and enums flatten to Outer_Inner", () => {
  const text = thriftOf("message A { message B { enum C { Z = 0; } C c = 1; } optional B b = 1; }");
  expect(text).toContain("struct A {\n  1: optional A_B b\n}");
  expect(text).toContain("struct A_B {");
  expect(text).toContain("enum A_B_C {\n  Z = 0\n}");
});

test("a flattened name that something else has is an error", () => {
  const { found } = derive({ "t.proto": 'syntax = "proto3"; package t; message A { message B {} } message A_B {}' });
  expect(found).toEqual([
    "t.proto:1:66 error: t.A_B would be named A_B in Thrift, as something else in the file is; rename one of the two",
  ]);
});

test("a name that Thrift refuses gets an underscore, and the original is recorded", () => {
  const text = thriftOf("message list { int32 end = 1; int32 from = 2; int32 fine = 3; } enum with { next = 0; }");
  expect(text).toContain('struct list_ {\n  1: i32 end_ (pb.name = "end")\n  2: i32 from_ (pb.name = "from")');
  expect(text).toContain('enum with_ {\n  next_ = 0 (pb.name = "next")\n} (pb.name = "with")');
  expect(complaintsOf("thrift", { "t.thrift": text }) ?? "").toBe("");
});

test("a field number above 32767 is an error unless the rule field gives it an id", () => {
  const { found } = derive({ "t.proto": 'syntax = "proto3"; package t; message M { int32 a = 40000; }' });
  expect(found).toEqual([
    't.proto:1:49 error: field number 40000 of "a" is above 32767, the highest Thrift id; give it one with (causeway.rules).field',
  ]);
  expect(thriftOf("message M { int32 a = 40000 [(causeway.rules).field = 7]; }")).toContain("7: i32 a (");
});

test("a method takes and returns its messages, unwrapped, Empty included, and throws nothing", () => {
  const { texts } = derive({
    "t.proto": `syntax = "proto3"; package t; import "google/protobuf/empty.proto"; message M {}
      service S { rpc Get(M) returns (google.protobuf.Empty); }`,
  });
  expect(texts["t.thrift"]).toContain('include "empty.thrift"');
  expect(texts["t.thrift"]).toContain('empty.Empty Get(1: M request) (pb.unwrap = "true")');
});

test("a streaming method is left out and reported", () => {
  const { texts, found } = derive({
    "t.proto":
      'syntax = "proto3"; package t; message M {}\nservice S { rpc A(stream M) returns (M); rpc B(M) returns (M); }',
  });
  expect(found).toEqual([
    't.proto:2:17 lossy: method "A" is streaming, which Thrift has no way to say; it is left out of the translation',
  ]);
  expect(texts["t.thrift"]).not.toContain(" A(");
  expect(texts["t.thrift"]).toContain("M B(1: M request)");
});

test("an extension becomes a field named after it, whatever file declares it", () => {
  const { found, texts } = derive({
    "t.proto":
      'syntax = "proto2"; package t; message M { optional int32 own = 1; extensions 100 to 199; extend M { repeated M inner = 101; } }\nextend M { optional int32 own = 100; }',
    "u.proto": 'syntax = "proto2"; package u; import "t.proto"; extend t.M { optional string far = 102; }',
  });
  expect(found).toEqual([]);
  expect(texts["t.thrift"]).toContain(`  1: optional i32 own
  100: optional i32 own_
  101: list<M> inner
  102: optional string far
`);
});

test("an extension that its message's twin cannot know is left out and reported", () => {
  const { found, texts } = derive({
    "t.proto": 'syntax = "proto2"; package t; message M { extensions 100 to max; }',
    "u.proto":
      'syntax = "proto2"; package u; import "t.proto";\nmessage T {} enum E { A = 1; } extend t.M {\noptional T t = 100;\noptional E e = 101;\noptional int32 n = 40000; }',
  });
  expect(found).toEqual([
    "u.proto:3:12 lossy: extension u.t of t.M is left out: its type is in a file that the message's own file does not import",
    "u.proto:4:12 lossy: extension u.e of t.M is left out: its type is in a file that the message's own file does not import",
    "u.proto:5:16 lossy: extension u.n of t.M is left out: its number 40000 is above 32767, the highest Thrift id; give it one with (causeway.rules).field",
  ]);
  expect(texts["t.thrift"]).toContain("struct M {}");
});

test("well-known types are translated like any other message, Struct and Value as a recursive union", () => {
  const { texts, found } = derive({
    "t.proto": `syntax = "proto3"; package t; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
      import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto"; import "google/protobuf/wrappers.proto";
      message M { google.protobuf.Struct s = 1; google.protobuf.Timestamp t = 2; google.protobuf.Any a = 3;
        google.protobuf.FieldMask f = 4; google.protobuf.Int32Value i = 5; google.protobuf.Value v = 6; }`,
  });
  expect(found).toEqual([]);
  expect(texts["struct_.thrift"]).toContain("union Value {");
  expect(texts["struct_.thrift"]).toContain("1: map<string, Value> fields");
  expect(texts["timestamp.thrift"]).toContain("1: i64 seconds\n  2: i32 nanos");
  expect(texts["any.thrift"]).toContain("1: string type_url\n  2: binary value");
  expect(texts["wrappers.thrift"]).toContain("struct Int32Value {");
  expect(complaintsOf("thrift", texts) ?? "").toBe("");
});

test("a Timestamp or Duration is an i64 by the rule time, and a wrapper its scalar by the rule unwrap", () => {
  const { texts } = derive({
    "t.proto": `syntax = "proto3"; package t; import "causeway/options.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto";
      message M { google.protobuf.Duration d = 1 [(causeway.rules).time = "us"]; google.protobuf.UInt32Value u = 2 [(causeway.rules).unwrap = true]; }`,
  });
  expect(texts["t.thrift"]).toContain('1: optional i64 d (pb.time = "us")');
  expect(texts["t.thrift"]).toContain('2: optional i64 u (pb.unwrap = "true", pb.type = "uint32")');
  expect(texts["t.thrift"]).not.toContain("include");
});

test("a file without a package gets its base name as namespace", () => {
  const { texts } = derive({ "my-file.proto": 'syntax = "proto3"; message M {}' });
  expect(texts["my_file.thrift"]).toContain("namespace * my_file");
});

test("what defines options is not translated, unless a value has one of its types", () => {
  const options = derive({ "t.proto": 'syntax = "proto3"; package t; import "causeway/options.proto"; message M {}' });
  expect(Object.keys(options.texts)).toEqual(["t.thrift"]);
  const value = derive({
    "t.proto": `syntax = "proto3"; package t; import "google/protobuf/descriptor.proto";
      message M { repeated google.protobuf.FileDescriptorProto files = 1; }`,
  });
  expect(Object.keys(value.texts)).toEqual(["descriptor.thrift", "t.thrift"]);
  expect(value.found.filter((text) => text.includes(" error: "))).toEqual([]);
  expect(complaintsOf("thrift", value.texts) ?? "").toBe("");
});
