// The faults, as data: what happens, to whom, which policies are at work and which are not. fault-run.ts plays them.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { listOf, type Setup, type Stage, type StageOptions } from "./fault-stage.ts";
import { noJumpingClock } from "./jumping-clock.ts";
import { callAtOnce, type Tally } from "./steady-calls.ts";

/** The run that a fault strikes. */
export interface Strike {
  /** A third of the time that is left, in milliseconds: a second at the full rate. */
  readonly thirdMs: number;
  /** Aborted when the last call was made. */
  readonly over: AbortSignal;
  /** How long after the last call its answer may come. */
  readonly graceMs: number;
  /** Adds calls that the fault consists of. */
  count(calls: Tally): void;
}

export interface FaultRow extends Pick<StageOptions, "found"> {
  /** What happens, as the table has it. */
  readonly fault: string;
  /** What helps, as the table has it. */
  readonly policies: string;
  readonly governed: Setup;
  /** The same without the policies; undefined where they cannot be switched off. */
  readonly bare: Setup | undefined;
  /** Why it cannot be played here; undefined where it can. */
  readonly obstacle?: () => string | undefined;
  readonly needsClock?: boolean;
  /** What happens after a quarter of the time. */
  readonly strike?: (stage: Stage, run: Strike) => Promise<void>;
}

const QUIET = "accessLog: { sample: 0 }";
const IDEMPOTENT = "idempotent: [kinds.Kinds/echoString]";
const NONE = "retry: { maxAttempts: 1 }, outlier: { enabled: false }, balance: { policy: round-robin }";

/** How long a call and its attempts may take. What is to succeed must do so on a machine that is busy with other things, too. */
function times(callMs: number, { patience }: StageOptions): string {
  return `timeoutMs: ${callMs * patience}, attemptTimeoutMs: ${250 * patience}, connectTimeoutMs: ${1_000 * patience}`;
}

const GOVERNED: Setup = {
  top: () => QUIET,
  upstream: (options) => `${times(3_000, options)}, retry: { ${IDEMPOTENT} }`,
};
const BARE: Setup = { top: () => QUIET, upstream: () => `timeoutMs: 3000, ${NONE}` };

/** One of three upstreams fares badly. */
const ONE_OF_THREE = { found: "in config", governed: GOVERNED, bare: BARE, policies: "the defaults" } as const;

function become(manner: "slow" | "garbage" | "resetting" | "refusing"): NonNullable<FaultRow["strike"]> {
  return async ({ struck }) => struck.become(manner);
}

/** With the registry in a directory. */
function withRegistry(more: (stage: Stage) => string): Setup {
  return {
    top: (stage) => `${QUIET}\ndiscovery: { directory: { path: ${stage.registry}, rescanMs: 100 }${more(stage)} }`,
    upstream: ({ patience }) => `timeoutMs: ${3_000 * patience}`,
  };
}

const REGISTRY = { found: "in a file", policies: "always", governed: withRegistry(() => ""), bare: undefined } as const;

const snapshotOf = ({ disk }: Stage) => join(disk.folder, "endpoints.json");
const SNAPSHOT = withRegistry((stage) => `, snapshot: ${JSON.stringify(snapshotOf(stage))}`);

/** The registry changes, and what the sidecar knows of it does not fit on the disk. */
async function fillDisk({ disk, registry, upstreams, sidecar }: Stage): Promise<void> {
  if (sidecar?.process.pid === undefined) throw new Error("no sidecar runs");
  disk.fill(sidecar.process.pid);
  writeFileSync(join(registry, "kinds.json"), listOf(upstreams.slice(1).map(({ endpoint }) => endpoint)));
  await sidecar.logged(({ msg }) => msg === "the snapshot of the endpoints cannot be written");
}

/** A sidecar runs for a while, during which something may happen. */
async function live(stage: Stage, during?: (stage: Stage) => Promise<void>): Promise<void> {
  await stage.start();
  await during?.(stage);
  await stage.stop();
}

const loseRegistry = async ({ registry }: Stage) => rmSync(registry, { recursive: true });
const NO_SNAPSHOT: Setup = { ...withRegistry(() => ""), before: loseRegistry };

/** Kills an upstream, too, so that there is something for the policies to do. */
function jump(hours: number): NonNullable<FaultRow["strike"]> {
  return async ({ clock, struck, sidecar }) => {
    clock?.jump(hours);
    struck.signal("SIGKILL");
    sidecar?.process.kill("SIGHUP");
    const line = await sidecar?.logged(({ signal }) => signal === "SIGHUP");
    const hoursOff = (Number(line?.["time"]) - Date.now()) / 3_600_000;
    if (Math.round(hoursOff) !== hours) throw new Error(`the clock of the sidecar is ${hoursOff} hours off`);
  };
}

