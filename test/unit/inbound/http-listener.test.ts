// One table over both servers: whatever one answers, so does the other.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Address } from "../../../src/base/address.ts";
import type { Log } from "../../../src/base/log.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { createHttpListener, type HttpListener } from "../../../src/inbound/http-listener.ts";
import { type HttpHandler, type HttpRequest, textResponse } from "../../../src/protocol/http/http.ts";

const LOCAL: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

interface Line {
  readonly level: string;
  readonly facts: object;
  readonly message: string;
}

function recordingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (facts: object, message: string) => void lines.push({ level, facts, message });
  return { lines, log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

async function open(
  handler: HttpHandler,
  { address = LOCAL, maxBodyBytes = 1000, maxConnections = 100, log = recordingLog().log } = {},
) {
  const options = { address, maxBodyBytes, maxHeaderBytes: 8192, maxConnections };
  const listener = await createHttpListener(options, handler, log);
  onTestFinished(() => listener.close(0));
  return listener;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

function ask({ address }: HttpListener, { method = "GET", path = "/", headers = [], body }: Asked = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const where = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
    const outgoing = httpRequest({ ...where, method, path, agent: false, headers: ["host", "test", ...headers] });
    outgoing.on("error", reject).on("response", async (incoming) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      });
    });
    outgoing.end(body);
  });
}

afterEach(() => void vi.unstubAllEnvs());

