import { describe, expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { MessageLink } from "../../../src/schema/link.ts";
import { LIMITS, linkText } from "./idl-link.ts";

const proto = (text: string) => ({ proto: `syntax = "proto3";\npackage test;\n${text}` });

function convert(
  link: MessageLink,
  from: Codec,
  to: Codec,
  input: string | Uint8Array,
  losses = { unknownFields: 0, duplicates: 0 },
): Buffer {
  const bytes = typeof input === "string" ? Buffer.from(input, from === "json" ? "utf8" : "hex") : input;
  return Buffer.from(compileTranscoder({ kind: "whole", link }, from, to, LIMITS)(bytes, losses));
}

/** Through JSON, Protobuf, Thrift and back: what comes out must be what is written the same way from the start. */
function around(link: MessageLink, json: string): string {
  const protobuf = convert(link, "json", "protobuf", json);
  const thrift = convert(link, "protobuf", "thrift-binary", protobuf);
  expect(convert(link, "json", "thrift-binary", json)).toEqual(thrift);
  const direct = convert(link, "protobuf", "json", protobuf).toString();
  expect(convert(link, "thrift-binary", "json", thrift).toString()).toBe(direct);
  return direct;
}

function errorOf(link: MessageLink, json: string): string {
  try {
    convert(link, "json", "protobuf", json);
  } catch (error) {
    if (error instanceof RpcError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "";
}

describe("scalars", () => {
  const link = linkText(
    "test.S",
    proto(`message S {
      optional int32 i32 = 1; optional int64 i64 = 2; optional uint64 u64 = 3; optional double d = 4; optional float f = 5;
      optional string s = 6; optional bytes b = 7; optional bool flag = 8; optional Color color = 9; }
      enum Color { COLOR_UNSPECIFIED = 0; RED = 1; GREEN = 2; }`),
  );

  test.each([
    ['{"i64":"9007199254740993"}', '{"i64":"9007199254740993"}'],
    ['{"i64":9007199254740993}', '{"i64":"9007199254740993"}'],
    [
      '{"i64":-9223372036854775808,"u64":"9223372036854775807"}',
      '{"i64":"-9223372036854775808","u64":"9223372036854775807"}',
    ],
    ['{"i32":1e3}', '{"i32":1000}'],
    ['{"i32":"12.00"}', '{"i32":12}'],
    ['{"d":0.1,"f":0.1}', '{"d":0.1,"f":0.1}'],
    ['{"d":"NaN","f":"-Infinity"}', '{"d":"NaN","f":"-Infinity"}'],
    ['{"d":-0.0}', '{"d":-0}'],
    ['{"s":"h\\u00e9 \\ud83d\\ude00 \\n"}', '{"s":"hé 😀 \\n"}'],
    ['{"b":"_-8"}', '{"b":"/+8="}'],
    ['{"flag":false,"color":"GREEN"}', '{"flag":false,"color":"GREEN"}'],
    ['{"color":2}', '{"color":"GREEN"}'],
    ['{"color":77}', '{"color":77}'],
    ['{"s":null,"i32":0}', '{"i32":0}'],
  ])("%s comes back as %s", (input, output) => {
    expect(around(link, input)).toBe(output);
  });

  test.each([
    ['{"i32":2147483648}', "INVALID_ARGUMENT: i32: 2147483648 does not fit int32, at line 1, column 8"],
    ['{"i32":1.5}', "INVALID_ARGUMENT: i32: expected an integer (int32), at line 1, column 8"],
    ['{\n  "u64": -1}', "INVALID_ARGUMENT: u64: -1 does not fit uint64, at line 2, column 10"],
    ['{"f":1e39}', "INVALID_ARGUMENT: f: 1e39 does not fit float, at line 1, column 6"],
    ['{"b":"a"}', "INVALID_ARGUMENT: b: expected base64, at line 1, column 6"],
    ['{"flag":1}', "INVALID_ARGUMENT: flag: expected true or false, at line 1, column 9"],
    [
      '{"color":"BLUE"}',
      "INVALID_ARGUMENT: color: expected a value of test.Color: COLOR_UNSPECIFIED, RED, GREEN, or a number, at line 1, column 10",
    ],
    ['{"s":"\\ud800"}', "INVALID_ARGUMENT: message: the string holds half of a surrogate pair, at line 1, column 6"],
    ['{"s":"a}', "INVALID_ARGUMENT: message: the string does not end, at line 1, column 9"],
    ['{"s":"a",}', "INVALID_ARGUMENT: message: expected a member name in double quotes, at line 1, column 10"],
    ['{"s":01}', 'INVALID_ARGUMENT: message: expected "," or "}", at line 1, column 7'],
    ["[]", "INVALID_ARGUMENT: message: expected an object, at line 1, column 1"],
    ["", "INVALID_ARGUMENT: message: the text ends where a value is expected, at line 1, column 1"],
    ['{"s":"a","s":"b"}', "INVALID_ARGUMENT: s: the field comes twice, at line 1, column 10"],
    [`${"[".repeat(100_000)}`, /nested deeper than/],
    [`{"i64":${"9".repeat(100_000)}}`, /expected an integer/],
  ])("%.30s is refused with its place", (input, message) => {
    if (typeof message === "string") expect(errorOf(link, input)).toBe(message);
    else expect(errorOf(link, input)).toMatch(message);
  });
});

describe("messages", () => {
  const link = linkText("test.M", {
    thrift: `namespace * test
      enum Color { RED = 1, GREEN = 2 }
      struct Point { 1: i32 x_axis; 2: i32 y }
      union U { 1: i32 a; 2: Point p }
      struct M { 1: map<string, i64> by_name; 2: map<i64, Point> by_id; 3: map<Point, bool> by_point; 4: list<list<i32>> grid; 5: set<Color> colors;
                 6: optional U choice; 7: uuid id; 8: map<bool, i32> flags }`,
  });

  test("names may be lowerCamelCase, or as either IDL has them", () => {
    const expected = '{"byId":{"5":{"xAxis":1}}}';
    expect(around(link, '{"byId":{"5":{"xAxis":1}}}')).toBe(expected);
    expect(around(link, '{"by_id":{"5":{"x_axis":1}}}')).toBe(expected);
  });

  test("__proto__, constructor and numbers are ordinary keys, in their order", () => {
    const json = '{"byName":{"b":"1","__proto__":"2","constructor":"3","10":"4","9":"5"}}';
    expect(around(link, json)).toBe(json);
  });

  test("maps with other keys are lists of entries; nested lists stand in their wrapper", () => {
    const json =
      '{"byPoint":[{"key":{"y":2},"value":true}],"grid":[{"items":[1,2]},{}],"colors":["COLOR_RED"],"flags":{"true":1,"false":2}}';
    expect(around(link, json)).toBe(json);
  });

  test("enum values may have either IDL's name", () => {
    expect(around(link, '{"colors":["RED","COLOR_GREEN"]}')).toBe('{"colors":["COLOR_RED","COLOR_GREEN"]}');
  });

  test("of keys that come twice the last wins and the others are counted", () => {
    const losses = { unknownFields: 0, duplicates: 0 };
    const thrift = convert(link, "json", "thrift-binary", '{"byName":{"a":1,"a":2}}', losses);
    expect(losses.duplicates).toBe(1);
    expect(convert(link, "thrift-binary", "json", thrift).toString()).toBe('{"byName":{"a":"2"}}');
  });

  test("members that the type does not have are counted", () => {
    const losses = { unknownFields: 0, duplicates: 0 };
    expect(convert(link, "json", "json", '{"nope":{"a":[1]},"choice":{"a":0}}', losses).toString()).toBe(
      '{"choice":{"a":0}}',
    );
    expect(losses.unknownFields).toBe(1);
  });

  test("two members of a union are an error", () => {
    expect(errorOf(link, '{"choice":{"a":1,"p":{}}}')).toBe(
      "INVALID_ARGUMENT: choice: at most one of a and p may be set, at line 1, column 11",
    );
  });

  test("errors name the path to the value", () => {
    expect(errorOf(link, '{"byId":{"5":{"y":"x"}}}')).toBe(
      'INVALID_ARGUMENT: byId["5"].y: expected an integer (int32), at line 1, column 19',
    );
    expect(errorOf(link, '{"grid":[{},{"items":[1,null]}]}')).toMatch(
      /^INVALID_ARGUMENT: grid\[1\]\.items\[1\]: expected an integer/,
    );
  });
});

describe("well-known types", () => {
  const link = linkText("test.W", {
    proto: `syntax = "proto3"; package test;
      import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto";
      import "google/protobuf/struct.proto"; import "google/protobuf/field_mask.proto"; import "google/protobuf/empty.proto";
      message W {
        google.protobuf.Timestamp at = 1; google.protobuf.Duration took = 2; google.protobuf.Int64Value big = 3;
        google.protobuf.StringValue text = 4; google.protobuf.Struct data = 5; google.protobuf.Value any_value = 6;
        google.protobuf.FieldMask mask = 7; google.protobuf.Empty nothing = 8; google.protobuf.ListValue list = 9;
      }`,
  });

  test.each([
    ['{"at":"2026-01-31T12:00:00Z"}', '{"at":"2026-01-31T12:00:00Z"}'],
    ['{"at":"2026-01-31T13:30:00.5+01:30"}', '{"at":"2026-01-31T12:00:00.500Z"}'],
    ['{"at":"0001-01-01T00:00:00.000000001Z"}', '{"at":"0001-01-01T00:00:00.000000001Z"}'],
    ['{"took":"-1.5s"}', '{"took":"-1.500s"}'],
    ['{"big":"5","text":""}', '{"big":"5","text":""}'],
    ['{"data":{"a":[1,null,{"b":true}]}}', '{"data":{"a":[1,null,{"b":true}]}}'],
    ['{"anyValue":null}', '{"anyValue":null}'],
    ['{"anyValue":"x","list":[1]}', '{"anyValue":"x","list":[1]}'],
    ['{"mask":"fooBar,baz.quxQuux"}', '{"mask":"fooBar,baz.quxQuux"}'],
    ['{"nothing":{}}', '{"nothing":{}}'],
  ])("%s comes back as %s", (input, output) => {
    expect(around(link, input)).toBe(output);
  });

  test.each([
    ['{"at":"2026-13-01T00:00:00Z"}', /^INVALID_ARGUMENT: at: expected a time/],
    ['{"at":"10000-01-01T00:00:00Z"}', /^INVALID_ARGUMENT: at: expected a time/],
    ['{"took":"5"}', /^INVALID_ARGUMENT: took: expected seconds/],
  ])("%s is refused", (input, message) => {
    expect(errorOf(link, input)).toMatch(message);
  });
});

describe("extensions are members by their full name in brackets", () => {
  const link = linkText("test.M", {
    proto: `syntax = "proto2"; package test;
      message M { optional int32 plain_field = 1; extensions 100 to 200; }
      extend M { optional int32 some_number = 100; repeated M parts = 101; }
      message Holder { extend M { optional string text = 102 [json_name = "T"]; } }`,
  });

  test("they are written and read so, inside of extensions too", () => {
    const json =
      '{"plainField":1,"[test.some_number]":2,"[test.parts]":[{"[test.some_number]":0}],"[test.Holder.text]":"x"}';
    expect(around(link, json)).toBe(json);
    expect(around(link, '{"some_number":7}')).toBe('{"[test.some_number]":7}');
  });

  test("an error names them so", () => {
    expect(errorOf(link, '{"[test.some_number]":"x"}')).toBe(
      "INVALID_ARGUMENT: [test.some_number]: expected an integer (int32), at line 1, column 23",
    );
  });
});

test("a printed derived file still says by which names its enum went before: readers take them beside its own", () => {
  const link = linkText("test.M", {
    proto: `syntax = "proto3"; package test; import "causeway/options.proto";
      enum Color { option (causeway.enum_rules).prefix = "COLOR_"; COLOR_RED = 0; COLOR_GREEN = 1; }
      message M { optional Color color = 1; map<string, Color> by_name = 2; }`,
  });
  expect(around(link, '{"color":"GREEN","byName":{"a":"RED","b":"COLOR_GREEN"}}')).toBe(
    '{"color":"COLOR_GREEN","byName":{"a":"COLOR_RED","b":"COLOR_GREEN"}}',
  );
  expect(errorOf(link, '{"color":"BLUE"}')).toContain("expected a value of test.Color: COLOR_RED, COLOR_GREEN");
  // Beside a number of another IDL, whose type has no names.
  const apart = linkText("test.N", {
    thrift: "namespace * test\nstruct N { 1: optional i32 color }",
    proto: `syntax = "proto3"; package test; import "causeway/options.proto";
      enum Color { option (causeway.enum_rules).prefix = "COLOR_"; COLOR_RED = 0; COLOR_GREEN = 1; }
      message N { optional Color color = 1; }`,
  });
  expect(around(apart, '{"color":"GREEN"}')).toBe('{"color":"COLOR_GREEN"}');
});
