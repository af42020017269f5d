// The balancers and limiters against what is published of them, in computed time.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  FULL,
  failurePlot,
  governancePlots,
  maglevPlot,
  measureMaglev,
  runBalance,
  runLimit,
} from "../../../bench/governance.ts";
import { quantile, simulateBalance } from "../../../bench/simulate-balance.ts";
import {
  type BalanceOptions,
  balanceOptions,
  loadTrackersOf,
  pickerOf,
} from "../../../src/governance/balance-policy.ts";
import type { Picker } from "../../../src/governance/picker.ts";
import { callOf, candidatesOf, createRandom } from "./calls.ts";

function run(policy: BalanceOptions["policy"] | "random", serviceMs: readonly number[], utilization: number) {
  const random = createRandom(1);
  const candidates = candidatesOf(serviceMs.map(() => 1));
  const options = balanceOptions.parse({ policy: policy === "random" ? "round-robin" : policy });
  const any: Picker = (all) => () => all[Math.floor(random() * all.length)]!;
  const pick = (policy === "random" ? any : pickerOf(options, random))(candidates, 0);
  return simulateBalance({
    candidates,
    choose: (call, nowMs) => pick(call, undefined, nowMs),
    trackers: candidates.map(({ state }) => loadTrackersOf(options, state)),
    serviceMs,
    utilization,
    calls: 20_000,
    random,
    nextCall: callOf,
  });
}

const even = (count: number) => Array.from({ length: count }, () => 10);

test("one endpoint is an M/M/1 queue: the mean time in it is the service time by what is left of it", () => {
  const { latenciesMs } = run("round-robin", [10], 0.5);
  const mean = latenciesMs.reduce((sum, ms) => sum + ms, 0) / latenciesMs.length;
  expect(mean).toBeGreaterThan(18);
  expect(mean).toBeLessThan(22);
});

test("of two choices the less loaded keeps the longest queue of 100 endpoints far below that of one choice", () => {
  const one = run("random", even(100), 0.9);
  const two = run("least-request", even(100), 0.9);
  // Mitzenmacher: the length of queues falls doubly exponentially with two choices, exponentially with one.
  expect(two.mostInFlight).toBeLessThanOrEqual(8);
  expect(one.mostInFlight).toBeGreaterThan(3 * two.mostInFlight);
  expect(quantile(two.latenciesMs, 0.99)).toBeLessThan(quantile(one.latenciesMs, 0.99) / 2);
});

test("peak EWMA takes calls from an endpoint that is ten times slower, where taking turns drowns in it", () => {
  const serviceMs = [100, ...even(9)];
  const turns = run("round-robin", serviceMs, 0.5);
  const ewma = run("p2c", serviceMs, 0.5);
  expect(turns.calls[0]).toBe(2_000);
  expect(ewma.calls[0]).toBeLessThan(500);
  expect(quantile(ewma.latenciesMs, 0.99)).toBeLessThan(quantile(turns.latenciesMs, 0.99) / 10);
});

const oneInTenFails = {
  count: 30,
  calls: 10_000,
  serviceOf: () => 10,
  failureShare: (i: number) => (i % 10 === 9 ? 1 : 0),
};

test("an endpoint that fails at once draws the calls of a balancer that looks at calls in flight alone", () => {
  const turns = runBalance({ policy: "round-robin" }, oneInTenFails);
  const least = runBalance({ policy: "least-request" }, oneInTenFails);
  expect(turns.failed).toBe(1_000);
  expect(least.failed).toBeGreaterThan(1_300);
});

test("a failure that counts as a latency of seconds keeps peak EWMA away from it; ejection keeps everyone away", () => {
  const ewma = runBalance({ policy: "p2c" }, oneInTenFails);
  expect(ewma.failed).toBeLessThan(200);
  for (const policy of ["round-robin", "least-request", "p2c"] as const) {
    expect(runBalance({ policy, outlier: true }, oneInTenFails).failed).toBeLessThan(50);
  }
});

test("of more bad endpoints than may be ejected the rest stays in, as most of an upstream is no outlier of itself", () => {
  const halfFails = { ...oneInTenFails, failureShare: (i: number) => i % 2 };
  const { failed } = runBalance({ policy: "round-robin", outlier: true }, halfFails);
  // 3 of the 15 are out: 12 of the 27 that are left fail.
  expect(failed / halfFails.calls).toBeCloseTo(12 / 27, 1);
});

test.each([3, 10, 100, 655])(
  "Maglev's shares of %i endpoints differ by at most 1 %, as a hundredth of the table has",
  (count) => {
    const { unevenness, moved } = measureMaglev(count);
    expect(unevenness).toBeLessThan(0.01);
    expect(moved).toBeLessThan(0.01);
  },
);

test("an upstream that serves half of what it did answers late without a limit, and within a concurrency limit in time", async () => {
  const inStep = async (name: string) => (await runLimit(name, 26)).slice(23, 26);
  for (const { inTime, late } of await inStep("no limit")) expect([inTime, late > 700]).toEqual([0, true]);
  for (const name of ["fixed, 20 at once", "adaptive (gradient)"]) {
    for (const { inTime, late, latenciesMs } of await inStep(name)) {
      expect(inTime).toBeGreaterThan(400);
      expect(late).toBe(0);
      expect(
        quantile(
          latenciesMs.toSorted((a, b) => a - b),
          0.5,
        ),
      ).toBeLessThan(60);
    }
  }
});

test("the same seed draws the same plots", async () => {
  const small = { counts: [1, 3], calls: 300, seconds: 2 };
  expect([...(await governancePlots(small))]).toEqual([...(await governancePlots(small))]);
});

test.each([["Maglev", maglevPlot] as const, ["failures", failurePlot] as const])(
  "the plot of %s is the one that `npm run bench -- governance` draws",
  (_, draw) => {
    const [file, svg] = draw(FULL);
    expect(readFileSync(join(import.meta.dirname, "../../../bench/governance", file), "utf8")).toBe(svg);
  },
);
