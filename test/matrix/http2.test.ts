// Our HTTP/2 over real sockets, against node:http2 in both roles and against nghttp2's tools.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { createHttp2Connection, type Http2Connection } from "../../src/protocol/http2/connection.ts";
import { ERROR_CODE } from "../../src/protocol/http2/error-codes.ts";
import type { Http2Events } from "../../src/protocol/http2/events.ts";
import type { HeaderList } from "../../src/protocol/http2/header-list.ts";
import type { Http2Options } from "../../src/protocol/http2/options.ts";
import type { Role } from "../../src/protocol/http2/stream-table.ts";
import { writeOutput } from "../../src/protocol/http2/write-output.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";

const run = promisify(execFile);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Joined<Context> {
  readonly connection: Http2Connection<Context>;
  readonly socket: Socket;
  /** Why it failed, if it did. */
  failure: Error | undefined;
}

const SILENT = {
  onHeaders: () => {},
  onData: () => {},
  onTrailers: () => {},
  onReset: () => {},
  onClose: () => {},
  onDrain: () => {},
  onSettings: () => {},
  onGoAway: () => {},
  onPong: () => {},
} as const;

/** Joins a connection to a socket. */
function joinSocket<Context>(
  role: Role,
  socket: Socket,
  options: Partial<Http2Options>,
  events: (joined: Joined<Context>) => Partial<Http2Events<Context>>,
): Joined<Context> {
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    writeOutput(connection, socket);
  };
  const handlers: Partial<Http2Events<Context>> = {};
  const connection = createHttp2Connection<Context>(
    role,
    { ...options, nowMs: () => performance.now() },
    {
      ...SILENT,
      onHeaders: (...args) => handlers.onHeaders?.(...args),
      onData: (...args) => handlers.onData?.(...args),
      onTrailers: (...args) => handlers.onTrailers?.(...args),
      onReset: (...args) => handlers.onReset?.(...args),
      onClose: (...args) => handlers.onClose?.(...args),
      onDrain: (...args) => handlers.onDrain?.(...args),
      onSettings: () => handlers.onSettings?.(),
      onGoAway: (...args) => handlers.onGoAway?.(...args),
      onPong: (...args) => handlers.onPong?.(...args),
      onOutput() {
        if (!scheduled) setImmediate(flush);
        scheduled = true;
      },
      onFinished() {
        flush();
        socket.end();
      },
      onFailed(error) {
        joined.failure = error;
        flush();
        socket.end();
      },
    },
  );
  const joined: Joined<Context> = { connection, socket, failure: undefined };
  Object.assign(handlers, events(joined));
  socket.on("data", (chunk) => connection.receive(chunk));
  socket.on("drain", flush);
  socket.on("error", () => {});
  socket.on("close", () => connection.transportEnded());
  cleanups.push(() => socket.destroy());
  flush();
  return joined;
}

const HEADERS: HeaderList = [":status", "200", "content-type", "application/grpc"];
const TRAILERS: HeaderList = ["grpc-status", "0"];

