// How many calls at once an upstream bears, found by its latency: Envoy's gradient controller. When replies take longer
// than they do on an idle upstream, calls wait in line there, and fewer are let through.
export interface GradientOptions {
  readonly minLimit: number;
  readonly maxLimit: number;
  readonly headroom: number;
  readonly intervalMs: number;
  readonly probeIntervalMs: number;
  readonly probeCalls: number;
}

/** A limit that follows the latencies that it is told. */
export interface GradientLimit {
  /** How many calls may be in flight now. */
  limit(): number;
  /** A call that went out at `startMs` was answered at `nowMs`. */
  answered(startMs: number, nowMs: number): void;
}

/** Most latencies that one interval keeps: more would not move the median. */
const MAX_SAMPLES = 1_000;

/** Intervals in a row at the least limit after which the idle latency is taken for outdated, as in Envoy. */
const MAX_AT_LEAST = 5;

/**
 * Starts with the least limit, under which it takes the median of `probeCalls` latencies for that of an idle upstream,
 * and does so again every `probeIntervalMs`, up to 15 % later by chance.
 */
export function createGradientLimit(options: GradientOptions, random: () => number): GradientLimit {
  const { minLimit, maxLimit, headroom, intervalMs, probeIntervalMs, probeCalls } = options;
  let limit = minLimit;
  let limitBefore = minLimit;
  let idleMs: number | undefined;
  let samples: number[] = [];
  let beganMs = Number.NEGATIVE_INFINITY;
  let probeAtMs = Number.POSITIVE_INFINITY;
  let atLeast = 0;

  function probe(nowMs: number): void {
    limitBefore = limit;
    idleMs = undefined;
    limit = minLimit;
    restart(nowMs);
  }

  function restart(nowMs: number): void {
    samples = [];
    beganMs = nowMs;
  }

  function update(nowMs: number, idle: number): void {
    const gradient = Math.min(2, Math.max(0.5, (idle * (1 + headroom)) / Math.max(median(samples), Number.MIN_VALUE)));
    // The root leaves room for bursts, and lets a limit grow from the least.
    const next = limit * gradient + Math.sqrt(limit);
    limit = Math.min(maxLimit, Math.max(minLimit, Math.floor(next)));
    atLeast = limit === minLimit ? atLeast + 1 : 0;
    restart(nowMs);
  }

  return {
    limit: () => limit,
    answered(startMs, nowMs) {
      // What began before this phase was served under another limit.
      if (startMs < beganMs) return;
      if (samples.length < MAX_SAMPLES) samples.push(nowMs - startMs);
      if (idleMs === undefined) {
        if (samples.length < probeCalls) return;
        idleMs = median(samples);
        limit = limitBefore;
        atLeast = 0;
        probeAtMs = nowMs + probeIntervalMs * (1 + 0.15 * random());
        restart(nowMs);
      } else if (nowMs >= probeAtMs || atLeast >= MAX_AT_LEAST) probe(nowMs);
      else if (nowMs - beganMs >= intervalMs) update(nowMs, idleMs);
    },
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
