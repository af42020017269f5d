// Time, so that tests can hold it. The only file that may use timers.
import { TimerQueue } from "./timer-queue.ts";

/** Ends a timer, a watch or a subscription; calling it twice does nothing. */
export type Stop = () => void;

/** What the house knows of time. */
export interface Clock {
  /** Milliseconds on a clock that never jumps; its zero means nothing. */
  nowMs(): number;
  /**
   * The same clock as it stood when this turn of the event loop asked first: a fraction of the cost, and at most as old as
   * the turn is long. For deadlines, budgets and choices; what is measured asks nowMs.
   */
  turnMs(): number;
  /** Milliseconds since 1970, for logs. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`; does not keep the process alive. */
  after(delayMs: number, run: () => void): Stop;
}

let endOfTurn: (() => void)[] = [];

/**
 * Calls `run`, which must not throw, once when what has come over sockets in this turn of the event loop has been handled
 * and before more is waited for. It is no part of a Clock, because it waits for nothing.
 */
export function atEndOfTurn(run: () => void): void {
  if (endOfTurn.length === 0) setImmediate(runEndOfTurn);
  endOfTurn.push(run);
}

function runEndOfTurn(): void {
  const all = endOfTurn;
  endOfTurn = [];
  for (const run of all) run();
}

/** What `turnMs` gives until the turn ends; undefined before it was asked. */
let turnMs: number | undefined;

function forgetTurn(): void {
  turnMs = undefined;
}

/** Longer delays overflow setTimeout's 32 bits and would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const timers = new TimerQueue({
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS)).unref();
    return () => clearTimeout(timer);
  },
});

/** Time as the process has it. No timer keeps the process alive. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  turnMs() {
    if (turnMs === undefined) {
      // In steps of 2^-10 ms: whole milliseconds that are added and taken off within a turn leave no fraction behind, which
      // would be rounded up to a millisecond more on the wire.
      turnMs = Math.floor(performance.now() * 1_024) / 1_024;
      atEndOfTurn(forgetTurn);
    }
    return turnMs;
  },
  wallMs: () => Date.now(),
  after: (delayMs, run) => timers.add(performance.now() + Math.max(0, delayMs), run),
};
