// Streams of every kind through a whole sidecar, between grpc-js on both sides.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { detailsOf } from "../../tools/rpc-status.ts";
import { type Sidecar, startSidecar } from "../e2e/sidecar.ts";
import { KINDS_PROTO, KindsClient, noteOf, outcomeOf, startKinds } from "./grpc-kinds.ts";

const { status } = grpc;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server, a sidecar before it, and a client of that. `changes` are lines of the sidecar's config. */
async function setUp(changes: { upstream?: string; rest?: string; opaque?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "causeway-streams-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "kinds.proto"), KINDS_PROTO);
  const server = await startKinds();
  cleanups.push(() => server.die());
  const sidecar = startSidecar(`
schema: { files: [${changes.opaque ? "" : join(folder, "kinds.proto")}] }
listeners: [{ kind: local, address: "127.0.0.1:0" }]
accessLog: all
upstreams:
  kinds:
    protocol: grpc
    endpoints: ["127.0.0.1:${server.port}"]
    ${changes.opaque ? "opaqueServices" : "services"}: [kinds.Kinds]
    ${changes.upstream ?? ""}
${changes.rest ?? ""}`);
  cleanups.push(() => sidecar[Symbol.dispose]());
  return { server, sidecar, ...(await clientOf(sidecar)) };
}

async function clientOf(sidecar: Sidecar, options: grpc.ClientOptions = {}): Promise<{ client: KindsClient }> {
  const client = new KindsClient(await sidecar.addressOf("local"), options);
  cleanups.push(() => client.close());
  return { client };
}

const notes = [noteOf("a"), noteOf(""), noteOf("ccc")] as const;

describe.each([
  ["of a method whose IDL is loaded", false],
  ["of a method whose IDL is not", true],
])("a call %s", (_name, opaque) => {
  test("passes with its messages, headers and trailers, whatever its kind", async () => {
    const { client } = await setUp({ opaque });
    const metadata = { head: "1", "head-bin": Buffer.of(0, 255), trail: "2", "trail-bin": Buffer.of(1, 254) };
    const one = await client.call("One", [notes[0]!], metadata);
    const up = await client.call("Up", notes, metadata);
    const down = await client.call("Down", [notes[2]!], metadata);
    const chat = await client.call("Chat", notes, metadata);
    expect(one.bodies).toEqual([notes[0]]);
    expect(up.bodies).toEqual([noteOf("3")]);
    expect(down.bodies).toEqual([notes[2], notes[2], notes[2]]);
    expect(chat.bodies).toEqual(notes);
    for (const { head, status: end } of [one, up, down, chat]) {
      expect(end).toMatchObject({ code: status.OK });
      expect([head?.get("head"), head?.get("head-bin")]).toEqual([["1"], [Buffer.of(0, 255)]]);
      expect([end.metadata.get("trail"), end.metadata.get("trail-bin")]).toEqual([["2"], [Buffer.of(1, 254)]]);
    }
  });

  test("may have no messages at all", async () => {
    const { client } = await setUp({ opaque });
    expect(await client.call("Chat", [])).toMatchObject({ bodies: [], status: { code: status.OK } });
    expect((await client.call("Up", [])).bodies).toEqual([noteOf("0")]);
    expect(await client.call("Down", [notes[0]!], { count: "0" })).toMatchObject({
      bodies: [],
      status: { code: status.OK },
    });
  });

  test("that fails in its middle brings the messages before, the status, its details and trailers", async () => {
    const { client } = await setUp({ opaque });
    const how = { fail: String(status.ABORTED), detail: "kinds.Note", trail: "2" };
    const { bodies, status: end } = await client.call("Down", [notes[0]!], how);
    expect(bodies).toHaveLength(3);
    expect(end).toMatchObject({ code: status.ABORTED, details: "as asked: 100 % ü" });
    expect(end.metadata.get("trail")).toEqual(["2"]);
    expect(detailsOf(end.metadata)).toEqual([{ name: "kinds.Note", value: Buffer.from("why") }]);
  });
});

/** Generous: what is waited for happens at once, on a machine that does other things too. */
const POLL = { timeout: 20_000 };

test("a call in both directions goes on message by message, and ends when both sides have", async () => {
  const { client } = await setUp();
  const call = client.open("Chat");
  const outcome = outcomeOf(call);
  for (const text of ["one", "two", "three"]) {
    const echoed = new Promise<Buffer>((resolve) => call.once("data", resolve));
    call.write(noteOf(text));
    expect(await echoed).toEqual(noteOf(text));
  }
  call.end();
  expect((await outcome).status.code).toBe(status.OK);
});

test("headers come before any message, and need none", async () => {
  const { client } = await setUp();
  const call = client.open("Chat", { head: "early" });
  call.on("error", () => {});
  const metadata = await new Promise<grpc.Metadata>((resolve) => call.once("metadata", resolve));
  expect(metadata.get("head")).toEqual(["early"]);
  call.cancel();
});

test("ten thousand messages come whole and in order", async () => {
  const { client } = await setUp();
  const bodies = Array.from({ length: 10_000 }, (_, i) => noteOf(`note ${i}`));
  const { bodies: echoed, status: end } = await client.call("Chat", bodies);
  expect(end.code).toBe(status.OK);
  expect(Buffer.concat(echoed).equals(Buffer.concat(bodies))).toBe(true);
});

test("a message of 10 MB passes, and one above the limit is RESOURCE_EXHAUSTED either way", async () => {
  const { client, server } = await setUp({ rest: "limits: { maxMessageBytes: 12000000 }" });
  const large = noteOf(Buffer.alloc(10_000_000, 7));
  const { bodies } = await client.call("Chat", [large]);
  expect(bodies[0]?.equals(large)).toBe(true);
  const tooLarge = noteOf(Buffer.alloc(12_000_000, 7));
  expect((await client.call("Chat", [tooLarge])).status).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: expect.stringContaining("maxMessageBytes"),
  });
  expect(server.seen.messages).toBe(1);
});

