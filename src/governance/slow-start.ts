// An endpoint that has just come gets few calls at first, and more and more: its caches are cold, its code is not compiled,
// its connections are not there yet.
import type { Candidate, Picker } from "./picker.ts";

/** The least share of its calls that a new endpoint gets: Envoy's min_weight_percent. */
const LEAST_SHARE = 0.1;

/** A choice that fell on new endpoints so many times in a row stands. */
const MAX_TURNS = 8;

/**
 * Passes over a candidate that joined less than `windowMs` ago with a chance that shrinks evenly over that time, unless none is
 * older. Retries heed it not, as they have one to avoid already.
 */
export function slowStart(picker: Picker, windowMs: number, random: () => number): Picker {
  return (candidates, nowMs) => {
    const pick = picker(candidates, nowMs);
    const joined = candidates.map(({ state }) => state.joinedAtMs);
    const oldestAtMs = Math.min(...joined);
    const warmAtMs = Math.max(...joined) + windowMs;
    const isPassedOver = ({ state: { joinedAtMs } }: Candidate, nowMs: number): boolean =>
      joinedAtMs > oldestAtMs && random() >= Math.max(LEAST_SHARE, (nowMs - joinedAtMs) / windowMs);
    return (call, avoid, nowMs) => {
      let chosen = pick(call, avoid, nowMs);
      if (nowMs >= warmAtMs || avoid !== undefined) return chosen;
      for (let turn = 1; turn < MAX_TURNS && isPassedOver(chosen, nowMs); turn++) chosen = pick(call, chosen, nowMs);
      return chosen;
    };
  };
}
