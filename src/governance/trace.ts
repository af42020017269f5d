// Spans: one for each call that comes in, and under it one for each attempt that goes out. Where nothing records them, the
// caller's own context goes on as it came, because a span that nobody ever sees must not be anyone's parent.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { type RpcError, toRpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import {
  newSpanId,
  newTraceId,
  readTraceContext,
  TRACE_FORMATS,
  type TraceFormat,
  withTraceContext,
} from "./trace-context.ts";

/** What is traced, and where spans go. */
export const tracingOptions = z
  .strictObject({
    sample: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe(
        "share of the calls without a trace that one is begun for, from 0 to 1; others are as their caller says",
      ),
    write: z
      .array(z.enum(TRACE_FORMATS))
      .default(["w3c"])
      .describe("how a recorded trace is told to servers, besides as it came: w3c, b3, b3-multi"),
    otlp: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/ })
          .describe("where spans go by OTLP over HTTP, as in http://localhost:4318/v1/traces"),
        headers: z.record(z.string(), z.string()).default({}).describe("headers of each request there"),
        serviceName: z.string().min(1).default("causeway").describe("service.name of the spans"),
      })
      .optional()
      .describe("a collector; without it traces are begun and passed on, and nothing is recorded"),
  })
  .describe("what is traced");

export type TracingOptions = z.output<typeof tracingOptions>;

/** A span that has ended. */
export interface FinishedSpan {
  readonly kind: "server" | "client";
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Why it failed, if it did. */
  readonly error: string | undefined;
}

/** Takes spans that have ended; must not throw or wait. */
export type RecordSpan = (span: FinishedSpan) => void;

export interface TraceContextOfProcess {
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  /** Undefined without a collector. */
  readonly record: RecordSpan | undefined;
}

/** The layers of tracing. */
export interface Trace {
  readonly calls: Layer;
  readonly streams: StreamLayer;
  /** Of attempts at endpoints; undefined where nothing is recorded. */
  readonly attempts: { readonly calls: Layer; readonly streams: StreamLayer } | undefined;
}

/** Traces calls by their metadata: a trace that is there is continued, none is begun for the share that `sample` says. */
export function trace(options: TracingOptions, { clock, random, record }: TraceContextOfProcess): Trace {
  const formats = new Map(
    TRACE_FORMATS.map((format): [TraceFormat, ReadonlySet<TraceFormat>] => [
      format,
      new Set([format, ...options.write]),
    ]),
  );
  const begun: ReadonlySet<TraceFormat> = new Set(options.write);

  /** The call as it goes on, and what hears of its end; undefined when it is not traced here. */
  function begin<C extends AnyCall>(call: C): { readonly call: C; readonly end: End | undefined } {
    const came = readTraceContext(call.headers);
    if (came ? !came.sampled : random() >= options.sample) return { call, end: undefined };
    const traceId = came?.traceId ?? newTraceId();
    const span = { traceId, spanId: newSpanId(), sampled: true };
    call.facts.trace = { ...span, format: came?.format };
    if (record) return { call, end: spanEnd("server", span, came?.spanId, call, record) };
    // Nobody records the span: the caller's is the parent of what follows, if there is one.
    return { call: came ? call : { ...call, headers: withTraceContext(call.headers, span, begun) }, end: undefined };
  }

  function attempt<C extends AnyCall>(
    call: C,
    recordIt: RecordSpan,
  ): { readonly call: C; readonly end: End | undefined } {
    const parent = call.facts.trace;
    if (!parent) return { call, end: undefined };
    const span = { traceId: parent.traceId, spanId: newSpanId(), sampled: true };
    const told = parent.format ? (formats.get(parent.format) ?? begun) : begun;
    const traced = { ...call, headers: withTraceContext(call.headers, span, told) };
    return { call: traced, end: spanEnd("client", span, parent.spanId, call, recordIt) };
  }

  function spanEnd(
    kind: FinishedSpan["kind"],
    { traceId, spanId }: { readonly traceId: string; readonly spanId: string },
    parentSpanId: string | undefined,
    { method, facts }: AnyCall,
    recordIt: RecordSpan,
  ): End {
    const [startMs, beganMs] = [clock.wallMs(), clock.nowMs()];
    const own = kind === "client" ? attemptAttributes(facts) : undefined;
    return (error) =>
      recordIt({
        kind,
        name: `${method.service}/${method.name}`,
        traceId,
        spanId,
        parentSpanId,
        startMs,
        durationMs: clock.nowMs() - beganMs,
        attributes: {
          "rpc.service": method.service,
          "rpc.method": method.name,
          ...(own ?? callAttributes(facts)),
          ...(error && { "error.type": error.code }),
        },
        error: error?.message,
      });
  }

  return {
    ...layers(begin),
    attempts: record && layers((call) => attempt(call, record)),
  };
}

type End = (error: RpcError | undefined) => void;
type Begin = <C extends AnyCall>(call: C) => { readonly call: C; readonly end: End | undefined };

function layers(begin: Begin): { readonly calls: Layer; readonly streams: StreamLayer } {
  return {
    calls: (next) => (given) => {
      const { call, end } = begin(given);
      if (!end) return next(call);
      return next(call).then(
        (reply) => {
          end(undefined);
          return reply;
        },
        (thrown: unknown) => {
          const error = toRpcError(thrown);
          end(error);
          throw error;
        },
      );
    },
    streams: (next) => (given) => {
      const { call, end } = begin(given);
      return end ? whenOver(next(call), end) : next(call);
    },
  };
}

function callAttributes({ inbound, peer, upstream, attempts }: AnyCall["facts"]): FinishedSpan["attributes"] {
  return {
    "rpc.system": inbound,
    "client.address": peer,
    "causeway.attempts": attempts,
    ...(upstream !== undefined && { "causeway.upstream": upstream }),
  };
}

function attemptAttributes({ outbound, upstream, endpoint, attempts }: AnyCall["facts"]): FinishedSpan["attributes"] {
  return {
    "rpc.system": outbound ?? "",
    "server.address": endpoint ?? "",
    "causeway.upstream": upstream ?? "",
    "causeway.attempt": attempts,
  };
}
