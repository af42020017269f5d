import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { diffSchemas } from "../../../src/schema/diff.ts";
import { createSchema } from "../../../src/schema/schema.ts";
import { diffFiles, diffProto, messagesProto, summary } from "./diff-fixture.ts";
import { protoFile } from "./proto-text.ts";

type Case = readonly [change: string, before: string, after: string, syntax: string, findings: readonly string[]];

const BREAKS: readonly Case[] = [
  [
    "a field is removed",
    "message M { int32 a = 1; int32 b = 2; }",
    "message M { int32 a = 1; }",
    "proto3",
    ["FIELD_REMOVED (wire, source, bridge) 2:32"],
  ],
  [
    "a field gets another number",
    "message M { int32 a = 1; }",
    "message M { int32 a = 2; }",
    "proto3",
    ["FIELD_NUMBER (wire, bridge) 2:19"],
  ],
  [
    "a field is renamed",
    "message M { int32 a = 1; }",
    "message M { int32 b = 1; }",
    "proto3",
    ["FIELD_NAME (source, bridge) 2:19"],
  ],
  [
    "int32 becomes string",
    "message M { int32 a = 1; }",
    "message M { string a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 2:20"],
  ],
  [
    "int32 becomes sint32",
    "message M { int32 a = 1; }",
    "message M { sint32 a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source) 2:20"],
  ],
  [
    "int32 becomes int64",
    "message M { int32 a = 1; }",
    "message M { int64 a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:19"],
  ],
  [
    "int64 becomes uint64, which refuses what Thrift may send",
    "message M { int64 a = 1; }",
    "message M { uint64 a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:20"],
  ],
  [
    "string becomes bytes",
    "message M { string a = 1; }",
    "message M { bytes a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:19"],
  ],
  [
    "a message becomes bytes",
    "message A {} message M { A a = 1; }",
    "message A {} message M { bytes a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:32"],
  ],
  [
    "a string becomes repeated",
    "message M { string a = 1; }",
    "message M { repeated string a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:29"],
  ],
  [
    "a number becomes repeated and packed",
    "message M { int32 a = 1; }",
    "message M { repeated int32 a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 2:28"],
  ],
  [
    "a number becomes repeated and not packed",
    "message M { int32 a = 1; }",
    "message M { repeated int32 a = 1 [packed = false]; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:28"],
  ],
  [
    "a map becomes its entries",
    "message X { string key = 1; int32 value = 2; }\nmessage M { map<string, int32> a = 1; }",
    "message X { string key = 1; int32 value = 2; }\nmessage M { repeated X a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:24"],
  ],
  [
    "a map becomes other messages",
    "message X { string key = 1; bytes value = 2; }\nmessage M { map<string, int32> a = 1; }",
    "message X { string key = 1; bytes value = 2; }\nmessage M { repeated X a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 3:24"],
  ],
  [
    "a map's value changes",
    "message M { map<string, int32> a = 1; }",
    "message M { map<string, string> a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 2:33"],
  ],
  [
    "a group becomes a message",
    "message M { optional group A = 1 {} }",
    "message M { optional A a = 1; message A {} }",
    "proto2",
    ["FIELD_TYPE (wire, source) 2:24"],
  ],
  [
    "a message becomes one of the same fields",
    "message A { A a = 1; int32 b = 2; } message B { B a = 1; int32 b = 2; }\nmessage M { A a = 1; }",
    "message A { A a = 1; int32 b = 2; } message B { B a = 1; int32 b = 2; }\nmessage M { B a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:15"],
  ],
  [
    "a message becomes one of other fields",
    "message A { int32 b = 2; } message B { float b = 2; }\nmessage M { A a = 1; }",
    "message A { int32 b = 2; } message B { float b = 2; }\nmessage M { B a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 3:15"],
  ],
  [
    "an enum becomes int32",
    "enum E { E_A = 0; }\nmessage M { E a = 1; }",
    "enum E { E_A = 0; }\nmessage M { int32 a = 1; }",
    "proto3",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:19"],
  ],
  [
    "an enum becomes sint32",
    "enum E { E_A = 0; }\nmessage M { E a = 1; }",
    "enum E { E_A = 0; }\nmessage M { sint32 a = 1; }",
    "proto3",
    ["FIELD_TYPE (wire, source, bridge) 3:20"],
  ],
  [
    "a field enters a oneof of its own",
    "message M { int32 a = 1; }",
    "message M { oneof o { int32 a = 1; } }",
    "proto3",
    ["MESSAGE_UNION (bridge) 2:9", "FIELD_ONEOF_COMPATIBLE (source, bridge) 2:29"],
  ],
  [
    "two fields enter a oneof",
    "message M { int32 a = 1; int32 b = 2; }",
    "message M { oneof o { int32 a = 1; int32 b = 2; } }",
    "proto3",
    [
      "MESSAGE_UNION (bridge) 2:9",
      "FIELD_ONEOF (wire, source, bridge) 2:29",
      "FIELD_ONEOF (wire, source, bridge) 2:42",
    ],
  ],
  [
    "a field enters a oneof that is there",
    "message M { oneof o { int32 a = 1; } int32 b = 2; }",
    "message M { oneof o { int32 a = 1; int32 b = 2; } }",
    "proto3",
    ["MESSAGE_UNION (bridge) 2:9", "FIELD_ONEOF (wire, source, bridge) 2:42"],
  ],
  [
    "a field leaves a oneof",
    "message M { oneof o { int32 a = 1; int32 b = 2; } }",
    "message M { oneof o { int32 a = 1; } int32 b = 2; }",
    "proto3",
    ["MESSAGE_UNION (bridge) 2:9", "FIELD_ONEOF (wire, source, bridge) 2:44"],
  ],
  [
    "a oneof is renamed",
    "message M { oneof o { int32 a = 1; int32 b = 2; } }",
    "message M { oneof p { int32 a = 1; int32 b = 2; } }",
    "proto3",
    ["FIELD_ONEOF_COMPATIBLE (source) 2:29", "FIELD_ONEOF_COMPATIBLE (source) 2:42"],
  ],
  [
    "a union gets a field beside its oneof",
    "message M { oneof o { int32 a = 1; } }",
    "message M { oneof o { int32 a = 1; } int32 b = 2; }",
    "proto3",
    ["MESSAGE_UNION (bridge) 2:9"],
  ],
  [
    "a field becomes required",
    "message M { optional int32 a = 1; }",
    "message M { required int32 a = 1; }",
    "proto2",
    ["FIELD_REQUIRED (wire, source, bridge) 2:28"],
  ],
  [
    "a required field is added",
    "message M { optional int32 a = 1; }",
    "message M { optional int32 a = 1; required int32 b = 2; }",
    "proto2",
    ["FIELD_REQUIRED (wire, source, bridge) 2:50"],
  ],
  [
    "a field gets presence",
    "message M { int32 a = 1; }",
    "message M { optional int32 a = 1; }",
    "proto3",
    ["FIELD_PRESENCE (source, bridge) 2:28"],
  ],
  [
    "a default changes",
    "message M { optional int32 a = 1 [default = 1]; }",
    "message M { optional int32 a = 1 [default = 2]; }",
    "proto2",
    ["FIELD_DEFAULT (wire, bridge) 2:28"],
  ],
  [
    "json_name changes",
    "message M { int32 a = 1; }",
    'message M { int32 a = 1 [json_name = "b"]; }',
    "proto3",
    ["FIELD_OPTION (source) 2:19"],
  ],
  [
    "jstype changes",
    "message M { int64 a = 1; }",
    "message M { int64 a = 1 [jstype = JS_STRING]; }",
    "proto3",
    ["FIELD_OPTION (source) 2:19"],
  ],
  [
    "a message is removed with all that is nested in it",
    "message A { message B {} enum C { X = 0; } }\nmessage M {}",
    "message M {}",
    "proto3",
    ["MESSAGE_REMOVED (source, bridge) 2:9"],
  ],
  [
    "a nested message is removed",
    "message M { message B {} }",
    "message M {}",
    "proto3",
    ["MESSAGE_REMOVED (source, bridge) 2:21"],
  ],
  [
    "an enum is removed",
    "enum E { A = 0; }\nmessage M {}",
    "message M {}",
    "proto3",
    ["ENUM_REMOVED (source, bridge) 2:6"],
  ],
  [
    "an enum opens",
    "enum E { option features.enum_type = CLOSED; A = 0; }",
    "enum E { A = 0; }",
    "2023",
    ["ENUM_CLOSED (source) 2:6"],
  ],
  [
    "the first value changes",
    "enum E { A = 1; B = 2; }",
    "enum E { B = 2; A = 1; }",
    "proto2",
    ["ENUM_FIRST_VALUE (wire) 2:10"],
  ],
  [
    "an enum value is removed",
    "enum E { A = 0; B = 1; }",
    "enum E { A = 0; }",
    "proto3",
    ["ENUM_VALUE_REMOVED (wire, source, bridge) 2:17"],
  ],
  [
    "an enum value gets another number",
    "enum E { A = 0; B = 1; }",
    "enum E { A = 0; B = 2; }",
    "proto3",
    ["ENUM_VALUE_NUMBER (wire, bridge) 2:17"],
  ],
  [
    "an enum value is renamed",
    "enum E { A = 0; B = 1; }",
    "enum E { A = 0; C = 1; }",
    "proto3",
    ["ENUM_VALUE_NAME (source, bridge) 2:17"],
  ],
  [
    "an extension is removed",
    "message M { extensions 100 to 200; }\nextend M { optional int32 a = 100; }",
    "message M { extensions 100 to 200; }",
    "proto2",
    ["EXTENSION_REMOVED (wire, source, bridge) 3:27"],
  ],
  [
    "an extension's type changes",
    "message M { extensions 100 to 200; }\nextend M { optional int32 a = 100; }",
    "message M { extensions 100 to 200; }\nextend M { optional string a = 100; }",
    "proto2",
    ["FIELD_TYPE (wire, source, bridge) 3:28"],
  ],
  [
    "an extension is renamed",
    "message M { extensions 100 to 200; }\nextend M { optional int32 a = 100; }",
    "message M { extensions 100 to 200; }\nextend M { optional int32 b = 100; }",
    "proto2",
    ["FIELD_NAME (source, bridge) 3:27"],
  ],
  [
    "a service is removed",
    "message A {}\nservice S { rpc f(A) returns (A); }",
    "message A {}",
    "proto3",
    ["SERVICE_REMOVED (wire, source, bridge) 3:9"],
  ],
  [
    "a method is removed",
    "message A {}\nservice S { rpc f(A) returns (A); rpc g(A) returns (A); }",
    "message A {}\nservice S { rpc f(A) returns (A); }",
    "proto3",
    ["METHOD_REMOVED (wire, source, bridge) 3:39"],
  ],
  [
    "a request becomes another message that reads the same",
    "message A { int32 a = 1; } message B { int32 a = 1; int32 b = 2; }\nservice S { rpc f(A) returns (A); }",
    "message A { int32 a = 1; } message B { int32 a = 1; int32 b = 2; }\nservice S { rpc f(B) returns (A); }",
    "proto3",
    ["METHOD_TYPE_COMPATIBLE (source, bridge) 3:17"],
  ],
  [
    "a response becomes another message",
    "message A { int32 a = 1; } message B { string a = 1; }\nservice S { rpc f(A) returns (A); }",
    "message A { int32 a = 1; } message B { string a = 1; }\nservice S { rpc f(A) returns (B); }",
    "proto3",
    ["METHOD_TYPE (wire, source, bridge) 3:17"],
  ],
  [
    "a response becomes a stream",
    "message A {}\nservice S { rpc f(A) returns (A); }",
    "message A {}\nservice S { rpc f(A) returns (stream A); }",
    "proto3",
    ["METHOD_STREAMING (wire, source, bridge) 3:17"],
  ],
  [
    "a method is no longer idempotent",
    "message A {}\nservice S { rpc f(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; } }",
    "message A {}\nservice S { rpc f(A) returns (A); }",
    "proto3",
    ["METHOD_IDEMPOTENT (wire, bridge) 3:17"],
  ],
  [
    "go_package changes",
    'option go_package = "a";\nmessage M {}',
    'option go_package = "b";\nmessage M {}',
    "proto3",
    ["FILE_OPTION (source) 1:1"],
  ],
  [
    "java_multiple_files is added",
    "message M {}",
    "option java_multiple_files = true;\nmessage M {}",
    "proto3",
    ["FILE_OPTION (source) 1:1"],
  ],
  [
    "set is added",
    "message M { repeated int32 a = 1; }",
    "message M { repeated int32 a = 1 [(causeway.rules).set = true]; }",
    "proto3",
    ["FIELD_TYPE (bridge) 2:28"],
  ],
  [
    "bits is removed",
    "message M { uint64 a = 1 [(causeway.rules).bits = true]; }\nmessage N { uint64 a = 1 [(causeway.rules).bits = true]; }",
    "message M { uint64 a = 1; }\nmessage N { uint64 a = 1 [(causeway.rules).bits = true]; }",
    "proto3",
    ["TRANSLATION_RULE (bridge) 2:20"],
  ],
  [
    "exact is added",
    "message M { float a = 1; }",
    "message M { float a = 1 [(causeway.rules).exact = true]; }",
    "proto3",
    ["TRANSLATION_RULE (bridge) 2:19"],
  ],
  [
    "uuid_text is added",
    'message M { bytes a = 1 [(causeway.rules).type = "uuid"]; }',
    'message M { bytes a = 1 [(causeway.rules).type = "uuid", (causeway.rules).uuid_text = true]; }',
    "proto3",
    ["TRANSLATION_RULE (bridge) 2:19"],
  ],
  [
    "a field is reserved",
    "message M { int32 a = 1; int32 b = 2; }",
    "message M { int32 a = 1; reserved 2; }",
    "proto3",
    ["FIELD_RESERVED (source, bridge) 2:32"],
  ],
  [
    "a field is removed and another number reserved",
    "message M { int32 a = 1; }",
    "message M { reserved 2 to 4; }",
    "proto3",
    ["FIELD_REMOVED (wire, source, bridge) 2:19"],
  ],
  [
    "a number is no longer reserved",
    "message M { reserved 1, 3 to 9; }",
    "message M { reserved 1, 3 to 5, 6, 8 to 9; }",
    "proto3",
    ["RESERVED_REMOVED (wire) 2:9"],
  ],
  [
    "a reserved number is used",
    "message M { reserved 1; }",
    "message M { int32 a = 1; }",
    "proto3",
    ["RESERVED_REMOVED (wire) 2:9"],
  ],
  [
    "a name is no longer reserved",
    'message M { reserved "a", "b"; }',
    'message M { reserved "a"; }',
    "proto3",
    ["RESERVED_NAME_REMOVED (source) 2:9"],
  ],
  [
    "an enum value is reserved",
    "enum E { A = 0; B = 1; }",
    "enum E { A = 0; reserved 1; }",
    "proto3",
    ["ENUM_VALUE_RESERVED (source, bridge) 2:17"],
  ],
  [
    "an enum's number is no longer reserved",
    "enum E { A = 0; reserved -5 to -1, 7 to max; }",
    "enum E { A = 0; reserved 7 to max; }",
    "proto3",
    ["RESERVED_REMOVED (wire) 2:6"],
  ],
  [
    "a range for extensions is given up",
    "message M { extensions 100 to 200; }",
    "message M { extensions 100 to 150; }",
    "proto2",
    ["EXTENSION_RANGE_REMOVED (source) 2:9"],
  ],
];

