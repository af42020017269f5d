import { expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import type { Route } from "../../../src/governance/route.ts";
import { routeByRules } from "../../../src/governance/route-by-rules.ts";
import { compileRouteRules, routesOption } from "../../../src/governance/route-rules.ts";
import type { Call } from "../../../src/rpc/call.ts";
import { fieldOf, messageOf, methodOf } from "../../model.ts";
import { callOf, createRandom, factsOf, getMethod, resultOf, settled } from "./calls.ts";

const twin = methodOf("protobuf", "shop.v1.Stock", "Get");
const pairs = new Map([getMethod, twin].map((method) => [method, { thrift: getMethod, protobuf: twin }]));

/** Where calls end by these rules. */
function setUp(rules: unknown, random: () => number = () => 0) {
  const calls: { readonly upstream: string; readonly call: Call }[] = [];
  const way = (upstream: string): Route => ({
    upstream,
    handle: (call) => {
      calls.push({ upstream, call });
      return upstream === "broken" ? Promise.reject(new Error("it is")) : Promise.resolve(resultOf());
    },
  });
  const upstreams = new Map(["a", "b", "broken"].map((name) => [name, way(name)]));
  const services = new Map([
    ["shop.Inventory", way("plain")],
    ["shop.v1.Stock", way("plain")],
  ]);
  const unpack = <T>(next: T) => next;
  const rulesOf = compileRouteRules(routesOption.parse(rules), pairs);
  const { handle } = routeByRules(rulesOf, { services, upstreams, random, unpack });
  return { handle, calls, last: () => calls.at(-1) };
}

function headersOf(...pairsOf: readonly (readonly [string, string])[]): Pick<Call, "headers"> {
  return { headers: Metadata.from(pairsOf) };
}

test("the first rule that fits decides, the facts name it, and without one the service does", async () => {
  const { handle, last } = setUp([
    { name: "beta", match: { headers: { "X-Tenant": { prefix: "beta-" } } }, to: "a" },
    { match: { headers: { "x-tenant": "beta-1" } }, to: "b" },
    { match: { headers: { "x-tenant": "gold" } }, to: "b" },
  ]);
  const beta = callOf(headersOf(["x-tenant", "beta-1"]));
  await handle(beta);
  expect(last()?.upstream).toBe("a");
  expect(beta.facts).toMatchObject({ route: "beta", upstream: "a" });
  const gold = callOf(headersOf(["x-tenant", "gold"]));
  await handle(gold);
  expect(gold.facts).toMatchObject({ route: "routes[2]", upstream: "b" });
  const other = callOf();
  await handle(other);
  expect(last()?.upstream).toBe("plain");
  expect(other.facts.route).toBeUndefined();
});

test("a name of one wire stands for what it is linked with", async () => {
  for (const name of ["shop.Inventory", "shop.Inventory/get", "shop.v1.Stock/*", "shop.v1.Stock/Get"]) {
    const { handle, last } = setUp([{ match: { methods: [name] }, to: "a" }]);
    await handle(callOf());
    expect(last()?.upstream).toBe("a");
    await handle(callOf({ method: twin }));
    expect(last()?.upstream).toBe("a");
  }
  const { handle, last } = setUp([{ match: { methods: ["shop.Inventory/other"] }, to: "a" }]);
  await handle(callOf());
  expect(last()?.upstream).toBe("plain");
});

test.each([
  [{ regex: "v[12]" }, "v2", true],
  [{ regex: "v[12]" }, "v22", false],
  [{ regex: "a|v1" }, "v1", true],
  [{ regex: ".*" }, "x".repeat(1_025), false],
  [{ exact: "v1" }, "v1", true],
  [{ present: true }, "", true],
  [{ present: false }, "v1", false],
  [{ prefix: "v" }, "w", false],
])("%j of a header that is %j: %s", async (way, value, fits) => {
  const { handle, last } = setUp([{ match: { headers: { version: way } }, to: "a" }]);
  await handle(callOf(headersOf(["version", value])));
  expect(last()?.upstream).toBe(fits ? "a" : "plain");
});

test("callers are known by their certificates, else by cw-from", async () => {
  const { handle, last } = setUp([{ match: { callers: ["web", "spiffe://shop/*"] }, to: "a" }]);
  const says = headersOf(["cw-from", "web"]);
  for (const [call, upstream] of [
    [callOf(says), "a"],
    [callOf({ ...says, facts: { ...factsOf(), caller: "batch" } }), "plain"],
    [callOf({ facts: { ...factsOf(), caller: "spiffe://shop/till" } }), "a"],
    [callOf(), "plain"],
  ] as const) {
    await handle(call);
    expect(last()?.upstream).toBe(upstream);
  }
});

test("a field of the request chooses, whatever the other fields are", async () => {
  const type = messageOf("thrift", "args", [fieldOf(2, "sku", { kind: "scalar", name: "string" })]);
  const method = methodOf("thrift", "shop.Inventory", "get", { request: type });
  const { handle, last } = setUp([{ match: { field: { path: "sku", exact: "TEA" } }, to: "a" }]);
  const payload = (sku: string) => ({
    type,
    codec: "thrift-binary" as const,
    bytes: Buffer.concat([
      Buffer.from([8, 0, 1, 0, 0, 0, 7, 11, 0, 2, 0, 0, 0, sku.length]),
      Buffer.from(sku),
      Buffer.of(0),
    ]),
  });
  await handle(callOf({ method, payload: payload("TEA") }));
  expect(last()?.upstream).toBe("a");
  await handle(callOf({ method, payload: payload("COFFEE") }));
  expect(last()?.upstream).toBe("plain");
});

test("weights split calls, and a weight of 0 gets none", async () => {
  const { handle, calls } = setUp(
    [
      {
        to: [
          { upstream: "a", weight: 90 },
          { upstream: "b", weight: 10 },
          { upstream: "broken", weight: 0 },
        ],
      },
    ],
    createRandom(7),
  );
  for (let i = 0; i < 2_000; i++) await handle(callOf());
  const share = calls.filter(({ upstream }) => upstream === "b").length / 2_000;
  expect(share).toBeGreaterThan(0.08);
  expect(share).toBeLessThan(0.12);
  expect(calls.some(({ upstream }) => upstream === "broken")).toBe(false);
});

test("labels are demanded of the endpoint here, and follow the call where the rule says so", async () => {
  const labels = { version: "v2" };
  const { handle, last } = setUp([
    { match: { headers: { canary: "1" } }, to: { upstream: "a", labels, follow: true } },
    { to: { upstream: "a", labels } },
  ]);
  await handle(callOf(headersOf(["canary", "1"], ["cw-label-version", "v1"])));
  expect(last()?.call.subset).toEqual(labels);
  expect(last()?.call.headers.getAll("cw-label-version")).toEqual(["v2"]);
  await handle(callOf());
  expect(last()?.call.subset).toEqual(labels);
  expect(last()?.call.headers.get("cw-label-version")).toBeUndefined();
});

test("metadata is removed, set and added, and a rule may do no more than that", async () => {
  const { handle, last } = setUp([
    { headers: { remove: ["Cookie"], set: { "x-env": "test" }, add: { via: "causeway" } } },
  ]);
  await handle(callOf(headersOf(["cookie", "c"], ["x-env", "a"], ["x-env", "b"], ["via", "x"])));
  expect(last()?.upstream).toBe("plain");
  expect([...(last()?.call.headers ?? [])]).toEqual([
    ["via", "x"],
    ["x-env", "test"],
    ["via", "causeway"],
  ]);
});

test("a copy goes to the mirror with bytes and facts of its own, and its failure is nobody's", async () => {
  const { handle, calls } = setUp([{ to: "a", mirror: { upstream: "broken" } }]);
  const call = callOf();
  expect(await handle(call)).toMatchObject({ kind: "result" });
  await settled();
  const copy = calls.find(({ upstream }) => upstream === "broken")?.call;
  expect(copy?.payload.bytes).toEqual(call.payload.bytes);
  expect(copy?.payload.bytes).not.toBe(call.payload.bytes);
  expect(copy?.facts).not.toBe(call.facts);
  expect(copy?.signal).not.toBe(call.signal);
  expect(copy?.headers.get("cw-mirror")).toBe("1");
  expect(call.facts.upstream).toBe("a");
});

test("copies are a share of the calls, and no more than the limit wait for an answer", async () => {
  let at = 0;
  const { handle, calls } = setUp([{ mirror: { upstream: "a", share: 0.5 } }], () => (at++ % 4) / 4);
  for (let i = 0; i < 100; i++) await handle(callOf());
  await settled();
  expect(calls.filter(({ upstream }) => upstream === "a")).toHaveLength(50);

  const limited = setUp([{ mirror: { upstream: "a", maxInFlight: 2 } }]);
  await Promise.all(Array.from({ length: 10 }, () => limited.handle(callOf())));
  await settled();
  expect(limited.calls.filter(({ upstream }) => upstream === "a")).toHaveLength(2);
});

test("ten thousand rules for other methods cost a call nothing after the first", async () => {
  const rules = Array.from({ length: 10_000 }, (_, i) => ({ match: { methods: [`shop.Other${i}`] }, to: "a" }));
  const rulesOf = compileRouteRules(routesOption.parse(rules), pairs);
  expect(rulesOf(getMethod)).toEqual([]);
  expect(rulesOf(getMethod)).toBe(rulesOf(getMethod));
});
