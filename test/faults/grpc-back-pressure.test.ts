// gRPC callers that do not read what they asked for, and servers that do not read what callers of either wire send them: what a
// sidecar holds for them is bounded, calls beyond that are refused in words, and whoever is beside them notices nothing.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
} from "node:http2";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { type Sidecar, startSidecarForTest } from "../e2e/sidecar.ts";
import { protobufText, thriftText } from "../matrix/echo.ts";
import { callHeaders, prefixed } from "./grpc-wire.ts";
import { peakBytes } from "./peak-bytes.ts";
import { framed, open, startGrpcUpstream, thriftMessage, type Upstream } from "./upstreams.ts";

const MIB = 1024 * 1024;
/** gRPC's and Thrift's name of it. */
const RESOURCE_EXHAUSTED = 8;
const REFUSED = "[grpc:8 RESOURCE_EXHAUSTED]";

function start({ endpoint }: Upstream, upstream: string, listener = "", schema = true): Sidecar {
  const idl = schema ? `schema: { files: ["${join(ROOT, "idl/kinds/kinds.thrift")}"] }` : "";
  const services = schema ? "services: [kinds.Kinds]" : "opaqueServices: [kinds.Kinds]";
  return startSidecarForTest(`
${idl}
listeners: [{ kind: local, address: "127.0.0.1:0"${listener} }]
upstreams:
  kinds: { endpoints: ["${endpoint}"], ${services}, timeoutMs: 60000, retry: { maxAttempts: 1 }, ${upstream} }`);
}

async function session(sidecar: Sidecar): Promise<ClientHttp2Session> {
  const opened = connect(`http://${await sidecar.addressOf("local")}`).on("error", () => {});
  onTestFinished(() => opened.destroy());
  return opened;
}

/** A call, whose answer stays unread until somebody reads it. */
interface Exchange {
  readonly stream: ClientHttp2Stream;
  /** The status where the answer is nothing else, undefined where a message follows. */
  readonly answered: Promise<number | undefined>;
}

function callOf(client: ClientHttp2Session, method: string, message: Buffer): Exchange {
  const stream = client.request(callHeaders(method));
  stream.on("error", () => {});
  stream.end(prefixed(message));
  const answered = new Promise<number | undefined>((resolve, reject) => {
    stream.once("response", ({ "grpc-status": status }) => resolve(status === undefined ? undefined : Number(status)));
    stream.once("close", () => reject(new Error(`the stream was closed with ${stream.rstCode}`)));
  });
  return { stream, answered };
}

/** Reads an answer to its end: how many bytes it has. */
async function read({ stream }: Exchange): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

const text = (length: number): Buffer => protobufText("y".repeat(length));

test("a gRPC caller that reads none of its large replies is refused more, and then gets those it was not", async () => {
  const large = prefixed(text(MIB));
  const upstream = await startGrpcUpstream((_, body) => ({
    headers: { ":status": 200, "content-type": "application/grpc" },
    body: body.length > 100 ? body : large,
    trailers: { "grpc-status": "0" },
  }));
  onTestFinished(upstream.stop);
  const sidecar = start(upstream, "protocol: grpc", `, maxReplyBytesPerConnection: ${16 * MIB}`);
  const [deaf, beside] = [await session(sidecar), await session(sidecar)];
  const before = peakBytes(sidecar);
  const kept: Exchange[] = [];
  const codes: number[] = [];
  for (let i = 0; i < 300; i++) {
    const exchange = callOf(deaf, "echoString", text(10));
    const code = await exchange.answered;
    if (code === undefined) kept.push(exchange);
    else codes.push(code);
    // Whoever reads on a connection of its own is answered meanwhile.
    if (i % 10 === 0) expect(await read(callOf(beside, "echoString", text(1_000)))).toBe(prefixed(text(1_000)).length);
  }
  expect(new Set(codes)).toEqual(new Set([RESOURCE_EXHAUSTED]));
  // The limit, and what the caller's own side of the connection takes in.
  expect(kept.length).toBeGreaterThanOrEqual(16);
  expect(kept.length).toBeLessThan(32);
  expect((peakBytes(sidecar) - before) / MIB).toBeLessThan(150);
  for (const size of await Promise.all(kept.map(read))) expect(size).toBe(large.length);
  expect(await callOf(deaf, "echoString", text(10)).answered).toBeUndefined();
});

