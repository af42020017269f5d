// The sidecar between the wires, beside HAProxy that forwards the bytes of TCP as they are: one process on one core between
// a load and an echo server.
import { compare, createPrinter } from "./compare.ts";
import { type Hop, type SidecarHopOptions, startHaproxy, startSidecarHop } from "./hops.ts";
import { buildLoad, holdIdle, type Load, loadHttp, loadThrift, type Measured, startEcho } from "./load.ts";

export interface SidecarBenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** Only cases whose name holds it. */
  readonly only: string;
}

const CONNECTIONS = 64;
const IDLE_CONNECTIONS = 10_000;
const SERVICE = "bench.echo.Echo";
const FRAMED_TO_FRAMED = "Thrift framed → Thrift framed";

/** How the load speaks to the sidecar, and the sidecar to the upstream. */
interface Case {
  readonly name: string;
  readonly from: "framed" | "ttheader" | "grpc" | "json";
  readonly to: { readonly protocol: string; readonly maxCallsPerConnection?: number };
}

const CASES: readonly Case[] = [
  { name: FRAMED_TO_FRAMED, from: "framed", to: { protocol: "thrift-framed" } },
  {
    name: "Thrift framed → TTHeader",
    from: "framed",
    to: { protocol: "ttheader", maxCallsPerConnection: 1_000 },
  },
  { name: "Thrift framed → gRPC", from: "framed", to: { protocol: "grpc" } },
  { name: "Thrift framed → Thrift over HTTP", from: "framed", to: { protocol: "thrift-http" } },
  { name: "gRPC → Thrift framed", from: "grpc", to: { protocol: "thrift-framed" } },
  { name: "HTTP JSON → Thrift framed", from: "json", to: { protocol: "thrift-framed" } },
  {
    name: "stub TTHeader → TTHeader",
    from: "ttheader",
    to: { protocol: "ttheader", maxCallsPerConnection: 1_000 },
  },
];

/** Measures all cases, the sidecar and HAProxy in turns, and prints them. */
export async function benchSidecar({ json, rounds, seconds, only }: SidecarBenchOptions): Promise<void> {
  process.stderr.write(
    `One process on one core, ${CONNECTIONS} connections with one call of 200 bytes each: the sidecar with its default pipeline, HAProxy (TCP,\none thread) with the same Thrift frames to the same upstream. ${rounds} rounds of ${seconds} s each, taking turns; medians; ratios to HAProxy.\n`,
  );
  const program = await buildLoad();
  const [thrift, http1, http2] = await Promise.all([
    startEcho(program, "thrift"),
    startEcho(program, "http1"),
    startEcho(program, "http2"),
  ]);
  const echoes: Readonly<Record<string, string>> = { grpc: http2.ready, "thrift-http": http1.ready };
  const load = { connections: CONNECTIONS, streams: 1, seconds };
  const print = createPrinter(json);
  const haproxy = await startHaproxy("tcp", thrift.ready);
  try {
    for (const { name, from, to } of CASES.filter((each) => each.name.includes(only))) {
      const sidecar = await startSidecarHop(optionsOf(to, echoes[to.protocol] ?? thrift.ready));
      const run = (hop: Hop) =>
        hop === haproxy ? loadThrift(program, hop.address, frames(from), load) : runFrom(program, hop, from, load);
      try {
        print(await compare({ case: name, hops: [sidecar, haproxy], against: "haproxy", load: run }, rounds));
        if (name === FRAMED_TO_FRAMED) await measureIdle(program, sidecar, json);
      } finally {
        await sidecar.stop();
      }
    }
  } finally {
    await Promise.all([haproxy.stop(), thrift.stop(), http1.stop(), http2.stop()]);
  }
}

function optionsOf(to: Case["to"], endpoint: string): SidecarHopOptions {
  const upstreams = { echo: { ...to, endpoints: [endpoint], services: [SERVICE] } };
  return { files: ["bench/idl/echo.thrift"], upstreams };
}

function frames(from: Case["from"]): "framed" | "ttheader" {
  return from === "ttheader" ? "ttheader" : "framed";
}

function runFrom(program: string, hop: Hop, from: Case["from"], load: Load): Promise<Measured> {
  if (from === "grpc") {
    const url = `http://${hop.address}/${SERVICE}/echo`;
    return loadHttp({ url, contentType: "application/grpc", body: GRPC_CALL }, load);
  }
  if (from === "json") {
    const url = `http://${hop.httpAddress}/${SERVICE}/echo`;
    return loadHttp({ url, contentType: "application/json", body: JSON_CALL, http1: true }, load);
  }
  return loadThrift(program, hop.address, frames(from), load);
}

const TEXT = "x".repeat(140);
const JSON_CALL = Buffer.from(JSON.stringify({ message: { text: TEXT, id: "65537", numbers: [1, 256, 65536] } }));
/** The same message after the prefix: text, id and packed numbers, within field 1 of the arguments. */
const GRPC_CALL = Buffer.concat([
  Buffer.of(0, 0, 0, 0, 158, 0x0a, 155, 1, 0x0a, 140, 1),
  Buffer.from(TEXT),
  Buffer.of(0x10, 0x81, 0x80, 4, 0x1a, 6, 1, 0x80, 2, 0x80, 0x80, 4),
]);

async function measureIdle(program: string, hop: Hop, json: boolean): Promise<void> {
  const idle = await holdIdle(program, hop.address, "thrift", IDLE_CONNECTIONS);
  const rssMb = Math.round(hop.usage().rssBytes / 1e6);
  await idle.stop();
  const what = { case: `${IDLE_CONNECTIONS} idle connections`, hop: hop.name, rssMb };
  process.stdout.write(
    json ? `${JSON.stringify(what)}\n` : `${what.case.padEnd(30)}${hop.name.padEnd(12)}${rssMb} MB\n`,
  );
}
