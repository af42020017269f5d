import { expect, test } from "vitest";
import { createBase64Decoder } from "../../../../src/protocol/http/base64-stream.ts";

/** What comes of pieces of a body. */
function decode(...pieces: readonly string[]): string {
  const decoder = createBase64Decoder();
  const bytes = pieces.map((piece) => decoder.push(Buffer.from(piece)));
  return Buffer.concat([...bytes, decoder.finish()]).toString();
}

test("a body may be cut anywhere", () => {
  const whole = Buffer.from("any carnal pleasure").toString("base64");
  for (let cut = 0; cut <= whole.length; cut++) {
    expect(decode(whole.slice(0, cut), whole.slice(cut))).toBe("any carnal pleasure");
  }
});

test("pieces may each be padded, or the last one not at all", () => {
  expect(decode("YQ==", "YmI=", "Y2Nj", "ZA")).toBe("abbcccd");
  expect(decode("YQ==YmI=Y2NjZA==")).toBe("abbcccd");
});

test("white space does not count", () => {
  expect(decode("Y\r\nW", " Jj\n")).toBe("abc");
});

test.each([["!!!!"], ["@@@"], ["Y"], ["YQ="], ["=YQ="], ["Y==="], ["Y=Q="], ["YQ==Y"]])(
  "%s is INVALID_ARGUMENT",
  (text) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  },
);
