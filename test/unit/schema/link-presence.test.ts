// One row of the presence table per test: what an absent field and a zero become on the other side.
import { expect, test } from "vitest";
import type { FieldLink } from "../../../src/schema/link.ts";
import { link } from "./schema-fixture.ts";

/** The link of one pair of fields in the given structs t.S. */
function fieldLink(thrift: string, protobuf: string, syntax = "proto3"): FieldLink {
  const { linked, found } = link({
    "a.thrift": `namespace * t\nenum E { A = 1 } enum Z { A = 0 } union U { 1: i32 x } struct S { ${thrift} }`,
    "b.proto": `syntax = "${syntax}"; package t; import "causeway/options.proto";
      enum E { E_UNSPECIFIED = 0; E_A = 1; } enum Z { Z_A = 0; } message U { oneof o { int32 x = 1; } }
      message S { ${protobuf} }`,
  });
  expect(found.filter((text) => text.includes(" error: "))).toEqual([]);
  const [type] = linked.schema.messages.get("t.S") ?? [];
  if (!type) throw new Error("there is no t.S");
  const [field] = linked.messageLink(type).fields;
  if (!field) throw new Error("the fields are not linked");
  return field;
}

const omit = { kind: "omit" };
const error = { kind: "error" };
const value = (value: unknown): object => ({ kind: "value", value });
const int = (number: bigint): object => value({ kind: "int", value: number });

test("optional beside a field with presence: absent is absent and zero is kept", () => {
  expect(fieldLink("1: optional i32 a", "optional int32 a = 1;")).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: omit,
    implicit: false,
  });
});

test("default beside a field with presence: absent is absent on both sides", () => {
  expect(fieldLink("1: i32 a", "optional int32 a = 1;")).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: omit,
    implicit: false,
  });
});

test.each([
  ["bool", "bool", { kind: "bool", value: false }],
  ["i32", "int32", { kind: "int", value: 0n }],
  ["i64", "int64", { kind: "int", value: 0n }],
  ["double", "double", { kind: "double", value: 0 }],
  ["string", "string", { kind: "string", value: "" }],
  ["binary", "bytes", { kind: "bytes", value: new Uint8Array() }],
  ["Z", "Z", { kind: "int", value: 0n }],
])(
  "default %s beside implicit %s: zero is omitted towards Protobuf and written towards Thrift",
  (thrift, protobuf, zero) => {
    expect(fieldLink(`1: ${thrift} a`, `${protobuf} a = 1;`)).toMatchObject({
      absentInThrift: omit,
      absentInProtobuf: value(zero),
      implicit: true,
    });
  },
);

test("default with an IDL default beside implicit: the default is sent for absent, and an explicit zero comes back", () => {
  expect(fieldLink("1: i32 a = 7", "int32 a = 1;")).toMatchObject({
    absentInThrift: int(7n),
    absentInProtobuf: int(0n),
    implicit: true,
  });
});

test("required beside a field with presence: missing is an error on both sides", () => {
  expect(fieldLink("1: required i32 a", "optional int32 a = 1;")).toMatchObject({
    absentInThrift: error,
    absentInProtobuf: error,
  });
});

test("required beside implicit: missing is an error towards Protobuf, zero is written towards Thrift", () => {
  expect(fieldLink("1: required i32 a", "int32 a = 1;")).toMatchObject({
    absentInThrift: error,
    absentInProtobuf: int(0n),
    implicit: true,
  });
});

test("optional beside implicit: absent or zero is omitted, and zero is absent", () => {
  expect(fieldLink("1: optional i32 a", "int32 a = 1;")).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: omit,
    implicit: true,
  });
});

test("optional with a default other than zero beside implicit: an explicit zero is written towards Thrift", () => {
  expect(fieldLink("1: optional i32 a = 7", "int32 a = 1;")).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: int(0n),
    implicit: true,
  });
  expect(fieldLink("1: optional i32 a = 0", "int32 a = 1;").absentInProtobuf).toEqual(omit);
});

