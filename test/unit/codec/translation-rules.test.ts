// Each rule of docs/translation.md that shows in bytes, by its name and in its order, through the engine and the interpreter.
// Rules that show in a derived file or in a report stand in the tests of the schema.
import { describe, expect, test } from "vitest";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { MessageLink } from "../../../src/schema/link.ts";
import { ascii, bothTexts, LIMITS, linkText, translate, translateError } from "./idl-link.ts";

const T = "thrift-binary";
const C = "thrift-compact";
const P = "protobuf";
const plain = (hex: string): string => hex.replaceAll(/\s/g, "");

/** A link of two IDLs that were written apart: `thrift` and `proto` are what stands in the struct and message M. */
function apart(thrift: string, proto: string, around = { thrift: "", proto: "" }): MessageLink {
  const { thrift: t, proto: p } = bothTexts(
    `${around.thrift}\nstruct M { ${thrift} }`,
    `${around.proto}\nmessage M { ${proto} }`,
  );
  return linkText("test.M", { thrift: t, proto: p });
}

const fromThrift = (thrift: string, around = ""): MessageLink =>
  linkText("test.M", { thrift: `namespace * test\n${around}\nstruct M { ${thrift} }` });

const fromProto = (proto: string, around = "", syntax = "proto3"): MessageLink =>
  linkText("test.M", { proto: `syntax = "${syntax}"; package test;\n${around}\nmessage M { ${proto} }` });

const toProtobuf = (link: MessageLink, hex: string): string => translate(link, T, P, hex).hex;
const toThrift = (link: MessageLink, hex: string): string => translate(link, P, T, hex).hex;

/** The two are each other's translation, in either encoding of Thrift. */
function expectBoth(link: MessageLink, thrift: string, protobuf: string): void {
  expect(toProtobuf(link, thrift)).toBe(plain(protobuf));
  expect(toThrift(link, protobuf)).toBe(plain(thrift));
  const compact = translate(link, T, C, thrift).hex;
  expect(translate(link, C, P, compact).hex).toBe(plain(protobuf));
  expect(translate(link, P, C, protobuf).hex).toBe(compact);
}

