import { expect, test } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { compileFieldReader } from "../../../src/codec/read-field.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { MessageType } from "../../../src/schema/model.ts";
import { LIMITS, linkText } from "./idl-link.ts";

const IDL = `namespace * test
enum Color { RED = 1, BLUE = 2 }
struct Deep { 1: map<string, list<i64>> noise, 2: bool flag, 7: i64 big, 300: string far }
struct Outer {
  1: list<Deep> before, 2: double weight, 3: set<bool> bits, 4: string name, 5: Deep deep, 6: i32 count, 7: Color color,
  8: bool on, 9: binary blob, 10: i16 small, 11: i8 tiny, 12: map<i32, Deep> maps
}`;
const link = linkText("test.Outer", { thrift: IDL });
const CODECS = ["thrift-binary", "thrift-compact", "protobuf", "json", "thrift-json"] as const;
const deep = { noise: {}, flag: true, big: "-9007199254740995", far: "ünï" };
const value = {
  before: [deep, { ...deep, far: "wrong" }],
  weight: 1.5,
  bits: [true, false],
  name: "tea",
  deep,
  count: -3,
  color: "BLUE",
  on: true,
  blob: "AAAA",
  small: 7,
  tiny: -1,
  maps: { 4: deep },
};

function encoded(codec: Codec, message: object = value): Uint8Array {
  const json = Buffer.from(JSON.stringify(message));
  if (codec === "json") return json;
  return compileTranscoder({ kind: "whole", link }, "json", codec, LIMITS)(json, { unknownFields: 0, duplicates: 0 });
}

function typeOf(codec: Codec): MessageType {
  return codec === "protobuf" || codec === "json" ? link.protobuf : link.thrift;
}

function read(codec: Codec, path: string, bytes = encoded(codec)): string | undefined {
  const reader = compileFieldReader(typeOf(codec), path, codec);
  if (!reader) throw new Error(`no field ${path}`);
  return reader(bytes);
}

test.each(CODECS)("reads fields of each kind and depth from %s", (codec) => {
  const paths = ["name", "deep.far", "deep.big", "deep.flag", "count", "color", "on", "small", "tiny"];
  expect(paths.map((path) => read(codec, path))).toEqual([
    "tea",
    "ünï",
    "-9007199254740995",
    "true",
    "-3",
    "BLUE",
    "true",
    "7",
    "-1",
  ]);
});

test.each(CODECS)("a field that a message of %s does not have is undefined", (codec) => {
  const bytes = encoded(codec, { weight: 2 });
  expect(read(codec, "deep.far", bytes)).toBeUndefined();
});

test.each(CODECS)("cut or changed bytes of %s never throw, and never read beyond the end", (codec) => {
  const bytes = encoded(codec);
  for (let end = 0; end < bytes.length; end++)
    expect(() => read(codec, "deep.far", bytes.subarray(0, end))).not.toThrow();
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    for (const byte of [0, 0xff, changed[at]! ^ 0x10]) {
      changed[at] = byte;
      expect(() => read(codec, "deep.far", changed)).not.toThrow();
    }
  }
});

test("values of more than 1 KiB count as absent", () => {
  for (const codec of CODECS) {
    expect(read(codec, "name", encoded(codec, { name: "x".repeat(1_024) }))).toHaveLength(1_024);
    expect(read(codec, "name", encoded(codec, { name: "x".repeat(1_025) }))).toBeUndefined();
  }
});

test("there is no reader of what is no field, no scalar, or binary", () => {
  for (const path of ["nothing", "name.more", "deep", "before", "weight", "blob", "before.far"]) {
    expect(compileFieldReader(link.thrift, path, "thrift-binary")).toBeUndefined();
  }
});

test("occurrences of a Protobuf message merge: the last one that has the field counts", () => {
  const reader = compileFieldReader(link.protobuf, "deep.far", "protobuf")!;
  const parts = [encoded("protobuf", { deep: { far: "a" } }), encoded("protobuf", { deep: { far: "b" } })];
  expect(reader(Buffer.concat([...parts, encoded("protobuf", { deep: { flag: true } })]))).toBe("b");
});
