import fc from "fast-check";
import { expect, test } from "vitest";
import { createSplitter, type Delimiter, delimit } from "../../../src/cli/convert-delimited.ts";

const delimiters: readonly Delimiter[] = ["varint", "framed", "line"];

/** What the splitter finds in a stream that comes in pieces of these sizes, over and over. */
function split(stream: Uint8Array, delimiter: Delimiter, sizes: readonly number[], maxBytes = 1000) {
  const splitter = createSplitter(delimiter, maxBytes);
  const found: { readonly text: string; readonly number: number; readonly at: number; readonly line: number }[] = [];
  const keep = (messages: ReturnType<typeof splitter.push>): void => {
    for (const { bytes, ...rest } of messages) found.push({ text: Buffer.from(bytes).toString("latin1"), ...rest });
  };
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    keep(splitter.push(stream.subarray(at, at + size)));
    at += size;
  }
  keep(splitter.finish());
  return found;
}

test.each(delimiters)("a stream of %s messages is cut the same way however it arrives", (delimiter) => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", '"', "{"),
    minLength: delimiter === "line" ? 1 : 0,
    maxLength: 300,
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), sizes, (texts, pieces) => {
      const frames = texts.map((each) => delimit(Buffer.from(each), delimiter));
      const found = split(Buffer.concat(frames), delimiter, pieces);
      expect(found.map((each) => each.text)).toEqual(texts);
      let start = 0;
      for (const [i, each] of found.entries()) {
        const frame = frames[i] ?? new Uint8Array(0);
        const behind = delimiter === "line" ? 1 : 0;
        expect(each).toMatchObject({ number: i + 1, at: start + frame.length - behind - each.text.length });
        start += frame.length;
      }
    }),
  );
});

test("lengths are varints as Protobuf writes them, or u32 as Thrift's framed transport does", () => {
  const bytes = new Uint8Array(300);
  expect([...delimit(bytes, "varint").subarray(0, 2)]).toEqual([0xac, 2]);
  expect([...delimit(bytes, "framed").subarray(0, 4)]).toEqual([0, 0, 1, 44]);
});

test("blank lines are no messages but count as lines, and the last line needs no end", () => {
  expect(split(Buffer.from("a\n\n \r\nb"), "line", [2])).toEqual([
    { text: "a", number: 1, at: 0, line: 1 },
    { text: "b", number: 2, at: 6, line: 4 },
  ]);
});

test.each<[string, Delimiter, number[], string]>([
  [
    "ends inside a message",
    "varint",
    [1, 97, 5, 98],
    "message 2, at byte 2: the input ends after 2 bytes of 6 with its length",
  ],
  ["ends inside a length", "framed", [0, 0], "message 1, at byte 0: the input ends after 2 bytes of its length"],
  [
    "has a length that is no varint",
    "varint",
    Array(11).fill(255),
    "message 1, at byte 0: its length is a varint longer than 10 bytes",
  ],
  [
    "has a message above the limit",
    "framed",
    [127, 0, 0, 0],
    "message 1, at byte 0: 2130706432 bytes pass the limit of 1000 bytes",
  ],
  [
    "has a line above the limit",
    "line",
    Array(1001).fill(97),
    "message 1, at byte 0: 1001 bytes pass the limit of 1000 bytes",
  ],
])("a stream that %s is refused with the message's number and offset", (_, delimiter, bytes, message) => {
  expect(() => split(Uint8Array.from(bytes), delimiter, [3])).toThrow(message);
});
