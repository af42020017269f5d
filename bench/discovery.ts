// What 10,000 upstreams with ten endpoints each cost: the memory and the time to load and watch them, and the time of a change
// of one. Run in a process of its own with --expose-gc, because the memory of the whole process counts.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkConfig } from "../src/app/check-config.ts";
import { createDiscovery } from "../src/app/discovery.ts";
import { createTraffic } from "../src/app/traffic.ts";
import { systemClock } from "../src/base/clock.ts";
import { formatDiagnostic } from "../src/base/diagnostic.ts";
import { createDegradeSwitches } from "../src/governance/degrade-switches.ts";

const ignore = () => {};
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const MB = 1024 * 1024;

export interface DiscoveryBenchOptions {
  readonly services: number;
  readonly endpoints: number;
  readonly changes: number;
  readonly json: boolean;
}

/** Prints one line, or one JSON object. */
export async function benchDiscovery({ services, endpoints, changes, json }: DiscoveryBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-bench-"));
  // The timers of a clock keep no process alive.
  const alive = setInterval(ignore, 60_000);
  try {
    writeRegistry(folder, services, endpoints);
    const startMs = performance.now();
    const checked = await checkConfig(join(folder, "causeway.yaml"), (each) => {
      if (each.severity === "error") throw new Error(formatDiagnostic(each));
    });
    if (!checked) throw new Error("the config is wrong");
    const configMs = performance.now() - startMs;
    const discovery = createDiscovery(checked, systemClock, log);
    const traffic = createTraffic(checked, undefined, {
      resolver: discovery,
      zone: undefined,
      log,
      clock: systemClock,
      switches: createDegradeSwitches(),
      upstreamOf: () => undefined,
      shared: undefined,
    });
    await discovery.answered();
    const loadMs = performance.now() - startMs;
    globalThis.gc?.();
    const rssMb = process.memoryUsage().rss / MB;
    const heapMb = process.memoryUsage().heapUsed / MB;
    const change = await measureChanges(folder, discovery, services, endpoints, changes);
    await traffic.close();
    discovery.close();
    const result = { services, endpoints, configMs, loadMs, rssMb, heapMb, ...change };
    const lines = Object.entries(result).map(([name, value]) => `${name.padEnd(16)} ${round(value)}\n`);
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : lines.join(""));
  } finally {
    clearInterval(alive);
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeRegistry(folder: string, services: number, endpoints: number): void {
  mkdirSync(join(folder, "registry"));
  const upstreams: Record<string, object> = {};
  for (let i = 0; i < services; i++) {
    upstreams[`service-${i}`] = {
      protocol: "thrift-framed",
      opaqueServices: [`shop.Service${i}`],
      discovery: "directory",
    };
    writeEndpoints(folder, i, endpoints, 0);
  }
  // JSON is YAML.
  const config = { listeners: [{ kind: "local" }], upstreams, discovery: { directory: { path: "registry" } } };
  writeFileSync(join(folder, "causeway.yaml"), JSON.stringify(config));
}

function writeEndpoints(folder: string, service: number, endpoints: number, version: number): void {
  const all = Array.from(
    { length: endpoints },
    (_, i) => `10.${service >> 8}.${service & 255}.${i}:${9_000 + version}`,
  );
  const file = join(folder, "registry", `service-${service}.json`);
  writeFileSync(`${file}.tmp`, JSON.stringify({ endpoints: all }));
  renameSync(`${file}.tmp`, file);
}

/** The time of the processor that a change takes, and the time until it is known. */
async function measureChanges(
  folder: string,
  discovery: Awaited<ReturnType<typeof createDiscovery>>,
  services: number,
  endpoints: number,
  changes: number,
): Promise<{ readonly changeCpuMs: number; readonly changeMs: number }> {
  let cpuMs = 0;
  let totalMs = 0;
  for (let i = 1; i <= changes; i++) {
    const service = (i * 7_919) % services;
    const changed = Promise.withResolvers<void>();
    const stop = discovery.watch(`service-${service}`, ({ endpoints: [first] }) => {
      if (first?.name.endsWith(`:${9_000 + i}`)) changed.resolve();
    });
    const startMs = performance.now();
    writeEndpoints(folder, service, endpoints, i);
    const before = process.cpuUsage();
    await changed.promise;
    const { user, system } = process.cpuUsage(before);
    cpuMs += (user + system) / 1_000;
    totalMs += performance.now() - startMs;
    stop();
  }
  return { changeCpuMs: cpuMs / changes, changeMs: totalMs / changes };
}

function round(value: unknown): string {
  return typeof value === "number" ? value.toFixed(1) : String(value);
}
