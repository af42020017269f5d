// Every wire in, every wire out: one table of cases over all pairs, with both ends of a call in Protobuf.
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CASES, sayHello } from "./wire-cases.ts";
import { openWays, pairsOf } from "./wire-ways.ts";

/** What waits longer than this waits for ever. */
const PATIENCE_MS = 20_000;

/** What is wrong with a case; undefined when nothing is. */
function faultOf(name: string, run: Promise<void>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const stop = systemClock.after(PATIENCE_MS, () => resolve(`${name}: it does not end`));
    run.then(
      () => resolve(undefined),
      (fault: unknown) => resolve(`${name}: ${fault instanceof Error ? fault.message : String(fault)}`),
    );
    void run.then(stop, stop);
  });
}

describe.each(["hyper-express", "node:http"] as const)("with %s", (http) => {
  const wayOf = openWays(http);

  test.concurrent.each(pairsOf(http))("$title", async (pair) => {
    const way = wayOf(pair);
    // A peer on TTHeader shows in its first reply that it understands cancels.
    await sayHello(way);
    const faults = await Promise.all([...CASES].map(([name, run]) => faultOf(name, run(way))));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });
});
