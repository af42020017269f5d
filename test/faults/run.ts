// Runs thousands of mutations against one entry, and says of the one that failed how to have it again.
import { expect, onTestFailed, vi } from "vitest";
import { type Mutation, mutationOf } from "./mutate.ts";

/** How many mutations each entry gets; CAUSEWAY_FAULTS_RUNS changes it. */
export const RUNS = Number(process.env["CAUSEWAY_FAULTS_RUNS"] ?? 10_000);
/** CAUSEWAY_FAULTS_SEED changes it; every run with the same seed sends the same bytes. */
export const SEED = Number(process.env["CAUSEWAY_FAULTS_SEED"] ?? 20_240_229);

// Long enough for a busy machine; it is also where a mutation that gets no outcome ends.
vi.setConfig({ testTimeout: 240_000 });

/** Memory that an entry may hold more after its mutations than before them, in bytes. */
const MAX_GROWTH_BYTES = 20 * 1024 * 1024;

/** What is awaited of one mutation; throws when it is not what must be. `worker` tells those that run at once apart. */
export type Exchange = (mutation: Mutation, worker: number) => Promise<void> | void;

export interface MutationRun {
  /** Names the entry in a failure. */
  readonly entry: string;
  readonly messages: readonly Buffer[];
  /** How many are on their way at once. */
  readonly workers: number;
  readonly exchange: Exchange;
  /** Bytes in use after a collection. */
  readonly memory: () => Promise<number> | number;
}

/**
 * A fifth of the mutations to warm up, then all of them; what is in use after a collection must not have grown by more than
 * 20 MB between the two.
 */
export async function runMutations(run: MutationRun): Promise<void> {
  await exchangeAll(run, 0, Math.ceil(RUNS / 5));
  const before = await run.memory();
  await exchangeAll(run, 0, RUNS);
  const after = await run.memory();
  if (process.env["CAUSEWAY_FAULTS_VERBOSE"]) {
    process.stderr.write(
      `${run.entry}: ${before} bytes before, ${after} after, ${(after - before) / 2 ** 20} MiB more\n`,
    );
  }
  expect(after - before, `bytes that ${run.entry} holds more than before`).toBeLessThanOrEqual(MAX_GROWTH_BYTES);
}

async function exchangeAll(
  { entry, messages, workers, exchange }: MutationRun,
  from: number,
  to: number,
): Promise<void> {
  let next = from;
  const pending = new Set<Mutation>();
  // A test that runs out of time waits for one of these.
  onTestFailed(() => {
    for (const mutation of pending) process.stderr.write(`${describe(entry, mutation, "no outcome")}\n`);
  });
  async function work(worker: number): Promise<void> {
    while (next < to) {
      const mutation = mutationOf(messages, SEED, next++);
      pending.add(mutation);
      try {
        await exchange(mutation, worker);
      } catch (cause) {
        next = to;
        pending.clear();
        throw new Error(describe(entry, mutation, cause), { cause });
      }
      pending.delete(mutation);
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
}

function describe(entry: string, { index, origin, bytes }: Mutation, cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  return `${entry}: ${why}\nCAUSEWAY_FAULTS_SEED=${SEED}, mutation ${index} of message ${origin}: ${bytes.toString("hex")}`;
}
