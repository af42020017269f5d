// The table of README.md: how a fault's figures are written, and where.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FaultRow } from "./fault-rows.ts";
import { astray, type Played } from "./fault-run.ts";
import type { Tally } from "./steady-calls.ts";

const README = join(import.meta.dirname, "README.md");
const BETWEEN_MARKS = /(<!-- table -->\n)([\s\S]*?)(<!-- end -->)/;

export const HEAD = `| what happens | what helps | calls that fail without | with | with, not idempotent | astray |
|---|---|---|---|---|---|`;

/** One row of the table. */
export function formatRow({ fault, policies }: FaultRow, played: Played): string {
  const { governed, bare } = played;
  const shares = [bare ? share(bare.idempotent) : "–", share(governed.idempotent), share(governed.once)];
  return `| ${[fault, policies, ...shares, astray(played)].join(" | ")} |`;
}

function share({ failed, calls }: Tally): string {
  return `${((100 * failed) / calls).toFixed(2)} %`;
}

/** The cells of the table in README.md, without its head. */
export function readTable(): readonly (readonly string[])[] {
  const lines = (BETWEEN_MARKS.exec(readFileSync(README, "utf8"))?.[2] ?? "").trim().split("\n").slice(2);
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Puts these rows into README.md. */
export function writeTable(rows: readonly string[]): void {
  const text = readFileSync(README, "utf8");
  writeFileSync(README, text.replace(BETWEEN_MARKS, `$1\n${HEAD}\n${rows.join("\n")}\n\n$3`));
}