test("anything beside proto2 required: missing in Thrift is an error", () => {
  expect(fieldLink("1: optional i32 a", "required int32 a = 1;", "proto2").absentInThrift).toEqual(error);
});

test("two explicit defaults that differ: the sender's is written for an absent field", () => {
  expect(fieldLink("1: optional i32 a = 7", "optional int32 a = 1 [default = 9];", "proto2")).toMatchObject({
    absentInThrift: int(7n),
    absentInProtobuf: int(9n),
  });
});

test("two explicit defaults that are equal: absent is absent", () => {
  expect(fieldLink("1: optional i32 a = 7", "optional int32 a = 1 [default = 7];", "proto2")).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: omit,
  });
  expect(fieldLink('1: string a = "x"', 'optional bytes a = 1 [default = "x"];', "proto2").absentInThrift).toEqual(
    omit,
  );
});

test.each([
  ["list<i32>", "repeated int32", { kind: "list", values: [] }],
  ["set<i32>", "repeated int32", { kind: "list", values: [] }],
  ["map<i32, i32>", "map<int32, int32>", { kind: "map", entries: [] }],
])("a required or default %s arrives in Thrift as empty, an optional one as absent", (thrift, protobuf, empty) => {
  expect(fieldLink(`1: ${thrift} a`, `${protobuf} a = 1;`).absentInProtobuf).toEqual(value(empty));
  expect(fieldLink(`1: required ${thrift} a`, `${protobuf} a = 1;`).absentInProtobuf).toEqual(value(empty));
  expect(fieldLink(`1: optional ${thrift} a`, `${protobuf} a = 1;`).absentInProtobuf).toEqual(omit);
});

test("the default of an absent container is sent", () => {
  expect(fieldLink("1: list<i32> a = [1, 2]", "repeated int32 a = 1;").absentInThrift).toEqual(
    value({
      kind: "list",
      values: [
        { kind: "int", value: 1n },
        { kind: "int", value: 2n },
      ],
    }),
  );
});

test("a synthetic zero is omitted in Thrift where the field may be absent, and an error where not", () => {
  const enumLink = fieldLink("1: optional E a", "E a = 1;");
  expect(enumLink.value).toMatchObject({ kind: "enum", syntheticZero: true });
  expect(enumLink).toMatchObject({ absentInProtobuf: omit, unwritable: "omit" });
  expect(fieldLink("1: E a", "E a = 1;")).toMatchObject({ absentInProtobuf: omit, unwritable: "omit" });
  expect(fieldLink("1: required E a", "E a = 1;")).toMatchObject({ absentInProtobuf: error, unwritable: "error" });
});

test("a union that is not set is omitted in Thrift where the field may be absent, and an error where not", () => {
  expect(fieldLink("1: optional U a", "U a = 1;").unwritable).toBe("omit");
  expect(fieldLink("1: U a", "U a = 1;").unwritable).toBe("omit");
  expect(fieldLink("1: required U a", "U a = 1;").unwritable).toBe("error");
});

test("an empty bytes is no uuid: without presence it is an absent one", () => {
  expect(fieldLink("1: uuid a", "bytes a = 1;")).toMatchObject({ absentInProtobuf: omit, implicit: true });
  expect(fieldLink("1: required uuid a", "bytes a = 1;").absentInProtobuf).toEqual(error);
});

test("a derived twin of a Thrift default keeps absent as absent, and of an implicit field writes zero", () => {
  const { linked } = link({
    "t.thrift": "namespace * t\nstruct S { 1: i32 a = 7 }",
    "p.proto": 'syntax = "proto3"; package p; message S { int32 a = 1; }',
  });
  const [thrift] = linked.schema.messages.get("t.S") ?? [];
  const [protobuf] = linked.schema.messages.get("p.S") ?? [];
  expect(thrift && linked.messageLink(thrift).fields[0]).toMatchObject({
    absentInThrift: omit,
    absentInProtobuf: omit,
    implicit: false,
  });
  expect(protobuf && linked.messageLink(protobuf).fields[0]).toMatchObject({
    absentInProtobuf: int(0n),
    implicit: true,
  });
});
