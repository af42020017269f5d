// Simulations of the choices, without sockets: deterministic random numbers, bounds wide enough to state the rule.
import { expect, test } from "vitest";
import { Metadata } from "../../../src/base/metadata.ts";
import { balanceOptions, pickerOf } from "../../../src/governance/balance-policy.ts";
import { MAGLEV_TABLE_SIZE, maglev } from "../../../src/governance/maglev.ts";
import { peakEwma, trackLatency } from "../../../src/governance/peak-ewma.ts";
import type { Candidate, Pick } from "../../../src/governance/picker.ts";
import { roundRobin, weightedRoundRobin } from "../../../src/governance/round-robin.ts";
import { leastRequest } from "../../../src/governance/two-choices.ts";
import { callOf, candidatesOf, createRandom } from "./calls.ts";

const ewma = { decayMs: 10_000, initialMs: 30, failureMs: 5_000 };

/** How often each candidate is chosen in `calls` calls that nobody answers. */
function sharesOf(candidates: readonly Candidate[], pick: Pick, calls: number): readonly number[] {
  const counts = new Map(candidates.map((candidate) => [candidate, 0]));
  for (let i = 0; i < calls; i++) {
    const chosen = pick(callOf(), undefined, i);
    counts.set(chosen, counts.get(chosen)! + 1);
  }
  return candidates.map((candidate) => counts.get(candidate)! / calls);
}

/** Plays calls that arrive every `everyMs` and take as long as `latencyOf` says; how many each candidate got. */
function play(
  candidates: readonly Candidate[],
  latencyOf: (index: number) => { ms: number; failed?: boolean },
  { calls, everyMs, seed = 1 }: { calls: number; everyMs: number; seed?: number },
): number[] {
  const pick = peakEwma(ewma, createRandom(seed))(candidates, 0);
  const trackers = candidates.map(({ state }) => trackLatency(state, ewma));
  const got = candidates.map(() => 0);
  let waiting: { index: number; startMs: number; endMs: number; failed: boolean }[] = [];
  for (let i = 0; i < calls; i++) {
    const nowMs = i * everyMs;
    for (const { index, startMs, endMs, failed } of waiting.filter((each) => each.endMs <= nowMs)) {
      candidates[index]!.state.inFlight--;
      trackers[index]!.ended(failed ? "failure" : "success", startMs, endMs);
    }
    waiting = waiting.filter(({ endMs }) => endMs > nowMs);
    const index = candidates.indexOf(pick(callOf(), undefined, nowMs));
    const { ms, failed = false } = latencyOf(index);
    got[index]!++;
    candidates[index]!.state.inFlight++;
    waiting.push({ index, startMs: nowMs, endMs: nowMs + ms, failed });
  }
  return got;
}

test("p2c spreads calls evenly over endpoints that are alike", () => {
  const got = play(candidatesOf(Array(10).fill(1)), () => ({ ms: 5 }), { calls: 10_000, everyMs: 1 });
  for (const count of got) expect(count).toBeGreaterThan(700);
  for (const count of got) expect(count).toBeLessThan(1_300);
});

test("p2c gives an endpoint that is ten times as slow a small part of its even share", () => {
  const got = play(candidatesOf([1, 1, 1, 1]), (index) => ({ ms: index === 0 ? 100 : 10 }), {
    calls: 20_000,
    everyMs: 2,
  });
  expect(got[0]! / 20_000).toBeLessThan(0.05);
});

test("p2c leaves an endpoint that refuses at once nearly alone, though it is the quickest", () => {
  const got = play(candidatesOf([1, 1, 1]), (index) => (index === 0 ? { ms: 0, failed: true } : { ms: 10 }), {
    calls: 10_000,
    everyMs: 2,
  });
  expect(got[0]).toBeGreaterThan(0);
  expect(got[0]! / 10_000).toBeLessThan(0.01);
});

test("p2c tries an endpoint again after a time without failures", () => {
  const candidates = candidatesOf([1, 1]);
  const [bad, good] = candidates as [Candidate, Candidate];
  const pick = peakEwma(ewma, createRandom(1))(candidates, 0);
  trackLatency(bad.state, ewma).ended("failure", 0, 1);
  trackLatency(good.state, ewma).ended("success", 0, 20);
  expect(pick(callOf(), undefined, 100)).toBe(good);
  const tracker = trackLatency(good.state, ewma);
  for (let nowMs = 1_000; nowMs <= 100_000; nowMs += 1_000) tracker.ended("success", nowMs - 20, nowMs);
  expect(pick(callOf(), undefined, 100_000)).toBe(bad);
});

test("a peak counts at once and is forgotten with the decay", () => {
  const [candidate] = candidatesOf([1]) as [Candidate];
  const { load } = candidate.state;
  peakEwma(ewma, createRandom(1))([candidate], 0);
  expect(load).toEqual({ latencyMs: 30, atMs: 0 });
  const tracker = trackLatency(candidate.state, ewma);
  tracker.ended("success", 0, 200);
  expect(load.latencyMs).toBe(200);
  tracker.ended("success", 10_200, 10_200);
  expect(load.latencyMs).toBeCloseTo(200 / Math.E, 6);
  tracker.ended("neither", 0, 20_000);
  expect(load.atMs).toBe(10_200);
});

