// What operators have switched by hand. Kept by names, so that it outlives a change of the config.
import type { DegradeMode, DegradeSwitches } from "./degrade.ts";

/** Switches that can be turned. */
export interface TurnableSwitches extends DegradeSwitches {
  /** Turns one, or with undefined gives it back to the config. */
  turn(rule: string, mode: DegradeMode | undefined): void;
}

/** Switches that nobody has turned yet. */
export function createDegradeSwitches(): TurnableSwitches {
  const turned = new Map<string, DegradeMode>();
  return {
    modeOf: (rule) => turned.get(rule),
    turn(rule, mode) {
      if (mode === undefined) turned.delete(rule);
      else turned.set(rule, mode);
    },
  };
}
