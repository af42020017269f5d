// The client for Thrift servers, at npm's and at sockets that misbehave.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { deadline } from "../../src/governance/deadline.ts";
import { MESSAGE, readMessageHeader, writeMessage } from "../../src/protocol/thrift/message.ts";
import { createFakeClock } from "../fake-clock.ts";
import { callOf, framed, textOf, thriftText } from "./echo.ts";
import { serveNpmThrift } from "./npm-thrift.ts";
import { failureOf, freePort, thriftClient } from "./outbound-clients.ts";

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
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return { port: (server.address() as AddressInfo).port, sockets, count: () => connections };
}

/** What a well-behaved server would answer to a framed call. */
function echoOf(chunk: Buffer, changes: { sequenceId?: number; name?: string; text?: string } = {}): Buffer {
  const { sequenceId, name } = readMessageHeader(chunk.subarray(4))!;
  const header = { envelope: "strict", name: changes.name ?? name, type: MESSAGE.REPLY } as const;
  const body = thriftText(0, changes.text ?? "echo");
  return framed(writeMessage({ ...header, sequenceId: changes.sequenceId ?? sequenceId }, 0, body));
}

describe("connectThrift at a npm thrift server", () => {
  test("gives results, declared exceptions and the peer's errors with their exact code", async () => {
    const server = await serveNpmThrift();
    onTestFinished(server.close);
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
    onTestFinished(server.close);
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
