// How long connections live, over real sockets and with time that stands still: dead peers, old and idle connections,
// callers that only ping, and endpoints that are left alone.
import { once } from "node:events";
import { connect as connectHttp2, type Http2Session } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import {
  createLocalListener,
  type LocalListenerOptions,
  localListenerOptions,
} from "../../src/inbound/local-listener.ts";
import { connectGrpc, grpcUpstreamOptions } from "../../src/outbound/grpc-client.ts";
import { connectThrift, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { writeKitexReset } from "../../src/protocol/thrift/dress.ts";
import { createFrameSplitter } from "../../src/protocol/thrift/framing.ts";
import { MESSAGE, readMessageHeader, writeMessage } from "../../src/protocol/thrift/message.ts";
import { readTTHeader, writeTTHeader } from "../../src/protocol/thrift/ttheader.ts";
import type { Handler } from "../../src/rpc/call.ts";
import { createFakeClock } from "../fake-clock.ts";
import { quietLog } from "../quiet-log.ts";
import { callOf, framed, lookup, protobufText, replyOf, textOf, thriftText } from "./echo.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const echo: Handler = async (call) => replyOf(call, textOf(call.payload));

async function listenWith(options: object, handle: Handler = echo) {
  const clock = createFakeClock();
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const parsed: LocalListenerOptions = { ...localListenerOptions.parse(options), address };
  const listener = await createLocalListener(parsed, { lookup, handle, log: quietLog, clock });
  cleanups.push(async () => {
    const closed = listener.close(0);
    clock.advance(60_000);
    await closed;
  });
  const port = listener.address.kind === "tcp" ? listener.address.port : 0;
  return { clock, port, listener };
}

function grpcClient(port: number) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  cleanups.push(() => client.close());
  const same = (bytes: Buffer) => bytes;
  return (text: string) =>
    new Promise<Buffer | undefined>((resolve, reject) =>
      client.makeUnaryRequest("/test.Echo/echo", same, same, protobufText(text), (error, reply) =>
        error ? reject(error) : resolve(reply),
      ),
    );
}

function http2Client(port: number): Http2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  cleanups.push(() => session.destroy());
  return session;
}

/** A server that takes every connection, says `greeting`, and leaves the rest to the test. */
async function rawServer(greeting: Buffer, onData: (socket: Socket, chunk: Buffer) => void = () => {}) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("data", (chunk) => onData(socket, chunk));
    socket.write(greeting);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, server };
}

const SETTINGS = Buffer.from("000000040000000000", "hex");

function endpointOf(port: number) {
  return { upstream: "echo", address: { kind: "tcp", host: "127.0.0.1", port }, name: `127.0.0.1:${port}` } as const;
}

async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RpcError)) throw new Error("it did not fail with a RpcError");
  return error;
}

test("a caller that pings faster than is permitted is sent away with too_many_pings", async () => {
  const { port } = await listenWith({});
  const session = http2Client(port);
  await once(session, "connect");
  const gone = once(session, "goaway");
  for (let i = 0; i < 4; i++) session.ping(() => {});
  const [code, , debug] = await gone;
  expect([code, String(debug)]).toEqual([11, "too_many_pings"]);
});

test("PINGs are free for a caller that is answered between them", async () => {
  const { port } = await listenWith({});
  const session = http2Client(port);
  let goaway = false;
  session.on("goaway", () => {
    goaway = true;
  });
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => session.ping(resolve));
    const stream = (session as ReturnType<typeof connectHttp2>).request({
      ":method": "POST",
      ":path": "/test.Echo/echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const message = protobufText("x");
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    stream.resume();
    await once(stream, "close");
  }
  expect(goaway).toBe(false);
});

test("a caller that is gone without a word is found and its connection cut", async () => {
  const { clock, port } = await listenWith({ grpc: { keepaliveTimeMs: 1_000, keepaliveTimeoutMs: 100 } });
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  // It acknowledges the settings and then says nothing more, not even to a PING.
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), SETTINGS]));
  socket.write(Buffer.from("000000040100000000", "hex"));
  await once(socket, "data");
  const closed = once(socket, "close");
  await expect.poll(() => clock.pending).toBeGreaterThan(0);
  clock.advance(1_100);
  socket.resume();
  await closed;
});

