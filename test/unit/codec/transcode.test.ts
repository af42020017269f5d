import { describe, expect, test } from "vitest";
import { isMissingBody } from "../../../src/codec/fault.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { BodyLink, MessageLink } from "../../../src/schema/link.ts";
import type { Field } from "../../../src/schema/model.ts";
import { ascii, bothTexts, LIMITS, linkText, translate, translateError } from "./idl-link.ts";

const T = "thrift-binary";
const P = "protobuf";

function toProtobuf(link: MessageLink | BodyLink, hex: string): string {
  return translate(link, T, P, hex).hex;
}

function toThrift(link: MessageLink | BodyLink, hex: string): string {
  return translate(link, P, T, hex).hex;
}

const compact = (hex: string): string => hex.replaceAll(/\s/g, "");

describe("scalars", () => {
  const link = linkText("test.All", {
    thrift: `namespace * test
      struct All { 1: bool a; 2: i8 b; 3: i16 c; 4: i32 d; 5: i64 e; 6: double f; 7: string g; 8: binary h; 9: uuid i }`,
  });
  const thriftHex = `020001 01  030002 ff  060003 fffe  080004 fffffffd  0a0005 fffffffffffffffc  040006 3ff8000000000000
    0b0007 00000002 ${ascii("hé").slice(0, 4)}  0b0008 00000001 ff  100009 000102030405060708090a0b0c0d0e0f 00`;
  test("each scalar of Thrift has its place in the derived message and comes back as it was", () => {
    const thrift = thriftHex.replace(ascii("hé").slice(0, 4), "6869");
    const protobuf = compact(`08 01  10 ffffffffffffffffff01  18 feffffffffffffffff01  20 fdffffffffffffffff01
      28 fcffffffffffffffff01  31 000000000000f83f  3a 02 6869  42 01 ff  4a 10 000102030405060708090a0b0c0d0e0f`);
    expect(toProtobuf(link, thrift)).toBe(protobuf);
    expect(toThrift(link, protobuf)).toBe(compact(thrift));
  });

  test("a NaN's payload and the sign of zero survive between doubles", () => {
    for (const bits of ["7ff8000000000123", "fff4000000000001", "8000000000000000"]) {
      const protobuf = toProtobuf(link, `040006${bits}00`);
      expect(toThrift(link, protobuf)).toBe(`040006${bits}00`);
    }
  });

  test("an int32 that i8 cannot hold is an error that names the field, the value and the type", () => {
    expect(translateError(link, P, T, "10 8001")).toBe("b: 128 does not fit i8, at byte 1");
  });

  test("a varint longer than its type is cut to the type's width before its range is checked", () => {
    expect(toThrift(link, "10 8180808080 8001")).toBe("0300020100");
  });

  test.each([
    ["c328", "an overlong lead without its continuation"],
    ["eda080", "a surrogate"],
    ["f4908080", "a number above U+10FFFF"],
    ["c080", "an overlong form"],
    ["41414141414141e4b8", "a sequence cut off by the end"],
  ])("text that is not UTF-8 is refused both ways: %s, %s", (bad) => {
    const length = bad.length / 2;
    expect(translateError(link, T, P, `0b0007 ${length.toString(16).padStart(8, "0")} ${bad} 00`)).toMatch(
      /^g: the text is not valid UTF-8, at byte \d+$/,
    );
    expect(translateError(link, P, T, `3a ${length.toString(16).padStart(2, "0")} ${bad}`)).toMatch(
      /^g: the text is not valid UTF-8/,
    );
  });

  test.each([
    "日本語の文章です。",
    "日本語、中文，한국어 mixed",
    "naïve – 日本語 – 😀",
    "語".repeat(100),
    "一\u{ee000}二\u{fffd}三四",
  ])("text of any script passes both ways: %s", (text) => {
    const bytes = Buffer.from(text).toString("hex");
    const length = (bytes.length / 2).toString(16).padStart(8, "0");
    const protobuf = toProtobuf(link, `0b0007 ${length} ${bytes} 00`);
    expect(protobuf.endsWith(bytes)).toBe(true);
    expect(toThrift(link, protobuf)).toBe(compact(`0b0007 ${length} ${bytes} 00`));
  });

  test.each(["e38182 eda080 e38184", "e38182 e08080 e38184", "e38182 e38184 e381", "e38182e38184 e3c184 616263"])(
    "bad UTF-8 among good characters of three bytes is refused: %s",
    (hex) => {
      const bytes = compact(hex);
      const length = (bytes.length / 2).toString(16).padStart(8, "0");
      expect(translateError(link, T, P, `0b0007 ${length} ${bytes} 00`)).toMatch(/^g: the text is not valid UTF-8/);
    },
  );

  test("the offset of bad UTF-8 is that of the first bad byte", () => {
    expect(translateError(link, T, P, `0b0007 0000000c ${ascii("0123456789")} c328 00`)).toBe(
      "g: the text is not valid UTF-8, at byte 17",
    );
  });

  test("a UUID of another length than 16 bytes is an error", () => {
    expect(translateError(link, P, T, "4a 03 010203")).toBe("i: expected a UUID, got 3 bytes that are none, at byte 1");
  });
});

