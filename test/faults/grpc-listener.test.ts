// Mutated gRPC at the local port: messages, their prefixes, headers, and the frames of HTTP/2 themselves.
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callHeaders, checkGrpc, exchangeStream, openSession, prefixed } from "./grpc-wire.ts";
import { callGrpc, startHealthyCallers } from "./healthy.ts";
import { dataFrame, END_STREAM, frame, Http2Wire, headersFrame, PREFACE, SETTINGS_FRAME } from "./http2-wire.ts";
import { goodMethods, KINDS, LIMITS, loadKinds } from "./kinds.ts";
import type { Mutation } from "./mutate.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { startThriftUpstream, type Upstream } from "./upstreams.ts";

const requests = goodMethods(loadKinds()).flatMap(({ name, requests }) =>
  requests.map(({ protobuf }) => ({ name, protobuf })),
);
const WORKERS = 24;
const [OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL] = [0, 3, 8, 12, 13] as const;
/** What a message can come to whose frame is right: the echo is a bad result of some methods. */
const TRANSLATED: readonly number[] = [OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL];

let upstream: Upstream;
let sidecar: AttackedSidecar;

beforeEach(async () => {
  upstream = await startThriftUpstream();
  sidecar = await startAttackedSidecar(`
schema: { files: ["${KINDS}"] }
upstreams:
  kinds: { protocol: thrift-framed, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] }
`);
});

afterEach(async () => {
  await sidecar.stop();
  await upstream.stop();
});

/** Runs mutations over sessions that healthy calls share. */
async function runOnSessions(
  entry: string,
  messages: readonly Buffer[],
  exchange: (mutation: Mutation, session: ClientHttp2Session) => Promise<void>,
): Promise<void> {
  const healthy = startHealthyCallers(sidecar.path);
  const sessions = Array.from({ length: 4 }, () => openSession(sidecar.path));
  await runMutations({
    entry,
    messages,
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange(mutation, worker) {
      const session = sessions[worker % sessions.length]!;
      const beside = mutation.index % 4 === 0 ? callGrpc(session) : undefined;
      await exchange(mutation, session);
      await beside;
    },
  });
  await healthy.stop();
  // None of it was a reason to end a session.
  for (const session of sessions) expect(session.closed || session.destroyed).toBe(false);
  await Promise.all(sessions.map((session) => new Promise<void>((resolve) => session.close(resolve))));
}

/** The bytes whole, or in two pieces. */
function pieces({ bytes, random }: Mutation, data = bytes): readonly Buffer[] {
  if (data.length < 2 || random.chance(70)) return [data];
  const at = 1 + random.below(data.length - 1);
  return [data.subarray(0, at), data.subarray(at)];
}

test("gRPC messages: each mutated one gets its one status, and no other call fails", async () => {
  const statuses = new Map<number, number>();
  await runOnSessions(
    "gRPC messages",
    requests.map(({ protobuf }) => protobuf),
    async (mutation, session) => {
      const { name } = requests[mutation.origin]!;
      const data = prefixed(mutation.bytes);
      const status = checkGrpc(await exchangeStream(session, callHeaders(name), pieces(mutation, data)));
      expect(TRANSLATED).toContain(status);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    },
  );
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([OK, INVALID_ARGUMENT]));
});

/** The statuses that gRPC data may come to, by its prefix. */
function statusesOf(data: Buffer): readonly number[] {
  if (data.length < 5 || data[0] !== 0) return [INTERNAL];
  const length = data.readUInt32BE(1);
  if (length > LIMITS.maxBytes) return [RESOURCE_EXHAUSTED];
  if (length > data.length - 5) return [INTERNAL];
  return length < data.length - 5 ? [UNIMPLEMENTED] : TRANSLATED;
}

test("gRPC prefixes: each mutated one gets the status that says what is wrong", async () => {
  await runOnSessions(
    "gRPC prefixes",
    // Short ones, so that most mutations meet the prefix.
    requests.map(({ protobuf }) => prefixed(protobuf.subarray(0, 12))),
    async (mutation, session) => {
      const { name } = requests[mutation.origin]!;
      const status = checkGrpc(await exchangeStream(session, callHeaders(name), pieces(mutation)));
      expect(statusesOf(mutation.bytes)).toContain(status);
    },
  );
});

const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["grpc-timeout", "10S"],
  ["grpc-timeout", "99999999H"],
  ["content-type", "application/grpc"],
  ["content-type", "application/grpc+proto; charset=utf-8"],
  [":path", "/kinds.Kinds/echoString"],
  [":method", "POST"],
  ["grpc-encoding", "identity"],
  ["grpc-accept-encoding", "identity,gzip"],
  ["user-agent", "grpc-node/1"],
  ["trace-bin", "AAECAwQ"],
  ["x-custom", "anything, else"],
  ["grpc-message-type", "kinds.Kinds"],
];

