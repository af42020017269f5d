// Load as latency times attempts in flight, where a slow reply counts at once and a quick one little by little: the peak
// EWMA of Finagle and Linkerd 2.
import type { EndpointState } from "./endpoint-state.ts";
import type { Tracker } from "./observe.ts";
import { type Picker, weightOf } from "./picker.ts";
import { twoChoices } from "./two-choices.ts";

export interface PeakEwmaOptions {
  readonly decayMs: number;
  readonly initialMs: number;
  readonly failureMs: number;
}

/** Two choices by load, divided by the endpoint's weight. An endpoint that was never called counts as `initialMs`. */
export function peakEwma({ decayMs, initialMs }: PeakEwmaOptions, random: () => number): Picker {
  const choose = twoChoices((candidate, nowMs) => {
    const { load, inFlight } = candidate.state;
    // Idle time speaks for an endpoint: what was slow is tried again.
    const latencyMs = load.latencyMs * Math.exp((load.atMs - nowMs) / decayMs);
    return (latencyMs * (inFlight + 1)) / weightOf(candidate);
  }, random);
  return (candidates, nowMs) => {
    for (const { load } of candidates.map(({ state }) => state)) {
      if (load.atMs !== Number.NEGATIVE_INFINITY) continue;
      load.latencyMs = initialMs;
      load.atMs = nowMs;
    }
    return choose(candidates, nowMs);
  };
}

/** Keeps an endpoint's latency: it rises to a peak at once and falls with the time constant `decayMs`. */
export function trackLatency({ load }: EndpointState, { decayMs, failureMs }: PeakEwmaOptions): Tracker {
  return {
    ended(outcome, startMs, nowMs) {
      if (outcome === "neither") return;
      const durationMs = nowMs - startMs;
      // Else an endpoint that refuses at once would look like the fastest.
      const latencyMs = outcome === "failure" ? Math.max(durationMs, failureMs) : durationMs;
      const keep = latencyMs > load.latencyMs ? 0 : Math.exp((load.atMs - nowMs) / decayMs);
      load.latencyMs = load.latencyMs * keep + latencyMs * (1 - keep);
      load.atMs = nowMs;
    },
  };
}
