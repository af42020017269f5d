import { expect, test } from "vitest";
import { createStaticResolver } from "../../../src/discovery/static.ts";
import type { Endpoints } from "../../../src/rpc/endpoint.ts";

function known(upstream: string): readonly Endpoints[] {
  const seen: Endpoints[] = [];
  const resolver = createStaticResolver(
    new Map([
      [
        "shop",
        [
          { address: { kind: "tcp", host: "::1", port: 80 }, weight: 1 },
          { address: { kind: "unix", path: "/run/s" }, weight: 3 },
        ],
      ],
    ]),
  );
  resolver.watch(upstream, (endpoints) => seen.push(endpoints))();
  return seen;
}

test("the endpoints of the config are known at once, named as they are written", () => {
  expect(known("shop")).toEqual([
    {
      kind: "known",
      endpoints: [
        { upstream: "shop", address: { kind: "tcp", host: "::1", port: 80 }, name: "[::1]:80", weight: 1 },
        { upstream: "shop", address: { kind: "unix", path: "/run/s" }, name: "unix:/run/s", weight: 3 },
      ],
    },
  ]);
});

test("an upstream that is not in the config has no endpoints", () => {
  expect(known("other")).toEqual([{ kind: "known", endpoints: [] }]);
});
