import { expect, test } from "vitest";
import { complaintsOf, derive, protoOf, schemaOf } from "./schema-fixture.ts";

test.each([
  ["bool", "bool", ""],
  ["byte", "int32", ' [(causeway.rules).type = "i8"]'],
  ["i8", "int32", ' [(causeway.rules).type = "i8"]'],
  ["i16", "int32", ' [(causeway.rules).type = "i16"]'],
  ["i32", "int32", ""],
  ["i64", "int64", ""],
  ["double", "double", ""],
  ["string", "string", ""],
  ["binary", "bytes", ""],
  ["uuid", "bytes", ' [(causeway.rules).type = "uuid"]'],
])("a Thrift %s becomes %s", (thrift, protobuf, options) => {
  expect(protoOf(`struct S { 1: optional ${thrift} a }`)).toContain(`  optional ${protobuf} a = 1${options};`);
});

test.each([
  ["i32", "sint32"],
  ["i32", "sfixed32"],
  ["i64", "sint64"],
  ["i64", "uint32"],
  ["i64", "fixed64"],
  ["double", "float"],
])("the rule type makes a Thrift %s a %s", (thrift, protobuf) => {
  expect(protoOf(`struct S { 1: optional ${thrift} a (pb.type = "${protobuf}") }`)).toContain(
    `optional ${protobuf} a = 1`,
  );
});

test("a rule type that cannot stand for the Thrift type is an error that says what can", () => {
  const { found } = derive({ "t.thrift": 'struct S { 1: string a (pb.type = "int32") }' });
  expect(found).toEqual(['t.thrift:1:22 error: pb.type "int32" cannot stand for string; expected string, bytes']);
});

test("a uuid is a string by the rule uuid_text", () => {
  expect(protoOf('struct S { 1: optional uuid a (pb.uuid_text = "true") }')).toContain("optional string a = 1");
});

test("a list is repeated, a set is repeated and marked as a set", () => {
  const text = protoOf("struct P {} struct S { 1: list<P> a, 2: set<string> b, 3: set<i16> c }");
  expect(text).toContain("repeated .t.P a = 1;");
  expect(text).toContain("repeated string b = 2 [(causeway.rules).set = true];");
  expect(text).toContain('repeated int32 c = 3 [(causeway.rules) = { set: true, type: "i16" }];');
});

test("a list<i8> is repeated int32, and bytes by the rule type", () => {
  const text = protoOf('struct S { 1: list<i8> a, 2: optional list<i8> b (pb.type = "bytes") }');
  expect(text).toContain('repeated int32 a = 1 [(causeway.rules).type = "i8"];');
  expect(text).toContain('optional bytes b = 2 [(causeway.rules).type = "i8"];');
});

test("a map whose key is bool, an integer or a string is a map; an enum key is int32, whose bytes are the same", () => {
  const text = protoOf("enum E { A = 1 } struct S { 1: map<bool, E> a, 2: map<E, string> b, 3: map<i16, double> c }");
  expect(text).toContain("map<bool, .t.E> a = 1;");
  expect(text).toContain("map<int32, string> b = 2;");
  expect(text).toContain('map<int32, double> c = 3 [(causeway.rules).type = "map<i16,double>"];');
});

test.each([
  ["double", "double key = 1;"],
  ["binary", "bytes key = 1;"],
  ["P", ".t.P key = 1;"],
  ["list<i32>", ".t.S.ByEntry.KeyList key = 1;"],
])("a map with the key %s is repeated entries of key and value", (key, line) => {
  const text = protoOf(`struct P {} struct S { 1: map<${key}, string> by }`);
  expect(text).toContain("repeated .t.S.ByEntry by = 1;");
  expect(text).toContain(line);
  expect(text).toContain("string value = 2;");
});

test("a list of lists, a container as a map's value and a container in a union get a wrapper message", () => {
  const text = protoOf(
    "struct S { 1: list<list<string>> grid, 2: map<string, set<i32>> sets, 3: list<map<i32, i32>> maps } union U { 1: list<string> words }",
  );
  expect(text).toContain("repeated .t.S.GridList grid = 1;");
  expect(text).toContain("map<string, .t.S.SetsSet> sets = 2;");
  expect(text).toContain("repeated .t.S.MapsMap maps = 3;");
  expect(text).toContain(".t.U.WordsList words = 1;");
  expect(text).toContain("    option (causeway.message_rules).wrap = true;\n\n    repeated string items = 1;");
});

test("the rule presence keeps an absent container and an empty one apart by a wrapper message", () => {
  const text = protoOf('struct S { 1: optional list<i32> a (pb.presence = "true") }');
  expect(text).toContain("  .t.S.AList a = 1 [(causeway.rules).presence = true];");
});

