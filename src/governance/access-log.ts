// One record per call, written on success and on failure alike. Outermost, so that it sees what the caller gets.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type AnyCall, exceptionOf, type Layer, type Reply } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import { readTraceContext } from "./trace-context.ts";

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
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/** Writes the record of a call that began at `startMs` and has now ended, if it is to be logged. */
type WriteRecord = (call: AnyCall, startMs: number, end: Reply | RpcError | undefined) => void;

function recordWriter(options: () => AccessLogOptions, { log, clock, random }: AccessLogContext): WriteRecord {
  return (call, startMs, end) => {
    const { sample, slowMs } = options();
    const durationMs = clock.nowMs() - startMs;
    if (end instanceof RpcError) log.warn(failureRecord(call, durationMs, end), "call failed");
    else if (durationMs >= slowMs) log.warn(record(call, durationMs, end), "slow call");
    else if (random() < sample) log.info(record(call, durationMs, end), "call");
  };
}

/**
 * Logs errors and slow calls always and a sample of the others. Fills the byte counts of `facts`. A declared exception
 * is an answer: it is sampled like a result, and its record names it. `options` is asked at the end of each call.
 */
export function accessLog(options: () => AccessLogOptions, context: AccessLogContext): Layer {
  const write = recordWriter(options, context);
  const { clock } = context;
  return (next) => (call) => {
    const startMs = clock.nowMs();
    call.facts.requestBytes = call.payload.bytes.length;
    return next(call).then(
      (reply) => {
        call.facts.replyBytes = reply.payload.bytes.length;
        write(call, startMs, reply);
        return reply;
      },
      (thrown: unknown) => {
        const error = toRpcError(thrown);
        write(call, startMs, error);
        throw error;
      },
    );
  };
}

/** The same for streams, when they end. A stream is not slow because it lasts. */
export function streamAccessLog(options: () => AccessLogOptions, context: AccessLogContext): StreamLayer {
  const write = recordWriter(() => ({ ...options(), slowMs: Number.POSITIVE_INFINITY }), context);
  const { clock } = context;
  return (next) => (call) => {
    const startMs = clock.nowMs();
    return whenOver(next(call), (error) => write(call, startMs, error));
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
