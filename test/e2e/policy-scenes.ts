// What each example of the pages on policies does, shown by calls: by page, section and place in the section.
import { expect, vi } from "vitest";
import type { Outcome, Stage, StageServer } from "./policy-stage.ts";

/** One effect of an example. */
export interface Scene {
  readonly shows: string;
  /** More of the config, such as the application's name. */
  readonly more?: string;
  /** What chance says, where the effect hangs on it. */
  readonly chance?: number;
  play(stage: Stage): Promise<void>;
}

/** Generous: what is waited for is an event, on a machine that does other things too. */
const POLL = { timeout: 20_000, interval: 5 };

const codesOf = (outcomes: readonly Outcome[]) => outcomes.map(({ code }) => code);
const countOf = (outcomes: readonly Outcome[], code: string) =>
  codesOf(outcomes).filter((each) => each === code).length;
const ok = (count: number) => Array(count).fill("OK");
const callsOf = (servers: readonly StageServer[]) => servers.map(({ calls }) => calls);
const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);

function all(servers: readonly StageServer[], mode: StageServer["mode"]): void {
  for (const server of servers) server.mode = mode;
}

async function inTurn(count: number, call: (i: number) => Promise<Outcome>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(await call(i));
  return outcomes;
}

function atOnce(count: number, call: () => Promise<Outcome>): Promise<readonly Outcome[]> {
  return Promise.all(Array.from({ length: count }, call));
}

function logged({ log }: Stage, fits: (line: Readonly<Record<string, unknown>>) => boolean) {
  return vi.waitFor(() => {
    const line = log.find(fits);
    expect(line).toBeDefined();
    return line;
  }, POLL);
}

async function metric({ admin }: Stage, series: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length));
}

/** A message of nothing but field 99, which no IDL has. */
const UNKNOWN_FIELD = Buffer.of(0x98, 0x06, 0x01);

