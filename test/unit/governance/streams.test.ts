import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Canceller } from "../../../src/base/cancel.ts";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { concurrencyLimit, concurrencyOptions } from "../../../src/governance/concurrency.ts";
import { streamDeadline } from "../../../src/governance/deadline.ts";
import { createEndpointState } from "../../../src/governance/endpoint-state.ts";
import { createJudge, failuresOptions } from "../../../src/governance/failure.ts";
import { serveLoneMessages } from "../../../src/governance/lone-message.ts";
import { observeStream } from "../../../src/governance/observe.ts";
import { rateLimit, rateLimitOptions } from "../../../src/governance/rate-limit.ts";
import { retry, retryOptions } from "../../../src/governance/retry.ts";
import { unpack, unpackStream } from "../../../src/governance/unpack.ts";
import { newUpstreamCounts } from "../../../src/governance/upstream-counts.ts";
import type { Payload } from "../../../src/rpc/call.ts";
import type { StreamCall, StreamHandler, StreamReply } from "../../../src/rpc/stream.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { methodOf } from "../../model.ts";
import { callOf, factsOf, rejection, resultOf, settled } from "./calls.ts";

const chat = methodOf("protobuf", "shop.Chat", "chat", { streaming: "bidi" });
const payloadOf = (text: string): Payload => ({ type: undefined, codec: "protobuf", bytes: Buffer.from(text) });

async function* messagesOf(...texts: readonly string[]): AsyncGenerator<Payload> {
  for (const text of texts) yield payloadOf(text);
}

async function textsOf(messages: AsyncIterable<Payload>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { bytes } of messages) texts.push(Buffer.from(bytes).toString());
  return texts;
}

function streamOf(changes: Partial<StreamCall> = {}): StreamCall {
  return {
    method: chat,
    headers: Metadata.EMPTY,
    messages: messagesOf("a", "b"),
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new Canceller(),
    facts: factsOf(),
    ...changes,
  };
}

/** A reply whose end the test decides. */
function replyOf(): { reply: StreamReply; end: PromiseWithResolvers<Metadata> } {
  const end = Promise.withResolvers<Metadata>();
  end.promise.catch(() => {});
  return { reply: { headers: Metadata.EMPTY, messages: messagesOf(), trailers: end.promise }, end };
}

describe("a deadline", () => {
  test("of nobody costs no timer, and the call keeps its signal", async () => {
    const clock = createFakeClock();
    const call = streamOf();
    const seen: StreamCall[] = [];
    const { reply } = replyOf();
    await streamDeadline(
      {},
      clock,
    )((given) => {
      seen.push(given);
      return Promise.resolve(reply);
    })(call);
    expect(seen[0]).toBe(call);
    expect(clock.pending).toBe(0);
  });

  test("of the caller or the policy holds until the stream's end, and leaves no timer and no listener", async () => {
    const clock = createFakeClock();
    const signal = new Canceller();
    const { reply, end } = replyOf();
    const seen: StreamCall[] = [];
    const handle = streamDeadline(
      { streamTimeoutMs: 500 },
      clock,
    )((given) => {
      seen.push(given);
      return Promise.resolve(reply);
    });
    await handle(streamOf({ signal, expiresAtMs: clock.nowMs() + 900 }));
    expect(seen[0]?.expiresAtMs).toBe(clock.nowMs() + 500);
    expect(clock.pending).toBe(1);
    end.resolve(Metadata.EMPTY);
    await settled();
    expect(clock.pending).toBe(0);
    signal.abort(new RpcError("CANCELLED", ""));
    expect(seen[0]?.signal.aborted).toBe(false);
  });

  test("that passes calls the stream off, and fails a call whose reply has not begun", async () => {
    const clock = createFakeClock();
    let signal: StreamCall["signal"] | undefined;
    const failed = rejection(
      streamDeadline(
        { streamTimeoutMs: 500 },
        clock,
      )((call) => {
        signal = call.signal;
        return new Promise(() => {});
      })(streamOf()),
    );
    clock.advance(500);
    expect(await failed).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(signal?.reason).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: expect.stringContaining("streamTimeoutMs"),
    });
  });
});

test("load hears of a stream when its reply begins, health when it has ended, as it ended", async () => {
  const clock = createFakeClock(0);
  const state = createEndpointState();
  const told: unknown[] = [];
  const tracker = (name: string) => ({ ended: (...end: unknown[]) => told.push([name, ...end]) });
  const { reply, end } = replyOf();
  const layer = observeStream(
    state,
    { load: [tracker("load")], health: [tracker("health")] },
    createJudge(failuresOptions.parse({})),
    clock,
  );
  await layer(() => {
    clock.advance(30);
    return Promise.resolve(reply);
  })(streamOf());
  expect(told).toEqual([["load", "success", 0, 30]]);
  expect(state.inFlight).toBe(1);
  clock.advance(1_000);
  end.reject(new RpcError("UNAVAILABLE", "", { sent: true }));
  await settled();
  expect(told).toEqual([
    ["load", "success", 0, 30],
    ["health", "failure", 0, 1_030],
  ]);
  expect(state.inFlight).toBe(0);
  await rejection(layer(() => Promise.reject(new RpcError("UNAVAILABLE", "")))(streamOf()));
  expect(told.slice(2)).toEqual([
    ["load", "failure", 1_030, 1_030],
    ["health", "failure", 1_030, 1_030],
  ]);
});

