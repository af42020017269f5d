// Counts and times every call for Prometheus. The admin listener shows what is counted here.
import { Counter, Gauge, type Registry } from "prom-client";
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import { exceptionOf, type Reply } from "../rpc/call.ts";
import type { Method } from "../schema/model.ts";
import { DurationHistogram, type Observe } from "./duration-histogram.ts";
import type { Watcher } from "./watch.ts";

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

/** One method's counters, looked up once instead of at each call. */
interface Meters {
  /** Calls by code since the registry was last asked. */
  readonly counts: Map<string, number>;
  inFlight: number;
  /** What translations had to leave out, in all. */
  unknownFields: number;
  duplicates: number;
  readonly observe: Observe;
  readonly labels: { readonly service: string; readonly method: string };
}

/**
 * Adds `causeway_calls_total{service,method,code}`, `causeway_call_duration_seconds`, `causeway_calls_in_flight` and
 * `causeway_translation_losses_total{service,method,kind}` to the registry.
 * `code` is OK, EXCEPTION for a declared exception, or the gRPC code. Opaque methods share the labels `opaque`, because
 * peers choose their names and each label costs memory for good.
 */
export function metrics({ bucketsMs }: MetricsOptions, registry: Registry): Watcher {
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
  new Gauge({
    name: "causeway_calls_in_flight",
    help: "Calls and streams that have begun and not ended.",
    labelNames: ["service", "method"] as const,
    registers: [registry],
    collect() {
      for (const { inFlight, labels } of all) this.set(labels, inFlight);
    },
  });
  new Counter({
    name: "causeway_translation_losses_total",
    help: "Fields and repetitions that translations left out.",
    labelNames: ["service", "method", "kind"] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, unknownFields, duplicates } of all) {
        if (unknownFields > 0) this.inc({ ...labels, kind: "unknown_fields" }, unknownFields);
        if (duplicates > 0) this.inc({ ...labels, kind: "duplicates" }, duplicates);
      }
    },
  });
  const marked = new Counter({
    name: "causeway_marked_calls_total",
    help: "Calls that were degraded, or got a fault on purpose, by the rule that did it.",
    labelNames: ["kind", "rule"] as const,
    registers: [registry],
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
    const observe = durations.series(labels);
    const meters: Meters = { counts: new Map(), inFlight: 0, unknownFields: 0, duplicates: 0, observe, labels };
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

  return {
    began({ method }) {
      metersFor(method).inFlight++;
    },
    ended({ method, facts }, end, durationMs) {
      const meters = metersFor(method);
      const { counts, observe } = meters;
      meters.inFlight--;
      if (facts.degraded !== undefined) marked.inc({ kind: "degraded", rule: facts.degraded });
      if (facts.injected !== undefined) marked.inc({ kind: "injected", rule: facts.injected });
      observe(durationMs / 1_000);
      const code = codeOf(end);
      counts.set(code, (counts.get(code) ?? 0) + 1);
      if (!facts.losses) return;
      meters.unknownFields += facts.losses.unknownFields;
      meters.duplicates += facts.losses.duplicates;
    },
  };
}

function codeOf(end: Reply | RpcError | undefined): string {
  if (end instanceof RpcError) return end.code;
  return end && exceptionOf(end) ? "EXCEPTION" : "OK";
}
