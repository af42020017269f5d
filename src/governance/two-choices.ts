// The cheaper of two endpoints taken at random: nearly as even as looking at all of them, in constant time, and no herd
// runs to the one that looks best (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
import type { Candidate, Picker } from "./picker.ts";
import { weightOf } from "./picker.ts";

/** Chooses the cheaper of two by `costOf`; on a tie the first, which is as random as the second. */
export function twoChoices(costOf: (candidate: Candidate, nowMs: number) => number, random: () => number): Picker {
  return (candidates) => {
    const count = candidates.length;
    return (_call, avoid, nowMs) => {
      if (count === 1) return candidates[0]!;
      const i = Math.floor(random() * count);
      const j = Math.floor(random() * (count - 1));
      const [a, b] = [candidates[i]!, candidates[j < i ? j : j + 1]!];
      if (a === avoid) return b;
      if (b === avoid) return a;
      return costOf(b, nowMs) < costOf(a, nowMs) ? b : a;
    };
  };
}

/** Two choices by attempts in flight, divided by the endpoint's weight, as Envoy's least request with two choices. */
export function leastRequest(random: () => number): Picker {
  return twoChoices((candidate) => (candidate.state.inFlight + 1) / weightOf(candidate), random);
}
