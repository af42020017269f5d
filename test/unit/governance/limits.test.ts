import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { concurrencyLimit, concurrencyOptions } from "../../../src/governance/concurrency.ts";
import { createGradientLimit } from "../../../src/governance/gradient-limit.ts";
import { rateLimit, rateLimitOptions } from "../../../src/governance/rate-limit.ts";
import { type SharedBucket, sharedRateLimit } from "../../../src/governance/shared-rate-limit.ts";
import { newUpstreamCounts } from "../../../src/governance/upstream-counts.ts";
import type { Call, Reply } from "../../../src/rpc/call.ts";
import type { Method } from "../../../src/schema/model.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { methodOf } from "../../model.ts";
import { callOf, createRandom, rejection, resultOf } from "./calls.ts";

const get = methodOf("thrift", "shop.Inventory", "get");
const put = methodOf("thrift", "shop.Inventory", "put");
const order = methodOf("thrift", "shop.Orders", "get");

function setUpRate(rules: unknown) {
  const clock = createFakeClock();
  const handle = rateLimit(rateLimitOptions.parse(rules), {
    clock,
    pairs: new Map(),
    counts: newUpstreamCounts(),
  }).calls(() => Promise.resolve(resultOf()));
  /** How many of `times` calls pass. */
  async function passed(method: Method, times: number): Promise<number> {
    let count = 0;
    for (let i = 0; i < times; i++) {
      const call = callOf({ method });
      call.facts.upstream = "shop";
      await handle(call).then(
        () => count++,
        () => {},
      );
    }
    return count;
  }
  return { clock, handle, passed };
}

test("a burst passes, then as many per second as the rule says, and idle time earns no more than the burst", async () => {
  const { passed, clock } = setUpRate([{ perSecond: 10, burst: 5 }]);
  expect(await passed(get, 20)).toBe(5);
  clock.advance(300);
  expect(await passed(get, 20)).toBe(3);
  clock.advance(60_000);
  expect(await passed(get, 20)).toBe(5);
});

test("a call too many is RESOURCE_EXHAUSTED, and says what is exhausted and when to come again", async () => {
  const { handle, passed, clock } = setUpRate([{ perSecond: 10, burst: 1, per: "method" }]);
  await passed(get, 1);
  clock.advance(40);
  expect(await rejection(handle(callOf()))).toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: "shop.Inventory/get has its 10 calls per second (rateLimit)",
    retryAfterMs: 60,
    sent: false,
    origin: "here",
  });
});

test.each([
  ["upstream", [2, 0, 0]],
  ["service", [2, 0, 2]],
  ["method", [2, 2, 2]],
])("an allowance per %s", async (per, expected) => {
  const { passed } = setUpRate([{ perSecond: 2, per }]);
  expect([await passed(get, 5), await passed(put, 5), await passed(order, 5)]).toEqual(expected);
});

test("a rule may be for some services or methods only", async () => {
  const { passed } = setUpRate([{ perSecond: 1, only: ["shop.Inventory/put", "shop.Orders"] }]);
  expect([await passed(get, 5), await passed(put, 5), await passed(order, 5)]).toEqual([5, 1, 0]);
});

test("a call that one rule refuses costs no token of another", async () => {
  const { passed } = setUpRate([{ perSecond: 3 }, { perSecond: 1, only: ["shop.Inventory/put"] }]);
  expect(await passed(put, 5)).toBe(1);
  expect(await passed(get, 5)).toBe(2);
});

test("methods without IDL share the bucket of their service, however many names peers invent", async () => {
  const { passed } = setUpRate([{ perSecond: 2, per: "method" }]);
  let count = 0;
  for (let i = 0; i < 10; i++) count += await passed({ ...get, name: `m${i}`, request: undefined }, 1);
  expect(count).toBe(2);
});

function setUpConcurrency(options: unknown) {
  const clock = createFakeClock();
  const waiting: PromiseWithResolvers<Reply>[] = [];
  const layer = concurrencyLimit(concurrencyOptions.parse(options), {
    clock,
    random: createRandom(1),
    counts: newUpstreamCounts(),
  }).calls;
  const handle = layer((_: Call) => {
    const answer = Promise.withResolvers<Reply>();
    waiting.push(answer);
    return answer.promise;
  });
  return { clock, handle, waiting };
}

