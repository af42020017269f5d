import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteGatherer } from "../../../src/base/bytes.ts";

test("gathers pieces of any sizes in order, with and without knowing how many there will be", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 2_000 })),
      fc.option(fc.nat(100_000), { nil: undefined }),
      (pieces, expected) => {
        const gatherer = new ByteGatherer();
        for (const piece of pieces) gatherer.append(piece, expected);
        expect(Buffer.compare(gatherer.take(), Buffer.concat(pieces))).toBe(0);
        expect(gatherer.length).toBe(0);
      },
    ),
  );
});

test("an announced size alone reserves no more than 256 KiB", () => {
  const gatherer = new ByteGatherer();
  gatherer.append(Buffer.of(1), 1_000_000_000);
  expect(gatherer.bytes.buffer.byteLength).toBe(256 * 1024);
});

test("an announced size within reason is taken at once and exactly", () => {
  const gatherer = new ByteGatherer();
  for (let i = 0; i < 1_000; i++) gatherer.append(Buffer.of(i), 1_000);
  expect(gatherer.bytes.buffer.byteLength).toBe(1_000);
});

test("what is truncated is gone", () => {
  const gatherer = new ByteGatherer();
  gatherer.append(Buffer.from("hello"));
  gatherer.truncate(2);
  gatherer.append(Buffer.from("y"));
  expect(Buffer.from(gatherer.take()).toString()).toBe("hey");
});
