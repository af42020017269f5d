import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTextReader, textBytes, writeText } from "../../../src/base/short-text.ts";

const TEXTS = ["", "echo", "x".repeat(64), "x".repeat(65), "é", `${"x".repeat(63)}é`, "\u{1f600}", "\ufffd", "a\0b"];

describe("writing", () => {
  test.each(TEXTS)("%j is the same as Node's UTF-8, and its size is known before", (text) => {
    const expected = Buffer.from(text);
    const out = Buffer.alloc(expected.length + 2, 0xee);
    expect(textBytes(text)).toBe(expected.length);
    expect(writeText(out, text, 1)).toBe(1 + expected.length);
    expect(out).toEqual(Buffer.concat([Buffer.of(0xee), expected, Buffer.of(0xee)]));
  });
});

describe("reading", () => {
  test.each(TEXTS)("%j comes back the first time and every time", (text) => {
    const read = createTextReader();
    const bytes = Buffer.concat([Buffer.from("<<"), Buffer.from(text), Buffer.from(">>")]);
    for (let i = 0; i < 3; i++) expect(read(bytes, 2, bytes.length - 2)).toBe(text);
  });

  test("bytes that are no UTF-8 are never taken for the text that stands for them", () => {
    const read = createTextReader();
    const [bad, replaced] = [Buffer.of(0x61, 0xff), Buffer.from("a\ufffd")];
    for (let i = 0; i < 2; i++) {
      expect(read(bad, 0, bad.length)).toBe("a\ufffd");
      expect(read(replaced, 0, replaced.length)).toBe("a\ufffd");
    }
  });

  test("texts that share a place do not become each other", () => {
    const read = createTextReader();
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 4 }), { maxLength: 400 }), (texts) => {
        for (const text of texts) {
          const bytes = Buffer.from(text);
          expect(read(bytes, 0, bytes.length)).toBe(bytes.toString());
        }
      }),
    );
  });
});
