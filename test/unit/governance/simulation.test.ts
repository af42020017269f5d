// The balancers against what is published of them, in computed time.
import { expect, test } from "vitest";
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
  return simulateBalance({
    candidates,
    picker: policy === "random" ? any : pickerOf(options, random),
    trackers: candidates.map(({ state }) => loadTrackersOf(options, state)),
    serviceMs,
    utilization,
    calls: 20_000,
    random,
    call: callOf(),
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
