import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { type ByteRange, explain } from "../../../src/codec/explain.ts";
import type { MessageType } from "../../../src/schema/model.ts";
import { linkText } from "./idl-link.ts";

const link = linkText("test.Order", {
  thrift: `namespace * test
    enum Color { RED = 1, GREEN = 2 }
    struct Item { 1: string sku; 2: i32 price; 3: Color color }
    struct Order { 1: i64 id; 2: list<Item> items; 3: map<string, i32> counts; 4: binary blob; 5: double real; 6: bool paid;
      7: set<i16> small; 8: uuid key; 9: i8 tiny }`,
});

function explained(codec: Codec, hex: string, type?: MessageType) {
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  const ranges: ByteRange[] = [];
  const error = explain(bytes, codec, type, 64, (range) => ranges.push(range));
  return { ranges, error, bytes };
}

/** `from-to path wire type value` of each range, and the error. */
function lines(codec: Codec, hex: string, type?: MessageType): string[] {
  const { ranges, error } = explained(codec, hex, type);
  const rows = ranges.map(({ at, end, path, wire, type: name, value }) =>
    [`${at}-${end}`, path || "-", wire, name ?? "-", value ?? "-"].join(" | "),
  );
  return error ? [...rows, `${error.at} | ${error.path || "-"} | ${error.message}`] : rows;
}

describe("with the IDL, fields have their names and types", () => {
  test("thrift-binary", () => {
    const hex = `0a0001 000000000000000c  0f0002 0c 00000001  0b0001 00000003 6d7567  080003 00000002  00
      0d0003 0b 08 00000001 00000001 61 00000001  0b0004 00000002 00ff  020006 01  00`;
    expect(lines("thrift-binary", hex, link.thrift)).toEqual([
      "0-11 | id | i64 | i64 | 12",
      "11-19 | items | list<struct> | list<test.Item> | 1 element",
      '19-29 | items[0].sku | string | string | "mug"',
      "29-36 | items[0].color | i32 | test.Color | 2 (GREEN)",
      "36-37 | items[0] | stop | - | -",
      "37-46 | counts | map<string, i32> | map<string, i32> | 1 entry",
      '46-51 | counts[0].key | string | string | "a"',
      "51-55 | counts[0].value | i32 | i32 | 1",
      "55-64 | blob | string | binary | 0x00ff",
      "64-68 | paid | bool | bool | true",
      "68-69 | - | stop | - | -",
    ]);
  });

  test("thrift-compact, where ids are deltas, bools stand in their header and doubles are little-endian", () => {
    const hex = "16 18  19 1c 18 03 6d7567 25 04 00  1b 01 85 01 61 02  27 000000000000f83f";
    expect(
      lines("thrift-compact", `${hex} 11 1a 24 02 03 1d 00112233445566778899aabbccddeeff 13 ff 00`, link.thrift),
    ).toEqual([
      "0-2 | id | i64 | i64 | 12",
      "2-4 | items | list<struct> | list<test.Item> | 1 element",
      '4-9 | items[0].sku | string | string | "mug"',
      "9-11 | items[0].color | i32 | test.Color | 2 (GREEN)",
      "11-12 | items[0] | stop | - | -",
      "12-15 | counts | map<string, i32> | map<string, i32> | 1 entry",
      '15-17 | counts[0].key | string | string | "a"',
      "17-18 | counts[0].value | i32 | i32 | 1",
      "18-27 | real | double | double | 1.5",
      "27-28 | paid | bool | bool | true",
      "28-30 | small | set<i16> | set<i16> | 2 elements",
      "30-31 | small[0] | i16 | i16 | 1",
      "31-32 | small[1] | i16 | i16 | -2",
      "32-49 | key | uuid | uuid | 00112233-4455-6677-8899-aabbccddeeff",
      "49-51 | tiny | i8 | i8 | -1",
      "51-52 | - | stop | - | -",
    ]);
  });

  test("protobuf, packed and unpacked, map entries and unknown fields", () => {
    const hex = "080c  1207 0a036d7567 1802  1a05 0a0161 1001  3a02 0102  3805";
    expect(lines("protobuf", `${hex} a20603 610a62`, link.protobuf)).toEqual([
      "0-2 | id | varint | int64 | 12",
      "2-4 | items[0] | length-delimited | test.Item | message of 7 bytes",
      '4-9 | items[0].sku | length-delimited | string | "mug"',
      "9-11 | items[0].color | varint | test.Color | 2 (COLOR_GREEN)",
      "11-13 | counts[0] | length-delimited | map<string, int32> | message of 5 bytes",
      '13-16 | counts[0].key | length-delimited | string | "a"',
      "16-18 | counts[0].value | varint | int32 | 1",
      "18-20 | small | length-delimited | list<int32> | packed, 2 bytes",
      "20-21 | small[0] | varint | int32 | 1",
      "21-22 | small[1] | varint | int32 | 2",
      "22-24 | small[1] | varint | int32 | 5",
      '24-30 | 100 | length-delimited | - | "a\\nb"',
    ]);
  });

  test("a field with another type on the wire is shown as what it is", () => {
    expect(lines("protobuf", "0a0161", link.protobuf)).toEqual([
      '0-3 | id | length-delimited | int64, which has another wire type | "a"',
    ]);
    expect(lines("thrift-binary", "0b0001 00000001 61 00", link.thrift)[0]).toBe(
      '0-8 | id | string | i64, which has another type | "a"',
    );
  });
});

