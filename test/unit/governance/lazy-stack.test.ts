import { expect, test } from "vitest";
import { createEndpointStates, type EndpointStates } from "../../../src/governance/endpoint-state.ts";
import { createLazyStack } from "../../../src/governance/lazy-stack.ts";
import type { Endpoint, Endpoints } from "../../../src/rpc/endpoint.ts";
import { callOf, resultOf } from "./calls.ts";

const endpointOf = (port: number, labels: Record<string, string> = {}): Endpoint => ({
  upstream: "shop",
  address: { kind: "tcp", host: "127.0.0.1", port },
  name: `127.0.0.1:${port}`,
  labels,
});

function setUp({ states, subset = {} }: { states?: EndpointStates; subset?: Record<string, string> } = {}) {
  const seen: string[] = [];
  let report: (endpoints: Endpoints) => void = () => {};
  const stack = createLazyStack("shop", {
    resolver: {
      watch(_, changed) {
        seen.push("watch");
        report = changed;
        changed({ kind: "known", endpoints: [endpointOf(1), endpointOf(2, { zone: "b" })] });
        return () => void seen.push("stop");
      },
    },
    subset,
    states,
    build() {
      seen.push("build");
      return {
        handle: async () => resultOf(),
        handleStream: () => Promise.reject(new Error("no streams")),
        inspect: () => ({ kind: "stale", endpoints: [] }),
        close: async () => void seen.push("close"),
      };
    },
  });
  return { stack, seen, report: (endpoints: Endpoints) => report(endpoints) };
}

test("a stack is built at the first call, once, and watches by itself from then on", async () => {
  const { stack, seen } = setUp();
  expect(seen).toEqual(["watch"]);
  expect(stack.states()).toBeUndefined();
  await stack.handle(callOf());
  await stack.handle(callOf());
  expect(seen).toEqual(["watch", "build", "stop"]);
  expect(stack.states()).toBeDefined();
  expect(stack.inspect().kind).toBe("stale");
  await stack.close();
  expect(seen.at(-1)).toBe("close");
});

test("a stack that cannot be built fails its call, and the next one tries again", async () => {
  const resolver = { watch: () => () => {} };
  let tries = 0;
  const build = () => {
    tries++;
    throw new Error("no stack");
  };
  const stack = createLazyStack("shop", { resolver, subset: {}, states: undefined, build });
  await expect(stack.handle(callOf())).rejects.toThrow("no stack");
  await expect(stack.handle(callOf())).rejects.toThrow("no stack");
  expect(tries).toBe(2);
  expect(stack.states()).toBeUndefined();
});

test("before the first call it shows the endpoints that could be called", () => {
  const { stack, report } = setUp({ subset: { zone: "b" } });
  expect(stack.inspect()).toMatchObject({ kind: "known", endpoints: [{ name: "127.0.0.1:2", health: "healthy" }] });
  report({ kind: "stale", endpoints: [] });
  expect(stack.inspect()).toEqual({ kind: "stale", endpoints: [] });
});

test("one that calls by an earlier config have taught something is built at once", () => {
  const states = createEndpointStates();
  const { stack, seen } = setUp({ states });
  expect(seen).toEqual(["build"]);
  expect(stack.states()).toBe(states);
});

test("one that was never called has nothing to close, and a call after its end is the built stack's to refuse", async () => {
  const { stack, seen } = setUp();
  await stack.close();
  expect(seen).toEqual(["watch", "stop"]);
  await stack.handle(callOf());
  expect(seen).toContain("build");
  expect(seen.at(-1)).toBe("close");
});
