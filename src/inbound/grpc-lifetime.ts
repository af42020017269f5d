// How long a gRPC connection may live: dead callers are found, old connections are ended in good order, and callers that
// only ping are sent away. Each as gRPC's servers have it (doc/keepalive.md, proposals A8 and A9).
import { z } from "zod";
import type { Clock, Stop } from "../base/clock.ts";
import type { Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import {
  createKeepalive,
  type Keepalive,
  type KeepaliveEvents,
  SETTINGS_TIMEOUT_MS,
} from "../protocol/http2/keepalive.ts";
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

/** The connection that is watched over. */
export interface GrpcLifetimeOwner {
  /** Whether what the caller says is read; not while it takes no answers. */
  readonly isRead: boolean;
  /** Cuts the connection at once, because nobody is there. */
  dead(reason: string): void;
  /** Ends the calls in flight with an answer, and the connection. */
  outlived(): void;
}

export interface GrpcLifetimeContext {
  readonly http2: Pick<Http2Connection, "ping" | "goAway" | "shutDown" | "isAcknowledged">;
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly owner: GrpcLifetimeOwner;
}

/** A connection that has just been accepted. */
export function createGrpcLifetime(options: GrpcLifetimeOptions, context: GrpcLifetimeContext): GrpcLifetime {
  return new Lifetime(options, context);
}

class Lifetime implements GrpcLifetime, KeepaliveEvents {
  readonly #options: GrpcLifetimeOptions;
  readonly #context: GrpcLifetimeContext;
  readonly #keepalive: Keepalive;
  #stopSettings: Stop | undefined;
  #stopAge: Stop | undefined;

  constructor(options: GrpcLifetimeOptions, context: GrpcLifetimeContext) {
    this.#options = options;
    this.#context = context;
    const { clock, random } = context;
    this.#keepalive = createKeepalive(options, clock, this);
    this.#stopSettings = clock.after(SETTINGS_TIMEOUT_MS, () => this.#settingsAreDue());
    if (options.maxConnectionAgeMs === undefined) return;
    // Not all connections of one moment at once: they come back as they go.
    this.#stopAge = clock.after(options.maxConnectionAgeMs * (0.9 + 0.2 * random()), () => this.#old());
  }

  heard(): void {
    this.#keepalive.heard();
  }

  stop(): void {
    this.#keepalive.stop();
    this.#stopSettings?.();
    this.#stopAge?.();
  }

  #settingsAreDue(): void {
    // Most connections live longer than this timer.
    this.#stopSettings = undefined;
    const { http2, owner } = this.#context;
    if (http2.isAcknowledged) return;
    http2.goAway(ERROR_CODE.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged");
    owner.dead(`the caller did not acknowledge SETTINGS within ${SETTINGS_TIMEOUT_MS} ms`);
  }

  #old(): void {
    const { http2, clock, owner } = this.#context;
    const { maxConnectionAgeGraceMs } = this.#options;
    http2.shutDown();
    if (maxConnectionAgeGraceMs !== undefined) {
      this.#stopAge = clock.after(maxConnectionAgeGraceMs, () => owner.outlived());
    }
  }

  isNeeded(): boolean {
    return this.#context.owner.isRead;
  }

  ping(): void {
    this.#context.http2.ping();
  }

  dead(): void {
    const { keepaliveTimeoutMs } = this.#options;
    const text = `the caller did not answer a PING within ${keepaliveTimeoutMs} ms (keepaliveTimeoutMs)`;
    this.#context.owner.dead(text);
  }
}
