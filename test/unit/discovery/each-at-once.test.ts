import { expect, test } from "vitest";
import { eachAtOnce } from "../../../src/discovery/each-at-once.ts";

test("each is worked on once, and no more at once than allowed", async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  await eachAtOnce([1, 2, 3, 4, 5, 6, 7], 3, async (one) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    done.push(one);
  });
  expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("the first failure is the whole's", async () => {
  await expect(eachAtOnce([1, 2], 2, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
});
