import { expect, test } from "vitest";
import {
  createDnsResolver,
  type DnsAddress,
  type DnsOptions,
  type DnsService,
  dnsOptions,
} from "../../../src/discovery/dns.ts";
import type { Endpoints } from "../../../src/rpc/endpoint.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { quietLog } from "../../quiet-log.ts";

const SHOP: DnsOptions = { type: "A", name: "shop.internal", port: 80 };

function setUp(options: DnsOptions = SHOP) {
  const clock = createFakeClock();
  const addresses = new Map<string, readonly DnsAddress[]>();
  const services = new Map<string, readonly DnsService[]>();
  const asked: string[] = [];
  const warnings: string[] = [];
  let isThere = true;
  function answer<T>(name: string, from: ReadonlyMap<string, readonly T[]>): Promise<readonly T[]> {
    asked.push(name);
    return isThere ? Promise.resolve(from.get(name) ?? []) : Promise.reject(new Error("SERVFAIL"));
  }
  const resolver = createDnsResolver(
    new Map([["shop", options]]),
    { minTtlMs: 1_000, maxTtlMs: 30_000 },
    {
      lookup: { addresses: (name) => answer(name, addresses), services: (name) => answer(name, services) },
      clock,
      log: { ...quietLog, warn: (_: object, message: string) => void warnings.push(message) },
      random: () => 0,
    },
  );
  const seen: Endpoints[] = [];
  const watch = () => resolver.watch("shop", (endpoints) => seen.push(endpoints));
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
  function turn(to: boolean): void {
    isThere = to;
  }
  const names = () => seen.map(({ kind, endpoints }) => [kind, ...endpoints.map(({ name }) => name)]);
  return { clock, resolver, addresses, services, asked, warnings, seen, watch, advance, turn, names };
}

const ip = (address: string, ttlMs?: number): DnsAddress => ({ address, ttlMs });

test("the addresses of a name are its upstream's endpoints; the order of an answer is no change", async () => {
  const { addresses, watch, advance, names } = setUp();
  addresses.set("shop.internal", [ip("10.0.0.2", 5_000), ip("10.0.0.1", 5_000), ip("fd00::1", 9_000)]);
  watch();
  await advance(0);
  addresses.set("shop.internal", [ip("fd00::1", 5_000), ip("10.0.0.1", 5_000), ip("10.0.0.2", 5_000)]);
  await advance(5_000);
  addresses.set("shop.internal", [ip("10.0.0.1", 5_000)]);
  await advance(5_000);
  expect(names()).toEqual([
    ["unknown"],
    ["known", "10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"],
    ["known", "10.0.0.1:80"],
  ]);
});

test.each([
  ["shorter than the shortest", 0, 1_000],
  ["longer than the longest", 3_600_000, 30_000],
  ["that is not said", undefined, 30_000],
  ["between", 7_000, 7_000],
])("after a TTL %s DNS is asked again", async (_, ttlMs, waitMs) => {
  const { addresses, asked, watch, advance } = setUp();
  addresses.set("shop.internal", [ip("10.0.0.1", ttlMs)]);
  watch();
  await advance(0);
  await advance(waitMs - 1);
  expect(asked).toHaveLength(1);
  await advance(1);
  expect(asked).toHaveLength(2);
});

test("while nobody answers the last answer is stale, and it is asked for with a growing pause and one warning", async () => {
  const { addresses, asked, warnings, watch, advance, turn, names } = setUp();
  addresses.set("shop.internal", [ip("10.0.0.1", 1_000)]);
  watch();
  await advance(0);
  turn(false);
  await advance(1_000);
  for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const before = asked.length;
    await advance(ms - 1);
    expect(asked).toHaveLength(before);
    await advance(1);
    expect(asked).toHaveLength(before + 1);
  }
  turn(true);
  await advance(30_000);
  expect(names()).toEqual([["unknown"], ["known", "10.0.0.1:80"], ["stale", "10.0.0.1:80"], ["known", "10.0.0.1:80"]]);
  expect(warnings).toHaveLength(1);
});

test("a name without records is known to have no endpoints, one that was never answered is unknown", async () => {
  const empty = setUp();
  empty.watch();
  await empty.advance(0);
  expect(empty.names()).toEqual([["unknown"], ["known"]]);
  const away = setUp();
  away.turn(false);
  away.watch();
  await away.advance(0);
  expect(away.names()).toEqual([["unknown"]]);
});

test("targets of SRV records have their ports, priorities, and weights as shares of the heaviest", async () => {
  const { addresses, services, watch, advance, seen } = setUp({ type: "SRV", name: "_shop._tcp.internal" });
  services.set("_shop._tcp.internal", [
    { target: "a.internal", port: 1_000, priority: 0, weight: 60 },
    { target: "b.internal", port: 2_000, priority: 0, weight: 0 },
    { target: "c.internal", port: 3_000, priority: 5, weight: 15 },
  ]);
  addresses.set("a.internal", [ip("10.0.0.1", 9_000)]);
  addresses.set("b.internal", [ip("10.0.0.2", 3_000)]);
  addresses.set("c.internal", [ip("10.0.0.3", 5_000)]);
  watch();
  await advance(0);
  expect(seen.at(-1)?.endpoints).toMatchObject([
    { name: "10.0.0.1:1000", weight: 1 },
    { name: "10.0.0.2:2000", weight: 0.001 },
    { name: "10.0.0.3:3000", weight: 0.25, priority: 5 },
  ]);
  expect(seen.at(-1)?.endpoints[0]).not.toHaveProperty("priority");
});

test("a new name in the config is asked for at once, and a late answer for the old one is not heard", async () => {
  const { addresses, resolver, watch, advance, names } = setUp();
  addresses.set("shop.internal", [ip("10.0.0.1", 30_000)]);
  addresses.set("other.internal", [ip("10.0.0.9", 30_000)]);
  watch();
  resolver.replace(new Map([["shop", { type: "A", name: "other.internal", port: 81 }]]));
  await advance(0);
  expect(names()).toEqual([["unknown"], ["known", "10.0.0.9:81"]]);
});

test("nobody asks for what is not watched any more", async () => {
  const { addresses, asked, clock, watch, advance } = setUp();
  addresses.set("shop.internal", [ip("10.0.0.1", 1_000)]);
  const stop = watch();
  await advance(0);
  stop();
  await advance(60_000);
  expect(asked).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test("a name without a type is of type A, and needs a port", () => {
  expect(dnsOptions.parse({ name: "shop", port: 80 })).toEqual({ type: "A", name: "shop", port: 80 });
  expect(dnsOptions.safeParse({ name: "shop" }).success).toBe(false);
  expect(dnsOptions.safeParse({ type: "SRV", name: "shop", port: 80 }).success).toBe(false);
});
