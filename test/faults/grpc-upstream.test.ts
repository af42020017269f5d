// A gRPC server whose responses are mutated: messages, prefixes, headers, trailers, and the frames of HTTP/2 themselves.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, type OutgoingHttpHeaders } from "node:http2";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { checkGrpc, checkStream, exchangeStream, openSession, prefixed, type StreamOutcome } from "./grpc-wire.ts";
import { startHealthyCallers } from "./healthy.ts";
import {
  dataFrame,
  END_STREAM,
  frameEnd,
  headersFrame,
  PREFACE,
  SETTINGS_ACK_FRAME,
  SETTINGS_FRAME,
} from "./http2-wire.ts";
import { goodMethods, KINDS, loadKinds } from "./kinds.ts";
import type { Mutation } from "./mutate.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { checkAnswer, ThriftWire } from "./thrift-wire.ts";
import { createTurns } from "./turns.ts";
import { framed, type GrpcAnswer, open, startGrpcUpstream, thriftMessage, type Upstream } from "./upstreams.ts";

// The healthy callers call echoString; a oneway method's response is nobody's.
const methods = goodMethods(loadKinds()).filter(({ name }) => name !== "echoString" && name !== "note");
const WORKERS = 24;
/** So many servers speak HTTP/2 by hand, each for one caller. */
const RAW_SERVERS = 8;

const turns = createTurns<GrpcAnswer>();
/** What each of them writes next. */
const rawAnswers: Buffer[] = Array.from({ length: RAW_SERVERS }, () => Buffer.alloc(0));
let upstreams: readonly Upstream[] = [];
let sidecar: AttackedSidecar;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  upstreams = await Promise.all([
    startGrpcUpstream((path) => turns.current(path.slice(path.lastIndexOf("/") + 1))),
    ...rawAnswers.map((_, i) => startRawServer(() => rawAnswers[i]!)),
  ]);
  const [kinds, ...raw] = upstreams.map(({ endpoint }) => endpoint);
  const proto = join(folder, "raw.proto");
  writeFileSync(
    proto,
    `syntax = "proto3"; package raw; message M { bytes body = 1; }
${raw.map((_, i) => `service Server${i} { rpc one(M) returns (M); rpc many(stream M) returns (stream M); }`).join("\n")}`,
  );
  sidecar = await startAttackedSidecar(`
schema: { files: ["${KINDS}", "${proto}"] }
upstreams:
  kinds: { protocol: grpc, endpoints: ["${kinds}"], services: [kinds.Kinds], opaqueServices: [many.Streams] }
${raw.map((endpoint, i) => `  raw${i}: { protocol: grpc, endpoints: ["${endpoint}"], services: [raw.Server${i}] }`).join("\n")}
`);
});

afterEach(async () => {
  await sidecar.stop();
  for (const upstream of upstreams) await upstream.stop();
});

const GOOD_HEADERS = { ":status": 200, "content-type": "application/grpc" } as const;
const GOOD_TRAILERS = { "grpc-status": "0" } as const;

/** Calls the method of each mutation over Thrift while its response is the mutated one, and holds the answer to being one. */
async function runResponses(
  entry: string,
  messages: readonly Buffer[],
  answerOf: (mutation: Mutation) => GrpcAnswer,
): Promise<{ readonly reply: number; readonly exception: number }> {
  const wires: ThriftWire[] = [];
  const seen = { reply: 0, exception: 0 };
  const healthy = startHealthyCallers(sidecar.path);
  await runMutations({
    entry,
    messages,
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange(mutation, worker) {
      const { origin, random, index } = mutation;
      const { name, requests } = methods[origin % methods.length]!;
      const wire = wires[worker] ?? new ThriftWire(sidecar.path, { framed: true, strict: true });
      wires[worker] = wire;
      await turns.take(name, answerOf(mutation), async () => {
        const request = random.pick(requests).thrift;
        wire.write(framed(thriftMessage({ strict: true, name, type: 1, sequenceId: index }, request)));
        const answer = await wire.next();
        if (!answer) throw new Error("closed without an answer");
        expect(answer.header).toMatchObject({ name, sequenceId: index, strict: true });
        seen[checkAnswer(answer, "peer's text")]++;
      });
    },
  });
  await healthy.stop();
  for (const wire of wires) wire?.destroy();
  return seen;
}