describe("without the IDL", () => {
  test("Protobuf's nested messages, texts and blobs are told by how they look", () => {
    expect(
      lines(
        "protobuf",
        "0a07 0a036d7567 1002  0a01 00  1205 68656c6c6f  19 000000000000f83f  25 0000c03f  28 ffffffffffffffffff01",
      ),
    ).toEqual([
      "0-2 | 1[0] | length-delimited | - | message of 7 bytes",
      '2-7 | 1[0].1 | length-delimited | - | "mug"',
      "7-9 | 1[0].2 | varint | - | 2",
      "9-12 | 1[1] | length-delimited | - | 0x00",
      '12-19 | 2 | length-delimited | - | "hello"',
      "19-28 | 3 | fixed64 | - | 4609434218613702656 (or double 1.5)",
      "28-33 | 4 | fixed32 | - | 1069547520 (or float 1.5)",
      "33-44 | 5 | varint | - | 18446744073709551615 (or -1)",
    ]);
  });

  test("groups nest by their tags", () => {
    expect(lines("protobuf", "0b 0801 13 14 0c 1001")).toEqual([
      "0-1 | 1 | group | - | group",
      "1-3 | 1.1 | varint | - | 1",
      "3-4 | 1.2 | group | - | group",
      "4-5 | 1.2 | end group | - | -",
      "5-6 | 1 | end group | - | -",
      "6-8 | 2 | varint | - | 1",
    ]);
  });

  test("Thrift says its own types", () => {
    expect(lines("thrift-compact", "15 04 1c 18 0161 00 00")).toEqual([
      "0-2 | 1 | i32 | - | 2",
      "2-3 | 2 | struct | - | struct",
      '3-6 | 2.1 | string | - | "a"',
      "6-7 | 2 | stop | - | -",
      "7-8 | - | stop | - | -",
    ]);
  });
});

