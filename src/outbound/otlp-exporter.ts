// Spans to a collector, by OpenTelemetry's own exporter and batches. Its packages are optional and loaded when a config asks for
// them; a collector that is slow or gone costs spans, never calls.
import type { FinishedSpan, RecordSpan } from "../governance/trace.ts";

export interface OtlpOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
}

/** Where spans go. */
export interface SpanExporter {
  readonly record: RecordSpan;
  /** Sends what is left and stops. */
  close(): Promise<void>;
}

const EXPORTER = "@opentelemetry/exporter-trace-otlp-http";
const SDK = "@opentelemetry/sdk-trace";
const BATCH_MS = 1_000;

/** Loads OpenTelemetry; rejects when its packages are not installed, and names them. */
export async function openOtlpExporter({ url, headers, serviceName }: OtlpOptions): Promise<SpanExporter> {
  const { OTLPTraceExporter, BatchSpanProcessor } = await load();
  const exporter = new OTLPTraceExporter({ url, headers });
  const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: BATCH_MS });
  const attributes = { "service.name": serviceName };
  const resource = { attributes, getRawAttributes: () => Object.entries(attributes), merge: () => resource };
  return {
    record: (span) => processor.onEnd(readableSpan(span, resource)),
    // A collector that does not answer must not hold up the end.
    close: () => processor.shutdown().catch(() => {}),
  };
}

async function load() {
  try {
    const [{ OTLPTraceExporter }, { BatchSpanProcessor }] = await Promise.all([
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/sdk-trace"),
    ]);
    return { OTLPTraceExporter, BatchSpanProcessor };
  } catch (cause) {
    throw new Error(`tracing.otlp needs the packages ${EXPORTER} and ${SDK}: npm install ${EXPORTER} ${SDK}`, {
      cause,
    });
  }
}

const KINDS = { server: 1, client: 2 } as const;
const STATUS = { UNSET: 0, ERROR: 2 } as const;
const SAMPLED = 1;

/** A span as OpenTelemetry's SDK hands it to exporters (ReadableSpan). */
function readableSpan(span: FinishedSpan, resource: object): object {
  const { traceId, parentSpanId, error } = span;
  return {
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => ({ traceId, spanId: span.spanId, traceFlags: SAMPLED }),
    ...(parentSpanId !== undefined && { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: SAMPLED } }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.startMs + span.durationMs),
    duration: hrTime(span.durationMs),
    status: error === undefined ? { code: STATUS.UNSET } : { code: STATUS.ERROR, message: error },
    attributes: span.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "causeway" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): readonly [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
