import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { CASES, generatedClass } from "../../../bench/codec-cases.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { BodyLink } from "../../../src/schema/link.ts";
import { linkSchema } from "../../../src/schema/link-schema.ts";
import { findMessage, loadSchema } from "../../../src/schema/load.ts";
import { bothTexts, LIMITS, linkText, translate, translateError } from "./idl-link.ts";

const C = "thrift-compact";
const B = "thrift-binary";
const P = "protobuf";
const plain = (hex: string): string => hex.replaceAll(/\s/g, "");

/** As npm thrift's compact protocol writes it. */
function apacheCompact(type: string, value: object): Buffer {
  const thrift = createRequire(import.meta.url)("thrift");
  let written = Buffer.alloc(0);
  const transport = new thrift.TBufferedTransport(undefined, (bytes: Buffer) => {
    written = Buffer.from(bytes);
  });
  const protocol = new thrift.TCompactProtocol(transport);
  new (generatedClass(type))(value).write(protocol);
  protocol.flush();
  return written;
}

test.each(CASES)("what Apache Thrift writes for $name comes back from Protobuf byte for byte", ({ type, value }) => {
  const schema = loadSchema(
    ["bench/idl/orders.thrift", "bench/idl/orders.proto"],
    { includeDirs: [], allowNegativeKeys: false },
    () => {},
  );
  const message = findMessage(schema!, `bench.orders.${type}`, "thrift");
  if (typeof message === "string") throw new Error(message);
  const body = { kind: "whole", link: linkSchema(schema!, { pairs: [] }, () => {}).messageLink(message) } as const;
  const bytes = apacheCompact(type, value);
  const losses = { unknownFields: 0, duplicates: 0 };
  const protobuf = compileTranscoder(body, C, P, LIMITS)(bytes, losses);
  expect(Buffer.from(compileTranscoder(body, P, C, LIMITS)(protobuf, losses)).equals(bytes)).toBe(true);
  const binary = compileTranscoder(body, C, B, LIMITS)(bytes, losses);
  expect(compileTranscoder(body, B, P, LIMITS)(binary, losses)).toEqual(protobuf);
  expect(Buffer.from(compileTranscoder(body, B, C, LIMITS)(binary, losses)).equals(bytes)).toBe(true);
  expect(losses).toEqual({ unknownFields: 0, duplicates: 0 });
});

describe("scalars", () => {
  const link = linkText("test.All", {
    thrift: `namespace * test
      struct All { 1: bool a; 2: i8 b; 3: i16 c; 4: i32 d; 5: i64 e; 6: double f; 7: string g; 8: binary h; 9: uuid i; 30: bool j }`,
  });

  test("each scalar has its place: bools in headers, doubles little-endian, integers zigzag", () => {
    const compact = `11  13 ff  14 03  15 05  16 07  17 000000000000f83f  18 02 6869  18 01 ff
      1d 000102030405060708090a0b0c0d0e0f  02 3c  00`;
    const protobuf = `08 01  10 ffffffffffffffffff01  18 feffffffffffffffff01  20 fdffffffffffffffff01
      28 fcffffffffffffffff01  31 000000000000f83f  3a 02 6869  42 01 ff  4a 10 000102030405060708090a0b0c0d0e0f  f001 00`;
    expect(translate(link, C, P, compact).hex).toBe(plain(protobuf));
    expect(translate(link, P, C, protobuf).hex).toBe(plain(compact));
  });

  test("a varint longer than its type is cut to the type's width", () => {
    expect(translate(link, C, P, "45 82808080 80808002 00").hex).toBe("2001");
  });

  test("a varint of more than 10 bytes is an error", () => {
    expect(translateError(link, C, P, "56 ffffffffffffffffffff01 00")).toBe(
      "e: a varint is longer than 10 bytes, at byte 1",
    );
  });

  test("a header may hold a whole id where a difference would do", () => {
    expect(translate(link, C, P, "01 02 05 08 06 00").hex).toBe("08012003");
  });

  test("fields out of order count back", () => {
    expect(translate(link, C, P, "45 06 05 02 08 00").hex).toBe("2003");
    expect(translate(link, C, P, "45 06 01 02 00").hex).toBe("20030801");
  });

  test("an unknown bool field has no bytes beside its header", () => {
    expect(translate(link, C, P, "91 b1 01 1e 15 06 00")).toEqual({
      hex: "",
      losses: { unknownFields: 4, duplicates: 0 },
    });
  });

  test("what is no type is named by its own number", () => {
    expect(translateError(link, C, P, "fe 00")).toBe("message: 14 is no Thrift type, at byte 1");
  });

  test("a string that is cut off is an error at its length", () => {
    expect(translateError(link, C, P, "78 05 6869")).toBe(
      "g: the length 5 is more than what is left of the message, at byte 1",
    );
  });
});

