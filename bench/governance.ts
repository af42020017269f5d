// `npm run bench -- governance`: balancers and limiters in computed time, as plots. What is seen in them, and what it is held
// against, stands in bench/governance/README.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "../src/base/metadata.ts";
import { type BalanceOptions, balanceOptions, loadTrackersOf, pickerOf } from "../src/governance/balance-policy.ts";
import { type BreakerOptions, breakerOptions, trackBreaker } from "../src/governance/breaker.ts";
import { concurrencyLimit, concurrencyOptions } from "../src/governance/concurrency.ts";
import { createEndpointStates } from "../src/governance/endpoint-state.ts";
import { maglevTable } from "../src/governance/maglev.ts";
import { createOutlierDetection, outlierOptions } from "../src/governance/outlier.ts";
import { createPool } from "../src/governance/pool.ts";
import { rateLimit, rateLimitOptions } from "../src/governance/rate-limit.ts";
import { newUpstreamCounts } from "../src/governance/upstream-counts.ts";
import type { Call, Layer, Reply } from "../src/rpc/call.ts";
import { newFacts } from "../src/rpc/call.ts";
import { type Line, plot } from "./plot.ts";
import { quantile, type SimulationResult, simulateBalance } from "./simulate-balance.ts";
import { type LimitSecond, type LimitSimulation, simulateLimit } from "./simulate-limit.ts";

/** How much is simulated: less is quicker and rougher. */
export interface Effort {
  /** Numbers of endpoints. */
  readonly counts: readonly number[];
  readonly calls: number;
  readonly seconds: number;
}

/** What the committed plots are of. */
export const FULL: Effort = { counts: [1, 3, 10, 30, 100, 300, 1_000], calls: 20_000, seconds: 60 };
const POLICIES = ["round-robin", "weighted", "least-request", "p2c", "maglev"] as const;
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

const reply: Reply = {
  kind: "result",
  payload: { type: undefined, codec: "protobuf", bytes: new Uint8Array() },
  headers: Metadata.EMPTY,
  trailers: Metadata.EMPTY,
};

/** Balancers and limiters read nothing of these calls but their metadata. */
function callWith(headers: Metadata): Call {
  return { headers, facts: newFacts("bench", "bench") } as unknown as Call;
}

interface Way {
  readonly policy: BalanceOptions["policy"];
  readonly outlier?: boolean;
  readonly breaker?: BreakerOptions;
}

interface Load {
  readonly count: number;
  readonly calls: number;
  readonly serviceOf: (i: number) => number;
  readonly failureShare?: (i: number, nowMs: number) => number;
  readonly seen?: (nowMs: number, failed: boolean) => void;
}

/** Runs calls by one way of balancing, with what learns of failures as an upstream's stack has it. */
export function runBalance(way: Way, { count, calls, serviceOf, failureShare, seen }: Load): SimulationResult {
  const random = createRandom();
  const states = createEndpointStates();
  const candidates = Array.from({ length: count }, (_, i) => {
    const name = `10.0.0.1:${i + 1}`;
    // Only the balancer that is named after them is told by weights who is slow.
    const weight = way.policy === "weighted" ? SERVICE_MS / serviceOf(i) : 1;
    const address = { kind: "tcp", host: "10.0.0.1", port: i + 1 } as const;
    return { endpoint: { upstream: "shop", address, name, weight }, state: states.of(name) };
  });
  const options = balanceOptions.parse({
    policy: way.policy,
    ...(way.policy === "maglev" && { header: "user" }),
  });
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, wallMs: () => nowMs, turnMs: () => nowMs, after: () => () => {} };
  const outliers = way.outlier ? createOutlierDetection(outlierOptions.parse({}), states, clock) : undefined;
  const pool = createPool(candidates, { states, picker: pickerOf(options, random), panicBelow: options.panicBelow });
  return simulateBalance({
    candidates,
    choose(call, atMs) {
      nowMs = atMs;
      return pool.next(call, atMs);
    },
    trackers: candidates.map(({ state }) => [
      ...loadTrackersOf(options, state),
      ...(outliers ? [outliers.track(state)] : []),
      ...(way.breaker ? [trackBreaker(state, states, way.breaker, random)] : []),
    ]),
    serviceMs: candidates.map((_, i) => serviceOf(i)),
    ...(failureShare && { failureShare }),
    ...(seen && { seen }),
    utilization: UTILIZATION,
    calls,
    random,
    nextCall: () => callWith(Metadata.from([["user", String(Math.floor(random() * 10_000))]])),
  });
}