describe("scalars", () => {
  test("bool: true is 1, and any varint but zero is true", () => {
    const link = fromThrift("1: optional bool a");
    expectBoth(link, "020001 01 00", "0801");
    expect(toThrift(link, "0802")).toBe(plain("020001 01 00"));
    expect(toThrift(link, "0880808080 808080808001")).toBe(plain("020001 01 00"));
    expect(toThrift(link, "088000")).toBe(plain("020001 00 00"));
  });

  test("i8 and i16 are sign-extended, and an int32 out of their range is an error, never wrapped", () => {
    const link = fromThrift("1: optional i8 a, 2: optional i16 b");
    expectBoth(link, "030001 80 060002 8000 00", "08 80ffffffffffffffff01 10 8080feffffffffffff01");
    expect(translateError(link, P, T, "08 fffeffffffffffffff01")).toContain("does not fit i8");
    expect(translateError(link, P, T, "10 808002")).toBe("b: 32768 does not fit i16, at byte 1");
  });

  test.each([
    ["i32", "int32", "08", "ffffffff", "ffffffffffffffffff01"],
    ["i32", "sint32", "08", "80000000", "ffffffff0f"],
    ["i32", "sfixed32", "0d", "80000001", "01000080"],
    ["i64", "int64", "08", "8000000000000000", "80808080808080808001"],
    ["i64", "sint64", "08", "8000000000000000", "ffffffffffffffffff01"],
    ["i64", "sfixed64", "09", "0020000000000001", "0100000000002000"],
  ])("%s beside %s is exact", (thrift, proto, key, value, encoded) => {
    const type = thrift === "i32" ? "08" : "0a";
    expectBoth(apart(`1: optional ${thrift} a`, `optional ${proto} a = 1;`), `${type}0001 ${value} 00`, key + encoded);
  });

  test.each(["uint32", "fixed32"])("i64 beside %s: outside 0 to 2^32-1 is an error", (proto) => {
    const link = apart("1: optional i64 a", `optional ${proto} a = 1;`);
    expect(toThrift(link, toProtobuf(link, "0a0001 00000000ffffffff 00"))).toBe("0a000100000000ffffffff00");
    expect(translateError(link, T, P, "0a0001 0000000100000000 00")).toContain(`a: 4294967296 does not fit ${proto}`);
    expect(translateError(link, T, P, "0a0001 ffffffffffffffff 00")).toContain(`a: -1 does not fit ${proto}`);
  });

  test("i32 beside uint32: negative is an error, and so is what is above 2^31-1", () => {
    const link = apart("1: optional i32 a", "optional uint32 a = 1;");
    expectBoth(link, "080001 7fffffff 00", "08 ffffffff07");
    expect(translateError(link, T, P, "080001 ffffffff 00")).toContain("a: -1 does not fit uint32");
    expect(translateError(link, P, T, "08 8080808008")).toContain("a: 2147483648 does not fit i32");
  });

  test.each([
    ["uint64", "08 ffffffffffffffffff01"],
    ["fixed64", "09 ffffffffffffffff"],
  ])(
    "i64 beside %s: negative is an error, and so is what is above 2^63-1, unless bits keeps the 64 bits",
    (proto, highest) => {
      const link = apart("1: optional i64 a", `optional ${proto} a = 1;`);
      expect(translateError(link, T, P, "0a0001 ffffffffffffffff 00")).toContain(`a: -1 does not fit ${proto}`);
      expect(translateError(link, P, T, highest)).toContain("a: 18446744073709551615 does not fit i64");
      const bits = apart('1: optional i64 a (pb.bits = "true")', `optional ${proto} a = 1;`);
      expectBoth(bits, "0a0001 ffffffffffffffff 00", highest);
    },
  );

  test("double beside double: the 8 bytes, with the payload of a NaN and the sign of zero", () => {
    const link = fromThrift("1: optional double a");
    for (const bits of ["7ff8000000000123", "fff4000000000001", "8000000000000000"]) {
      const little = Buffer.from(bits, "hex").reverse().toString("hex");
      expectBoth(link, `040001 ${bits} 00`, `09 ${little}`);
      expect(translate(link, C, P, `17 ${little} 00`).hex).toBe(`09${little}`);
    }
  });

  test("double beside float: rounds to the nearest, overflow is an error, and exact makes every rounding one", () => {
    const link = apart("1: optional double a", "optional float a = 1;");
    expect(toProtobuf(link, "040001 3fb999999999999a 00")).toBe(plain("0d cdcccc3d"));
    expect(toThrift(link, "0d 0000c03f")).toBe(plain("040001 3ff8000000000000 00"));
    expect(translateError(link, T, P, "040001 47f0000000000000 00")).toMatch(/^a: .*float/);
    // Infinity itself is no overflow.
    expectBoth(link, "040001 7ff0000000000000 00", "0d 0000807f");
    const exact = apart('1: optional double a (pb.exact = "true")', "optional float a = 1;");
    expect(translateError(exact, T, P, "040001 3fb999999999999a 00")).toMatch(/^a: /);
    expectBoth(exact, "040001 3ff8000000000000 00", "0d 0000c03f");
  });

  test("string: invalid UTF-8 is an error both ways, never U+FFFD, also of proto2", () => {
    const link = fromThrift("1: optional string a");
    expectBoth(link, `0b0001 00000003 ${ascii("é!")} 00`, `0a 03 ${ascii("é!")}`);
    const old = fromProto("optional string a = 1;", "", "proto2");
    for (const each of [link, old]) {
      expect(translateError(each, T, P, "0b0001 00000001 ff 00")).toContain("a: the text is not valid UTF-8");
      expect(translateError(each, P, T, "0a 01 ff")).toContain("a: the text is not valid UTF-8");
    }
  });

  test("binary beside bytes is copied", () => {
    expectBoth(fromThrift("1: optional binary a"), "0b0001 00000002 ff00 00", "0a 02 ff00");
  });

  test("string beside bytes, and binary beside string, have the same bytes; whatever goes into a string is checked", () => {
    const text = apart("1: optional string a", "optional bytes a = 1;");
    expect(toProtobuf(text, "0b0001 00000001 ff 00")).toBe("0a01ff");
    expect(translateError(text, P, T, "0a 01 ff")).toContain("not valid UTF-8");
    const binary = apart("1: optional binary a", "optional string a = 1;");
    expect(translateError(binary, T, P, "0b0001 00000001 ff 00")).toContain("not valid UTF-8");
    expect(toThrift(binary, "0a 01 ff")).toBe("0b000100000001ff00");
  });

  test("uuid: 16 bytes in network order, another length is an error, and uuid_text has canonical text", () => {
    const id = "00112233445566778899aabbccddeeff";
    expectBoth(fromThrift("1: optional uuid a"), `100001 ${id} 00`, `0a 10 ${id}`);
    expect(translateError(fromThrift("1: optional uuid a"), P, T, "0a 01 00")).toMatch(
      /^a: expected a UUID, got 1 bytes/,
    );
    const text = fromThrift('1: optional uuid a (pb.uuid_text = "true")');
    expectBoth(text, `100001 ${id} 00`, `0a 24 ${ascii("00112233-4455-6677-8899-aabbccddeeff")}`);
    expect(translateError(text, P, T, "0a 01 61")).toMatch(/^a: /);
  });

  test("enum: the number passes, unknown ones too, unless unknown_enum refuses them", () => {
    const around = "enum E { ZERO = 0, ONE = 1 }";
    expectBoth(fromThrift("1: optional E a", around), "080001 00000063 00", "08 63");
    const strict = fromThrift('1: optional E a (pb.unknown_enum = "error")', around);
    expectBoth(strict, "080001 00000001 00", "08 01");
    expect(translateError(strict, T, P, "080001 00000063 00")).toMatch(/^a: .*99/);
    expect(translateError(strict, P, T, "08 63")).toMatch(/^a: .*99/);
  });
});