test("enum values are prefixed with the name of the enum, and a synthetic zero is put in front", () => {
  expect(protoOf("enum OrderStatus { PLACED = 1, SHIPPED = 2 }")).toContain(`enum OrderStatus {
  option (causeway.enum_rules).prefix = "ORDER_STATUS_";

  ORDER_STATUS_UNSPECIFIED = 0 [(causeway.value_rules).synthetic = true];
  ORDER_STATUS_PLACED = 1;
  ORDER_STATUS_SHIPPED = 2;
}`);
});

test("enum values that all have the prefix already are left as they are", () => {
  expect(protoOf("enum E { E_A = 0, E_B = 1 }")).toContain("enum E {\n  E_A = 0;\n  E_B = 1;\n}");
  expect(protoOf("enum E { E_A = 0, B = 1 }")).toContain("  E_E_A = 0;\n  E_B = 1;\n}");
});

test("a zero that exists moves first, and duplicate numbers allow aliases", () => {
  expect(protoOf("enum E { B = 1, C = 1, A = 0 }")).toContain(`enum E {
  option allow_alias = true;
  option (causeway.enum_rules).prefix = "E_";

  E_A = 0;
  E_B = 1;
  E_C = 1;
}`);
});

test("the values of two enums that would get one name are told apart, also in two files of one package", () => {
  const { found, texts } = derive({
    "a.thrift": "namespace * t\nenum FooBar { X = 0 }",
    "b.thrift": "namespace * t\nenum Foo { BAR_X = 0 }",
  });
  expect(found).toEqual([]);
  expect(texts["a.proto"]).toContain("  FOO_BAR_X = 0;");
  expect(texts["b.proto"]).toContain('  FOO_BAR_X_ = 0 [(causeway.value_rules).name = "BAR_X"];');
});

test("a struct that is named as the arguments of a method would be is an error that says what to do", () => {
  const thrift = (annotation: string): string =>
    `namespace * t\nstruct S_get_args { 1: i32 a } ${annotation}\nservice S { void get() }`;
  expect(derive({ "t.thrift": thrift("") }).found).toEqual([
    't.thrift:3:18 error: the arguments of method "get" would be named S_get_args in Protobuf, as "S_get_args" is (line 2): rename one of the two, or give "S_get_args" another name there with pb.name',
  ]);
  const { found, texts } = derive({ "t.thrift": thrift('(pb.name = "GetArgs")') });
  expect(found).toEqual([]);
  expect(texts["t.proto"]).toContain("message GetArgs {");
  expect(texts["t.proto"]).toContain("message S_get_args {");
});

test("two things that pb.name gives one name are an error", () => {
  expect(derive({ "t.thrift": 'namespace * t\nstruct A {}\nenum B {} (pb.name = "A")' }).found).toEqual([
    't.thrift:3:6 error: "B" would be named A in Protobuf, as "A" is (line 2): rename one of the two, or give "A" another name there with pb.name',
  ]);
});

test("a name in another file of the package that a method's messages need is a warning", () => {
  const { found } = derive({
    "a.thrift": "namespace * t\nstruct S_get_args {}",
    "b.thrift": "namespace * t\nservice S { void get() }",
  });
  expect(found).toEqual([
    expect.stringMatching(
      /^b\.thrift:2:18 warning: the arguments of method "get" would be named S_get_args in Protobuf, as "S_get_args" is \(.*a\.thrift:2\): /,
    ),
  ]);
});

test("an empty enum has its synthetic zero, and negative numbers stay", () => {
  expect(protoOf("enum E {}")).toContain("E_UNSPECIFIED = 0");
  expect(protoOf("enum E { A, B = -1 }")).toContain("E_B = -1;");
});

test("optional, default and required scalars and enums all have presence, and the Thrift presence is recorded", () => {
  const text = protoOf(
    "struct S { 1: optional i32 a, 2: i32 b, 3: required i32 c, 4: optional string d, 5: optional bool e }",
  );
  expect(text).toContain("optional int32 a = 1;");
  expect(text).toContain('optional int32 b = 2 [(causeway.rules).requiredness = "default"];');
  expect(text).toContain('optional int32 c = 3 [(causeway.rules).requiredness = "required"];');
});

test("the presence that most fields have is recorded once for the file", () => {
  const text = protoOf("struct S { 1: i32 a, 2: i32 b, 3: optional i32 c }");
  expect(text).toContain('option (causeway.file_rules).requiredness = "default";');
  expect(text).toContain("  optional int32 a = 1;\n  optional int32 b = 2;\n");
  expect(text).toContain('optional int32 c = 3 [(causeway.rules).requiredness = "optional"];');
});

