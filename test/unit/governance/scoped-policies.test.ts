import { expect, test } from "vitest";
import { z } from "zod";
import { RpcError } from "../../../src/base/errors.ts";
import { createStaticResolver } from "../../../src/discovery/static.ts";
import { createEndpointStates } from "../../../src/governance/endpoint-state.ts";
import { createUpstreamStack } from "../../../src/governance/pipeline.ts";
import { compileScopes } from "../../../src/governance/scoped-policies.ts";
import { upstreamPolicies } from "../../../src/governance/upstream-policies.ts";
import type { Handler } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { methodOf } from "../../model.ts";
import { callOf, rejection, settled } from "./calls.ts";

const get = methodOf("thrift", "shop.Inventory", "get");
const search = methodOf("thrift", "shop.Inventory", "search");
const order = methodOf("thrift", "shop.Orders", "get");
const parse = (policies: object) => z.object(upstreamPolicies).parse(policies);

function setUp(policies: object, endpoint: Handler) {
  const clock = createFakeClock();
  const { handle } = createUpstreamStack("shop", parse(policies), {
    clock,
    random: () => 0,
    codec: "thrift-binary",
    wire: "thrift-framed",
    isGrpc: false,
    hasStreams: false,
    maxMessageBytes: 1_000,
    links: new Map(),
    compile: () => (bytes) => bytes,
    zone: undefined,
    states: createEndpointStates(),
    connect: () => ({ handle: endpoint, close: async () => {} }),
    resolver: createStaticResolver(
      new Map([["shop", [{ address: { kind: "tcp", host: "127.0.0.1", port: 9 }, weight: 1 }]]]),
    ),
  });
  return { clock, handle };
}

const hangs: Handler = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("each key is replaced as a whole, the last entry that fits counts, and equal sets share one result", () => {
  const own = parse({
    timeoutMs: 100,
    retry: { maxAttempts: 5 },
    policies: [
      { only: ["shop.Inventory"], timeoutMs: 200, retry: { codes: ["ABORTED"] } },
      { only: ["shop.Inventory/search"], timeoutMs: 300 },
    ],
  });
  const of = compileScopes(own, new Map());
  expect(of(order).policies).toBe(own);
  expect(of(get).policies).toMatchObject({ timeoutMs: 200, retry: { maxAttempts: 3, codes: ["ABORTED"] } });
  expect(of(search).policies).toMatchObject({ timeoutMs: 300, retry: { codes: ["ABORTED"] } });
  expect(of(methodOf("thrift", "shop.Inventory", "put"))).toBe(of(get));
});

test("a method has its own deadline and its own attempt timeout, others have the upstream's", async () => {
  const { clock, handle } = setUp(
    {
      timeoutMs: 1_000,
      policies: [
        { only: ["shop.Inventory/get"], timeoutMs: 50 },
        { only: ["shop.Orders"], attemptTimeoutMs: 20 },
      ],
    },
    hangs,
  );
  const [first, second, third] = [get, order, search].map((method) => rejection(handle(callOf({ method }))));
  clock.advance(20);
  expect(await second).toMatchObject({ message: expect.stringContaining("20 ms, the upstream's attemptTimeoutMs") });
  clock.advance(30);
  expect(await first).toMatchObject({ message: expect.stringContaining("50 ms, the upstream's timeoutMs") });
  clock.advance(950);
  expect(await third).toMatchObject({ message: expect.stringContaining("1000 ms, the upstream's timeoutMs") });
  expect(clock.pending).toBe(0);
});

test("a method has its own retries", async () => {
  let attempts = 0;
  const { handle } = setUp({ policies: [{ only: ["shop.Inventory/get"], retry: { maxAttempts: 1 } }] }, () => {
    attempts++;
    return Promise.reject(new RpcError("UNAVAILABLE", "refused"));
  });
  await rejection(handle(callOf({ method: get })));
  expect(attempts).toBe(1);
});

test("a limit of some methods counts beside the upstream's own", async () => {
  const { handle } = setUp(
    {
      concurrency: { policy: "fixed", max: 3 },
      policies: [{ only: ["shop.Inventory/search"], concurrency: { policy: "fixed", max: 1 } }],
    },
    hangs,
  );
  const code = (error: unknown) => (error instanceof RpcError ? error.code : undefined);
  const codes: unknown[] = [];
  for (const method of [search, search, get, get, get]) {
    handle(callOf({ method })).catch((error: unknown) => codes.push(code(error)));
    await settled();
  }
  expect(codes).toEqual(["RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]);
});
