import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";

test("a deadline that was set in a turn is just as far away within that turn", () => {
  const now = systemClock.turnMs();
  for (const timeoutMs of [1, 300, 20_000, 3_600_000]) expect(now + timeoutMs - systemClock.turnMs()).toBe(timeoutMs);
  expect((now * 1_024) % 1).toBe(0);
});

test("the clock of a turn is never ahead of the clock", () => {
  expect(systemClock.turnMs()).toBeLessThanOrEqual(systemClock.nowMs());
});