test("what was learnt of an endpoint outlives the picker", () => {
  const [candidate] = candidatesOf([1]) as [Candidate];
  peakEwma(ewma, createRandom(1))([candidate], 0);
  trackLatency(candidate.state, ewma).ended("success", 0, 200);
  peakEwma({ ...ewma, initialMs: 1 }, createRandom(1))([candidate], 300);
  expect(candidate.state.load.latencyMs).toBe(200);
});

test("least request takes the one with fewer calls in flight, by weight", () => {
  const candidates = candidatesOf([1, 2]);
  const [light, heavy] = candidates as [Candidate, Candidate];
  const pick = leastRequest(createRandom(1))(candidates, 0);
  heavy.state.inFlight = 2;
  light.state.inFlight = 1;
  expect(pick(callOf(), undefined, 0)).toBe(heavy);
  heavy.state.inFlight = 4;
  expect(pick(callOf(), undefined, 0)).toBe(light);
});

test("round robin keeps its turn when the set of endpoints changes", () => {
  const picker = roundRobin();
  const candidates = candidatesOf([1, 1, 1]);
  expect(picker(candidates, 0)(callOf(), undefined, 0)).toBe(candidates[0]);
  expect(picker(candidates, 0)(callOf(), undefined, 0)).toBe(candidates[1]);
});

test("weighted round robin gives the weights' shares exactly, and spreads the heavy one's turns", () => {
  const candidates = candidatesOf([5, 1, 1]);
  const pick = weightedRoundRobin()(candidates, 0);
  const order = Array.from({ length: 7 }, () => candidates.indexOf(pick(callOf(), undefined, 0)));
  // The example of nginx's documentation of the algorithm.
  expect(order).toEqual([0, 0, 1, 0, 2, 0, 0]);
  expect(sharesOf(candidates, pick, 7_000)).toEqual([5 / 7, 1 / 7, 1 / 7]);
});

function maglevOf(candidates: readonly Candidate[]): (key: string) => string {
  const pick = maglev(({ headers }) => headers.get("user"), createRandom(1))(candidates, 0);
  return (key) => pick(callOf({ headers: Metadata.from([["user", key]]) }), undefined, 0).endpoint.name;
}

const keys = Array.from({ length: 5_000 }, (_, i) => `user-${i}`);

test("maglev sends a key to the same endpoint whatever order endpoints become known in", () => {
  const candidates = candidatesOf(Array(10).fill(1));
  const [one, other] = [maglevOf(candidates), maglevOf(candidates.toReversed())];
  for (const key of keys) expect(other(key)).toBe(one(key));
});

test("maglev spreads keys evenly, or by weight", () => {
  const counts = (weights: readonly number[]) => {
    const got = Map.groupBy(keys, maglevOf(candidatesOf(weights)));
    return weights.map((_, i) => (got.get(`10.0.0.1:${i + 1}`)?.length ?? 0) / keys.length);
  };
  for (const share of counts([1, 1, 1, 1, 1])) expect(Math.abs(share - 0.2)).toBeLessThan(0.03);
  const [heavy] = counts([3, 1]);
  expect(Math.abs(heavy! - 0.75)).toBeLessThan(0.03);
});

test("maglev moves few keys but those of the endpoint that goes", () => {
  const candidates = candidatesOf(Array(10).fill(1));
  const [before, after] = [maglevOf(candidates), maglevOf(candidates.slice(1))];
  const stayed = keys.filter((key) => before(key) !== "10.0.0.1:1");
  const moved = stayed.filter((key) => before(key) !== after(key));
  expect(moved.length / stayed.length).toBeLessThan(0.03);
  expect(MAGLEV_TABLE_SIZE).toBe(65_537);
});

test("calls without the header go anywhere", () => {
  const candidates = candidatesOf([1, 1]);
  const pick = pickerOf(balanceOptions.parse({ policy: "maglev", header: "User" }), createRandom(1))(candidates, 0);
  for (const share of sharesOf(candidates, pick, 1_000)) expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
});

test.each([
  { policy: "p2c" },
  { policy: "round-robin" },
  { policy: "weighted" },
  { policy: "least-request" },
  { policy: "maglev", header: "user" },
])("$policy avoids the endpoint that has just failed the call, unless it is the only one", (options) => {
  const candidates = candidatesOf([9, 1, 1]);
  const picker = pickerOf(balanceOptions.parse(options), createRandom(1));
  const pick = picker(candidates, 0);
  const call = callOf({ headers: Metadata.from([["user", "u"]]) });
  for (const avoid of candidates) {
    for (let i = 0; i < 50; i++) expect(pick(call, avoid, i)).not.toBe(avoid);
  }
  const only = candidates.slice(0, 1);
  expect(picker(only, 0)(call, only[0], 0)).toBe(only[0]);
});