describe.each(["hyper-express", "node:http"] as const)("on %s", (server) => {
  const openHere: typeof open = (handler, options) => {
    if (server === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
    return open(handler, options);
  };

  test("it says which server it is and where it listens", async () => {
    const { log, lines } = recordingLog();
    const listener = await openHere(() => textResponse(200, "ok"), { log });
    expect(listener.server).toBe(server);
    expect(listener.address).toEqual({ kind: "tcp", host: "127.0.0.1", port: expect.toSatisfy((port) => port > 0) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "info",
      facts: server === "node:http" ? { server, reason: "CAUSEWAY_HTTP=node" } : { server },
    });
  });

  test("the handler sees method, path, query, repeated headers and body as they came", async () => {
    const seen: HttpRequest[] = [];
    const listener = await openHere((request) => {
      seen.push(request);
      return textResponse(200, "ok");
    });
    await ask(listener, {
      method: "POST",
      path: "/a%20b/c?x=%31&y",
      headers: ["X-Many", "one", "x-other", "é".normalize("NFC"), "x-many", "two", "content-length", "4"],
      body: "body",
    });
    const [request] = seen;
    expect(request).toMatchObject({ method: "POST", path: "/a%20b/c", query: "x=%31&y" });
    expect(request?.headers.getAll("x-many")).toEqual(["one", "two"]);
    expect(Buffer.from(request?.body ?? []).toString()).toBe("body");
  });

  test("a request without a query or body has empty ones", async () => {
    const listener = await openHere(({ query, body }) => textResponse(200, JSON.stringify([query, body.byteLength])));
    expect((await ask(listener)).body).toBe('["",0]\n');
  });

  test("status, headers and body go out as the handler gave them", async () => {
    const listener = await openHere(() => ({
      status: 207,
      headers: Metadata.from([
        ["x-a", "1"],
        ["x-a", "2"],
        ["content-type", "application/octet-stream"],
      ]),
      body: Uint8Array.of(0x78, 0x79).subarray(1),
    }));
    const answer = await ask(listener);
    expect(answer).toMatchObject({ status: 207, body: "y" });
    expect(answer.headers).toMatchObject({
      "x-a": "1, 2",
      "content-type": "application/octet-stream",
      "content-length": "1",
    });
  });

  test("no header tells what serves", async () => {
    const { headers } = await ask(await openHere(() => textResponse(200, "ok")));
    expect(headers).not.toHaveProperty("uwebsockets");
    expect(headers).not.toHaveProperty("server");
  });

  test("HEAD gets the length and no body", async () => {
    const listener = await openHere(() => textResponse(200, "ok"));
    const answer = await ask(listener, { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, body: "", headers: { "content-length": "3" } });
  });

  test.each([
    ["content-length", ["content-length", "1000"]],
    ["transfer-encoding", ["transfer-encoding", "chunked"]],
  ])("a body at the limit is taken, by %s", async (_, headers) => {
    const listener = await openHere(({ body }) => textResponse(200, String(body.byteLength)));
    const answer = await ask(listener, { method: "POST", headers, body: "x".repeat(1000) });
    expect(answer).toMatchObject({ status: 200, body: "1000\n" });
  });

  test.each([
    ["content-length", ["content-length", "100000"]],
    ["transfer-encoding", ["transfer-encoding", "chunked"]],
  ])("a body above the limit is 413 and no handler sees it, by %s", async (_, headers) => {
    const handler = vi.fn(() => textResponse(200, "ok"));
    const answer = await ask(await openHere(handler), { method: "POST", headers, body: "x".repeat(100_000) });
    expect(answer.status).toBe(413);
    expect(handler).not.toHaveBeenCalled();
  });

  test("headers above the limit are 431, below it they pass", async () => {
    const listener = await openHere(({ headers }) => textResponse(200, String(headers.get("x-long")?.length)));
    expect((await ask(listener, { headers: ["x-long", "x".repeat(7000)] })).body).toBe("7000\n");
    expect((await ask(listener, { headers: ["x-long", "x".repeat(20_000)] })).status).toBe(431);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("the secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the secret"))],
    [
      "answers with a line break in a header",
      () => ({ status: 200, headers: Metadata.from([["x-a", "1\r\nset-cookie: the secret"]]), body: "" }),
    ],
  ])("a handler that %s is answered 500 without its words, which are logged", async (_, handler: HttpHandler) => {
    const { log, lines } = recordingLog();
    const answer = await ask(await openHere(handler, { log }), { path: "/broken" });
    expect(answer).toMatchObject({ status: 500, body: "internal error\n" });
    expect(answer.headers).not.toHaveProperty("set-cookie");
    expect(lines.at(-1)).toMatchObject({
      level: "error",
      facts: { method: "GET", path: "/broken", err: expect.any(Error) },
    });
  });

  test("bytes that are no HTTP get an error or a closed connection, and the next caller is served", async () => {
    const listener = await openHere(() => textResponse(200, "ok"));
    if (listener.address.kind !== "tcp") throw new Error("expected TCP");
    const socket = connect(listener.address.port, listener.address.host);
    socket.end("\x80\x01\x00\x01 this is no HTTP\r\n\r\n");
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^(HTTP\/1\.1 (400|505) |$)/);
    expect((await ask(listener)).status).toBe(200);
  });

  test("connections above the limit are closed and logged, and there is room again when others go", async () => {
    const { log, lines } = recordingLog();
    const listener = await openHere(() => textResponse(200, "ok"), { maxConnections: 2, log });
    if (listener.address.kind !== "tcp") throw new Error("expected TCP");
    const { port, host } = listener.address;
    const sockets = [1, 2].map(() => connect(port, host));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) {
      socket.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
      await new Promise((resolve) => socket.once("data", resolve));
    }
    await expect(ask(listener)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(lines.at(-1)).toMatchObject({
      level: "warn",
      facts: { maxConnections: 2 },
      message: "a connection was closed: maxConnections is reached",
    });
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(() =>
        ask(listener).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  test("a refusal is logged with who asked for what, and why; an answer is not", async () => {
    const { log, lines } = recordingLog();
    const listener = await openHere(({ path }) => textResponse(path === "/no" ? 415 : 200, "not\nserved"), { log });
    await ask(listener, { path: "/yes" });
    expect(lines).toHaveLength(1);
    await ask(listener, { path: "/no" });
    expect(lines.slice(1)).toEqual([
      {
        level: "info",
        facts: { peer: expect.any(String), method: "GET", path: "/no", status: 415, reason: "not" },
        message: "an HTTP request was refused",
      },
    ]);
  });

  test("closing lets a request in flight finish and takes no other", async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const listener = await openHere(async () => {
      arrived.resolve();
      await release.promise;
      return textResponse(200, "finished");
    });
    const answer = ask(listener);
    await arrived.promise;
    const closed = listener.close(60_000);
    await expect(ask(listener)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    release.resolve();
    expect(await answer).toMatchObject({ status: 200, body: "finished\n" });
    await closed;
  });

  test("closing cuts what is still in flight after the grace", async () => {
    const arrived = Promise.withResolvers<void>();
    const listener = await openHere(() => {
      arrived.resolve();
      return new Promise(() => {});
    });
    const answer = ask(listener);
    await arrived.promise;
    await Promise.all([listener.close(0), expect(answer).rejects.toMatchObject({ code: "ECONNRESET" })]);
  });

  test("closing does not wait for idle connections", async () => {
    const listener = await openHere(() => textResponse(200, "ok"));
    if (listener.address.kind !== "tcp") throw new Error("expected TCP");
    const socket = connect(listener.address.port, listener.address.host);
    socket.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await listener.close(60_000);
    socket.on("error", () => {});
    await ended;
  });

  test("a port that is taken is an error that says so", async () => {
    const first = await openHere(() => textResponse(200, "ok"));
    await expect(openHere(() => textResponse(200, "ok"), { address: first.address })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  test("it listens on the given host only", async () => {
    const listener = await openHere(() => textResponse(200, "ok"));
    const port = listener.address.kind === "tcp" ? listener.address.port : 0;
    const elsewhere = createServer();
    await new Promise<void>((resolve, reject) => {
      elsewhere.once("error", reject).listen(port, "127.0.0.2", resolve);
    });
    await new Promise((resolve) => elsewhere.close(resolve));
  });

  test("it installs no signal handlers", async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    await openHere(() => textResponse(200, "ok"));
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
  });
});

describe("a unix socket", () => {
  const OK = textResponse(200, "ok");

  async function temporarySocket(): Promise<Extract<Address, { kind: "unix" }>> {
    const folder = await mkdtemp(join(tmpdir(), "causeway-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return { kind: "unix", path: join(folder, "admin.sock") };
  }

  test("is served by node:http, and the log says why", async () => {
    const { log, lines } = recordingLog();
    const address = await temporarySocket();
    const listener = await open(() => OK, { address, log });
    expect(listener).toMatchObject({ server: "node:http", address });
    expect(lines[0]?.facts).toMatchObject({ reason: "hyper-express listens on TCP only" });
    expect((await ask(listener)).body).toBe("ok\n");
  });

  test("that a dead process left behind is replaced", async () => {
    const address = await temporarySocket();
    const code = `require("node:net").createServer().listen(${JSON.stringify(address.path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", code]);
    expect(existsSync(address.path)).toBe(true);
    expect((await ask(await open(() => OK, { address }))).body).toBe("ok\n");
  });

  test("that another process serves is an error", async () => {
    const address = await temporarySocket();
    const first = await open(() => OK, { address });
    await expect(open(() => OK, { address })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect((await ask(first)).status).toBe(200);
  });
});