describe("integers of two IDLs", () => {
  const link = linkText(
    "test.N",
    bothTexts(
      "struct N { 1: i64 a; 2: i32 b; 3: i64 c; 4: i32 d; 5: i64 e; 6: double f }",
      "message N { uint64 a = 1; uint32 b = 2; fixed32 c = 3; sint32 d = 4; sfixed64 e = 5; float f = 6; }",
    ),
  );
  test.each([
    ["a negative i64 does not fit uint64", T, "0a0001 ffffffffffffffff 00", "a: -1 does not fit uint64, at byte 3"],
    ["a negative i32 does not fit uint32", T, "080002 ffffffff 00", "b: -1 does not fit uint32, at byte 3"],
    [
      "an i64 above 2^32-1 does not fit fixed32",
      T,
      "0a0003 0000000100000000 00",
      "c: 4294967296 does not fit fixed32, at byte 3",
    ],
    [
      "a double beyond the floats does not fit float",
      T,
      "040006 7fe0000000000000 00",
      "f: 8.98846567431158e+307 does not fit float, at byte 3",
    ],
    [
      "a uint64 above 2^63-1 does not fit i64",
      P,
      "08 ffffffffffffffffff01",
      "a: 18446744073709551615 does not fit i64, at byte 1",
    ],
    ["a uint32 above 2^31-1 does not fit i32", P, "10 ffffffff0f", "b: 4294967295 does not fit i32, at byte 1"],
  ] as const)("%s", (_, from, hex, message) => {
    expect(translateError(link, from, from === T ? P : T, hex)).toBe(message);
  });

  test("each form of integer is written as its type has it, and read back", () => {
    const thrift =
      "0a0001 0000000000000005 080002 00000006 0a0003 0000000000000007 080004 fffffff8 0a0005 fffffffffffffff7 040006 3fe0000000000000 00";
    const protobuf = compact("08 05 10 06 1d 07000000 20 0f 29 f7ffffffffffffff 35 0000003f");
    expect(toProtobuf(link, thrift)).toBe(protobuf);
    expect(toThrift(link, protobuf)).toBe(compact(thrift));
  });

  test("fields without presence: a zero of Thrift is not written, an absent one of Protobuf is written as zero", () => {
    expect(toProtobuf(link, "0a0001 0000000000000000 040006 0000000000000000 00")).toBe("");
    expect(toThrift(link, "")).toBe(
      compact(
        "0a0001 0000000000000000 080002 00000000 0a0003 0000000000000000 080004 00000000 0a0005 0000000000000000 040006 0000000000000000 00",
      ),
    );
  });
});