test.each(BREAKS)("Protobuf: %s", (_, before, after, syntax, findings) => {
  expect(diffProto(before, after, syntax)).toEqual(findings);
});

const COMPATIBLE: readonly (readonly [change: string, before: string, after: string])[] = [
  ["a field is added", "message M { int32 a = 1; }", "message M { int32 a = 1; int32 b = 2; }"],
  [
    "a member is added to a oneof",
    "message M { oneof o { int32 a = 1; } }",
    "message M { oneof o { int32 a = 1; string b = 2; } }",
  ],
  ["fields change their order", "message M { int32 a = 1; int32 b = 2; }", "message M { int32 b = 2; int32 a = 1; }"],
  [
    "a field is no longer packed",
    "message M { repeated int32 a = 1; }",
    "message M { repeated int32 a = 1 [packed = false]; }",
  ],
  ["an enum value is added", "enum E { A = 0; }", "enum E { A = 0; B = 1; }"],
  [
    "a method and a service are added",
    "message A {} service S {}",
    "message A {} service S { rpc f(A) returns (A); } service T {}",
  ],
  [
    "more is reserved, in other pieces",
    "message M { reserved 1 to 9; }",
    'message M { reserved 5 to 20, 1 to 4; reserved "a"; }',
  ],
  ["a field is deprecated", "message M { int32 a = 1; }", "message M { int32 a = 1 [deprecated = true]; }"],
  ["java_multiple_files is false in words", "message M {}", "option java_multiple_files = false; message M {}"],
  [
    "a method becomes idempotent",
    "message A {} service S { rpc f(A) returns (A); }",
    "message A {} service S { rpc f(A) returns (A) { option idempotency_level = IDEMPOTENT; } }",
  ],
];

