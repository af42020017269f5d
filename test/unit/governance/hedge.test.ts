import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { type HedgeOptions, hedge, hedgeOptions } from "../../../src/governance/hedge.ts";
import { compileIdempotence } from "../../../src/governance/idempotence.ts";
import { createLatencyQuantile } from "../../../src/governance/latency-quantile.ts";
import { newUpstreamCounts } from "../../../src/governance/upstream-counts.ts";
import type { Call, Reply } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { methodOf } from "../../model.ts";
import { callOf, rejection, resultOf, settled } from "./calls.ts";

const method = methodOf("thrift", "shop.Inventory", "get", { idempotent: true });

/** A hedge that has seen `seen` calls of 10 ms, each at an endpoint named by its number. */
async function setUp(seen = 100, options: Partial<HedgeOptions> = {}) {
  const clock = createFakeClock();
  const attempts: { call: Call; answer: PromiseWithResolvers<Reply> }[] = [];
  const handle = hedge(
    { ...hedgeOptions.parse({}), ...options },
    { clock, mayRunTwice: compileIdempotence([]), counts: newUpstreamCounts() },
  )((call) => {
    call.facts.attempts++;
    call.facts.endpoint = `endpoint ${attempts.length}`;
    const answer = Promise.withResolvers<Reply>();
    attempts.push({ call, answer });
    return answer.promise;
  });
  for (let i = 0; i < seen; i++) {
    const done = handle(callOf({ method }));
    // A timer for 10 ms and more must not fire here.
    clock.advance(i < seen - 1 ? 10 : 9);
    attempts[0]?.answer.resolve(resultOf());
    await done;
    attempts.length = 0;
  }
  return { clock, attempts, handle };
}

test("a call that takes longer than nine in ten gets a second attempt; the first answer wins, the other is cancelled", async () => {
  const { clock, attempts, handle } = await setUp();
  const call = callOf({ method });
  const done = handle(call);
  clock.advance(9);
  expect(attempts).toHaveLength(1);
  clock.advance(1);
  expect(attempts.map((attempt) => attempt.call.headers.get("cw-attempt"))).toEqual([undefined, "2"]);
  const reply = resultOf();
  attempts[1]?.answer.resolve(reply);
  expect(await done).toBe(reply);
  expect(attempts.map((attempt) => attempt.call.signal.aborted)).toEqual([true, false]);
  expect(call.facts).toMatchObject({ attempts: 2, endpoint: "endpoint 1" });
  expect(clock.pending).toBe(0);
});

test("the log names the endpoint that answered, also when it is the first", async () => {
  const { clock, attempts, handle } = await setUp();
  const call = callOf({ method });
  const done = handle(call);
  clock.advance(10);
  attempts[0]?.answer.resolve(resultOf());
  await done;
  expect(call.facts.endpoint).toBe("endpoint 0");
  expect(attempts[1]?.call.signal.aborted).toBe(true);
});

test.each<[string, Partial<Call>, number]>([
  ["that may not run twice", { method: methodOf("thrift", "shop.Inventory", "put") }, 100],
  ["that is oneway", { method: { ...method, oneway: true } }, 100],
  ["that is a retry", { method, headers: Metadata.from([["cw-attempt", "2"]]) }, 100],
  ["before enough is known", { method }, 99],
])("a call %s gets no second attempt", async (_, changes, seen) => {
  const { clock, attempts, handle } = await setUp(seen);
  void handle(callOf(changes));
  clock.advance(10_000);
  expect(attempts).toHaveLength(1);
});

test("no more than the share of calls gets one", async () => {
  const { clock, attempts, handle } = await setUp();
  clock.advance(20_000);
  for (let i = 0; i < 100; i++) void handle(callOf({ method }));
  clock.advance(10);
  expect(attempts).toHaveLength(115);
});

test("one attempt's failure waits for the other; when both fail, the error says whether anything was sent", async () => {
  const { clock, attempts, handle } = await setUp();
  const failed = rejection(handle(callOf({ method })));
  clock.advance(10);
  attempts[0]?.answer.reject(new RpcError("UNAVAILABLE", "broke", { sent: true }));
  await settled();
  expect(attempts[1]?.call.signal.aborted).toBe(false);
  attempts[1]?.answer.reject(new RpcError("UNAVAILABLE", "refused"));
  expect(await failed).toMatchObject({ message: "refused", sent: true });
});

test("a failure before its time is told at once, and nothing follows", async () => {
  const { clock, attempts, handle } = await setUp();
  const failed = rejection(handle(callOf({ method })));
  attempts[0]?.answer.reject(new RpcError("UNAVAILABLE", "refused"));
  expect(await failed).toMatchObject({ message: "refused", sent: false });
  expect(clock.pending).toBe(0);
  clock.advance(100);
  expect(attempts).toHaveLength(1);
});

test("a caller that goes away cancels both", async () => {
  const { clock, attempts, handle } = await setUp();
  const caller = new AbortController();
  void handle(callOf({ method, signal: caller.signal }));
  clock.advance(10);
  caller.abort(new RpcError("CANCELLED", "gone"));
  expect(attempts.map((attempt) => attempt.call.signal.aborted)).toEqual([true, true]);
});

test("a quantile is that of the last thousand, as of the last hundred", () => {
  const latency = createLatencyQuantile(0.9);
  for (let i = 1; i <= 99; i++) latency.add(i);
  expect(latency.valueMs()).toBeUndefined();
  latency.add(100);
  expect(latency.valueMs()).toBe(91);
  for (let i = 0; i < 1_000; i++) latency.add(5);
  expect(latency.valueMs()).toBe(5);
});
