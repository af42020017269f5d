// What we use of OpenTelemetry's packages, which are optional: without this a clone that lacks them would not type-check.
declare module "@opentelemetry/exporter-trace-otlp-http" {
  /** Sends spans by OTLP over HTTP, as JSON. */
  export class OTLPTraceExporter {
    constructor(options: { readonly url: string; readonly headers: Readonly<Record<string, string>> });
  }
}

declare module "@opentelemetry/sdk-trace" {
  /** Sends spans in batches, and drops them when too many wait. */
  export class BatchSpanProcessor {
    constructor(options: { readonly exporter: object; readonly scheduledDelayMillis: number });
    onEnd(span: object): void;
    shutdown(): Promise<void>;
  }
}
