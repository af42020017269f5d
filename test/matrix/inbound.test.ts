// The official clients of both worlds at the local listener, over real sockets; what is behind it is a fake.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Address } from "../../src/base/address.ts";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import type { Log } from "../../src/base/log.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { createLocalListener, type LocalListener, localListenerOptions } from "../../src/inbound/local-listener.ts";
import { readApplicationException } from "../../src/protocol/thrift/application-exception.ts";
import { createFrameSplitter } from "../../src/protocol/thrift/framing.ts";
import { readMessageHeader } from "../../src/protocol/thrift/message.ts";
import { createEchoService, type EchoService, lookup, protobufText, thriftText } from "./echo.ts";
import { connectNpmThrift, Missing, type NpmThriftClient, type Transport } from "./npm-thrift.ts";

let service: EchoService;
let listener: LocalListener;
let port: number;
let logged: string[];
const clients: { close(): void }[] = [];

const log: Log = {
  debug: () => {},
  info: (_facts, message) => void logged.push(message),
  warn: (_facts, message) => void logged.push(message),
  error: (_facts, message) => void logged.push(message),
};

async function listen(changes: Partial<typeof localListenerOptions._output> & { address?: Address } = {}) {
  const options = { address: { kind: "tcp", host: "127.0.0.1", port: 0 }, httpAddress: "127.0.0.1:7421" } as const;
  const context = { lookup, handle: service.handle, log, clock: systemClock };
  return createLocalListener({ ...localListenerOptions.parse({}), ...options, ...changes }, context);
}

beforeEach(async () => {
  logged = [];
  service = createEchoService();
  listener = await listen();
  port = listener.address.kind === "tcp" ? listener.address.port : 0;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await listener.close(0);
});

async function thriftClient(transport: Transport, strictWrite = true): Promise<NpmThriftClient> {
  const client = await connectNpmThrift(port, transport, { strictWrite });
  clients.push(client);
  return client;
}

function grpcCall(
  text: string,
  options: grpc.CallOptions = {},
  method = "echo",
): { reply: Promise<Buffer>; call: grpc.ClientUnaryCall } {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  clients.push(client);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const same = (bytes: Buffer) => bytes;
  const call = client.makeUnaryRequest(
    `/test.Echo/${method}`,
    same,
    same,
    protobufText(text),
    new grpc.Metadata(),
    options,
    (error, reply) => (error ? reject(error) : resolve(reply!)),
  );
  return { reply: promise, call };
}

/** A connection that speaks bytes, and what it has received. */
function rawConnection(): { socket: Socket; received: () => Buffer; closed: Promise<void> } {
  const socket = connect(port, "127.0.0.1");
  clients.push({ close: () => socket.destroy() });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { socket, received: () => Buffer.concat(chunks), closed };
}

/** A framed strict message. */
function frame(name: string, type: number, seqid: number, body: Buffer): Buffer {
  const out = Buffer.alloc(16 + name.length);
  out.writeUInt32BE(12 + name.length + body.length, 0);
  out.writeUInt32BE((0x80010000 | type) >>> 0, 4);
  out.writeInt32BE(name.length, 8);
  out.write(name, 12);
  out.writeInt32BE(seqid, 12 + name.length);
  return Buffer.concat([out, body]);
}

/** The messages that a raw connection has received once there are `count`. */
async function messages(connection: ReturnType<typeof rawConnection>, count: number) {
  for (;;) {
    const splitter = createFrameSplitter({ maxFrameBytes: 1_000_000 });
    splitter.push(connection.received());
    const found: { name: string; type: number; sequenceId: number; text: string }[] = [];
    for (let message = splitter.next(); message; message = splitter.next()) {
      const header = readMessageHeader(message)!;
      const text = header.type === 3 ? readApplicationException(message, header, 64).message : "";
      found.push({ name: header.name, type: header.type, sequenceId: header.sequenceId, text });
    }
    if (found.length >= count) return found;
    await new Promise((resolve) => connection.socket.once("data", resolve));
  }
}

