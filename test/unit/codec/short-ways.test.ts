// What the engine's short ways could get wrong and the interpreter, which has none, cannot: `translate` compares the two.
import { describe, expect, test } from "vitest";
import { bothTexts, linkText, translate, translateError } from "./idl-link.ts";

const T = "thrift-binary";
const P = "protobuf";

const hexOf = (value: bigint | number, bytes: number): string =>
  BigInt.asUintN(bytes * 8, BigInt(value))
    .toString(16)
    .padStart(bytes * 2, "0");
const i64Field = (id: number, value: bigint): string => `0a${hexOf(id, 2)}${hexOf(value, 8)}`;
const textField = (id: number, text: Buffer): string =>
  `0b${hexOf(id, 2)}${hexOf(text.length, 4)}${text.toString("hex")}`;

describe("fields that come as the table has them, or otherwise", () => {
  const link = linkText("test.Row", {
    thrift: "namespace * test\nstruct Row { 1: i64 a; 2: string b; 3: i64 c; 40: i64 d }",
  });
  const [a, b, c, d] = [i64Field(1, 1n), textField(2, Buffer.from("b")), i64Field(3, 3n), i64Field(40, 4n)];
  const unknown = i64Field(9, 9n);

  test.each([
    [[a, b, c, d]],
    [[a, d]],
    [[d, c, b, a]],
    [[b, a, d, c]],
    [[unknown, a, unknown, b, c, unknown]],
    [[a, b, a, c]],
    [[d, unknown, d]],
  ])("%j reach Protobuf, and come back in the order of their ids", (fields) => {
    const known = new Set(fields.filter((field) => field !== unknown));
    const there = translate(link, T, P, `${fields.join("")}00`);
    const back = translate(link, P, T, there.hex);
    expect(there.losses.unknownFields).toBe(fields.filter((field) => field === unknown).length);
    expect(there.losses.duplicates).toBe(fields.length - there.losses.unknownFields - known.size);
    expect(back.hex).toBe(`${[a, b, c, d].filter((field) => known.has(field)).join("")}00`);
  });
});

test("a struct of more fields than the short way knows may stand inside one of few, and back", () => {
  const fields = Array.from({ length: 70 }, (_, i) => `${i + 1}: i64 f${i + 1}`).join("; ");
  const link = linkText("test.Outer", {
    thrift: `namespace * test\nstruct Wide { ${fields} }\nstruct Outer { 1: i64 a; 2: Wide b; 3: list<Wide> c; 4: i64 d }`,
  });
  const wide = `${Array.from({ length: 70 }, (_, i) => i64Field(i + 1, BigInt(i + 1))).join("")}00`;
  const outer = `${i64Field(1, 5n)}0c0002${wide}0f00030c00000002${wide}${wide}${i64Field(4, 6n)}00`;
  expect(translate(link, P, T, translate(link, T, P, outer).hex).hex).toBe(outer);
});

test("the keys of Protobuf that take two bytes are told from those that take one", () => {
  const link = linkText(
    "test.Keys",
    bothTexts(
      "struct Keys { 1: string a; 2: string b; 16: string c; 17: string d }",
      "message Keys { string a = 1; string b = 2; string c = 16; string d = 17; }",
    ),
  );
  const message = [1, 2, 16, 17].map((id) => textField(id, Buffer.from(`t${id}`))).join("");
  expect(translate(link, P, T, translate(link, T, P, `${message}00`).hex).hex).toBe(`${message}00`);
  // Field 16 in more bytes than it needs.
  expect(translate(link, P, T, "0a0161 828100 0163").hex).toBe(translate(link, P, T, "0a0161 8201 0163").hex);
});

test("integers of every length of varint pass both ways", () => {
  const link = linkText("test.One", { thrift: "namespace * test\nstruct One { 1: optional i64 a }" });
  for (let bit = 0n; bit < 64n; bit++) {
    for (const value of [(1n << bit) - 1n, 1n << bit, -(1n << bit)]) {
      const message = `${i64Field(1, value)}00`;
      expect(translate(link, P, T, translate(link, T, P, message).hex).hex).toBe(message);
    }
  }
});

test("text of any length passes both ways, all ASCII or with one other character anywhere", () => {
  const link = linkText("test.Text", {
    thrift: "namespace * test\nstruct Text { 1: optional string a; 2: optional binary b }",
  });
  for (let length = 0; length < 70; length++) {
    const plain = Buffer.from("abcdefghijklmnopqrstuvwxyz".repeat(3).slice(0, length));
    const mixed = Buffer.from(`${plain.subarray(0, length >> 1)}ü${plain.subarray(length >> 1)}`);
    for (const text of [plain, mixed]) {
      // What stands behind the text is not ASCII.
      const message = `${textField(1, text)}${textField(2, Buffer.alloc(20, 0xff))}00`;
      expect(translate(link, P, T, translate(link, T, P, message).hex).hex).toBe(message);
    }
  }
});

describe("one character among many of three bytes", () => {
  const link = linkText("test.Text", { thrift: "namespace * test\nstruct Text { 1: optional string a }" });
  const among = (i: number, character: string): string =>
    textField(1, Buffer.from(`${"e58c85".repeat(i)}${character}${"e8a3b9".repeat(20 - i)}`, "hex"));

  test.each(["61", "c3bc", "f09f9880", "e0a080", "ed9fbf"])("passes wherever it stands: %s", (character) => {
    for (let i = 0; i <= 20; i++) {
      const message = `${among(i, character)}00`;
      expect(translate(link, P, T, translate(link, T, P, message).hex).hex).toBe(message);
    }
  });

  test.each(["eda080", "e09fbf", "e58c", "8c", "f5808080"])("is refused where it stands: %s", (character) => {
    for (let i = 0; i <= 20; i++) {
      const message = translateError(link, T, P, `${among(i, character)}00`);
      expect(message).toBe(`a: the text is not valid UTF-8, at byte ${7 + 3 * i}`);
    }
  });
});
