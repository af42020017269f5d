// One record per call, written on success and on failure alike. Outermost, so that it sees what the caller gets.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { type RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Call, exceptionOf, type Layer, type Reply } from "../rpc/call.ts";

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

/**
 * Logs errors and slow calls always and a sample of the others. Fills the byte counts of `facts`. A declared exception
 * is an answer: it is sampled like a result, and its record names it.
 */
export function accessLog({ sample, slowMs }: AccessLogOptions, { log, clock, random }: AccessLogContext): Layer {
  return (next) => (call) => {
    const startMs = clock.nowMs();
    call.facts.requestBytes = call.payload.bytes.length;
    return next(call).then(
      (reply) => {
        call.facts.replyBytes = reply.payload.bytes.length;
        const durationMs = clock.nowMs() - startMs;
        if (durationMs >= slowMs) log.warn(record(call, durationMs, reply), "slow call");
        else if (random() < sample) log.info(record(call, durationMs, reply), "call");
        return reply;
      },
      (thrown: unknown) => {
        const error = toRpcError(thrown);
        log.warn(failureRecord(call, clock.nowMs() - startMs, error), "call failed");
        throw error;
      },
    );
  };
}

function record(call: Call, durationMs: number, reply: Reply): object {
  const exception = exceptionOf(reply);
  return { ...common(call, durationMs), code: "OK", ...(exception && { exception: exception.name }) };
}

function failureRecord(call: Call, durationMs: number, error: RpcError): object {
  return {
    ...common(call, durationMs),
    code: error.code,
    error: error.message,
    origin: error.origin,
    // What we did not foresee is a fault of ours: the stack says where.
    ...(error.cause instanceof Error ? { cause: error.cause.stack ?? error.cause.message } : {}),
  };
}

function common({ method, facts }: Call, durationMs: number): object {
  return {
    service: method.service,
    method: method.name,
    inbound: facts.inbound,
    peer: facts.peer,
    caller: facts.caller,
    upstream: facts.upstream,
    endpoint: facts.endpoint,
    durationMs: Math.round(durationMs * 1_000) / 1_000,
    requestBytes: facts.requestBytes,
    replyBytes: facts.replyBytes,
    attempts: facts.attempts,
    losses: facts.losses,
    droppedMetadata: facts.droppedMetadata,
  };
}
