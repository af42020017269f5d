// Endpoints that calls are spread over: all of an upstream's, or those with certain labels. Leaves out the unhealthy, and says
// when that must be looked at again.
import type { AnyCall } from "../rpc/call.ts";
import type { EndpointStates } from "./endpoint-state.ts";
import type { Candidate, Pick, Picker } from "./picker.ts";

/** A choice among candidates that stay the same while their states change. */
export interface Pool {
  readonly size: number;
  /** The candidate of an attempt; undefined when there is none that can be called. */
  next(call: AnyCall, nowMs: number): Candidate | undefined;
  /** When one more can be called at the earliest, on the monotonic clock; Infinity when nobody knows. */
  staleAtMs(): number;
  /** Whether none is healthy and none is due to be asked whether it is again. */
  isDown(nowMs: number): boolean;
  /** How many are healthy. */
  healthyAt(nowMs: number): number;
  /** Whether one is due to be asked whether it is back. */
  hasProbe(nowMs: number): boolean;
}

/** What a pool chooses by. */
export interface PoolContext {
  readonly states: EndpointStates;
  readonly picker: Picker;
  /** The share of healthy endpoints below which ejected and unhealthy ones are used too. */
  readonly panicBelow: number;
}

/** What can be called, until `staleAtMs` or a change of a state. */
interface Choice {
  /** Undefined when no endpoint can be called. */
  readonly pick: Pick | undefined;
  /** Endpoints whose open breaker wants one call to learn whether they are back; those that pass their health checks last. */
  readonly probes: Candidate[];
  readonly healthy: number;
  readonly staleAtMs: number;
  readonly changes: number;
}

/**
 * Endpoints that are ejected or fail their health checks are left out, unless fewer than `panicBelow` of all are healthy; those
 * with an open breaker get one call when a probe is due, and never a retry while there are others.
 */
export function createPool(candidates: readonly Candidate[], { states, picker, panicBelow }: PoolContext): Pool {
  let choice: Choice | undefined;
  /** Those that `choice.pick` was built from. */
  let usable: readonly Candidate[] = [];

  function choose(nowMs: number): Choice {
    const due: Candidate[] = [];
    const closedOnes: Candidate[] = [];
    let staleAtMs = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const { openUntilMs, probing } = candidate.state.breaker;
      if (openUntilMs === undefined) closedOnes.push(candidate);
      else if (!probing && openUntilMs <= nowMs) due.push(candidate);
      else if (!probing) staleAtMs = Math.min(staleAtMs, openUntilMs);
    }
    const healthy = closedOnes.filter((each) => passes(each) && each.state.outlier.ejectedUntilMs <= nowMs);
    for (const { state } of closedOnes) {
      const { ejectedUntilMs } = state.outlier;
      if (ejectedUntilMs > nowMs) staleAtMs = Math.min(staleAtMs, ejectedUntilMs);
    }
    const panic = healthy.length < candidates.length * panicBelow || healthy.length === 0;
    const next = panic ? closedOnes : healthy;
    // Calls learn nothing of an endpoint that its health checks keep out. The last is taken first.
    const well = due.filter(passes);
    const probes = panic ? [...due.filter((each) => !passes(each)), ...well] : well;
    // Turns and tables are kept while they can be.
    const same = next.length === usable.length && next.every((each, i) => each === usable[i]);
    const kept = same ? choice?.pick : undefined;
    const pick = next.length === 0 ? undefined : (kept ?? picker(next, nowMs));
    usable = next;
    return { pick, probes, healthy: healthy.length, staleAtMs, changes: states.changes };
  }

  function choiceAt(nowMs: number): Choice {
    if (!choice || choice.changes !== states.changes || nowMs >= choice.staleAtMs) choice = choose(nowMs);
    return choice;
  }

  return {
    size: candidates.length,
    next(call, nowMs) {
      const { facts } = call;
      const { pick, probes } = choiceAt(nowMs);
      if (probes.length > 0 && (facts.attempts === 0 || !pick)) return probes.pop();
      if (!pick) return undefined;
      const last = facts.attempts > 0 ? usable.find(({ endpoint }) => endpoint.name === facts.endpoint) : undefined;
      return pick(call, last, nowMs);
    },
    staleAtMs: () => choice?.staleAtMs ?? Number.POSITIVE_INFINITY,
    isDown(nowMs) {
      const { healthy, probes } = choiceAt(nowMs);
      return healthy === 0 && !probes.some(passes);
    },
    healthyAt: (nowMs) => choiceAt(nowMs).healthy,
    hasProbe: (nowMs) => choiceAt(nowMs).probes.some(passes),
  };
}

/** Whether it passes its health checks, if there are any. */
function passes({ state }: Candidate): boolean {
  return state.health.isHealthy;
}
