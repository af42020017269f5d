import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { z } from "zod";
import { RpcError } from "../../../src/base/errors.ts";
import { createStaticResolver } from "../../../src/discovery/static.ts";
import { createEndpointStates } from "../../../src/governance/endpoint-state.ts";
import { createUpstreamStack, sidecarStack } from "../../../src/governance/pipeline.ts";
import { route, routeStream } from "../../../src/governance/route.ts";
import { type UpstreamPolicies, upstreamPolicies } from "../../../src/governance/upstream-policies.ts";
import type { Handler } from "../../../src/rpc/call.ts";
import type { MethodLink } from "../../../src/schema/link.ts";
import type { Method } from "../../../src/schema/model.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { messageOf, methodOf } from "../../model.ts";
import { callOf, getMethod, rejection, resultOf, settled } from "./calls.ts";

const twin = methodOf("protobuf", "shop.Inventory", "get");
const nothing = {
  kind: "whole",
  link: {
    thrift: messageOf("thrift", "a"),
    protobuf: messageOf("protobuf", "a"),
    fields: [],
    union: false,
    oneofs: [],
  },
} as const;
const link: MethodLink = {
  thrift: getMethod,
  protobuf: twin,
  request: nothing,
  response: nothing,
  exceptions: new Map(),
};

const defaults = z.object(upstreamPolicies).parse({});

/** Both stacks as a sidecar has them, over one gRPC endpoint that answers by `endpoint`. */
function setUp(
  endpoint: Handler,
  transcode: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
  policies: UpstreamPolicies = defaults,
  ports: readonly number[] = [9],
) {
  const clock = createFakeClock();
  const registry = new Registry();
  const records: object[] = [];
  const write = (facts: object) => void records.push(facts);
  const log = { debug: write, info: write, warn: write, error: write };
  const upstream = createUpstreamStack(
    "inventory",
    { ...policies, timeoutMs: 100 },
    {
      codec: "protobuf",
      wire: "grpc",
      isGrpc: true,
      hasStreams: true,
      maxMessageBytes: 1_000,
      links: new Map<Method, MethodLink>([[getMethod, link]]),
      compile: () => transcode,
      clock,
      random: () => 0.5,
      zone: undefined,
      states: createEndpointStates(),
      resolver: createStaticResolver(
        new Map([
          ["inventory", ports.map((port) => ({ address: { kind: "tcp", host: "127.0.0.1", port }, weight: 1 }))],
        ]),
      ),
      connect: () => ({ handle: endpoint, close: async () => {} }),
    },
  );
  const routes = new Map([["shop.Inventory", { upstream: "inventory", handle: upstream.handle }]]);
  const { handle } = sidecarStack(
    { accessLog: () => ({ sample: 1, slowMs: 1_000 }), metrics: { bucketsMs: [1] } },
    { log, clock, random: () => 0.5, registry },
  )({ handle: route(routes, "caller"), handleStream: routeStream(routes, "caller") });
  return { clock, registry, records, handle };
}

test("a call passes both stacks: it is translated, sent, logged and counted", async () => {
  const { handle, records, registry } = setUp((call) => {
    expect(call.method).toBe(twin);
    return Promise.resolve(resultOf(Uint8Array.of(1, 2), { codec: "protobuf" }));
  });
  expect((await handle(callOf())).payload.codec).toBe("thrift-binary");
  expect(records).toMatchObject([
    { upstream: "inventory", endpoint: "127.0.0.1:9", attempts: 1, code: "OK", requestBytes: 3, replyBytes: 2 },
  ]);
  expect(await registry.metrics()).toContain('code="OK"} 1');
});

test("a call without a route is logged and counted like any other", async () => {
  const { handle, records, registry } = setUp(() => Promise.resolve(resultOf()));
  await rejection(handle(callOf({ method: methodOf("thrift", "shop.Other", "get") })));
  expect(records).toMatchObject([{ service: "shop.Other", code: "UNIMPLEMENTED", attempts: 0 }]);
  expect(await registry.metrics()).toContain('code="UNIMPLEMENTED"} 1');
});