test("an old connection says goodbye in good order: grpc-js loses no call", async () => {
  const { clock, port } = await listenWith({ grpc: { maxConnectionAgeMs: 1_000 } });
  const call = grpcClient(port);
  for (let round = 0; round < 5; round++) {
    const during = Array.from({ length: 20 }, (_, i) => call(`${i}`));
    clock.advance(1_200);
    const replies = await Promise.all([...during, call("after")]);
    expect(replies.at(-1)).toEqual(protobufText("after"));
  }
});

test("calls that outlive the age's grace are UNAVAILABLE, with the reason", async () => {
  const arrived = Promise.withResolvers<void>();
  const { clock, port } = await listenWith(
    { grpc: { maxConnectionAgeMs: 1_000, maxConnectionAgeGraceMs: 500 } },
    () => {
      arrived.resolve();
      return new Promise(() => {});
    },
  );
  const call = grpcClient(port)("x");
  await arrived.promise;
  clock.advance(1_100 + 500);
  await expect(call).rejects.toMatchObject({
    code: grpc.status.UNAVAILABLE,
    details: "the connection passed its age (maxConnectionAgeMs) before the call was done",
  });
});

test("idle connections of both wires are closed, and one with a call is not", async () => {
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { clock, port } = await listenWith({ idleTimeoutMs: 1_000 }, async (call) => {
    arrived.resolve();
    await release.promise;
    return replyOf(call, "late");
  });
  const busy = grpcClient(port)("x");
  await arrived.promise;
  const silent = connect(port, "127.0.0.1");
  const session = http2Client(port);
  await Promise.all([once(silent, "connect"), once(session, "remoteSettings")]);
  const closed = Promise.all([once(silent, "close"), once(session, "goaway")]);
  silent.resume();
  // The frames that open a connection count as use until a look has seen that they are all.
  await expect
    .poll(async () => {
      clock.advance(250);
      return Promise.race([closed.then(() => true), new Promise((resolve) => setImmediate(() => resolve(false)))]);
    })
    .toBe(true);
  release.resolve();
  expect(await busy).toEqual(protobufText("late"));
});

test("a server that is gone without a word fails its calls UNAVAILABLE and sent, and the next has a new connection", async () => {
  const clock = createFakeClock();
  let received = 0;
  const { port, sockets } = await rawServer(SETTINGS, (_, chunk) => {
    received += chunk.length;
  });
  const options = grpcUpstreamOptions.parse({ keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 1_000 });
  const { handle, close } = connectGrpc(options, clock, quietLog)(endpointOf(port));
  cleanups.push(close);
  const call = failureOf(handle(callOf("protobuf", "echo", "x")));
  await expect.poll(() => received).toBeGreaterThan(0);
  // Time moves until the SETTINGS have come, which count as a word.
  await expect
    .poll(async () => {
      clock.advance(11_000);
      return Promise.race([call, new Promise((resolve) => setImmediate(() => resolve(undefined)))]);
    })
    .toMatchObject({ code: "UNAVAILABLE", sent: true });
  expect((await call).message).toContain("it did not answer a PING within 1000 ms");
  void failureOf(handle(callOf("protobuf", "echo", "x")));
  await expect.poll(() => sockets.size).toBe(2);
  for (const socket of sockets) socket.destroy();
});

test("a server that never sends SETTINGS fails its calls, and is left alone for a while", async () => {
  const clock = createFakeClock();
  const { port, sockets } = await rawServer(Buffer.alloc(0));
  const { handle, close } = connectGrpc(grpcUpstreamOptions.parse({}), clock, quietLog)(endpointOf(port));
  cleanups.push(close);
  const call = failureOf(handle(callOf("protobuf", "echo", "x")));
  await expect.poll(() => sockets.size).toBe(1);
  await expect.poll(() => clock.pending).toBeGreaterThan(0);
  clock.advance(500);
  for (const socket of sockets) socket.destroy();
  expect(await call).toMatchObject({ code: "UNAVAILABLE" });
});

