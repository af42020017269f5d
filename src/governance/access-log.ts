// One record per call, written on success and on failure alike. Outermost, so that it sees what the caller gets.
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type AnyCall, exceptionOf, type Reply } from "../rpc/call.ts";
import { readTraceContext } from "./trace-context.ts";
import type { Watcher } from "./watch.ts";

/** How much of the traffic is logged. A line costs more than the hop, so good and quick calls are sampled. */
export const accessLogOptions = z
  .preprocess(
    (value) => (value === "all" ? { sample: 1 } : value),
    z.strictObject({
      sample: z.number().min(0).max(1).default(0.01).describe("share of the good and quick calls to log, from 0 to 1"),
      slowMs: z
        .number()
        .positive()
        .default(1_000)
        .describe("calls that take this long, in milliseconds, are always logged"),
    }),
  )
  .describe('which calls are logged beside failed ones: "all", or { sample, slowMs }');

export type AccessLogOptions = z.output<typeof accessLogOptions>;

/** What the access log writes with. */
export interface AccessLogContext {
  readonly log: Log;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/** Writes a record of calls of both kinds. */
export interface AccessLog {
  readonly calls: Watcher;
  /** When they end. A stream is not slow because it lasts. */
  readonly streams: Watcher;
}

/**
 * Logs errors and slow calls always and a sample of the others. A declared exception is an answer: it is sampled like a
 * result, and its record names it. `options` is asked at the end of each call.
 */
export function accessLog(options: () => AccessLogOptions, { log, random }: AccessLogContext): AccessLog {
  function write(call: AnyCall, end: Reply | RpcError | undefined, durationMs: number, slowMs: number): void {
    if (end instanceof RpcError) log.warn(failureRecord(call, durationMs, end), "call failed");
    else if (durationMs >= slowMs) log.warn(record(call, durationMs, end), "slow call");
    else if (random() < options().sample) log.info(record(call, durationMs, end), "call");
  }
  return {
    calls: { ended: (call, end, durationMs) => write(call, end, durationMs, options().slowMs) },
    streams: { ended: (call, end, durationMs) => write(call, end, durationMs, Number.POSITIVE_INFINITY) },
  };
}

function record(call: AnyCall, durationMs: number, reply: Reply | undefined): object {
  const exception = reply && exceptionOf(reply);
  return { ...common(call, durationMs), code: "OK", ...(exception && { exception: exception.name }) };
}

function failureRecord(call: AnyCall, durationMs: number, error: RpcError): object {
  const cause = unforeseen(error);
  return {
    ...common(call, durationMs),
    code: error.code,
    error: error.message,
    origin: error.origin,
    ...(cause && { cause: cause.stack ?? cause.message }),
  };
}

/** What we did not foresee is a fault of ours, whose stack says where; of all else the message says enough. */
function unforeseen({ code, origin, cause }: RpcError): Error | undefined {
  if (code !== "INTERNAL" || origin !== "here") return undefined;
  let first = cause;
  while (first instanceof RpcError) first = first.cause;
  return first instanceof Error ? first : undefined;
}

function common({ method, facts, headers }: AnyCall, durationMs: number): object {
  return {
    service: method.service,
    method: method.name,
    inbound: facts.inbound,
    outbound: facts.outbound,
    peer: facts.peer,
    caller: facts.caller,
    from: facts.from,
    route: facts.route,
    upstream: facts.upstream,
    endpoint: facts.endpoint,
    durationMs: Math.round(durationMs * 1_000) / 1_000,
    requestBytes: facts.requestBytes,
    replyBytes: facts.replyBytes,
    attempts: facts.attempts,
    losses: facts.losses,
    droppedMetadata: facts.droppedMetadata,
    traceId: facts.trace?.traceId ?? readTraceContext(headers)?.traceId,
    injected: facts.injected,
    degraded: facts.degraded,
  };
}