/** A server on our module that echoes each request's data as it comes, with back-pressure from the response. */
async function echoServer(options: Partial<Http2Options> = {}) {
  const accepted: Joined<number>[] = [];
  const resets: number[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const joined = joinSocket<number>("server", socket, options, ({ connection }) => ({
      onHeaders(stream, _list, endStream) {
        connection.sendHeaders(stream, HEADERS, false);
        if (endStream) connection.sendHeaders(stream, TRAILERS, true);
      },
      onData(stream, bytes, endStream) {
        if (connection.sendData(stream, bytes, false)) connection.consume(stream, bytes.length);
        else stream.context = (stream.context ?? 0) + bytes.length;
        if (endStream) connection.sendHeaders(stream, TRAILERS, true);
      },
      onTrailers: (stream, list) => connection.sendHeaders(stream, [...TRAILERS, ...list], true),
      onDrain(stream) {
        connection.consume(stream, stream.context ?? 0);
        stream.context = 0;
      },
      onReset: (_stream, { code }) => resets.push(code),
    }));
    accepted.push(joined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, accepted, resets };
}

function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

describe("our server and a node:http2 client", () => {
  async function client(port: number, settings: http2.Settings = {}) {
    const session = http2.connect(`http://127.0.0.1:${port}`, { settings, maxSessionMemory: 100 });
    session.on("error", () => {});
    cleanups.push(() => session.destroy());
    await once(session, "connect");
    return session;
  }

  async function echo(session: http2.ClientHttp2Session, body: Buffer, extra: http2.OutgoingHttpHeaders = {}) {
    const stream = session.request({ ":method": "POST", ":path": "/pkg.Service/Echo", te: "trailers", ...extra });
    const chunks: Buffer[] = [];
    let trailers: http2.IncomingHttpHeaders = {};
    let status: number | undefined;
    stream.on("response", (headers) => {
      status = headers[":status"];
    });
    stream.on("trailers", (headers) => {
      trailers = headers;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.end(body);
    await once(stream, "close");
    return { status, body: Buffer.concat(chunks), grpcStatus: trailers["grpc-status"], trailers };
  }

  test("a thousand calls at once, each with its own body", async () => {
    const { port } = await echoServer();
    const session = await client(port);
    const bodies = Array.from({ length: 1_000 }, (_, i) => bytesOf(i, i + 1));
    const answers = await Promise.all(bodies.map((body, i) => echo(session, body, { "x-number": String(i) })));
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatchObject({ status: 200, grpcStatus: "0" });
      expect(answer.body.equals(bodies[i]!)).toBe(true);
    }
  });

  test.each([
    ["windows of 64 KiB", {}],
    ["windows of 1,000 bytes", { initialWindowSize: 1_000 }],
    ["frames of 1 MiB", { maxFrameSize: 1024 * 1024 }],
    ["no header table", { headerTableSize: 0 }],
  ])("ten large bodies at once through %s", async (_name, settings) => {
    const { port } = await echoServer();
    const session = await client(port, settings);
    const bodies = Array.from({ length: 10 }, (_, i) =>
      bytesOf("initialWindowSize" in settings ? 100_000 : 3_000_000, i + 1),
    );
    const answers = await Promise.all(bodies.map((body) => echo(session, body)));
    for (const [i, answer] of answers.entries()) expect(answer.body.equals(bodies[i]!)).toBe(true);
  });

  test("a server with small windows takes large bodies", async () => {
    const { port } = await echoServer({ streamWindowBytes: 2_000, connectionWindowBytes: 70_000 });
    const session = await client(port);
    const body = bytesOf(1_000_000);
    expect((await echo(session, body)).body.equals(body)).toBe(true);
  });

  test("large headers, and metadata that repeats", async () => {
    const { port } = await echoServer();
    const session = await client(port);
    for (let i = 0; i < 3; i++) {
      expect(await echo(session, Buffer.from("x"), { large: "y".repeat(30_000), many: ["a", "b"] })).toMatchObject({
        status: 200,
      });
    }
  });

  test("a cancel reaches the server, and the connection goes on", async () => {
    const { port, resets } = await echoServer();
    // Without a window the answer has to wait.
    const session = await client(port, { initialWindowSize: 0 });
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.write("question");
    await once(stream, "response");
    stream.close(http2.constants.NGHTTP2_CANCEL);
    expect(await echo(session, Buffer.alloc(0))).toMatchObject({ grpcStatus: "0" });
    expect(resets).toEqual([ERROR_CODE.CANCEL]);
  });

  test("a shutdown lets calls in flight end and then closes", async () => {
    const { port, accepted } = await echoServer();
    const session = await client(port);
    const stream = session.request({ ":method": "POST", ":path": "/" });
    await once(stream, "response");
    const goAway = once(session, "goaway");
    accepted[0]!.connection.shutDown();
    await goAway;
    stream.resume();
    stream.end("last words");
    const [trailers] = await once(stream, "trailers");
    expect(trailers["grpc-status"]).toBe("0");
    await once(session, "close");
  });

  test("a PING is answered, also with ours under way", async () => {
    const { port, accepted } = await echoServer();
    const session = await client(port);
    accepted[0]?.connection.ping();
    const [error, payload] = await new Promise<[Error | null, Buffer]>((resolve) => {
      session.ping(Buffer.from("12345678"), (failure, _duration, echoed) => resolve([failure, echoed]));
    });
    expect(error).toBeNull();
    expect(payload.toString()).toBe("12345678");
  });
});

interface Exchange {
  headers: HeaderList | undefined;
  trailers: HeaderList | undefined;
  readonly chunks: Buffer[];
  readonly closed: () => void;
  reset: string | undefined;
}

describe("our client and a node:http2 server", () => {
  async function client(server: http2.Http2Server, options: Partial<Http2Options> = {}) {
    const sessions: http2.ServerHttp2Session[] = [];
    server.on("session", (session) => {
      sessions.push(session);
      session.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
    const ready = Promise.withResolvers<void>();
    const joined = joinSocket<Exchange>("client", socket, options, ({ connection }) => ({
      onHeaders(stream, list) {
        stream.context!.headers = list;
      },
      onData(stream, bytes) {
        stream.context!.chunks.push(bytes);
        connection.consume(stream, bytes.length);
      },
      onTrailers(stream, list) {
        stream.context!.trailers = list;
      },
      onReset(stream, { code, by, processed }) {
        stream.context!.reset = `${code} ${by}${processed ? "" : " unprocessed"}`;
      },
      onClose: (stream) => stream.context!.closed(),
      onSettings: () => ready.resolve(),
    }));
    await ready.promise;
    return { ...joined, sessions };
  }

  function open(connection: Http2Connection<Exchange>, extra: HeaderList = []) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const exchange: Exchange = {
      headers: undefined,
      trailers: undefined,
      chunks: [],
      closed: resolve,
      reset: undefined,
    };
    const list = [":method", "POST", ":scheme", "http", ":path", "/pkg.Service/Echo", ":authority", "a", ...extra];
    const stream = connection.openStream(list, false, exchange);
    if (!stream) throw new Error("no stream was free");
    return { stream, exchange, closed: promise };
  }

  async function echo(connection: Http2Connection<Exchange>, body: Buffer, extra: HeaderList = []): Promise<Exchange> {
    const { stream, exchange, closed } = open(connection, extra);
    connection.sendData(stream, body, true);
    await closed;
    return exchange;
  }

  function echoing(settings: http2.Settings = {}): http2.Http2Server {
    const server = http2.createServer({ settings });
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    return server;
  }

  test("a thousand calls at once, each with its own body", async () => {
    const { connection } = await client(echoing({ maxConcurrentStreams: 2_000 }));
    const bodies = Array.from({ length: 1_000 }, (_, i) => bytesOf(i, i + 1));
    const answers = await Promise.all(bodies.map((body, i) => echo(connection, body, ["x-number", String(i)])));
    for (const [i, { headers, trailers, chunks, reset }] of answers.entries()) {
      expect([reset, headers?.slice(0, 2), trailers]).toEqual([undefined, [":status", "200"], ["grpc-status", "0"]]);
      expect(Buffer.concat(chunks).equals(bodies[i]!)).toBe(true);
    }
  });

  test.each([
    ["its default windows", {}],
    ["windows of 1,000 bytes", { initialWindowSize: 1_000 }],
    ["no header table", { headerTableSize: 0 }],
  ])("ten large bodies at once through %s", async (_name, settings) => {
    const { connection } = await client(echoing(settings));
    const bodies = Array.from({ length: 10 }, (_, i) =>
      bytesOf("initialWindowSize" in settings ? 100_000 : 3_000_000, i + 1),
    );
    const answers = await Promise.all(bodies.map((body) => echo(connection, body)));
    for (const [i, { chunks }] of answers.entries()) expect(Buffer.concat(chunks).equals(bodies[i]!)).toBe(true);
  });

  test("streams are limited by what the server says", async () => {
    const { connection } = await client(echoing({ maxConcurrentStreams: 3 }));
    expect(connection.freeStreams).toBe(3);
  });

  test("a reset, a cancel and a GOAWAY are what they are", async () => {
    const server = http2.createServer();
    const cancelled = Promise.withResolvers<number>();
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      if (headers["what"] === "refuse") stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      if (headers["what"] === "wait") stream.on("close", () => cancelled.resolve(stream.rstCode ?? -1));
      if (headers["what"] === "leave") stream.session?.goaway(http2.constants.NGHTTP2_NO_ERROR, 1, Buffer.from("bye"));
    });
    const { connection } = await client(server);
    expect(await echo(connection, Buffer.from("x"), ["what", "refuse"])).toMatchObject({ reset: "7 peer unprocessed" });
    const { stream } = open(connection, ["what", "wait"]);
    setImmediate(() => connection.resetStream(stream, ERROR_CODE.CANCEL));
    expect(await cancelled.promise).toBe(ERROR_CODE.CANCEL);
    expect(await echo(connection, Buffer.from("x"), ["what", "leave"])).toMatchObject({
      reset: "7 goaway unprocessed",
    });
    expect(connection.isUsable).toBe(false);
  });

  test("a connection that breaks resets what was open", async () => {
    const server = http2.createServer();
    const sockets: Socket[] = [];
    server.on("connection", (socket: Socket) => sockets.push(socket));
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      for (const socket of sockets) socket.destroy();
    });
    const { connection } = await client(server);
    const exchange = await echo(connection, Buffer.from("x"));
    expect(exchange.reset).toBe("8 connection");
  });
});