describe("presence", () => {
  test("a required field that is missing is an error on either side", () => {
    const link = linkText("test.R", {
      thrift: "namespace * test\nstruct Q { 1: required i32 a }\nstruct R { 1: required Q q }",
    });
    expect(translateError(link, T, P, "00")).toBe("q: missing, but required, at byte 0");
    expect(translateError(link, T, P, "0c0001 00 00")).toBe("q.a: missing, but required, at byte 3");
    expect(translateError(link, P, T, "0a00")).toBe("q.a: missing, but required, at byte 2");
  });

  test("the sender's default is sent where the other side has another", () => {
    const link = linkText("test.D", bothTexts("struct D { 1: i32 a = 7 }", "message D { int32 a = 1; }"));
    expect(toProtobuf(link, "00")).toBe("0807");
    expect(toThrift(link, "")).toBe("0800010000000000");
  });
});

describe("containers", () => {
  const link = linkText("test.C", {
    thrift: `namespace * test
      struct E { 1: i32 a; 2: optional E e }
      struct C { 1: list<i32> a; 2: list<string> b; 3: list<E> c; 4: set<string> d; 5: map<string, i32> e; 6: list<list<i32>> f; 7: map<i32, E> g }`,
  });

  test("an empty list may have any element type and leaves nothing", () => {
    expect(toProtobuf(link, "0f0001 00 00000000 00")).toBe("");
    expect(toProtobuf(link, "0f0001 0b 00000000 00")).toBe("");
  });

  test("a list of another element type is an unknown field", () => {
    expect(translate(link, T, P, "0f0001 0a 00000001 0000000000000001 00")).toEqual({
      hex: "",
      losses: { unknownFields: 1, duplicates: 0 },
    });
  });

  test("packed and unpacked elements mix", () => {
    expect(toThrift(link, "08 01 0a 02 0203 08 04")).toContain(
      compact("0f0001 08 00000004 00000001 00000002 00000003 00000004"),
    );
  });

  test("the elements of lists that interleave are gathered", () => {
    expect(toThrift(link, `12 01 61 1a 02 0801 12 01 62 1a 02 0802 12 01 63`)).toContain(
      compact(
        "0f0002 0b 00000003 00000001 61 00000001 62 00000001 63 0f0003 0c 00000002 080001 00000001 00 080001 00000002 00",
      ),
    );
  });

  test("a message that comes in pieces is merged, deeply", () => {
    const nested = linkText("test.M", {
      thrift: "namespace * test\nstruct E { 1: i32 a; 2: i32 b; 3: E e }\nstruct M { 1: E e }",
    });
    expect(toThrift(nested, "0a 06 0801 1a 02 0803 0a 06 1002 1a 02 1004")).toBe(
      compact("0c0001 080001 00000001 080002 00000002 0c0003 080001 00000003 080002 00000004 00 00 00"),
    );
  });

  test("a set keeps the first of equal elements, and counts the others", () => {
    const { hex, losses } = translate(link, P, T, "22 01 61 22 01 62 22 01 61");
    expect(hex).toContain(compact("0e0004 0b 00000002 00000001 61 00000001 62"));
    expect(losses).toEqual({ unknownFields: 0, duplicates: 1 });
  });

  test("of entries with one key the last wins and the others are counted; a missing key or value is its zero", () => {
    const { hex, losses } = translate(link, P, T, "2a 05 0a0161 1001 2a 00 2a 05 0a0161 1002");
    expect(hex).toContain(compact("0d0005 0b 08 00000002 00000000 00000000 00000001 61 00000002"));
    expect(losses).toEqual({ unknownFields: 0, duplicates: 1 });
  });

  test("many equal elements and entries are found among many", () => {
    const element = (i: number) =>
      `22 02 ${(i % 200)
        .toString(16)
        .padStart(4, "0")
        .replace(/[89a-f]/g, "7")}`;
    const { losses } = translate(link, P, T, Array.from({ length: 1_000 }, (_, i) => element(i)).join(""));
    expect(losses.duplicates).toBeGreaterThan(800);
  });

  test("a list in a list stands in a message of its own", () => {
    const thrift = "0f0006 0f 00000002 08 00000001 00000005 08 00000000 00";
    expect(toProtobuf(link, thrift)).toBe(compact("32 03 0a 01 05 32 00"));
    expect(toThrift(link, "32 03 0a 01 05 32 00")).toContain(compact(thrift).slice(0, -2));
  });

  test("lengths above 127 are written in more bytes", () => {
    const text = "x".repeat(300);
    const struct = `0b0002`;
    expect(toProtobuf(link, `0f0002 0b 00000001 0000012c ${ascii(text)} 00`)).toBe(compact(`12 ac02 ${ascii(text)}`));
    const many = Array.from({ length: 100 }, (_, i) => `080001 ${(i + 1).toString(16).padStart(8, "0")} 00`).join("");
    const protobuf = toProtobuf(link, `0f0003 0c 00000064 ${many} 00`);
    expect(toThrift(link, protobuf)).toContain(compact(`0f0003 0c 00000064 ${many}`));
    expect(struct).toBe("0b0002");
  });
});

