// A gRPC hop beside HAProxy's and nginx's: one process on one core between h2load and an echo server.
import { type Compared, compare, createPrinter } from "./compare.ts";
import { type Hop, startHaproxy, startNginx, startSidecarHop } from "./hops.ts";
import { buildLoad, type HttpRequest, holdIdle, type Load, loadHttp, loadStream, startEcho } from "./load.ts";

export interface GrpcBenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** Only cases whose name holds it. */
  readonly only: string;
}

const SMALL_BYTES = 205;
const STREAMED_MESSAGES = 1_000_000;
const IDLE_CONNECTIONS = 10_000;

const UNARY: readonly { readonly name: string; readonly bytes: number; readonly load: Omit<Load, "seconds"> }[] = [
  { name: "unary 8 × 16", bytes: SMALL_BYTES, load: { connections: 8, streams: 16 } },
  { name: "unary 64 × 1", bytes: SMALL_BYTES, load: { connections: 64, streams: 1 } },
  { name: "unary 1 × 100", bytes: SMALL_BYTES, load: { connections: 1, streams: 100 } },
  { name: "64 KiB, 8 × 4", bytes: 65_536, load: { connections: 8, streams: 4 } },
];

/** Measures all cases, each hop in turns, and prints them. */
export async function benchGrpc({ json, rounds, seconds, only }: GrpcBenchOptions): Promise<void> {
  process.stderr.write(
    `One process on one core between h2load and an echo server: the sidecar with its default pipeline, HAProxy (HTTP/2 on both sides,\none thread) and nginx (grpc_pass, one worker). ${rounds} rounds of ${seconds} s each, taking turns; medians; ratios to HAProxy.\n`,
  );
  const program = await buildLoad();
  const echo = await startEcho(program, "http2");
  const upstreams = {
    echo: { protocol: "grpc", endpoints: [echo.ready], services: ["bench.chat.Chat", "bench.echo.Echo"] },
  };
  const files = ["bench/idl/chat.proto", "bench/idl/echo.thrift"];
  const hops: Hop[] = [];
  const print = createPrinter(json);
  const wanted = (name: string): boolean => name.includes(only);
  try {
    hops.push(await startSidecarHop({ files, upstreams }));
    hops.push(await startHaproxy("http2", echo.ready), await startNginx(echo.ready));
    const contest = { hops, against: "haproxy" };
    let peak: readonly Compared[] = [];
    for (const { name, bytes, load } of UNARY.filter((each) => wanted(each.name))) {
      const run = (hop: Hop) => loadHttp(requestTo(hop, bytes), { ...load, seconds });
      const results = await compare({ ...contest, case: name, load: run }, rounds);
      if (name === "unary 8 × 16") peak = results;
      print(results);
    }
    const rate = Math.round((peak.find(({ hop }) => hop === "haproxy")?.callsPerSecond ?? 0) / 2);
    if (rate > 0 && wanted("half rate")) {
      const run = (hop: Hop) => loadHttp(requestTo(hop, SMALL_BYTES), { connections: 64, streams: 1, seconds, rate });
      print(await compare({ ...contest, case: "half rate, 64 × 1", load: run }, rounds));
    }
    if (wanted("stream")) {
      const run = (hop: Hop) => loadStream(program, hop.address, STREAMED_MESSAGES, SMALL_BYTES);
      print(await compare({ ...contest, case: "stream of 1 million", load: run }, 1));
    }
    if (wanted("idle")) {
      // Another one, because this one still has the memory of its load.
      const fresh = await startSidecarHop({ files, upstreams });
      hops.push(fresh);
      await measureIdle(program, fresh, json);
    }
  } finally {
    for (const hop of hops) await hop.stop();
    await echo.stop();
  }
}

async function measureIdle(program: string, hop: Hop, json: boolean): Promise<void> {
  const idle = await holdIdle(program, hop.address, "http2", IDLE_CONNECTIONS);
  const rssMb = Math.round(hop.usage().rssBytes / 1e6);
  await idle.stop();
  const what = { case: `${IDLE_CONNECTIONS} idle connections`, hop: hop.name, rssMb };
  process.stdout.write(
    json ? `${JSON.stringify(what)}\n` : `${what.case.padEnd(30)}${hop.name.padEnd(12)}${rssMb} MB\n`,
  );
}

/** A call of echo with a message of so many bytes, which is the answer too. */
function requestTo(hop: Hop, bytes: number): HttpRequest {
  const text = Buffer.alloc(bytes - 10, "x");
  const note = Buffer.concat([Buffer.of(0x0a), varint(text.length), text]);
  const message = Buffer.concat([Buffer.of(0x0a), varint(note.length), note]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const url = `http://${hop.address}/bench.echo.Echo/echo`;
  return { url, contentType: "application/grpc", body: Buffer.concat([prefix, message]) };
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value > 127; value >>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
