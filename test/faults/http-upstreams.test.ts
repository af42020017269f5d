// Servers over HTTP and FastCGI whose responses are mutated: each call gets a reply or an error, and the calls to what answers
// well, over the same connections, notice nothing.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import {
  connectHttp,
  connectUpstreamOptions,
  fastCgiUpstreamOptions,
  type HttpUpstreamOptions,
  httpJsonUpstreamOptions,
  thriftHttpUpstreamOptions,
} from "../../src/outbound/http-upstream.ts";
import type { Payload } from "../../src/rpc/call.ts";
import { callOf, protobufText, thriftNested, thriftText } from "../matrix/echo.ts";
import { quietLog } from "../quiet-log.ts";
import { usedBytes } from "./memory.ts";
import { runMutations } from "./run.ts";
import { thriftMessage } from "./upstreams.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const BOUNDS = { maxMessageBytes: 100_000, maxDepth: 64 };

function http(status: string, contentType: string, body: Buffer, more = ""): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: ${contentType}\r\n${more}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function chunked(contentType: string, body: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  return Buffer.concat([Buffer.from(`${head}${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]);
}

function record(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]), content]);
}

function fastCgi(head: string, body: Buffer): Buffer {
  const output = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
  const half = output.length >> 1;
  const parts = [
    record(6, output.subarray(0, half)),
    record(7, Buffer.from("a warning")),
    record(6, output.subarray(half)),
  ];
  return Buffer.concat([...parts, record(6, Buffer.alloc(0)), record(3, Buffer.alloc(8))]);
}

const reply = { strict: true, name: "echo", sequenceId: 1 };
const result = thriftMessage({ ...reply, type: 2 }, thriftText(0, "fine"));
const missing = thriftMessage({ ...reply, type: 2 }, thriftNested(1, "shelf"));
const exception = Buffer.concat([
  thriftText(1, "it fell over").subarray(0, -1),
  Buffer.from("0800020000000600", "hex"),
]);
const failed = thriftMessage({ ...reply, type: 3 }, exception);
const error = Buffer.from(
  '{"code":"not_found","message":"no shelf","details":[{"type":"test.Missing","value":"CgVzaGVsZg","debug":{"text":"shelf"}}]}',
);
const plain = Buffer.from('{"code":"aborted","message":"not now"}');
const json = Buffer.from('{"success":"fine"}');

/** The first is what well-behaved calls get. */
const WIRES: readonly { readonly wire: HttpUpstreamOptions; readonly good: readonly Buffer[] }[] = [
  {
    wire: { ...thriftHttpUpstreamOptions.parse({ protocol: "thrift-http" }), ...BOUNDS },
    good: [
      http("200 OK", "application/x-thrift", result, "served-by: one\r\ncw-t-cost-bin: AQI\r\n"),
      chunked("application/x-thrift", result),
      http("200 OK", "application/x-thrift", missing),
      http("200 OK", "application/x-thrift", failed, "cw-code: 10\r\ncw-details-bin: CAoSAm5v\r\n"),
      http("503 Service Unavailable", "text/plain", Buffer.from("come back later")),
    ],
  },
  {
    wire: { ...connectUpstreamOptions.parse({ protocol: "connect" }), ...BOUNDS },
    good: [
      http("200 OK", "application/proto", protobufText("fine"), "trailer-cost: 2\r\n"),
      chunked("application/proto", protobufText("fine")),
      http("404 Not Found", "application/json", error),
      http("409 Conflict", "application/json", plain, "trailer-cost: 2\r\n"),
      http("502 Bad Gateway", "text/html", Buffer.from("<html>")),
    ],
  },
  {
    wire: { ...httpJsonUpstreamOptions.parse({ protocol: "http-json" }), ...BOUNDS },
    good: [
      http("200 OK", "application/json", json),
      chunked("application/json; charset=utf-8", json),
      http("404 Not Found", "application/json", error),
      http("404 Not Found", "application/json", Buffer.from('{"message":"no such page"}')),
    ],
  },
  {
    wire: { ...fastCgiUpstreamOptions.parse({ protocol: "fastcgi", script: "/i.php", maxConnections: 32 }), ...BOUNDS },
    good: [
      fastCgi("Content-Type: application/x-thrift\r\nserved-by: one", result),
      fastCgi("content-type: application/x-thrift\r\ncw-code: 10", failed),
      fastCgi("Status: 200 OK\ncontent-type: application/x-thrift", missing),
      fastCgi("Status: 404 Not Found\r\nContent-Type: text/html", Buffer.from("File not found.\n")),
      record(3, Buffer.from([0, 0, 0, 0, 2, 0, 0, 0])),
    ],
  },
];

const LAST_RECORD = String.fromCharCode(1, 5, 0, 1, 0, 0, 0, 0);

/** Whether a request is there whole, over HTTP or FastCGI. */
function isWhole(request: string): boolean {
  if (!request.startsWith("POST")) return request.endsWith(LAST_RECORD);
  const head = request.indexOf("\r\n\r\n");
  const length = Number(/content-length: (\d+)/.exec(request)?.[1]);
  return head >= 0 && request.length >= head + 4 + length;
}

interface Answer {
  readonly bytes: Buffer;
  /** Whether the connection then ends. */
  readonly end: boolean;
}

/** Answers each request with what is kept under the number that it carries, or else with `good`. */
async function serve(answers: ReadonlyMap<string, Answer>, good: Buffer) {
  const server = createServer((socket) => {
    let pending = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      pending += chunk.toString("latin1");
      if (!isWhole(pending)) return;
      const number = /(?:x-mutation: |HTTP_X_MUTATION)(\d{8})/.exec(pending)?.[1] ?? "";
      pending = "";
      const answer = answers.get(number);
      if (answer?.end) socket.end(answer.bytes);
      else socket.write(answer?.bytes ?? good);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

function payloadOf({ wire }: (typeof WIRES)[number]): Payload {
  const text = "the end";
  if (wire.protocol === "connect") return { type: undefined, codec: "protobuf", bytes: protobufText(text) };
  if (wire.protocol === "http-json")
    return { type: undefined, codec: "json", bytes: Buffer.from(JSON.stringify({ text })) };
  return { type: undefined, codec: "thrift-binary", bytes: thriftText(1, text) };
}

const WAIT_MS = 40;

test.each(WIRES.map((each) => [each.wire.protocol, each] as const))(
  "responses over %s: each call ends with a reply or an error, whatever the server says",
  async (protocol, each) => {
    const answers = new Map<string, Answer>();
    const port = await serve(answers, each.good[0]!);
    const address = { kind: "tcp", host: "127.0.0.1", port } as const;
    const connect = connectHttp(each.wire, systemClock, quietLog);
    // A connection that ends right behind a whole response may still be given to the next call, which no client can know.
    const [staying, ending] = [
      connect({ upstream: "u", address, name: "peer" }),
      connect({ upstream: "u", address, name: "peer" }),
    ];
    cleanups.push(staying.close, ending.close);
    const payload = payloadOf(each);
    const kind = payload.codec === "thrift-binary" ? "thrift" : "protobuf";
    const codes = new Map<string, number>();
    const note = (what: string): unknown => codes.set(what, (codes.get(what) ?? 0) + 1);
    await runMutations({
      entry: `responses over ${protocol}`,
      messages: each.good,
      workers: 16,
      memory: usedBytes,
      async exchange({ bytes, index }) {
        const number = String(index).padStart(8, "0");
        const end = index % 4 === 1;
        answers.set(number, { bytes, end });
        const headers = Metadata.from([["x-mutation", number]]);
        // Where nothing ends the connection, what is cut short is waited for in vain.
        const call = callOf(kind, "echo", "", {
          payload,
          headers,
          ...(!end && { signal: AbortSignal.timeout(WAIT_MS) }),
        });
        const outcome = await (end ? ending : staying).handle(call).catch((thrown: unknown) => thrown);
        answers.delete(number);
        if (outcome instanceof RpcError) note(outcome.code);
        else {
          expect(outcome).toMatchObject({ kind: expect.stringMatching(/^(?:result|exception)$/) });
          note("reply");
        }
        if (index % 8 > 0) return;
        const healthy = await staying.handle(callOf(kind, "echo", "", { payload }));
        expect(healthy.kind).toBe("result");
      },
    });
    expect([...codes.keys()]).toEqual(expect.arrayContaining(["reply", "INTERNAL", "UNAVAILABLE", "CANCELLED"]));
  },
);