describe.each([
  ["framed", true],
  ["framed", false],
  ["buffered", true],
  ["buffered", false],
] as const)("a npm thrift client, %s, strict %s", (transport, strict) => {
  test("gets results, declared exceptions and errors with their exact code", async () => {
    const client = await thriftClient(transport, strict);
    expect(await client.call("echo", "héllo")).toBe("héllo");
    await expect(client.call("echo", "missing")).rejects.toEqual(new Missing("shelf"));
    await expect(client.call("echo", "refused")).rejects.toMatchObject({
      type: 6,
      message: "[grpc:7 PERMISSION_DENIED] not for you, 100 % sure",
    });
    await expect(client.call("unknown", "x")).rejects.toMatchObject({ type: 1 });
    await expect(client.call("echo", "broken")).rejects.toMatchObject({ type: 6 });
    expect(await client.call("echo", "and on")).toBe("and on");
  });

  test("sends a large message and gets it back", async () => {
    const client = await thriftClient(transport, strict);
    const large = "x".repeat(3_000_000);
    expect(await client.call("echo", large)).toBe(large);
  });

  test("gets no answer to a oneway call, which runs even if the client has gone", async () => {
    const client = await thriftClient(transport, strict);
    client.note("first");
    expect(await client.call("echo", "second")).toBe("second");
    client.note("last words");
    client.close();
    await expect.poll(() => service.calls.length).toBe(3);
    expect(service.calls[2]!.signal.aborted).toBe(false);
  });
});

test("replies to pipelined calls go out in the order of the requests, whichever is done first", async () => {
  const connection = rawConnection();
  connection.socket.write(
    Buffer.concat([
      frame("echo", 1, 7, thriftText(1, "hold a")),
      frame("echo", 1, 5, thriftText(1, "quick")),
      frame("note", 1, 6, thriftText(1, "an old client's oneway")),
      frame("echo", 1, 9, thriftText(1, "hold b")),
    ]),
  );
  await expect.poll(() => service.calls.length).toBe(4);
  service.release();
  expect((await messages(connection, 3)).map(({ sequenceId }) => sequenceId)).toEqual([7, 5, 9]);
});

test("no more calls run on a connection than allowed, and the rest follow", async () => {
  const small = await listen({ maxCallsPerConnection: 2 });
  const smallPort = small.address.kind === "tcp" ? small.address.port : 0;
  const socket = connect(smallPort, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  for (let id = 1; id <= 5; id++) socket.write(frame("echo", 1, id, thriftText(1, `hold ${id}`)));
  for (const expected of [2, 4, 5]) {
    await expect.poll(() => service.calls.length).toBe(expected);
    service.release();
  }
  await expect.poll(() => Buffer.concat(received).length).toBe(5 * (4 + 16 + thriftText(0, "hold 1").length));
  socket.destroy();
  await small.close(0);
});

test("a caller that does not take its replies is not read on, and gets all of them once it does", async () => {
  const connection = rawConnection();
  connection.socket.pause();
  const text = "z".repeat(1_000_000);
  for (let id = 1; id <= 100; id++) connection.socket.write(frame("echo", 1, id, thriftText(1, text)));
  // As many calls as the buffers between the two hold replies for, and no more.
  let before = -1;
  while (before !== service.calls.length || before === 0) {
    before = service.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(before).toBeLessThan(100);
  connection.socket.resume();
  const expected = 100 * (20 + thriftText(0, text).length);
  while (connection.socket.bytesRead < expected) await once(connection.socket, "data");
  expect(connection.socket.bytesRead).toBe(expected);
});

test("a bad message in a good frame is answered and the connection goes on", async () => {
  const connection = rawConnection();
  connection.socket.write(frame("echo", 1, 1, thriftText(1, "good")));
  connection.socket.write(Buffer.from([0, 0, 0, 6, 0x80, 0x02, 0, 1, 0, 0]));
  connection.socket.write(frame("echo", 2, 3, thriftText(1, "a reply is no request")));
  connection.socket.write(frame("echo", 1, 4, thriftText(1, "good")));
  expect(await messages(connection, 4)).toMatchObject([
    { type: 2, sequenceId: 1 },
    { type: 3, name: "", text: expect.stringContaining("INVALID_ARGUMENT") },
    { type: 3, sequenceId: 3, text: expect.stringContaining("message type 2") },
    { type: 2, sequenceId: 4 },
  ]);
});

test("a frame above the limit is answered in its own name behind the earlier replies, then the connection ends", async () => {
  const connection = rawConnection();
  connection.socket.write(frame("echo", 1, 1, thriftText(1, "hold")));
  const large = frame("echo", 1, 2, thriftText(1, "x"));
  large.writeUInt32BE(16_384_001, 0);
  connection.socket.write(large);
  await expect.poll(() => service.calls.length).toBe(1);
  service.release();
  expect(await messages(connection, 2)).toMatchObject([
    { type: 2, sequenceId: 1 },
    { type: 3, sequenceId: 2, name: "echo", text: expect.stringContaining("maxFrameBytes") },
  ]);
  await connection.closed;
});

test("a client that closes aborts its calls and nobody else's", async () => {
  const leaving = rawConnection();
  const staying = await thriftClient("framed");
  leaving.socket.write(frame("echo", 1, 1, thriftText(1, "hang")));
  const reply = staying.call("echo", "hold");
  await service.hanging;
  leaving.socket.destroy();
  expect(await service.aborted).toMatchObject({ code: "CANCELLED" });
  await expect.poll(() => service.calls.length).toBe(2);
  service.release();
  expect(await reply).toBe("hold");
});

test.each([
  ["TLS", Buffer.from([0x16, 0x03, 0x01])],
  ["no protocol", Buffer.from([0, 0, 0, 0, 0, 0, 0, 0])],
])("%s is closed with a reason in the log", async (name, bytes) => {
  const connection = rawConnection();
  connection.socket.write(bytes);
  await connection.closed;
  expect(logged.join()).toContain(name === "no protocol" ? "no protocol that is known" : name);
});

test("an HTTP/1.1 client is told where HTTP is served", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "x".repeat(100_000) });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("127.0.0.1:7421");
});