test("a Thrift default is recorded and not written as a Protobuf default", () => {
  const text = protoOf(
    'enum E { A = 3 } struct S { 1: optional i32 a = 7, 2: optional string b = "x\\"y", 3: optional E c = E.A }',
  );
  expect(text).toContain('optional int32 a = 1 [(causeway.rules).default = "7"];');
  expect(text).toContain('optional string b = 2 [(causeway.rules).default = "x\\"y"];');
  expect(text).toContain('optional .t.E c = 3 [(causeway.rules).default = "3"];');
});

test("the default of a container or a struct is recorded as Thrift writes it", () => {
  const text = protoOf(
    `enum E { A = 1 } struct Q { 1: i32 a, 2: list<string> b, 3: optional bool c }
     struct S { 1: list<E> a = [E.A], 2: Q q = {"a": 3, "b": ["x\\"y"], "c": true}, 3: map<string, double> m = {"k": 1.5} }`,
  );
  expect(text).toContain('default = "[1]"');
  expect(text).toContain(String.raw`default = "{\"a\": 3, \"b\": [\"x\\\"y\"], \"c\": true}"`);
  expect(text).toContain(String.raw`default = "{\"k\": 1.5}"`);
});

test("ids are kept; those of 0 and below and of 19000 to 19999 are shifted and marked", () => {
  const text = protoOf(
    "struct S { 300: optional i32 a, -1: optional i32 b, 0: optional i32 c, 19000: optional i32 d, 32767: optional i32 e }",
  );
  expect(text).toContain("optional int32 a = 300;");
  expect(text).toContain("optional int32 b = 65537 [(causeway.rules).field = -1];");
  expect(text).toContain("optional int32 c = 65536 [(causeway.rules).field = 0];");
  expect(text).toContain("optional int32 d = 119000 [(causeway.rules).field = 19000];");
  expect(text).toContain("optional int32 e = 32767;");
});

test("the rule field chooses the number, and two fields on one number are an error", () => {
  expect(protoOf('struct S { 1: optional i32 a (pb.field = "9") }')).toContain(
    "optional int32 a = 9 [(causeway.rules).field = 1];",
  );
  const { found } = derive({ "t.thrift": 'struct S { 1: i32 a (pb.field = "2"), 2: i32 b }' });
  expect(found).toEqual([
    't.thrift:1:46 error: field "b" would get the Protobuf number 2, which "a" has; give one of them another with pb.field',
  ]);
});

test("a number that Protobuf does not have is an error", () => {
  const { found } = derive({ "t.thrift": 'struct S { 1: i32 a (pb.field = "19001") }' });
  expect(found[0]).toContain('error: field "a" cannot have the Protobuf number 19001');
});

test("names whose JSON names clash get their id behind them, and the original is recorded", () => {
  const text = protoOf("struct S { 1: optional i32 fooBar, 2: optional i32 foo_bar }");
  expect(text).toContain("optional int32 fooBar = 1;");
  expect(text).toContain('optional int32 foo_bar_2 = 2 [(causeway.rules).name = "foo_bar"];');
});

test("a union is a message with one oneof and nothing else", () => {
  expect(protoOf("union U { 1: i32 a, 2: string b }")).toContain(
    "message U {\n  oneof value {\n    int32 a = 1;\n    string b = 2;\n  }\n}",
  );
  expect(protoOf("union U { 1: i32 value }")).toContain("oneof value_ {\n    int32 value = 1;");
});

test("an exception is a message that is marked by its code", () => {
  expect(protoOf('exception X { 1: optional string m } (pb.code = "NOT_FOUND")')).toContain(
    'option (causeway.message_rules).code = "NOT_FOUND";',
  );
  expect(protoOf("exception X { 1: optional string m }")).toContain(
    'option (causeway.message_rules).code = "UNKNOWN";',
  );
});

test("arguments and result are messages named by service and method, also for a lone struct", () => {
  const text = protoOf("struct P {} service Svc { P get(1: P p) i32 add(1: i32 a, 5: i32 b) void nop() }");
  expect(text).toContain("rpc get(.t.Svc_get_args) returns (.t.Svc_get_result);");
  expect(text).toContain("message Svc_get_args {\n  option (causeway.message_rules).args = true;\n\n  .t.P p = 1;\n}");
  expect(text).toContain(
    "message Svc_get_result {\n  option (causeway.message_rules).args = true;\n\n  .t.P success = 1 [(causeway.rules).field = 0];\n}",
  );
  expect(text).toContain("optional int32 a = 1;\n  optional int32 b = 5;");
  expect(text).toContain("message Svc_nop_result {\n  option (causeway.message_rules).args = true;\n}");
});