describe("containers", () => {
  test("a list of numbers is packed as the .proto says, and read packed, unpacked and mixed", () => {
    const thrift = "0f0001 08 00000003 00000001 00000002 00000003 00";
    const packed = fromThrift("1: list<i32> a");
    expectBoth(packed, thrift, "0a 03 010203");
    expect(toThrift(packed, "08 01 0a 01 02 08 03")).toBe(plain(thrift));
    const unpacked = apart("1: list<i32> a", "repeated int32 a = 1 [packed = false];");
    expectBoth(unpacked, thrift, "0801 0802 0803");
    expect(toThrift(unpacked, "0a 03 010203")).toBe(plain(thrift));
  });

  test("elements of messages and strings that stand between other fields are gathered in their order", () => {
    const link = fromThrift("1: list<string> a, 2: list<In> b, 3: i32 c", "struct In { 1: optional i32 i }");
    expect(toThrift(link, "0a0161 12020801 1803 0a0162 12020802")).toBe(
      plain(`0f0001 0b 00000002 00000001 61 00000001 62
        0f0002 0c 00000002 080001 00000001 00 080001 00000002 00  080003 00000003 00`),
    );
  });

  test("list<i8> is repeated int32, and bytes by the rule type", () => {
    expectBoth(fromThrift("1: list<i8> a"), "0f0001 03 00000002 01ff 00", "0a 0b 01 ffffffffffffffffff01");
    expectBoth(fromThrift('1: list<i8> a (pb.type = "bytes")'), "0f0001 03 00000002 01ff 00", "0a 02 01ff");
  });

  test("an empty list or map may name any element type", () => {
    const link = fromThrift("1: list<i32> a, 2: map<string, i32> b");
    expect(translate(link, T, P, "0f0001 0c 00000000 0d0002 0000 00000000 00")).toEqual({
      hex: "",
      losses: { unknownFields: 0, duplicates: 0 },
    });
  });

  test("towards a Thrift set, scalars and strings that repeat are dropped after the first, and counted", () => {
    const link = fromThrift("1: set<i32> a, 2: set<string> b");
    expect(translate(link, P, T, "0a 04 05060505 12 0161 12 0161")).toEqual({
      hex: plain("0e0001 08 00000002 00000005 00000006 0e0002 0b 00000001 00000001 61 00"),
      losses: { unknownFields: 0, duplicates: 3 },
    });
  });

  test("towards Thrift the last of equal map keys wins and the others are counted; an absent key or value is its zero", () => {
    const link = fromThrift("1: map<string, i32> a");
    expect(translate(link, P, T, "0a 05 0a0161 1001 0a 05 0a0161 1002 0a 00 0a 03 0a0162")).toEqual({
      hex: plain("0d0001 0b08 00000003 00000001 61 00000002 00000000 00000000 00000001 62 00000000 00"),
      losses: { unknownFields: 0, duplicates: 1 },
    });
  });

  test("towards Protobuf equal map keys pass as they came: its readers take the last", () => {
    const link = fromThrift("1: map<string, i32> a");
    const thrift = "0d0001 0b08 00000002 00000001 61 00000001 00000001 61 00000002 00";
    expect(toProtobuf(link, thrift)).toBe(plain("0a 05 0a0161 1001 0a 05 0a0161 1002"));
    expect(toThrift(link, toProtobuf(link, thrift))).toBe(plain("0d0001 0b08 00000001 00000001 61 00000002 00"));
  });

  test("the parts of a map's entry come in any order, repeat and have unknown ones among them", () => {
    const link = fromThrift("1: map<string, i32> a");
    expect(translate(link, P, T, "0a 0c 1001 1801 0a0162 1002 0a0161")).toEqual({
      hex: plain("0d0001 0b08 00000001 00000001 61 00000002 00"),
      losses: { unknownFields: 1, duplicates: 0 },
    });
  });

  test("a map with an enum as key is a map<int32, V>, with the same bytes", () => {
    const link = fromThrift("1: map<E, bool> a", "enum E { ZERO = 0, ONE = 1 }");
    expectBoth(link, "0d0001 0802 00000001 00000001 01 00", "0a 04 0801 1001");
  });

  test("a map with another key is repeated entries of key = 1 and value = 2", () => {
    const link = fromThrift("1: map<In, i32> a", "struct In { 1: optional i32 i }");
    expectBoth(link, "0d0001 0c08 00000001 080001 00000007 00 00000002 00", "0a 06 0a 02 0807 1002");
    const double = fromThrift("1: map<double, string> a");
    expectBoth(double, "0d0001 040b 00000001 3ff8000000000000 00000001 61 00", "0a 0c 09 000000000000f83f 12 0161");
  });

  test("a container in a container or in a union stands in a wrapper message, which costs a level of nesting", () => {
    const link = fromThrift(
      "1: list<list<i32>> a, 2: map<string, list<i32>> b, 3: optional U u",
      "union U { 1: list<i32> l }",
    );
    const thrift = `0f0001 0f 00000002 08 00000001 00000001 08 00000000
      0d0002 0b0f 00000001 00000001 61 08 00000001 00000002  0c0003 0f0001 08 00000000 00 00`;
    expectBoth(link, thrift, "0a 03 0a 01 01 0a 00  12 08 0a0161 12 03 0a 01 02  1a 02 0a 00");
    const limits = { maxBytes: 1000, maxDepth: 2, maxElements: 100 };
    expect(translateError(link, T, P, "0f0001 0f 00000001 08 00000001 00000001 00", limits)).toContain(
      "nested deeper than 2",
    );
  });

  test("absent and empty merge: required and unmarked containers arrive empty, optional ones absent, and presence keeps them apart", () => {
    const link = fromThrift("1: required list<i32> a, 2: map<i32, i32> b, 3: optional list<i32> c");
    expect(toThrift(link, "")).toBe(plain("0f0001 08 00000000 0d0002 0808 00000000 00"));
    expect(toProtobuf(link, "0f0001 08 00000000 0f0003 08 00000000 00")).toBe("");
    const kept = fromThrift('1: optional list<i32> a (pb.presence = "true")');
    expectBoth(kept, "0f0001 08 00000000 00", "0a 00");
    expectBoth(kept, "00", "");
  });
});

