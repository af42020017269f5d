// Counts and times every call for Prometheus. The admin listener shows what is counted here.
import { Counter, type Registry } from "prom-client";
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { toRpcError } from "../base/errors.ts";
import { exceptionOf, type Layer, type Reply } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { DurationHistogram, type Observe } from "./duration-histogram.ts";

/** What is measured. */
export const metricsOptions = z
  .strictObject({
    bucketsMs: z
      .array(z.number().positive())
      .min(1)
      .refine((buckets) => buckets.every((bucket, i) => i === 0 || bucket > buckets[i - 1]!), {
        message: "expected ascending numbers",
      })
      .default([0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000])
      .describe("upper bounds of the duration histogram's buckets, in milliseconds, ascending"),
  })
  .describe("what /metrics on the admin listener shows");

export type MetricsOptions = z.output<typeof metricsOptions>;

/** What the metrics write to. */
export interface MetricsContext {
  readonly registry: Registry;
  readonly clock: Clock;
}

/** One method's counters, looked up once instead of at each call. */
interface Meters {
  /** Calls by code since the registry was last asked. */
  readonly counts: Map<string, number>;
  readonly observe: Observe;
  readonly labels: { readonly service: string; readonly method: string };
}

/** Counts calls of both kinds in the same meters. */
export interface Metrics {
  readonly calls: Layer;
  /** A stream counts when it has ended, with all the time that it took. */
  readonly streams: StreamLayer;
}

/**
 * Adds `causeway_calls_total{service,method,code}` and `causeway_call_duration_seconds{service,method}` to the registry.
 * `code` is OK, EXCEPTION for a declared exception, or the gRPC code. Opaque methods share the labels `opaque`, because
 * peers choose their names and each label costs memory for good.
 */
export function metrics({ bucketsMs }: MetricsOptions, { registry, clock }: MetricsContext): Metrics {
  const all: Meters[] = [];
  new Counter({
    name: "causeway_calls_total",
    help: "Calls by what became of them.",
    labelNames: ["service", "method", "code"] as const,
    registers: [registry],
    // A counter hashes its labels each time: rather when somebody asks than at each call.
    collect() {
      for (const { counts, labels } of all) {
        for (const [code, count] of counts) this.inc({ ...labels, code }, count);
        counts.clear();
      }
    },
  });
  const durations = new DurationHistogram({
    name: "causeway_call_duration_seconds",
    help: "Time from the whole request to the whole reply; of a stream from its begin to its end.",
    labelNames: ["service", "method"] as const,
    buckets: bucketsMs.map((bucketMs) => bucketMs / 1_000),
    registers: [registry],
  });
  const loaded = new Map<Method, Meters>();
  let opaque: Meters | undefined;

  function metersOf(labels: Meters["labels"]): Meters {
    const meters: Meters = { counts: new Map(), observe: durations.series(labels), labels };
    all.push(meters);
    return meters;
  }

  function metersFor(method: Method): Meters {
    if (method.request === undefined) {
      opaque ??= metersOf({ service: "opaque", method: "opaque" });
      return opaque;
    }
    const known = loaded.get(method);
    if (known) return known;
    const meters = metersOf({ service: method.service, method: method.name });
    loaded.set(method, meters);
    return meters;
  }

  function count(method: Method, code: string, startMs: number): void {
    const { counts, observe } = metersFor(method);
    observe((clock.nowMs() - startMs) / 1_000);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }

  return {
    calls: (next) => (call) => {
      const startMs = clock.nowMs();
      return next(call).then(
        (reply) => {
          count(call.method, codeOf(reply), startMs);
          return reply;
        },
        (thrown: unknown) => {
          const error = toRpcError(thrown);
          count(call.method, error.code, startMs);
          throw error;
        },
      );
    },
    streams: (next) => (call) => {
      const startMs = clock.nowMs();
      return whenOver(next(call), (error) => count(call.method, error?.code ?? "OK", startMs));
    },
  };
}

function codeOf(reply: Reply): string {
  return exceptionOf(reply) ? "EXCEPTION" : "OK";
}
