// What stands between a load and its upstream, as a process pinned to one core: a sidecar of this clone, HAProxy, nginx.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../tools/build-cache.ts";
import { runProgram } from "../tools/program.ts";

/** The load has the first core, the hop the second, and upstreams what is left. */
export const CORES =
  availableParallelism() > 2
    ? { load: "0", hop: "1", upstream: `2-${availableParallelism() - 1}` }
    : { load: "0", hop: "1", upstream: "0" };

export interface Hop {
  readonly name: string;
  /** HOST:PORT that the load goes to. */
  readonly address: string;
  /** HOST:PORT of its HTTP/1.1 port, where it has one. */
  readonly httpAddress: string | undefined;
  readonly usage: () => Usage;
  stop(): Promise<void>;
}

/** What a process has used since its start. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

const FOLDER = join(ROOT, ".cache/bench/hops");
const READY_MS = 10_000;

export interface SidecarHopOptions {
  /** Relative to the root. */
  readonly files: readonly string[];
  readonly upstreams: object;
}

/** A sidecar with this IDL and these upstreams, and everything that it does by default. */
export async function startSidecarHop({ files, upstreams }: SidecarHopOptions): Promise<Hop> {
  await runProgram(process.execPath, [join(ROOT, "tools/build.mjs")]);
  const [local, http] = [await freePort(), await freePort()];
  const listeners = [
    { kind: "local", address: `127.0.0.1:${local}` },
    { kind: "http", address: `127.0.0.1:${http}` },
  ];
  // JSON is YAML.
  const schema = { files: files.map((path) => join(ROOT, path)) };
  const file = write("sidecar.yaml", JSON.stringify({ schema, upstreams, listeners }));
  const main = join(ROOT, "dist/src/cli/main.js");
  return start("sidecar", process.execPath, [main, "serve", "-c", file], local, http);
}

const HAPROXY_TIMEOUTS = "timeout connect 5s\n  timeout client 1h\n  timeout server 1h";

/** HAProxy with one thread: HTTP/2 on both sides, or the bytes of TCP as they are. */
export async function startHaproxy(mode: "http2" | "tcp", upstream: string): Promise<Hop> {
  const port = await freePort();
  const [kind, wire] = mode === "http2" ? ["http", " proto h2"] : ["tcp", ""];
  const reuse = mode === "http2" ? "http-reuse always" : "";
  const file = write(
    `haproxy-${mode}.cfg`,
    `global
  nbthread 1
  maxconn 4000
defaults
  mode ${kind}
  ${HAPROXY_TIMEOUTS}
frontend callers
  bind 127.0.0.1:${port}${wire}
  default_backend upstream
backend upstream
  ${reuse}
  server one ${upstream}${wire}
`,
  );
  return start("haproxy", "haproxy", ["-db", "-f", file], port);
}

/** nginx with one worker and `grpc_pass`. */
export async function startNginx(upstream: string): Promise<Hop> {
  const port = await freePort();
  const file = write(
    "nginx.conf",
    `daemon off;
master_process off;
worker_processes 1;
pid ${FOLDER}/nginx.pid;
error_log ${FOLDER}/nginx.log;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${FOLDER}/nginx-body;
  upstream one { server ${upstream}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} http2;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    location / { grpc_pass grpc://one; grpc_read_timeout 1h; grpc_send_timeout 1h; }
  }
}
`,
  );
  return start("nginx", "nginx", ["-e", join(FOLDER, "nginx.log"), "-c", file], port);
}

/** Where the upstream itself is, as a hop that uses nothing. */
export function directly(address: string): Hop {
  return {
    name: "directly",
    address,
    httpAddress: undefined,
    usage: () => ({ cpuMs: 0, rssBytes: 0 }),
    stop: async () => {},
  };
}

async function start(
  name: string,
  command: string,
  args: readonly string[],
  port: number,
  http?: number,
): Promise<Hop> {
  const child = spawn("taskset", ["-c", CORES.hop, command, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let problems = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problems = (problems + text).slice(-4_000);
  });
  await ready(child, port, () => `${name} does not listen: ${problems}`);
  const address = `127.0.0.1:${port}`;
  const httpAddress = http === undefined ? undefined : `127.0.0.1:${http}`;
  return { name, address, httpAddress, usage: () => usageOf(child.pid ?? 0), stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function ready(child: ChildProcess, port: number, problem: () => string): Promise<void> {
  const lateAtMs = performance.now() + READY_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > lateAtMs) {
      await stop(child);
      throw new Error(problem());
    }
    await sleep(20);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

function write(name: string, text: string): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, name);
  writeFileSync(path, text);
  return path;
}

/** By /proc, whose clock ticks a hundred times per second on every Linux. */
function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, rssBytes: rssKb * 1024 };
}
