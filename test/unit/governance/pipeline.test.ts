import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { createStaticResolver } from "../../../src/discovery/static.ts";
import { createUpstreamStack, sidecarStack } from "../../../src/governance/pipeline.ts";
import type { Handler } from "../../../src/rpc/call.ts";
import type { MethodLink } from "../../../src/schema/link.ts";
import type { Method } from "../../../src/schema/model.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { messageOf, methodOf } from "../../model.ts";
import { callOf, getMethod, rejection, resultOf } from "./calls.ts";

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

/** Both stacks as a sidecar has them, over one gRPC endpoint that answers by `endpoint`. */
function setUp(endpoint: Handler, transcode: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const clock = createFakeClock();
  const registry = new Registry();
  const records: object[] = [];
  const write = (facts: object) => void records.push(facts);
  const log = { debug: write, info: write, warn: write, error: write };
  let connects = 0;
  const upstream = createUpstreamStack(
    "inventory",
    { timeoutMs: 100 },
    {
      codec: "protobuf",
      links: new Map<Method, MethodLink>([[getMethod, link]]),
      compile: () => transcode,
      clock,
      resolver: createStaticResolver(new Map([["inventory", [{ kind: "tcp", host: "127.0.0.1", port: 9 }]]])),
      connect: () => {
        connects++;
        return { handle: endpoint, close: async () => {} };
      },
    },
  );
  const handle = sidecarStack(
    { accessLog: { sample: 1, slowMs: 1_000 }, metrics: { bucketsMs: [1] } },
    { log, clock, random: () => 0.5, registry },
    new Map([["shop.Inventory", { upstream: "inventory", handle: upstream.handle }]]),
  );
  return { clock, registry, records, handle, connects: () => connects };
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
