// Plays one fault with its policies and without them, and says what was promised and not kept.
import type { FaultRow } from "./fault-rows.ts";
import { createStage, type Setup } from "./fault-stage.ts";
import { callSteadily, type Outcome, type Tally } from "./steady-calls.ts";

export interface RunOptions {
  readonly perSecond: number;
  readonly durationMs: number;
  /** Chooses the upstream that is struck, and the garbage that it answers. */
  readonly seed: number;
  /** What the times of policies, and those of slow upstreams, are multiplied with: 1 where the machine has time. */
  readonly patience: number;
}

/** What came of one run. */
export interface Run extends Outcome {
  /** Calls that must not run twice and did. */
  readonly ranTwice: number;
}

/** A fault with its policies and without. */
export interface Played {
  readonly governed: Run;
  readonly bare: Run | undefined;
}

/** Longer than any call may take, on a machine with much else to do. */
const GRACE_MS = 60_000;

/** Plays a fault, first without the policies. */
export async function playFault(row: FaultRow, options: RunOptions): Promise<Played> {
  const bare = row.bare && (await playWith(row.bare, row, options));
  return { governed: await playWith(row.governed, row, options), bare };
}

async function playWith(
  setup: Setup,
  { found, needsClock = false, strike }: FaultRow,
  { perSecond, durationMs, seed, patience }: RunOptions,
): Promise<Run> {
  const stage = await createStage({ setup, found, needsClock, seed, patience });
  try {
    await setup.before?.(stage);
    await stage.start();
    const over = new AbortController();
    const struck: Promise<void>[] = [];
    const counted: Tally[] = [];
    const thirdMs = durationMs / 4;
    const quarter = () => {
      if (!strike) return;
      const run = { thirdMs, over: over.signal, graceMs: GRACE_MS, count: (calls: Tally) => void counted.push(calls) };
      const done = strike(stage, run);
      // Its failure is reported when all calls have ended.
      done.catch(() => {});
      struck.push(done);
    };
    const outcome = await callSteadily({ path: stage.local, perSecond, durationMs, quarter, graceMs: GRACE_MS });
    over.abort();
    await Promise.all(struck);
    return {
      idempotent: counted.reduce(sum, outcome.idempotent),
      once: outcome.once,
      ranTwice: repeated(stage.upstreams.flatMap(({ ran }) => ran)),
    };
  } finally {
    await stage.clear();
  }
}

function sum(a: Tally, b: Tally): Tally {
  return { calls: a.calls + b.calls, failed: a.failed + b.failed, wrong: a.wrong + b.wrong };
}

function repeated(all: readonly string[]): number {
  return all.length - new Set(all).size;
}

/** How many calls were lost, had another's answer or two, or ran twice though they must not. */
export function astray({ governed, bare }: Played): number {
  return [governed, ...(bare ? [bare] : [])].reduce(
    (count, { idempotent, once, ranTwice }) => count + idempotent.wrong + once.wrong + ranTwice,
    0,
  );
}

/** What every row promises, and this one has not kept, in sentences. */
export function brokenPromises(played: Played): readonly string[] {
  const { governed, bare } = played;
  const { calls, failed } = governed.idempotent;
  return [
    ...(failed > 0 ? [`with the policies ${failed} of ${calls} idempotent calls failed`] : []),
    ...(astray(played) > 0 ? [`${astray(played)} calls were lost, answered wrongly or twice, or ran twice`] : []),
    ...(bare && bare.idempotent.failed === 0 ? ["without the policies no call failed: the fault did nothing"] : []),
  ];
}
