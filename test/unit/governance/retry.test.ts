import { expect, test } from "vitest";
import { RpcError, type RpcErrorOptions } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { type RetryOptions, retry, retryOptions } from "../../../src/governance/retry.ts";
import { createRetryBudget, retryBudgetOptions } from "../../../src/governance/retry-budget.ts";
import { newUpstreamCounts } from "../../../src/governance/upstream-counts.ts";
import type { Call, Reply } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { messageField, messageOf, methodOf } from "../../model.ts";
import { callOf, exceptionOf, rejection, resultOf, settled } from "./calls.ts";

const idempotentMethod = methodOf("thrift", "shop.Inventory", "get", { idempotent: true });
const refused = new RpcError("UNAVAILABLE", "refused");
const broken = new RpcError("UNAVAILABLE", "broke", { sent: true });

/** Retries over outcomes that come one per attempt; the last goes on for ever. Random is 1/2: a wait is half its longest. */
function setUp(outcomes: readonly (RpcError | Reply)[], options: Partial<RetryOptions> = {}) {
  const clock = createFakeClock();
  const attempts: { call: Call; atMs: number }[] = [];
  const layer = retry(
    { ...retryOptions.parse({}), ...options },
    { clock, random: () => 0.5, counts: newUpstreamCounts() },
  ).calls;
  const handle = layer((call) => {
    const outcome = outcomes[Math.min(attempts.length, outcomes.length - 1)]!;
    attempts.push({ call, atMs: clock.nowMs() });
    return outcome instanceof RpcError ? Promise.reject(outcome) : Promise.resolve(outcome);
  });
  /** Lets the call run, time and all, for at most a minute. */
  async function run(call: Call = callOf()): Promise<{ outcome: unknown; attempts: number; tookMs: number }> {
    const startMs = clock.nowMs();
    const done = handle(call).then(
      (outcome) => ({ outcome, tookMs: clock.nowMs() - startMs }),
      (outcome: unknown) => ({ outcome, tookMs: clock.nowMs() - startMs }),
    );
    for (let i = 0; i < 10; i++) {
      await settled();
      if (clock.pending > 0) clock.advance(0.5);
      while (clock.pending > 0) {
        clock.advance(0.5);
        await settled();
      }
    }
    return { ...(await done), attempts: attempts.length };
  }
  return { clock, attempts, handle, run };
}

test("a call that was not sent is tried again, on whatever method, after a jittered wait that doubles", async () => {
  const { run, attempts } = setUp([refused, refused, resultOf()]);
  const { outcome } = await run();
  expect(outcome).toMatchObject({ kind: "result" });
  expect(attempts.map(({ atMs }) => atMs - attempts[0]!.atMs)).toEqual([0, 12.5, 37.5]);
});

test("retries say which attempt they are, the first attempt says nothing", async () => {
  const { run, attempts } = setUp([refused, refused, resultOf()]);
  await run(callOf({ headers: Metadata.from([["a", "b"]]) }));
  expect(attempts.map(({ call }) => [...call.headers])).toEqual([
    [["a", "b"]],
    [
      ["a", "b"],
      ["cw-attempt", "2"],
    ],
    [
      ["a", "b"],
      ["cw-attempt", "3"],
    ],
  ]);
});

test("a call that is a retry of the hop before is not tried again here", async () => {
  const { run } = setUp([refused]);
  const { outcome, attempts } = await run(callOf({ headers: Metadata.from([["cw-attempt", "2"]]) }));
  expect(outcome).toBe(refused);
  expect(attempts).toBe(1);
});

test.each<[string, Partial<Call>, Partial<RetryOptions>, number]>([
  ["a method that may not run twice", {}, {}, 1],
  ["a method that is idempotent by its IDL", { method: idempotentMethod }, {}, 3],
  ["a method that the policy names", {}, { idempotent: ["shop.Inventory/get"] }, 3],
  ["a method whose service the policy names", {}, { idempotent: ["shop.Inventory/*"] }, 3],
  ["a method of which the policy names another", {}, { idempotent: ["shop.Inventory/put"] }, 1],
  ["an idempotent oneway method", { method: { ...idempotentMethod, oneway: true } }, {}, 1],
])("what may have been sent: %s", async (_, call, options, expected) => {
  expect((await setUp([broken], options).run(callOf(call))).attempts).toBe(expected);
});

test("a oneway call that was not sent is tried again", async () => {
  const { run } = setUp([refused, resultOf()]);
  expect((await run(callOf({ method: { ...idempotentMethod, oneway: true } }))).attempts).toBe(2);
});

const error = (code: "RESOURCE_EXHAUSTED" | "INTERNAL" | "DEADLINE_EXCEEDED" | "UNAVAILABLE", more: RpcErrorOptions) =>
  new RpcError(code, code, more);