function latencyPlots({ counts, calls }: Effort): [string, string][] {
  return Object.entries(SCENARIOS).map(([scenario, serviceOf]) => {
    const lines = POLICIES.map((policy): Line => {
      const p99 = (count: number) => quantile(runBalance({ policy }, { count, calls, serviceOf }).latenciesMs, 0.99);
      return { name: policy, values: counts.map(p99) };
    });
    const title = `99th percentile of latency, ms: ${scenario}, ${UTILIZATION * 100} % load, ${calls} calls`;
    const y = { label: "ms", ticks: [10, 100, 1_000, 10_000], log: true };
    return [`${scenario.replaceAll(" ", "-")}.svg`, plot(title, counts, endpointsAxis(counts), y, lines)];
  });
}

const endpointsAxis = (counts: readonly number[]) => ({ label: "endpoints", ticks: counts, log: true });

const WAYS: Readonly<Record<string, Way>> = {
  "round robin": { policy: "round-robin" },
  "least request": { policy: "least-request" },
  "p2c, peak EWMA": { policy: "p2c" },
  "least request, ejection": { policy: "least-request", outlier: true },
  "least request, breaker": { policy: "least-request", breaker: breakerOptions.parse({ policy: "consecutive" }) },
  "p2c, ejection": { policy: "p2c", outlier: true },
};

/** One endpoint in ten begins to fail every call at once, and is well again later. */
export function failurePlot({ calls }: Effort): [string, string] {
  const count = 30;
  const perMs = (UTILIZATION * count) / SERVICE_MS;
  const [failsMs, wellMs] = [(calls * 0.2) / perMs, (calls * 0.6) / perMs];
  const stepMs = calls / perMs / 40;
  const places = Array.from({ length: 40 }, (_, i) => Math.round(i * stepMs) / 1_000);
  const lines = Object.entries(WAYS).map(([name, way]): Line => {
    const steps = places.map(() => ({ all: 0, failed: 0 }));
    runBalance(way, {
      count,
      calls,
      serviceOf: () => SERVICE_MS,
      failureShare: (i, nowMs) => (i % 10 === 9 && nowMs >= failsMs && nowMs < wellMs ? 1 : 0),
      seen(nowMs, failed) {
        const step = steps[Math.min(steps.length - 1, Math.floor(nowMs / stepMs))]!;
        step.all++;
        if (failed) step.failed++;
      },
    });
    return { name, values: steps.map(({ all, failed }) => (100 * failed) / Math.max(1, all)) };
  });
  const title = `failed calls, %: 3 of ${count} endpoints refuse all calls at once for a while`;
  const last = places.at(-1)!;
  const x = { label: "seconds", ticks: [0, last / 4, last / 2, (3 * last) / 4, last].map(tenth), log: false };
  return ["one-in-ten-fails.svg", plot(title, places, x, { label: "%", ticks: [0, 5, 10, 15, 20], log: false }, lines)];
}

const tenth = (value: number) => Math.round(value * 10) / 10;

