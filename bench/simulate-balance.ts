// Balancing without sockets: calls come at random to endpoints that serve one call after the other, in time that is computed.
// The same seed gives the same run.
import type { Outcome } from "../src/governance/failure.ts";
import type { Tracker } from "../src/governance/observe.ts";
import type { Candidate } from "../src/governance/picker.ts";
import type { Call } from "../src/rpc/call.ts";

export interface Simulation {
  readonly candidates: readonly Candidate[];
  /** The endpoint of the next call; undefined when there is none. */
  readonly choose: (call: Call, nowMs: number) => Candidate | undefined;
  /** What learns of each candidate's attempts, by its place. */
  readonly trackers: readonly (readonly Tracker[])[];
  /** Mean time that each endpoint serves a call for, by its place. */
  readonly serviceMs: readonly number[];
  /** The share of its calls that an endpoint fails, at once, from 0 to 1; nobody fails without it. */
  readonly failureShare?: (place: number, nowMs: number) => number;
  /** Share of what all endpoints together can serve that comes, from 0 to 1. */
  readonly utilization: number;
  readonly calls: number;
  readonly random: () => number;
  readonly nextCall: () => Call;
  /** Is told of each call as it comes. */
  readonly seen?: (nowMs: number, failed: boolean) => void;
}

export interface SimulationResult {
  /** Calls by endpoint. */
  readonly calls: readonly number[];
  /** Waiting and service of each call that was served, ascending. */
  readonly latenciesMs: readonly number[];
  /** Calls that failed, or that no endpoint was there for. */
  readonly failed: number;
  /** Most calls at one endpoint at once. */
  readonly mostInFlight: number;
}

/** How long a call takes that fails at once: an endpoint that is wrong is quick. */
const FAILS_IN_MS = 1;

/** Runs Poisson arrivals over endpoints with exponential service times and a queue each (M/M/1 behind a balancer). */
export function simulateBalance(simulation: Simulation): SimulationResult {
  const { candidates, choose, trackers, serviceMs, utilization, random, nextCall } = simulation;
  const exponential = (meanMs: number) => -meanMs * Math.log(1 - random());
  const meanGapMs = 1 / (utilization * serviceMs.reduce((sum, ms) => sum + 1 / ms, 0));
  const places = new Map(candidates.map(({ endpoint }, i) => [endpoint.name, i]));
  const freeAtMs = candidates.map(() => 0);
  /** Of each endpoint, in the order in which they end. */
  const running: Running[][] = candidates.map(() => []);
  const calls = candidates.map(() => 0);
  const latenciesMs: number[] = [];
  let nowMs = 0;
  let mostInFlight = 0;
  let failed = 0;

  function endUntil(ms: number): void {
    for (const [i, queue] of running.entries()) {
      while (queue[0] && queue[0].endMs <= ms) {
        const { startMs, endMs, outcome } = queue.shift()!;
        candidates[i]!.state.inFlight--;
        for (const tracker of trackers[i]!) tracker.ended(outcome, startMs, endMs);
      }
    }
  }

  for (let n = 0; n < simulation.calls; n++) {
    nowMs += exponential(meanGapMs);
    endUntil(nowMs);
    const chosen = choose(nextCall(), nowMs);
    const i = chosen && places.get(chosen.endpoint.name);
    const fails =
      i === undefined || (simulation.failureShare !== undefined && random() < simulation.failureShare(i, nowMs));
    simulation.seen?.(nowMs, fails);
    if (fails) failed++;
    if (i === undefined) continue;
    for (const tracker of trackers[i]!) tracker.began?.();
    candidates[i]!.state.inFlight++;
    calls[i]!++;
    mostInFlight = Math.max(mostInFlight, candidates[i]!.state.inFlight);
    if (fails) {
      const endMs = nowMs + FAILS_IN_MS;
      insert(running[i]!, { startMs: nowMs, endMs, outcome: "failure" });
      continue;
    }
    const endMs = Math.max(nowMs, freeAtMs[i]!) + exponential(serviceMs[i]!);
    freeAtMs[i] = endMs;
    insert(running[i]!, { startMs: nowMs, endMs, outcome: "success" });
    latenciesMs.push(endMs - nowMs);
  }
  return { calls, latenciesMs: latenciesMs.sort((a, b) => a - b), failed, mostInFlight };
}

interface Running {
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: Outcome;
}

/** A failure may end before what came earlier. */
function insert(queue: Running[], call: Running): void {
  let at = queue.length;
  while (at > 0 && queue[at - 1]!.endMs > call.endMs) at--;
  queue.splice(at, 0, call);
}

/** A quantile of ascending numbers. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0;
}
