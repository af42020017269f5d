// What is said of a file, service, method, message or oneof holds for everything inside that does not say otherwise.
import { expect, test } from "vitest";
import { derive, link, thriftOf } from "./schema-fixture.ts";

const PROTO = 'syntax = "proto3"; package t; import "causeway/options.proto";';

/** The link of the first field of the message t.S. */
function firstValue(thrift: string, protobuf: string): unknown {
  const { linked } = link({ "a.thrift": `namespace * t\n${thrift}`, "b.proto": `${PROTO}${protobuf}` });
  const [type] = linked.schema.messages.get("t.S") ?? [];
  return type && linked.messageLink(type).fields[0]?.value;
}

test("a rule of a Protobuf file holds for the fields of its messages, unless one says otherwise", () => {
  const bits = (option: string): unknown =>
    firstValue(
      "struct S { 1: optional i64 a }",
      `option (causeway.file_rules).bits = true; message S { optional uint64 a = 1 ${option}; }`,
    );
  expect(bits("")).toMatchObject({ bits: true });
  expect(bits("[(causeway.rules).bits = false]")).toMatchObject({ bits: false });
});

test("a rule of an outer message holds for the inner ones", () => {
  const { linked } = link({
    "a.proto": `${PROTO}message O { option (causeway.message_rules).exact = true; message S { float a = 1; } }`,
  });
  const [type] = linked.schema.messages.get("t.O.S") ?? [];
  expect(type && linked.messageLink(type).fields[0]?.value).toMatchObject({ exact: true });
});

test("a rule of a oneof holds for its members", () => {
  const { found } = derive({
    "a.proto": `${PROTO}message S { int32 b = 1; oneof o { option (causeway.oneof_rules).exact = true; float a = 2; } }`,
  });
  expect(found).toEqual([]);
  expect(
    thriftOf("message S { int32 b = 1; oneof o { option (causeway.oneof_rules).exact = true; float a = 2; } }"),
  ).toContain('double a (pb.exact = "true"');
});

test("a rule on a namespace holds for the file", () => {
  const { found } = link({ "a.thrift": 'namespace java t (pb.lossy = "true")\nstruct S { 1: optional list<i32> a }' });
  expect(found).toEqual([]);
});

test("a rule of a service or method holds for its arguments and its result", () => {
  const thrift = (service: string, method: string): string =>
    `namespace * t\nservice S { optional_ get(1: list<i32> a) ${method} } ${service}\nstruct optional_ {}`;
  const protoOf = (service: string, method: string): string | undefined =>
    derive({ "t.thrift": thrift(service, method) }).texts["t.proto"];
  expect(protoOf("", "")).toContain("repeated int32 a = 1");
  expect(protoOf('(pb.presence = "true")', "")).toContain(".t.S_get_args.AList a = 1");
  expect(protoOf('(pb.presence = "true")', '(pb.presence = "false")')).toContain("repeated int32 a = 1");
});

test("lossy on a method, service or file accepts a streaming method", () => {
  const proto = (file: string, service: string, method: string): string =>
    `${PROTO}${file} message M {} service S { ${service} rpc Do(stream M) returns (M) { ${method} } }`;
  const foundIn = (text: string): readonly string[] => link({ "a.proto": text }).found;
  expect(foundIn(proto("", "", ""))).toHaveLength(1);
  expect(foundIn(proto("option (causeway.file_rules).lossy = true;", "", ""))).toEqual([]);
  expect(foundIn(proto("", "option (causeway.service_rules).lossy = true;", ""))).toEqual([]);
  expect(foundIn(proto("", "", "option (causeway.method_rules).lossy = true;"))).toEqual([]);
});

test("unknown_enum is asked of the field first, then of the enum, then of what is around the field", () => {
  const unknown = (message: string, type: string, field: string): unknown =>
    firstValue(
      `enum E { A = 1 } ${type} struct S { 1: optional E a ${field} } ${message}`,
      "enum E { E_UNSPECIFIED = 0; E_A = 1; } message S { optional E a = 1; }",
    );
  const [pass, error] = ['(pb.unknown_enum = "pass")', '(pb.unknown_enum = "error")'];
  expect(unknown(error, "", "")).toMatchObject({ unknown: "error" });
  expect(unknown(error, pass, "")).toMatchObject({ unknown: "pass" });
  expect(unknown(error, pass, error)).toMatchObject({ unknown: "error" });
});

test("unwrap on a Thrift file or service takes the lone structs of its methods, inherited ones by the service that declares them", () => {
  const thrift = (annotation: string): string =>
    `namespace java t ${annotation}\nstruct P { 1: optional i32 a } service Base { P get(1: P p) }`;
  const { texts } = derive({
    "a.thrift": thrift('(pb.unwrap = "true")'),
    "b.thrift": 'include "a.thrift"\nnamespace * u\nservice Top extends a.Base {}',
  });
  expect(texts["a.proto"]).toContain("rpc get(.t.P) returns (.t.P)");
  expect(texts["a.proto"]).toContain("optional int32 a = 1");
  expect(texts["b.proto"]).toContain("rpc get(.t.P) returns (.t.P)");
});

test("unwrap and time on a Protobuf file take the scalar of every wrapper and the i64 of every time", () => {
  const { texts } = derive({
    "a.proto": `${PROTO} import "google/protobuf/wrappers.proto"; import "google/protobuf/timestamp.proto";
      option (causeway.file_rules) = { unwrap: true, time: "ms" };
      message S { google.protobuf.Int32Value a = 1; google.protobuf.Timestamp b = 2; }`,
  });
  expect(texts["a.thrift"]).toContain('1: optional i32 a (pb.unwrap = "true")');
  expect(texts["a.thrift"]).toContain('2: optional i64 b (pb.time = "ms")');
});