test("a stream counts against the concurrency limit until it ends, beside other calls", async () => {
  const context = { clock: createFakeClock(), random: () => 0.5, counts: newUpstreamCounts() };
  const limit = concurrencyLimit(concurrencyOptions.parse({ policy: "fixed", max: 1 }), context);
  const { reply, end } = replyOf();
  const handleStream = limit.streams(() => Promise.resolve(reply));
  const handle = limit.calls(() => Promise.resolve(resultOf()));
  await handleStream(streamOf());
  expect(await rejection(handleStream(streamOf()))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect(await rejection(handle(callOf()))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  end.resolve(Metadata.EMPTY);
  await settled();
  await handle(callOf());
  await handleStream(streamOf());
});

test("streams and other calls take their tokens from the same bucket", async () => {
  const limit = rateLimit(rateLimitOptions.parse([{ perSecond: 1, burst: 2 }]), {
    clock: createFakeClock(),
    pairs: new Map(),
    counts: newUpstreamCounts(),
  });
  const handleStream = limit.streams(() => Promise.resolve(replyOf().reply));
  await limit.calls(() => Promise.resolve(resultOf()))(callOf());
  await handleStream(streamOf());
  expect(await rejection(handleStream(streamOf()))).toMatchObject({ code: "RESOURCE_EXHAUSTED", retryAfterMs: 1_000 });
});

describe("another attempt", () => {
  const refused = new RpcError("UNAVAILABLE", "refused");
  const broken = new RpcError("UNAVAILABLE", "broke", { sent: true });

  /** Reads `reads` messages in each attempt, and then fails but for the last. */
  async function run(outcomes: readonly (RpcError | undefined)[], reads = 2, call = streamOf()) {
    const clock = createFakeClock();
    const attempts: string[][] = [];
    const { reply } = replyOf();
    const handle: StreamHandler = async ({ messages }) => {
      const texts: string[] = [];
      attempts.push(texts);
      for await (const { bytes } of messages) if (texts.push(Buffer.from(bytes).toString()) === reads) break;
      const outcome = outcomes[attempts.length - 1];
      if (outcome) throw outcome;
      return reply;
    };
    const done = retry(retryOptions.parse({}), { clock, random: () => 0.5, counts: newUpstreamCounts() }).streams(
      handle,
    )(call);
    const outcome = done.then(
      () => "begun",
      (error: unknown) => error,
    );
    for (let i = 0; i < 10; i++) {
      await settled();
      clock.advance(250);
    }
    return { outcome: await outcome, attempts };
  }

  test("sends again what the one before has sent, where that was not looked at", async () => {
    const { outcome, attempts } = await run([refused, undefined]);
    expect(outcome).toBe("begun");
    expect(attempts).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  test("is not made when the server may have seen the call, unless the method is idempotent", async () => {
    expect((await run([broken, undefined])).outcome).toMatchObject({ message: "broke" });
    const idempotent = streamOf({ method: { ...chat, idempotent: true } });
    expect((await run([broken, undefined], 2, idempotent)).outcome).toBe("begun");
  });

  test("is not made when more was sent than is kept", async () => {
    const large = streamOf({ messages: messagesOf("a".repeat(70_000), "b") });
    const { outcome, attempts } = await run([refused, undefined], 2, large);
    expect(outcome).toMatchObject({ message: "refused" });
    expect(attempts).toHaveLength(1);
  });
});

describe("to a wire without streams", () => {
  const opaque = methodOf("protobuf", "any.Service", "Do", { request: undefined, response: undefined });
  const handle = serveLoneMessages(
    ({ payload }) => Promise.resolve(resultOf(payload.bytes, { codec: "protobuf" })),
    "shop",
  );

  test("a call of a method that nobody knows passes, if it is of one message", async () => {
    const reply = await handle(streamOf({ method: opaque, messages: messagesOf("only") }));
    expect(await textsOf(reply.messages)).toEqual(["only"]);
    expect(await reply.trailers).toBe(Metadata.EMPTY);
    expect(await rejection(handle(streamOf({ method: opaque })))).toMatchObject({ code: "UNIMPLEMENTED" });
    expect(await rejection(handle(streamOf({ method: opaque, messages: messagesOf() })))).toMatchObject({
      code: "INTERNAL",
    });
  });

  test("a method that streams is UNIMPLEMENTED, with the upstream's name", async () => {
    expect(await rejection(handle(streamOf()))).toMatchObject({
      code: "UNIMPLEMENTED",
      message: "shop.Chat/chat streams, and the upstream shop speaks a wire without streams",
    });
  });
});

describe("compression is taken off where messages are read", () => {
  const packed = (text: string): Payload => ({
    ...payloadOf(""),
    bytes: gzipSync(text),
    compression: "gzip",
  });

  test("of one message, no further than the limit", async () => {
    const seen: Payload[] = [];
    const handle = unpack(1_000)((call) => {
      seen.push(call.payload);
      return Promise.resolve(resultOf());
    });
    await handle(callOf({ payload: packed("hello") }));
    await handle(callOf({ payload: payloadOf("plain") }));
    expect(seen.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(["hello", "plain"]);
    expect(seen[0]).not.toHaveProperty("compression");
    const bomb = callOf({ payload: packed("0".repeat(1_001)) });
    expect(await rejection(handle(bomb))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    const broken = { ...packed(""), bytes: Buffer.from("no gzip") };
    expect(await rejection(handle(callOf({ payload: broken })))).toMatchObject({ code: "INTERNAL" });
  });

  test("of each message of a stream that has it", async () => {
    async function* mixed(): AsyncGenerator<Payload> {
      yield packed("hello");
      yield payloadOf("plain");
    }
    const seen: string[] = [];
    const handle = unpackStream(1_000)(async (call) => {
      expect(call).not.toHaveProperty("compression");
      seen.push(...(await textsOf(call.messages)));
      return replyOf().reply;
    });
    await handle(streamOf({ messages: mixed(), compression: "gzip" }));
    expect(seen).toEqual(["hello", "plain"]);
  });
});
