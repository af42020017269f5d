import { expect, test } from "vitest";
import { createResetBudget } from "../../../src/outbound/reset-budget.ts";

test("a hundred streams may be reset at once, then twenty a second", () => {
  let nowMs = 0;
  const mayReset = createResetBudget({ nowMs: () => nowMs });
  const granted = (tries: number) => Array.from({ length: tries }, mayReset).filter(Boolean).length;
  expect(granted(150)).toBe(100);
  nowMs += 1_000;
  expect(granted(150)).toBe(20);
  nowMs += 3_600_000;
  expect(granted(150)).toBe(100);
});