test.each<[string, RpcError, number]>([
  ["INTERNAL", error("INTERNAL", { origin: "peer", sent: true }), 1],
  ["a full peer", error("RESOURCE_EXHAUSTED", { origin: "peer", sent: true }), 3],
  ["a limit of ours that stays", error("RESOURCE_EXHAUSTED", {}), 1],
  ["a limit of ours that says when", error("RESOURCE_EXHAUSTED", { retryAfterMs: 1 }), 3],
  ["breakers of ours that stay open longer than a back-off", error("UNAVAILABLE", { retryAfterMs: 251 }), 1],
  ["breakers of ours that are open no longer than that", error("UNAVAILABLE", { retryAfterMs: 250 }), 3],
  ["an attempt that took too long", error("DEADLINE_EXCEEDED", { sent: true }), 3],
  ["a peer whose own deadline passed", error("DEADLINE_EXCEEDED", { origin: "peer", sent: true }), 1],
  ["a peer that says when", error("UNAVAILABLE", { origin: "peer", sent: true, retryAfterMs: 700 }), 3],
  ["a peer that says never", error("UNAVAILABLE", { origin: "peer", retryAfterMs: Number.POSITIVE_INFINITY }), 1],
])("%s on an idempotent method", async (_, outcome, expected) => {
  expect((await setUp([outcome]).run(callOf({ method: idempotentMethod }))).attempts).toBe(expected);
});

test("a wait that the error asks for is kept, and is an end when it passes the deadline", async () => {
  const busy = new RpcError("UNAVAILABLE", "busy", { origin: "peer", retryAfterMs: 500 });
  const patient = setUp([busy, resultOf()]);
  expect(await patient.run(callOf({ expiresAtMs: patient.clock.nowMs() + 501 }))).toMatchObject({ tookMs: 500 });
  const hurried = setUp([busy, resultOf()]);
  expect(await hurried.run(callOf({ expiresAtMs: hurried.clock.nowMs() + 500 }))).toMatchObject({
    outcome: busy,
    tookMs: 0,
    attempts: 1,
  });
});

test("the last error says that something was sent if any attempt's was", async () => {
  const { outcome } = await setUp([broken, refused]).run(callOf({ method: idempotentMethod }));
  expect(outcome).toMatchObject({ code: "UNAVAILABLE", message: "refused", sent: true });
});

test("a caller that goes away ends the wait, and no timer stays", async () => {
  const { handle, clock, attempts } = setUp([refused]);
  const caller = new AbortController();
  const pending = rejection(handle(callOf({ signal: caller.signal })));
  await settled();
  expect(clock.pending).toBe(1);
  caller.abort(new RpcError("CANCELLED", "gone"));
  expect(await pending).toMatchObject({ code: "CANCELLED" });
  expect(clock.pending).toBe(0);
  expect(attempts).toHaveLength(1);
});

test("a declared exception is an answer, unless the policy names it", async () => {
  const busy = exceptionOf(messageField(1, "busy", messageOf("thrift", "shop.Busy")), Uint8Array.of(0));
  expect((await setUp([busy]).run(callOf({ method: idempotentMethod }))).attempts).toBe(1);
  const named = setUp([busy, resultOf()], { exceptions: ["shop.Busy"] });
  expect(await named.run(callOf({ method: idempotentMethod }))).toMatchObject({
    outcome: { kind: "result" },
    attempts: 2,
  });
  const always = setUp([busy], { exceptions: ["shop.Busy"] });
  expect(await always.run(callOf({ method: idempotentMethod }))).toMatchObject({ outcome: busy, attempts: 3 });
  expect((await setUp([busy], { exceptions: ["shop.Busy"] }).run()).attempts).toBe(1);
});

test("one attempt means that nothing is tried again", async () => {
  expect((await setUp([refused], { maxAttempts: 1 }).run()).attempts).toBe(1);
});

test("when the budget is spent, calls get their first error", async () => {
  const budget = { share: 0, perSecond: 0.2, windowMs: 10_000 };
  const { run } = setUp([refused], { budget });
  expect((await run()).attempts).toBe(3);
  expect((await run()).attempts).toBe(4);
});

test("a budget is a share of the calls in its window and some per second, and forgets both", () => {
  const budget = createRetryBudget({ share: 0.2, perSecond: 1, windowMs: 10_000 });
  for (let i = 0; i < 100; i++) budget.deposit(0);
  let retries = 0;
  while (budget.withdraw(5_000)) retries++;
  expect(retries).toBe(30);
  expect(budget.withdraw(9_999)).toBe(false);
  // The calls are forgotten first, then the retries, and what is left is the reserve.
  expect(budget.withdraw(10_000)).toBe(false);
  retries = 0;
  while (budget.withdraw(15_000)) retries++;
  expect(retries).toBe(10);
});

test("under the default budget an outage makes no more than a fifth more load", async () => {
  const budget = createRetryBudget(retryBudgetOptions.parse({ perSecond: 0 }));
  let retries = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    budget.deposit(nowMs);
    if (budget.withdraw(nowMs)) retries++;
  }
  expect(retries / 6_000).toBeGreaterThan(0.15);
  expect(retries / 6_000).toBeLessThanOrEqual(0.2);
});