describe("fields", () => {
  const link = linkText("test.F", {
    thrift: "namespace * test\nstruct G { 1: i32 a }\nstruct F { 1: i32 a; 2: string b; 3: G g; 32767: i32 z }",
  });

  test("of a struct's field that comes twice the last wins whole, at its place", () => {
    const { hex, losses } = translate(
      link,
      T,
      P,
      "0c0003 080001 00000001 00 080001 00000001 0c0003 00 080001 00000002 00",
    );
    expect(hex).toBe(compact("1a00 0802"));
    expect(losses.duplicates).toBe(2);
  });

  test("unknown fields of every wire type are passed over and counted", () => {
    const unknown = "08 01";
    expect(
      translate(
        link,
        P,
        T,
        `${unknown.replace("08", "a001")} a101 0102030405060708 a201 01ff a301 0801 ab01 ac01 a401 a501 01020304 10 07 08 05`,
      ),
    ).toEqual({
      hex: compact("080001 00000005 00"),
      losses: { unknownFields: 6, duplicates: 0 },
    });
    expect(
      translate(
        link,
        T,
        P,
        "0d0014 0b 0c 00000001 00000001 61 020001 01 00 100015 00112233445566778899aabbccddeeff 080001 00000005 00",
      ),
    ).toEqual({
      hex: "0805",
      losses: { unknownFields: 2, duplicates: 0 },
    });
  });

  test("field numbers up to the largest are found", () => {
    expect(toProtobuf(link, "087fff 00000005 00")).toBe("f8ff0f05");
    expect(toThrift(link, "f8ff0f05")).toBe("087fff0000000500");
    const wide = linkText("test.W", { thrift: 'namespace * test\nstruct W { 1: i32 a (pb.field = "536870911") }' });
    expect(toProtobuf(wide, "080001 00000005 00")).toBe("f8ffffff0f05");
    expect(toThrift(wide, "f8ffffff0f05")).toBe("0800010000000500");
  });

  test.each([
    [T, "0b0002 7fffffff", "b: the length 2147483647 is more than what is left of the message, at byte 3"],
    [T, "0b0002 ffffffff", "b: the length -1 is more than what is left of the message, at byte 3"],
    [T, "080001 0000", "a: the message ends in the middle of a value, at byte 3"],
    [T, "080001 00000001", "message: the message ends in the middle of a value, at byte 7"],
    [T, "00 ff", "message: 1 bytes stand behind the end of the message, at byte 1"],
    [T, "0d0014 0300 00000001 01 020202020202 00", "message: 0 is no Thrift type, at byte 10"],
    [T, "0d0014 03ff 00000001 01 020202020202 00", "message: 255 is no Thrift type, at byte 10"],
    [T, "630014 00", "message: 99 is no Thrift type, at byte 3"],
    [P, "12 ff", "b: the message ends in the middle of a value, at byte 2"],
    [P, "12 ffffffff0f", "b: the length 4294967295 is more than what is left of the message, at byte 1"],
    [P, "08 ffffffffffffffffffffff01", "a: a varint is longer than 10 bytes, at byte 1"],
    [P, "00", "message: 0 is no field number and wire type, at byte 0"],
    [P, "0c", "message: the end of group 1 stands where no such group is open, at byte 1"],
    [P, "1a 02 0880", "g.a: the message ends in the middle of a value, at byte 4"],
  ] as const)("malformed %s %s says where and why", (from, hex, message) => {
    expect(translateError(link, from, from === T ? P : T, hex)).toBe(message);
  });
});