/** The `i`th message that the method may answer. */
function response(origin: number): Buffer {
  const { responses } = methods[origin % methods.length]!;
  return responses[Math.floor(origin / methods.length) % responses.length]!.protobuf;
}

const responses = Array.from({ length: methods.length * 3 }, (_, i) => response(i));

test("messages of a gRPC server: a caller gets a result or an exception", async () => {
  const seen = await runResponses("gRPC responses", responses, ({ bytes }) => ({
    headers: GOOD_HEADERS,
    body: prefixed(bytes),
    trailers: GOOD_TRAILERS,
  }));
  expect(Math.min(seen.reply, seen.exception)).toBeGreaterThan(0);
});

test("prefixes of a gRPC server, and streams that it resets: a caller gets a result or an exception", async () => {
  const seen = await runResponses(
    "gRPC response prefixes",
    responses.map((bytes) => prefixed(bytes.subarray(0, 12))),
    ({ bytes, random }) => ({
      headers: GOOD_HEADERS,
      body: bytes,
      ...(random.chance(80)
        ? { trailers: GOOD_TRAILERS }
        : { reset: random.below(constants.NGHTTP2_HTTP_1_1_REQUIRED + 3) }),
    }),
  );
  expect(Math.min(seen.reply, seen.exception)).toBeGreaterThan(0);
});

/** google.rpc.Status {code: 5, message: "gone", details: [Any of kinds.NotFound {what: "shelf", id: 7}]} */
const STATUS = Buffer.from(
  `0805120${"4676f6e65"}1a${(0x2b).toString(16)}0a1e${Buffer.from("type.googleapis.com/kinds.NotF").toString("hex")}12090a05${Buffer.from("shelf").toString("hex")}1007`,
  "hex",
);

const FIELDS: readonly (readonly [where: "headers" | "trailers", name: string, value: Buffer])[] = [
  ["trailers", "grpc-status", Buffer.from("0")],
  ["trailers", "grpc-status", Buffer.from("13")],
  ["trailers", "grpc-message", Buffer.from("100%25 of the shelf fell over")],
  ["trailers", "grpc-status-details-bin", STATUS],
  ["headers", "content-type", Buffer.from("application/grpc")],
  ["headers", "grpc-encoding", Buffer.from("identity")],
  ["headers", ":status", Buffer.from("503")],
  ["trailers", "some-metadata-bin", Buffer.from("AAECAw")],
  ["headers", "grpc-status", Buffer.from("7")],
];

/** Bytes that HTTP/2 lets stand in a header's value. */
function headerValue(name: string, bytes: Buffer): string {
  if (name === "grpc-status-details-bin") return bytes.subarray(0, 4_000).toString("base64").replace(/=+$/, "");
  const text = bytes.toString("latin1").slice(0, 4_000);
  if (name === ":status") return String(200 + ((Number.parseInt(text, 10) || bytes.length) % 400));
  return text.replace(/[^\x21-\x7e\x80-\xff]/g, (char) => String.fromCharCode(0x21 + (char.charCodeAt(0) % 90)));
}

test("headers and trailers of a gRPC server: a caller gets a result or an exception", async () => {
  // So that every field meets every method.
  const messages = Array.from({ length: FIELDS.length * methods.length }, (_, i) => FIELDS[i % FIELDS.length]![2]);
  const seen = await runResponses("gRPC response headers", messages, ({ origin, bytes }) => {
    const [where, name] = FIELDS[origin % FIELDS.length]!;
    const changed: OutgoingHttpHeaders = { [name]: headerValue(name, bytes) };
    if (where === "headers" && name === "grpc-status") return { headers: { ...GOOD_HEADERS, ...changed } };
    const failed =
      name === "grpc-message" || name === "grpc-status-details-bin" ? { "grpc-status": "5" } : GOOD_TRAILERS;
    return {
      headers: where === "headers" ? { ...GOOD_HEADERS, ...changed } : GOOD_HEADERS,
      body: prefixed(response(origin)),
      trailers: where === "trailers" ? { ...failed, ...changed } : GOOD_TRAILERS,
    };
  });
  expect(Math.min(seen.reply, seen.exception)).toBeGreaterThan(0);
});

