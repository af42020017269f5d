import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { BodyLink, MessageLink } from "../../../src/schema/link.ts";
import { LIMITS, linkText } from "./idl-link.ts";

const link = linkText("test.All", {
  thrift: `namespace * test
    enum Color { RED = 1, GREEN = 2 }
    struct Point { 1: i32 x; 2: optional i32 y }
    union Choice { 1: i32 number; 2: Point point }
    struct All {
      1: bool truth; 2: i8 tiny; 3: i16 small; 4: i32 regular; 5: i64 large; 6: double real; 7: string text; 8: binary data;
      9: Color color; 10: Point point; 11: list<i64> numbers; 12: set<string> words; 13: map<i64, string> names;
      14: map<string, Point> places; 15: map<bool, i32> flags; 16: map<Point, i32> byPoint; 17: list<list<i32>> grid;
      18: optional Choice choice; 19: map<double, i8> byReal; 20: uuid id; 21: list<binary> blobs; 22: list<bool> truths;
      23: list<Point> points; 24: string __proto__; 25: map<string, i32> constructor; 26: list<i8> octets
    }`,
});

function convert(from: Codec, to: Codec, input: string, body: MessageLink | BodyLink = link): string {
  const whole: BodyLink = "kind" in body ? body : { kind: "whole", link: body };
  const bytes = Buffer.from(input, isText(from) ? "utf8" : "hex");
  const result = compileTranscoder(whole, from, to, LIMITS)(bytes, { unknownFields: 0, duplicates: 0 });
  return Buffer.from(result).toString(isText(to) ? "utf8" : "hex");
}

function isText(codec: Codec): boolean {
  return codec.endsWith("json");
}

