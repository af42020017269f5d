// The same load on several hops in turns, and what each made of it.
import type { Hop } from "./hops.ts";
import type { Measured } from "./load.ts";

/** One hop under one load; medians over the rounds. */
export interface Compared {
  readonly case: string;
  readonly hop: string;
  readonly callsPerSecond: number;
  readonly cpuUsPerCall: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** At the end of the rounds. */
  readonly rssMb: number;
  /** Its calls per second to those of the hop that it is held against, in the same run. */
  readonly ratio: number;
}

/** One load that several hops get. */
export interface Contest {
  readonly case: string;
  readonly hops: readonly Hop[];
  /** The hop that the others are held against. */
  readonly against: string;
  readonly load: (hop: Hop) => Promise<Measured>;
}

/** Runs a load on its hops in turns; the first round only warms them. */
export async function compare(contest: Contest, rounds: number): Promise<readonly Compared[]> {
  const runs = new Map(contest.hops.map((hop) => [hop, [] as (Measured & { readonly cpuUsPerCall: number })[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [hop, measured] of runs) {
      const before = hop.usage();
      const result = await contest.load(hop);
      const cpuMs = hop.usage().cpuMs - before.cpuMs;
      if (round > 0) measured.push({ ...result, cpuUsPerCall: (cpuMs * 1_000) / result.calls });
    }
  }
  const medians = [...runs].map(([hop, measured]) => ({
    case: contest.case,
    hop: hop.name,
    callsPerSecond: median(measured.map((each) => each.callsPerSecond)),
    cpuUsPerCall: median(measured.map((each) => each.cpuUsPerCall)),
    p50Us: median(measured.map((each) => each.p50Us)),
    p99Us: median(measured.map((each) => each.p99Us)),
    rssMb: hop.usage().rssBytes / 1e6,
  }));
  const bar = medians.find(({ hop }) => hop === contest.against)?.callsPerSecond ?? Number.NaN;
  return medians.map((each) => ({ ...each, ratio: each.callsPerSecond / bar }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const COLUMNS = ["callsPerSecond", "cpuUsPerCall", "p50Us", "p99Us", "rssMb", "ratio"] as const;
const DIGITS = { callsPerSecond: 0, cpuUsPerCall: 1, p50Us: 0, p99Us: 0, rssMb: 0, ratio: 2 } as const;

/** Prints results as they come: a JSON object per line, or a table whose head is printed first. */
export function createPrinter(json: boolean): (results: readonly Compared[]) => void {
  if (!json) printRow("case", "hop", ["calls/s", "CPU µs/call", "p50 µs", "p99 µs", "RSS MB", "ratio"]);
  return (results) => {
    for (const result of results) {
      if (json) process.stdout.write(`${JSON.stringify(result, (_, value) => rounded(value))}\n`);
      else
        printRow(
          result.case,
          result.hop,
          COLUMNS.map((column) => format(result[column], DIGITS[column])),
        );
    }
  };
}

function printRow(name: string, hop: string, cells: readonly string[]): void {
  process.stdout.write(`${name.padEnd(30)}${hop.padEnd(12)}${cells.map((cell) => cell.padStart(13)).join("")}\n`);
}

function format(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function rounded(value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 100) / 100 : value;
}