describe("a grpc-js client", () => {
  test("gets a result", async () => {
    expect(await grpcCall("hello").reply).toEqual(protobufText("hello"));
  });

  test("gets an error with its code and message", async () => {
    await expect(grpcCall("refused").reply).rejects.toMatchObject({
      code: grpc.status.PERMISSION_DENIED,
      details: "not for you, 100 % sure",
    });
  });

  test("gets a declared exception as a status with its code and the exception in its details", async () => {
    const error = await grpcCall("missing").reply.catch((thrown: grpc.ServiceError) => thrown);
    expect(error).toMatchObject({ code: grpc.status.NOT_FOUND });
    const [details] = (error as grpc.ServiceError).metadata.get("grpc-status-details-bin");
    expect((details as Buffer).includes("type.googleapis.com/test.Missing")).toBe(true);
    expect((details as Buffer).includes(protobufText("shelf"))).toBe(true);
  });

  test("gets RESOURCE_EXHAUSTED for what its connection's requests in flight are too large for, and goes on", async () => {
    await listener.close(0);
    listener = await listen({ maxRequestBytesPerConnection: 10_000 });
    port = listener.address.kind === "tcp" ? listener.address.port : 0;
    await expect(grpcCall("a".repeat(12_000)).reply).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining("maxRequestBytesPerConnection"),
    });
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    clients.push(client);
    const same = (bytes: Buffer) => bytes;
    // One after the other they need more in all than they may have at once.
    for (let i = 0; i < 4; i++) {
      const request = protobufText("b".repeat(4_000));
      const reply = await new Promise((resolve, reject) => {
        client.makeUnaryRequest("/test.Echo/echo", same, same, request, (error, bytes) =>
          error ? reject(error) : resolve(bytes),
        );
      });
      expect(reply).toEqual(request);
    }
  });

  test("gets UNIMPLEMENTED for an unknown method", async () => {
    await expect(grpcCall("x", {}, "unknown").reply).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
  });

  test("its deadline and its cancel reach the call", async () => {
    const { reply, call } = grpcCall("hang", { deadline: Date.now() + 60_000 });
    reply.catch(() => {});
    await service.hanging;
    const left = service.calls[0]!.expiresAtMs - systemClock.nowMs();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    call.cancel();
    expect(await service.aborted).toMatchObject({ code: "CANCELLED" });
    await expect(reply).rejects.toMatchObject({ code: grpc.status.CANCELLED });
  });

  test.each(["headers", "trailers"] as const)(
    "gets a result whose %s repeat what other libraries let stand once",
    async (place) => {
      const { handle } = service;
      const twice = Metadata.from([
        ["etag", "may stand"],
        ["etag", "more than once"],
      ]);
      service = { ...service, handle: async (call) => ({ ...(await handle(call)), [place]: twice }) };
      const other = await listen();
      port = other.address.kind === "tcp" ? other.address.port : 0;
      expect(await grpcCall("x").reply).toEqual(protobufText("x"));
      await other.close(0);
    },
  );

  test.each(["headers", "trailers"] as const)("gets INTERNAL for %s larger than it takes", async (place) => {
    const { handle } = service;
    const large = Metadata.from([["large", "x".repeat(1_000)]]);
    service = { ...service, handle: async (call) => ({ ...(await handle(call)), [place]: large }) };
    const other = await listen();
    const otherPort = other.address.kind === "tcp" ? other.address.port : 0;
    const session = connectHttp2(`http://127.0.0.1:${otherPort}`, { settings: { maxHeaderListSize: 600 } });
    clients.push({ close: () => session.destroy() });
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Echo/echo",
      "content-type": "application/grpc",
    });
    const trailers = once(stream, place === "headers" ? "response" : "trailers");
    const message = protobufText("x");
    stream.resume().end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    expect((await trailers)[0]).toMatchObject({
      "grpc-status": "13",
      "grpc-message": expect.stringContaining("pass the peer's limit of 600 bytes"),
    });
    session.close();
    await other.close(0);
  });

  test("sends a message larger than the windows of flow control", async () => {
    const text = "y".repeat(16_000);
    const replies = await Promise.all(Array.from({ length: 200 }, () => grpcCall(text).reply));
    expect(replies.every((reply) => reply.equals(protobufText(text)))).toBe(true);
  });
});

