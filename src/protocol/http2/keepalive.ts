// Whether the peer is still there: a PING after a time without a word of it, and what happens without an answer, as gRPC
// has it (doc/keepalive.md, proposals A8 and A9).
import type { Clock } from "../../base/clock.ts";

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

/** Keeps one timer for the connection, which is not touched when bytes come. */
export function createKeepalive(
  { keepaliveTimeMs, keepaliveTimeoutMs }: KeepaliveOptions,
  clock: Clock,
  events: KeepaliveEvents,
): Keepalive {
  if (keepaliveTimeMs === undefined) return { heard: () => {}, stop: () => {} };
  let heardMs = clock.nowMs();
  let stopTimer = clock.after(keepaliveTimeMs, look);

  function look(): void {
    const silentMs = clock.nowMs() - heardMs;
    if (silentMs < keepaliveTimeMs!) stopTimer = clock.after(keepaliveTimeMs! - silentMs, look);
    else if (!events.isNeeded()) stopTimer = clock.after(keepaliveTimeMs!, look);
    else {
      const askedMs = clock.nowMs();
      events.ping();
      stopTimer = clock.after(keepaliveTimeoutMs, () => {
        if (heardMs < askedMs && events.isNeeded()) events.dead();
        else look();
      });
    }
  }

  return {
    heard() {
      heardMs = clock.nowMs();
    },
    stop: () => stopTimer(),
  };
}
