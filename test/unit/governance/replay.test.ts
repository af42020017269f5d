import { expect, test } from "vitest";
import { createReplay } from "../../../src/governance/replay.ts";
import type { Payload } from "../../../src/rpc/call.ts";

const payloadOf = (bytes: Uint8Array): Payload => ({ type: undefined, codec: "protobuf", bytes });

/** A source that counts how many of its messages have been asked for. */
function sourceOf(sizes: readonly number[]) {
  const source = { asked: 0, messages };
  async function* messages(): AsyncGenerator<Payload> {
    for (const [i, size] of sizes.entries()) {
      source.asked++;
      yield payloadOf(Buffer.alloc(size, i));
    }
  }
  return source;
}

async function read(messages: AsyncIterable<Payload>, most = Number.POSITIVE_INFINITY): Promise<number[]> {
  const seen: number[] = [];
  const steps = messages[Symbol.asyncIterator]();
  while (seen.length < most) {
    const { done, value } = await steps.next();
    if (done) break;
    seen.push(value.bytes[0] ?? -1);
  }
  return seen;
}

test("each attempt gets all messages from the first on, and the source is asked for each once", async () => {
  const source = sourceOf([1, 1, 1, 1]);
  const replay = createReplay(source.messages());
  expect(await read(replay.messages(), 1)).toEqual([0]);
  expect(await read(replay.messages(), 3)).toEqual([0, 1, 2]);
  expect(source.asked).toBe(3);
  expect(await read(replay.messages())).toEqual([0, 1, 2, 3]);
  expect(replay.isWhole()).toBe(true);
});

test("a message that one attempt waited for goes to the next", async () => {
  const arrived = Promise.withResolvers<void>();
  async function* late(): AsyncGenerator<Payload> {
    await arrived.promise;
    yield payloadOf(Uint8Array.of(7));
  }
  const replay = createReplay(late());
  void replay.messages()[Symbol.asyncIterator]().next();
  const second = read(replay.messages());
  arrived.resolve();
  expect(await second).toEqual([7]);
});

test("what is released is not kept, and the attempt that goes on misses nothing of what it has not read", async () => {
  const replay = createReplay(sourceOf([1, 1, 1, 1]).messages());
  await read(replay.messages(), 3);
  const second = replay.messages();
  expect(await read(second, 1)).toEqual([0]);
  replay.release();
  expect(replay.isWhole()).toBe(false);
  expect(await read(second)).toEqual([1, 2, 3]);
});

test("with more than 64 KiB, or 64 messages, there is no other attempt", async () => {
  const large = createReplay(sourceOf([40_000, 30_000, 1]).messages());
  const attempt = large.messages();
  await read(attempt, 1);
  expect(large.isWhole()).toBe(true);
  await read(attempt, 1);
  expect(large.isWhole()).toBe(false);
  expect(await read(attempt)).toEqual([2]);
  const many = createReplay(sourceOf(Array.from({ length: 100 }, () => 1)).messages());
  expect(await read(many.messages())).toHaveLength(100);
  expect(many.isWhole()).toBe(false);
});
