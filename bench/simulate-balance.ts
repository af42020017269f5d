// Balancing without sockets: calls come at random to endpoints that serve one call after the other, in time that is computed.
// The same seed gives the same run.

import type { Tracker } from "../src/governance/observe.ts";
import type { Picker } from "../src/governance/picker.ts";
import type { Call } from "../src/rpc/call.ts";

export interface Simulation {
  readonly candidates: Parameters<Picker>[0];
  readonly picker: Picker;
  /** What learns of each candidate's attempts, by its place. */
  readonly trackers: readonly (readonly Tracker[])[];
  /** Mean time that each endpoint serves a call for, by its place. */
  readonly serviceMs: readonly number[];
  /** Share of what all endpoints together can serve that comes, from 0 to 1. */
  readonly utilization: number;
  readonly calls: number;
  readonly random: () => number;
  readonly call: Call;
}

export interface SimulationResult {
  /** Calls by endpoint. */
  readonly calls: readonly number[];
  /** Waiting and service of each call, ascending. */
  readonly latenciesMs: readonly number[];
  /** Most calls at one endpoint at once. */
  readonly mostInFlight: number;
}

/** Runs Poisson arrivals over endpoints with exponential service times and a queue each (M/M/1 behind a balancer). */
export function simulateBalance(simulation: Simulation): SimulationResult {
  const { candidates, picker, trackers, serviceMs, utilization, random, call } = simulation;
  const exponential = (meanMs: number) => -meanMs * Math.log(1 - random());
  const meanGapMs = 1 / (utilization * serviceMs.reduce((sum, ms) => sum + 1 / ms, 0));
  const places = new Map(candidates.map((candidate, i) => [candidate, i]));
  const freeAtMs = candidates.map(() => 0);
  /** Of each endpoint, in the order in which they end. */
  const running: { readonly startMs: number; readonly endMs: number }[][] = candidates.map(() => []);
  const calls = candidates.map(() => 0);
  const latenciesMs: number[] = [];
  let nowMs = 0;
  let mostInFlight = 0;
  const pick = picker(candidates, nowMs);

  function endUntil(ms: number): void {
    for (const [i, queue] of running.entries()) {
      while (queue[0] && queue[0].endMs <= ms) {
        const { startMs, endMs } = queue.shift()!;
        candidates[i]!.state.inFlight--;
        for (const tracker of trackers[i]!) tracker.ended("success", startMs, endMs);
      }
    }
  }

  for (let n = 0; n < simulation.calls; n++) {
    nowMs += exponential(meanGapMs);
    endUntil(nowMs);
    const chosen = pick(call, undefined, nowMs);
    const i = places.get(chosen)!;
    const endMs = Math.max(nowMs, freeAtMs[i]!) + exponential(serviceMs[i]!);
    freeAtMs[i] = endMs;
    running[i]!.push({ startMs: nowMs, endMs });
    chosen.state.inFlight++;
    calls[i]!++;
    mostInFlight = Math.max(mostInFlight, chosen.state.inFlight);
    latenciesMs.push(endMs - nowMs);
  }
  return { calls, latenciesMs: latenciesMs.sort((a, b) => a - b), mostInFlight };
}

/** A quantile of ascending numbers. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0;
}