describe("unions, oneofs and enums", () => {
  const link = linkText("test.S", {
    thrift: `namespace * test
      union U { 1: i32 a; 2: string b }
      enum E { ONE = 1, TWO = 2 }
      struct S { 1: optional U u; 2: required i32 n; 3: list<U> us; 4: optional E e; 5: list<E> es; 6: i32 k }`,
  });

  test("a union keeps its member, zero included", () => {
    const thrift = "0c0001 080001 00000000 00 080002 00000001 00";
    expect(toProtobuf(link, thrift)).toBe(compact("0a 02 0800 10 01"));
    expect(toThrift(link, "0a 02 0800 10 01")).toContain(compact("0c0001 080001 00000000 00 080002 00000001"));
  });

  test("two members of a union are an error towards Protobuf; towards Thrift the last one wins", () => {
    expect(translateError(link, T, P, "0c0001 080001 00000001 0b0002 00000000 00 080002 00000001 00")).toMatch(
      /^u: more than one member of a union or oneof is set/,
    );
    expect(toThrift(link, "0a 05 0801 120161 1001")).toContain(compact("0c0001 0b0002 00000001 61 00"));
  });

  test("a union without a member is an empty message; back it is left out, or an error in a list", () => {
    expect(toProtobuf(link, "0c0001 00 080002 00000001 00")).toBe("0a001001");
    expect(toThrift(link, "0a00 1001")).not.toContain("0c0001");
    expect(translateError(link, P, T, "1001 1a00")).toMatch(/^us\[0\]: no member of the union is set/);
  });

  test("an unspecified enum value is left out where it may be, and an error in a list; unknown numbers pass", () => {
    expect(toThrift(link, "1001 2000")).not.toContain("080004");
    expect(translateError(link, P, T, "1001 2a01 00")).toMatch(/^es\[0\]: the enum value 0 means unspecified/);
    expect(toThrift(link, "1001 2063")).toContain(compact("080004 00000063"));
  });

  test("a oneof that is no union: two members in a struct are an error, the last one of a message wins", () => {
    const flat = linkText("test.O", {
      proto: 'syntax = "proto3"; package test; message O { int32 x = 1; oneof k { int32 a = 2; string b = 3; } }',
    });
    expect(translateError(flat, T, P, "080002 00000001 0b0003 00000000 00")).toMatch(/^message: more than one member/);
    expect(toThrift(flat, "10 01 1a 01 61")).toBe(compact("080001 00000000 0b0003 00000001 61 00"));
  });
});

test("a group is a message", () => {
  const link = linkText("test.G", {
    proto:
      'syntax = "proto2"; package test; message G { optional group Inner = 1 { optional int32 a = 1; } repeated group Many = 2 { optional int32 b = 1; } }',
  });
  const protobuf = "0b 0805 0c 13 0801 14 13 14";
  const thrift = "0c0001 080001 00000005 00 0f0002 0c 00000002 080001 00000001 00 00 00";
  expect(toThrift(link, protobuf)).toBe(compact(thrift));
  expect(toProtobuf(link, thrift)).toBe(compact(protobuf));
});

