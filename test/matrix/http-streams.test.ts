// Streams of every kind over HTTP/1.1 through a whole sidecar, on both servers, in front of grpc-js: Connect and gRPC-Web by the
// letter of their specifications.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Sidecar, startSidecar } from "../e2e/sidecar.ts";
import { KINDS_PROTO, noteOf, startKinds } from "./grpc-kinds.ts";
import { SERVERS } from "./http-port.ts";
import { answerOf, callStream, envelope, openStream, type StreamAnswer } from "./http-stream-client.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Generous: what is waited for happens at once, on a machine that does other things too. */
const POLL = { timeout: 20_000 };

const PROTO = "application/connect+proto";
const JSON_TYPE = "application/connect+json";
const WEB = "application/grpc-web+proto";
const TEXT = "application/grpc-web-text";

function jsonNote(body: string): string {
  return JSON.stringify({ body: Buffer.from(body).toString("base64") });
}

function endOf({ end }: StreamAnswer): Record<string, unknown> {
  return JSON.parse(end);
}

/** The lines of gRPC-Web's last frame. */
function trailersOf({ end }: StreamAnswer): Record<string, string> {
  return Object.fromEntries([...end.matchAll(/([^:]+): (.*)\r\n/g)].map(([, name, value]) => [name, value]));
}

function rssOf({ process: { pid } }: Sidecar): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