test("gRPC callers that do not read their streams hold the servers back, and nobody beside them", async () => {
  let written = 0;
  const server = createHttp2Server();
  const piece = prefixed(text(16_000));
  server.on("sessionError", () => {});
  server.on("stream", (stream, { ":path": path }) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    if (path?.endsWith("/short")) {
      stream.end(piece);
      return;
    }
    const more = (): void => {
      for (let goesOn = true; goesOn && !stream.destroyed; written += piece.length) goesOn = stream.write(piece);
    };
    stream.on("drain", more);
    more();
  });
  const upstream = await open(server as unknown as Server);
  onTestFinished(upstream.stop);
  const sidecar = start(upstream, "protocol: grpc", "", false);
  const [deaf, beside] = [await session(sidecar), await session(sidecar)];
  const before = peakBytes(sidecar);
  const streams = Array.from({ length: 50 }, () => callOf(deaf, "endless", text(10)));
  expect(await Promise.all(streams.map(({ answered }) => answered))).toEqual(streams.map(() => undefined));
  let last = -1;
  await expect
    .poll(
      async () => {
        expect(await read(callOf(beside, "short", text(10)))).toBe(piece.length);
        const stands = written === last;
        last = written;
        return stands;
      },
      { interval: 200, timeout: 30_000 },
    )
    .toBe(true);
  expect(written / MIB).toBeLessThan(150);
  expect((peakBytes(sidecar) - before) / MIB).toBeLessThan(200);
});

/** A server that takes connections and reads nothing from them; gRPC's has said its settings. */
async function deafServer(
  protocol: "grpc" | "thrift-framed",
): Promise<Upstream & { readonly connections: () => number }> {
  let connections = 0;
  const server = createServer((socket: Socket) => {
    connections++;
    socket.pause();
    if (protocol === "grpc") socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  });
  const upstream = await open(server);
  onTestFinished(upstream.stop);
  return { ...upstream, connections: () => connections };
}

const CALLS = 600;
const LARGE = 200_000;

/** Calls over gRPC, one session for each fifty; gives their statuses, those of the calls that waited behind `stop`. */
async function callInGrpc(sidecar: Sidecar, refusedAtLeast: number, stop: () => Promise<void>): Promise<number[]> {
  const message = text(LARGE);
  const codes: number[] = [];
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < CALLS / 50; i++) {
    const client = await session(sidecar);
    for (let j = 0; j < 50; j++) {
      const { answered } = callOf(client, "echoString", message);
      answers.push(answered.then((code) => codes.push(code ?? 0)));
    }
  }
  await expect.poll(() => codes.length, { timeout: 30_000 }).toBeGreaterThan(refusedAtLeast);
  await stop();
  await Promise.all(answers);
  return codes;
}

async function callInThrift(sidecar: Sidecar, refusedAtLeast: number, stop: () => Promise<void>): Promise<number[]> {
  const [host, port] = (await sidecar.addressOf("local")).split(":");
  const codes: number[] = [];
  const body = thriftText(1, "z".repeat(LARGE));
  const answers: Promise<void>[] = [];
  for (let i = 0; i < CALLS; i++) {
    const socket = connectTcp(Number(port), host);
    onTestFinished(() => void socket.destroy());
    socket.write(framed(thriftMessage({ strict: true, name: "echoString", type: 1, sequenceId: i }, body)));
    const answered = new Promise<void>((resolve) => {
      socket.once("data", (chunk) => {
        codes.push(chunk.includes(REFUSED) ? RESOURCE_EXHAUSTED : 0);
        resolve();
      });
    });
    answers.push(answered);
  }
  await expect.poll(() => codes.length, { timeout: 30_000 }).toBeGreaterThan(refusedAtLeast);
  await stop();
  await Promise.all(answers);
  return codes;
}

test.each([
  ["gRPC", "thrift-framed", callInGrpc, "protocol: thrift-framed, maxConnections: 4, maxPending: 20", 24],
  ["gRPC", "grpc", callInGrpc, "protocol: grpc, maxPending: 20", 400],
  ["Thrift", "grpc", callInThrift, "protocol: grpc, maxPending: 20", 400],
] as const)("callers in %s of a server that reads nothing, in %s", async (_, protocol, call, options, mostTaken) => {
  const upstream = await deafServer(protocol);
  const sidecar = start(upstream, options);
  await sidecar.addressOf("local");
  const before = peakBytes(sidecar);
  const codes = await call(sidecar, CALLS - mostTaken - 1, upstream.stop);
  expect(codes).toHaveLength(CALLS);
  expect(codes.filter((code) => code === RESOURCE_EXHAUSTED).length).toBeGreaterThanOrEqual(CALLS - mostTaken);
  expect((peakBytes(sidecar) - before) / MIB).toBeLessThan(300);
});
