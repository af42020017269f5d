import { expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import { createBalance } from "../../../src/governance/balance.ts";
import { createEndpointStates } from "../../../src/governance/endpoint-state.ts";
import { roundRobin } from "../../../src/governance/round-robin.ts";
import type { Call } from "../../../src/rpc/call.ts";
import type { Endpoint, Endpoints, Labels } from "../../../src/rpc/endpoint.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

function endpointOf(port: number): Endpoint {
  return { upstream: "shop", address: { kind: "tcp", host: "127.0.0.1", port }, name: `127.0.0.1:${port}` };
}

function setUp(first: Endpoints, panicBelow = 0.5, { zone, subset = {} }: { zone?: string; subset?: Labels } = {}) {
  const roll = { next: 0 };
  const seen: string[] = [];
  const connected: string[] = [];
  const closed: string[] = [];
  const states = createEndpointStates();
  const clock = createFakeClock();
  let report: (endpoints: Endpoints) => void = () => {};
  let stopped = 0;
  const balance = createBalance("shop", {
    resolver: {
      watch(_, changed) {
        report = changed;
        changed(first);
        return () => void stopped++;
      },
    },
    connect({ name }) {
      connected.push(name);
      return {
        handle: () => {
          seen.push(name);
          return Promise.resolve(resultOf());
        },
        close: async () => void closed.push(name),
      };
    },
    states,
    clock,
    newPicker: roundRobin,
    subset,
    zone,
    random: () => roll.next,
    panicBelow,
    wire: "grpc",
  });
  async function endpointsOf(calls: number): Promise<readonly string[]> {
    seen.length = 0;
    for (let i = 0; i < calls; i++) await balance.handle(callOf());
    return seen.map((name) => name.slice("127.0.0.1:".length));
  }
  function eject(port: number, ms: number): void {
    states.of(`127.0.0.1:${port}`).outlier.ejectedUntilMs = clock.nowMs() + ms;
    states.changed();
  }
  function open(port: number, ms: number): void {
    states.of(`127.0.0.1:${port}`).breaker.openUntilMs = clock.nowMs() + ms;
    states.changed();
  }
  function sicken(port: number, isHealthy = false): void {
    states.of(`127.0.0.1:${port}`).health.isHealthy = isHealthy;
    states.changed();
  }
  return {
    sicken,
    roll,
    balance,
    states,
    clock,
    seen,
    connected,
    closed,
    endpointsOf,
    eject,
    open,
    report: (endpoints: Endpoints) => report(endpoints),
    stops: () => stopped,
  };
}

test("calls go round the endpoints in turn, and the facts name the endpoint and count the attempts", async () => {
  const { balance, seen } = setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(2), endpointOf(3)] });
  const calls: Call[] = [callOf(), callOf(), callOf(), callOf()];
  for (const call of calls) await balance.handle(call);
  expect(seen).toEqual(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]);
  expect(calls[1]?.facts).toMatchObject({ endpoint: "127.0.0.1:2", attempts: 1 });
  await balance.handle(calls[1]!);
  expect(calls[1]?.facts.attempts).toBe(2);
});

test.each([
  ["known", "the upstream shop has no endpoints"],
  ["stale", "the upstream shop has no endpoints"],
  ["unknown", "nothing is known of the endpoints of the upstream shop yet"],
] as const)("no endpoint when they are %s is UNAVAILABLE: %s", async (kind, message) => {
  const { balance } = setUp({ kind, endpoints: [] });
  expect(await rejection(balance.handle(callOf()))).toMatchObject({ code: "UNAVAILABLE", message, sent: false });
});

test("an endpoint that stays keeps its connections; one that goes is closed", async () => {
  const { balance, seen, connected, closed, report } = setUp({
    kind: "known",
    endpoints: [endpointOf(1), endpointOf(2)],
  });
  await balance.handle(callOf());
  await balance.handle(callOf());
  report({ kind: "known", endpoints: [endpointOf(2), endpointOf(3)] });
  expect(closed).toEqual(["127.0.0.1:1"]);
  seen.length = 0;
  await balance.handle(callOf());
  await balance.handle(callOf());
  expect(seen.toSorted()).toEqual(["127.0.0.1:2", "127.0.0.1:3"]);
  expect(connected).toEqual(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
});

test("an endpoint's stack is made at its first call: one that nobody called has nothing to close", async () => {
  const { balance, connected, closed, report } = setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(2)] });
  expect(connected).toEqual([]);
  await balance.handle(callOf());
  expect(connected).toEqual(["127.0.0.1:1"]);
  expect(balance.inspect().endpoints[1]?.connections).toEqual({ open: 0, connecting: 0, waiting: 0 });
  report({ kind: "known", endpoints: [] });
  expect(closed).toEqual(["127.0.0.1:1"]);
});

