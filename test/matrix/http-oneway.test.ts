// Oneway calls of Thrift to servers over HTTP that answer them late, with an error, or never.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Log } from "../../src/base/log.ts";
import { connectHttp, thriftHttpUpstreamOptions } from "../../src/outbound/http-upstream.ts";
import { createFakeClock } from "../fake-clock.ts";
import { callOf, textOf, thriftText } from "./echo.ts";

/** A server that hands out what it is asked, and a client with at most one connection. */
async function setUp() {
  const responses: ServerResponse[] = [];
  const waiting: ((response: ServerResponse) => void)[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const taker = waiting.shift();
      if (taker) taker(response);
      else responses.push(response);
    });
  });
  server.on("connection", () => void connections++).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const warnings: object[] = [];
  const log: Log = { debug() {}, info() {}, warn: (facts) => void warnings.push(facts), error() {} };
  const clock = createFakeClock();
  const options = thriftHttpUpstreamOptions.parse({ protocol: "thrift-http", maxConnections: 1 });
  const connect = connectHttp({ ...options, maxMessageBytes: 1_000, maxDepth: 64 }, clock, log);
  const address = { kind: "tcp", host: "127.0.0.1", port } as const;
  const client = connect({ upstream: "echo", address, name: "the server" });
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const next = () => {
    const response = responses.shift();
    return response ? Promise.resolve(response) : new Promise<ServerResponse>((resolve) => waiting.push(resolve));
  };
  return { client, next, clock, warnings, connections: () => connections };
}

const note = callOf("thrift", "note", "remember");
/** The reply of `echo`, in Thrift's old form of a strict message. */
const echoed = (text: string): Buffer =>
  Buffer.concat([
    Buffer.of(0x80, 1, 0, 2, 0, 0, 0, 4),
    Buffer.from("echo"),
    Buffer.of(0, 0, 0, 1),
    thriftText(0, text),
  ]);

test("a oneway call is done once it is written, though the server does not answer", async () => {
  const { client, next } = await setUp();
  expect((await client.handle(note)).kind).toBe("result");
  await next();
});

test("a connection whose server answers a oneway call late carries the next call", async () => {
  const { client, next, connections } = await setUp();
  await client.handle(note);
  const late = await next();
  const reply = client.handle(callOf("thrift", "echo", "x"));
  late.writeHead(204).end();
  (await next()).end(echoed("x"));
  expect(textOf((await reply).payload)).toBe("x");
  expect(connections()).toBe(1);
});

test("a connection whose server does not answer is closed at the call's deadline, and others get a new one", async () => {
  const { client, next, clock, connections } = await setUp();
  await client.handle({ ...note, expiresAtMs: clock.nowMs() + 400 });
  const silent = await next();
  const reply = client.handle(callOf("thrift", "echo", "x"));
  const gone = once(silent, "close");
  clock.advance(400);
  await gone;
  (await next()).end(echoed("x"));
  expect(textOf((await reply).payload)).toBe("x");
  expect(connections()).toBe(2);
});

test("an answer that is an error is logged, because nobody waits for it", async () => {
  const { client, next, warnings } = await setUp();
  await client.handle(note);
  (await next()).writeHead(404).end("no such service");
  await expect.poll(() => warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ endpoint: "the server", method: "note", code: "UNIMPLEMENTED" });
});

test("a oneway call that cannot be sent fails as any other", async () => {
  const options = thriftHttpUpstreamOptions.parse({ protocol: "thrift-http" });
  const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
  const connect = connectHttp({ ...options, maxMessageBytes: 1_000, maxDepth: 64 }, createFakeClock(), silent);
  const address = { kind: "tcp", host: "127.0.0.1", port: 1 } as const;
  const { handle } = connect({ upstream: "echo", address, name: "nobody" });
  await expect(handle(note)).rejects.toMatchObject({ code: "UNAVAILABLE", sent: false });
});

test("closing waits for the answer to a oneway call no longer than for its deadline", async () => {
  const { client, next, clock } = await setUp();
  await client.handle({ ...note, expiresAtMs: clock.nowMs() + 400 });
  await next();
  const closed = client.close();
  clock.advance(400);
  await closed;
});
