// No more calls at once than an upstream bears. Below the rate limit, which is cheaper to ask; above the deadline, so
// that a refused call costs no timer.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import { createGradientLimit } from "./gradient-limit.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

/** How many calls at once an upstream may get; unlimited by default. */
export const concurrencyOptions = z
  .discriminatedUnion("policy", [
    z.strictObject({
      policy: z.literal("fixed").describe("a number that somebody knows"),
      max: z.int().positive().describe("most calls in flight"),
    }),
    z.strictObject({
      policy: z.literal("adaptive").describe("found by latency, as Envoy's adaptive concurrency with its defaults"),
      minLimit: z.int().positive().default(3).describe("fewest calls in flight that are always let through"),
      maxLimit: z.int().positive().default(1_000).describe("most calls in flight"),
      headroom: z
        .number()
        .min(0)
        .default(0.25)
        .describe("share by which the median latency may exceed the idle upstream's"),
      intervalMs: z.number().positive().default(100).describe("time between changes of the limit, in milliseconds"),
      probeIntervalMs: z
        .number()
        .positive()
        .default(60_000)
        .describe("time between measurements of the idle upstream's latency, in milliseconds"),
      probeCalls: z.int().positive().default(50).describe("calls that each such measurement takes"),
    }),
  ])
  .describe("how many calls may be in flight");

export type ConcurrencyOptions = z.output<typeof concurrencyOptions>;

export interface ConcurrencyContext {
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly counts: UpstreamCounts;
}

/** Counts calls of both kinds together. */
export interface ConcurrencyLimit {
  readonly calls: Layer;
  /** A stream is in flight until it ends. How long it lasts says nothing of the upstream's latency. */
  readonly streams: StreamLayer;
}

/** Fails calls above the limit with RESOURCE_EXHAUSTED at once; nobody waits in line here. */
export function concurrencyLimit(options: ConcurrencyOptions, context: ConcurrencyContext): ConcurrencyLimit {
  const { clock, random, counts } = context;
  const gradient = options.policy === "adaptive" ? createGradientLimit(options, random) : undefined;
  const fixed = options.policy === "fixed" ? options.max : 0;
  let inFlight = 0;
  const limitNow = () => gradient?.limit() ?? fixed;
  const refuse = (call: AnyCall) => {
    counts.concurrencyRefused++;
    return Promise.reject(exhausted(call, limitNow()));
  };
  return {
    calls: (next) => (call) => {
      if (inFlight >= limitNow()) return refuse(call);
      inFlight++;
      const startMs = gradient ? clock.nowMs() : 0;
      return next(call).then(
        (reply) => {
          inFlight--;
          gradient?.answered(startMs, clock.nowMs());
          return reply;
        },
        (error: unknown) => {
          inFlight--;
          // A call that its caller gave up says less than nothing; any other end has taken its time.
          if (toRpcError(error).code !== "CANCELLED") gradient?.answered(startMs, clock.nowMs());
          throw error;
        },
      );
    },
    streams: (next) => (call) => {
      if (inFlight >= limitNow()) return refuse(call);
      inFlight++;
      return whenOver(next(call), () => {
        inFlight--;
      });
    },
  };
}

function exhausted({ facts }: AnyCall, limit: number): RpcError {
  const message = `the upstream ${facts.upstream ?? ""} has its ${limit} calls in flight (concurrency)`;
  return new RpcError("RESOURCE_EXHAUSTED", message);
}
