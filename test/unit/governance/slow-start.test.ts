import { expect, test } from "vitest";
import { createEndpointState } from "../../../src/governance/endpoint-state.ts";
import type { Candidate } from "../../../src/governance/picker.ts";
import { roundRobin } from "../../../src/governance/round-robin.ts";
import { slowStart } from "../../../src/governance/slow-start.ts";
import { callOf, createRandom } from "./calls.ts";

function candidate(port: number, joinedAtMs = Number.NEGATIVE_INFINITY): Candidate {
  const state = createEndpointState();
  state.joinedAtMs = joinedAtMs;
  return {
    endpoint: { upstream: "shop", address: { kind: "tcp", host: "h", port }, name: `h:${port}` },
    state,
  };
}

/** The candidates' shares of calls at one time, of ten seconds after the first second. */
function sharesAt(nowMs: number, candidates: readonly Candidate[]): readonly number[] {
  const pick = slowStart(roundRobin(), 10_000, createRandom(1))(candidates, 1_000);
  const counts = new Map(candidates.map((each) => [each, 0]));
  const calls = 20_000;
  for (let i = 0; i < calls; i++) {
    const chosen = pick(callOf(), undefined, nowMs);
    counts.set(chosen, counts.get(chosen)! + 1);
  }
  return candidates.map((each) => counts.get(each)! / calls);
}

test.each([
  [1_000, 0.09],
  [6_000, 0.33],
  [11_000, 0.5],
])("at %i ms a new endpoint beside an old one has a share of %f", (nowMs, share) => {
  expect(sharesAt(nowMs, [candidate(1), candidate(2, 1_000)])[1]).toBeCloseTo(share, 1);
});

test("endpoints that are equally new have equal shares, with an old one beside them or without", () => {
  const [old = 0, first = 0, second = 0] = sharesAt(1_000, [candidate(1), candidate(2, 1_000), candidate(3, 1_000)]);
  expect(old).toBeGreaterThan(0.75);
  expect(first).toBeCloseTo(second, 1);
  expect(sharesAt(1_000, [candidate(1, 1_000), candidate(2, 1_000)])).toEqual([0.5, 0.5]);
});

test("a retry goes where it would go anyway", () => {
  const [old, fresh] = [candidate(1), candidate(2, 1_000)];
  const pick = slowStart(roundRobin(), 10_000, () => 0.999)([old, fresh], 1_000);
  expect(pick(callOf(), old, 1_000)).toBe(fresh);
});
