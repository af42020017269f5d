// The clients for servers over HTTP/1.1 and FastCGI, over real sockets: at our own HTTP port and a FastCGI application by hand,
// and at sockets that misbehave.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Address } from "../../src/base/address.ts";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { createHttpListener } from "../../src/inbound/http-listener.ts";
import {
  connectHttp,
  connectUpstreamOptions,
  fastCgiUpstreamOptions,
  type HttpUpstreamOptions,
  httpJsonUpstreamOptions,
  thriftHttpUpstreamOptions,
} from "../../src/outbound/http-upstream.ts";
import type { HttpHandler } from "../../src/protocol/http/http.ts";
import { createHttpPort } from "../../src/protocol/http/http-port.ts";
import type { Call, Handler, Reply } from "../../src/rpc/call.ts";
import type { EndpointHandler } from "../../src/rpc/connect.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { createAuthority } from "../certificates.ts";
import { createFakeClock } from "../fake-clock.ts";
import { serveFastCgi } from "../fastcgi-server.ts";
import { quietLog } from "../quiet-log.ts";
import { callOf, compactText, createEchoService, lookup, protobufText, textOf, thriftText } from "./echo.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const BOUNDS = { maxMessageBytes: 12_000_000, maxDepth: 64 };
const WIRES = {
  "Thrift over HTTP, binary": { ...thriftHttpUpstreamOptions.parse({ protocol: "thrift-http" }), ...BOUNDS },
  "Thrift over HTTP, compact": {
    ...thriftHttpUpstreamOptions.parse({ protocol: "thrift-http", codec: "thrift-compact" }),
    ...BOUNDS,
  },
  Connect: { ...connectUpstreamOptions.parse({ protocol: "connect" }), ...BOUNDS },
  "JSON over HTTP": { ...httpJsonUpstreamOptions.parse({ protocol: "http-json" }), ...BOUNDS },
  "FastCGI, Thrift": { ...fastCgiUpstreamOptions.parse({ protocol: "fastcgi", script: "/srv/index.php" }), ...BOUNDS },
  "FastCGI, Protobuf": {
    ...fastCgiUpstreamOptions.parse({ protocol: "fastcgi", script: "/srv/index.php", codec: "protobuf" }),
    ...BOUNDS,
  },
} as const satisfies Record<string, HttpUpstreamOptions>;

const EACH = Object.entries(WIRES) as readonly (readonly [string, HttpUpstreamOptions])[];

/** JSON as the service Echo does not speak it. */
function inJson(handle: Handler): Handler {
  return async (call) => {
    if (call.payload.codec !== "json") return handle(call);
    const { text } = JSON.parse(Buffer.from(call.payload.bytes).toString());
    const reply = await handle({ ...call, payload: { ...call.payload, codec: "protobuf", bytes: protobufText(text) } });
    if (reply.kind === "exception") return reply;
    const bytes = Buffer.from(JSON.stringify({ success: textOf(reply.payload) }));
    return { ...reply, payload: { ...reply.payload, codec: "json", bytes } };
  };
}

function portOf(handle: Handler): HttpHandler {
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  return createHttpPort(
    { allowedOrigins: [], allowedHosts: [], maxMessageBytes: BOUNDS.maxMessageBytes, address },
    { lookup, services: [], handle, clock: systemClock, printDetail: () => undefined },
  );
}

/** A server that answers calls on a wire, in front of a handler. */
async function serve({ protocol }: HttpUpstreamOptions, handle: Handler): Promise<Address> {
  const host = "127.0.0.1";
  if (protocol === "fastcgi") {
    const server = await serveFastCgi(portOf(inJson(handle)));
    cleanups.push(server.close);
    return { kind: "tcp", host, port: server.port };
  }
  const bounds = { maxBodyBytes: BOUNDS.maxMessageBytes, maxHeaderBytes: 32_768 };
  const options = { address: { kind: "tcp", host, port: 0 } as const, ...bounds };
  const listener = await createHttpListener(options, portOf(inJson(handle)), quietLog);
  cleanups.push(() => listener.close(0));
  return listener.address;
}

