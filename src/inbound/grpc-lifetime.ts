// How long a gRPC connection may live: dead callers are found, old connections are ended in good order, and callers that
// only ping are sent away. Each as gRPC's servers have it (doc/keepalive.md, proposals A8 and A9).
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import type { Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import { createKeepalive, SETTINGS_TIMEOUT_MS } from "../protocol/http2/keepalive.ts";
import type { Rate } from "../protocol/http2/options.ts";

/** The lives of gRPC connections; what has no default never happens. */
export const grpcLifetimeOptions = z
  .strictObject({
    keepaliveTimeMs: z
      .int()
      .positive()
      .default(7_200_000) // gRPC's
      .describe("time without a word of the caller after which it is asked whether it is there, in milliseconds"),
    keepaliveTimeoutMs: z
      .int()
      .positive()
      .default(20_000) // gRPC's
      .describe("longest time for its answer, in milliseconds; then the connection is cut"),
    permitKeepaliveTimeMs: z
      .int()
      .positive()
      .default(10_000) // the least that gRPC's clients ask with; its servers permit 300,000 and less by configuration
      .describe("time between two PINGs that a caller may send while nothing is sent to it, in milliseconds"),
    maxConnectionAgeMs: z
      .int()
      .positive()
      .optional()
      .describe("age at which a connection takes no further calls, give or take a tenth, in milliseconds"),
    maxConnectionAgeGraceMs: z
      .int()
      .min(0)
      .optional()
      .describe("longest time for the calls in flight then, in milliseconds; without it they are never cut"),
  })
  .describe("how long gRPC connections live, in gRPC's terms");

export type GrpcLifetimeOptions = z.output<typeof grpcLifetimeOptions>;

/** PINGs that are taken: one, and two that come too soon, as gRPC's servers have it; then too_many_pings. */
export function pingRate({ permitKeepaliveTimeMs }: Pick<GrpcLifetimeOptions, "permitKeepaliveTimeMs">): Rate {
  return { burst: 3, perSecond: 1_000 / permitKeepaliveTimeMs };
}

/** Watches over one connection. */
export interface GrpcLifetime {
  /** To be called whenever bytes have come. */
  heard(): void;
  /** To be called when the connection is closed. */
  stop(): void;
}

export interface GrpcLifetimeContext {
  readonly http2: Pick<Http2Connection, "ping" | "goAway" | "shutDown" | "isAcknowledged">;
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  /** Whether what the caller says is read; not while it takes no answers. */
  isRead(): boolean;
  /** Cuts the connection at once, because nobody is there. */
  dead(reason: string): void;
  /** Ends the calls in flight with an answer, and the connection. */
  cut(): void;
}

/** A connection that has just been accepted. */
export function createGrpcLifetime(
  options: GrpcLifetimeOptions,
  { http2, clock, random, isRead, dead, cut }: GrpcLifetimeContext,
): GrpcLifetime {
  const { keepaliveTimeoutMs, maxConnectionAgeMs, maxConnectionAgeGraceMs } = options;
  const keepalive = createKeepalive(options, clock, {
    isNeeded: isRead,
    ping: () => void http2.ping(),
    dead: () => dead(`the caller did not answer a PING within ${keepaliveTimeoutMs} ms (keepaliveTimeoutMs)`),
  });
  const stopSettings = clock.after(SETTINGS_TIMEOUT_MS, () => {
    if (http2.isAcknowledged) return;
    http2.goAway(ERROR_CODE.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged");
    dead(`the caller did not acknowledge SETTINGS within ${SETTINGS_TIMEOUT_MS} ms`);
  });
  let stopAge = () => {};
  if (maxConnectionAgeMs !== undefined) {
    // Not all connections of one moment at once: they come back as they go.
    stopAge = clock.after(maxConnectionAgeMs * (0.9 + 0.2 * random()), () => {
      http2.shutDown();
      if (maxConnectionAgeGraceMs !== undefined) stopAge = clock.after(maxConnectionAgeGraceMs, cut);
    });
  }
  return {
    heard: keepalive.heard,
    stop() {
      keepalive.stop();
      stopSettings();
      stopAge();
    },
  };
}
