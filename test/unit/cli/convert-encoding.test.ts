import { expect, test } from "vitest";
import { createTextDecoding, decodeText, encodeText } from "../../../src/cli/convert-encoding.ts";

test.each([
  ["white space and either case", "0a 0B\n\t0c", "0a0b0c"],
  ["a list as programs write it", "0x0a, 0x0B,\n0x0c", "0a0b0c"],
  ["escapes", "\\x0a\\x0b", "0a0b"],
  [
    "xxd, whose text may look like bytes",
    "00000000: 0a0b 0c0d 6162  ....ab\r\n00000006: ff         .\n",
    "0a0b0c0d6162ff",
  ],
  [
    "hexdump -C with its last offset",
    "00000000  0a 0b 0c 0d 61 62 63 64  65 66 67 68 69 6a 6b 6c  |....abcdefghijkl|\n00000010  ff        |.|\n00000011\n",
    "0a0b0c0d6162636465666768696a6b6cff",
  ],
  ["nothing", "\n", ""],
])("hexadecimal may be %s", (_, text, expected) => {
  expect(decodeText(text, "hex").toString("hex")).toBe(expected);
});

test.each([
  ["0a 0g", "the input is not hex: expected two hexadecimal digits, at line 1, column 5"],
  ["0a\n0b c", "the input is not hex: half a byte is missing, at line 2, column 4"],
  ["0x0a,\n0xzz", "the input is not hex: expected two hexadecimal digits, at line 2, column 3"],
  ["00000000: 0a\n*\n", "the input is not a hex dump as its first line is, at line 2; dump with -v"],
])("%j is refused with line and column", (text, message) => {
  expect(() => decodeText(text, "hex")).toThrow(message);
});

test.each([
  ["AP8=", "00ff"],
  ["AP8", "00ff"],
  ["_-8", "ffef"],
  ["AA\nECAw==\n", "00010203"],
])("base64 may be padded or not, of either alphabet, and wrapped: %j", (text, expected) => {
  expect(decodeText(text, "base64").toString("hex")).toBe(expected);
});

test.each([
  ["AP*8", 'the input is not base64: "*" at line 1, column 3'],
  ["AP8=\nAA", 'the input is not base64: "A" at line 2, column 1'],
  ["AP8=A", 'the input is not base64: "=" at line 1, column 4'],
  ["AAAAA", "the input is not base64: line 1 lacks its end"],
])("%j is no base64", (text, message) => {
  expect(() => decodeText(text, "base64")).toThrow(message);
});

test("lines are decoded as they come, however the pieces are cut", () => {
  for (const [encoding, text] of [
    ["hex", "0a0b\n\n0c\n0d"],
    ["base64", "Cgs=\nDA==\nDQ=="],
  ] as const) {
    const decoding = createTextDecoding(encoding, 100);
    const pieces = [...text].map((letter) => decoding.push(Buffer.from(letter)));
    expect(Buffer.concat([...pieces, decoding.finish()]).toString("hex")).toBe("0a0b0c0d");
  }
});

test("errors in a stream name the line, and a line without end is refused", () => {
  const decoding = createTextDecoding("hex", 10);
  decoding.push(Buffer.from("0a\n0b\n"));
  expect(() => decoding.push(Buffer.from("xx\n"))).toThrow("at line 3, column 1");
  const endless = createTextDecoding("base64", 10);
  endless.push(Buffer.from("AAAA\n"));
  expect(() => endless.push(Buffer.from("A".repeat(11)))).toThrow("line 2 has over 10 bytes");
});

test("what is written is a line per message, and raw bytes as they are", () => {
  expect(encodeText(Uint8Array.of(0, 255), "hex").toString()).toBe("00ff\n");
  expect(encodeText(Uint8Array.of(0, 255), "base64").toString()).toBe("AP8=\n");
  expect(encodeText(Uint8Array.of(0, 255), "raw")).toEqual(Uint8Array.of(0, 255));
});