const lack = whatIsMissing(["nghttp2"]);

describe("our server and nghttp2's tools", () => {
  function body(length: number): string {
    const folder = mkdtempSync(join(tmpdir(), "causeway-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "body");
    writeFileSync(file, bytesOf(length));
    return file;
  }

  test.for<readonly [name: string, args: readonly string[]]>([
    ["plainly", []],
    ["with small windows", ["-w", "10", "-W", "12"]],
    ["with padding and trailers", ["--padding=255", "--trailer=x: y"]],
    ["with CONTINUATION", ["--continuation"]],
    ["with small header tables", ["-c", "0", "-c", "100"]],
  ])("nghttp sends and receives 300,000 bytes $0", async ([_name, args], { skip }) => {
    skip(lack !== undefined, lack);
    const { port, accepted } = await echoServer();
    const file = body(300_000);
    const { stdout } = await run("nghttp", ["-s", "-d", file, ...args, `http://127.0.0.1:${port}/pkg.Service/Echo`], {
      encoding: "latin1",
      maxBuffer: 20_000_000,
    });
    expect(stdout.includes(bytesOf(300_000).toString("latin1"))).toBe(true);
    expect(stdout).toMatch(/ 200 /);
    expect(accepted[0]!.failure).toBeUndefined();
  });

  test.for<readonly [name: string, args: readonly string[], requests: number]>([
    ["8 connections of 16 streams", ["-n", "20000", "-c", "8", "-m", "16"], 20_000],
    ["64 connections of 1 stream", ["-n", "6400", "-c", "64", "-m", "1"], 6_400],
    [
      "1 connection of 100 streams, small windows",
      ["-n", "5000", "-c", "1", "-m", "100", "-w", "8", "-W", "10"],
      5_000,
    ],
  ])("h2load with %s: every request is answered", async ([_name, args, requests], { skip }) => {
    skip(lack !== undefined, lack);
    const { port, accepted } = await echoServer();
    const url = `http://127.0.0.1:${port}/pkg.Service/Echo`;
    const { stdout } = await run("h2load", [...args, "-t", "1", "-d", body(205), "-H", "te: trailers", url]);
    expect(stdout).toContain(`${requests} succeeded, 0 failed, 0 errored`);
    expect(accepted.every(({ failure }) => failure === undefined)).toBe(true);
  });
});
