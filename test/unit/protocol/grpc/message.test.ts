import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageCollector, writeMessage } from "../../../../src/protocol/grpc/message.ts";

function collect(data: Uint8Array, size: number, maxMessageBytes = 1_000_000): Uint8Array | undefined {
  const collector = new MessageCollector(maxMessageBytes);
  for (let at = 0; at < data.length; at += size) collector.push(data.subarray(at, at + size));
  return collector.finish()?.bytes;
}

test("a message comes whole from pieces of any size, also byte by byte, also empty", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.integer({ min: 1, max: 700 }), (bytes, size) => {
      expect(Buffer.compare(collect(writeMessage(bytes), size)!, bytes)).toBe(0);
    }),
  );
  expect(collect(writeMessage(Buffer.from("hello")), 1)).toEqual(Buffer.from("hello"));
});

test("a message in one piece is a view of it; a large one in many is gathered", () => {
  const data = writeMessage(Buffer.from("hello"));
  expect(collect(data, 100)?.buffer).toBe(data.buffer);
  const large = Buffer.alloc(900_000, 3);
  expect(large.equals(collect(writeMessage(large), 1_000)!)).toBe(true);
});

test("a large message that came behind its prefix is sent as it stands, and only with the same flag", () => {
  const data = writeMessage(Buffer.alloc(5_000, 7));
  const message = collect(data, data.length)!;
  const again = writeMessage(message);
  expect(again.buffer).toBe(data.buffer);
  expect(Buffer.compare(again, data)).toBe(0);
  const compressed = writeMessage(message, true);
  expect(compressed.buffer).not.toBe(data.buffer);
  expect(compressed[0]).toBe(1);
  // Another length stands before this view.
  const part = writeMessage(message.subarray(0, 4_500));
  expect(part.buffer).not.toBe(data.buffer);
  expect(Buffer.from(part).readUInt32BE(1)).toBe(4_500);
});

test("no data is no message", () => {
  expect(new MessageCollector(10).finish()).toBeUndefined();
});

describe("is refused", () => {
  test.each([
    ["a message above the limit, by its length alone", [0, 0, 0, 0, 11], "RESOURCE_EXHAUSTED"],
    ["a length with the highest bit", [0, 0xff, 0xff, 0xff, 0xff], "RESOURCE_EXHAUSTED"],
    ["a compressed message", [1, 0, 0, 0, 1, 7], "INTERNAL"],
    ["an unknown flag", [0x80, 0, 0, 0, 1, 7], "INTERNAL"],
    ["a second message", [0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0], "UNIMPLEMENTED"],
    ["a message cut short", [0, 0, 0, 0, 2, 7], "INTERNAL"],
    ["a prefix cut short", [0, 0, 0], "INTERNAL"],
  ])("%s", (_name, bytes, code) => {
    for (const size of [1, 3, 100]) {
      expect(() => collect(Buffer.from(bytes), size, 10)).toThrow(expect.objectContaining({ name: "RpcError", code }));
    }
  });
});
