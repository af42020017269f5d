// Whether the peer is still there: a PING after a time without a word of it, and what happens without an answer, as gRPC
// has it (doc/keepalive.md, proposals A8 and A9).
import type { Clock, Stop } from "../../base/clock.ts";

/** How long to wait for a peer's SETTINGS, and for its answer to ours (RFC 9113 section 6.5.3), in milliseconds. */
export const SETTINGS_TIMEOUT_MS = 10_000;

export interface KeepaliveOptions {
  /** After how long without a byte of the peer it is asked; undefined: never. */
  readonly keepaliveTimeMs?: number | undefined;
  /** How long it may take to say anything then. */
  readonly keepaliveTimeoutMs: number;
}

/** Watches over one connection. */
export interface Keepalive {
  /** To be called whenever bytes have come. */
  heard(): void;
  stop(): void;
}

/** What is asked of the connection's owner. */
export interface KeepaliveEvents {
  /** Whether it matters that the peer is there, and what it says is read; where not, it is not asked, nor found dead. */
  isNeeded(): boolean;
  ping(): void;
  /** The peer has not answered: called once, and last. */
  dead(): void;
}

const NO_KEEPALIVE: Keepalive = { heard() {}, stop() {} };

/** Keeps one timer for the connection, which is not touched when bytes come. */
export function createKeepalive(
  { keepaliveTimeMs, keepaliveTimeoutMs }: KeepaliveOptions,
  clock: Clock,
  events: KeepaliveEvents,
): Keepalive {
  if (keepaliveTimeMs === undefined) return NO_KEEPALIVE;
  return new TimedKeepalive(keepaliveTimeMs, keepaliveTimeoutMs, clock, events);
}

class TimedKeepalive implements Keepalive {
  readonly #timeMs: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #events: KeepaliveEvents;
  #heardMs: number;
  #askedMs = 0;
  #stopTimer: Stop;

  constructor(timeMs: number, timeoutMs: number, clock: Clock, events: KeepaliveEvents) {
    this.#timeMs = timeMs;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#events = events;
    this.#heardMs = clock.nowMs();
    this.#stopTimer = this.#lookIn(timeMs);
  }

  heard(): void {
    this.#heardMs = this.#clock.nowMs();
  }

  stop(): void {
    this.#stopTimer();
  }

  #lookIn(delayMs: number): Stop {
    return this.#clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const silentMs = this.#clock.nowMs() - this.#heardMs;
    if (silentMs < this.#timeMs) this.#stopTimer = this.#lookIn(this.#timeMs - silentMs);
    else if (!this.#events.isNeeded()) this.#stopTimer = this.#lookIn(this.#timeMs);
    else {
      this.#askedMs = this.#clock.nowMs();
      this.#events.ping();
      this.#stopTimer = this.#clock.after(this.#timeoutMs, () => this.#judge());
    }
  }

  #judge(): void {
    if (this.#heardMs < this.#askedMs && this.#events.isNeeded()) this.#events.dead();
    else this.#look();
  }
}
