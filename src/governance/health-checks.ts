// Asks an upstream's endpoints at intervals whether they can take calls, beside the calls and not by them. When one is out or
// back is rpc/health-check.ts's, how it is asked the probe's, and what becomes of those that are out the pool's.
import { isDeepStrictEqual } from "node:util";
import type { Clock, Stop } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { createHealthCheck, type HealthProbe } from "../rpc/health-check.ts";
import type { EndpointState, EndpointStates } from "./endpoint-state.ts";
import type { HealthCheckPolicy } from "./health-check-policy.ts";
import type { Candidate } from "./picker.ts";

/** The checks of one upstream's endpoints. */
export interface HealthChecks {
  /** Checks these from now on, and the others no more. */
  follow(candidates: readonly Candidate[]): void;
  /** Ends all checks. */
  stop(): void;
}

export interface HealthChecksContext {
  readonly states: EndpointStates;
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly log: Log;
  readonly newProbe: (endpoint: Endpoint) => HealthProbe;
}

/** Most probes of one upstream at once; the others wait for their turn. */
const MOST_AT_ONCE = 16;
/** Most characters of what a failed check says that are kept. */
const MAX_REASON = 300;

/**
 * Checks the endpoints that it is told of. One that was never checked counts as healthy until `unhealthyAfter` checks have
 * failed; what an equal policy has found before a reload holds.
 */
export function createHealthChecks(policy: HealthCheckPolicy, context: HealthChecksContext): HealthChecks {
  const { states, clock, random, log, newProbe } = context;
  const running = new Map<string, Stop>();
  const inTurn = createTurns(MOST_AT_ONCE);

  function begin({ endpoint, state }: Candidate): Stop {
    learnBy(policy, state, states);
    const { probe, close } = newProbe(endpoint);
    const { counts } = states;
    let stopped = false;
    async function ask(): Promise<void> {
      // Who was stopped in the line asks nobody.
      if (stopped) return;
      try {
        await probe();
        if (!stopped) counts.healthChecks.success++;
      } catch (error) {
        if (!stopped) counts.healthChecks.failure++;
        throw error;
      }
    }
    const check = createHealthCheck(
      { ...policy, initially: state.health.isHealthy ? "healthy" : "unhealthy" },
      {
        clock,
        random,
        probe: () => inTurn(ask),
        changed: (healthy, error) => changed(endpoint, state, healthy, error),
      },
    );
    return () => {
      stopped = true;
      check.stop();
      close();
    };
  }

  function changed({ upstream, name }: Endpoint, { health }: EndpointState, isHealthy: boolean, error: unknown): void {
    health.isHealthy = isHealthy;
    health.reason = isHealthy ? undefined : reasonOf(error);
    states.changed();
    const facts = { upstream, endpoint: name, check: policy.kind };
    if (isHealthy) log.info(facts, "an endpoint passes its health checks again, and takes calls");
    else log.warn({ ...facts, error: health.reason }, "an endpoint fails its health checks, and is left out");
  }

  return {
    follow(candidates) {
      const names = new Set(candidates.map(({ endpoint }) => endpoint.name));
      for (const [name, stop] of running) {
        if (names.has(name)) continue;
        stop();
        running.delete(name);
      }
      for (const candidate of candidates) {
        const { name } = candidate.endpoint;
        if (running.has(name)) continue;
        // Later, because the upstream's first call waits here, and a config may yet be taken back.
        const stopWaiting = clock.after(0, () => void running.set(name, begin(candidate)));
        running.set(name, stopWaiting);
      }
    },
    stop() {
      for (const stop of running.values()) stop();
      running.clear();
    },
  };
}

/** Stands where checks are over, and forgets what they have found; undefined where there is nothing to forget. */
export function forgetHealthChecks(states: EndpointStates, clock: Clock): HealthChecks | undefined {
  if (![...states.all.values()].some(({ health }) => health.policy)) return undefined;
  const stop = clock.after(0, () => {
    for (const state of states.all.values()) learnBy(undefined, state, states);
  });
  return { follow() {}, stop };
}

/** Forgets what other checks have found of an endpoint. */
function learnBy(policy: HealthCheckPolicy | undefined, { health }: EndpointState, states: EndpointStates): void {
  if (!health.isHealthy && !isDeepStrictEqual(health.policy, policy)) {
    health.isHealthy = true;
    health.reason = undefined;
    states.changed();
  }
  health.policy = policy;
}

/** Runs what it is given, at most so many at once, first come first served. */
function createTurns(most: number): (run: () => Promise<void>) => Promise<void> {
  let busy = 0;
  const line: (() => void)[] = [];
  return async (run) => {
    if (busy >= most) await new Promise<void>((turn) => line.push(turn));
    else busy++;
    try {
      await run();
    } finally {
      const next = line.shift();
      // Whoever is next takes this one's place.
      if (next) next();
      else busy--;
    }
  };
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON);
}