test("the rule unwrap takes the lone struct itself, on a method or on all of a service", () => {
  const text = protoOf('struct P {} service Svc { P get(3: P p) (pb.unwrap = "true") P put(1: P p) }');
  expect(text).toContain("rpc get(.t.P) returns (.t.P) {\n    option (causeway.method_rules).field = 3;\n  }");
  expect(text).toContain("rpc put(.t.Svc_put_args)");
  expect(protoOf('struct P {} service Svc { P get(1: P p) } (pb.unwrap = "true")')).toContain(
    "rpc get(.t.P) returns (.t.P);",
  );
});

test("an inherited method stands in the inheriting service, with messages named for the one that declares it", () => {
  const { texts } = derive({
    "base.thrift": "namespace * b\nservice Base { void ping() }",
    "mid.thrift": 'include "base.thrift"\nnamespace * m\nservice Mid extends base.Base {}',
    "top.thrift": 'include "mid.thrift"\nnamespace * t\nservice Top extends mid.Mid { void more() }',
  });
  expect(texts["top.proto"]).toContain(
    "service Top {\n  rpc ping(.b.Base_ping_args) returns (.b.Base_ping_result);\n  rpc more(",
  );
  expect(texts["top.proto"]).toContain('import "base.proto";');
  expect(texts["top.proto"]).not.toContain('import "mid.proto";');
  expect(complaintsOf("protoc", texts) ?? "").toBe("");
});

test("exceptions, oneway and idempotence of a method are recorded", () => {
  const text = protoOf(
    'exception X {} service Svc { void a() throws (1: X x, 4: X y) oneway void b() i32 c() (idempotent = "true") }',
  );
  expect(text).toContain('option (causeway.method_rules).throws = "1: t.X x, 4: t.X y";');
  expect(text).toContain("option (causeway.method_rules).oneway = true;");
  expect(text).toContain("option idempotency_level = IDEMPOTENT;");
});

test("typedefs resolve away and constants become comments", () => {
  const text = protoOf(
    'typedef i64 Id\n/** Nobody. */\nconst Id NOBODY = -1\nconst map<string, list<i32>> M = {"a": [1]}\nstruct S { 1: optional Id id }',
  );
  expect(text).toContain("// Nobody.\n//\n// const i64 NOBODY = -1");
  expect(text).toContain('// const map<string, list<i32>> M = {"a": [1]}');
  expect(text).toContain("optional int64 id = 1;");
});

test("include follows include, one .proto per .thrift, under unique names that are identifiers", () => {
  const { texts } = derive({
    "a/types.thrift": "namespace * a\nstruct A {}",
    "b/types.thrift": "namespace * b\nstruct B {}",
    "use-a.thrift": 'include "a/types.thrift"\nnamespace * ua\nstruct U { 1: types.A a }',
    "use-b.thrift": 'include "b/types.thrift"\nnamespace * ub\nstruct U { 1: types.B b }',
  });
  expect(Object.keys(texts).sort()).toEqual(["b_types.proto", "types.proto", "use_a.proto", "use_b.proto"]);
  expect(texts["use_b.proto"]).toContain('import "b_types.proto";');
  expect(complaintsOf("protoc", texts) ?? "").toBe("");
});

test("a deprecated thing stays deprecated, and documentation survives", () => {
  const text = protoOf(
    '/** A thing. */\nstruct S {\n  /** Of old. */\n  1: optional i32 a (deprecated = "true")\n} (deprecated)',
  );
  expect(text).toContain(
    "// A thing.\nmessage S {\n  option deprecated = true;\n\n  // Of old.\n  optional int32 a = 1 [deprecated = true];\n}",
  );
});

test("options.proto is imported only if an option is needed", () => {
  expect(protoOf("struct S { 1: optional i32 a }")).toBe(
    'syntax = "proto3";\n\npackage t;\n\nmessage S {\n  optional int32 a = 1;\n}\n',
  );
});

test("an i64 that counts a time is a Timestamp, and a scalar may be unwrapped from its well-known wrapper", () => {
  const text = protoOf('struct S { 1: optional i64 at (pb.time = "ms"), 2: optional i32 n (pb.unwrap = "true") }');
  expect(text).toContain('import "google/protobuf/timestamp.proto";\nimport "google/protobuf/wrappers.proto";');
  expect(text).toContain('.google.protobuf.Timestamp at = 1 [(causeway.rules).time = "ms"];');
  expect(text).toContain(".google.protobuf.Int32Value n = 2 [(causeway.rules).unwrap = true];");
});

test("a derived thing has the position of the one that its author wrote", () => {
  const texts = { "t.thrift": "namespace * t\nstruct S {\n  1: i32 a\n}" };
  const { files } = derive(texts);
  const given = schemaOf(texts).messages.get("t.S")?.[0];
  const derived = files[0]?.messages[0];
  expect(derived?.position.line).toBe(given?.position.line);
  expect(derived?.fields[0]?.position).toMatchObject({ line: 3, column: 10 });
});