test("an address that stands twice is one endpoint", () => {
  const { balance } = setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(1)] });
  expect(balance.inspect().endpoints.map(({ name }) => name)).toEqual(["127.0.0.1:1"]);
});

test("closing stops the watch, closes every endpoint once, and refuses later calls", async () => {
  const { balance, closed, stops } = setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(2)] });
  await balance.handle(callOf());
  await balance.handle(callOf());
  await balance.close();
  await balance.close();
  expect(closed).toEqual(["127.0.0.1:1", "127.0.0.1:2"]);
  expect(stops()).toBe(1);
  expect(await rejection(balance.handle(callOf()))).toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining("shutting down"),
  });
});

const four: Endpoints = { kind: "known", endpoints: [1, 2, 3, 4].map(endpointOf) };

test("an ejected endpoint is left out until its time is over", async () => {
  const { endpointsOf, eject, clock } = setUp(four);
  eject(2, 100);
  expect((await endpointsOf(6)).toSorted()).toEqual(["1", "1", "3", "3", "4", "4"]);
  clock.advance(99);
  expect(await endpointsOf(4)).not.toContain("2");
  clock.advance(1);
  expect(await endpointsOf(4)).toContain("2");
});

test("when fewer than half are healthy, the ejected ones are used too", async () => {
  const { endpointsOf, eject } = setUp(four);
  eject(1, 100);
  eject(2, 100);
  expect((await endpointsOf(4)).toSorted()).toEqual(["3", "3", "4", "4"]);
  eject(3, 100);
  expect((await endpointsOf(4)).toSorted()).toEqual(["1", "2", "3", "4"]);
});

test("without panic the ejected ones are used only when there is no other", async () => {
  const { endpointsOf, eject } = setUp(four, 0);
  for (const port of [1, 2, 3]) eject(port, 100);
  expect(await endpointsOf(2)).toEqual(["4", "4"]);
  eject(4, 100);
  expect((await endpointsOf(4)).toSorted()).toEqual(["1", "2", "3", "4"]);
});

test("an open endpoint gets no calls, also in a panic, and one when its probe is due", async () => {
  const { endpointsOf, eject, open, clock } = setUp(four);
  open(1, 100);
  for (const port of [2, 3]) eject(port, 1_000);
  expect((await endpointsOf(3)).toSorted()).toEqual(["2", "3", "4"]);
  clock.advance(100);
  expect((await endpointsOf(4))[0]).toBe("1");
  expect((await endpointsOf(4)).filter((name) => name === "1")).toEqual([]);
});

test("a retry is no probe, and it does not go where its call has just failed", async () => {
  const { balance, open, seen, clock } = setUp({ kind: "known", endpoints: [1, 2, 3].map(endpointOf) });
  open(1, 100);
  clock.advance(100);
  const call = callOf();
  Object.assign(call.facts, { attempts: 1, endpoint: "127.0.0.1:2" });
  for (let i = 0; i < 4; i++) {
    call.facts.endpoint = "127.0.0.1:2";
    await balance.handle(call);
  }
  expect(seen).toEqual(Array(4).fill("127.0.0.1:3"));
});

test("when all breakers are open, calls fail at once and are told when to come again", async () => {
  const { balance, open, clock } = setUp({ kind: "known", endpoints: [1, 2].map(endpointOf) });
  open(1, 500);
  open(2, 300);
  clock.advance(100);
  expect(await rejection(balance.handle(callOf()))).toMatchObject({
    code: "UNAVAILABLE",
    message: "the breakers of all 2 endpoints of the upstream shop are open",
    retryAfterMs: 200,
    sent: false,
  });
});

test("an endpoint that stays is not forgiven when others come or go, one that went and came again is", async () => {
  const { endpointsOf, eject, report } = setUp(four);
  eject(2, 100);
  report({ kind: "known", endpoints: [2, 3, 4].map(endpointOf) });
  expect(await endpointsOf(4)).not.toContain("2");
  report({ kind: "known", endpoints: [3, 4].map(endpointOf) });
  report({ kind: "known", endpoints: [2, 3, 4].map(endpointOf) });
  expect(await endpointsOf(3)).toContain("2");
});

