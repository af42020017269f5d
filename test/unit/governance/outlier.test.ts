import { expect, test } from "vitest";
import { createEndpointStates } from "../../../src/governance/endpoint-state.ts";
import type { Outcome } from "../../../src/governance/failure.ts";
import { createOutlierDetection, outlierOptions } from "../../../src/governance/outlier.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp(count: number, options: unknown = {}) {
  const clock = createFakeClock(0);
  const states = createEndpointStates();
  const detection = createOutlierDetection(outlierOptions.parse(options), states, clock);
  const all = Array.from({ length: count }, (_, i) => {
    const state = states.of(String(i));
    return { state, tracker: detection.track(state) };
  });
  function attempts(index: number, outcome: Outcome, times = 1): void {
    for (let i = 0; i < times; i++) all[index]!.tracker.ended(outcome, clock.nowMs(), clock.nowMs());
  }
  const ejected = () => all.flatMap(({ state: { outlier } }, i) => (outlier.ejectedUntilMs > clock.nowMs() ? [i] : []));
  return { clock, states, all, attempts, ejected };
}

test("five failures in a row eject an endpoint for 30 seconds; a success between begins the count anew", () => {
  const { attempts, ejected, clock, states } = setUp(3);
  attempts(0, "failure", 4);
  attempts(0, "success");
  attempts(0, "failure", 4);
  attempts(0, "neither", 10);
  expect(ejected()).toEqual([]);
  attempts(0, "failure");
  expect(ejected()).toEqual([0]);
  expect(states.changes).toBe(1);
  clock.advance(29_999);
  expect(ejected()).toEqual([0]);
  clock.advance(1);
  expect(ejected()).toEqual([]);
});

test("each further ejection takes longer, up to five minutes, and good intervals are forgiving", () => {
  const { attempts, all, clock } = setUp(2);
  const { outlier } = all[0]!.state;
  const times: number[] = [];
  for (let i = 0; i < 12; i++) {
    attempts(0, "failure", 5);
    times.push(outlier.ejectedUntilMs - clock.nowMs());
    clock.advance(outlier.ejectedUntilMs - clock.nowMs());
  }
  expect(times.slice(0, 4)).toEqual([30_000, 60_000, 90_000, 120_000]);
  expect(Math.max(...times)).toBe(300_000);
  for (let i = 0; i < 20; i++) {
    clock.advance(10_000);
    attempts(0, "success");
  }
  attempts(0, "failure", 5);
  expect(outlier.ejectedUntilMs - clock.nowMs()).toBe(30_000);
});

test.each([
  [1, 0],
  [2, 1],
  [9, 1],
  [20, 2],
  [35, 3],
])("of %i endpoints at most %i are out at once", (count, most) => {
  const { attempts, ejected } = setUp(count);
  for (let i = 0; i < count; i++) attempts(i, "failure", 5);
  expect(ejected()).toHaveLength(most);
});

test("an endpoint that could not be ejected goes when another has come back", () => {
  const { attempts, ejected, clock } = setUp(3);
  attempts(0, "failure", 5);
  attempts(1, "failure", 50);
  expect(ejected()).toEqual([0]);
  clock.advance(30_000);
  attempts(1, "failure");
  expect(ejected()).toEqual([1]);
});

/** Each endpoint's share of failures in an interval of `calls`, never two in a row beyond need. */
function interval(
  attempts: (i: number, outcome: Outcome, times?: number) => void,
  rates: readonly number[],
  calls = 100,
) {
  for (const [i, rate] of rates.entries()) {
    for (let call = 0; call < calls; call++) {
      attempts(i, Math.floor((call + 1) * rate) > Math.floor(call * rate) ? "failure" : "success");
    }
  }
}

test("a success rate 1.9 deviations below the mean ejects, at the end of an interval", () => {
  const { attempts, ejected, clock } = setUp(10);
  interval(attempts, [0.3, ...Array(9).fill(0.01)]);
  expect(ejected()).toEqual([]);
  clock.advance(10_000);
  attempts(5, "success");
  expect(ejected()).toEqual([0]);
});

test("success rates that are bad together are no outliers", () => {
  const { attempts, ejected, clock } = setUp(10);
  interval(attempts, Array(10).fill(0.3));
  clock.advance(10_000);
  attempts(5, "success");
  expect(ejected()).toEqual([]);
});

test.each([
  ["too few endpoints", 4, 100],
  ["too few calls", 10, 90],
])("success rates say nothing of %s", (_, count, calls) => {
  const { attempts, ejected, clock } = setUp(count);
  interval(attempts, [0.3, ...Array(count - 1).fill(0)], calls);
  clock.advance(10_000);
  attempts(1, "success");
  expect(ejected()).toEqual([]);
});

test("endpoints that are gone do not count any more", () => {
  const { attempts, ejected, states } = setUp(2);
  states.retain(new Set(["0"]));
  attempts(0, "failure", 5);
  expect(ejected()).toEqual([]);
});

test("both detectors can be turned off", () => {
  const { attempts, ejected, clock } = setUp(10, { consecutiveFailures: 0, successRate: { deviations: 0 } });
  attempts(1, "failure", 1_000);
  interval(attempts, [0.9, ...Array(9).fill(0)]);
  clock.advance(10_000);
  attempts(1, "failure");
  expect(ejected()).toEqual([]);
});