/** What needs no policy. */
const ALWAYS: Omit<FaultRow, "fault" | "strike"> = {
  found: "in config",
  policies: "always",
  governed: { top: () => QUIET, upstream: ({ patience }) => `timeoutMs: ${3_000 * patience}` },
  bare: undefined,
};

const CLOCK: Omit<FaultRow, "fault" | "strike"> = {
  found: "by leases",
  policies: "leases, deadlines, retries, a breaker, a rate limit",
  governed: {
    ...withRegistry(() => ""),
    upstream: (options) =>
      `${GOVERNED.upstream(options)}, breaker: { policy: consecutive, minOpenMs: 200 }, rateLimit: [{ perSecond: 100000, burst: 1000 }]`,
  },
  bare: { ...withRegistry(() => ""), upstream: BARE.upstream },
  obstacle: noJumpingClock,
  needsClock: true,
};

/** All of them, in the order of the table. */
export const FAULT_ROWS: readonly FaultRow[] = [
  { ...ONE_OF_THREE, fault: "an upstream is killed", strike: async ({ struck }) => struck.signal("SIGKILL") },
  { ...ONE_OF_THREE, fault: "an upstream hangs", strike: async ({ struck }) => struck.signal("SIGSTOP") },
  {
    ...ONE_OF_THREE,
    fault: "an upstream takes a second instead of 10 ms",
    governed: { ...GOVERNED, upstream: (options) => `${times(900, options)}, retry: { ${IDEMPOTENT} }` },
    bare: { ...BARE, upstream: () => `timeoutMs: 900, ${NONE}` },
    strike: become("slow"),
  },
  {
    ...ONE_OF_THREE,
    fault: "an upstream answers garbage",
    policies: "retry of INTERNAL",
    governed: {
      ...GOVERNED,
      upstream: (options) => `${times(3_000, options)}, retry: { ${IDEMPOTENT}, codes: [UNAVAILABLE, INTERNAL] }`,
    },
    strike: become("garbage"),
  },
  { ...ONE_OF_THREE, fault: "an upstream refuses connections", strike: become("refusing") },
  { ...ONE_OF_THREE, fault: "an upstream resets connections", strike: become("resetting") },
  {
    ...ONE_OF_THREE,
    fault: "an upstream goes and comes every second",
    async strike({ struck }, { thirdMs, over }) {
      for (let isThere = false; !over.aborted; isThere = !isThere) {
        struck.become(isThere ? "healthy" : "refusing");
        await delay(thirdMs, undefined, { signal: over }).catch(() => {});
      }
    },
  },
  {
    ...REGISTRY,
    fault: "the registry directory is emptied",
    policies: "discovery.cache.emptyGraceMs",
    bare: withRegistry(() => ", cache: { emptyGraceMs: 0 }"),
    async strike({ registry, listed }) {
      for (const name of listed.keys()) rmSync(join(registry, name));
    },
  },
  {
    ...REGISTRY,
    fault: "the registry's file becomes invalid",
    async strike({ registry, listed }) {
      for (const [name, text] of listed) writeFileSync(join(registry, name), text.slice(0, text.length / 2));
    },
  },
  {
    ...REGISTRY,
    fault: "the registry directory is gone",
    strike: loseRegistry,
  },
  {
    ...REGISTRY,
    fault: "the registry directory is gone when the sidecar starts",
    policies: "discovery.snapshot",
    governed: {
      ...SNAPSHOT,
      async before(stage) {
        await live(stage);
        await loseRegistry(stage);
      },
    },
    bare: NO_SNAPSHOT,
  },
  { ...REGISTRY, fault: "the disk of the snapshot is full", governed: SNAPSHOT, strike: fillDisk },
  {
    ...REGISTRY,
    fault: "the same, and then the registry is gone when the sidecar starts",
    policies: "discovery.snapshot",
    governed: {
      ...SNAPSHOT,
      async before(stage) {
        await live(stage);
        await live(stage, fillDisk);
        await loseRegistry(stage);
      },
    },
    bare: NO_SNAPSHOT,
  },
  { ...CLOCK, fault: "the clock jumps an hour ahead, and an upstream is killed", strike: jump(1) },
  { ...CLOCK, fault: "the clock jumps an hour back, and an upstream is killed", strike: jump(-1) },
  {
    ...ALWAYS,
    fault: "a thousand connections open at once, each with a call",
    async strike({ local }, { graceMs, count }) {
      count(await callAtOnce(local, 1_000, graceMs));
    },
  },
  {
    ...ALWAYS,
    fault: "nobody reads the log any more",
    governed: { ...ALWAYS.governed, top: () => "accessLog: all" },
    async strike({ sidecar }) {
      sidecar?.process.stdout.pause();
    },
  },
];