test.each(COMPATIBLE)("Protobuf, no break: %s", (_, before, after) => {
  expect(diffProto(before, after)).toEqual([]);
});

test("proto2, written as an edition, is the same", () => {
  const before = {
    "t.proto":
      'syntax = "proto2"; package t; message M { required int32 a = 1; repeated int32 b = 2; optional E e = 3; } enum E { A = 1; }',
  };
  const after = {
    "t.proto":
      'edition = "2023"; package t; option features.enum_type = CLOSED; message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; repeated int32 b = 2; E e = 3; } enum E { A = 1; }',
  };
  expect(diffFiles(before, after)).toEqual([]);
});

test("another package breaks generated names, and calls where there is a service", () => {
  const text = (name: string): string =>
    `syntax = "proto3"; package ${name};\nmessage M {}\nservice S { rpc f(M) returns (M); }`;
  expect(diffFiles({ "t.proto": text("a.v1") }, { "t.proto": text("a.v2") }).map(summary)).toEqual([
    "FILE_PACKAGE (source, bridge) 1:1",
    "SERVICE_PATH (wire) 3:9",
  ]);
});

test("a message about what is no longer reserved names the first numbers of it", () => {
  expect(messagesProto("message M { reserved 1 to 9; }", "message M { reserved 1 to 3, 8; }")).toEqual([
    'message "M" no longer reserves 4 to 7: peers of old versions still send it with its old meaning; keep it reserved',
  ]);
});

