import { expect, test } from "vitest";
import { createHealthCheck, type HealthCheckOptions } from "../../../src/rpc/health-check.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp(random = 0.5, first = true, initially: HealthCheckOptions["initially"] = "unproven") {
  const clock = createFakeClock();
  const seen: boolean[] = [];
  let passes = first;
  let probes = 0;
  const check = createHealthCheck(
    { intervalMs: 5_000, unhealthyAfter: 3, healthyAfter: 2, initially },
    {
      clock,
      random: () => random,
      probe: async () => {
        probes++;
        if (!passes) throw new Error("refused");
      },
      changed: (healthy) => seen.push(healthy),
    },
  );
  /** Moves time and lets the probes that fall due come to their end. */
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
  function turn(to: boolean): void {
    passes = to;
  }
  return { clock, check, seen, advance, probes: () => probes, turn };
}

test("the first check is made at once, and one success is enough to begin with", async () => {
  const { check, seen } = setUp();
  expect(check.isHealthy).toBe(false);
  await check.first;
  expect(check.isHealthy).toBe(true);
  expect(seen).toEqual([true]);
});

test("an instance is left out after failures in a row, and is back after successes in a row", async () => {
  const { check, seen, advance, turn } = setUp();
  await check.first;
  turn(false);
  await advance(5_000);
  await advance(1_000);
  expect(check.isHealthy).toBe(true);
  turn(true);
  await advance(1_000);
  turn(false);
  await advance(5_000);
  await advance(1_000);
  expect(check.isHealthy).toBe(true);
  await advance(1_000);
  expect(seen).toEqual([true, false]);
  turn(true);
  await advance(1_000);
  expect(check.isHealthy).toBe(false);
  await advance(1_000);
  expect(seen).toEqual([true, false, true]);
});

test("one that never was healthy is asked every second, and nobody is told that it is not", async () => {
  const { check, seen, advance, probes, turn } = setUp(0.5, false);
  await check.first;
  expect(seen).toEqual([]);
  await advance(999);
  expect(probes()).toBe(1);
  await advance(1);
  expect(probes()).toBe(2);
  turn(true);
  await advance(1_000);
  expect(seen).toEqual([true]);
});

test.each([
  [0, 4_500],
  [1, 5_500],
])("with %f of chance the next check is a tenth earlier or later: after %i ms", async (random, ms) => {
  const { check, advance, probes } = setUp(random);
  await check.first;
  await advance(ms - 1);
  expect(probes()).toBe(1);
  await advance(1);
  expect(probes()).toBe(2);
});

test("what is stopped asks no more, and tells nothing of a probe that comes back", async () => {
  const { check, seen, clock } = setUp();
  check.stop();
  await check.first;
  expect(seen).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("one that is taken for healthy stays so until it fails in a row, a second apart", async () => {
  const { check, seen, advance } = setUp(0.5, false, "healthy");
  await check.first;
  await advance(1_000);
  expect(check.isHealthy).toBe(true);
  await advance(1_000);
  expect(seen).toEqual([false]);
});

test("one that is known to be unhealthy needs as many successes as after a failure", async () => {
  const { check, seen, advance } = setUp(0.5, true, "unhealthy");
  await check.first;
  expect(check.isHealthy).toBe(false);
  await advance(1_000);
  expect(seen).toEqual([true]);
});
