import { expect, test } from "vitest";
import { type BreakerOptions, breakerOptions, trackBreaker } from "../../../src/governance/breaker.ts";
import { createEndpointStates } from "../../../src/governance/endpoint-state.ts";
import type { Outcome } from "../../../src/governance/failure.ts";
import { createFakeClock } from "../../fake-clock.ts";

/** Random is 1/2: an open breaker waits one and a half times its least. */
function setUp(options: unknown) {
  const clock = createFakeClock(0);
  const states = createEndpointStates();
  const state = states.of("a");
  const parsed: BreakerOptions = breakerOptions.parse(options);
  const tracker = trackBreaker(state, states, parsed, () => 0.5);
  /** An attempt that takes no time. */
  function attempt(outcome: Outcome): void {
    const startMs = clock.nowMs();
    tracker.began?.();
    tracker.ended(outcome, startMs, clock.nowMs());
  }
  return { clock, states, breaker: state.breaker, tracker, attempt };
}

test("five failures in a row open it, a success between begins the count anew", () => {
  const { attempt, breaker, states } = setUp({ policy: "consecutive" });
  for (let i = 0; i < 4; i++) attempt("failure");
  attempt("success");
  for (let i = 0; i < 4; i++) attempt("failure");
  attempt("neither");
  expect(breaker.openUntilMs).toBeUndefined();
  expect(states.changes).toBe(0);
  attempt("failure");
  expect(breaker.openUntilMs).toBe(7_500);
  expect(states.changes).toBe(1);
});

test("each probe that fails doubles the wait, up to its most; one that succeeds closes it and forgets", () => {
  const { attempt, breaker, clock } = setUp({ policy: "consecutive", failures: 1 });
  const waits: number[] = [];
  attempt("failure");
  for (let i = 0; i < 8; i++) {
    const waitMs = breaker.openUntilMs! - clock.nowMs();
    waits.push(waitMs);
    clock.advance(waitMs);
    attempt("failure");
  }
  expect(waits).toEqual([7_500, 15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  clock.advance(300_000);
  attempt("success");
  expect(breaker).toMatchObject({ openUntilMs: undefined, probing: false, opened: 0 });
  attempt("failure");
  expect(breaker.openUntilMs! - clock.nowMs()).toBe(7_500);
});

test("attempts that began before it opened neither close it nor keep it open longer", () => {
  const { tracker, attempt, breaker, clock } = setUp({ policy: "consecutive", failures: 1 });
  tracker.began?.();
  clock.advance(1);
  attempt("failure");
  const until = breaker.openUntilMs!;
  tracker.ended("success", 0, clock.nowMs());
  expect(breaker.openUntilMs).toBe(until);
  clock.advance(7_500);
  tracker.began?.();
  expect(breaker.probing).toBe(true);
  tracker.ended("failure", 0, clock.nowMs());
  expect(breaker.probing).toBe(true);
  tracker.ended("success", until, clock.nowMs());
  expect(breaker.openUntilMs).toBeUndefined();
});

test("a probe whose caller goes away makes room for the next", () => {
  const { attempt, breaker, clock, states } = setUp({ policy: "consecutive", failures: 1 });
  attempt("failure");
  clock.advance(7_500);
  const before = states.changes;
  attempt("neither");
  expect(breaker).toMatchObject({ probing: false, openUntilMs: 7_500 });
  expect(states.changes).toBeGreaterThan(before);
});

test("a success rate below the least opens it, once enough calls have said something", () => {
  const { attempt, breaker, clock } = setUp({ policy: "success-rate" });
  for (let i = 0; i < 4; i++) attempt("failure");
  expect(breaker.openUntilMs).toBeUndefined();
  attempt("failure");
  expect(breaker.openUntilMs).toBe(7_500);
  clock.advance(7_500);
  attempt("success");
  expect(breaker.openUntilMs).toBeUndefined();
  // What opened it is forgotten: a failure in ten is good enough.
  for (let i = 0; i < 9; i++) attempt("success");
  attempt("failure");
  expect(breaker.openUntilMs).toBeUndefined();
});

test("failures older than the window do not count", () => {
  const { attempt, breaker, clock } = setUp({ policy: "success-rate", windowMs: 1_000, minCalls: 4 });
  for (let i = 0; i < 3; i++) attempt("failure");
  clock.advance(1_000);
  for (let i = 0; i < 5; i++) attempt("success");
  attempt("failure");
  expect(breaker.openUntilMs).toBeUndefined();
});

test("an open breaker stays open when the policies are reloaded", () => {
  const { attempt, breaker, states } = setUp({ policy: "consecutive", failures: 1 });
  attempt("failure");
  trackBreaker(states.of("a"), states, breakerOptions.parse({ policy: "success-rate" }), () => 0);
  expect(states.of("a").breaker).toBe(breaker);
  expect(breaker.openUntilMs).toBe(7_500);
});

test("too many slow calls open it, failures count as slow, and a slow probe leaves it open", () => {
  const { clock, breaker, tracker, attempt } = setUp({ policy: "slow-calls", slowMs: 100, minCalls: 4 });
  function slowly(): void {
    const startMs = clock.nowMs();
    tracker.began?.();
    clock.advance(100);
    tracker.ended("success", startMs, clock.nowMs());
  }
  attempt("success");
  attempt("success");
  slowly();
  attempt("failure");
  expect(breaker.openUntilMs).toBeUndefined();
  slowly();
  expect(breaker.openUntilMs).toBeDefined();
  clock.advance(10_000);
  slowly();
  expect(breaker.opened).toBe(2);
  clock.advance(20_000);
  attempt("success");
  expect(breaker.openUntilMs).toBeUndefined();
});