describe("enums", () => {
  const around = "enum E { ONE = 1 }";

  test("a synthetic zero at Thrift: the field is omitted where it may be, else it is an error", () => {
    expect(toThrift(fromThrift("1: optional E a", around), "08 00")).toBe("00");
    expect(toThrift(fromThrift("1: E a", around), "08 00")).toBe("00");
    expect(translateError(fromThrift("1: required E a", around), P, T, "08 00")).toMatch(/^a: .*unspecified/);
    expect(translateError(fromThrift("1: list<E> a", around), P, T, "0a 01 00")).toMatch(/^a\[0\]: .*unspecified/);
  });

  test("a hand-written FOO_UNSPECIFIED = 0 without a Thrift value of 0 is the synthetic zero", () => {
    const proto = (zero: string) => ({ thrift: around, proto: `enum E { ${zero} = 0; E_ONE = 1; }` });
    expect(toThrift(apart("1: optional E a", "optional E a = 1;", proto("E_UNSPECIFIED")), "08 00")).toBe("00");
    expect(toThrift(apart("1: optional E a", "optional E a = 1;", proto("E_NONE")), "08 00")).toBe(
      plain("080001 00000000 00"),
    );
  });
});

describe("presence, as the table has it", () => {
  test.each(["optional", ""])("%s beside a field with presence: absent is absent, and zero is kept", (word) => {
    const link = apart(`1: ${word} i32 a`, "optional int32 a = 1;");
    expectBoth(link, "00", "");
    expectBoth(link, "080001 00000000 00", "0800");
  });

  test("default beside implicit: absent or zero is not written, and towards Thrift zero always is", () => {
    const link = apart("1: i32 a", "int32 a = 1;");
    expect(toProtobuf(link, "00")).toBe("");
    expect(toProtobuf(link, "080001 00000000 00")).toBe("");
    expect(toThrift(link, "")).toBe(plain("080001 00000000 00"));
  });

  test("default with an IDL default of 7 beside implicit: absent sends 7, and absent in Protobuf is an explicit 0", () => {
    const link = apart("1: i32 a = 7", "int32 a = 1;");
    expect(toProtobuf(link, "00")).toBe("0807");
    expect(toProtobuf(link, "080001 00000000 00")).toBe("");
    expect(toThrift(link, "")).toBe(plain("080001 00000000 00"));
  });

  test("required beside a field with presence: absent is an error with its path on both sides", () => {
    const link = apart("1: required i32 a", "optional int32 a = 1;");
    expect(translateError(link, T, P, "00")).toContain("a: missing, but required");
    expect(translateError(link, P, T, "")).toContain("a: missing, but required");
  });

  test("required beside implicit: missing is an error towards Protobuf, zero is written towards Thrift", () => {
    const link = apart("1: required i32 a", "int32 a = 1;");
    expect(translateError(link, T, P, "00")).toContain("a: missing, but required");
    expect(toThrift(link, "")).toBe(plain("080001 00000000 00"));
  });

  test("optional beside implicit: zero is absent, but written where the Thrift default is not zero", () => {
    const link = apart("1: optional i32 a", "int32 a = 1;");
    expect(toProtobuf(link, "080001 00000000 00")).toBe("");
    expect(toThrift(link, "")).toBe("00");
    expect(toThrift(apart("1: optional i32 a = 7", "int32 a = 1;"), "")).toBe(plain("080001 00000000 00"));
  });

  test("anything beside proto2 required: missing in Thrift is an error", () => {
    const link = fromProto("required int32 a = 1;", "", "proto2");
    expect(translateError(link, T, P, "00")).toContain("a: missing, but required");
  });

  test("two explicit defaults that differ: the sender's is sent for an absent field", () => {
    const link = linkText("test.M", {
      thrift: "namespace * test\nstruct M { 1: optional i32 a = 7 }",
      proto: 'syntax = "proto2"; package test; message M { optional int32 a = 1 [default = 9]; }',
    });
    expect(toProtobuf(link, "00")).toBe("0807");
    expect(toThrift(link, "")).toBe(plain("080001 00000009 00"));
  });

  test("a derived twin keeps absent as absent beside a Thrift default", () => {
    expectBoth(fromThrift("1: i32 a = 7"), "00", "");
  });
});