test.each<[Codec, string, string]>([
  ["protobuf", "080c 1205 0a016110", "3 | items[0] | the length 5 is more than what is left, 4 bytes"],
  ["protobuf", "08ff", "2 | id | expected another byte of a value, a varint that began at 1"],
  ["protobuf", "0000", "0 | - | expected a field number from 1 to 536870911, got 0"],
  ["protobuf", "0f00", "0 | - | expected a wire type from 0 to 5, got 7"],
  ["protobuf", "0c", "0 | - | expected a field, but there the group 1 ends, which is not open"],
  ["protobuf", "290000", "1 | real | expected 8 bytes of a fixed64, and there are 2 left"],
  ["thrift-binary", "0a000100", "3 | id | expected 8 bytes of an i64, and there is 1 left"],
  ["thrift-binary", "", "0 | - | expected 1 byte of a field's type or the end of the struct, and there are none left"],
  ["thrift-binary", "050001", "0 | - | expected a field's type, got 5"],
  ["thrift-binary", "0f00020c7fffffff", "4 | items | 2147483647 elements cannot stand in what is left, 0 bytes"],
  ["thrift-binary", "0b0004ffffffff00", "3 | blob | the length -1 is more than what is left, 1 byte"],
  ["thrift-binary", "0001", "1 | - | expected the end of the message, got 1 more byte"],
  ["thrift-compact", "1f", "0 | - | expected a field's type, got 15"],
  ["thrift-compact", "19fc7f", "1 | id | 127 elements cannot stand in what is left, 0 bytes"],
])("malformed %s %s is explained up to the byte that is wrong", (codec, hex, expected) => {
  const type = codec === "protobuf" ? link.protobuf : link.thrift;
  const found = lines(codec, hex, type);
  expect(found.at(-1)).toBe(expected);
});

test("nesting is bounded", () => {
  const deep = "0c0001".repeat(100);
  expect(lines("thrift-binary", deep).at(-1)).toContain("nested deeper than 64");
  expect(lines("protobuf", "0b".repeat(100)).at(-1)).toContain("nested deeper than 64");
  expect(lines("thrift-compact", "1919".repeat(100)).at(-1)).toContain("nested deeper than 64");
});

describe("JSON text is explained by where its members and elements begin", () => {
  const explainText = (codec: Codec, text: string, type?: MessageType) =>
    lines(codec, Buffer.from(text).toString("hex"), type);

  test("json, by the names of the Protobuf side", () => {
    const text = '\ufeff {"id":"12","items":[{"sku":"hé","color":2},{}],"counts":{"a":1},"nope":null}\n';
    expect(explainText("json", text, link.protobuf)).toEqual([
      "0-5 | - | object | test.Order | 4 members",
      '5-15 | id | string | int64 | "12"',
      "15-24 | items | array | list<test.Item> | 2 elements",
      "24-25 | items[0] | object | test.Item | 2 members",
      '25-37 | items[0].sku | string | string | "hé"',
      "37-48 | items[0].color | number | test.Color | 2",
      "48-52 | items[1] | object | test.Item | 0 members",
      "52-62 | counts | object | map<string, int32> | 1 member",
      '62-69 | counts["a"] | number | int32 | 1',
      "69-82 | nope | null | - | null",
    ]);
  });

  test("thrift-json, which says ids and types itself", () => {
    const text =
      '{"1":{"i64":12},"2":{"lst":["rec",1,{"1":{"str":"é"}}]},"3":{"map":["str","i32",1,{"a":1}]},"6":{"tf":1}}';
    const rows = explainText("thrift-json", text);
    expect(rows).toEqual([
      "0-1 | - | rec | - | 4 members",
      "1-16 | 1 | i64 | - | 12",
      "16-36 | 2 | lst<rec> | - | 1 element",
      "36-37 | 2[0] | rec | - | 1 member",
      '37-57 | 2[0].1 | str | - | "é"',
      "57-84 | 3 | map<str, i32> | - | 1 entry",
      '84-88 | 3[0].key | str | - | "a"',
      "88-93 | 3[0].value | i32 | - | 1",
      "93-106 | 6 | tf | - | 1",
    ]);
    expect(explainText("thrift-json", text, link.thrift)[4]).toBe('37-57 | items[0].sku | str | string | "é"');
  });

  test.each<[Codec, string, string]>([
    ["json", '{"id":}', "6 | - | expected a JSON value"],
    ["json", '{"é":1,}', "8 | - | expected a member name in double quotes"],
    ["thrift-json", "[]", '0 | - | expected an object of fields by id, as in {"1":{"i32":5}}'],
    ["thrift-json", '{"1":{"i32":5},"x":{"i32":5}}', '19 | x | expected the id of a field instead of "x"'],
    ["thrift-json", '{"1":5}', '5 | id | expected the type and the value of a field, as in {"i32":5}'],
    [
      "thrift-json",
      '{"1":{"int":5}}',
      "6 | id | expected a type: tf, i8, i16, i32, i64, dbl, str, rec, map, lst, set, uid",
    ],
    ["thrift-json", '{"2":{"lst":5}}', '12 | items | expected the type, the size and the elements, as in ["i32",1,5]'],
  ])("malformed %s %s is explained up to the byte that is wrong", (codec, text, expected) => {
    expect(explainText(codec, text, codec === "json" ? link.protobuf : link.thrift).at(-1)).toBe(expected);
  });

  test("bytes that are no text are told to be none", () => {
    expect(lines("json", "ff")).toEqual(["0 | - | expected JSON, and this is not UTF-8"]);
  });
});

