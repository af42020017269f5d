// Load on whole processes: h2load for HTTP, and the program in bench/load for Thrift, streams and idle connections.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, ROOT } from "../tools/build-cache.ts";
import { runProgram, type Service, startService } from "../tools/program.ts";
import { CORES } from "./hops.ts";

/** How much is asked for. */
export interface Load {
  readonly connections: number;
  /** Calls in flight on each connection. */
  readonly streams: number;
  readonly seconds: number;
  /** Calls per second of all connections together; as fast as the answers come without. */
  readonly rate?: number;
}

/** What came of it. */
export interface Measured {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The absolute path of the load program; builds it when it changed. */
export async function buildLoad(): Promise<string> {
  const folder = await buildOnce({
    folder: ".cache/bench/load",
    sources: "bench/load",
    inputs: [],
    async make(cwd) {
      await runProgram("go", ["build", "-o", "load", "."], { cwd });
    },
  });
  return join(folder, "load");
}

/** An echo server, on the upstream's cores. `ready` of the service is its address. */
export function startEcho(program: string, wire: "http1" | "http2" | "thrift"): Promise<Service> {
  return startService("taskset", ["-c", CORES.upstream, program, `serve-${wire}`], /listening on (.+)/);
}

export interface HttpRequest {
  readonly url: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly http1?: boolean;
}

/** Sends the same request by h2load; a request without a whole echo is an error. */
export async function loadHttp(request: HttpRequest, { connections, streams, seconds, rate }: Load): Promise<Measured> {
  const [body, log] = [join(ROOT, ".cache/bench/body"), join(ROOT, ".cache/bench/requests.log")];
  writeFileSync(body, request.body);
  rmSync(log, { force: true });
  const args = [`--clients=${connections}`, `--max-concurrent-streams=${streams}`, `--duration=${seconds}`];
  args.push(`--data=${body}`, `--log-file=${log}`, `--header=content-type: ${request.contentType}`);
  args.push("--header=te: trailers", "--window-bits=24", "--connection-window-bits=26");
  if (request.http1) args.push("--h1");
  if (rate !== undefined) args.push(`--rps=${rate / connections}`);
  const output = await runProgram("taskset", ["-c", CORES.load, "h2load", ...args, request.url]);
  const counts = /(\d+) done, (\d+) succeeded/.exec(output);
  const data = /headers \(.*\), [\d.]+\w+ \((\d+)\) data/.exec(output);
  const [done, succeeded] = [Number(counts?.[1]), Number(counts?.[2])];
  if (!(succeeded > 0) || succeeded !== done) throw new Error(`calls failed\n${output}`);
  // Echoes may differ by how a text writes the same values, an error by far more.
  if (Number(data?.[1]) < succeeded * request.body.length * 0.8)
    throw new Error(`the answers are no echoes\n${output}`);
  const latencies = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Number(line.split("\t")[2]));
  return { calls: succeeded, callsPerSecond: succeeded / seconds, ...percentiles(latencies) };
}

function percentiles(latenciesUs: readonly number[]): Pick<Measured, "p50Us" | "p99Us"> {
  const sorted = Float64Array.from(latenciesUs).sort();
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

/** Calls `echo` over Thrift. */
export async function loadThrift(
  program: string,
  address: string,
  framing: "framed" | "ttheader",
  { connections, streams, seconds, rate = 0 }: Load,
): Promise<Measured> {
  const numbers = [connections, streams, seconds, rate].map(String);
  const args = ["-c", CORES.load, program, "call-thrift", address, framing, ...numbers];
  const result = JSON.parse(await runProgram("taskset", args));
  return { ...result, callsPerSecond: result.calls / result.seconds };
}

/** Sends messages over one bidirectional stream, and waits for all to be back. */
export async function loadStream(program: string, address: string, messages: number, bytes: number): Promise<Measured> {
  const args = ["-c", CORES.load, program, "stream", address, String(messages), String(bytes)];
  const result = JSON.parse(await runProgram("taskset", args));
  return { calls: messages, callsPerSecond: messages / result.seconds, p50Us: Number.NaN, p99Us: Number.NaN };
}

/** Opens connections and leaves them idle until it is stopped. */
export function holdIdle(
  program: string,
  address: string,
  wire: "http2" | "thrift",
  connections: number,
): Promise<Service> {
  return startService("taskset", ["-c", CORES.load, program, "idle", address, wire, String(connections)], /idle/);
}