test("a fixed limit refuses what is above it at once, and lets in the next when one has ended, well or not", async () => {
  const { handle, waiting } = setUpConcurrency({ policy: "fixed", max: 2 });
  const [first, second] = [handle(callOf()), rejection(handle(callOf()))];
  expect(await rejection(handle(callOf()))).toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: expect.stringContaining("2 calls in flight"),
    sent: false,
  });
  waiting[0]?.resolve(resultOf());
  waiting[1]?.reject(new RpcError("INTERNAL", "no"));
  await Promise.all([first, second]);
  void handle(callOf());
  void handle(callOf());
  expect(waiting).toHaveLength(4);
});

test("an adaptive limit begins at its least and grows while latency stays", async () => {
  const { handle, waiting, clock } = setUpConcurrency({ policy: "adaptive" });
  async function round(latencyMs: number): Promise<number> {
    const calls: Promise<unknown>[] = [];
    let refused = 0;
    for (let i = 0; i < 100; i++) calls.push(handle(callOf()).catch(() => refused++));
    clock.advance(latencyMs);
    for (const { resolve } of waiting.splice(0)) resolve(resultOf());
    await Promise.all(calls);
    return 100 - refused;
  }
  expect(await round(10)).toBe(3);
  let passed = 0;
  for (let i = 0; i < 200; i++) passed = await round(10);
  expect(passed).toBe(100);
});

const gradient = {
  minLimit: 3,
  maxLimit: 1_000,
  headroom: 0.25,
  intervalMs: 100,
  probeIntervalMs: 60_000,
  probeCalls: 50,
};

/** An upstream that serves `capacity` calls at once, each in `serviceMs`; more wait in line. Runs for `ms`. */
function simulate(capacity: number, serviceMs: number, ms: number) {
  const limiter = createGradientLimit(gradient, createRandom(1));
  let inFlight: { startMs: number; endMs: number }[] = [];
  const limits: number[] = [];
  const servers = Array.from({ length: capacity }, () => 0);
  for (let nowMs = 0; nowMs < ms; nowMs++) {
    for (const { startMs } of inFlight.filter(({ endMs }) => endMs <= nowMs)) limiter.answered(startMs, nowMs);
    inFlight = inFlight.filter(({ endMs }) => endMs > nowMs);
    while (inFlight.length < limiter.limit()) {
      const free = servers.indexOf(Math.min(...servers));
      servers[free] = Math.max(nowMs, servers[free]!) + serviceMs;
      inFlight.push({ startMs: nowMs, endMs: servers[free]! });
    }
    limits.push(limiter.limit());
  }
  return limits;
}

test("the gradient finds about what an upstream serves at once, with its headroom", () => {
  const limits = simulate(40, 10, 20_000);
  const late = limits.slice(5_000);
  const mean = late.reduce((sum, limit) => sum + limit, 0) / late.length;
  expect(mean).toBeGreaterThan(40);
  expect(mean).toBeLessThan(80);
});

test("the gradient halves at most, and stays within its bounds", () => {
  const limiter = createGradientLimit({ ...gradient, maxLimit: 20 }, createRandom(1));
  let nowMs = 0;
  for (let i = 0; i < 50; i++) limiter.answered(nowMs, nowMs + 10);
  for (let i = 0; i < 100; i++) {
    nowMs += 100;
    limiter.answered(nowMs, nowMs + 10);
  }
  expect(limiter.limit()).toBe(20);
  nowMs += 1_000;
  limiter.answered(nowMs, nowMs + 10_000);
  expect(limiter.limit()).toBe(14);
  for (let i = 0; i < 4; i++) {
    nowMs += 20_000;
    limiter.answered(nowMs, nowMs + 10_000);
  }
  expect(limiter.limit()).toBeGreaterThanOrEqual(3);
});

