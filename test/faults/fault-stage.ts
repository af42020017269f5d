// What a fault is played on: three upstreams, a registry, a disk, a clock and the sidecar among them, each a process or files of
// its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sidecar, startSidecar } from "../e2e/sidecar.ts";
import { type EchoProcess, startEchoProcess } from "./echo-process.ts";
import { createJumpingClock, type JumpingClock } from "./jumping-clock.ts";
import { IDL, KINDS } from "./kinds.ts";
import { createSmallDisk, type SmallDisk } from "./small-disk.ts";

/** What the sidecar is told beside where its upstreams are. */
export interface Setup {
  /** Lines at the top of the config, as YAML. */
  readonly top?: (stage: Stage) => string;
  /** Keys of the upstream, as YAML between braces. */
  readonly upstream: (options: StageOptions) => string;
  /** What happens before the sidecar starts. */
  readonly before?: (stage: Stage) => Promise<void>;
}

export interface Stage {
  /** Where the sidecar is called: a unix socket. */
  readonly local: string;
  readonly upstreams: readonly EchoProcess[];
  /** The one of the upstreams that faults strike. */
  readonly struck: EchoProcess;
  /** The folder of the registry, with one file for all upstreams, or one with a lease for each. */
  readonly registry: string;
  /** Files of the registry, by their names. */
  readonly listed: ReadonlyMap<string, string>;
  readonly disk: SmallDisk;
  /** Undefined unless the stage was asked for one. */
  readonly clock: JumpingClock | undefined;
  /** The sidecar; undefined before it was started. */
  readonly sidecar: Sidecar | undefined;
  /** Starts the sidecar, once the one before has been stopped. Resolves when it listens. */
  start(): Promise<Sidecar>;
  /** Asks the sidecar to end, and waits for it. */
  stop(): Promise<void>;
  /** Ends and removes all. */
  clear(): Promise<void>;
}

export interface StageOptions {
  readonly setup: Setup;
  /** Who tells where the upstreams are: the config, a file of the registry, or one with a lease for each upstream. */
  readonly found: "in config" | "in a file" | "by leases";
  readonly needsClock: boolean;
  readonly seed: number;
  /** What the times of policies, and those of slow upstreams, are multiplied with: 1 where the machine has time. */
  readonly patience: number;
}

/** As long as a lease can be, and much less than a clock jumps. */
const LEASE_MS = 600_000;

/** Starts the upstreams, not yet the sidecar. */
export async function createStage(options: StageOptions): Promise<Stage> {
  const { setup, found, needsClock, seed, patience } = options;
  const folder = mkdtempSync(join(tmpdir(), "causeway-fault-"));
  const [local, registry] = [join(folder, "local.sock"), join(folder, "registry")];
  const paths = [0, 1, 2].map((i) => join(folder, `${i}.sock`));
  const disk = createSmallDisk(join(folder, "disk"));
  const upstreams = await Promise.all(paths.map((path) => startEchoProcess(path, { seed, slowMs: 1_000 * patience })));
  const endpoints = upstreams.map(({ endpoint }) => endpoint);
  const listed = found === "by leases" ? leases(endpoints) : new Map([["kinds.json", listOf(endpoints)]]);
  mkdirSync(registry);
  for (const [name, text] of listed) writeFileSync(join(registry, name), text);
  const where = found === "in config" ? `endpoints: ${JSON.stringify(endpoints)}` : "discovery: directory";
  let sidecar: (Sidecar & Disposable) | undefined;

  const stage: Stage = {
    local,
    upstreams,
    struck: upstreams[seed % upstreams.length]!,
    registry,
    listed,
    disk,
    clock: needsClock ? createJumpingClock(join(folder, "clock")) : undefined,
    get sidecar() {
      return sidecar;
    },
    async start() {
      const config = `
schema: { files: [${KINDS}], include: [${IDL}] }
listeners: [{ kind: local, address: "unix:${local}", defaultService: kinds.Kinds, maxCallsPerConnection: 10000 }]
${setup.top?.(stage) ?? ""}
upstreams: { kinds: { protocol: thrift-framed, services: [kinds.Kinds], ${where}, ${setup.upstream(options)} } }
`;
      sidecar?.[Symbol.dispose]();
      sidecar = startSidecar(config, [], stage.clock?.env);
      await sidecar.addressOf("local");
      return sidecar;
    },
    async stop() {
      sidecar?.process.kill("SIGTERM");
      await sidecar?.exited;
    },
    async clear() {
      sidecar?.[Symbol.dispose]();
      // Somebody may have stopped reading it, and its end would never be heard of.
      sidecar?.process.stdout.destroy();
      await Promise.all([sidecar?.exited, ...upstreams.map((upstream) => upstream.stop())]);
      disk.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

/** A file of the registry that lists endpoints. */
export function listOf(endpoints: readonly string[]): string {
  return JSON.stringify({ endpoints });
}

function leases(endpoints: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    endpoints.map((address, i) => [
      `kinds@${i}.json`,
      JSON.stringify({ address, weight: 1, leaseMs: LEASE_MS, beat: 0 }),
    ]),
  );
}
