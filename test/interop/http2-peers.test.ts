// HTTP/2 stacks that know nothing of gRPC around a sidecar: node:http2 on both sides, and nghttp2's tools as callers. The
// service is not loaded, so that whatever bytes the messages hold are carried.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSidecar } from "../../tools/causeway.ts";
import type { Service } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";

const run = promisify(execFile);
const missing = whatIsMissing(["nghttp2"]);
const REQUEST = { ":method": "POST", ":path": "/pkg.Echo/Call", "content-type": "application/grpc", te: "trailers" };

let calls = 0;
/** Sends back what comes, at the pace of who reads it. */
const upstream = http2.createServer().on("stream", (stream, headers) => {
  calls++;
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "x-seen": headers["x-sent"] },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-last": "yes" }));
  stream.on("error", () => {});
  stream.pipe(stream);
});
let sidecar: Service;

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  sidecar = await startSidecar("interop-http2-peers", {
    listeners: [{ address: "127.0.0.1:0", kind: "local" }],
    upstreams: { echo: { protocol: "grpc", endpoints: [`127.0.0.1:${port}`], opaqueServices: ["pkg.Echo"] } },
  });
});

afterAll(async () => {
  await sidecar.stop();
  upstream.close();
});

/** A gRPC message of this many bytes, prefix included. */
function message(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, "grpc");
  bytes[0] = 0;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

interface Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

async function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  let [headers, trailers]: http2.IncomingHttpHeaders[] = [{}, {}];
  stream.on("response", (list) => {
    headers = list;
  });
  stream.on("trailers", (list) => {
    trailers = list;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { headers: headers ?? {}, body: Buffer.concat(chunks), trailers: trailers ?? {} };
}

describe("node:http2 calls node:http2", () => {
  let session: http2.ClientHttp2Session;
  beforeAll(() => {
    session = http2.connect(`http://${sidecar.ready}`);
  });
  afterAll(() => session.close());

  test.for([
    ["one message", [3]],
    ["no message", []],
    ["empty messages", [0, 0, 0]],
    ["messages of every size around a frame's", [16_378, 16_379, 16_380, 16_384, 65_535, 65_536, 1_000_000]],
    ["a thousand messages", Array.from({ length: 1_000 }, (_, i) => i)],
  ] as const)("%s, there and back", async ([_name, lengths]) => {
    const sent = Buffer.concat(lengths.map(message));
    const stream = session.request({ ...REQUEST, "x-sent": "value" });
    stream.end(sent);
    const { headers, body, trailers } = await answerOf(stream);
    expect(headers).toMatchObject({ ":status": 200, "x-seen": "value" });
    expect(body.equals(sent)).toBe(true);
    expect(trailers).toMatchObject({ "grpc-status": "0", "x-last": "yes" });
  });

  test("a message that is cut into single bytes arrives whole", async () => {
    const sent = message(40);
    const stream = session.request(REQUEST);
    const answer = answerOf(stream);
    for (const byte of sent) stream.write(Buffer.of(byte));
    stream.end();
    expect((await answer).body.equals(sent)).toBe(true);
  });

  test("a hundred streams at once keep their messages apart", async () => {
    const bodies = Array.from({ length: 100 }, (_, i) => Buffer.concat([message(i), message(10_000 + i)]));
    const answers = await Promise.all(
      bodies.map((body) => {
        const stream = session.request(REQUEST);
        stream.end(body);
        return answerOf(stream);
      }),
    );
    expect(answers.map(({ body }, i) => body.equals(bodies[i]!))).toEqual(bodies.map(() => true));
  });
});

describe("nghttp2's tools call node:http2", () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-http2-"));
  const file = join(folder, "message");
  const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
  beforeAll(() => writeFileSync(file, message(205)));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("nghttp gets the message and the trailers", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const url = `http://${sidecar.ready}/pkg.Echo/Call`;
    const { stdout } = await run("nghttp", ["-v", "-d", file, ...headers, url], { encoding: "latin1" });
    expect(stdout).toContain("grpc-status: 0");
    expect(stdout).toContain(message(205).toString("latin1", 5));
  });

  test.for([
    ["8 connections of 16 streams", 4_000, ["-c", "8", "-m", "16"]],
    ["64 connections of 1 stream", 1_280, ["-c", "64", "-m", "1"]],
    ["1 connection of 100 streams, small windows", 1_000, ["-c", "1", "-m", "100", "-w", "8", "-W", "10"]],
  ] as const)("h2load with %s: each call reaches the server once", async ([_name, count, args], { skip }) => {
    skip(missing !== undefined, missing);
    const before = calls;
    const url = `http://${sidecar.ready}/pkg.Echo/Call`;
    const { stdout } = await run("h2load", ["-n", String(count), ...args, "-t", "1", "-d", file, ...headers, url]);
    expect(stdout).toContain(`${count} succeeded, 0 failed, 0 errored`);
    // What comes back is the message that was sent, each time.
    expect(stdout).toMatch(new RegExp(`\\((${count * 210})\\) data`));
    expect(calls - before).toBe(count);
  });
});