test("the caller's deadline goes along, shorter than it came, and ends the call on both sides", async () => {
  const { client, server, sidecar } = await setUp();
  const call = client.open("Down", { stay: "1" }, { deadline: Date.now() + 1_500 });
  const outcome = outcomeOf(call);
  call.end(notes[0]);
  expect((await outcome).status.code).toBe(status.DEADLINE_EXCEEDED);
  expect(server.seen.deadlines[0]).toBeLessThan(Date.now() + 1_500);
  await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
  const { code } = await sidecar.logged(({ msg }) => msg === "call failed");
  expect(["DEADLINE_EXCEEDED", "CANCELLED"]).toContain(code);
});

test("the policy's streamTimeoutMs ends a stream that goes on, its timeoutMs does not", async () => {
  const { client, server } = await setUp({ upstream: "timeoutMs: 50\n    streamTimeoutMs: 700" });
  const call = client.open("Down", { stay: "1" });
  const outcome = outcomeOf(call);
  call.end(notes[0]);
  const { bodies, status: end } = await outcome;
  expect(bodies).toHaveLength(3);
  expect(end).toMatchObject({
    code: status.DEADLINE_EXCEEDED,
    // The server is told the deadline too, and may be the first to say so.
    details: expect.stringMatching(/700 ms, the upstream's streamTimeoutMs|^Deadline exceeded$/),
  });
  await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
});

test("a caller that cancels is gone for the server too, and is logged as CANCELLED", async () => {
  const { client, server, sidecar } = await setUp();
  const call = client.open("Chat");
  const outcome = outcomeOf(call);
  const echoed = new Promise((resolve) => call.once("data", resolve));
  call.write(notes[0]);
  await echoed;
  call.cancel();
  expect((await outcome).status.code).toBe(status.CANCELLED);
  await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
  expect(await sidecar.logged(({ msg }) => msg === "call failed")).toMatchObject({ code: "CANCELLED", method: "Chat" });
});

test("a server that ends a call while its caller still sends is heard at once", async () => {
  const { client } = await setUp();
  const call = client.open("Chat", { once: "1", fail: String(status.FAILED_PRECONDITION) });
  const outcome = outcomeOf(call);
  call.write(notes[0]);
  expect(await outcome).toMatchObject({ bodies: [notes[0]], status: { code: status.FAILED_PRECONDITION } });
});

test("a server that dies in the middle of a call makes it UNAVAILABLE, and the messages before are there", async () => {
  const { client, server, sidecar } = await setUp();
  const call = client.open("Down", { stay: "1", count: "2" });
  const outcome = outcomeOf(call);
  let count = 0;
  call.on("data", () => {
    if (++count === 2) server.die();
  });
  call.end(notes[0]);
  const { bodies, status: end } = await outcome;
  expect(bodies).toHaveLength(2);
  expect(end.code).toBe(status.UNAVAILABLE);
  expect(await sidecar.logged(({ msg }) => msg === "call failed")).toMatchObject({ attempts: 1, code: "UNAVAILABLE" });
});

test("a call that finds no server is tried again before it is UNAVAILABLE", async () => {
  const { client, server, sidecar } = await setUp();
  server.die();
  expect((await client.call("Chat", notes)).status.code).toBe(status.UNAVAILABLE);
  expect(await sidecar.logged(({ msg }) => msg === "call failed")).toMatchObject({ attempts: 3 });
});

test("streams are logged and counted when they end, with the bytes of their messages", async () => {
  const { client, sidecar } = await setUp();
  await client.call("Chat", notes);
  const bytes = notes.reduce((sum, note) => sum + note.length, 0);
  expect(await sidecar.logged(({ msg }) => msg === "call")).toMatchObject({
    ...{ service: "kinds.Kinds", method: "Chat", inbound: "grpc", upstream: "kinds", code: "OK", attempts: 1 },
    ...{ requestBytes: bytes, replyBytes: bytes },
  });
});

describe("policies", () => {
  test("a rate limit counts a stream as one call", async () => {
    const { client } = await setUp({ upstream: "rateLimit: [{ perSecond: 0.001, burst: 1 }]" });
    expect((await client.call("Chat", notes)).status.code).toBe(status.OK);
    expect((await client.call("Chat", notes)).status).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining("rateLimit"),
    });
  });

  test("a concurrency limit counts a stream as long as it lasts", async () => {
    const { client, server } = await setUp({ upstream: "concurrency: { policy: fixed, max: 1 }" });
    const first = client.open("Chat");
    const outcome = outcomeOf(first);
    first.write(notes[0]);
    await expect.poll(() => server.seen.messages, POLL).toBe(1);
    expect((await client.call("Chat", notes)).status.code).toBe(status.RESOURCE_EXHAUSTED);
    first.end();
    await outcome;
    expect((await client.call("Chat", notes)).status.code).toBe(status.OK);
  });

  test("a breaker opens on streams that fail", async () => {
    const { client } = await setUp({
      upstream: "breaker: { policy: consecutive, failures: 2 }\n    retry: { maxAttempts: 1 }",
    });
    const fails = { fail: String(status.INTERNAL) };
    for (let i = 0; i < 2; i++) expect((await client.call("Down", [notes[0]!], fails)).status.code).toBe(13);
    expect((await client.call("Down", [notes[0]!])).status).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("breakers"),
    });
  });
});

