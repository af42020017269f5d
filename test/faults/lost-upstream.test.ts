// One of three upstreams goes while 2,000 calls come per second: what its calls get with the default policies and without any.
// Each call carries its number and must get it back, once. The table of README.md is written from here with
// CAUSEWAY_FAULTS_WRITE=1.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { IDL, KINDS } from "./kinds.ts";
import { ThriftWire, thriftText } from "./thrift-wire.ts";
import { framed, thriftMessage } from "./upstreams.ts";

const PROCESS = join(import.meta.dirname, "upstream-process.ts");
const PER_TICK = 20;
const TICK_MS = 10;
const TICKS = 200;
const FAULT_AT = 50;

const POLICIES = "retry: { idempotent: [kinds.Kinds/echoString] }, attemptTimeoutMs: 250";
const NONE = "retry: { maxAttempts: 1 }, outlier: { enabled: false }, balance: { policy: round-robin }";

async function startUpstream(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROCESS, path], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

interface Outcome {
  readonly calls: number;
  readonly failed: number;
  /** Calls that got no answer, another's, or more than one. */
  readonly wrong: number;
}

/** Calls at a steady rate over four connections, and does `fault` to the first of three upstreams after a quarter of it. */
async function run(policies: string, fault: (child: ChildProcess) => void): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-lost-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const paths = [0, 1, 2].map((i) => join(folder, `${i}.sock`));
  const upstreams = await Promise.all(paths.map(startUpstream));
  const local = join(folder, "local.sock");
  const sidecar = startSidecarForTest(`
schema: { files: [${KINDS}], include: [${IDL}] }
listeners: [{ kind: local, address: "unix:${local}", defaultService: kinds.Kinds, maxCallsPerConnection: 10000 }]
accessLog: { sample: 0 }
upstreams:
  kinds:
    { protocol: thrift-framed, timeoutMs: 3000, services: [kinds.Kinds], ${policies},
      endpoints: [${paths.map((path) => `"unix:${path}"`).join(", ")}] }
`);
  await sidecar.addressOf("local");
  const calls = PER_TICK * TICKS;
  const answers = new Map<number, boolean>();
  let wrong = 0;
  const wires = Array.from({ length: 4 }, () => new ThriftWire(local, { framed: true, strict: true }));
  const readers = wires.map(async (wire, i) => {
    for (let left = calls / wires.length; left > 0; left--) {
      const answer = await wire.next();
      if (!answer) throw new Error("the sidecar closed a connection");
      const { type, sequenceId } = answer.header;
      const own = sequenceId % wires.length === i && !answers.has(sequenceId);
      const good = type === 2;
      if (!own || (good && !answer.body.equals(thriftText(0, String(sequenceId))))) wrong++;
      answers.set(sequenceId, good);
    }
  });
  const startMs = performance.now();
  for (let tick = 0; tick < TICKS; tick++) {
    if (tick === FAULT_AT) fault(upstreams[0]!);
    for (let i = 0; i < PER_TICK; i++) {
      const sequenceId = tick * PER_TICK + i;
      const body = thriftText(1, String(sequenceId));
      wires[i % wires.length]!.write(
        framed(thriftMessage({ strict: true, name: "echoString", type: 1, sequenceId }, body)),
      );
    }
    await delay(Math.max(0, startMs + (tick + 1) * TICK_MS - performance.now()));
  }
  await Promise.all(readers);
  for (const wire of wires) wire.destroy();
  upstreams[0]!.kill("SIGKILL");
  const failed = [...answers.values()].filter((good) => !good).length;
  return { calls, failed, wrong: wrong + calls - answers.size };
}

const rows: string[] = [];

test.each([
  ["killed", "SIGKILL"],
  ["hung", "SIGSTOP"],
] as const)(
  "one of three upstreams is %s: no idempotent call fails, is lost or answered twice",
  async (name, signal) => {
    const fault = (child: ChildProcess) => void child.kill(signal);
    const without = await run(NONE, fault);
    const governed = await run(POLICIES, fault);
    const share = ({ failed, calls }: Outcome) => `${((100 * failed) / calls).toFixed(2)} %`;
    rows.push(`| ${name} | ${share(without)} | ${share(governed)} | ${without.wrong + governed.wrong} |`);
    expect(without.failed).toBeGreaterThan(0);
    expect({ ...governed, wrong: governed.wrong + without.wrong }).toMatchObject({ failed: 0, wrong: 0 });
  },
);

afterAll(() => {
  if (!process.env["CAUSEWAY_FAULTS_WRITE"]) return;
  const file = join(import.meta.dirname, "README.md");
  const table = `| one of three upstreams is | calls that fail without policies | with them | lost or wrong |\n|---|---|---|---|\n${rows.join("\n")}\n`;
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/(<!-- table -->\n)[\s\S]*?(<!-- end -->)/, `$1\n${table}\n$2`));
});
