// What 10,000 upstreams with ten endpoints each cost a sidecar: its resident memory, found in a registry directory or listed
// in the config, before and after some of them were called, and the time of a change of one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { checkConfig } from "../src/app/check-config.ts";
import { createDiscovery } from "../src/app/discovery.ts";
import { systemClock } from "../src/base/clock.ts";
import { formatDiagnostic } from "../src/base/diagnostic.ts";

const MAIN = resolve(import.meta.dirname, "../dist/src/cli/main.js");
const ignore = () => {};
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
/** Behind a look at all files of the directory, which comes every 10 seconds. */
const SETTLE_MS = 15_000;

export interface DiscoveryBenchOptions {
  readonly services: number;
  readonly endpoints: number;
  readonly changes: number;
  /** How many services are called, each once. */
  readonly called: number;
  readonly json: boolean;
}

type Source = "directory" | "config";

/** Prints a line for each way to find the endpoints, or a JSON object, and one for changes. */
export async function benchDiscovery(options: DiscoveryBenchOptions): Promise<void> {
  const servers = await Promise.all(Array.from({ length: options.endpoints }, listen));
  const addresses = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    for (const source of ["directory", "config"] as const) {
      print(options.json, await inFolder((folder) => measureMemory(folder, source, addresses, options)));
    }
    print(options.json, await inFolder((folder) => measureChanges(folder, addresses, options)));
  } finally {
    for (const server of servers) server.close();
  }
}

function print(json: boolean, result: Readonly<Record<string, string | number>>): void {
  const lines = Object.entries(result).map(([name, value]) => `${name.padEnd(16)} ${value}\n`);
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join("")}\n`);
}

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-bench-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An endpoint that answers each framed call with the call's own bytes. */
async function listen(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("data", (bytes) => socket.write(asReply(bytes)));
    socket.on("error", ignore);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Where a strict message has its type, behind the frame's length. */
const TYPE_AT = 7;
const REPLY = 2;

/** The same message as a reply. */
function asReply(call: Buffer): Buffer {
  const reply = Buffer.from(call);
  reply[TYPE_AT] = REPLY;
  return reply;
}

/** A framed call of `get` of a service, strict binary, without arguments. */
function callOf(service: string): Buffer {
  const name = Buffer.from(`${service}:get`);
  const body = Buffer.concat([Buffer.from([0x80, 1, 0, 1, 0, 0, 0, name.length]), name, Buffer.from([0, 0, 0, 1, 0])]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function writeConfig(
  folder: string,
  source: Source,
  addresses: readonly string[],
  services: number,
  rescanMs = 10_000,
): string {
  const upstreams: Record<string, object> = {};
  if (source === "directory") mkdirSync(join(folder, "registry"));
  for (let i = 0; i < services; i++) {
    const found = source === "directory" ? { discovery: "directory" } : { endpoints: addresses };
    upstreams[`service-${i}`] = { protocol: "thrift-framed", opaqueServices: [`shop.Service${i}`], ...found };
    if (source === "directory") writeEndpoints(folder, i, addresses);
  }
  const path = join(folder, "causeway.yaml");
  const discovery = source === "directory" ? { discovery: { directory: { path: "registry", rescanMs } } } : {};
  const listeners = [{ kind: "local", address: `unix:${join(folder, "s")}` }];
  writeFileSync(path, stringify({ listeners, upstreams, ...discovery }, { aliasDuplicateObjects: false }));
  return path;
}

function writeEndpoints(folder: string, service: number, endpoints: readonly string[]): void {
  const file = join(folder, "registry", `service-${service}.json`);
  writeFileSync(`${file}.tmp`, JSON.stringify({ endpoints }));
  renameSync(`${file}.tmp`, file);
}

/** The resident memory of a sidecar as it is built, with what Node itself takes: some 90 MB. */
async function measureMemory(
  folder: string,
  source: Source,
  addresses: readonly string[],
  { services, endpoints, called }: DiscoveryBenchOptions,
) {
  const config = writeConfig(folder, source, addresses, services);
  const startMs = performance.now();
  const args = [MAIN, "serve", "-c", config, "--log-level", "info"];
  const sidecar = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines = createInterface({ input: sidecar.stdout });
    await new Promise<void>((listening, failed) => {
      lines.on("line", (line) => line.includes('"listening"') && listening());
      sidecar.once("exit", () => failed(new Error("the sidecar ended: is it built (npm run build)?")));
    });
    const listeningMs = Math.round(performance.now() - startMs);
    const pid = sidecar.pid ?? 0;
    const listeningMb = memoryOf(pid, "VmRSS");
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    const rssMb = memoryOf(pid, "VmRSS");
    for (let i = 0; i < Math.min(called, services); i++) await callOnce(join(folder, "s"), `shop.Service${i}`);
    const sizes = { listeningMb, rssMb, calledMb: memoryOf(pid, "VmRSS"), mostMb: memoryOf(pid, "VmHWM") };
    return { source, services, endpoints, called, listeningMs, ...sizes };
  } finally {
    sidecar.kill("SIGKILL");
  }
}

function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
}

async function callOnce(path: string, service: string): Promise<void> {
  const socket = connect(path);
  socket.write(callOf(service));
  const [reply]: Buffer[] = await once(socket, "data");
  socket.destroy();
  if (reply?.[TYPE_AT] !== REPLY) throw new Error(`${service} answered ${reply?.toString()}`);
}

/** The processor's time that a change of one upstream takes, and the time until it is known; in this process. */
async function measureChanges(
  folder: string,
  addresses: readonly string[],
  { services, changes }: DiscoveryBenchOptions,
) {
  // Looks at all files are no part of a change.
  const checked = await checkConfig(writeConfig(folder, "directory", addresses, services, 3_600_000), (each) => {
    if (each.severity === "error") throw new Error(formatDiagnostic(each));
  });
  if (!checked) throw new Error("the config is wrong");
  const discovery = createDiscovery(checked, systemClock, log);
  // The timers of a clock keep no process alive.
  const alive = setInterval(ignore, 60_000);
  const upstreams = Array.from({ length: services }, (_, i) => `service-${i}`);
  const stops = upstreams.map((upstream) => discovery.watch(upstream, ignore));
  await discovery.answered();
  let [cpuMs, totalMs] = [0, 0];
  for (let i = 1; i <= changes; i++) {
    const service = (i * 7_919) % services;
    const changed = Promise.withResolvers<void>();
    const stop = discovery.watch(`service-${service}`, ({ endpoints: [first] }) => {
      if (first?.name === `127.0.0.1:${i}`) changed.resolve();
    });
    const startMs = performance.now();
    writeEndpoints(folder, service, [`127.0.0.1:${i}`, ...addresses.slice(1)]);
    const before = process.cpuUsage();
    await changed.promise;
    const { user, system } = process.cpuUsage(before);
    cpuMs += (user + system) / 1_000;
    totalMs += performance.now() - startMs;
    stop();
  }
  for (const stop of stops) stop();
  discovery.close();
  clearInterval(alive);
  const mean = (ms: number) => Math.round((ms / changes) * 100) / 100;
  return { services, changes, changeCpuMs: mean(cpuMs), changeMs: mean(totalMs) };
}
