import { expect, test } from "vitest";
import { connectLazily } from "../../../src/outbound/lazy-connect.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import { callOf, resultOf } from "../governance/calls.ts";

const endpoint: Endpoint = { upstream: "shop", address: { kind: "tcp", host: "h", port: 1 }, name: "h:1" };

function setUp(streams = false) {
  const seen: string[] = [];
  const connect = connectLazily(({ name }) => {
    seen.push(`connect ${name}`);
    return {
      handle: async () => resultOf(),
      connections: () => ({ open: 1, connecting: 0, waiting: 0 }),
      close: async () => void seen.push("close"),
    };
  }, streams);
  return { seen, handler: connect(endpoint) };
}

test("an endpoint is connected to at its first call, once", async () => {
  const { seen, handler } = setUp();
  expect(handler.connections?.()).toEqual({ open: 0, connecting: 0, waiting: 0 });
  expect(seen).toEqual([]);
  await handler.handle(callOf());
  await handler.handle(callOf());
  expect(handler.connections?.()).toMatchObject({ open: 1 });
  await handler.close();
  expect(seen).toEqual(["connect h:1", "close"]);
});

test("one that was never called has nothing to close, and one that is called after its end is closed at once", async () => {
  const { seen, handler } = setUp();
  await handler.close();
  expect(seen).toEqual([]);
  await handler.handle(callOf());
  expect(seen).toEqual(["connect h:1", "close"]);
});

test("whether there are streams is known before", () => {
  expect(setUp(true).handler.handleStream).toBeDefined();
  expect(setUp().handler.handleStream).toBeUndefined();
});
