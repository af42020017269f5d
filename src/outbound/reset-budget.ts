// How many streams of one connection may be reset: servers close connections that reset many in a short time, as a defence
// against CVE-2023-44487, and with them the calls of everybody else.
import type { Clock } from "../base/clock.ts";

/** Well below what Node's server takes by default, 1,000 at once and 33 a second. */
const BURST = 100;
const PER_SECOND = 20;

/** Whether one more stream may be reset now. */
export type ResetBudget = () => boolean;

/** A token bucket of 100 resets, filled again at 20 a second. */
export function createResetBudget(clock: Pick<Clock, "nowMs">): ResetBudget {
  let tokens = BURST;
  let filledMs = clock.nowMs();
  return () => {
    const nowMs = clock.nowMs();
    tokens = Math.min(BURST, tokens + ((nowMs - filledMs) / 1_000) * PER_SECOND);
    filledMs = nowMs;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