const labelled = (port: number, version: string): Endpoint => ({ ...endpointOf(port), labels: { version } });
const three: Endpoints = { kind: "known", endpoints: [labelled(1, "v1"), labelled(2, "v1"), labelled(3, "v2")] };

test("a route's labels are demanded: others are never called, and without any the call fails and says why", async () => {
  const { balance, seen } = setUp(three);
  for (let i = 0; i < 3; i++) await balance.handle(callOf({ subset: { version: "v2" } }));
  const v1 = { version: "v1" };
  for (let i = 0; i < 2; i++) await balance.handle(callOf({ subset: v1 }));
  expect(seen.map((name) => name.at(-1))).toEqual(["3", "3", "3", "1", "2"]);
  const facts = { ...callOf().facts, route: "canary" };
  expect(await rejection(balance.handle(callOf({ subset: { version: "v3" }, facts })))).toMatchObject({
    code: "UNAVAILABLE",
    message: "no endpoint of the upstream shop has the labels that the route canary demands: version=v3",
  });
});

test("a call's own labels are heeded where there are such endpoints, and only there", async () => {
  const { balance, seen } = setUp(three);
  const wants = (version: string) => callOf({ headers: Metadata.from([["cw-label-version", version]]) });
  for (let i = 0; i < 2; i++) await balance.handle(wants("v2"));
  expect(seen.map((name) => name.at(-1))).toEqual(["3", "3"]);
  for (let i = 0; i < 3; i++) await balance.handle(wants("v9"));
  expect(seen.slice(2).map((name) => name.at(-1))).toEqual(["1", "2", "3"]);
});

test("labels that come and go with endpoints are heeded at once", async () => {
  const { balance, report, seen } = setUp(three);
  const subset = { version: "v2" };
  await balance.handle(callOf({ subset }));
  report({ kind: "known", endpoints: [labelled(1, "v2"), labelled(3, "v1")] });
  await balance.handle(callOf({ subset }));
  expect(seen.map((name) => name.at(-1))).toEqual(["3", "1"]);
});

/** In zone `a` unless another is given. */
function zoned(port: number, zone = "a", priority = 0): Endpoint {
  return { ...endpointOf(port), labels: { zone }, ...(priority > 0 && { priority }) };
}

test("endpoints of our own zone are called while enough of them are healthy; the rest of the calls goes to the others", async () => {
  const endpoints = [zoned(1), zoned(2), zoned(3), zoned(4), zoned(5, "b"), zoned(6, "b")];
  const { endpointsOf, eject, roll } = setUp({ kind: "known", endpoints }, 0, { zone: "a" });
  roll.next = 0.999;
  expect(await endpointsOf(4)).toEqual(["1", "2", "3", "4"]);
  eject(1, 60_000);
  // Three of four bear 1.4 times their share: all.
  expect(await endpointsOf(3)).toEqual(["2", "3", "4"]);
  eject(2, 60_000);
  // Two of four bear 70 %.
  roll.next = 0.69;
  expect(await endpointsOf(2)).toEqual(["3", "4"]);
  roll.next = 0.71;
  expect(await endpointsOf(2)).toEqual(["5", "6"]);
  eject(3, 60_000);
  eject(4, 60_000);
  roll.next = 0;
  expect(await endpointsOf(2)).toEqual(["5", "6"]);
});

test("without a zone of ours zones make no difference", async () => {
  const { endpointsOf } = setUp({ kind: "known", endpoints: [zoned(1), zoned(2, "b")] });
  expect(await endpointsOf(2)).toEqual(["1", "2"]);
});

test("priorities go before zones, and when too few of all are healthy all are called", async () => {
  const endpoints = [zoned(1, "b"), zoned(2, "a", 1), zoned(3, "b", 1)];
  const { endpointsOf, eject } = setUp({ kind: "known", endpoints }, 0.5, { zone: "a" });
  expect(await endpointsOf(2)).toEqual(["1", "1"]);
  eject(1, 60_000);
  expect(await endpointsOf(2)).toEqual(["2", "2"]);
  eject(2, 60_000);
  expect(await endpointsOf(3)).toEqual(["1", "2", "3"]);
});

test("an endpoint of any level whose breaker is due is asked whether it is back", async () => {
  const { endpointsOf, open, clock } = setUp({ kind: "known", endpoints: [zoned(1), zoned(2, "b")] }, 0, { zone: "a" });
  open(1, 1_000);
  expect(await endpointsOf(2)).toEqual(["2", "2"]);
  clock.advance(1_000);
  expect((await endpointsOf(2))[0]).toBe("1");
});