function errorOf(json: string): string {
  try {
    convert("thrift-json", "protobuf", json);
  } catch (error) {
    if (error instanceof RpcError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "";
}

/** What stands there after Thrift binary and after Protobuf; the default-presence fields of the rest stay absent. */
function around(json: string): string {
  const binary = convert("thrift-json", "thrift-binary", json);
  const protobuf = convert("thrift-json", "protobuf", json);
  const direct = convert("thrift-binary", "thrift-json", binary);
  expect(convert("protobuf", "thrift-json", protobuf)).toBe(direct);
  return withoutEmpty(direct);
}

/** Protobuf cannot tell empty containers from absent ones, so they are there. */
function withoutEmpty(json: string): string {
  const kept = json.replace(/"\d+":\{"(?:lst|set|map)":\[(?:"\w+",){1,2}0(?:,\{\})?\]\},?/g, "");
  return kept.replace(/,\}$/, "}");
}

describe("values as TJSON has them", () => {
  test.each([
    '{"1":{"tf":1}}',
    '{"1":{"tf":0}}',
    '{"2":{"i8":-128},"3":{"i16":-32768},"4":{"i32":2147483647}}',
    '{"5":{"i64":9223372036854775807}}',
    '{"5":{"i64":-9007199254740993}}',
    '{"6":{"dbl":0.1}}',
    '{"6":{"dbl":-0}}',
    '{"6":{"dbl":"NaN"}}',
    '{"6":{"dbl":"-Infinity"}}',
    '{"7":{"str":"h\\"é😀\\n\\u0001/"}}',
    '{"8":{"str":"AP8="}}',
    '{"9":{"i32":2},"10":{"rec":{"1":{"i32":1},"2":{"i32":0}}}}',
    '{"11":{"lst":["i64",2,1,-9223372036854775808]},"12":{"set":["str",2,"b","a"]}}',
    '{"13":{"map":["i64","str",2,{"9007199254740993":"a","-1":"b"}]}}',
    '{"14":{"map":["str","rec",2,{"__proto__":{"1":{"i32":1}},"constructor":{}}]}}',
    '{"15":{"map":["tf","i32",2,{"1":5,"0":6}]}}',
    '{"16":{"map":["rec","i32",1,{{"1":{"i32":1},"2":{"i32":2}}:3}]}}',
    '{"17":{"lst":["lst",2,["i32",1,5],["i32",0]]}}',
    '{"18":{"rec":{"2":{"rec":{"1":{"i32":7}}}}}}',
    '{"19":{"map":["dbl","i8",2,{"1.5":1,"Infinity":2}]}}',
    '{"20":{"uid":"00112233-4455-6677-8899-aabbccddeeff"}}',
    '{"21":{"lst":["str",2,"/+8=",""]},"22":{"lst":["tf",2,1,0]}}',
    '{"24":{"str":"x"},"25":{"map":["str","i32",1,{"toString":1}]},"26":{"lst":["i8",2,-1,127]}}',
    "{}",
  ])("%s comes back as it is", (json) => {
    expect(around(json)).toBe(json);
  });

  test.each([
    ["base64 without padding", '{"8":{"str":"AP8"}}', '{"8":{"str":"AP8="}}'],
    ["64 bits as a string", '{"5":{"i64":"12"}}', '{"5":{"i64":12}}'],
    ["NaN as npm's library writes it", '{"6":{"dbl":NaN}}', '{"6":{"dbl":"NaN"}}'],
    [
      "nan and inf as Python's library writes them",
      '{"6":{"dbl":-inf},"19":{"map":["dbl","i8",1,{"inf":2}]}}',
      '{"6":{"dbl":"-Infinity"},"19":{"map":["dbl","i8",1,{"Infinity":2}]}}',
    ],
    [
      "a control character as Python's and npm's libraries write it",
      '{"7":{"str":"\x01\\n"}}',
      '{"7":{"str":"\\u0001\\n"}}',
    ],
    ["a negative number as npm's library writes it", '{"5":{"i64":-034359738368}}', '{"5":{"i64":-34359738368}}'],
    ["white space, and true for 1", ' { "1" : { "tf" : true } } ', '{"1":{"tf":1}}'],
    ["an empty list of any type", '{"11":{"lst":["",0]},"2":{"i8":1}}', '{"2":{"i8":1}}'],
    ["an unknown field", '{"99":{"map":["str","rec",1,{"a":{"1":{"tf":1}}}]},"2":{"i8":1}}', '{"2":{"i8":1}}'],
    ["a field of another type", '{"2":{"str":"a"},"4":{"i32":1}}', '{"4":{"i32":1}}'],
  ])("%s is read", (_, json, expected) => {
    expect(around(json)).toBe(expected);
  });

  test("a body that is one field of a struct stands in that field", () => {
    const point = linkText("test.P", { thrift: "namespace * test\nstruct P { 1: binary data }\nstruct A { 4: P p }" });
    const field = { id: 4, name: "p" };
    const thrift = { ...point.thrift, shape: "arguments" } as const;
    const body = { kind: "field", thrift, field, link: point } as unknown as BodyLink;
    const json = '{"4":{"rec":{"1":{"str":"AP8="}}}}';
    expect(convert("thrift-json", "protobuf", json, body)).toBe("0a0200ff");
    expect(convert("protobuf", "thrift-json", "0a0200ff", body)).toBe(json);
  });
});

test.each([
  ['{"4":{"i32":2147483648}}', "INVALID_ARGUMENT: regular: 2147483648 does not fit i32, at line 1, column 13"],
  ['{\n "2":\n {"i8":"a"}}', "INVALID_ARGUMENT: tiny: expected an integer (int64), at line 3, column 8"],
  ['{"x":{"i8":1}}', "INVALID_ARGUMENT: message: expected a field id, from -32768 to 32767, at line 1, column 2"],
  [
    '{"11":{"lst":["i64",2,1]}}',
    "INVALID_ARGUMENT: numbers: the size is said to be 2, but there are 1, at line 1, column 21",
  ],
  [
    '{"11":[]}',
    `INVALID_ARGUMENT: numbers: expected an object of the field's type and value, as in {"i32":5}, at line 1, column 7`,
  ],
  ['{"8":{"str":"%"}}', "INVALID_ARGUMENT: data: expected base64, at line 1, column 13"],
  [
    '{"20":{"uid":"1"}}',
    "INVALID_ARGUMENT: id: expected a UUID as in 00112233-4455-6677-8899-aabbccddeeff, at line 1, column 14",
  ],
  [
    '{"18":{"rec":{"1":{"i32":1},"2":{"rec":{}}}}}',
    "INVALID_ARGUMENT: choice: more than one member of a union or oneof is set, at line 1, column 14",
  ],
  ["[1]", "INVALID_ARGUMENT: message: expected an object of field ids, at line 1, column 1"],
  ['{"4":{"int":1}}', /"int" is no type; expected one of tf, i8/],
  [`${'{"10":{"rec":'.repeat(100)}`, /nested deeper than/],
])("%.40s is refused with its place", (json, message) => {
  if (typeof message === "string") expect(errorOf(json)).toBe(message);
  else expect(errorOf(json)).toMatch(message);
});

test("JSON has one NaN, so the payload of another becomes that of the usual one", () => {
  const link = linkText("test.D", { thrift: "namespace * test\nstruct D { 1: optional double d }" });
  const bytes = Buffer.from("0400017ff800000000012300", "hex");
  const run = (from: Codec, to: Codec, input: Uint8Array) =>
    Buffer.from(
      compileTranscoder({ kind: "whole", link }, from, to, LIMITS)(input, { unknownFields: 0, duplicates: 0 }),
    );
  for (const json of ["json", "thrift-json"] as const) {
    const text = run("thrift-binary", json, bytes);
    expect(text.toString()).toBe(json === "json" ? '{"d":"NaN"}' : '{"1":{"dbl":"NaN"}}');
    expect(run(json, "thrift-binary", text).toString("hex")).toBe("0400017ff800000000000000");
    expect(run(json, "protobuf", text).toString("hex")).toBe("09000000000000f87f");
  }
});

describe("beside npm thrift's TJSONProtocol", () => {
  // Its types are declared by hand: @types/thrift has none for this protocol.
  const thrift: {
    TBufferedTransport: new (buffer?: undefined, flushed?: (bytes: Buffer) => void) => Transport;
    TJSONProtocol: new (transport: Transport) => Protocol;
    Thrift: { Type: Record<Type, number> };
  } = createRequire(import.meta.url)("thrift");
  interface Transport {
    flush(): void;
    inBuf: Buffer;
    writeCursor: number;
  }
  type Type = "BOOL" | "BYTE" | "I32" | "I64" | "DOUBLE" | "STRING" | "STRUCT" | "MAP" | "LIST";
  type Verb =
    | `write${"Message" | "Struct" | "Field" | "List" | "Map"}${"Begin" | "End"}`
    | `write${"FieldStop" | "Bool" | "Byte" | "I32" | "I64" | "Double" | "String" | "Binary"}`
    | `read${"MessageBegin" | "StructBegin" | "FieldEnd" | "Bool" | "Byte" | "I64" | "Double" | "String" | "Binary"}`;
  type Protocol = Record<Verb, (...values: unknown[]) => unknown> & { readFieldBegin(): { readonly fid: number } };
  const { Type } = thrift.Thrift;

  function written(write: (protocol: Protocol) => void): string {
    const pieces: Buffer[] = [];
    const transport = new thrift.TBufferedTransport(undefined, (bytes) => void pieces.push(bytes));
    const protocol = new thrift.TJSONProtocol(transport);
    protocol.writeMessageBegin("m", 1, 7);
    write(protocol);
    protocol.writeMessageEnd();
    transport.flush();
    const [, body] = /^\[1,"m",1,7,(.*)\]$/s.exec(Buffer.concat(pieces).toString()) ?? [];
    return body ?? "";
  }

  function field(protocol: Protocol, type: Type, id: number, write: () => void): void {
    protocol.writeFieldBegin("", Type[type], id);
    write();
    protocol.writeFieldEnd();
  }

  const sample = (p: Protocol): void => {
    p.writeStructBegin("All");
    field(p, "BOOL", 1, () => p.writeBool(true));
    field(p, "BYTE", 2, () => p.writeByte(-5));
    field(p, "I64", 5, () => p.writeI64(1234567890123));
    field(p, "DOUBLE", 6, () => p.writeDouble(2.5e-7));
    field(p, "STRING", 7, () => p.writeString('a"\\\n é'));
    field(p, "STRING", 8, () => p.writeBinary(Buffer.from([0, 255, 16])));
    field(p, "LIST", 11, () => {
      p.writeListBegin(Type.I64, 2);
      p.writeI64(1);
      p.writeI64(-2);
      p.writeListEnd();
    });
    field(p, "MAP", 13, () => {
      p.writeMapBegin(Type.I64, Type.STRING, 2);
      for (const [key, value] of [
        [5, "five"],
        [6, "six"],
      ]) {
        p.writeI64(key);
        p.writeString(value);
      }
      p.writeMapEnd();
    });
    field(p, "LIST", 23, () => {
      p.writeListBegin(Type.STRUCT, 1);
      p.writeStructBegin("Point");
      field(p, "I32", 1, () => p.writeI32(3));
      p.writeFieldStop();
      p.writeStructEnd();
      p.writeListEnd();
    });
    p.writeFieldStop();
    p.writeStructEnd();
  };

  test("the same values give the same bytes", () => {
    const theirs = written(sample);
    expect(around(theirs)).toBe(theirs);
  });

  test("it reads what is written here", () => {
    const ours = convert("protobuf", "thrift-json", convert("thrift-json", "protobuf", written(sample)));
    const transport = new thrift.TBufferedTransport();
    const message = Buffer.from(`[1,"m",1,7,${ours}]`);
    message.copy(transport.inBuf);
    transport.writeCursor = message.length;
    const p = new thrift.TJSONProtocol(transport);
    expect(p.readMessageBegin()).toMatchObject({ fname: "m", mtype: 1, rseqid: 7 });
    p.readStructBegin();
    const seen: unknown[] = [];
    const readers: Record<number, () => unknown> = {
      1: () => p.readBool(),
      2: () => p.readByte(),
      5: () => String(p.readI64()),
      6: () => p.readDouble(),
      7: () => p.readString(),
      8: () => p.readBinary(),
    };
    for (let i = 0; i < 6; i++) {
      const { fid } = p.readFieldBegin();
      seen.push([fid, readers[fid]?.()]);
      p.readFieldEnd();
    }
    expect(seen).toEqual([
      [1, true],
      [2, -5],
      [5, "1234567890123"],
      [6, 2.5e-7],
      [7, 'a"\\\n é'],
      [8, Buffer.from([0, 255, 16])],
    ]);
  });
});

describe("thrift-simplejson", () => {
  test("fields stand by name, containers without types, bools as 1 and 0, binary as base64, 64 bits exact", () => {
    const log = linkText("test.Log", {
      thrift: `namespace * test
        struct Log { 1: optional bool truth; 2: optional i64 large; 3: optional double real; 4: optional binary data; 5: optional Log inner;
          6: optional list<i64> numbers; 7: optional map<i64, string> names; 8: optional map<string, Log> logs; 9: optional uuid id }`,
    });
    const json =
      '{"1":{"tf":1},"2":{"i64":9007199254740993},"3":{"dbl":"NaN"},"4":{"str":"AP8="},"5":{"rec":{"1":{"tf":0}}},' +
      '"6":{"lst":["i64",2,1,2]},"7":{"map":["i64","str",1,{"5":"a"}]},"8":{"map":["str","rec",1,{"__proto__":{}}]},' +
      '"9":{"uid":"00112233-4455-6677-8899-aabbccddeeff"}}';
    expect(convert("thrift-json", "thrift-simplejson", json, log)).toBe(
      '{"truth":1,"large":9007199254740993,"real":"NaN","data":"AP8=","inner":{"truth":0},"numbers":[1,2],' +
        '"names":{"5":"a"},"logs":{"__proto__":{}},"id":"00112233-4455-6677-8899-aabbccddeeff"}',
    );
  });

  test("a map with keys that no JSON object can have is refused, and so is reading", () => {
    expect(() => convert("thrift-json", "thrift-simplejson", '{"16":{"map":["rec","i32",1,{{}:3}]}}')).toThrow(
      "byPoint: a map whose keys are structs or containers cannot be written as simple JSON",
    );
    expect(() => convert("thrift-simplejson", "json", "{}")).toThrow("thrift-simplejson is only written");
  });
});
