// A Prometheus histogram that costs a call an addition: prom-client's own hashes its labels and builds closures at each
// observation, which took half of the pipeline's time.
import { Histogram, type HistogramConfiguration } from "prom-client";

/** One set of labels, and what was observed under it. */
interface Series<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  /** How many fell into each bucket, and behind the last one into none; not cumulative. */
  readonly counts: Float64Array;
  sum: number;
}

/** Observes one duration, in seconds. */
export type Observe = (seconds: number) => void;

/** A histogram whose labels are looked up once per series; `buckets` are upper bounds in seconds, ascending. */
export class DurationHistogram<Label extends string> extends Histogram<Label> {
  readonly #name: string;
  readonly #buckets: readonly number[];
  readonly #series: Series<Label>[] = [];
  /** Knows the type and the help as the registry wants them; nothing is observed by it. */
  readonly #description: Histogram<Label>;

  constructor(options: HistogramConfiguration<Label> & { readonly buckets: number[] }) {
    super(options);
    this.#name = options.name;
    this.#buckets = options.buckets;
    this.#description = new Histogram({ ...options, registers: [] });
  }

  /** A new series; a second one of the same labels would be shown beside the first. */
  series(labels: Readonly<Record<Label, string>>): Observe {
    const buckets = this.#buckets;
    const series: Series<Label> = { labels, counts: new Float64Array(buckets.length + 1), sum: 0 };
    this.#series.push(series);
    return (seconds) => {
      let bucket = 0;
      while (bucket < buckets.length && seconds > buckets[bucket]!) bucket++;
      series.counts[bucket]!++;
      series.sum += seconds;
    };
  }

  override async get() {
    const description = await this.#description.get();
    return { ...description, values: this.#series.flatMap((series) => this.#valuesOf(series)) };
  }

  /** What the registry asks for when it writes text. */
  getForPromString() {
    return this.get();
  }

  #valuesOf({ labels, counts, sum }: Series<Label>) {
    let below = 0;
    const buckets = [...this.#buckets, "+Inf"].map((le, i) => {
      below += counts[i]!;
      return { labels: { le, ...labels }, value: below, metricName: `${this.#name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: sum, metricName: `${this.#name}_sum` },
      { labels, value: below, metricName: `${this.#name}_count` },
    ];
  }
}
