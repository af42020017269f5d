// Endpoints in turn: evenly, or by their weights.
import { type Candidate, type Picker, weightOf } from "./picker.ts";

/** Each endpoint once, then again from the first. */
export function roundRobin(): Picker {
  let turn = -1;
  return (candidates) => {
    const next = (): Candidate => {
      turn = turn + 1 < candidates.length ? turn + 1 : 0;
      return candidates[turn]!;
    };
    return (_call, avoid) => {
      const candidate = next();
      return candidate === avoid ? next() : candidate;
    };
  };
}

/**
 * Each endpoint as often as its weight says, the turns of a heavy one spread among the others' (nginx's smooth weighted
 * round robin). The time of a choice grows with the number of endpoints.
 */
export function weightedRoundRobin(): Picker {
  return (candidates) => {
    const weights = candidates.map(weightOf);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const credits = weights.map(() => 0);
    return (_call, avoid) => {
      let best = -1;
      for (let i = 0; i < candidates.length; i++) {
        credits[i]! += weights[i]!;
        if (candidates[i] === avoid && candidates.length > 1) continue;
        if (best < 0 || credits[i]! > credits[best]!) best = i;
      }
      credits[best]! -= total;
      return candidates[best]!;
    };
  };
}