test("a retry leaves a level that has only the endpoint which has just failed", async () => {
  const { balance, seen } = setUp({ kind: "known", endpoints: [zoned(1), zoned(2, "b")] }, 0, { zone: "a" });
  // As if all of our zone were not enough for all calls.
  const call = callOf();
  await balance.handle(call);
  await balance.handle(call);
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe("127.0.0.1:1");
});

test("endpoints without the labels of the subset are not even connected to", async () => {
  const endpoints = [zoned(1), zoned(2, "b"), endpointOf(3)];
  const { endpointsOf, connected } = setUp({ kind: "known", endpoints }, 0.5, { subset: { zone: "b" } });
  expect(await endpointsOf(2)).toEqual(["2", "2"]);
  expect(connected).toEqual(["127.0.0.1:2"]);
});

test("an endpoint that joins others is noted as new, those that were there first are not", async () => {
  const { report, states, clock } = setUp({ kind: "known", endpoints: [endpointOf(1)] });
  clock.advance(500);
  report({ kind: "known", endpoints: [endpointOf(1), endpointOf(2)] });
  expect(states.of("127.0.0.1:1").joinedAtMs).toBe(Number.NEGATIVE_INFINITY);
  expect(states.of("127.0.0.1:2").joinedAtMs).toBe(clock.nowMs());
});

test("an endpoint that fails its health checks gets no calls, and all again when it passes", async () => {
  const { endpointsOf, sicken, balance } = setUp({ kind: "known", endpoints: [1, 2, 3].map(endpointOf) });
  sicken(2);
  expect(await endpointsOf(4)).toEqual(["1", "3", "1", "3"]);
  expect(balance.inspect().endpoints.map(({ health }) => health)).toEqual(["healthy", "unhealthy", "healthy"]);
  sicken(2, true);
  expect((await endpointsOf(3)).toSorted()).toEqual(["1", "2", "3"]);
});

test("unhealthy and ejected endpoints together make the panic in which all are used", async () => {
  const { endpointsOf, sicken, eject, balance } = setUp({ kind: "known", endpoints: [1, 2, 3].map(endpointOf) });
  sicken(1);
  eject(2, 60_000);
  expect((await endpointsOf(3)).toSorted()).toEqual(["1", "2", "3"]);
  expect(balance.isDown(callOf())).toBe(false);
  sicken(3);
  expect(balance.isDown(callOf())).toBe(true);
});

test("a breaker asks no endpoint that fails its health checks, and does not keep an upstream up by it", async () => {
  const { endpointsOf, sicken, open, balance } = setUp({ kind: "known", endpoints: [1, 2].map(endpointOf) });
  sicken(1);
  open(1, 0);
  expect(await endpointsOf(2)).toEqual(["2", "2"]);
  sicken(2);
  expect(balance.isDown(callOf())).toBe(true);
  // Nobody knows better, then.
  expect((await endpointsOf(1))[0]).toBe("1");
  open(1, 0);
  sicken(1, true);
  expect(balance.isDown(callOf())).toBe(false);
});

test("a better level whose endpoints are all unhealthy sends its calls to the next, its due breaker included", async () => {
  const endpoints = [zoned(1), zoned(2, "b"), zoned(3, "b")];
  const { endpointsOf, sicken, open } = setUp({ kind: "known", endpoints }, 0.5, { zone: "a" });
  sicken(1);
  open(1, 0);
  expect((await endpointsOf(2)).toSorted()).toEqual(["2", "3"]);
});

test("health checks follow the endpoints and end with the balance", async () => {
  const followed: string[][] = [];
  let stopped = 0;
  let report: (endpoints: Endpoints) => void = () => {};
  const balance = createBalance("shop", {
    resolver: {
      watch(_, changed) {
        report = changed;
        changed({ kind: "known", endpoints: [endpointOf(1)] });
        return () => {};
      },
    },
    connect: () => ({ handle: () => Promise.resolve(resultOf()), close: async () => {} }),
    states: createEndpointStates(),
    clock: createFakeClock(),
    newPicker: roundRobin,
    subset: {},
    zone: undefined,
    random: () => 0,
    panicBelow: 0.5,
    wire: "grpc",
    healthChecks: {
      follow: (candidates) => void followed.push(candidates.map(({ endpoint }) => endpoint.name)),
      stop: () => void stopped++,
    },
  });
  report({ kind: "known", endpoints: [endpointOf(2)] });
  expect(followed).toEqual([["127.0.0.1:1"], ["127.0.0.1:2"]]);
  const closing = balance.close();
  expect(stopped).toBe(1);
  await closing;
});
