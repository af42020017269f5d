import { expect, test } from "vitest";
import { createBalance } from "../../../src/governance/balance.ts";
import type { Call } from "../../../src/rpc/call.ts";
import type { Endpoint, Endpoints } from "../../../src/rpc/endpoint.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

function endpointOf(port: number): Endpoint {
  return { upstream: "shop", address: { kind: "tcp", host: "127.0.0.1", port }, name: `127.0.0.1:${port}` };
}

function setUp(first: Endpoints) {
  const seen: string[] = [];
  const connected: string[] = [];
  const closed: string[] = [];
  let report: (endpoints: Endpoints) => void = () => {};
  let stopped = 0;
  const balance = createBalance(
    "shop",
    {
      watch(_, changed) {
        report = changed;
        changed(first);
        return () => void stopped++;
      },
    },
    ({ name }) => {
      connected.push(name);
      return {
        handle: () => {
          seen.push(name);
          return Promise.resolve(resultOf());
        },
        close: async () => void closed.push(name),
      };
    },
  );
  return {
    balance,
    seen,
    connected,
    closed,
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
  report({ kind: "known", endpoints: [endpointOf(2), endpointOf(3)] });
  expect(connected).toEqual(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
  expect(closed).toEqual(["127.0.0.1:1"]);
  await balance.handle(callOf());
  await balance.handle(callOf());
  expect(seen.toSorted()).toEqual(["127.0.0.1:2", "127.0.0.1:3"]);
});

test("an address that stands twice is one endpoint", () => {
  expect(setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(1)] }).connected).toEqual(["127.0.0.1:1"]);
});

test("closing stops the watch, closes every endpoint once, and refuses later calls", async () => {
  const { balance, closed, stops } = setUp({ kind: "known", endpoints: [endpointOf(1), endpointOf(2)] });
  await balance.close();
  await balance.close();
  expect(closed).toEqual(["127.0.0.1:1", "127.0.0.1:2"]);
  expect(stops()).toBe(1);
  expect(await rejection(balance.handle(callOf()))).toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining("shutting down"),
  });
});
