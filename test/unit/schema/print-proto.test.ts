import { expect, test } from "vitest";
import { printProto } from "../../../src/schema/print-proto.ts";
import { complaintsOf, derive, schemaOf } from "./schema-fixture.ts";

const THRIFT = `/** What a shop sells. */
namespace * shop

/** Three of them. */
enum Size {
  SMALL
  /** Not too large. */
  MEDIUM
}

const i32 LIMIT = 20

/**
 * A thing.
 *
 * It has a price.
 */
struct Item {
  /** Upper case. */
  1: required string sku
  2: optional Size size = Size.MEDIUM (deprecated = "true")
  3: map<string, list<i32>> stock
}

service Shop {
  void ping()
  void pong()

  /** Finds an item, and says so at a length that does not fit on one line. */
  Item findTheItemWithALongName(1: string skuOfTheItem)
}
`;

test("a derived file reads as a careful person would write it", () => {
  expect(derive({ "shop.thrift": THRIFT }).texts["shop.proto"]).toBe(`// What a shop sells.

syntax = "proto3";

package shop;

import "causeway/options.proto";

// Three of them.
enum Size {
  option (causeway.enum_rules).prefix = "SIZE_";

  SIZE_SMALL = 0;
  // Not too large.
  SIZE_MEDIUM = 1;
}

// const i32 LIMIT = 20

// A thing.
//
// It has a price.
message Item {
  message StockList {
    option (causeway.message_rules).wrap = true;

    repeated int32 items = 1;
  }

  // Upper case.
  optional string sku = 1 [(causeway.rules).requiredness = "required"];
  optional .shop.Size size = 2 [deprecated = true, (causeway.rules).default = "1"];
  map<string, .shop.Item.StockList> stock = 3;
}

service Shop {
  rpc ping(.shop.Shop_ping_args) returns (.shop.Shop_ping_result);
  rpc pong(.shop.Shop_pong_args) returns (.shop.Shop_pong_result);

  // Finds an item, and says so at a length that does not fit on one line.
  rpc findTheItemWithALongName(.shop.Shop_findTheItemWithALongName_args)
      returns (.shop.Shop_findTheItemWithALongName_result);
}

message Shop_ping_args {
  option (causeway.message_rules).args = true;
}

message Shop_ping_result {
  option (causeway.message_rules).args = true;
}

message Shop_pong_args {
  option (causeway.message_rules).args = true;
}

message Shop_pong_result {
  option (causeway.message_rules).args = true;
}

message Shop_findTheItemWithALongName_args {
  option (causeway.message_rules).args = true;

  optional string skuOfTheItem = 1;
}

message Shop_findTheItemWithALongName_result {
  option (causeway.message_rules).args = true;

  .shop.Item success = 1 [(causeway.rules).field = 0];
}
`);
});

test("names that are words of the language are accepted by protoc", (context) => {
  const complaints = complaintsOf(
    "protoc",
    derive({
      "t.thrift": `namespace * t
      enum option { reserved = 0, option = 1, message = 2 }
      struct message { 1: i32 option, 2: string reserved, 3: optional string group, 4: list<message> message,
        5: map<string, i32> rpc, 6: i32 extensions, 7: i32 oneof, 8: i32 returns, 9: i32 syntax, 10: option stream }
      union oneof_ { 1: i32 group, 2: string reserved, 3: list<i32> option }
      service rpc { message stream(1: message option) void rpc() void returns() void option() }`,
    }).texts,
  );
  if (complaints === undefined) context.skip("needs protoc: npm run setup");
  expect(complaints).toBe("");
});

test("names that protoc takes for the same are told apart", (context) => {
  const complaints = complaintsOf(
    "protoc",
    derive({
      "t.thrift": `namespace * t
      enum E { RED = 1, Red = 2, R_ED = 3 }
      enum A_B { C = 1 } enum A { B_C = 1, UNSPECIFIED = 2 }
      struct S { 1: i32 foobar, 2: i32 fooBar, 3: i32 foo_bar, 4: map<i32, i32> Name, 5: map<double, i32> other, 6: i32 OtherEntry,
        7: list<list<i32>> grid, 8: i32 GridList }`,
    }).texts,
  );
  if (complaints === undefined) context.skip("needs protoc: npm run setup");
  expect(complaints).toBe("");
});

test("text in options and comments survives whatever it contains", () => {
  const given = 'struct S {\n  /** Says */ 1: optional string a = "q\\"b\\\\s\\nn\\té"\n}';
  const { texts } = derive({ "t.thrift": given });
  const again = schemaOf(texts).messages.get("t.S")?.[0];
  expect(again?.fields[0]?.rules.default).toBe('q"b\\s\nn\té');
  expect(complaintsOf("protoc", texts) ?? "").toBe("");
});

test.each([
  [
    "proto2",
    'message M { required int32 a = 1; optional string b = 2 [default = "x\\n"]; repeated int32 c = 3 [packed = true]; optional E e = 4 [default = B]; optional bytes d = 5 [default = "\\001\\377"]; optional double f = 6 [default = -inf]; } enum E { A = 0; B = 1; }',
  ],
  [
    "proto3",
    "message M { int32 a = 1; optional string b = 2; repeated int32 c = 3 [packed = false]; oneof o { int32 d = 4; M e = 5; } map<string, M> f = 6; message N { E e = 1; enum E { Z = 0; } } N n = 7; }",
  ],
])("a given %s file prints as one that means the same", (syntax, body) => {
  const text = `syntax = "${syntax}"; package t; ${body}
    service S { rpc A(stream M) returns (M); rpc B(M) returns (stream M) { option idempotency_level = NO_SIDE_EFFECTS; } }`;
  const given = schemaOf({ "t.proto": text });
  const printed = given.files.map(printProto).join("");
  const again = schemaOf({ "t.proto": printed });
  expect(again.files.map(printProto).join("")).toBe(printed);
  const listed = (schema: typeof given): unknown =>
    schema.messages.get("t.M")?.[0]?.fields.map(({ id, presence, defaultValue, oneof, type }) => ({
      id,
      presence,
      defaultValue,
      oneof,
      packed: type.kind === "list" && type.packed,
    }));
  expect(listed(again)).toEqual(listed(given));
  expect(complaintsOf("protoc", { "t.proto": printed }) ?? "").toBe("");
});