test("messages of one name in two packages are told apart by their full names", () => {
  const text = (type: string) => ({
    "t.proto": `syntax = "proto3"; package t; import "u.proto"; message A { int32 a = 1; } message M { ${type} a = 1; }`,
    "u.proto": 'syntax = "proto3"; package u; message A { string a = 1; }',
  });
  const [finding] = diffFiles(text("A"), text("u.A"));
  expect(finding?.message).toContain('field "a" (1) changed its type from t.A to u.A, where field "a" (1) changed');
});

test("a message says what changed and what to do instead", () => {
  expect(messagesProto("message M { int32 a = 1; int64 price = 3; }", "message M { int64 a = 1; }")).toEqual([
    'field "a" (1) changed its type from int32 to int64, where values that do not fit are cut off: both versions read the bytes, but generated code changes; keep the type, or add a new field',
    'field "price" (3) was removed: reserve the number, or keep the field',
  ]);
});

const TYPES =
  "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes E";
const LABELS = ["", "repeated ", "unpacked repeated "];
/** No number is written as this text, whatever its type. */
const TEXTS: Readonly<Record<string, unknown>> = { string: "7", bytes: Buffer.from("7") };

/** A field of each type: single, repeated and packed, repeated and not. */
const FIELDS = TYPES.split(" ").flatMap((type) =>
  LABELS.map((label) => {
    const value = TEXTS[type] ?? (type === "bool" ? true : 1);
    const option = label.startsWith("unpacked") && !(type in TEXTS) ? " [packed = false]" : "";
    const field = `${label.replace("unpacked ", "")}${type} a = 1${option};`;
    const text = `syntax = "proto3"; enum E { E_A = 0; E_B = 1; } message M { ${field} }`;
    return {
      name: label + type,
      message: { a: label === "" ? value : [value] },
      reading: type in TEXTS ? "7" : "1",
      schema: createSchema([protoFile(text)]),
      type: protobuf.parse(text).root.lookupType("M"),
    };
  }),
);
type SampleField = (typeof FIELDS)[number];

/** Whether protobufjs reads of one field what it wrote as the other. */
function isReadBy(writer: SampleField, reader: SampleField): boolean {
  try {
    const read = reader.type.decode(writer.type.encode(writer.message).finish());
    const [value] = [reader.type.toObject(read, { longs: Number })["a"] as unknown].flat();
    return (value instanceof Uint8Array ? Buffer.from(value).toString() : String(Number(value))) === writer.reading;
  } catch {
    return false;
  }
}

test.each(FIELDS)("what protobufjs reads of a $name as another type is no break of the wire, all else is", (writer) => {
  const reads = FIELDS.filter((reader) => isReadBy(writer, reader) && isReadBy(reader, writer));
  const unbroken = FIELDS.filter(({ schema }) => {
    const findings = diffSchemas(writer.schema, schema, [["t.proto", "t.proto"]]);
    return !findings.some(({ breaks }) => breaks.includes("wire"));
  });
  expect(unbroken.map(({ name }) => name)).toEqual(reads.map(({ name }) => name));
});