function connect(address: Address, options: HttpUpstreamOptions, clock = systemClock): EndpointHandler {
  const name = address.kind === "tcp" ? `127.0.0.1:${address.port}` : address.path;
  const handler = connectHttp(options, clock, quietLog)({ upstream: "echo", address, name });
  cleanups.push(() => handler.close());
  return handler;
}

/** What a call of a wire is encoded in. */
function codecOf(options: HttpUpstreamOptions): Call["payload"]["codec"] {
  if (options.protocol === "connect") return "protobuf";
  return options.protocol === "http-json" ? "json" : options.codec;
}

function bytesOf(options: HttpUpstreamOptions, text: string): Buffer {
  switch (codecOf(options)) {
    case "json":
      return Buffer.from(JSON.stringify({ text }));
    case "protobuf":
      return protobufText(text);
    case "thrift-compact":
      return compactText(1, text);
    default:
      return thriftText(1, text);
  }
}

function call(options: HttpUpstreamOptions, text: string, changes: Partial<Call> = {}, name = "echo"): Call {
  const codec = codecOf(options);
  const wire = codec === "json" || codec === "protobuf" ? "protobuf" : "thrift";
  return callOf(wire, name, "", { payload: { type: undefined, codec, bytes: bytesOf(options, text) }, ...changes });
}

function said({ payload }: Reply): string {
  if (payload.codec !== "json") return textOf(payload);
  return JSON.parse(Buffer.from(payload.bytes).toString()).success;
}

async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  const outcome = await promise.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(RpcError);
  return outcome as RpcError;
}

/** A server that does with each connection's bytes what the test says. */
async function rawServer(onData: (socket: Socket, chunk: Buffer, connection: number) => void) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
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
  const { port } = server.address() as AddressInfo;
  return { address: { kind: "tcp", host: "127.0.0.1", port } as const, sockets, count: () => connections };
}