test("a request that cannot be translated is nobody's attempt", async () => {
  const { handle, records } = setUp(
    () => Promise.resolve(resultOf()),
    () => {
      throw new RpcError("INVALID_ARGUMENT", "sku at byte 3: expected a string");
    },
  );
  expect(await rejection(handle(callOf()))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(records).toMatchObject([{ code: "INVALID_ARGUMENT", attempts: 0 }]);
  expect(records[0]).toHaveProperty("endpoint", undefined);
});

test("the deadline holds for the endpoint's time, and leaves no timer", async () => {
  const { handle, clock, records } = setUp(() => new Promise(() => {}));
  const pending = rejection(handle(callOf()));
  clock.advance(100);
  expect(await pending).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(records).toMatchObject([{ code: "DEADLINE_EXCEEDED", durationMs: 100, endpoint: "127.0.0.1:9" }]);
  expect(clock.pending).toBe(0);
});

test("an endpoint that hangs costs an attempt, not the call", async () => {
  const seen: (string | undefined)[] = [];
  const idempotent = {
    ...defaults,
    attemptTimeoutMs: 20,
    retry: { ...defaults.retry, idempotent: ["shop.Inventory/*"] },
  };
  const { handle, clock, records } = setUp(
    ({ facts, headers, signal }) => {
      seen.push(headers.get("cw-attempt"));
      if (facts.endpoint === "127.0.0.1:8") return Promise.resolve(resultOf(Uint8Array.of(1), { codec: "protobuf" }));
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    undefined,
    // Round robin begins with the first, which hangs.
    {
      ...idempotent,
      balance: { policy: "round-robin", panicBelow: 0.5, slowStartMs: 0, subset: {}, preferZone: true },
    },
    [9, 8],
  );
  const pending = handle(callOf());
  clock.advance(20);
  await settled();
  clock.advance(13);
  expect(await pending).toMatchObject({ kind: "result" });
  expect(seen).toEqual([undefined, "2"]);
  expect(records).toMatchObject([{ code: "OK", attempts: 2, endpoint: "127.0.0.1:8", durationMs: 33 }]);
  expect(clock.pending).toBe(0);
});

test("five failures eject one of two endpoints, which comes back after its time", async () => {
  const seen: (string | undefined)[] = [];
  let healed = false;
  const { handle, clock } = setUp(
    ({ facts }) => {
      seen.push(facts.endpoint);
      return facts.endpoint === "127.0.0.1:9" && !healed
        ? Promise.reject(new RpcError("INTERNAL", "broken", { origin: "peer", sent: true }))
        : Promise.resolve(resultOf(Uint8Array.of(1), { codec: "protobuf" }));
    },
    undefined,
    { ...defaults, balance: { policy: "round-robin", panicBelow: 0.5, slowStartMs: 0, subset: {}, preferZone: true } },
    [9, 8],
  );
  for (let i = 0; i < 9; i++) await handle(callOf()).catch(() => {});
  expect(seen.filter((name) => name === "127.0.0.1:9")).toHaveLength(5);
  seen.length = 0;
  healed = true;
  for (let i = 0; i < 4; i++) await handle(callOf());
  expect(seen).toEqual(Array(4).fill("127.0.0.1:8"));
  clock.advance(30_000);
  for (let i = 0; i < 4; i++) await handle(callOf());
  expect(seen.slice(4)).toContain("127.0.0.1:9");
});

test("a stack that cannot be built leaves no watch behind", () => {
  let watches = 0;
  const policies = Object.defineProperty({ ...defaults }, "degrade", {
    get(): never {
      throw new Error("no rules");
    },
  });
  const build = () =>
    createUpstreamStack("inventory", policies, {
      codec: "protobuf",
      wire: "grpc",
      isGrpc: true,
      hasStreams: true,
      maxMessageBytes: 1_000,
      links: new Map(),
      compile: () => (bytes) => bytes,
      clock: createFakeClock(),
      random: () => 0.5,
      zone: undefined,
      states: createEndpointStates(),
      resolver: {
        watch() {
          watches++;
          return () => void watches--;
        },
      },
      connect: () => ({ handle: () => Promise.reject(new Error("no call was made")), close: async () => {} }),
    });
  expect(build).toThrow("no rules");
  expect(watches).toBe(0);
});