describe("compressed messages", () => {
  test.each([
    ["gzip", grpc.compressionAlgorithms.gzip],
    ["deflate", grpc.compressionAlgorithms.deflate],
  ])("of %s pass both ways as they are", async (_name, algorithm) => {
    const { sidecar } = await setUp();
    const { client } = await clientOf(sidecar, { "grpc.default_compression_algorithm": algorithm });
    const body = noteOf(Buffer.alloc(100_000, "a"));
    for (const kind of ["One", "Chat"] as const) {
      const { bodies, status: end } = await client.call(kind, [body]);
      expect(end).toMatchObject({ code: status.OK });
      expect(bodies[0]?.equals(body)).toBe(true);
    }
    // Nobody has unpacked them: what passed is a hundredth of what they are.
    await sidecar.logged(({ method }) => method === "Chat");
    const records = sidecar.log.filter(({ msg }) => msg === "call");
    expect(records.map(({ method }) => method)).toEqual(["One", "Chat"]);
    for (const { requestBytes } of records) expect(requestBytes).toBeLessThan(1_000);
  });

  test("of an unknown encoding are UNIMPLEMENTED, with those that are known", async () => {
    const { sidecar } = await setUp();
    const session = http2.connect(`http://${await sidecar.addressOf("local")}`);
    cleanups.push(() => session.close());
    const request = session.request({
      ...{ ":method": "POST", ":path": "/kinds.Kinds/Chat", te: "trailers" },
      ...{ "content-type": "application/grpc", "grpc-encoding": "snappy" },
    });
    request.end();
    const [headers] = await once(request.resume(), "response");
    expect(headers).toMatchObject({ "grpc-status": "12", "grpc-accept-encoding": "identity,deflate,gzip" });
  });
});