describe("containers", () => {
  const link = linkText("test.Lists", {
    thrift: `namespace * test
      struct Lists {
        1: optional list<bool> a; 2: optional list<i32> b; 3: optional map<string, bool> c; 4: optional map<i32, Lists> d
        5: optional set<i64> e
      }`,
  });

  test.each(["19 31 01 00 02 00", "19 32 01 00 02 00"])(
    "a bool as an element is 1, and false 2 or 0; the element type is either: %s",
    (hex) => {
      expect(translate(link, C, P, hex).hex).toBe("0a03010000");
      expect(translate(link, P, C, "0a03010000").hex).toBe("193101020200");
    },
  );

  test("fourteen elements have their count in the header, fifteen behind it", () => {
    for (const n of [14, 15, 127, 128, 20_000]) {
      const header = n < 15 ? `${n.toString(16)}5` : `f5${varint(n)}`;
      const protobuf = `12${varint(n)}${"01".repeat(n)}`;
      const compact = `29${header}${"02".repeat(n)}00`;
      expect(translate(link, C, P, compact).hex).toBe(protobuf);
      expect(translate(link, P, C, protobuf).hex).toBe(compact);
    }
  });

  test("a map without entries is one byte", () => {
    expect(translate(link, C, P, "3b 00 00").hex).toBe("");
    const wrapped = linkText("test.W", { thrift: "namespace * test\nstruct W { 1: list<map<i32, i32>> maps }" });
    expect(translate(wrapped, P, C, "0a00 0a020a00").hex).toBe(plain("19 2b 00 01 55 0000 00"));
  });

  test("a map of more than 127 entries has a longer count before its types", () => {
    const n = 300;
    const entries = Array.from({ length: n }, (_, i) => `${varint(i * 2)}00`);
    const compact = `4b${varint(n)}5c${entries.join("")}00`;
    const protobuf = translate(link, C, P, compact).hex;
    expect(translate(link, P, C, protobuf).hex).toBe(compact);
  });

  test("a field whose elements have another type is unknown, unless it is empty", () => {
    expect(translate(link, C, P, "29 16 02 00")).toEqual({ hex: "", losses: { unknownFields: 1, duplicates: 0 } });
    expect(translate(link, C, P, "29 06 00")).toEqual({ hex: "", losses: { unknownFields: 0, duplicates: 0 } });
    expect(translate(link, C, P, "3b 01 55 02 02 00")).toEqual({
      hex: "",
      losses: { unknownFields: 1, duplicates: 0 },
    });
  });

  test("a count that the message cannot hold is refused before anything is made for it", () => {
    expect(translateError(link, C, P, "29 f5 ffffffff0f 00")).toMatch(/^b: the length -1 is more than what is left/);
    expect(translateError(link, C, P, "3b ffffffff0f 81 00")).toMatch(/^c: the length -1 is more than what is left/);
  });

  test("equal elements of a set are written once", () => {
    expect(translate(link, P, C, "2a03010201").losses.duplicates).toBe(1);
    expect(translate(link, P, C, "2a03010201").hex).toBe(plain("5a 26 02 04 00"));
  });

  test("each struct counts its ids from the start, and the one around it goes on", () => {
    const compact = "4b 01 5c 02 29 15 02 00 1a 16 02 00";
    const protobuf = translate(link, C, P, compact).hex;
    expect(protobuf).toBe(plain("22 07 08 01 12 03 12 01 01  2a 01 01"));
    expect(translate(link, P, C, protobuf).hex).toBe(plain(compact));
  });
});

