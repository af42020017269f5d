// The clients for upstreams at the official servers of both worlds, and at sockets that misbehave.
import { once } from "node:events";
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { deadline } from "../../src/governance/deadline.ts";
import { retry, retryOptions } from "../../src/governance/retry.ts";
import { newUpstreamCounts } from "../../src/governance/upstream-counts.ts";
import { connectGrpc, grpcUpstreamOptions } from "../../src/outbound/grpc-client.ts";
import { connectThrift, type ThriftUpstreamOptions, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { MESSAGE, readMessageHeader, writeMessage } from "../../src/protocol/thrift/message.ts";
import type { Endpoint, EndpointHandler } from "../../src/rpc/endpoint.ts";
import { createFakeClock } from "../fake-clock.ts";
import { quietLog } from "../quiet-log.ts";
import { callOf, framed, protobufText, textOf, thriftText } from "./echo.ts";
import { serveNpmThrift } from "./npm-thrift.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function endpointOf(port: number): Endpoint {
  return { upstream: "echo", address: { kind: "tcp", host: "127.0.0.1", port }, name: `127.0.0.1:${port}` };
}

function thriftClient(port: number, changes: Partial<ThriftUpstreamOptions> = {}, clock = systemClock) {
  const wire = { framing: "framed", envelope: "strict" } as const;
  const handler = connectThrift(
    { ...thriftUpstreamOptions.parse({}), ...wire, ...changes },
    clock,
    quietLog,
  )(endpointOf(port));
  cleanups.push(() => handler.close());
  return handler;
}

function grpcClient(port: number, clock = systemClock): EndpointHandler {
  const handler = connectGrpc(grpcUpstreamOptions.parse({}), clock, quietLog)(endpointOf(port));
  cleanups.push(() => handler.close());
  return handler;
}

/** A server that does with each connection, and then with each chunk, what the test says. */
async function rawServer(onData: (socket: Socket, chunk: Buffer, connection: number) => void) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => onData(socket, chunk, connection));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, sockets, count: () => connections };
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a well-behaved server would answer to a framed call. */
function echoOf(chunk: Buffer, changes: { sequenceId?: number; name?: string; text?: string } = {}): Buffer {
  const { sequenceId, name } = readMessageHeader(chunk.subarray(4))!;
  const header = { envelope: "strict", name: changes.name ?? name, type: MESSAGE.REPLY } as const;
  const body = thriftText(0, changes.text ?? "echo");
  return framed(writeMessage({ ...header, sequenceId: changes.sequenceId ?? sequenceId }, 0, body));
}

async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  const outcome = await promise.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(RpcError);
  return outcome as RpcError;
}

describe("connectThrift at a npm thrift server", () => {
  test("gives results, declared exceptions and the peer's errors with their exact code", async () => {
    const server = await serveNpmThrift();
    cleanups.push(server.close);
    const { handle } = thriftClient(server.port);
    const reply = await handle(callOf("thrift", "echo", "héllo"));
    expect(reply.kind).toBe("result");
    expect(textOf(reply.payload)).toBe("héllo");
    expect(await handle(callOf("thrift", "echo", "missing"))).toMatchObject({
      kind: "exception",
      field: { id: 1, name: "missing" },
    });
    expect(await failureOf(handle(callOf("thrift", "echo", "fail")))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: "full",
      origin: "peer",
      sent: true,
    });
    expect(await failureOf(handle(callOf("thrift", "echo", "nothing")))).toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("missing result"),
    });
    expect(await handle(callOf("thrift", "note", "remember"))).toMatchObject({ kind: "result" });
    await expect.poll(() => server.notes).toEqual(["remember"]);
    expect(server.connections.size).toBe(1);
  });

  test("a thousand calls at once share the connections that are allowed", async () => {
    const server = await serveNpmThrift();
    cleanups.push(server.close);
    const { handle } = thriftClient(server.port, { maxConnections: 3 });
    const texts = Array.from({ length: 1000 }, (_, i) => `${i}${"x".repeat(i * 7)}`);
    const replies = await Promise.all(texts.map((text) => handle(callOf("thrift", "echo", text))));
    expect(replies.map(({ payload }) => textOf(payload))).toEqual(texts);
    expect(server.connections.size).toBe(3);
  });
});

