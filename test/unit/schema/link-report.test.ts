import { expect, test } from "vitest";
import { reportLinks } from "../../../src/schema/link-report.ts";
import { link } from "./schema-fixture.ts";

const APART = {
  "a.thrift": `namespace * t
enum E { A = 1, B = 2 }
struct S { 1: required i64 id, 2: optional E e, 3: string gone }
exception X {}
service V { S get(1: i32 n) throws (4: X x) oneway void tell(1: S s) void alone() }`,
  "b.proto": `syntax = "proto3"; package t; import "causeway/options.proto";
enum E { E_UNSPECIFIED = 0; E_A = 1; E_C = 3; }
message S { uint64 number = 1 [(causeway.rules).bits = true]; E e = 2; oneof o { string more = 9; } }
message X {}
message Args { option (causeway.message_rules).args = true; int32 n = 1; }
service V { rpc Get(Args) returns (S); rpc Tell(S) returns (X); rpc Watch(S) returns (stream S); }`,
};

test("every pair of messages is reported field by field, with what has no partner", () => {
  const { messages } = reportLinks(link(APART).linked);
  expect(messages.find(({ thrift }) => thrift === "t.S")).toEqual({
    thrift: "t.S",
    protobuf: "t.S",
    derived: null,
    shape: "struct",
    fields: [
      {
        thrift: { id: 1, name: "id", presence: "required", type: "i64" },
        protobuf: { id: 1, name: "number", presence: "implicit", type: "uint64" },
        notes: ["bits"],
      },
      {
        thrift: { id: 2, name: "e", presence: "optional", type: "t.E" },
        protobuf: { id: 2, name: "e", presence: "implicit", type: "t.E" },
        notes: ["0 is not set"],
      },
      { thrift: { id: 3, name: "gone", presence: "default", type: "string" }, protobuf: null, notes: [] },
      { thrift: null, protobuf: { id: 9, name: "more", presence: "optional", type: "string in oneof o" }, notes: [] },
    ],
  });
});

test("every pair of enums is reported with the values that only one side names", () => {
  expect(reportLinks(link(APART).linked).enums).toEqual([
    {
      thrift: "t.E",
      protobuf: "t.E",
      derived: null,
      unknown: "pass",
      syntheticZero: true,
      onlyThrift: ["B"],
      onlyProtobuf: ["E_UNSPECIFIED", "E_C"],
    },
  ]);
});

test("every pair of methods is reported with what its bodies correspond to, and every other method with the reason", () => {
  const { methods, opaque } = reportLinks(link(APART).linked);
  expect(methods).toEqual([
    {
      thrift: "t.V.get",
      protobuf: "t.V.Get",
      request: { thrift: "t.V_get_args", protobuf: "t.Args" },
      response: { thrift: "t.S", protobuf: "t.S" },
      exceptions: [{ id: 4, thrift: "t.X", protobuf: "t.X" }],
      oneway: false,
    },
    expect.objectContaining({ thrift: "t.V.tell", protobuf: "t.V.Tell", oneway: true }),
  ]);
  expect(opaque).toEqual([
    { wire: "thrift", method: "t.V.alone", reason: "no partner" },
    { wire: "protobuf", method: "t.V.Watch", reason: "streaming" },
  ]);
});

test("a twin says from which side it was derived, and each kind of value how it stands", () => {
  const { linked } = link({
    "t.thrift": `namespace * t
struct S {
  1: list<i8> octets (pb.type = "bytes")
  2: i64 at (pb.time = "ms")
  3: set<list<uuid>> ids (pb.uuid_text = "true")
  4: map<string, S> all
}`,
  });
  const [message] = reportLinks(linked).messages;
  expect(message).toMatchObject({ thrift: "t.S", protobuf: "t.S", derived: "protobuf" });
  expect(message?.fields.map(({ thrift, protobuf, notes }) => [thrift?.type, protobuf?.type, notes])).toEqual([
    ["list<i8>", "bytes", ["list<i8> as bytes"]],
    ["i64", "google.protobuf.Timestamp", ["i64 counts ms"]],
    ["set<list<uuid>>", "repeated t.S.IdsList", ["set", "wrapped in t.S.IdsList", "uuid as text"]],
    ["map<string, t.S>", "map<string, t.S>", []],
  ]);
  const back = link({ "p.proto": 'syntax = "proto3"; package p; message M { repeated string a = 1; }' });
  expect(reportLinks(back.linked).messages[0]).toMatchObject({
    derived: "thrift",
    fields: [{ thrift: { type: "list<string>" }, protobuf: { type: "repeated string" } }],
  });
});
