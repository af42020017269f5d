import { expect, test } from "vitest";
import { createEndpointStates, type EndpointStates } from "../../../src/governance/endpoint-state.ts";
import { type HealthCheckPolicy, healthCheckOptions } from "../../../src/governance/health-check-policy.ts";
import { createHealthChecks, forgetHealthChecks } from "../../../src/governance/health-checks.ts";
import type { Candidate } from "../../../src/governance/picker.ts";
import { createFakeClock } from "../../fake-clock.ts";

const DEFAULTS: HealthCheckPolicy = healthCheckOptions.parse({ kind: "tcp" });

function setUp(states: EndpointStates = createEndpointStates(), policy = DEFAULTS) {
  const clock = createFakeClock();
  const lines: object[] = [];
  const write = (facts: object) => void lines.push(facts);
  const asked: string[] = [];
  const closed: string[] = [];
  const failing = new Set<string>();
  /** Those whose answers are held back until they are let go. */
  const held = new Map<string, () => void>();
  let holds = false;
  const checks = createHealthChecks(policy, {
    states,
    clock,
    random: () => 0.5,
    log: { debug: write, info: write, warn: write, error: write },
    newProbe: ({ name }) => ({
      async probe() {
        asked.push(name);
        if (holds) await new Promise<void>((release) => held.set(name, release));
        if (failing.has(name)) throw new Error(`${name} is ill`);
      },
      close: () => void closed.push(name),
    }),
  });
  function candidate(name: string): Candidate {
    const endpoint = { upstream: "shop", address: { kind: "unix", path: name }, name } as const;
    return { endpoint, state: states.of(name) };
  }
  /** Moves time and lets the checks that fall due come to their end. */
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
  return {
    states,
    clock,
    lines,
    asked,
    closed,
    failing,
    held,
    checks,
    hold: (to: boolean) => {
      holds = to;
    },
    follow: (...names: readonly string[]) => checks.follow(names.map(candidate)),
    advance,
    isHealthy: (name: string) => states.of(name).health.isHealthy,
  };
}

test("nothing is asked while the upstream's first call waits, and all is asked right after", async () => {
  const { asked, follow, advance } = setUp();
  follow("a", "b");
  expect(asked).toEqual([]);
  await advance(0);
  expect(asked).toEqual(["a", "b"]);
  await advance(10_000);
  expect(asked).toEqual(["a", "b", "a", "b"]);
});

test("an endpoint counts as healthy until three checks in a row have failed, and again after two that pass", async () => {
  const { states, lines, failing, follow, advance, isHealthy } = setUp();
  failing.add("a");
  follow("a", "b");
  await advance(0);
  await advance(1_000);
  expect([isHealthy("a"), states.changes]).toEqual([true, 0]);
  await advance(1_000);
  expect([isHealthy("a"), isHealthy("b"), states.changes]).toEqual([false, true, 1]);
  expect(states.of("a").health.reason).toBe("a is ill");
  expect(lines).toEqual([{ upstream: "shop", endpoint: "a", check: "tcp", error: "a is ill" }]);
  failing.clear();
  await advance(1_000);
  expect(isHealthy("a")).toBe(false);
  await advance(1_000);
  expect([isHealthy("a"), states.changes, states.of("a").health.reason]).toEqual([true, 2, undefined]);
  expect(lines).toHaveLength(2);
  expect(states.counts.healthChecks).toEqual({ success: 3, failure: 3 });
});

test("no more than sixteen are asked at once, and the others in their turn", async () => {
  const { asked, held, hold, follow, advance } = setUp();
  hold(true);
  follow(...Array.from({ length: 40 }, (_, i) => `e${i}`));
  await advance(0);
  expect(asked).toHaveLength(16);
  held.get("e3")?.();
  held.get("e5")?.();
  await advance(0);
  expect(asked.slice(16)).toEqual(["e16", "e17"]);
  hold(false);
  for (const release of held.values()) release();
  await advance(0);
  await advance(0);
  expect(new Set(asked).size).toBe(40);
});

test("an endpoint that goes is asked no more, and one that stays goes on", async () => {
  const { asked, closed, follow, advance } = setUp();
  follow("a", "b");
  await advance(0);
  follow("b", "c");
  expect(closed).toEqual(["a"]);
  await advance(0);
  expect(asked).toEqual(["a", "b", "c"]);
});

test("what is stopped has no timer left, asks nobody in the line, and changes nothing by an answer that comes late", async () => {
  const { checks, clock, states, asked, failing, held, hold, follow, advance } = setUp();
  hold(true);
  follow(...Array.from({ length: 17 }, (_, i) => `e${i}`));
  failing.add("e0");
  await advance(0);
  checks.stop();
  for (const release of held.values()) release();
  await advance(60_000);
  expect(asked).toHaveLength(16);
  expect(clock.pending).toBe(0);
  expect(states.counts.healthChecks).toEqual({ success: 0, failure: 0 });
});

/** States of which three checks by `DEFAULTS` have found that "a" is ill. */
async function statesWithIll(): Promise<EndpointStates> {
  const { states, failing, follow, checks, advance, isHealthy } = setUp();
  failing.add("a");
  follow("a");
  for (const ms of [0, 1_000, 1_000]) await advance(ms);
  checks.stop();
  expect(isHealthy("a")).toBe(false);
  return states;
}

test("what equal checks have found holds over a reload, until as many pass as after any failure", async () => {
  const { follow, advance, isHealthy } = setUp(await statesWithIll(), structuredClone(DEFAULTS));
  follow("a");
  await advance(0);
  expect(isHealthy("a")).toBe(false);
  await advance(1_000);
  expect(isHealthy("a")).toBe(true);
});

test("what other checks have found is forgotten when the first of these begins", async () => {
  const states = await statesWithIll();
  const other = healthCheckOptions.parse({ kind: "http", path: "/" });
  // A config that is taken back before it was at work.
  const { follow: begin, checks, clock } = setUp(states, other);
  begin("a");
  checks.stop();
  clock.advance(1);
  const { follow, failing, advance, isHealthy } = setUp(states, other);
  failing.add("a");
  const before = states.changes;
  follow("a");
  expect(isHealthy("a")).toBe(false);
  await advance(0);
  expect([isHealthy("a"), states.changes]).toEqual([true, before + 1]);
});

test("where checks are over, what they have found is forgotten, unless the config that ends them is taken back", async () => {
  const states = await statesWithIll();
  const clock = createFakeClock();
  forgetHealthChecks(states, clock)?.stop();
  clock.advance(1);
  expect(states.of("a").health.isHealthy).toBe(false);
  forgetHealthChecks(states, clock);
  clock.advance(0);
  expect(states.of("a").health).toEqual({ isHealthy: true, reason: undefined, policy: undefined });
  expect(forgetHealthChecks(states, clock)).toBeUndefined();
});
