// `npm run bench -- governance`: balancers in computed time, from 1 to 1,000 endpoints, as numbers and as plots.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "../src/base/metadata.ts";
import { type BalanceOptions, balanceOptions, loadTrackersOf, pickerOf } from "../src/governance/balance-policy.ts";
import { createEndpointState } from "../src/governance/endpoint-state.ts";
import type { Candidate } from "../src/governance/picker.ts";
import { type Call, newFacts } from "../src/rpc/call.ts";
import { quantile, simulateBalance } from "./simulate-balance.ts";

const COUNTS = [1, 3, 10, 30, 100, 300, 1_000];
const POLICIES = ["round-robin", "weighted", "least-request", "p2c"] as const;
const CALLS = 20_000;
const SERVICE_MS = 10;
const UTILIZATION = 0.7;
const SCENARIOS: Readonly<Record<string, (i: number) => number>> = {
  "all alike": () => SERVICE_MS,
  "one in ten is ten times slower": (i) => (i % 10 === 9 ? 10 * SERVICE_MS : SERVICE_MS),
};

/** Numbers from 0 up to but not including 1, the same in each run (xorshift). */
function createRandom(): () => number {
  let state = 0x2545_f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function candidatesOf(count: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    endpoint: { upstream: "shop", address: { kind: "tcp", host: "10.0.0.1", port: i + 1 }, name: `10.0.0.1:${i + 1}` },
    state: createEndpointState(),
  }));
}

function p99(policy: BalanceOptions["policy"], count: number, serviceOf: (i: number) => number): number {
  const random = createRandom();
  const candidates = candidatesOf(count);
  const options = balanceOptions.parse({ policy });
  // Balancers read nothing of these calls but their metadata.
  const call = { headers: Metadata.EMPTY, facts: newFacts("bench", "bench") } as unknown as Call;
  const { latenciesMs } = simulateBalance({
    candidates,
    picker: pickerOf(options, random),
    trackers: candidates.map(({ state }) => loadTrackersOf(options, state)),
    serviceMs: candidates.map((_, i) => serviceOf(i)),
    utilization: UTILIZATION,
    calls: CALLS,
    random,
    call,
  });
  return quantile(latenciesMs, 0.99);
}

/** Prints a line of JSON for each run, and writes a plot for each scenario to bench/governance. */
export function benchGovernance(): void {
  const folder = join(import.meta.dirname, "governance");
  mkdirSync(folder, { recursive: true });
  for (const [scenario, serviceOf] of Object.entries(SCENARIOS)) {
    const lines = POLICIES.map((policy) => {
      const values = COUNTS.map((count) => p99(policy, count, serviceOf));
      for (const [i, ms] of values.entries()) {
        process.stdout.write(`${JSON.stringify({ scenario, policy, endpoints: COUNTS[i], p99Ms: Math.round(ms) })}\n`);
      }
      return { policy, values };
    });
    writeFileSync(join(folder, `${scenario.replaceAll(" ", "-")}.svg`), plot(scenario, lines));
  }
}

const [WIDTH, HEIGHT, LEFT, TOP] = [640, 400, 60, 40];
const COLOURS = ["#c0392b", "#e67e22", "#2980b9", "#27ae60"];
const [LEAST_MS, MOST_MS] = [10, 10_000];

/** Both axes are logarithmic. */
function plot(
  title: string,
  lines: readonly { readonly policy: string; readonly values: readonly number[] }[],
): string {
  const x = (i: number) => LEFT + (i * (WIDTH - LEFT - 130)) / (COUNTS.length - 1);
  const y = (ms: number) => {
    const share = Math.log(Math.min(MOST_MS, Math.max(LEAST_MS, ms)) / LEAST_MS) / Math.log(MOST_MS / LEAST_MS);
    return HEIGHT - TOP - share * (HEIGHT - 2 * TOP);
  };
  const text = (px: number, py: number, words: string, more = "") =>
    `<text x="${Math.round(px)}" y="${Math.round(py)}" ${more}>${words}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<title>99th percentile of latency by endpoints: ${title}</title>
<rect width="100%" height="100%" fill="white"/>
${text(LEFT, 20, `99th percentile of latency, ms, by endpoints: ${title}, ${UTILIZATION * 100} % load, ${CALLS} calls`)}
${[10, 100, 1_000, 10_000].map((ms) => `<path d="M${LEFT} ${y(ms).toFixed(1)}H${WIDTH - 130}" stroke="#ddd"/>${text(LEFT - 8, y(ms) + 4, String(ms), 'text-anchor="end"')}`).join("\n")}
${COUNTS.map((count, i) => text(x(i), HEIGHT - 18, String(count), 'text-anchor="middle"')).join("\n")}
${lines
  .map(({ policy, values }, n) => {
    const points = values.map((ms, i) => `${x(i).toFixed(1)},${y(ms).toFixed(1)}`).join(" ");
    return `<polyline points="${points}" fill="none" stroke="${COLOURS[n]}" stroke-width="2"/>${text(WIDTH - 120, TOP + 20 * n, policy, `fill="${COLOURS[n]}"`)}`;
  })
  .join("\n")}
</svg>
`;
}
