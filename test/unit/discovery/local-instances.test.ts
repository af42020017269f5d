import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { createLocalInstances, type LocalInstance } from "../../../src/discovery/local-instances.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { quietLog } from "../../quiet-log.ts";

function instanceAt(port: number, more: Partial<LocalInstance> = {}): LocalInstance {
  return {
    upstream: "shop",
    services: [],
    address: { kind: "tcp", host: "127.0.0.1", port },
    codec: undefined,
    framing: undefined,
    weight: 1,
    labels: {},
    healthCheck: { probe: { kind: "tcp" }, intervalMs: 5_000, timeoutMs: 1_000 },
    ...more,
  };
}

function setUp(maxInstances = 10) {
  const clock = createFakeClock();
  const down = new Set<number>();
  const published: string[] = [];
  let known = new Set(["shop"]);
  const portOf = ({ address }: LocalInstance) => (address.kind === "tcp" ? address.port : 0);
  const instances = createLocalInstances(
    { maxInstances, unhealthyAfter: 3, healthyAfter: 2 },
    {
      clock,
      log: quietLog,
      random: () => 0.5,
      check({ upstream }) {
        if (!known.has(upstream)) throw new RpcError("NOT_FOUND", `no upstream ${upstream}`);
      },
      connect: (instance) => ({
        async probe() {
          if (down.has(portOf(instance))) throw new Error("refused");
        },
        close() {},
      }),
      publish(_, instance) {
        published.push(`+${portOf(instance)}`);
        return { end: async () => void published.push(`-${portOf(instance)}`) };
      },
    },
  );
  const seen: (readonly string[])[] = [];
  instances.watch("shop", ({ endpoints }) => seen.push(endpoints.map(({ name }) => name.slice("127.0.0.1:".length))));
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
  function forgetUpstreams(): void {
    known = new Set();
  }
  return { clock, instances, down, published, seen, advance, forgetUpstreams };
}

test("an instance takes calls when its first check has passed, until its lease is over", async () => {
  const { instances, seen, published, advance } = setUp();
  const { id } = await instances.register(instanceAt(1), 10_000);
  expect(seen).toEqual([[], ["1"]]);
  await advance(9_000);
  expect(instances.heartbeat(id)).toEqual({ id, leaseMs: 10_000 });
  await advance(9_999);
  expect(seen).toEqual([[], ["1"]]);
  await advance(1);
  expect(seen).toEqual([[], ["1"], []]);
  expect(() => instances.heartbeat(id)).toThrow(/no instance ".*" is registered/);
  expect(published).toEqual(["+1", "-1"]);
});

test("one that fails its checks is left out, here and in the registry, and is back when they pass", async () => {
  const { instances, down, seen, published, advance } = setUp();
  await instances.register(instanceAt(1), 600_000);
  down.add(1);
  await advance(5_000);
  await advance(1_000);
  await advance(1_000);
  expect(seen.at(-1)).toEqual([]);
  down.delete(1);
  await advance(1_000);
  await advance(1_000);
  expect(seen.at(-1)).toEqual(["1"]);
  expect(published).toEqual(["+1", "-1", "+1"]);
});

test("the same upstream and address is the same instance: renewed when it says the same, replaced when it says more", async () => {
  const { instances, seen, advance } = setUp();
  const first = await instances.register(instanceAt(1), 10_000);
  const again = await instances.register(instanceAt(1), 20_000);
  expect(again).toEqual({ id: first.id, leaseMs: 20_000 });
  await advance(15_000);
  expect(seen).toEqual([[], ["1"]]);
  const other = await instances.register(instanceAt(1, { labels: { version: "v2" } }), 10_000);
  expect(other.id).toBe(first.id);
  expect(seen).toEqual([[], ["1"], [], ["1"]]);
});

test("more than may be are refused, and a lease that is shortened is over sooner", async () => {
  const { instances, seen, advance } = setUp(1);
  await instances.register(instanceAt(1), 600_000);
  await expect(instances.register(instanceAt(2), 600_000)).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  await instances.register(instanceAt(1), 1_000);
  await advance(1_000);
  expect(seen.at(-1)).toEqual([]);
  await instances.register(instanceAt(2), 1_000);
  expect(seen.at(-1)).toEqual(["2"]);
});

test("who leaves is gone at once, and so is who does not fit a new config", async () => {
  const { instances, seen, clock, forgetUpstreams } = setUp();
  const { id } = await instances.register(instanceAt(1), 600_000);
  await instances.register(instanceAt(2), 600_000);
  instances.deregister(id);
  expect(seen.at(-1)).toEqual(["2"]);
  expect(() => instances.deregister(id)).toThrow(RpcError);
  forgetUpstreams();
  instances.checkAgain();
  expect(seen.at(-1)).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a sidecar that drains takes its instances out of the registry, and calls them still", async () => {
  const { instances, published, seen } = setUp();
  await instances.register(instanceAt(1), 600_000);
  await instances.withdraw();
  expect(published).toEqual(["+1", "-1"]);
  expect(seen.at(-1)).toEqual(["1"]);
  instances.close();
  expect(seen.at(-1)).toEqual([]);
});
