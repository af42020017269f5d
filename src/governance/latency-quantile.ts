// How long most calls take, from the last ones: a quantile that costs a call one store.

/** A quantile of the last latencies. */
export interface LatencyQuantile {
  add(latencyMs: number): void;
  /** In milliseconds; undefined until enough latencies are known to say. */
  valueMs(): number | undefined;
}

const SAMPLES = 1_000;
/** How many latencies come between two looks: sorting is not for each of them. */
const STEP = 100;

/** The `quantile`, from 0 to 1, of the last thousand latencies, as of the last full hundred. */
export function createLatencyQuantile(quantile: number): LatencyQuantile {
  const samples = new Float64Array(SAMPLES);
  let count = 0;
  let valueMs: number | undefined;
  return {
    add(latencyMs) {
      samples[count++ % SAMPLES] = latencyMs;
      if (count % STEP > 0) return;
      const sorted = samples.slice(0, Math.min(count, SAMPLES)).sort();
      valueMs = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
    },
    valueMs: () => valueMs,
  };
}
