import { expect, test } from "vitest";
import { createBackOff } from "../../../src/outbound/back-off.ts";

const GRPC = { initialMs: 1_000, maxMs: 120_000 };
const MIDDLE = () => 0.5;

test("the waits are gRPC's: 1 s, 1.6 times as long each, up to 120 s, from the beginning of an attempt", () => {
  const backOff = createBackOff(GRPC, MIDDLE);
  const waits: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 13; i++) {
    // The attempt takes 300 ms, which the wait is shorter by.
    backOff.failed(nowMs, nowMs + 300);
    waits.push(Math.round(backOff.waitMs(nowMs + 300)) + 300);
    nowMs += waits.at(-1)!;
    expect(backOff.waitMs(nowMs)).toBeLessThan(1);
    nowMs++;
  }
  expect(waits.slice(0, 5)).toEqual([1_000, 1_600, 2_560, 4_096, 6_554]);
  expect(waits.slice(-2)).toEqual([120_000, 120_000]);
});

test.each([
  [0, 800],
  [0.5, 1_000],
  [0.999_999, 1_200],
])("jitter of %f makes the first wait %i ms", (random, expected) => {
  const backOff = createBackOff(GRPC, () => random);
  backOff.failed(0, 0);
  expect(backOff.waitMs(0)).toBeCloseTo(expected, 0);
});

test("attempts that were made side by side count as one failure", () => {
  const backOff = createBackOff(GRPC, MIDDLE);
  backOff.failed(0, 10);
  backOff.failed(5, 11);
  backOff.failed(9, 12);
  expect(backOff.waitMs(10)).toBe(990);
  backOff.failed(1_000, 1_001);
  expect(backOff.waitMs(1_001)).toBe(1_599);
});

test("a success ends the wait, and the next failure is the first again", () => {
  const backOff = createBackOff(GRPC, MIDDLE);
  for (const atMs of [0, 2_000, 6_000]) backOff.failed(atMs, atMs);
  backOff.succeeded();
  expect(backOff.waitMs(6_000)).toBe(0);
  backOff.failed(7_000, 7_000);
  expect(backOff.waitMs(7_000)).toBe(1_000);
});

test("before any failure there is no wait", () => {
  expect(createBackOff(GRPC, MIDDLE).waitMs(0)).toBe(0);
});
