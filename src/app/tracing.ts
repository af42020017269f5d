// The tracing of a running sidecar: its layers, with the collector that their spans go to.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Trace, type TracingOptions, trace } from "../governance/trace.ts";
import { openOtlpExporter, type SpanExporter } from "../outbound/otlp-exporter.ts";

/** Tracing as it runs. */
export interface Tracing {
  readonly trace: Trace;
  /** Sends the spans that are left. */
  close(): Promise<void>;
}

/** Sets tracing up; undefined without options. Without OpenTelemetry's packages it goes on without recording, and says so. */
export async function createTracing(
  options: TracingOptions | undefined,
  clock: Clock,
  log: Log,
): Promise<Tracing | undefined> {
  if (!options) return undefined;
  let exporter: SpanExporter | undefined;
  try {
    exporter = options.otlp && (await openOtlpExporter(options.otlp));
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, "no spans are recorded");
  }
  return {
    trace: trace(options, { clock, random: Math.random, record: exporter?.record }),
    close: async () => exporter?.close(),
  };
}