describe("field numbers", () => {
  test("an id of 0 or below is 65536 - id, and one of 19000 to 19999 is 100000 more, also on the way back", () => {
    const thrift = "namespace * test\nstruct M { -1: optional i32 a, 19000: optional i32 b }";
    const link = linkText("test.M", { thrift });
    expectBoth(link, "08ffff 00000001 084a38 00000002 00", "888020 01 c08d3a 02");
  });

  test("a number above 32767 has the id that the rule field gives it", () => {
    const link = linkText("test.M", {
      proto: `syntax = "proto3"; package test; import "causeway/options.proto";
        message M { optional int32 a = 40000 [(causeway.rules).field = 5]; }`,
    });
    expectBoth(link, "080005 00000001 00", "80c413 01");
  });
});

describe("structs, unions and oneofs", () => {
  const inner = "struct In { 1: optional i32 i, 2: optional i32 j }";

  test("sub-messages that arrive in pieces are merged before Thrift is written", () => {
    const link = fromThrift("1: optional In a, 2: optional i32 b", inner);
    expect(toThrift(link, "0a020801 1005 0a021002")).toBe(
      plain("0c0001 080001 00000001 080002 00000002 00 080002 00000005 00"),
    );
  });

  test("of a Thrift field that repeats the last one counts, whole", () => {
    const link = fromThrift("1: optional In a", inner);
    expect(translate(link, T, P, "0c0001 080001 00000001 00 0c0001 080002 00000002 00 00")).toEqual({
      hex: "0a021002",
      losses: { unknownFields: 0, duplicates: 1 },
    });
  });

  test("a oneof beside other fields is optional fields, of which at most one may be set; the last in the bytes wins", () => {
    const link = fromProto("int32 x = 1; oneof k { int32 a = 2; string b = 3; }");
    expect(translateError(link, T, P, "080001 00000000 080002 00000001 0b0003 00000000 00")).toContain(
      "more than one member",
    );
    expect(toThrift(link, "1001 1a0161")).toBe(plain("080001 00000000 0b0003 00000001 61 00"));
  });

  test("a union with two fields is an error, one with none an empty message", () => {
    const link = fromThrift("1: optional U u", "union U { 1: i32 a, 2: i32 b }");
    expect(translateError(link, T, P, "0c0001 080001 00000001 080002 00000002 00 00")).toContain(
      "more than one member",
    );
    expect(toProtobuf(link, "0c0001 00 00")).toBe("0a00");
  });

  test("towards Thrift an unset oneof leaves out the whole field where it may be absent, else it is an error", () => {
    const union = "union U { 1: i32 a, 2: i32 b }";
    expect(toThrift(fromThrift("1: optional U u", union), "0a00")).toBe("00");
    expect(translateError(fromThrift("1: required U u", union), P, T, "0a00")).toMatch(
      /^u: no member of the union is set/,
    );
    expect(translateError(fromThrift("1: list<U> u", union), P, T, "0a00")).toMatch(/^u\[0\]: no member/);
    expect(translateError(fromThrift("1: map<string, U> u", union), P, T, "0a 05 0a0161 1200")).toMatch(/no member/);
  });

  test("a known id with the wrong wire type is unknown, and counted", () => {
    const link = fromThrift("1: optional i32 a, 2: optional string b");
    const losses = { unknownFields: 1, duplicates: 0 };
    expect(translate(link, T, P, "0b0001 00000001 61 0b0002 00000001 62 00")).toEqual({ hex: "120162", losses });
    expect(translate(link, P, T, "0a0161 120162")).toEqual({ hex: plain("0b0002 00000001 62 00"), losses });
    expect(translate(link, C, P, "18 0161 18 0162 00")).toEqual({ hex: "120162", losses });
  });

  test("unknown fields are dropped and counted towards another wire", () => {
    const link = fromThrift("1: optional i32 a");
    const losses = { unknownFields: 2, duplicates: 0 };
    expect(translate(link, T, P, "080009 00000001 080001 00000005 0b0008 00000000 00")).toEqual({
      hex: "0805",
      losses,
    });
    expect(translate(link, P, T, "4801 0805 4200")).toEqual({ hex: plain("080001 00000005 00"), losses });
  });

  test("between the encodings of Thrift unknown fields pass", () => {
    const link = fromThrift("1: optional i32 a");
    // The interpreter is of no use here: it reads what it knows.
    const rewrite = compileTranscoder({ kind: "whole", link }, T, C, LIMITS);
    const losses = { unknownFields: 0, duplicates: 0 };
    expect(Buffer.from(rewrite(Buffer.from("0800090000000100", "hex"), losses)).toString("hex")).toBe("950200");
    expect(losses.unknownFields).toBe(0);
  });

  test("groups and DELIMITED fields are messages", () => {
    const group = fromProto("optional group In = 1 { optional int32 i = 1; }", "", "proto2");
    expectBoth(group, "0c0001 080001 00000005 00 00", "0b 0805 0c");
    const delimited = linkText("test.M", {
      proto: `edition = "2023"; package test; message In { int32 i = 1; }
        message M { In in = 1 [features.message_encoding = DELIMITED]; In plain = 2; }`,
    });
    expectBoth(delimited, "0c0001 080001 00000005 00 0c0002 080001 00000006 00 00", "0b 0805 0c 12 02 0806");
  });

  test("an extension goes by its number", () => {
    const link = fromProto(
      "optional int32 a = 1; extensions 100 to 200; extend M { optional int32 x = 100; }",
      "",
      "proto2",
    );
    expectBoth(link, "080001 00000001 080064 00000002 00", "0801 a00602");
  });
});

