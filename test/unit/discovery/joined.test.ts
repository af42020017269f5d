import { expect, test } from "vitest";
import { joinResolvers } from "../../../src/discovery/joined.ts";
import type { Endpoint, Endpoints, Resolver } from "../../../src/rpc/endpoint.ts";

function endpoint(port: number, weight = 1): Endpoint {
  return { upstream: "shop", address: { kind: "tcp", host: "h", port }, name: `h:${port}`, weight };
}

function source(first: Endpoints) {
  let tell: (endpoints: Endpoints) => void = () => {};
  let stops = 0;
  const resolver: Resolver = {
    watch(_, changed) {
      tell = changed;
      changed(first);
      return () => void stops++;
    },
  };
  return { resolver, tell: (endpoints: Endpoints) => tell(endpoints), stops: () => stops };
}

const none: Endpoints = { kind: "known", endpoints: [] };

function setUp(here: Endpoints, elsewhere: Endpoints, published: readonly string[] = []) {
  const [local, others] = [source(here), source(elsewhere)];
  const seen: Endpoints[] = [];
  const joined = joinResolvers(local.resolver, others.resolver, ({ name }) => published.includes(name));
  const stop = joined.watch("shop", (endpoints) => seen.push(endpoints));
  return { local, others, seen, stop };
}

test("both are there, and of two of one name the local one stands", () => {
  const { seen } = setUp(
    { kind: "known", endpoints: [endpoint(1, 5)] },
    { kind: "known", endpoints: [endpoint(1), endpoint(2)] },
  );
  expect(seen).toEqual([{ kind: "known", endpoints: [endpoint(1, 5), endpoint(2)] }]);
});

test("a registry that is stale or unknown stays so, but for an upstream that has a local instance", () => {
  const { seen, local, others } = setUp(none, { kind: "unknown", endpoints: [] });
  local.tell({ kind: "known", endpoints: [endpoint(1)] });
  others.tell({ kind: "stale", endpoints: [endpoint(2)] });
  expect(seen.map(({ kind }) => kind)).toEqual(["unknown", "known", "stale"]);
});

test("what the registry has of this host's own is called directly, and not at all while it is unhealthy", () => {
  const { seen, local } = setUp(none, { kind: "known", endpoints: [endpoint(1), endpoint(2)] }, ["h:1"]);
  local.tell({ kind: "known", endpoints: [endpoint(7)] });
  expect(seen.map(({ endpoints }) => endpoints.map(({ name }) => name))).toEqual([["h:2"], ["h:7", "h:2"]]);
});

test("who stops is told no more by either", () => {
  const { stop, local, others } = setUp(none, none);
  stop();
  expect([local.stops(), others.stops()]).toEqual([1, 1]);
});