test("a reader that stops holds its server back, and the sidecar's memory with it", async () => {
  const { client, server, sidecar } = await setUp();
  const call = client.open("Down", { count: "100000" });
  const outcome = outcomeOf(call);
  call.pause();
  call.write(noteOf(Buffer.alloc(16_000, 7)));
  call.end();
  // 1.6 GB want to pass; what the windows of both hops hold is a few MB.
  let before = -1;
  await expect
    .poll(
      () => {
        const stands = server.seen.messages > 0 && server.seen.messages === before;
        before = server.seen.messages;
        return stands;
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe(true);
  expect(server.seen.messages).toBeLessThan(3_000);
  expect(rssOf(sidecar)).toBeLessThan(300_000_000);
  call.cancel();
  call.resume();
  expect((await outcome).status.code).toBe(status.CANCELLED);
  await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
});

test("a server that does not read holds its caller back, and the sidecar's memory with it", async () => {
  const { client, server, sidecar } = await setUp();
  const call = client.open("Up", { stop: "1" });
  const outcome = outcomeOf(call);
  const body = noteOf(Buffer.alloc(16_000, 7));
  let written = 0;
  let before = -1;
  const more = () => {
    while (written < 100_000 && call.write(body)) written++;
  };
  call.on("drain", more);
  more();
  await expect
    .poll(
      () => {
        const stands = written > 0 && written === before;
        before = written;
        return stands;
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe(true);
  expect(written).toBeLessThan(3_000);
  expect(rssOf(sidecar)).toBeLessThan(300_000_000);
  call.cancel();
  expect((await outcome).status.code).toBe(status.CANCELLED);
  await expect.poll(() => server.seen.cancelled, POLL).toBe(1);
});

/** Bytes of memory that a process has, by /proc/PID/statm in pages of 4 KiB. */
function rssOf({ process }: Sidecar): number {
  return Number(readFileSync(`/proc/${process.pid}/statm`, "utf8").split(" ")[1]) * 4_096;
}

test("a shutdown lets streams finish, and after its time ends them with UNAVAILABLE", async () => {
  const { client, sidecar } = await setUp({ rest: "drainMs: 1500" });
  const finishing = client.open("Chat");
  const finished = outcomeOf(finishing);
  const staying = client.open("Chat");
  const cut = outcomeOf(staying);
  for (const call of [finishing, staying]) {
    const answered = new Promise((resolve) => call.once("data", resolve));
    call.write(notes[0]);
    await answered;
  }
  sidecar.process.kill("SIGTERM");
  finishing.write(notes[1]);
  finishing.end();
  expect(await finished).toMatchObject({ bodies: [notes[0], notes[1]], status: { code: status.OK } });
  const { status: end } = await cut;
  expect(end).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("shut down") });
  expect(await sidecar.exited).toMatchObject({ code: 0 });
});
