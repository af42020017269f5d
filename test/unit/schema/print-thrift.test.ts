import { expect, test } from "vitest";
import { printThrift } from "../../../src/schema/print-thrift.ts";
import { complaintsOf, derive, schemaOf } from "./schema-fixture.ts";

test("a derived file reads as a careful person would write it", () => {
  const { texts } = derive({
    "shop.proto": `// What a shop sells.
syntax = "proto3";

package shop.v1;

import "google/protobuf/timestamp.proto";

// Three of them.
enum Size {
  SIZE_UNSPECIFIED = 0;
  // The first.
  SIZE_SMALL = 1;
}

// A thing.
//
// It has a price.
message Item {
  // Upper case.
  string sku = 1;
  optional Size size = 2 [deprecated = true];
  google.protobuf.Timestamp since = 3;
}

service Shop {
  rpc Ping(Item) returns (Item);
  rpc Pong(Item) returns (Item);
  // Looks.
  rpc Look(Item) returns (Item) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}
`,
  });
  expect(texts["shop.thrift"]).toBe(`/** What a shop sells. */

include "timestamp.thrift"

namespace * shop.v1

/** Three of them. */
enum Size {
  SIZE_UNSPECIFIED = 0
  /** The first. */
  SIZE_SMALL = 1
}

/**
 * A thing.
 *
 * It has a price.
 */
struct Item {
  /** Upper case. */
  1: string sku (pb.requiredness = "implicit")
  2: optional Size size (deprecated = "true")
  3: optional timestamp.Timestamp since
}

service Shop {
  Item Ping(1: Item request)
  Item Pong(1: Item request)

  /** Looks. */
  Item Look(1: Item request) (idempotent = "true")
} (pb.unwrap = "true")
`);
});

test("a given file prints as one that means the same", () => {
  const text = `namespace * t
namespace java com.t
enum E { A = -1, B = 2 }
const list<E> ALL = [E.A, E.B]
const map<string, double> M = {"a'\\"\\\\\\n": 1.5, "b": -2e300}
struct S { 1: required i32 a = 5, 2: optional E e = E.B, 3: set<binary> c = ["x"], 4: bool d = true, 5: double f = 3.0 }
struct N { i32 first, i32 second }
union U { 1: S s, 2: list<map<i32, S>> t }
exception X { 1: string why = "no" } (pb.code = "ABORTED")
service Base { i64 (pb.type = "uint64") count(1: S s, 4: i32 n = 3) throws (2: X x) }
service Top extends Base { oneway void tell(1: string text) }
`;
  const given = schemaOf({ "t.thrift": text });
  const printed = given.files.map(printThrift).join("");
  expect(schemaOf({ "t.thrift": printed }).files.map(printThrift).join("")).toBe(printed);
  expect(printed).toContain("struct N {\n  i32 first\n  i32 second\n}");
  expect(printed).toContain('i64 (pb.type = "uint64") count(1: S s, 4: i32 n = 3) throws (2: X x)');
  expect(printed).toContain("const list<E> ALL = [E.A, E.B]");
  expect(printed).toContain("service Top extends Base {");
  expect(complaintsOf("thrift", { "t.thrift": printed }) ?? "").toBe("");
});

test("a method that does not fit on one line has its arguments on lines of their own", () => {
  const fields = Array.from({ length: 8 }, (_, i) => `${i + 1}: string argumentNumber${i}`);
  const given = schemaOf({ "t.thrift": `service S { void call(${fields.join(", ")}) }` });
  const printed = given.files.map(printThrift).join("");
  expect(printed).toContain(`  void call(\n${fields.map((field) => `      ${field}`).join("\n")})\n`);
  expect(complaintsOf("thrift", { "t.thrift": printed }) ?? "").toBe("");
});

test("an enum moves above the struct that has one of its values as default, as Thrift wants it", () => {
  const { texts } = derive({
    "t.proto": 'syntax = "proto2"; package t; message M { optional E e = 1 [default = B]; enum E { A = 0; B = 1; } }',
  });
  expect(texts["t.thrift"]).toMatch(/enum M_E \{[^}]*\}\n\nstruct M \{\n {2}1: optional M_E e = M_E\.B\n\}/);
  expect(complaintsOf("thrift", texts) ?? "").toBe("");
});