/** A server that reads one call of a connection, writes what it is given, and ends. */
function startRawServer(answer: () => Buffer): Promise<Upstream> {
  return open(
    createServer((socket: Socket) => {
      let received: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk) => {
        if (socket.writableEnded) return;
        received = Buffer.concat([received, chunk]);
        if (endsStream(received)) socket.end(answer());
      });
    }),
  );
}

/** Whether the frames behind the preface end a stream. */
function endsStream(received: Buffer): boolean {
  let rest = received.subarray(PREFACE.length);
  for (let end = frameEnd(rest); end !== undefined && end <= rest.length; end = frameEnd(rest)) {
    if (rest[3] === 0 && (rest[4]! & END_STREAM) !== 0) return true;
    rest = rest.subarray(end);
  }
  return false;
}

test.each([
  ["one", (outcome: StreamOutcome) => checkGrpc(outcome, "peer's text")],
  ["many", (outcome: StreamOutcome) => checkStream(outcome, "peer's text").status],
])(
  "HTTP/2 frames of a gRPC server: a caller of the method %s gets whole messages and a status",
  async (name, check) => {
    const message = prefixed(Buffer.from("0a0568656c6c6f", "hex"));
    const conversation = Buffer.concat([
      SETTINGS_FRAME,
      SETTINGS_ACK_FRAME,
      headersFrame(1, GOOD_HEADERS, 0),
      ...(name === "many" ? [dataFrame(1, message, 0), dataFrame(1, Buffer.concat([message, message]), 0)] : []),
      dataFrame(1, message, 0),
      headersFrame(1, { "grpc-status": "0", "grpc-message": "fine" }, END_STREAM),
    ]);
    const failed = Buffer.concat([
      SETTINGS_FRAME,
      headersFrame(1, { ...GOOD_HEADERS, "grpc-status": "5" }, END_STREAM),
    ]);
    const session = openSession(sidecar.path);
    const healthy = startHealthyCallers(sidecar.path);
    const seen = new Map<number, number>();
    await runMutations({
      entry: `HTTP/2 frames of a server, ${name}`,
      messages: [conversation, conversation, conversation, failed],
      workers: RAW_SERVERS,
      memory: sidecar.memory,
      async exchange({ bytes }, worker) {
        rawAnswers[worker] = bytes;
        const path = `/raw.Server${worker}/${name}`;
        const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
        const status = check(await exchangeStream(session, headers, [prefixed(Buffer.alloc(3))]));
        seen.set(status, (seen.get(status) ?? 0) + 1);
      },
    });
    await healthy.stop();
    await new Promise<void>((resolve) => session.close(resolve));
    expect([...seen.keys()]).toEqual(expect.arrayContaining([0, 5, 14]));
  },
);

test("streams of a gRPC server, mutated and reset in their middle: a caller gets whole messages and a status", async () => {
  const session = openSession(sidecar.path);
  const healthy = startHealthyCallers(sidecar.path);
  const seen = { ok: 0, failed: 0, messages: 0 };
  await runMutations({
    entry: "gRPC response streams",
    messages: responses.map((bytes, i) =>
      Buffer.concat([prefixed(bytes.subarray(0, 12)), prefixed(Buffer.alloc(i % 7)), prefixed(bytes.subarray(0, 30))]),
    ),
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange({ bytes, random }, worker) {
      const end = random.chance(80)
        ? { trailers: GOOD_TRAILERS }
        : { reset: random.below(constants.NGHTTP2_HTTP_1_1_REQUIRED + 3) };
      await turns.take(`many${worker}`, { headers: GOOD_HEADERS, body: bytes, ...end }, async () => {
        const path = `/many.Streams/many${worker}`;
        const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
        const outcome = checkStream(await exchangeStream(session, headers, [prefixed(Buffer.alloc(3))]), "peer's text");
        seen[outcome.status === 0 ? "ok" : "failed"]++;
        seen.messages += outcome.messages;
      });
    },
  });
  await healthy.stop();
  await new Promise<void>((resolve) => session.close(resolve));
  expect(Math.min(seen.ok, seen.failed, seen.messages)).toBeGreaterThan(100);
});
