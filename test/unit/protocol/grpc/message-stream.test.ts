import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { writeMessage } from "../../../../src/protocol/grpc/message.ts";
import { MessageStream, type MessageStreamOptions } from "../../../../src/protocol/grpc/message-stream.ts";
import type { Payload } from "../../../../src/rpc/call.ts";

function setUp(changes: Partial<MessageStreamOptions> = {}) {
  const told = { consumed: 0, taken: 0, done: 0 };
  const stream = new MessageStream({
    type: undefined,
    compression: undefined,
    maxMessageBytes: 1_000_000,
    consumed(bytes) {
      told.consumed += bytes;
    },
    taken(bytes) {
      told.taken += bytes;
    },
    done() {
      told.done++;
    },
    ...changes,
  });
  return { stream, told };
}

const message = (text: string): Uint8Array => writeMessage(Buffer.from(text));
const textOf = (payload: Payload | undefined): string | undefined => payload && Buffer.from(payload.bytes).toString();

async function readAll(stream: MessageStream): Promise<Buffer[]> {
  const bodies: Buffer[] = [];
  for await (const { bytes } of stream) bodies.push(Buffer.from(bytes));
  return bodies;
}

async function failureOf(stream: MessageStream): Promise<unknown> {
  return readAll(stream).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("messages come whole and in order from pieces of any size, before and while they are read", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 3_000 }),
      fc.boolean(),
      async (bodies, size, early) => {
        const { stream, told } = setUp();
        const data = Buffer.concat(bodies.map((body) => writeMessage(body)));
        const read = early ? readAll(stream) : undefined;
        for (let at = 0; at < data.length; at += size) {
          stream.push(data.subarray(at, at + size));
          if (early) await Promise.resolve();
        }
        stream.end();
        expect(await (read ?? readAll(stream))).toEqual(bodies.map((body) => Buffer.from(body)));
        expect(told).toEqual({ consumed: data.length, taken: data.length - 5 * bodies.length, done: 1 });
      },
    ),
  );
});

test("bytes are given back when their message is read, and not before", () => {
  const { stream, told } = setUp();
  stream.push(message("one"));
  stream.push(message("three"));
  expect(told.consumed).toBe(0);
  expect(textOf(stream.poll())).toBe("one");
  expect(told.consumed).toBe(8);
  expect(textOf(stream.poll())).toBe("three");
  expect(stream.poll()).toBeUndefined();
  expect(told.consumed).toBe(18);
});

test("bytes of a message that a reader waits for are given back at once, for the rest of it to come", async () => {
  const { stream, told } = setUp();
  const data = Buffer.concat([message("a".repeat(100)), message("b")]);
  stream.push(data.subarray(0, 50));
  const next = stream.next();
  expect(told.consumed).toBe(50);
  stream.push(data.subarray(50, 80));
  expect(told.consumed).toBe(80);
  stream.push(data.subarray(80));
  expect((await next).value?.bytes).toHaveLength(100);
  expect(told.consumed).toBe(105);
  expect(textOf(stream.poll())).toBe("b");
  expect(told.consumed).toBe(data.length);
});

test("a message in one piece is a view of it; what waits for long holds no more memory than it is", () => {
  const { stream } = setUp();
  const data = message("hello");
  stream.push(data);
  expect(stream.poll()?.bytes.buffer).toBe(data.buffer);
  const large = Buffer.concat([message("a"), Buffer.alloc(60_000)]);
  stream.push(large.subarray(0, 6));
  stream.push(message("b"));
  expect(stream.poll()?.bytes.buffer).not.toBe(large.buffer);
});

test("the flag says which messages are compressed, if the headers have said with what", async () => {
  const { stream } = setUp({ compression: "gzip" });
  stream.push(writeMessage(Buffer.from("x"), true));
  stream.push(message("y"));
  expect(stream.poll()).toMatchObject({ compression: "gzip" });
  expect(stream.poll()).not.toHaveProperty("compression");
  const plain = setUp();
  plain.stream.push(writeMessage(Buffer.from("x"), true));
  expect(await failureOf(plain.stream)).toMatchObject({ code: "INTERNAL" });
});

describe("the reader is told", () => {
  test.each([
    ["of a message above the limit", Buffer.from([0, 0, 0, 0, 11]), "RESOURCE_EXHAUSTED"],
    ["of an unknown flag", Buffer.from([2, 0, 0, 0, 0]), "INTERNAL"],
    ["of a message cut short", Buffer.from([0, 0, 0, 0, 2, 7]), "INTERNAL"],
    ["of a prefix cut short", Buffer.from([0, 0]), "INTERNAL"],
  ])("%s, behind the messages before it", async (_name, bytes, code) => {
    const { stream, told } = setUp({ maxMessageBytes: 10 });
    stream.push(message("one"));
    stream.push(bytes);
    stream.end();
    expect(textOf(stream.poll())).toBe("one");
    expect(await failureOf(stream)).toMatchObject({ name: "RpcError", code });
    expect(told).toMatchObject({ done: 1 });
  });

  test("how the stream ended, behind its messages", async () => {
    const { stream } = setUp();
    stream.push(message("one"));
    stream.end(new RpcError("ABORTED", ""));
    expect(textOf((await stream.next()).value)).toBe("one");
    await expect(stream.next()).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("at once when it is aborted, and what waits is dropped and given back", async () => {
    const { stream, told } = setUp();
    stream.push(message("one"));
    stream.abort(new RpcError("CANCELLED", ""));
    await expect(stream.next()).rejects.toMatchObject({ code: "CANCELLED" });
    expect(told).toEqual({ consumed: 8, taken: 0, done: 1 });
    stream.push(message("two"));
    expect(told.consumed).toBe(16);
    const waiting = setUp().stream;
    const next = waiting.next();
    waiting.abort(new RpcError("CANCELLED", ""));
    await expect(next).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

test("a reader that stops early lets the rest pass, which is given back", async () => {
  const { stream, told } = setUp();
  stream.push(message("one"));
  stream.push(message("two"));
  for await (const _ of stream) break;
  stream.push(message("three"));
  expect(told).toEqual({ consumed: 26, taken: 3, done: 1 });
});

test("what is held of messages that are not whole is bounded by the budget, and given back to it", async () => {
  let held = 0;
  const budget = {
    take(bytes: number) {
      if (held + bytes > 100) return false;
      held += bytes;
      return true;
    },
    give(bytes: number) {
      held -= bytes;
    },
  };
  const { stream } = setUp({ budget });
  const data = message("a".repeat(150));
  const next = stream.next();
  stream.push(data.subarray(0, 90));
  expect(held).toBe(90);
  stream.push(data.subarray(90, 120));
  await expect(next).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect(held).toBe(0);
  const { stream: other } = setUp({ budget });
  const whole = other.next();
  other.push(data.subarray(0, 60));
  other.push(data.subarray(60));
  expect((await whole).value?.bytes).toHaveLength(150);
  expect(held).toBe(0);
});
