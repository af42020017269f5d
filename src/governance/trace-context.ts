// Which trace a call belongs to, as its metadata says it: W3C Trace Context (traceparent) or Zipkin's B3, in one key or many.
// Metadata is what every wire with room for headers carries, so this is all that a wire needs.
import { randomFillSync } from "node:crypto";
import { Metadata } from "../base/metadata.ts";

/** How a trace context stands in metadata; `b3` is B3's single key, `b3-multi` its several. */
export const TRACE_FORMATS = ["w3c", "b3", "b3-multi"] as const;

export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** A place in a trace: ids in lower-case hex, 32 and 16 digits. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the caller records it; B3's "defer" counts as no. */
  readonly sampled: boolean;
  readonly format: TraceFormat;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const B3 = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?$/i;
const ZERO = /^0+$/;

/** The context that a call came with, W3C's first; undefined when there is none or it is not to be understood. */
export function readTraceContext(headers: Metadata): TraceContext | undefined {
  if (headers.size === 0) return undefined;
  const traceparent = headers.get("traceparent");
  if (traceparent !== undefined) {
    const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
    const found = context(traceId, spanId, (Number.parseInt(flags ?? "0", 16) & 1) === 1, "w3c");
    if (found) return found;
  }
  const single = headers.get("b3");
  if (single !== undefined) {
    const [, traceId, spanId, sampled] = B3.exec(single) ?? [];
    const found = context(traceId, spanId, sampled === "1" || sampled === "d", "b3");
    if (found) return found;
  }
  const traceId = headers.get("x-b3-traceid");
  if (traceId === undefined) return undefined;
  const sampled = headers.get("x-b3-sampled");
  const [, id, spanId] = B3.exec(`${traceId}-${headers.get("x-b3-spanid") ?? ""}`) ?? [];
  return context(id, spanId, sampled === "1" || sampled === "true" || headers.get("x-b3-flags") === "1", "b3-multi");
}

function context(
  traceId: string | undefined,
  spanId: string | undefined,
  sampled: boolean,
  format: TraceFormat,
): TraceContext | undefined {
  if (traceId === undefined || spanId === undefined || ZERO.test(traceId) || ZERO.test(spanId)) return undefined;
  // B3 allows ids of 64 bits, which W3C and OTLP have as the lower half.
  return { traceId: traceId.toLowerCase().padStart(32, "0"), spanId: spanId.toLowerCase(), sampled, format };
}

const KEYS = new Set([
  "traceparent",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
]);

/** Metadata with this context in these formats in the place of any other; `tracestate` stays, as W3C has it. */
export function withTraceContext(
  headers: Metadata,
  { traceId, spanId, sampled }: Omit<TraceContext, "format">,
  formats: ReadonlySet<TraceFormat>,
): Metadata {
  const flat: string[] = [];
  for (const [key, value] of headers) if (!KEYS.has(key)) flat.push(key, value);
  if (formats.has("w3c")) flat.push("traceparent", `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`);
  if (formats.has("b3")) flat.push("b3", `${traceId}-${spanId}-${sampled ? "1" : "0"}`);
  if (formats.has("b3-multi")) {
    flat.push("x-b3-traceid", traceId, "x-b3-spanid", spanId, "x-b3-sampled", sampled ? "1" : "0");
  }
  return Metadata.fromFlat(flat);
}

/** A system call for many ids. */
const randomBytes = Buffer.alloc(4_096);
let used = randomBytes.length;

function randomHex(bytes: number): string {
  if (used + bytes > randomBytes.length) {
    randomFillSync(randomBytes);
    used = 0;
  }
  used += bytes;
  return randomBytes.toString("hex", used - bytes, used);
}

/** A new id of a trace. */
export function newTraceId(): string {
  return randomHex(16);
}

/** A new id of a span. */
export function newSpanId(): string {
  return randomHex(8);
}