/** Bytes that HTTP/2 lets stand in a header's value; others are a matter of the frames. */
function headerValue(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .slice(0, 8_000)
    .replace(/[^\x21-\x7e\x80-\xff]/g, (char) => String.fromCharCode(0x21 + (char.charCodeAt(0) % 90)));
}

test("gRPC headers: each mutated one gets a status of gRPC or of HTTP", async () => {
  const text = prefixed(Buffer.from("0a0161", "hex"));
  const seen = new Set<string>();
  await runOnSessions(
    "gRPC headers",
    HEADERS.map(([, value]) => Buffer.from(value)),
    async ({ bytes, origin }, session) => {
      const [name] = HEADERS[origin]!;
      const value = headerValue(bytes);
      // node:http2 and nghttp2 on this side would not send these; the frames' own test does.
      if (name.startsWith(":") && !/^[\x21-\x7e]+$/.test(value)) return;
      if (name === ":path" && !value.startsWith("/")) return;
      if (name === ":method" && !/^[A-Z]+$/.test(value)) return;
      if (value === "CONNECT") return;
      const headers: OutgoingHttpHeaders = { ...callHeaders("echoString"), [name]: value };
      const outcome = await exchangeStream(session, headers, [text]);
      seen.add(`${outcome.httpStatus} ${outcome.grpcStatus}`);
      if (name === "content-type" && !value.toLowerCase().startsWith("application/grpc")) {
        expect(outcome.httpStatus).toBe(415);
      } else if (name === ":method" && value !== "POST") {
        expect(outcome.httpStatus).toBe(405);
      } else {
        const status = checkGrpc(outcome);
        if (name === "grpc-timeout") expect([OK, INVALID_ARGUMENT, 4]).toContain(status);
        else expect([OK, UNIMPLEMENTED]).toContain(status);
      }
    },
  );
  expect([...seen]).toEqual(expect.arrayContaining(["200 0", "200 3", "200 12", "415 undefined"]));
});

/** node:http2 adds the first two by itself. */
const rawHeaders = (name: string): OutgoingHttpHeaders => ({
  ":scheme": "http",
  ":authority": "localhost",
  ...callHeaders(name),
});

/** A caller's first bytes behind the preface, and one call, in frames whose headers need no table. */
function conversation(name: string, message: Buffer): Buffer {
  const headers = headersFrame(1, rawHeaders(name), 0);
  return Buffer.concat([SETTINGS_FRAME, headers, dataFrame(1, prefixed(message), END_STREAM)]);
}

/** What HTTP/2 ignores, longer than any frame that is still awaited, and nonsense wherever else a frame begins. */
const FILLER = frame(0xfa, 0, 0, Buffer.alloc(16_384, 0xff));

/** A number that no other stream is above. */
const LAST_STREAM = 0x7fffffff;
const LAST_REQUEST = dataFrame(LAST_STREAM, prefixed(Buffer.from("0a076865616c746879", "hex")), END_STREAM);
const LAST_REPLY = dataFrame(LAST_STREAM, prefixed(Buffer.from("0a076865616c746879", "hex")), 0);

/** Whether the mutation has neither closed the windows by its settings nor used the last number for itself. */
function leavesLastStream(bytes: Buffer): boolean {
  const used = bytes.includes(Buffer.from("7fffffff", "hex")) || bytes.includes(Buffer.from("ffffffff", "hex"));
  return !used && bytes.subarray(0, SETTINGS_FRAME.length).equals(SETTINGS_FRAME);
}

test("HTTP/2 frames: a connection of mutated ones goes on for good calls or ends, and no other fails", async () => {
  const healthy = startHealthyCallers(sidecar.path);
  const ends = { alive: 0, closed: 0 };
  await runMutations({
    entry: "HTTP/2 frames",
    messages: requests.slice(0, 40).map(({ name, protobuf }) => conversation(name, protobuf.subarray(0, 40))),
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange({ bytes }) {
      const wire = new Http2Wire(sidecar.path);
      wire.write(Buffer.concat([PREFACE, bytes, FILLER]));
      const alive = await wire.ping();
      ends[alive ? "alive" : "closed"]++;
      if (alive && leavesLastStream(bytes)) {
        wire.write(Buffer.concat([headersFrame(LAST_STREAM, rawHeaders("echoString"), 0), LAST_REQUEST]));
        if (!(await wire.received(LAST_REPLY))) throw new Error("a healthy call on the same connection got no answer");
      }
      wire.end();
      await wire.closed;
      wire.checkFrames();
    },
  });
  await healthy.stop();
  expect(Math.min(ends.alive, ends.closed)).toBeGreaterThan(100);
});