describe("a MessageSet is explained by its items, each of the extension that its number names", () => {
  const proto = `syntax = "proto2"; package test;
    message Set { option message_set_wire_format = true; extensions 4 to max; }
    message Holder { optional Set set = 1; optional int32 a = 2; }
    message Extra { extend Set { optional Extra extra = 1545008; } optional int32 i = 15; }`;
  const holder = linkText("test.Holder", { proto }).protobuf;

  test("with the IDL", () => {
    // The number may come before the message or after it, and may be of no known extension.
    const items = "0b 10b0a65e 1a02780c 0c  0b 1a02780c 10b0a65e 0c  0b 1005 1a021801 0c";
    expect(lines("protobuf", `0a1c ${items} 1001`, holder)).toEqual([
      "0-2 | set | length-delimited | test.Set | message of 28 bytes",
      "2-3 | set.item[0] | group | - | group",
      "3-7 | set.item[0].type_id | varint | uint32 | 1545008",
      "7-9 | set.item[0].message | length-delimited | test.Extra | message of 2 bytes",
      "9-11 | set.item[0].message.i | varint | int32 | 12",
      "11-12 | set.item[0] | end group | - | -",
      "12-13 | set.item[1] | group | - | group",
      "13-15 | set.item[1].message | length-delimited | test.Extra | message of 2 bytes",
      "15-17 | set.item[1].message.i | varint | int32 | 12",
      "17-21 | set.item[1].type_id | varint | uint32 | 1545008",
      "21-22 | set.item[1] | end group | - | -",
      "22-23 | set.item[2] | group | - | group",
      "23-25 | set.item[2].type_id | varint | uint32 | 5",
      "25-27 | set.item[2].message | length-delimited | - | message of 2 bytes",
      "27-29 | set.item[2].message.3 | varint | - | 1",
      "29-30 | set.item[2] | end group | - | -",
      "30-32 | a | varint | int32 | 1",
    ]);
  });
});

const codecs = ["thrift-binary", "thrift-compact", "protobuf"] as const;

test.each(codecs)(
  "the ranges of any bytes as %s follow each other without gaps, up to the error or the end",
  (codec) => {
    const type = codec === "protobuf" ? link.protobuf : link.thrift;
    const byte = fc.oneof(fc.constantFrom(0, 1, 2, 8, 10, 11, 12, 13, 15, 18, 25, 26), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), fc.boolean(), (values, known) => {
        const bytes = Uint8Array.from(values);
        let end = 0;
        const error = explain(bytes, codec, known ? type : undefined, 64, (range) => {
          expect(range.at).toBe(end);
          expect(range.end).toBeGreaterThan(range.at);
          end = range.end;
        });
        if (error) expect(error.at).toBeGreaterThanOrEqual(end);
        else expect(end).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    );
  },
);