describe("presence", () => {
  const link = linkText(
    "test.D",
    bothTexts(
      'struct D { 1: bool on; 2: i32 n; 3: string s = "x"; 40: bool off; 41: optional bool maybe }',
      "message D { bool on = 1; int32 n = 2; string s = 3; bool off = 40; optional bool maybe = 41; }",
    ),
  );

  test("zeros that Protobuf leaves out are written for fields without presence, bools in their headers", () => {
    expect(translate(link, P, C, "").hex).toBe(plain("12 15 00 18 00 02 50 00"));
    expect(translate(link, P, C, "c20200").hex).toBe(plain("12 15 00 18 00 02 50 00"));
  });

  test("a struct's absent default is sent to Protobuf, which has another", () => {
    expect(translate(link, C, P, "00").hex).toBe("1a0178");
  });

  test("what is rolled back does not count for the next field's header", () => {
    expect(translate(link, P, C, "1000 c80201").hex).toBe(plain("12 15 00 18 00 02 50 11 00"));
  });
});

describe("a body in a field", () => {
  const link = linkText("test.B", { thrift: "namespace * test\nstruct B { 1: i32 n }" });
  const request: BodyLink = {
    kind: "field",
    link,
    thrift: { ...link.thrift, shape: "arguments" },
    field: { ...link.thrift.fields[0]!, name: "request", id: 20 },
  };

  test("the struct in the field is the message", () => {
    expect(translate(request, C, P, "15 02 0c 28 15 0e 00 00")).toEqual({
      hex: "0807",
      losses: { unknownFields: 1, duplicates: 0 },
    });
    expect(translate(request, P, C, "0807").hex).toBe(plain("0c 28 15 0e 00 00"));
    expect(translate(request, C, P, "00").hex).toBe("");
  });

  test("between the encodings of Thrift the whole struct passes, unknown fields too", () => {
    const transcode = compileTranscoder(request, C, B, LIMITS);
    const losses = { unknownFields: 0, duplicates: 0 };
    const bytes = transcode(Buffer.from(plain("15 02 0c 28 15 0e 00 00"), "hex"), losses);
    expect(Buffer.from(bytes).toString("hex")).toBe(plain("080001 00000001 0c0014 080001 00000007 00 00"));
    expect(losses.unknownFields).toBe(0);
  });
});

test("rewriting keeps the limits of depth, elements and bytes", () => {
  const link = linkText("test.B", { thrift: "namespace * test\nstruct B { 1: i32 n }" });
  const rewrite = (hex: string, limits: object) =>
    compileTranscoder({ kind: "whole", link }, C, B, { ...LIMITS, ...limits })(Buffer.from(plain(hex), "hex"), {
      unknownFields: 0,
      duplicates: 0,
    });
  expect(() => rewrite("1c 1c 1c 00 00 00 00", { maxDepth: 3 })).toThrow("nested deeper than 3");
  expect(() => rewrite("19 35 02 02 02 00", { maxElements: 2 })).toThrow("more than 2 elements");
  expect(() => rewrite("19 95 020202020202020202 00", { maxBytes: 20 })).toThrow("larger than 20 bytes");
  expect(() => rewrite("00 00", {})).toThrow("1 bytes stand behind the end of the message");
});

function varint(value: number): string {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]).toString("hex");
}
