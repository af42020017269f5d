// Time that stands still until a test moves it.
import type { Clock } from "../src/base/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time by `ms` and runs what falls due, in order of its time. */
  advance(ms: number): void;
  /** How many timers are waiting. */
  readonly pending: number;
}

/** A clock that starts at `nowMs`, with wall time `wallMs`. */
export function createFakeClock(nowMs = 1_000, wallMs = 1_700_000_000_000): FakeClock {
  const wallOffsetMs = wallMs - nowMs;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    nowMs: () => nowMs,
    turnMs: () => nowMs,
    wallMs: () => nowMs + wallOffsetMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!due) break;
        timers.delete(due);
        nowMs = due.atMs;
        due.run();
      }
      nowMs = untilMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
