// Every fault at a low rate and for a short time; `npm run faults` is the same at the rate of the table in README.md.
import { availableParallelism } from "node:os";
import { describe, expect, test, vi } from "vitest";
import { FAULT_ROWS } from "./fault-rows.ts";
import { brokenPromises, playFault } from "./fault-run.ts";
import { readTable } from "./fault-table.ts";

const SEED = Number(process.env["CAUSEWAY_FAULTS_SEED"] ?? 1);
const SHORT = { perSecond: 400, durationMs: 1_200, seed: SEED, patience: 8 };

// Long enough for a busy machine.
vi.setConfig({ testTimeout: 240_000, maxConcurrency: Math.min(4, availableParallelism()) });

test("killing one of three upstreams under 2,000 calls per second loses no idempotent call", async () => {
  const [killed] = FAULT_ROWS;
  const played = await playFault(killed!, { perSecond: 2_000, durationMs: 2_000, seed: SEED, patience: 8 });
  expect(brokenPromises(played), JSON.stringify(played)).toEqual([]);
});

describe.concurrent("no idempotent call fails, none is lost, answered twice or run twice against its will:", () => {
  test.for(FAULT_ROWS)("$fault", async (row, { skip, expect }) => {
    const obstacle = row.obstacle?.();
    if (obstacle !== undefined) skip(obstacle);
    const played = await playFault(row, SHORT);
    expect(brokenPromises(played), `CAUSEWAY_FAULTS_SEED=${SEED}: ${JSON.stringify(played)}`).toEqual([]);
  });
});

test("README.md has the figures of every fault, by which each keeps what it promises", () => {
  const table = readTable();
  expect(table.map(([fault, policies]) => ({ fault, policies }))).toEqual(
    FAULT_ROWS.map(({ fault, policies }) => ({ fault, policies })),
  );
  for (const [, , , governed, , astray] of table) expect([governed, astray]).toEqual(["0.00 %", "0"]);
});