describe.each(EACH)("%s", (_title, wire) => {
  test("carries results, the declared exception, errors with their exact code, and oneway calls", async () => {
    const service = createEchoService();
    const { handle } = connect(await serve(wire, service.handle), wire);
    expect(said(await handle(call(wire, "hello")))).toBe("hello");
    expect(await handle(call(wire, "missing"))).toMatchObject({ kind: "exception", field: { id: 1, name: "missing" } });
    expect(await failureOf(handle(call(wire, "refused")))).toMatchObject({
      code: "PERMISSION_DENIED",
      message: "not for you, 100 % sure",
      origin: "peer",
      sent: true,
    });
    expect((await failureOf(handle(call(wire, "broken")))).code).toBe("INTERNAL");
    expect((await handle(call(wire, "a note", {}, "note"))).kind).toBe("result");
    await expect.poll(() => service.calls.some(({ payload }) => textOf(payload) === "a note")).toBe(true);
    expect(said(await handle(call(wire, "")))).toBe("");
  });

  test("carries metadata, trailers, the deadline and an error's details", async () => {
    const seen: Call[] = [];
    const detail = { typeUrl: "type.googleapis.com/test.Why", value: Buffer.from([1, 2, 255]) };
    const echo = createEchoService();
    const address = await serve(wire, async (incoming) => {
      seen.push(incoming);
      const headers = Metadata.from([["served-by", "one"]]);
      const trailers = Metadata.from([["cost-bin", "AQI"]]);
      if (textOf(incoming.payload) === "fail") {
        throw new RpcError("ABORTED", "zwei\nZeilen: é", { details: [detail], headers, trailers });
      }
      return { ...(await echo.handle(incoming)), headers, trailers };
    });
    const { handle } = connect(address, wire);
    const headers = Metadata.from([
      ["tenant", "a"],
      ["key-bin", "AQID/w"],
      ["traceparent", "00-1-2-03"],
      ["accept", "dropped"],
      ["no-http", "é"],
    ]);
    const outgoing = call(wire, "x", { headers, expiresAtMs: systemClock.nowMs() + 60_000 });
    const reply = await handle(outgoing);
    expect(reply.headers.get("served-by")).toBe("one");
    expect(reply.trailers.get("cost-bin")).toBe("AQI");
    const metadata = [...seen[0]!.headers].filter(([name]) => name !== "user-agent");
    expect(metadata).toEqual([
      ["tenant", "a"],
      ["key-bin", "AQID/w"],
      ["traceparent", "00-1-2-03"],
    ]);
    expect(outgoing.facts.droppedMetadata).toBe(2);
    expect(seen[0]!.expiresAtMs - systemClock.nowMs()).toBeGreaterThan(50_000);
    const error = await failureOf(handle(call(wire, "fail")));
    expect(error).toMatchObject({ code: "ABORTED", message: "zwei\nZeilen: é", origin: "peer", sent: true });
    expect(error.details.map(({ typeUrl, value }) => [typeUrl, [...value]])).toEqual([[detail.typeUrl, [1, 2, 255]]]);
    expect(error.trailers.get("cost-bin")).toBe("AQI");
  });

  test("carries many calls at once over the connections that are allowed", async () => {
    const service = createEchoService();
    const { handle } = connect(await serve(wire, service.handle), { ...wire, maxConnections: 3 });
    const texts = Array.from({ length: 200 }, (_, i) => `${i} ${"x".repeat(i % 90)}`);
    const replies = await Promise.all(texts.map((text) => handle(call(wire, text))));
    expect(replies.map(said)).toEqual(texts);
    const peers = new Set(service.calls.map(({ facts }) => facts.peer));
    expect(peers.size).toBeLessThanOrEqual(3);
  });

  test("carries ten megabytes each way", async () => {
    const address = await serve(wire, async ({ payload, method }) => ({
      kind: "result",
      payload: { ...payload, type: method.response },
      headers: Metadata.EMPTY,
      trailers: Metadata.EMPTY,
    }));
    const codec = codecOf(wire);
    const text = "y".repeat(10_000_000);
    // The answer is what was sent, so what is sent is a result.
    const bytes =
      codec === "thrift-binary"
        ? thriftText(0, text)
        : codec === "thrift-compact"
          ? longCompactText(text)
          : Buffer.from(JSON.stringify({ text }));
    const { handle } = connect(codec === "json" ? await bareJson() : address, wire);
    const reply = await handle(call(wire, "", { payload: { type: undefined, codec, bytes } }));
    expect(Buffer.compare(reply.payload.bytes, bytes)).toBe(0);
  });

  test("a call that is aborted is called off on the other side too", async () => {
    const service = createEchoService();
    const { handle } = connect(await serve(wire, service.handle), wire);
    const controller = new AbortController();
    const hanging = failureOf(handle(call(wire, "hang", { signal: controller.signal })));
    await service.hanging;
    controller.abort();
    expect(await hanging).toMatchObject({ code: "CANCELLED", sent: true });
    await service.aborted;
    expect(said(await handle(call(wire, "and on")))).toBe("and on");
  });

  test("a call that was aborted while it waited for a connection was not sent", async () => {
    const service = createEchoService();
    const { handle } = connect(await serve(wire, service.handle), { ...wire, maxConnections: 1 });
    const held = handle(call(wire, "hold"));
    const controller = new AbortController();
    const waiting = failureOf(handle(call(wire, "never", { signal: controller.signal })));
    controller.abort(new RpcError("DEADLINE_EXCEEDED", "too late"));
    expect(await waiting).toMatchObject({ code: "DEADLINE_EXCEEDED", sent: false });
    await expect.poll(() => service.calls.length).toBe(1);
    service.release();
    expect(said(await held)).toBe("hold");
    expect(service.calls.length).toBe(1);
  });

  test("nobody listening is UNAVAILABLE and not sent, for everybody who waits, and at once the next time", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { handle } = connect({ kind: "tcp", host: "127.0.0.1", port }, { ...wire, maxConnections: 2 });
    const failures = await Promise.all([1, 2, 3, 4, 5].map(() => failureOf(handle(call(wire, "x")))));
    expect(failures.map(({ code, sent }) => [code, sent])).toEqual(Array(5).fill(["UNAVAILABLE", false]));
    expect((await failureOf(handle(call(wire, "x")))).message).toContain("the next attempt is in");
  });

  test("a peer that closes, resets or says nothing that makes sense fails the call as sent", async () => {
    let answer = (socket: Socket): unknown => socket.end();
    const server = await rawServer((socket) => answer(socket));
    const { handle } = connect(server.address, wire);
    const outcomes: [string, (socket: Socket) => unknown][] = [
      ["UNAVAILABLE", (socket) => socket.end()],
      ["UNAVAILABLE", (socket) => socket.resetAndDestroy()],
      [
        "UNAVAILABLE",
        (socket) => socket.end(wire.protocol === "fastcgi" ? Buffer.from([1, 6, 0, 1, 0]) : "HTTP/1.1 200 OK\r\n"),
      ],
      ["INTERNAL", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")],
    ];
    for (const [code, next] of outcomes) {
      answer = next;
      expect(await failureOf(handle(call(wire, "x")))).toMatchObject({ code, sent: true });
    }
  });

  test("a response beyond the limit is RESOURCE_EXHAUSTED", async () => {
    const service = createEchoService();
    const { handle } = connect(await serve(wire, service.handle), { ...wire, maxMessageBytes: 100 });
    const long = "x".repeat(120);
    expect(await failureOf(handle(call(wire, long)))).toMatchObject({ code: "RESOURCE_EXHAUSTED", sent: true });
    expect(said(await handle(call(wire, "short")))).toBe("short");
  });

  test("closing waits for the calls in flight, and then nothing is sent any more", async () => {
    const service = createEchoService();
    const handler = connect(await serve(wire, service.handle), wire);
    const held = handler.handle(call(wire, "hold"));
    await expect.poll(() => service.calls.length).toBe(1);
    const closed = handler.close();
    service.release();
    expect(said(await held)).toBe("hold");
    await closed;
    expect(await failureOf(handler.handle(call(wire, "late")))).toMatchObject({ code: "UNAVAILABLE", sent: false });
  });
});

