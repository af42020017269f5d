// Peers that do not read: what a sidecar holds for them is bounded, and the calls beyond are refused in words.
import { connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createFrameSplitter } from "../../src/protocol/thrift/framing.ts";
import { readMessageHeader, writeMessage } from "../../src/protocol/thrift/message.ts";
import { type Sidecar, startSidecarForTest } from "../e2e/sidecar.ts";
import { framed, thriftText } from "../matrix/echo.ts";
import { peakBytes } from "./peak-bytes.ts";
import { open, startThriftUpstream, thriftMessage, type Upstream } from "./upstreams.ts";

const MIB = 1024 * 1024;

function start({ endpoint }: Upstream, upstream: string, listener = ""): Sidecar {
  return startSidecarForTest(`
listeners: [{ kind: local, address: "127.0.0.1:0", defaultService: test.Echo${listener} }]
upstreams:
  echo: { endpoints: ["${endpoint}"], opaqueServices: [test.Echo], timeoutMs: 60000, retry: { maxAttempts: 1 }, ${upstream} }`);
}

async function caller(sidecar: Sidecar): Promise<Socket> {
  const [host, port] = (await sidecar.addressOf("local")).split(":");
  const socket = connect(Number(port), host);
  onTestFinished(() => void socket.destroy());
  return socket;
}

function call(sequenceId: number, text: string): Buffer {
  return framed(writeMessage({ envelope: "strict", name: "echo", type: 1, sequenceId }, 0, thriftText(1, text)));
}

/** The types of the replies, 2 or 3 for an exception with its text, when there are so many. */
function replies(socket: Socket, count: number): Promise<string[]> {
  const splitter = createFrameSplitter({ maxFrameBytes: 64 * MIB });
  const all: string[] = [];
  return new Promise((resolve) => {
    socket.on("data", (chunk) => {
      splitter.push(chunk);
      for (let frame = splitter.next(); frame; frame = splitter.next()) {
        const { type, bodyOffset } = readMessageHeader(frame)!;
        all.push(type === 3 ? Buffer.from(frame).toString("utf8", bodyOffset + 7, bodyOffset + 40) : "result");
      }
      if (all.length >= count) resolve(all);
    });
  });
}

const refused = (all: readonly string[]) => all.filter((each) => each.startsWith("[grpc:8 RESOURCE_EXHAUSTED]")).length;

test("a caller that pipelines a thousand calls and reads none of the large replies", async () => {
  const upstream = await startThriftUpstream((header) => {
    const body = thriftText(0, "y".repeat(MIB));
    return { bytes: framed(thriftMessage({ ...header, strict: true, type: 2 }, body)), end: false };
  });
  onTestFinished(upstream.stop);
  const sidecar = start(
    upstream,
    "protocol: thrift-framed, maxConnections: 4",
    `, maxReplyBytesPerConnection: ${16 * MIB}`,
  );
  const socket = await caller(sidecar);
  const before = peakBytes(sidecar);
  const count = 1_000;
  for (let i = 0; i < count; i++) socket.write(call(i, "large"));
  // The calls behind the first are taken and answered while nothing is read.
  const health = await caller(sidecar);
  for (let i = 0; i < 50; i++) {
    const answered = replies(health, 1);
    health.write(call(i, "beside"));
    await answered;
    health.removeAllListeners("data");
  }
  const all = await replies(socket, count);
  expect(all).toHaveLength(count);
  expect(all[0]).toBe("result");
  expect(refused(all)).toBe(all.filter((each) => each !== "result").length);
  expect(refused(all)).toBeGreaterThan(0);
  expect((peakBytes(sidecar) - before) / MIB).toBeLessThan(250);
});

test.each([
  ["thrift-framed, maxConnections: 4", 4],
  ["ttheader, maxConnections: 2", 2],
])("a server that reads nothing: %s", async (protocol, connections) => {
  let accepted = 0;
  const upstream = await open(
    createServer((socket) => {
      accepted++;
      socket.pause();
    }),
  );
  onTestFinished(upstream.stop);
  const sidecar = start(upstream, `protocol: ${protocol}, maxPending: 20`, ", maxCallsPerConnection: 10000");
  const socket = await caller(sidecar);
  const before = peakBytes(sidecar);
  const text = "z".repeat(200_000);
  const count = 1_000;
  // Those that are not refused are answered when the server has gone.
  const answered = replies(socket, count);
  for (let i = 0; i < count; i++)
    if (!socket.write(call(i, text))) await new Promise((done) => socket.once("drain", done));
  await expect.poll(() => accepted).toBe(connections);
  await upstream.stop();
  const all = await answered;
  expect(refused(all)).toBeGreaterThan(count - 200);
  expect((peakBytes(sidecar) - before) / MIB).toBeLessThan(200);
});