test("an upstream that has become slower for good is measured again, and the limit recovers", () => {
  const limiter = createGradientLimit(gradient, createRandom(1));
  let nowMs = 0;
  const serve = (calls: number, latencyMs: number) => {
    for (let i = 0; i < calls; i++) {
      limiter.answered(nowMs, nowMs + latencyMs);
      nowMs += 100;
    }
  };
  for (let i = 0; i < 50; i++) limiter.answered(0, 10);
  serve(50, 10);
  const before = limiter.limit();
  serve(10, 100);
  expect(limiter.limit()).toBeLessThan(before);
  serve(800, 100);
  expect(limiter.limit()).toBeGreaterThanOrEqual(before);
});

/** How many of calls with these headers pass, one by one. */
async function passedWith(handle: (call: Call) => Promise<Reply>, headers: readonly (readonly [string, string])[]) {
  const passed: boolean[] = [];
  for (const pair of headers) {
    const call = callOf({ headers: Metadata.from([pair]) });
    passed.push(
      await handle(call).then(
        () => true,
        () => false,
      ),
    );
  }
  return passed;
}

test("an allowance per caller, or per value of a header; those without one share one", async () => {
  const byCaller = setUpRate([{ perSecond: 1, per: "caller" }]);
  const web = ["cw-from", "web"] as const;
  expect(await passedWith(byCaller.handle, [web, web, ["cw-from", "till"], ["x", "1"], ["x", "2"]])).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
  const byTenant = setUpRate([{ perSecond: 1, per: { header: "X-Tenant" } }]);
  const tenant = (name: string) => ["x-tenant", name] as const;
  expect(await passedWith(byTenant.handle, [tenant("a"), tenant("a"), tenant("b")])).toEqual([true, false, true]);
  expect(await rejection(byTenant.handle(callOf({ headers: Metadata.from([tenant("a")]) })))).toMatchObject({
    message: "the header x-tenant of this value has its 1 calls per second (rateLimit)",
  });
});

test("no more allowances are remembered than the rule says: the one unused longest begins anew", async () => {
  const { handle } = setUpRate([{ perSecond: 1, per: "caller", maxKeys: 2 }]);
  const from = (name: string) => ["cw-from", name] as const;
  expect(await passedWith(handle, [from("a"), from("b"), from("c"), from("c"), from("a")])).toEqual([
    true,
    true,
    true,
    false,
    true,
  ]);
});

function setUpShared(take: (bucket: SharedBucket) => Promise<number>, shared: object = {}) {
  const clock = createFakeClock();
  const rules = rateLimitOptions.parse([{ perSecond: 5, per: "caller", shared: { name: "till", ...shared } }]);
  const limit = sharedRateLimit(rules, { clock, pairs: new Map(), counts: newUpstreamCounts(), shared: { take } });
  return { clock, handle: limit!.calls(() => Promise.resolve(resultOf())) };
}

test("a shared limit asks its store for the caller's token, and says when there is none", async () => {
  const asked: SharedBucket[] = [];
  const { handle, clock } = setUpShared(async (bucket) => {
    asked.push(bucket);
    return asked.length > 1 ? 150.2 : 0;
  });
  await handle(callOf({ headers: Metadata.from([["cw-from", "web"]]) }));
  expect(asked).toEqual([{ key: "till:web", perSecond: 5, burst: 5 }]);
  expect(await rejection(handle(callOf()))).toMatchObject({ code: "RESOURCE_EXHAUSTED", retryAfterMs: 151 });
  expect(clock.pending).toBe(0);
});

test.each(["allow", "deny"])("a store that fails, or is slower than the budget, lets calls: %s", async (onFailure) => {
  const failing = setUpShared(() => Promise.reject(new Error("gone")), { onFailure });
  const slow = setUpShared(() => new Promise(() => {}), { onFailure, budgetMs: 7 });
  const first = failing.handle(callOf());
  const second = slow.handle(callOf());
  slow.clock.advance(7);
  for (const pending of [first, second]) {
    if (onFailure === "allow") expect(await pending).toMatchObject({ kind: "result" });
    else expect(await rejection(pending)).toMatchObject({ code: "UNAVAILABLE" });
  }
});