describe.each(SERVERS)("on %s", (http) => {
  /** A server, a sidecar before it, and calls of that. */
  async function setUp({ upstream = "", rest = "" } = {}) {
    if (http === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
    const folder = mkdtempSync(join(tmpdir(), "causeway-http-streams-"));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "kinds.proto"), KINDS_PROTO);
    const server = await startKinds();
    cleanups.push(() => server.die());
    const sidecar = startSidecar(`
schema: { files: [${join(folder, "kinds.proto")}] }
listeners: [{ kind: http, address: "127.0.0.1:0", allowedOrigins: ["https://shop.example"] }]
accessLog: all
upstreams:
  kinds:
    protocol: grpc
    endpoints: ["127.0.0.1:${server.port}"]
    services: [kinds.Kinds]
    ${upstream}
${rest}`);
    cleanups.push(() => sidecar[Symbol.dispose]());
    const address = await sidecar.addressOf("http");
    expect(sidecar.log.find(({ server: on }) => on !== undefined)).toMatchObject({ server: http });
    const requestOf = (method: string, contentType: string, headers: Record<string, string> = {}) => ({
      ...{ address, path: `/kinds.Kinds/${method}`, contentType, headers },
    });
    const call = (method: string, contentType: string, body: Buffer | string, headers?: Record<string, string>) =>
      callStream(requestOf(method, contentType, headers), body);
    return { server, sidecar, address, requestOf, call };
  }

  const metadata = { head: "1", "head-bin": "AP8", trail: "2", "trail-bin": "Af4" };
  const notes = Buffer.concat([envelope(noteOf("a")), envelope(noteOf("")), envelope(noteOf("ccc"))]);

  test("Connect's streams of every kind pass with their messages, headers and trailers", async () => {
    const { call } = await setUp();
    const up = await call("Up", PROTO, notes, metadata);
    const down = await call("Down", PROTO, envelope(noteOf("ccc")), metadata);
    const chat = await call("Chat", PROTO, notes, metadata);
    expect(up.messages).toEqual([{ flag: 0, bytes: noteOf("3") }]);
    expect(down.messages.map(({ bytes }) => bytes)).toEqual([noteOf("ccc"), noteOf("ccc"), noteOf("ccc")]);
    expect(chat.messages.map(({ bytes }) => bytes)).toEqual([noteOf("a"), noteOf(""), noteOf("ccc")]);
    for (const answer of [up, down, chat]) {
      expect(answer).toMatchObject({ status: 200, headers: { "content-type": PROTO, head: "1", "head-bin": "AP8" } });
      expect(endOf(answer)).toEqual({ metadata: { trail: ["2"], "trail-bin": ["Af4"] } });
    }
  });

  test("in JSON every message is translated, both ways", async () => {
    const { call, sidecar } = await setUp();
    const body = Buffer.concat([envelope(jsonNote("a")), envelope("{}"), envelope(jsonNote("ccc"))]);
    const chat = await call("Chat", JSON_TYPE, body, metadata);
    expect(chat.messages.map(({ bytes }) => bytes.toString())).toEqual([jsonNote("a"), "{}", jsonNote("ccc")]);
    expect(chat.headers["content-type"]).toBe(JSON_TYPE);
    expect(endOf(chat)).toEqual({ metadata: { trail: ["2"], "trail-bin": ["Af4"] } });
    expect(await sidecar.logged(({ msg }) => msg === "call")).toMatchObject({ inbound: "connect", method: "Chat" });
    const bad = await call("Chat", JSON_TYPE, envelope('{"body":1}'));
    expect(endOf(bad)["error"]).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("body") });
  });

  test("a stream that fails in its middle brings the messages before, the error with its details, and the trailers", async () => {
    const { call } = await setUp();
    const how = { fail: "10", detail: "kinds.Note", trail: "2" };
    const answer = await call("Down", JSON_TYPE, envelope(jsonNote("x")), how);
    expect(answer.messages).toHaveLength(3);
    const value = Buffer.from("why").toString("base64");
    const error = { code: "aborted", message: "as asked: 100 % ü", details: [{ type: "kinds.Note", value }] };
    expect(endOf(answer)).toMatchObject({ error, metadata: { trail: ["2"] } });
  });

  test("gRPC-Web's streams pass, binary and text, and end with trailers or a status", async () => {
    const { call } = await setUp();
    for (const type of [WEB, TEXT]) {
      const text = (body: Buffer) => (type === TEXT ? body.toString("base64") : body);
      const down = await call("Down", type, text(envelope(noteOf("x"))), metadata);
      expect(down.messages.map(({ bytes }) => bytes)).toEqual([noteOf("x"), noteOf("x"), noteOf("x")]);
      expect(down.headers).toMatchObject({ "content-type": type, head: "1" });
      expect(trailersOf(down)).toEqual({ "grpc-status": "0", trail: "2", "trail-bin": "Af4" });
      const up = await call("Up", type, text(notes));
      expect(up.messages.map(({ bytes }) => bytes)).toEqual([noteOf("3")]);
      const failed = await call("Chat", type, text(notes), { fail: "10" });
      expect(failed.messages).toHaveLength(3);
      expect(trailersOf(failed)).toMatchObject({ "grpc-status": "10", "grpc-message": "as asked: 100 %25 %C3%BC" });
    }
  });

  test("text may be cut anywhere, and padded in its middle", async () => {
    const { requestOf } = await setUp();
    const { outgoing, response } = openStream(requestOf("Up", TEXT));
    const pieces = [noteOf("a"), noteOf("bb"), noteOf("ccc")].map((note) => envelope(note).toString("base64"));
    for (const character of pieces.join("")) outgoing.write(character);
    outgoing.end();
    expect((await answerOf(await response)).messages).toEqual([{ flag: 0, bytes: noteOf("3") }]);
    const bad = openStream(requestOf("Up", TEXT));
    bad.outgoing.end("!!!!");
    expect(trailersOf(await answerOf(await bad.response))).toMatchObject({ "grpc-status": "3" });
  });

  test("messages of gzip pass both ways, and JSON of gzip is unpacked", async () => {
    const { call } = await setUp();
    const note = noteOf(Buffer.alloc(100_000, "a"));
    const proto = { "connect-content-encoding": "gzip", "connect-accept-encoding": "gzip" };
    const connected = await call("Chat", PROTO, envelope(gzipSync(note), 1), proto);
    expect(endOf(connected)).toEqual({});
    const [answered] = connected.messages;
    expect(answered?.flag === 1 ? gunzipSync(answered.bytes) : answered?.bytes).toEqual(note);
    const json = await call("Chat", JSON_TYPE, envelope(gzipSync(jsonNote("a")), 1), proto);
    expect(json.messages.map(({ bytes }) => bytes.toString())).toEqual([jsonNote("a")]);
    const web = { "grpc-encoding": "gzip", "grpc-accept-encoding": "gzip" };
    for (const method of ["One", "Chat"]) {
      const answer = await call(method, WEB, envelope(gzipSync(note), 1), web);
      expect(trailersOf(answer)).toEqual({ "grpc-status": "0" });
      expect(answer.messages).toHaveLength(1);
    }
    const unknown = await call("Chat", PROTO, notes, { "connect-content-encoding": "snappy" });
    expect(endOf(unknown)["error"]).toMatchObject({ code: "unimplemented" });
  });

  test("what is no call of the kind is told in the form that was asked for", async () => {
    const { call, address } = await setUp();
    const said = async (answer: Promise<StreamAnswer>) => endOf(await answer)["error"];
    expect(await said(call("One", JSON_TYPE, envelope("{}")))).toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining("does not stream: expected the content-type application/json"),
    });
    expect(await said(call("None", PROTO, notes))).toMatchObject({ code: "unimplemented" });
    expect(await said(call("Down", PROTO, notes))).toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining("more than one message came"),
    });
    expect(await said(call("Down", PROTO, ""))).toMatchObject({ message: expect.stringContaining("no message came") });
    expect(await said(call("Chat", PROTO, notes.subarray(0, -1)))).toMatchObject({
      code: "internal",
      message: expect.stringContaining("of a message"),
    });
    expect(await said(call("Chat", PROTO, notes, { "connect-timeout-ms": "soon" }))).toMatchObject({
      code: "invalid_argument",
    });
    const whole = await fetch(`http://${address}/kinds.Kinds/Down`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(await whole.json()).toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining("streams: expected the content-type application/connect+json"),
    });
  });

  test("a message above the limit is resource_exhausted, a body above it is not", async () => {
    const { call } = await setUp({ rest: "limits: { maxMessageBytes: 100000 }" });
    const large = await call("Chat", PROTO, envelope(noteOf(Buffer.alloc(100_001))));
    expect(endOf(large)["error"]).toMatchObject({ code: "resource_exhausted" });
    const many = Buffer.concat(Array.from({ length: 50 }, () => envelope(noteOf(Buffer.alloc(50_000)))));
    expect((await call("Up", PROTO, many)).messages).toEqual([{ flag: 0, bytes: noteOf("50") }]);
    expect((await call("Chat", PROTO, many)).messages).toHaveLength(50);
  });

  test("ten thousand messages come whole and in order, and the connection serves on", async () => {
    const { call } = await setUp();
    const bodies = Array.from({ length: 10_000 }, (_, i) => noteOf(`note ${i}`));
    const answer = await call("Chat", PROTO, Buffer.concat(bodies.map((body) => envelope(body))));
    expect(answer.messages.map(({ bytes }) => bytes)).toEqual(bodies);
  });

  test("a connection serves on after a body that ended while it was held back", async () => {
    const { requestOf } = await setUp();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const large = Buffer.concat([envelope(noteOf(Buffer.alloc(1_000_000))), envelope(noteOf(Buffer.alloc(1_000_000)))]);
    for (let i = 0; i < 5; i++) {
      const chat = await callStream({ ...requestOf("Chat", PROTO), agent }, large);
      expect(chat.messages).toHaveLength(2);
      // Over the same connection.
      expect((await callStream({ ...requestOf("Up", PROTO), agent }, notes)).messages).toHaveLength(1);
    }
  });

  test("tens of thousands of tiny messages are no flood", async () => {
    const { call } = await setUp();
    const answer = await call("Down", PROTO, envelope(noteOf("x")), { count: "40000" });
    expect(answer.messages).toHaveLength(40_000);
    expect(endOf(answer)["error"]).toBeUndefined();
    const tiny = Buffer.concat(Array.from({ length: 40_000 }, () => envelope("")));
    expect((await call("Up", PROTO, tiny)).messages).toEqual([{ flag: 0, bytes: noteOf("40000") }]);
  });

  test("an error before the body has come reaches a caller that closes its connection", async () => {
    const { requestOf } = await setUp();
    const { path: _, ...where } = requestOf("Chat", PROTO);
    for (let i = 0; i < 20; i++) {
      // Without an agent it asks for connection: close.
      const { outgoing, response } = openStream({ ...where, path: "/kinds.Kinds/Gone" });
      setTimeout(() => outgoing.end(Buffer.alloc(300_000)), 5);
      expect(endOf(await answerOf(await response))["error"]).toMatchObject({ code: "unimplemented" });
    }
  });

  test("messages come one by one as they are made, in both directions", async () => {
    const { requestOf } = await setUp();
    const { outgoing, response } = openStream(requestOf("Chat", PROTO));
    outgoing.write(envelope(noteOf("one")));
    const incoming = await response;
    expect(await nextChunk(incoming)).toEqual(envelope(noteOf("one")));
    outgoing.write(envelope(noteOf("two")));
    expect(await nextChunk(incoming)).toEqual(envelope(noteOf("two")));
    outgoing.end();
    expect((await answerOf(incoming)).end).toBe("{}");
  });

  test("the caller's deadline goes along and ends the call on both sides", async () => {
    const { call, server } = await setUp();
    const answer = await call("Down", PROTO, envelope(noteOf("x")), { stay: "1", "connect-timeout-ms": "1500" });
    expect(endOf(answer)["error"]).toMatchObject({ code: "deadline_exceeded" });
    expect(answer.messages).toHaveLength(3);
    expect(server.seen.deadlines[0]).toBeLessThan(Date.now() + 1_500);
    await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
  });

  test("a call that is over before its caller has ended is answered at once", async () => {
    const { requestOf, call } = await setUp();
    const { outgoing, response } = openStream(requestOf("Chat", PROTO, { once: "1", fail: "9" }));
    outgoing.on("error", () => {});
    outgoing.write(envelope(noteOf("x")));
    const answer = await answerOf(await response);
    expect(endOf(answer)["error"]).toMatchObject({ code: "failed_precondition" });
    outgoing.end();
    expect((await call("Up", PROTO, notes)).messages).toHaveLength(1);
  });

  test("a caller that goes away is gone for the server too, and is logged as CANCELLED", async () => {
    const { requestOf, server, sidecar } = await setUp();
    const { outgoing, response } = openStream(requestOf("Chat", PROTO));
    outgoing.on("error", () => {});
    outgoing.write(envelope(noteOf("x")));
    const incoming = await response;
    incoming.on("error", () => {});
    await nextChunk(incoming);
    outgoing.destroy();
    await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
    expect(await sidecar.logged(({ msg }) => msg === "call failed")).toMatchObject({ code: "CANCELLED" });
  });

  test("web pages of allowed origins may read streams, others are refused", async () => {
    const { call } = await setUp();
    const body = envelope(noteOf("x"));
    const allowed = await call("Down", WEB, body, { origin: "https://shop.example" });
    expect(allowed.headers).toMatchObject({ "access-control-allow-origin": "https://shop.example" });
    expect(allowed.messages).toHaveLength(3);
    expect((await call("Down", WEB, body, { origin: "https://other.example" })).status).toBe(403);
  });

  /** Resolves when a count stands still, above nothing. */
  async function standsStill(count: () => number): Promise<void> {
    let before = -1;
    const stands = () => {
      const still = count() > 0 && count() === before;
      before = count();
      return still;
    };
    await expect.poll(stands, { timeout: 30_000, interval: 500 }).toBe(true);
  }

  /** Whether a count passes another one, within a time that is enough where anything happens. */
  async function grows(count: () => number, above: number): Promise<boolean> {
    const poll = expect.poll(count, { timeout: 3_000, interval: 20 }).toBeGreaterThan(above);
    return poll.then(() => true).catch(() => false);
  }

  test("a reader that stops holds its server back, and the sidecar's memory with it", async () => {
    const { requestOf, server, sidecar } = await setUp();
    const { outgoing, response } = openStream(requestOf("Down", PROTO, { count: "100000" }));
    outgoing.on("error", () => {});
    outgoing.end(envelope(noteOf(Buffer.alloc(16_000, 7))));
    const incoming = await response;
    incoming.on("error", () => {});
    await nextChunk(incoming);
    // 1.6 GB want to pass; what the windows of the hops hold is a few MB.
    await standsStill(() => server.seen.messages);
    expect(server.seen.messages).toBeLessThan(3_000);
    expect(rssOf(sidecar)).toBeLessThan(300_000_000);
    outgoing.destroy();
    await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
  });

  test("a server that does not read holds its caller back, and the sidecar's memory with it", async () => {
    const { requestOf, sidecar, call } = await setUp();
    const { outgoing } = openStream(requestOf("Up", PROTO, { stop: "1" }));
    outgoing.on("error", () => {});
    const piece = envelope(noteOf(Buffer.alloc(16_000, 7)));
    let written = 0;
    const more = () => {
      while (written < 100_000 && outgoing.write(piece, () => void written++));
    };
    outgoing.on("drain", more);
    more();
    await standsStill(() => written);
    // uWebSockets.js may have to cut a caller that is as fast as it is; either way no more than some MB are held.
    expect(written).toBeLessThan(4_000);
    expect(rssOf(sidecar)).toBeLessThan(300_000_000);
    // A caller that goes away while nobody reads it does no harm.
    outgoing.destroy();
    expect((await call("Up", PROTO, notes)).messages).toHaveLength(1);
  });

  test("a caller that asks for large replies without reading any does not fill the sidecar's memory", async () => {
    const { address, server, sidecar, call } = await setUp({ rest: "limits: { maxMessageBytes: 2000000 }" });
    const message = noteOf(Buffer.alloc(1_000_000, 7));
    const head = `POST /kinds.Kinds/One HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\ncontent-length: ${message.length}\r\n\r\n`;
    const before = rssOf(sidecar);
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    // One behind the other, none of whose answers is taken; hyper-express cuts who asks again while an answer is not taken.
    const begun = () => server.seen.deadlines.length;
    const made = () => sidecar.log.filter(({ msg }) => msg === "call").length;
    for (let i = 0; i < 300 && !socket.destroyed; i++) {
      const before = made();
      socket.write(Buffer.concat([Buffer.from(head), message]));
      if (http === "hyper-express" && !(await grows(made, before))) break;
    }
    await standsStill(begun);
    expect(begun()).toBeLessThan(50);
    expect(rssOf(sidecar) - before).toBeLessThan(150_000_000);
    expect((await call("Up", PROTO, notes)).messages).toHaveLength(1);
  });
});

function nextChunk(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    incoming.once("readable", () => resolve(incoming.read()));
  });
}