test.each(EACH.filter(([, { protocol }]) => protocol !== "fastcgi"))(
  "%s goes over a unix socket as well",
  async (_title, wire) => {
    const folder = mkdtempSync(join(tmpdir(), "causeway-http-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const service = createEchoService();
    const address = { kind: "unix", path: join(folder, "s") } as const;
    const bounds = { maxBodyBytes: 100_000, maxHeaderBytes: 32_768 };
    const listener = await createHttpListener({ address, ...bounds }, portOf(inJson(service.handle)), quietLog);
    cleanups.push(() => listener.close(0));
    const { handle } = connect(address, wire);
    expect(said(await handle(call(wire, "hello")))).toBe("hello");
  },
);

test.each(EACH.filter(([, { protocol }]) => protocol === "fastcgi"))(
  "%s: connections that nobody uses are closed",
  async (_title, wire) => {
    const server = await serveFastCgi(portOf(inJson(createEchoService().handle)));
    cleanups.push(server.close);
    const clock = createFakeClock();
    const { handle } = connect({ kind: "tcp", host: "127.0.0.1", port: server.port }, wire, clock);
    await handle(call(wire, "one"));
    await handle(call(wire, "two"));
    expect(server.connections()).toBe(1);
    clock.advance(wire.idleTimeoutMs);
    await handle(call(wire, "three"));
    expect(server.connections()).toBe(2);
  },
);

test("a server of node:http is understood however it says where its response ends", async () => {
  const body = '{"success":"hello"}';
  const ways: readonly ((response: ServerResponse) => unknown)[] = [
    (response) => response.setHeader("content-length", body.length).end(body),
    (response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.setHeader("trailer", "cost");
      response.write(body.slice(0, 5));
      response.write(body.slice(5));
      response.addTrailers({ cost: "2" });
      response.end();
    },
    (response) => response.setHeader("connection", "close").end(body),
    (response) => {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.write(body);
      response.end();
    },
  ];
  let requests = 0;
  let connections = 0;
  const server = createHttpServer((request, response) => {
    const answer = ways[requests++ % ways.length]!;
    response.setHeader("content-type", "application/json");
    request.resume().on("end", () => answer(response));
  });
  server.on("connection", () => connections++).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { handle } = connect({ kind: "tcp", host: "127.0.0.1", port }, WIRES["JSON over HTTP"]);
  for (let i = 0; i < 3 * ways.length; i++) {
    expect(said(await handle(call(WIRES["JSON over HTTP"], "hello")))).toBe("hello");
  }
  // Two of the four ways end the connection.
  expect(connections).toBe(6);
});

test("connections to HTTP servers that nobody uses are closed", async () => {
  const body = '{"success":"hello"}';
  const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const server = await rawServer((socket) => socket.write(answer));
  const clock = createFakeClock();
  const wire = WIRES["JSON over HTTP"];
  const { handle, connections } = connect(server.address, wire, clock);
  for (let i = 0; i < 2; i++) await handle(call(wire, "hello"));
  expect(server.count()).toBe(1);
  expect(connections?.()).toEqual({ open: 1, connecting: 0, waiting: 0 });
  clock.advance(wire.idleTimeoutMs);
  await handle(call(wire, "hello"));
  expect(server.count()).toBe(2);
});

test("what a server sends unasked is nobody's response: its connection is closed", async () => {
  const body = '{"success":"hello"}';
  const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const server = await rawServer((socket) => socket.write(answer));
  const wire = WIRES["JSON over HTTP"];
  const { handle } = connect(server.address, wire);
  expect(said(await handle(call(wire, "hello")))).toBe("hello");
  const [first] = server.sockets;
  first!.write(answer.replace("hello", "stray"));
  await expect.poll(() => first!.destroyed).toBe(true);
  expect(said(await handle(call(wire, "hello")))).toBe("hello");
  expect(server.count()).toBe(2);
});

test("TLS is spoken where it is asked for, and a certificate of another authority is refused before anything is sent", async ({
  skip,
}) => {
  const missing = whatIsMissing(["openssl"]);
  skip(missing !== undefined, missing);
  const [authority, other] = [createAuthority(), createAuthority()];
  cleanups.push(authority.remove, other.remove);
  const { cert, key } = authority.issue("server", { names: "IP:127.0.0.1" });
  const body = '{"success":"hello"}';
  const server = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) =>
    response.setHeader("content-type", "application/json").end(body),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = { kind: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port } as const;
  const trusting = (ca: string): HttpUpstreamOptions => ({
    ...httpJsonUpstreamOptions.parse({ protocol: "http-json", tls: { ca } }),
    ...BOUNDS,
  });
  const wire = trusting(authority.ca);
  expect(said(await connect(address, wire).handle(call(wire, "hello")))).toBe("hello");
  const refused = await failureOf(connect(address, trusting(other.ca)).handle(call(wire, "hello")));
  expect(refused).toMatchObject({ code: "UNAVAILABLE", sent: false });
  expect(refused.message).toContain("cannot connect");
});

/** A compact result whose success is a string of any length. */
function longCompactText(text: string): Buffer {
  const length: number[] = [];
  for (let rest = text.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.from([0x08, 0x00, ...length]), Buffer.from(text), Buffer.of(0)]);
}

/** A server that answers JSON with the same JSON. */
async function bareJson(): Promise<Address> {
  const answer: HttpHandler = ({ body }) => ({
    status: 200,
    headers: Metadata.from([["content-type", "application/json; charset=utf-8"]]),
    body,
  });
  const bounds = { maxBodyBytes: BOUNDS.maxMessageBytes, maxHeaderBytes: 32_768 };
  const where = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const listener = await createHttpListener({ address: where, ...bounds }, answer, quietLog);
  cleanups.push(() => listener.close(0));
  return listener.address;
}
