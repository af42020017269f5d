// What the calls to an endpoint have taught about it. It belongs to the endpoint, not to a policy, so that a reload of
// policies forgets nothing: an ejected endpoint stays ejected, an open breaker open.
import type { HealthCheckPolicy } from "./health-check-policy.ts";
import { newUpstreamCounts, type UpstreamCounts } from "./upstream-counts.ts";

/** What one endpoint's attempts have shown. Written by the layers of its stack, read by the balance above them. */
export interface EndpointState {
  /** Attempts whose outcome is outstanding. */
  inFlight: number;
  /** When it came to others that were there already, on the monotonic clock; -Infinity for those that were there first. */
  joinedAtMs: number;
  readonly load: LoadState;
  readonly outlier: OutlierState;
  readonly breaker: BreakerState;
  readonly health: HealthState;
}

/** How long replies take. */
export interface LoadState {
  /** The peak-sensitive moving average, as of `atMs`. */
  latencyMs: number;
  /** On the monotonic clock; -Infinity before the first estimate. */
  atMs: number;
}

/** How an endpoint does beside the others of its upstream. */
export interface OutlierState {
  consecutiveFailures: number;
  /** Outcomes since the last sweep. */
  successes: number;
  failures: number;
  /** What the next ejection's time is multiplied with, less one. */
  ejections: number;
  /** On the monotonic clock; -Infinity when it never was ejected. */
  ejectedUntilMs: number;
}

/** Whether an endpoint's breaker lets calls through. */
export interface BreakerState {
  consecutiveFailures: number;
  /** Undefined while closed: calls pass. Else when the next probe may go, on the monotonic clock. */
  openUntilMs: number | undefined;
  /** Whether the one call that may close it is on its way. */
  probing: boolean;
  /** How many times it has opened without closing between: the exponent of its back-off. */
  opened: number;
}

/** What health checks have found; healthy where there are none. */
export interface HealthState {
  isHealthy: boolean;
  /** What the check that made it unhealthy said; undefined while it is healthy. */
  reason: string | undefined;
  /** By which checks: what others find may differ. */
  policy: HealthCheckPolicy | undefined;
}

/** The states of one upstream's endpoints, by name. */
export interface EndpointStates {
  /** The state of an endpoint; a new one for a name that is not known, with the time when it came to others, if it did. */
  of(name: string, joinedAtMs?: number): EndpointState;
  /** Those that are there, by name. */
  readonly all: ReadonlyMap<string, EndpointState>;
  /** Forgets all but these. */
  retain(names: ReadonlySet<string>): void;
  /** Says that an endpoint was ejected, is unhealthy or healthy again, or that a breaker has opened, closed, or may probe again. */
  changed(): void;
  /** How many times `changed` was called: who derives something from states sees by it that it must do so again. */
  readonly changes: number;
  /** What has become of the upstream's calls. */
  readonly counts: UpstreamCounts;
}

/** States that are empty at first. */
export function createEndpointStates(): EndpointStates {
  const all = new Map<string, EndpointState>();
  // No getter in an object literal: V8 turns such objects into hash tables, and `changes` is read at each call.
  const states = {
    of(name: string, joinedAtMs = Number.NEGATIVE_INFINITY) {
      let state = all.get(name);
      if (!state) {
        state = createEndpointState();
        state.joinedAtMs = joinedAtMs;
        all.set(name, state);
      }
      return state;
    },
    all,
    retain(names: ReadonlySet<string>) {
      for (const name of all.keys()) if (!names.has(name)) all.delete(name);
    },
    changed: () => void states.changes++,
    changes: 0,
    counts: newUpstreamCounts(),
  };
  return states;
}

/** The state of an endpoint that was never called. */
export function createEndpointState(): EndpointState {
  return {
    inFlight: 0,
    joinedAtMs: Number.NEGATIVE_INFINITY,
    load: { latencyMs: 0, atMs: Number.NEGATIVE_INFINITY },
    outlier: {
      consecutiveFailures: 0,
      successes: 0,
      failures: 0,
      ejections: 0,
      ejectedUntilMs: Number.NEGATIVE_INFINITY,
    },
    breaker: { consecutiveFailures: 0, openUntilMs: undefined, probing: false, opened: 0 },
    health: { isHealthy: true, reason: undefined, policy: undefined },
  };
}