/** The scenes of each example. */
export const SCENES: Readonly<Record<string, readonly Scene[]>> = {
  "policies.md, Policies of an upstream 1": [
    {
      shows: "a server that dies costs no call, and searches above their rate are refused",
      async play(stage) {
        const [first] = stage.servers;
        expect(codesOf(await inTurn(20, () => stage.get()))).toEqual(ok(20));
        await first?.die();
        expect(codesOf(await inTurn(20, () => stage.get()))).toEqual(ok(20));
        const searches = await atOnce(300, stage.search);
        expect(countOf(searches, "OK")).toBeGreaterThan(0);
        expect(await metric(stage, 'causeway_refused_total{upstream="inventory",limit="rate"}')).toBeGreaterThan(0);
      },
    },
  ],
  "policies.md, What counts as a failure 1": [
    {
      shows: "an endpoint is left out after five answers of that type",
      async play({ servers, get }) {
        servers[0]!.mode = "throw";
        const outcomes = await inTurn(60, () => get());
        expect(countOf(outcomes, "NOT_FOUND")).toBe(5);
        expect(servers[0]?.calls).toBe(5);
      },
    },
  ],
  "policies.md, unknownFields 1": [
    {
      shows: "a request with a field that the IDL lacks is refused, and nobody is called",
      async play({ servers, raw }) {
        expect(await raw("/shop.Inventory/get", UNKNOWN_FIELD)).toEqual({
          code: "INVALID_ARGUMENT",
          text: expect.stringContaining("1 field is not in the IDL"),
        });
        expect(sum(callsOf(servers))).toBe(0);
      },
    },
  ],
  "policies.md, balance 1": [
    {
      shows: "calls for one item go to one endpoint, those for many to all",
      async play({ servers, get }) {
        const skus = Array.from({ length: 40 }, (_, i) => `SKU-${i}`);
        const chosen = (await inTurn(40, (i) => get(skus[i]))).map(({ text }) => text);
        expect(new Set(chosen).size).toBe(servers.length);
        expect((await inTurn(40, (i) => get(skus[i]))).map(({ text }) => text)).toEqual(chosen);
      },
    },
  ],
  "policies.md, balance 2": [
    {
      shows: "endpoints of the sidecar's own zone are called first, and those without the label never",
      async play({ servers, get }) {
        expect(codesOf(await inTurn(20, () => get()))).toEqual(ok(20));
        expect(callsOf(servers)).toEqual([20, 0, 0]);
        await servers[0]?.die();
        expect(codesOf(await inTurn(20, () => get()))).toEqual(ok(20));
        expect(callsOf(servers)).toEqual([20, 20, 0]);
      },
    },
  ],
  "policies.md, balance 3": [
    {
      shows: "one endpoint of three gets all calls while the others are ejected",
      async play({ servers, get }) {
        servers[0]!.mode = "err";
        servers[1]!.mode = "err";
        expect(countOf(await inTurn(30, () => get()), "OK")).toBeLessThan(30);
        const before = callsOf(servers);
        expect(codesOf(await inTurn(30, () => get()))).toEqual(ok(30));
        expect(callsOf(servers)).toEqual([before[0], before[1], before[2]! + 30]);
      },
    },
    {
      shows: "an endpoint that joins gets few calls at first",
      async play({ servers, get, join }) {
        expect(codesOf(await inTurn(30, () => get()))).toEqual(ok(30));
        const joined = await join();
        expect(codesOf(await inTurn(400, () => get()))).toEqual(ok(400));
        // An equal share were 100.
        expect(joined.calls).toBeGreaterThan(0);
        expect(joined.calls).toBeLessThan(60);
        expect(sum(callsOf(servers)) + joined.calls).toBe(430);
      },
    },
  ],
  "policies.md, retry 1": [
    {
      shows: "callers do not see that an endpoint errs, but for methods that must not run twice",
      async play(stage) {
        stage.servers[0]!.mode = "err";
        expect(codesOf(await inTurn(9, () => stage.get()))).toEqual(ok(9));
        await logged(stage, ({ attempts, code }) => attempts === 2 && code === "OK");
        all(stage.servers, "err");
        expect((await stage.reserve()).code).toBe("UNKNOWN");
        await logged(stage, ({ method, attempts }) => method === "reserve" && attempts === 1);
      },
    },
  ],
  "policies.md, hedge 1": [
    {
      shows: "a call that an endpoint holds up gets its answer from another",
      async play(stage) {
        const { servers, get } = stage;
        expect(codesOf(await inTurn(120, () => get()))).toEqual(ok(120));
        servers[0]!.mode = "hang";
        expect(codesOf(await inTurn(3, () => get()))).toEqual(ok(3));
        const hedges = 'causeway_hedges_total{upstream="inventory"}';
        expect(await metric(stage, hedges)).toBeGreaterThan(0);
      },
    },
  ],
  "policies.md, Times 1": [
    {
      shows: "an endpoint that hangs costs an attempt, and all that hang cost no more than the call's time",
      async play(stage) {
        stage.servers[0]!.mode = "hang";
        expect(codesOf(await inTurn(3, () => stage.get()))).toEqual(ok(3));
        await logged(stage, ({ attempts, code }) => attempts === 2 && code === "OK");
        all(stage.servers, "hang");
        expect((await stage.get()).code).toBe("DEADLINE_EXCEEDED");
      },
    },
  ],
  "policies.md, outlier 1": [
    {
      shows: "an endpoint is left out after three failures in a row",
      async play({ servers, get }) {
        servers[0]!.mode = "err";
        expect(countOf(await inTurn(30, () => get()), "UNKNOWN")).toBe(3);
        expect(servers[0]?.calls).toBe(3);
      },
    },
  ],
  "policies.md, breaker 1": [
    {
      shows: "an endpoint that fails too often is not called any more",
      async play({ servers, get }) {
        servers[0]!.mode = "err";
        expect(countOf(await inTurn(60, () => get()), "UNKNOWN")).toBe(10);
        expect(servers[0]?.calls).toBe(10);
      },
    },
    {
      shows: "when all breakers are open, calls fail at once and nobody is called",
      async play({ servers, get }) {
        all(servers, "err");
        await inTurn(30, () => get());
        expect(callsOf(servers)).toEqual([10, 10, 10]);
        expect((await get()).code).toBe("UNAVAILABLE");
        expect(callsOf(servers)).toEqual([10, 10, 10]);
      },
    },
  ],
  "policies.md, healthCheck 1": [
    {
      shows: "a server that says it does not serve gets no calls, though it would answer them, until it says it does",
      async play(stage) {
        const { servers, get } = stage;
        expect(codesOf(await inTurn(30, () => get()))).toEqual(ok(30));
        const [first] = servers;
        first!.mode = "err";
        await logged(stage, ({ msg }) => msg === "an endpoint fails its health checks, and is left out");
        const before = first!.calls;
        expect(codesOf(await inTurn(30, () => get()))).toEqual(ok(30));
        expect(first?.calls).toBe(before);
        const unhealthy = 'causeway_endpoints{upstream="inventory",health="unhealthy"}';
        expect(await metric(stage, unhealthy)).toBe(1);
        first!.mode = "answer";
        await logged(stage, ({ msg }) => msg === "an endpoint passes its health checks again, and takes calls");
        expect(await metric(stage, unhealthy)).toBe(0);
        await vi.waitFor(async () => {
          await get();
          expect(first?.calls).toBeGreaterThan(before);
        }, POLL);
      },
    },
  ],
  "policies.md, rateLimit 1": [
    {
      shows: "each item has an allowance of its own, and a store that is gone holds up nobody",
      async play({ get }) {
        const teas = await atOnce(80, () => get("TEA"));
        expect(countOf(teas, "OK")).toBeGreaterThanOrEqual(20);
        expect(countOf(teas, "RESOURCE_EXHAUSTED")).toBeGreaterThan(0);
        expect(codesOf(await atOnce(10, () => get("COFFEE")))).toEqual(ok(10));
      },
    },
  ],
  "policies.md, concurrency 1": [
    {
      shows: "the eleventh call at once is refused, and those before it are answered",
      async play({ servers, get }) {
        all(servers, "hang");
        const held = atOnce(10, () => get());
        await expect.poll(() => sum(callsOf(servers)), POLL).toBe(10);
        expect((await get()).code).toBe("RESOURCE_EXHAUSTED");
        for (const server of servers) server.release();
        expect(codesOf(await held)).toEqual(ok(10));
      },
    },
  ],
  "policies.md, policies 1": [
    {
      shows: "searches may take longer than other calls, and be twenty at once",
      async play({ servers, get, search }) {
        all(servers, "hang");
        const searches = atOnce(25, search);
        await expect.poll(() => sum(callsOf(servers)), POLL).toBe(20);
        expect((await get()).code).toBe("DEADLINE_EXCEEDED");
        for (const server of servers) server.release();
        const outcomes = await searches;
        expect([countOf(outcomes, "OK"), countOf(outcomes, "RESOURCE_EXHAUSTED")]).toEqual([20, 5]);
      },
    },
    {
      shows: "a method that is never tried again is called once",
      async play(stage) {
        await stage.servers[0]?.die();
        expect((await stage.reserve()).code).toBe("UNAVAILABLE");
        expect((await stage.get()).code).toBe("UNAVAILABLE");
        await logged(stage, ({ method, attempts }) => method === "reserve" && attempts === 1);
        await logged(stage, ({ method, attempts }) => method === "get" && attempts === 3);
      },
    },
  ],
  "routing.md, routes 1": [
    {
      shows: "a header chooses endpoints by their label, and a field another upstream",
      async play({ servers, get }) {
        expect(codesOf(await inTurn(6, () => get("TEA-x", { "x-tenant": "beta-7" })))).toEqual(ok(6));
        expect(callsOf(servers)).toEqual([0, 6, 0]);
        expect(await get("TEA-12")).toEqual({ code: "OK", text: "Tea 3" });
      },
    },
    {
      shows: "99 of a hundred calls go to the one upstream, and some of them to the other, too, whom nobody waits for",
      chance: 0.04,
      async play({ servers, get }) {
        expect((await get("COFFEE")).text).not.toBe("Tea 3");
        await expect.poll(() => servers[2]?.seen, POLL).toMatchObject([{ "cw-mirror": "1", "x-canary": "1" }]);
      },
    },
    {
      shows: "one of a hundred goes to the other, with other metadata",
      chance: 0.995,
      async play({ servers, get }) {
        expect(await get("COFFEE", { cookie: "a=b" })).toEqual({ code: "OK", text: "Tea 3" });
        expect(servers[2]?.seen).toEqual([expect.objectContaining({ "x-canary": "1" })]);
        expect(servers[2]?.seen[0]).not.toHaveProperty("cookie");
      },
    },
  ],
  "routing.md, authorize 1": [
    {
      shows: "who is allowed to calls",
      more: "name: till\n",
      async play({ get }) {
        expect((await get()).code).toBe("OK");
      },
    },
    {
      shows: "who is denied does not, and hears so before anybody is called",
      more: "name: legacy-batch\n",
      async play({ get, raw, servers }) {
        expect((await get()).code).toBe("PERMISSION_DENIED");
        expect(sum(callsOf(servers))).toBe(0);
        expect((await raw("/grpc.health.v1.Health/Check", Buffer.alloc(0))).code).toBe("PERMISSION_DENIED");
      },
    },
    {
      shows: "nobody else may call but to ask how the sidecar is",
      async play({ get, raw }) {
        expect((await get()).code).toBe("PERMISSION_DENIED");
        expect((await raw("/grpc.health.v1.Health/Check", Buffer.alloc(0))).code).toBe("OK");
      },
    },
  ],
  "routing.md, faults 1": [
    {
      shows: "calls that ask for it are slow",
      async play(stage) {
        expect((await stage.get("TEA", { chaos: "slow" })).code).toBe("OK");
        const line = await logged(stage, ({ injected }) => injected === "slow");
        expect(line?.["durationMs"]).toBeGreaterThanOrEqual(299);
      },
    },
    {
      shows: "a tenth of the calls of one caller fails, and no upstream hears of them",
      more: "name: till\n",
      chance: 0.09,
      async play({ get, reserve, servers }) {
        expect((await get()).code).toBe("UNAVAILABLE");
        expect(sum(callsOf(servers))).toBe(0);
        expect((await reserve()).code).toBe("OK");
      },
    },
    {
      shows: "the other calls pass",
      more: "name: till\n",
      chance: 0.11,
      async play({ get }) {
        expect((await get()).code).toBe("OK");
      },
    },
  ],
  "degradation.md, Degradation 1": [
    {
      shows: "when the upstream is down, calls get what was known last, what is written, or another's answer",
      async play(stage) {
        const { servers, get, search, reserve } = stage;
        const [near, far] = servers;
        expect(await get()).toEqual({ code: "OK", text: "Tea 1" });
        await near?.die();
        await vi.waitFor(async () => expect(await get()).toEqual({ code: "OK", text: "Tea 1" }), POLL);
        expect(await search()).toEqual({ code: "OK", text: "" });
        expect(await reserve()).toEqual({ code: "OK", text: "Tea 2" });
        expect(await get("COFFEE")).toEqual({ code: "OK", text: "Tea 2" });
        expect(far?.calls).toBe(2);
        await logged(stage, ({ degraded }) => degraded === "inventory/from-memory");
      },
    },
    {
      shows: "when most calls of a method fail, another upstream answers them",
      async play({ servers, reserve }) {
        const [near, far] = servers;
        // Two of three: more than half, and never five in a row, which would open the breaker.
        await inTurn(30, (i) => {
          near!.mode = i % 3 === 2 ? "answer" : "err";
          return reserve();
        });
        expect(far?.calls).toBeGreaterThan(0);
        expect(await reserve()).toEqual({ code: "OK", text: "Tea 2" });
      },
    },
    {
      shows: "an operator switches an upstream off and on again",
      async play({ get, admin }) {
        const turn = (mode: string) =>
          fetch(`${admin}/degrade?rule=inventory/maintenance&mode=${mode}`, { method: "POST" });
        expect((await get()).code).toBe("OK");
        await turn("on");
        expect(await get()).toEqual({ code: "UNAVAILABLE", text: "back at noon" });
        await turn("config");
        expect((await get()).code).toBe("OK");
      },
    },
  ],
};