test("a Thrift endpoint that cannot be reached is tried once per back-off, and found when it is back", async () => {
  const clock = createFakeClock();
  const { port, server } = await rawServer(Buffer.alloc(0));
  server.close();
  await once(server, "close");
  const options = { ...thriftUpstreamOptions.parse({}), framing: "framed", envelope: "strict" } as const;
  const { handle, close } = connectThrift(options, clock, quietLog)(endpointOf(port));
  cleanups.push(close);
  const first = await failureOf(handle(callOf("thrift", "echo", "x")));
  expect(first).toMatchObject({ code: "UNAVAILABLE", sent: false });
  const tooSoon = await failureOf(handle(callOf("thrift", "echo", "x")));
  expect(tooSoon).toMatchObject({ code: "UNAVAILABLE", sent: false });
  expect(tooSoon.message).toBe(
    `${first.message}; the next attempt is in ${/in (\d+) ms$/.exec(tooSoon.message)?.[1]} ms`,
  );
  const back = createServer((socket) => {
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        const header = Buffer.from(chunk.subarray(4, 4 + 8 + 4 + 4));
        header[3] = 2;
        socket.write(framed(Buffer.concat([header, thriftText(0, "found")])));
      });
  });
  back.listen(port, "127.0.0.1");
  await once(back, "listening");
  cleanups.push(() => back.close());
  cleanups.push(close);
  clock.advance(120);
  const reply = await handle(callOf("thrift", "echo", "x"));
  expect(textOf(reply.payload)).toBe("found");
});

/** A call as a Kitex client with many on a connection writes it. */
function kitexCall(sequenceId: number): Buffer {
  const head = { flags: 1, sequenceId, protocolId: 0, zlib: false, pairs: ["isn", "Echo"], numbered: new Map() };
  const message = { envelope: "strict", name: "echo", type: MESSAGE.CALL, sequenceId } as const;
  return writeTTHeader(head, (room) => writeMessage(message, room, thriftText(1, "hello")));
}

test("a Kitex client is answered what is in flight, told of the end, and has time to hear of it", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: taken, resolve: arrived } = Promise.withResolvers<void>();
  const { clock, port, listener } = await listenWith({}, async (call) => {
    arrived();
    await gate;
    return replyOf(call, textOf(call.payload));
  });
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  const splitter = createFrameSplitter({ maxFrameBytes: 100_000 });
  const frames: { sequenceId: number; pairs: readonly string[] }[] = [];
  const heard = Promise.withResolvers<void>();
  socket.on("data", (chunk) => {
    splitter.push(chunk);
    for (let frame = splitter.next(); frame; frame = splitter.next()) frames.push(readTTHeader(frame));
    if (frames.length === 2) heard.resolve();
  });
  const ended = once(socket, "end");
  socket.write(kitexCall(7));
  await taken;
  const closed = listener.close(60_000);
  expect(frames).toEqual([]);
  open();
  await heard.promise;
  expect(frames.map(({ sequenceId }) => sequenceId)).toEqual([7, 0]);
  expect(frames[1]?.pairs).toEqual(["crrst", "1"]);
  // It had not heard yet when it sent this.
  socket.write(kitexCall(8));
  await expect.poll(() => frames.map(({ sequenceId }) => sequenceId)).toEqual([7, 0, 8]);
  clock.advance(100);
  await ended;
  await closed;
});

test("a Kitex server may answer a oneway call, and end a connection whose calls it still answers", async () => {
  const heads = { flags: 0, protocolId: 0, zlib: false, numbered: new Map() };
  /** A reply in a frame of its own inside the frame, as Kitex-Protobuf is. */
  function answer(frame: Uint8Array): Buffer {
    const { sequenceId, payload } = readTTHeader(frame);
    const { name } = readMessageHeader(payload.subarray(4))!;
    const message = { envelope: "kitex-protobuf", name, type: MESSAGE.REPLY, sequenceId } as const;
    const reply = framed(writeMessage(message, 0, name === "note" ? new Uint8Array(0) : protobufText("found")));
    const write = (room: number) => Buffer.concat([Buffer.alloc(room), reply]);
    return writeTTHeader({ ...heads, sequenceId, pairs: [] }, write);
  }
  const splitter = createFrameSplitter({ maxFrameBytes: 100_000 });
  let calls = 0;
  const { port, sockets } = await rawServer(Buffer.alloc(0), (socket, chunk) => {
    splitter.push(chunk);
    for (let frame = splitter.next(); frame; frame = splitter.next()) {
      calls++;
      // The third call's reply comes behind the end, which is not of that call.
      if (calls === 3) socket.write(writeKitexReset());
      socket.write(answer(frame));
    }
  });
  const options = { ...thriftUpstreamOptions.parse({}), framing: "ttheader", envelope: "kitex-protobuf" } as const;
  const { handle, close } = connectThrift(options, createFakeClock(), quietLog)(endpointOf(port));
  cleanups.push(close);
  await handle(callOf("protobuf", "note", "x"));
  for (const connections of [1, 1, 2]) {
    expect(textOf((await handle(callOf("protobuf", "echo", "x"))).payload)).toBe("found");
    expect(sockets.size).toBe(connections);
  }
});