describe("connectThrift at a socket that misbehaves", () => {
  test("nobody listening is UNAVAILABLE, not sent, with the address", async () => {
    const port = await freePort();
    const error = await failureOf(thriftClient(port).handle(callOf("thrift", "echo", "x")));
    expect(error).toMatchObject({ code: "UNAVAILABLE", sent: false, origin: "here" });
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test("every caller that waits for a connection is told when there will be none", async () => {
    const { handle } = thriftClient(await freePort(), { maxConnections: 1 });
    const errors = await Promise.all([1, 2, 3].map(() => failureOf(handle(callOf("thrift", "echo", "x")))));
    expect(errors.map(({ code, sent }) => [code, sent])).toEqual(Array(3).fill(["UNAVAILABLE", false]));
  });

  test("a connection that does not come about in time is UNAVAILABLE, not sent", async () => {
    const clock = createFakeClock();
    const server = await rawServer(() => {});
    const failed = failureOf(thriftClient(server.port, {}, clock).handle(callOf("thrift", "echo", "x")));
    clock.advance(1_000);
    expect(await failed).toMatchObject({
      code: "UNAVAILABLE",
      sent: false,
      message: expect.stringContaining("1000 ms"),
    });
  });

  test.each([
    [
      "half a reply and a reset",
      (socket: Socket, chunk: Buffer) => socket.write(echoOf(chunk).subarray(0, 20), () => socket.resetAndDestroy()),
    ],
    ["half a reply and an end", (socket: Socket, chunk: Buffer) => socket.end(echoOf(chunk).subarray(0, 20))],
    ["an end", (socket: Socket) => socket.end()],
  ])("%s is UNAVAILABLE and sent, and the next call gets a new connection", async (_name, first) => {
    const server = await rawServer((socket, chunk, connection) => {
      if (connection === 1) first(socket, chunk);
      else socket.write(echoOf(chunk));
    });
    const { handle } = thriftClient(server.port);
    expect(await failureOf(handle(callOf("thrift", "echo", "x")))).toMatchObject({ code: "UNAVAILABLE", sent: true });
    expect(textOf((await handle(callOf("thrift", "echo", "x"))).payload)).toBe("echo");
  });

  test.each([
    ["a wrong sequence id", { sequenceId: 99 }, "sequence id 99"],
    ["another method's name", { name: "other" }, '"other"'],
  ])("%s fails the call and closes the connection", async (_name, changes, text) => {
    const server = await rawServer((socket, chunk, connection) => {
      socket.write(echoOf(chunk, connection === 1 ? changes : {}));
    });
    const { handle } = thriftClient(server.port);
    const error = await failureOf(handle(callOf("thrift", "echo", "x")));
    expect(error).toMatchObject({ code: "INTERNAL", sent: true, message: expect.stringContaining(text) });
    expect((await handle(callOf("thrift", "echo", "x"))).kind).toBe("result");
    expect(server.count()).toBe(2);
  });

  test.each([1, 4, 5, 40])("%i bytes behind a reply are nobody's: the connection is not used again", async (count) => {
    const server = await rawServer((socket, chunk) => {
      const more = echoOf(chunk, { text: "too much, and so much that it is longer" }).subarray(0, count);
      socket.write(Buffer.concat([echoOf(chunk, { text: "mine" }), more]));
    });
    const { handle } = thriftClient(server.port);
    for (let i = 0; i < 3; i++) expect(textOf((await handle(callOf("thrift", "echo", "x"))).payload)).toBe("mine");
    expect(server.count()).toBe(3);
  });

  test("a frame above the limit fails the call before it is read", async () => {
    const server = await rawServer((socket) => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x80])));
    const error = await failureOf(thriftClient(server.port).handle(callOf("thrift", "echo", "x")));
    expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
  });

  test("a reply that comes byte by byte is a reply", async () => {
    const server = await rawServer(async (socket, chunk) => {
      for (const byte of echoOf(chunk)) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(textOf((await thriftClient(server.port).handle(callOf("thrift", "echo", "x"))).payload)).toBe("echo");
  });

  test("an idle connection that its server closed is not used for the next call", async () => {
    const server = await rawServer((socket, chunk) => socket.write(echoOf(chunk)));
    const { handle } = thriftClient(server.port);
    await handle(callOf("thrift", "echo", "x"));
    const [socket] = server.sockets;
    socket!.end();
    await once(socket!, "close");
    expect((await handle(callOf("thrift", "echo", "x"))).kind).toBe("result");
    expect(server.count()).toBe(2);
  });

  test("a deadline is DEADLINE_EXCEEDED, and the connection with the late reply is closed", async () => {
    const clock = createFakeClock();
    const arrived = Promise.withResolvers<Socket>();
    const server = await rawServer((socket, chunk, connection) => {
      if (connection === 1) arrived.resolve(socket);
      else socket.write(echoOf(chunk));
    });
    const { handle } = thriftClient(server.port, { maxConnections: 1 });
    const limited = deadline({ timeoutMs: 500 }, clock)(handle);
    const late = failureOf(limited(callOf("thrift", "echo", "x")));
    // Waits for the one connection behind the first.
    const waiting = failureOf(limited(callOf("thrift", "echo", "x")));
    const socket = await arrived.promise;
    clock.advance(500);
    expect(await late).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(await waiting).toMatchObject({ code: "DEADLINE_EXCEEDED", sent: false });
    await once(socket, "close");
    expect((await handle(callOf("thrift", "echo", "x"))).kind).toBe("result");
  });

  test("an abort without a reason is CANCELLED, sent only if the call was written", async () => {
    const arrived = Promise.withResolvers<void>();
    const server = await rawServer(() => arrived.resolve());
    const { handle } = thriftClient(server.port, { maxConnections: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const written = failureOf(handle(callOf("thrift", "echo", "x", { signal: first.signal })));
    const waiting = failureOf(handle(callOf("thrift", "echo", "x", { signal: second.signal })));
    await arrived.promise;
    second.abort();
    expect(await waiting).toMatchObject({ code: "CANCELLED", sent: false });
    first.abort();
    expect(await written).toMatchObject({ code: "CANCELLED", sent: true });
  });

  test("closing waits for the calls in flight and refuses new ones", async () => {
    const arrived = Promise.withResolvers<() => void>();
    const server = await rawServer((socket, chunk) => arrived.resolve(() => socket.write(echoOf(chunk))));
    const client = thriftClient(server.port);
    const reply = client.handle(callOf("thrift", "echo", "x"));
    const answer = await arrived.promise;
    const closed = client.close();
    expect(await failureOf(client.handle(callOf("thrift", "echo", "x")))).toMatchObject({
      code: "UNAVAILABLE",
      sent: false,
    });
    answer();
    expect((await reply).kind).toBe("result");
    await closed;
  });
});

async function grpcServer(handler: grpc.handleUnaryCall<Buffer, Buffer>) {
  const server = new grpc.Server();
  const same = (bytes: Buffer) => bytes;
  const unary = {
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
  } as const;
  server.addService(
    { echo: { path: "/test.Echo/echo", ...unary, responseSerialize: same, responseDeserialize: same } },
    { echo: handler },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  cleanups.push(() => server.forceShutdown());
  return { server, port };
}

describe("connectGrpc at a grpc-js server", () => {
  test("gives results with metadata, and sends metadata and the deadline", async () => {
    const seen = Promise.withResolvers<{ metadata: grpc.Metadata; deadline: grpc.Deadline }>();
    const { port } = await grpcServer((call, callback) => {
      seen.resolve({ metadata: call.metadata, deadline: call.getDeadline() });
      const headers = new grpc.Metadata();
      headers.set("from", "server");
      call.sendMetadata(headers);
      const trailers = new grpc.Metadata();
      trailers.set("last-bin", Buffer.from([1, 2, 3, 255]));
      callback(null, call.request, trailers);
    });
    const headers = Metadata.from([
      ["tenant", "a"],
      ["tenant", "b"],
      ["key-bin", "AQI"],
      ["grpc-secret", "dropped"],
      ["bad", "line\nbreak"],
    ]);
    const call = callOf("protobuf", "echo", "héllo", { headers, expiresAtMs: systemClock.nowMs() + 60_000 });
    const reply = await grpcClient(port).handle(call);
    expect(reply.kind).toBe("result");
    expect(textOf(reply.payload)).toBe("héllo");
    expect(reply.headers.get("from")).toBe("server");
    expect(reply.trailers.get("last-bin")).toBe("AQID/w");
    const { metadata, deadline: until } = await seen.promise;
    expect(metadata.get("tenant")).toEqual(["a, b"]);
    expect(metadata.get("key-bin")).toEqual([Buffer.from([1, 2])]);
    expect(metadata.get("bad")).toEqual([]);
    expect(call.facts.droppedMetadata).toBe(2);
    expect(Number(until) - Date.now()).toBeGreaterThan(50_000);
  });

  test("gives the peer's status with its message", async () => {
    const { port } = await grpcServer((_call, callback) =>
      callback({ code: grpc.status.NOT_FOUND, details: "no é 100%" }),
    );
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")))).toMatchObject({
      code: "NOT_FOUND",
      message: "no é 100%",
      origin: "peer",
      sent: true,
    });
  });

  test("an unknown method is UNIMPLEMENTED by the peer", async () => {
    const { port } = await grpcServer((call, callback) => callback(null, call.request));
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "note", "x")))).toMatchObject({
      code: "UNIMPLEMENTED",
      origin: "peer",
    });
  });

  test("five hundred calls at once share one connection, and a large message passes", async () => {
    const { port } = await grpcServer((call, callback) => callback(null, call.request));
    const { handle } = grpcClient(port);
    const texts = Array.from({ length: 500 }, (_, i) => `${i}${"x".repeat(i)}`);
    const replies = await Promise.all(texts.map((text) => handle(callOf("protobuf", "echo", text))));
    expect(replies.map(({ payload }) => textOf(payload))).toEqual(texts);
    const bytes = Buffer.alloc(3_000_000, 7);
    const large = await handle(
      callOf("protobuf", "echo", "", { payload: { type: undefined, codec: "protobuf", bytes } }),
    );
    expect(bytes.equals(large.payload.bytes)).toBe(true);
  });

  test("nobody listening is UNAVAILABLE, not sent, with the address, and a server that comes later is found", async () => {
    const port = await freePort();
    const clock = createFakeClock();
    const { handle } = grpcClient(port, clock);
    const error = await failureOf(handle(callOf("protobuf", "echo", "x")));
    expect(error).toMatchObject({ code: "UNAVAILABLE", sent: false, origin: "here" });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    const server = createHttp2Server((_request, response) => response.writeHead(503).end("<p>later</p>"));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    const early = await failureOf(handle(callOf("protobuf", "echo", "x")));
    expect(early).toMatchObject({ code: "UNAVAILABLE", sent: false, origin: "here" });
    expect(early.message).toContain(`${error.message}; the next attempt is in `);
    clock.advance(120);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({
      code: "UNAVAILABLE",
      origin: "peer",
      message: expect.stringContaining("503"),
    });
  });

  test("a deadline resets the stream and is DEADLINE_EXCEEDED; a cancel is CANCELLED", async () => {
    const clock = createFakeClock();
    const arrivals: (() => void)[] = [];
    const cancels: Promise<unknown>[] = [];
    const { port } = await grpcServer((call) => {
      cancels.push(once(call, "cancelled"));
      arrivals.shift()!();
    });
    const arrival = () => new Promise<void>((resolve) => arrivals.push(resolve));
    const { handle } = grpcClient(port);

    let arrived = arrival();
    const late = failureOf(deadline({ timeoutMs: 500 }, clock)(handle)(callOf("protobuf", "echo", "x")));
    await arrived;
    clock.advance(500);
    expect(await late).toMatchObject({ code: "DEADLINE_EXCEEDED" });

    arrived = arrival();
    const controller = new AbortController();
    const cancelled = failureOf(handle(callOf("protobuf", "echo", "x", { signal: controller.signal })));
    await arrived;
    controller.abort();
    expect(await cancelled).toMatchObject({ code: "CANCELLED", sent: true });
    expect(await Promise.all(cancels)).toHaveLength(2);
  });
});