test("a drain lets Thrift and gRPC calls in flight finish and closes idle connections", async () => {
  const idle = await thriftClient("framed");
  expect(await idle.call("echo", "warm")).toBe("warm");
  const busy = await thriftClient("buffered");
  const thriftReply = busy.call("echo", "hold");
  const { reply: grpcReply } = grpcCall("hold");
  await expect.poll(() => service.calls.length).toBe(3);
  let closed = false;
  const closing = listener.close(60_000).then(() => {
    closed = true;
  });
  await expect(idle.call("echo", "too late")).rejects.toThrow("closed");
  expect(closed).toBe(false);
  service.release();
  expect(await thriftReply).toBe("hold");
  expect(await grpcReply).toEqual(protobufText("hold"));
  await closing;
});

test("a drain cuts what does not finish within the grace", async () => {
  const client = await thriftClient("framed");
  const reply = client.call("echo", "hang");
  reply.catch(() => {});
  await service.hanging;
  await listener.close(1);
  expect(await service.aborted).toBeInstanceOf(RpcError);
  await expect(reply).rejects.toThrow("closed");
});

test("a drain cuts gRPC calls that do not finish within the grace", async () => {
  const { reply } = grpcCall("hang");
  reply.catch(() => {});
  await service.hanging;
  await listener.close(1);
  expect(await service.aborted).toMatchObject({ code: "CANCELLED" });
  await expect(reply).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
});

test("connections above the limit are closed as they come", async () => {
  const small = await listen({ maxConnections: 1 });
  const smallPort = small.address.kind === "tcp" ? small.address.port : 0;
  const first = await connectNpmThrift(smallPort, "framed");
  expect(await first.call("echo", "in")).toBe("in");
  const second = connect(smallPort, "127.0.0.1");
  second.on("error", () => {});
  await new Promise((resolve) => second.on("close", resolve));
  expect(await first.call("echo", "still in")).toBe("still in");
  first.close();
  await small.close(0);
});

test("a unix socket is served, also over the file of a process that died", async () => {
  const folder = await mkdtemp(join(tmpdir(), "causeway-"));
  const path = join(folder, "local.sock");
  const dead = await import("node:child_process").then(({ spawnSync }) =>
    spawnSync(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]),
  );
  expect(dead.signal).toBe("SIGKILL");
  const unix = await listen({ address: { kind: "unix", path } });
  const client = await connectNpmThrift(0, "framed", { path });
  expect(await client.call("echo", "hello")).toBe("hello");
  await expect(listen({ address: { kind: "unix", path } })).rejects.toMatchObject({ code: "EADDRINUSE" });
  client.close();
  await unix.close(0);
  await rm(folder, { recursive: true });
});
