// `npm run faults`: plays every fault at its full rate, and prints the table of README.md as it goes.
import { Command, InvalidArgumentError, Option } from "commander";
import { FAULT_ROWS, type FaultRow } from "./fault-rows.ts";
import { brokenPromises, playFault, type RunOptions } from "./fault-run.ts";
import { formatRow, HEAD, writeTable } from "./fault-table.ts";

interface Options extends RunOptions {
  readonly only: string;
  readonly write: boolean;
}

new Command("faults")
  .description(
    "Plays every fault with real processes, without policies and with them, and prints what became of the calls.",
  )
  .option("--only <text>", "only faults whose name holds this", "")
  .option("--per-second <n>", "calls per second", positive, 2_000)
  .option("--duration-ms <n>", "how long calls are made; the fault strikes after a quarter of it", positive, 4_000)
  .option("--patience <n>", "what the times of policies are multiplied with, for busy machines", positive, 1)
  .addOption(
    new Option("--seed <n>", "chooses the upstream that is struck, and the garbage that it answers")
      .argParser(positive)
      .env("CAUSEWAY_FAULTS_SEED")
      .default(1),
  )
  .addOption(
    new Option("--write", "renew the table of test/faults/README.md").env("CAUSEWAY_FAULTS_WRITE").default(false),
  )
  .addHelpText("after", "\nExamples:\n  npm run faults\n  npm run faults -- --only clock --seed 7")
  .action(async (options: Options) => {
    process.exitCode = await playAll(options);
  })
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  });

async function playAll({ only, write, ...options }: Options): Promise<number> {
  const rows = FAULT_ROWS.filter(({ fault }) => fault.includes(only));
  if (rows.length === 0) {
    const names = FAULT_ROWS.map(({ fault }) => `  ${fault}\n`).join("");
    process.stderr.write(`no fault has "${only}" in its name; there are\n${names}`);
    return 1;
  }
  const written: string[] = [];
  let broken = 0;
  process.stdout.write(`${HEAD}\n`);
  for (const [i, row] of rows.entries()) {
    process.stderr.write(`${i + 1} of ${rows.length}: ${row.fault}\n`);
    const outcome = await play(row, options);
    if (outcome.line !== undefined) written.push(outcome.line);
    broken += outcome.broken;
  }
  if (write && written.length === FAULT_ROWS.length && broken === 0) writeTable(written);
  else if (write)
    process.stderr.write("README.md stays as it was: only a whole table without a broken promise is written\n");
  process.stderr.write(`${rows.length} faults, ${broken} broken promises\n`);
  return broken > 0 ? 1 : 0;
}

async function play(row: FaultRow, options: RunOptions): Promise<{ readonly line?: string; readonly broken: number }> {
  const obstacle = row.obstacle?.();
  if (obstacle !== undefined) {
    process.stderr.write(`skipped: ${obstacle}\n`);
    return { broken: 0 };
  }
  const played = await playFault(row, options);
  const line = formatRow(row, played);
  process.stdout.write(`${line}\n`);
  const promises = brokenPromises(played);
  for (const sentence of promises) process.stderr.write(`BROKEN: ${sentence} (--seed ${options.seed})\n`);
  return { line, broken: promises.length };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0) throw new InvalidArgumentError("expected a whole number above 0");
  return value;
}