/** An HTTP/2 server that does with each stream what the test says. */
async function http2Server(
  onStream: (stream: ServerHttp2Stream, session: ServerHttp2Session, count: number) => void,
  settings = {},
) {
  let count = 0;
  const sessions = new Set<ServerHttp2Session>();
  const sockets: Socket[] = [];
  const server: Http2Server = createHttp2Server({ settings });
  server.on("connection", (socket) => sockets.push(socket));
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    onStream(stream, stream.session as ServerHttp2Session, ++count);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sessions, sockets };
}

function answer(stream: ServerHttp2Stream, text = "echo"): void {
  const message = protobufText(text);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
}

describe("connectGrpc at an HTTP/2 server that misbehaves", () => {
  test.each([
    ["REFUSED_STREAM is UNAVAILABLE and not sent", 7, { code: "UNAVAILABLE", sent: false }],
    ["CANCEL is CANCELLED", 8, { code: "CANCELLED", sent: true, origin: "peer" }],
    ["ENHANCE_YOUR_CALM is RESOURCE_EXHAUSTED", 11, { code: "RESOURCE_EXHAUSTED", sent: true, origin: "peer" }],
    ["INTERNAL_ERROR is INTERNAL", 2, { code: "INTERNAL", sent: true, origin: "peer" }],
  ])("a reset with %s", async (_name, code, expected) => {
    const { port } = await http2Server((stream) => stream.close(code));
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")))).toMatchObject(expected);
  });

  test("half a reply and a broken connection is UNAVAILABLE and sent, and the next call gets a new session", async () => {
    const { port, sessions, sockets } = await http2Server((stream, _session, count) => {
      if (count > 1) return answer(stream);
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => sockets[0]!.resetAndDestroy());
    });
    const { handle } = grpcClient(port);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "UNAVAILABLE", sent: true });
    expect(textOf((await handle(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
    expect(sessions.size).toBe(2);
  });

  test("half a message with status OK is INTERNAL; without a status it is UNKNOWN", async () => {
    const { port } = await http2Server((stream, _session, count) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        if (count === 1) stream.sendTrailers({ "grpc-status": "0" });
        else stream.close();
      });
      stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
    });
    const { handle } = grpcClient(port);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "INTERNAL", sent: true });
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "UNKNOWN", sent: true });
  });

  test("replies that cannot be read fail their own calls and never the connection, however many they are", async () => {
    const { port, sessions } = await http2Server((stream, _session, count) => {
      if (count > 2_000) return answer(stream);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([7, 0, 0, 0, 0]));
    });
    const { handle } = grpcClient(port);
    for (let i = 0; i < 2_000; i += 50) {
      const errors = await Promise.all(
        Array.from({ length: 50 }, () => failureOf(handle(callOf("protobuf", "echo", "x")))),
      );
      expect(errors.every(({ code, message }) => code === "INTERNAL" && message.includes("flag is 7"))).toBe(true);
    }
    expect(textOf((await handle(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
    expect(sessions.size).toBe(1);
  });

  test("a reply that cannot be read and does not end is cut", async () => {
    const { port } = await http2Server((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(Buffer.from([7, 0, 0, 0, 0]));
      const more = () => void (stream.destroyed || stream.write(Buffer.alloc(64 * 1024), more));
      more();
    });
    const error = await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")));
    expect(error).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("flag is 7") });
  });

  test("after a GOAWAY the calls in flight finish and new ones get a new session", async () => {
    const held: ServerHttp2Stream[] = [];
    const { port, sessions } = await http2Server((stream, session, count) => {
      if (count > 1) return answer(stream, "second");
      held.push(stream);
      session.goaway(0, stream.id);
    });
    const { handle } = grpcClient(port);
    const first = handle(callOf("protobuf", "echo", "x"));
    await expect.poll(() => held.length).toBe(1);
    await expect
      .poll(async () => {
        await handle(callOf("protobuf", "echo", "x")).catch(() => {});
        return sessions.size;
      })
      .toBe(2);
    answer(held[0]!, "first");
    expect(textOf((await first).payload)).toBe("first");
  });

  test("a call that a GOAWAY says was not looked at is UNAVAILABLE and not sent", async () => {
    const { port } = await http2Server((stream, session, count) => {
      if (count === 1) answer(stream);
      else session.goaway(0, 1);
    });
    const { handle } = grpcClient(port);
    await handle(callOf("protobuf", "echo", "stream 1"));
    const error = await failureOf(handle(callOf("protobuf", "echo", "stream 3")));
    expect(error).toMatchObject({ code: "UNAVAILABLE", sent: false });
  });

  test("calls that were left unanswered take no streams from others: their connection is replaced", async () => {
    let arrived: () => void = () => {};
    let silent = true;
    const { port, sessions } = await http2Server((stream) => (silent ? arrived() : answer(stream)), {
      maxConcurrentStreams: 40,
    });
    // Time stands still, so that no more than the first hundred streams may be reset.
    const { handle } = grpcClient(port, createFakeClock());
    for (let i = 0; i < 120; i++) {
      const controller = new AbortController();
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const left = failureOf(handle(callOf("protobuf", "echo", "x", { signal: controller.signal })));
      await arrival;
      controller.abort();
      expect(await left).toMatchObject({ code: "CANCELLED", sent: true });
    }
    silent = false;
    const replies = await Promise.all(Array.from({ length: 40 }, () => handle(callOf("protobuf", "echo", "x"))));
    expect(replies.every(({ kind }) => kind === "result")).toBe(true);
    expect(sessions.size).toBe(2);
    await expect.poll(() => [...sessions].map(({ closed, destroyed }) => closed || destroyed)).toEqual([true, false]);
  });

  test("a connection that does not come about in time is UNAVAILABLE, not sent", async () => {
    const clock = createFakeClock();
    const { port } = await http2Server((stream) => answer(stream));
    const failed = failureOf(grpcClient(port, clock).handle(callOf("protobuf", "echo", "x")));
    clock.advance(1_000);
    const message = expect.stringContaining("1000 ms");
    expect(await failed).toMatchObject({ code: "UNAVAILABLE", sent: false, message });
  });

  test("closing waits for the calls in flight and refuses new ones", async () => {
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    const { port } = await http2Server((stream) => arrived.resolve(stream));
    const client = grpcClient(port);
    const reply = client.handle(callOf("protobuf", "echo", "x"));
    const stream = await arrived.promise;
    const closed = client.close();
    const refused = await failureOf(client.handle(callOf("protobuf", "echo", "x")));
    expect(refused).toMatchObject({ code: "UNAVAILABLE", sent: false });
    answer(stream);
    expect((await reply).kind).toBe("result");
    await closed;
  });

  test.each([
    ["refused", (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
    ["said goodbye to", (_: ServerHttp2Stream, session: ServerHttp2Session) => session.goaway(0, 1)],
  ])("a call that was %s is tried again, though its method is not idempotent", async (_name, turnAway) => {
    const { port } = await http2Server((stream, session, count) => {
      if (count === 2) turnAway(stream, session);
      else answer(stream);
    });
    const { handle } = grpcClient(port);
    const tryAgain = retry(retryOptions.parse({}), {
      clock: systemClock,
      random: () => 0,
      counts: newUpstreamCounts(),
    });
    const calls = tryAgain.calls(handle);
    await calls(callOf("protobuf", "echo", "x"));
    expect(textOf((await calls(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
  });

  test("calls wait for a free stream when the peer allows few", async () => {
    let active = 0;
    let most = 0;
    const { port } = await http2Server(
      (stream) => {
        most = Math.max(most, ++active);
        stream.on("close", () => active--);
        setImmediate(() => answer(stream));
      },
      { maxConcurrentStreams: 2 },
    );
    const { handle } = grpcClient(port);
    await handle(callOf("protobuf", "echo", "settings have come"));
    const replies = await Promise.all(Array.from({ length: 50 }, () => handle(callOf("protobuf", "echo", "x"))));
    expect(replies.every(({ kind }) => kind === "result")).toBe(true);
    expect(most).toBe(2);
  });
});
