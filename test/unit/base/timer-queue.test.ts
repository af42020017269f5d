import { describe, expect, test } from "vitest";
import { TimerQueue } from "../../../src/base/timer-queue.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp() {
  const clock = createFakeClock(0);
  const queue = new TimerQueue(clock);
  const ran: string[] = [];
  return { clock, queue, ran, add: (atMs: number, name = String(atMs)) => queue.add(atMs, () => ran.push(name)) };
}

describe("timers", () => {
  test("run at their time, in order of it, and once", () => {
    const { clock, queue, ran, add } = setUp();
    for (const atMs of [30, 10, 20, 10, 40]) add(atMs);
    clock.advance(9);
    expect(ran).toEqual([]);
    clock.advance(21);
    expect(ran).toEqual(["10", "10", "20", "30"]);
    clock.advance(100);
    expect(ran).toEqual(["10", "10", "20", "30", "40"]);
    expect(queue.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("that are called off do not run, whenever that was", () => {
    const { clock, queue, ran, add } = setUp();
    const first = add(10);
    const second = add(20);
    add(30);
    first();
    first();
    clock.advance(15);
    second();
    clock.advance(15);
    second();
    expect(ran).toEqual(["30"]);
    expect(queue.size).toBe(0);
  });

  test("need one timer of the source, however many they are", () => {
    const { clock, add } = setUp();
    for (let atMs = 100; atMs > 0; atMs--) add(atMs);
    expect(clock.pending).toBe(1);
    clock.advance(50);
    expect(clock.pending).toBe(1);
  });

  test("may be added and called off by one that runs", () => {
    const { clock, queue, ran, add } = setUp();
    const later = add(20);
    queue.add(10, () => {
      later();
      add(5, "overdue");
      add(30);
    });
    clock.advance(10);
    expect(ran).toEqual(["overdue"]);
    clock.advance(20);
    expect(ran).toEqual(["overdue", "30"]);
  });

  test("run on when one throws", () => {
    const { clock, queue, ran, add } = setUp();
    queue.add(10, () => {
      throw new Error("a fault");
    });
    add(20);
    expect(() => clock.advance(10)).toThrow("a fault");
    clock.advance(10);
    expect(ran).toEqual(["20"]);
  });

  test("do the same as timers of their own, in any order of adding and calling off", () => {
    let seed = 7;
    const below = (limit: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % limit;
    };
    const { clock, queue, ran } = setUp();
    const plain: string[] = [];
    const stops: (() => void)[] = [];
    for (let i = 0; i < 20_000; i++) {
      const delayMs = below(50) + 0.5;
      const stop = queue.add(clock.nowMs() + delayMs, () => ran.push(`${i}`));
      const stopPlain = clock.after(delayMs, () => plain.push(`${i}`));
      stops.push(() => {
        stop();
        stopPlain();
      });
      if (below(4) > 0) stops[below(stops.length)]!();
      if (below(10) === 0) clock.advance(below(3));
    }
    clock.advance(100);
    expect(ran.length).toBeGreaterThan(1_000);
    expect([...ran].sort()).toEqual([...plain].sort());
    expect(queue.size).toBe(0);
  });
});