describe("limits", () => {
  const link = linkText("test.L", {
    thrift: "namespace * test\nstruct L { 1: optional L next; 2: list<i32> xs; 3: string s }",
  });

  test("messages nested as deep as the limit pass, deeper ones do not", () => {
    const nested = (depth: number) => `${"0c0001".repeat(depth - 1)}${"00".repeat(depth)}`;
    const protobuf = translate(link, T, P, nested(64)).hex;
    expect(translateError(link, T, P, nested(65))).toMatch(/messages and containers are nested deeper than 64/);
    expect(translate(link, P, T, protobuf).hex).toContain("0c0001".repeat(10));
    let deeper = Buffer.from(protobuf, "hex");
    deeper = Buffer.concat([
      Buffer.from([
        0x0a,
        ...(deeper.length > 127 ? [(deeper.length & 127) | 128, deeper.length >> 7] : [deeper.length]),
      ]),
      deeper,
    ]);
    expect(translateError(link, P, T, deeper.toString("hex"))).toMatch(/nested deeper than 64/);
  });

  test("unknown nesting is bounded too", () => {
    expect(translateError(link, T, P, `0c0009${"0c0001".repeat(70)}`)).toMatch(/nested deeper than 64/);
    expect(translateError(link, P, T, "4b".repeat(70))).toMatch(/nested deeper than 64/);
  });

  test("more elements than the limit are refused", () => {
    const limits = { ...LIMITS, maxElements: 2 };
    expect(translateError(link, T, P, "0f0002 08 00000003 000000010000000200000003 00", limits)).toMatch(
      /^xs: more than 2 elements/,
    );
    expect(translateError(link, P, T, "12 03 010203", limits)).toMatch(/^xs\[2\]: more than 2 elements/);
  });

  test("a message larger than the limit is refused on either side", () => {
    const limits = { ...LIMITS, maxBytes: 20 };
    const text = ascii("x".repeat(30));
    expect(translateError(link, T, P, `0b0003 0000001e ${text} 00`, limits)).toMatch(
      /^message: the message is larger than 20 bytes/,
    );
    // Thrift needs more bytes for small numbers than Protobuf.
    expect(translateError(link, P, T, "12 0a 01010101010101010101", limits)).toMatch(
      /the message is larger than 20 bytes/,
    );
  });

  test("a count of elements that cannot be there costs no memory", () => {
    expect(translateError(link, T, P, "0f0002 08 7fffffff 00000001 00")).toMatch(
      /the length 2147483647 is more than what is left/,
    );
  });
});

describe("a body in a field", () => {
  const link = linkText("test.B", { thrift: "namespace * test\nstruct B { 1: i32 a }" });
  const field: Field = { ...link.thrift.fields[0]!, id: 0, name: "success" };
  const result: BodyLink = { kind: "field", thrift: { ...link.thrift, shape: "result" }, field, link };
  const args: BodyLink = {
    ...result,
    thrift: { ...link.thrift, shape: "arguments" },
    field: { ...field, id: 1, name: "request" },
  };

  test("the inside of the struct's field is the message, whatever else the struct holds", () => {
    expect(translate(result, T, P, "080005 00000001 0c0000 080001 00000007 00 00")).toEqual({
      hex: "0807",
      losses: { unknownFields: 1, duplicates: 0 },
    });
    expect(toThrift(result, "0807")).toBe(compact("0c0000 080001 00000007 00 00"));
    expect(toThrift(args, "0807")).toBe(compact("0c0001 080001 00000007 00 00"));
  });

  test("a missing argument is an empty message, a missing result an error that can be told from others", () => {
    expect(toProtobuf(args, "00")).toBe("");
    const transcode = compileTranscoder(result, T, P, LIMITS);
    const errors = ["00", "0c0000 080001 00"].map((hex) => {
      try {
        transcode(Buffer.from(compact(hex), "hex"), { unknownFields: 0, duplicates: 0 });
        return undefined;
      } catch (error) {
        return error;
      }
    });
    expect(errors.map(isMissingBody)).toEqual([true, false]);
    expect(translateError(result, T, P, "00")).toBe("success: missing, but required, at byte 0");
  });
});
