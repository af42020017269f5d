// Mutated streams at the local port: messages and their prefixes in the middle of a stream, and HTTP/2 frames around them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkStream, exchangeStream, openSession, prefixed } from "./grpc-wire.ts";
import { startHealthyCallers } from "./healthy.ts";
import { dataFrame, END_STREAM, frame, Http2Wire, headersFrame, PREFACE, SETTINGS_FRAME } from "./http2-wire.ts";
import { KINDS, LIMITS } from "./kinds.ts";
import { runMutations } from "./run.ts";
import { type AttackedSidecar, startAttackedSidecar } from "./sidecar.ts";
import { startGrpcUpstream, startThriftUpstream, type Upstream } from "./upstreams.ts";

const PROTO = `syntax = "proto3"; package chat; message M { bytes body = 1; }
service Chat { rpc chat(stream M) returns (stream M); }`;
const WORKERS = 24;

let folder: string;
let upstreams: readonly Upstream[] = [];
let sidecar: AttackedSidecar;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  writeFileSync(join(folder, "chat.proto"), PROTO);
  upstreams = await Promise.all([startThriftUpstream(), startGrpcUpstream()]);
  const [kinds, chat] = upstreams.map(({ endpoint }) => endpoint);
  sidecar = await startAttackedSidecar(`
schema: { files: ["${KINDS}", "${join(folder, "chat.proto")}"] }
upstreams:
  kinds: { protocol: thrift-framed, endpoints: ["${kinds}"], services: [kinds.Kinds] }
  chat: { protocol: grpc, endpoints: ["${chat}"], services: [chat.Chat] }
`);
});

afterEach(async () => {
  await sidecar.stop();
  for (const upstream of upstreams) await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

const HEADERS: OutgoingHttpHeaders = {
  ...{ ":method": "POST", ":path": "/chat.Chat/chat", te: "trailers", "content-type": "application/grpc" },
};
const messages = [0, 1, 7, 40, 300].map((size) => prefixed(Buffer.alloc(size, size)));
const streams = messages.map((_, i) => Buffer.concat([...messages.slice(i), ...messages.slice(0, i)]));

/** What the data of a stream comes to: how many whole messages, and how it ends. */
function expected(data: Buffer): { messages: number; statuses: readonly number[] } {
  let count = 0;
  for (let at = 0; ; count++) {
    if (at === data.length) return { messages: count, statuses: [0] };
    if (data.length - at < 5) return { messages: count, statuses: [13] };
    if (data[at] !== 0) return { messages: count, statuses: [13] };
    const length = data.readUInt32BE(at + 1);
    if (length > LIMITS.maxBytes) return { messages: count, statuses: [8] };
    if (length > data.length - at - 5) return { messages: count, statuses: [13] };
    at += 5 + length;
  }
}

test("mutated messages in a stream: what is whole passes, and the status says what is wrong", async () => {
  const healthy = startHealthyCallers(sidecar.path);
  const session = openSession(sidecar.path);
  const seen = new Map<number, number>();
  await runMutations({
    entry: "gRPC streams",
    messages: streams,
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange({ bytes, random }) {
      const at = random.below(bytes.length + 1);
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      const outcome = checkStream(await exchangeStream(session, HEADERS, pieces));
      const { messages: most, statuses } = expected(bytes);
      expect(statuses).toContain(outcome.status);
      // The echo answers when all of its request is there: what is wrong comes before.
      expect(outcome.messages).toBe(outcome.status === 0 ? most : 0);
      seen.set(outcome.status, (seen.get(outcome.status) ?? 0) + 1);
    },
  });
  await healthy.stop();
  expect(session.closed || session.destroyed).toBe(false);
  await new Promise<void>((resolve) => session.close(resolve));
  expect([...seen.keys()].sort((a, b) => a - b)).toEqual([0, 8, 13]);
});

/** What HTTP/2 ignores, longer than any frame that is still awaited, and nonsense wherever else a frame begins. */
const FILLER = frame(0xfa, 0, 0, Buffer.alloc(16_384, 0xff));

test("mutated frames around a stream: its connection goes on or ends, and no other call fails", async () => {
  const healthy = startHealthyCallers(sidecar.path);
  const ends = { alive: 0, closed: 0 };
  const head = headersFrame(1, { ":scheme": "http", ":authority": "localhost", ...HEADERS }, 0);
  await runMutations({
    entry: "HTTP/2 frames around a stream",
    messages: streams.map((_, i) =>
      Buffer.concat([
        SETTINGS_FRAME,
        head,
        ...messages.map((message, j) => dataFrame(1, message.subarray(0, 50 + i), j === 4 ? END_STREAM : 0)),
      ]),
    ),
    workers: WORKERS,
    memory: sidecar.memory,
    async exchange({ bytes }) {
      const wire = new Http2Wire(sidecar.path);
      wire.write(Buffer.concat([PREFACE, bytes, FILLER]));
      ends[(await wire.ping()) ? "alive" : "closed"]++;
      wire.end();
      await wire.closed;
      wire.checkFrames();
    },
  });
  await healthy.stop();
  expect(Math.min(ends.alive, ends.closed)).toBeGreaterThan(100);
});