/** How evenly Maglev's table is shared, and which part of the keys moves that need not, when one endpoint goes. */
export function measureMaglev(count: number): { readonly unevenness: number; readonly moved: number } {
  const names = Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.1:9000`).sort();
  const candidates = names.map((name) => {
    const address = { kind: "tcp", host: name, port: 9_000 } as const;
    return { endpoint: { upstream: "shop", address, name }, state: createEndpointStates().of(name) };
  });
  const gone = count >> 1;
  const before = maglevTable(candidates);
  const after = maglevTable(candidates.filter((_, i) => i !== gone));
  const shares = new Uint32Array(count);
  let moved = 0;
  for (const [slot, index] of before.entries()) {
    shares[index]!++;
    const now = after[slot]!;
    if (index !== gone && (now >= gone ? now + 1 : now) !== index) moved++;
  }
  return { unevenness: (Math.max(...shares) * count) / before.length - 1, moved: moved / before.length };
}

/** How Maglev does by the number of endpoints. */
export function maglevPlot({ counts }: Effort): [string, string] {
  const some = counts.filter((count) => count > 1);
  const all = some.map(measureMaglev);
  const lines: Line[] = [
    { name: "largest share over mean", values: all.map(({ unevenness }) => 100 * unevenness) },
    { name: "keys moved needlessly", values: all.map(({ moved }) => 100 * moved) },
    { name: "the same, hash modulo n", values: some.map((count) => 100 * (1 - 1 / count) ** 2) },
  ];
  const title = "Maglev, table of 65,537: evenness, and disruption when one endpoint goes, %";
  const y = { label: "%", ticks: [0.01, 0.1, 1, 10, 100], log: true };
  return ["maglev.svg", plot(title, some, endpointsAxis(some), y, lines)];
}

const DEADLINE_MS = 1_000;
/** 1,000 calls per second, from 20 to 40 seconds half of that. */
const SERVER = {
  places: 10,
  serviceMs: (nowMs: number) => (nowMs >= 20_000 && nowMs < 40_000 ? 20 : 10),
} as const;

type Limiter = LimitSimulation["limiter"];

const LIMITERS: Readonly<Record<string, Limiter>> = {
  "no limit": () => (next) => next,
  "token bucket, 1,000/s": (clock) =>
    rateLimit(rateLimitOptions.parse([{ perSecond: 1_000 }]), {
      clock,
      pairs: new Map(),
      counts: newUpstreamCounts(),
    }).calls,
  "fixed, 20 at once": concurrencyBy({ policy: "fixed", max: 20 }),
  "adaptive (gradient)": concurrencyBy({ policy: "adaptive" }),
};

function concurrencyBy(options: object): Limiter {
  return (clock): Layer => {
    const context = { clock, random: createRandom(), counts: newUpstreamCounts() };
    return concurrencyLimit(concurrencyOptions.parse(options), context).calls;
  };
}

/** What becomes of 800 calls per second by a limiter of those that are plotted, by the second in which they came. */
export function runLimit(name: string, seconds = FULL.seconds): Promise<readonly LimitSecond[]> {
  const limiter = LIMITERS[name];
  if (!limiter) throw new Error(`there is no limiter ${name}`);
  const nextCall = () => callWith(Metadata.EMPTY);
  const random = createRandom();
  const load = { perSecond: 800, ...SERVER, seconds, deadlineMs: DEADLINE_MS };
  return simulateLimit({ limiter, ...load, random, nextCall, reply });
}

async function limitPlots(effort: Effort): Promise<[string, string][]> {
  const places = Array.from({ length: effort.seconds }, (_, i) => i);
  const x = { label: "seconds", ticks: [0, 10, 20, 30, 40, 50, 60], log: false };
  const inTime: Line[] = [];
  const p99: Line[] = [];
  for (const name of Object.keys(LIMITERS)) {
    const seconds = await runLimit(name, effort.seconds);
    inTime.push({ name, values: seconds.map((second) => second.inTime) });
    const latency = ({ latenciesMs }: LimitSecond) =>
      quantile(
        latenciesMs.toSorted((a, b) => a - b),
        0.99,
      );
    p99.push({ name, values: seconds.map((second) => (second.latenciesMs.length > 0 ? latency(second) : undefined)) });
  }
  const what = "800 calls/s come; the server bears 1,000, from 20 s to 40 s only 500";
  const rate = { label: "per second", ticks: [0, 200, 400, 600, 800, 1_000], log: false };
  const ms = { label: "ms", ticks: [10, 100, 1_000, 10_000], log: true };
  return [
    ["limits-replies.svg", plot(`replies within ${DEADLINE_MS} ms, per second: ${what}`, places, x, rate, inTime)],
    ["limits-latency.svg", plot(`99th percentile of latency, ms: ${what}`, places, x, ms, p99)],
  ];
}

/** All plots by their file names, the same for the same effort. */
export async function governancePlots(effort: Effort = FULL): Promise<ReadonlyMap<string, string>> {
  return new Map([...latencyPlots(effort), failurePlot(effort), maglevPlot(effort), ...(await limitPlots(effort))]);
}

/** Writes the plots to bench/governance. */
export async function benchGovernance(): Promise<void> {
  const folder = join(import.meta.dirname, "governance");
  mkdirSync(folder, { recursive: true });
  for (const [file, svg] of await governancePlots()) {
    writeFileSync(join(folder, file), svg);
    process.stdout.write(`${join("bench/governance", file)}\n`);
  }
}