describe("well-known types", () => {
  const times = (unit: string) => fromThrift(`1: optional i64 at (pb.time = "${unit}")`);

  test.each([
    ["s", "0000000000000002", "0802"],
    ["ms", "00000000000007d1", "0802 10 c0843d"],
    ["us", "00000000001e8481", "0802 10 e807"],
    ["ns", "0000000077359401", "0802 10 01"],
    ["ms", "ffffffffffffffff", "08 ffffffffffffffffff01 10 c08faedc03"],
  ])("an i64 may count a Timestamp in %s", (unit, thrift, time) => {
    const length = plain(time).length / 2;
    expectBoth(times(unit), `0a0001 ${thrift} 00`, `0a ${length.toString(16).padStart(2, "0")} ${time}`);
  });

  test("a remainder below the unit and an overflow are errors", () => {
    expect(translateError(times("s"), P, T, "0a 02 1001")).toMatch(/^at: /);
    expect(translateError(times("ns"), P, T, "0a 07 08 ffffffffff1f")).toMatch(/^at: /);
  });

  test("a Timestamp is a struct of seconds and nanos, Any one of type_url and bytes, whose inside stays", () => {
    const link = linkText("test.M", {
      proto: `syntax = "proto3"; package test; import "google/protobuf/timestamp.proto"; import "google/protobuf/any.proto";
        import "google/protobuf/empty.proto"; import "google/protobuf/field_mask.proto";
        message M { google.protobuf.Timestamp t = 1; google.protobuf.Any any = 2; google.protobuf.Empty e = 3;
          google.protobuf.FieldMask mask = 4; }`,
    });
    expectBoth(
      link,
      `0c0001 0a0001 0000000000000002 080002 00000003 00  0c0002 0b0001 00000001 61 0b0002 00000001 ff 00  0c0003 00
        0c0004 0f0001 0b 00000001 00000001 61 00 00`,
      "0a 04 0802 1003  12 06 0a0161 1201ff  1a 00  22 03 0a0161",
    );
  });

  test("a wrapper is a struct of one field, or the bare value by unwrap", () => {
    const proto = (rule: string) => `syntax = "proto3"; package test; import "google/protobuf/wrappers.proto";
      import "causeway/options.proto"; message M { google.protobuf.Int64Value a = 1 ${rule}; }`;
    const whole = linkText("test.M", { proto: proto("") });
    expectBoth(whole, "0c0001 0a0001 0000000000000005 00 00", "0a 02 0805");
    const bare = linkText("test.M", { proto: proto("[(causeway.rules).unwrap = true]") });
    expectBoth(bare, "0a0001 0000000000000005 00", "0a 02 0805");
    expectBoth(bare, "00", "");
    expectBoth(bare, "0a0001 0000000000000000 00", "0a 00");
  });

  test("Struct and Value are a recursive union", () => {
    const link = linkText("test.M", {
      proto: `syntax = "proto3"; package test; import "google/protobuf/struct.proto"; message M { google.protobuf.Value v = 1; }`,
    });
    // {"a":[true]}
    const protobuf = "0a 0f 2a 0d 0a 0b 0a0161 12 06 32 04 0a 02 2001";
    const thrift = translate(link, P, T, protobuf);
    expect(thrift.losses).toEqual({ unknownFields: 0, duplicates: 0 });
    expect(toProtobuf(link, thrift.hex)).toBe(plain(protobuf));
  });
});

describe("small print", () => {
  test("a varint longer than its type is cut as Protobuf says before its range is checked", () => {
    const link = fromThrift("1: optional i8 a, 2: optional i32 b");
    expect(toThrift(link, "08 8180808080 8001")).toBe(plain("030001 01 00"));
    expect(toThrift(link, "10 ffffffffff 0f")).toBe(plain("080002 ffffffff 00"));
  });

  test("a compact element false may be 0 or 2", () => {
    const link = fromThrift("1: list<bool> a");
    for (const no of ["00", "02"]) expect(translate(link, C, P, `19 21 01 ${no} 00`).hex).toBe("0a020100");
  });

  test.each(["json", "thrift-json"] as const)("base64 of %s is accepted with and without padding", (codec) => {
    const link = fromThrift("1: optional binary a");
    const read = compileTranscoder({ kind: "whole", link }, codec, P, LIMITS);
    for (const base64 of ["/w==", "/w"]) {
      const text = codec === "json" ? `{"a":"${base64}"}` : `{"1":{"str":"${base64}"}}`;
      const bytes = read(Buffer.from(text), { unknownFields: 0, duplicates: 0 });
      expect(Buffer.from(bytes).toString("hex")).toBe("0a01ff");
    }
  });
});
