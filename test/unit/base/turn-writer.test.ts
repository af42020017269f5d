import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { TurnWriter } from "../../../src/base/turn-writer.ts";

function recorder() {
  const written: string[] = [];
  const confirm: (() => void)[] = [];
  const writer = new TurnWriter({
    write(bytes, done) {
      written.push(Buffer.from(bytes).toString());
      if (done) confirm.push(() => done());
    },
  });
  return { written, confirm, writer };
}

test("what one turn of the event loop writes leaves in one piece, in order", async () => {
  const { written, writer } = recorder();
  for (const text of ["a", "b", "c"]) writer.write(Buffer.from(text));
  expect(written).toEqual([]);
  await nextTurn();
  expect(written).toEqual(["abc"]);
  writer.write(Buffer.from("d"));
  await nextTurn();
  expect(written).toEqual(["abc", "d"]);
});

test("a flush writes at once, and nothing is written twice", async () => {
  const { written, writer } = recorder();
  writer.write(Buffer.from("a"));
  writer.flush();
  writer.flush();
  await nextTurn();
  expect(written).toEqual(["a"]);
});

test("large writes are not joined, and keep their place", async () => {
  const { written, writer } = recorder();
  writer.write(Buffer.from("a"));
  writer.write(Buffer.alloc(70_000, "b"));
  writer.write(Buffer.from("c"));
  await nextTurn();
  expect(written.map((text) => `${text.length}${text[0]}`)).toEqual(["1a", "70000b", "1c"]);
});

test("each writer is told when what it wrote was written", async () => {
  const { writer, confirm } = recorder();
  const told: string[] = [];
  writer.write(Buffer.from("a"), () => told.push("a"));
  writer.write(Buffer.from("b"));
  writer.write(Buffer.from("c"), () => told.push("c"));
  await nextTurn();
  expect(told).toEqual([]);
  for (const done of confirm) done();
  expect(told).toEqual(["a", "c"]);
});

test("what is written now leaves behind what waits", async () => {
  const { written, writer } = recorder();
  writer.writeNow(Buffer.from("a"));
  writer.write(Buffer.from("b"));
  writer.writeNow(Buffer.from("c"));
  expect(written).toEqual(["a", "bc"]);
  await nextTurn();
  expect(written).toEqual(["a", "bc"]);
});
