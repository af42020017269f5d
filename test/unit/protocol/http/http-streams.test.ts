// The HTTP port's streams without sockets: what a caller's bytes become, and what is written for it.
import { expect, test } from "vitest";
import type { Address } from "../../../../src/base/address.ts";
import { RpcError } from "../../../../src/base/errors.ts";
import { Metadata } from "../../../../src/base/metadata.ts";
import { createBrowserGuard } from "../../../../src/protocol/http/browser-guard.ts";
import type { HttpResponseStream, HttpStream } from "../../../../src/protocol/http/http.ts";
import { createHttpStreams } from "../../../../src/protocol/http/http-streams.ts";
import { createLookup } from "../../../../src/rpc/resolve.ts";
import type { StreamCall, StreamHandler } from "../../../../src/rpc/stream.ts";
import { requestOf } from "./requests.ts";

const address: Address = { kind: "tcp", host: "127.0.0.1", port: 7421 };

/** Where a response goes, with what has been written. */
class Written implements HttpResponseStream {
  head: { status: number; headers: Metadata } | undefined;
  body = Buffer.alloc(0);
  isOver = false;
  consumedBytes = 0;
  takes = true;
  begin = (status: number, headers: Metadata): void => {
    if (headers.get("bad") !== undefined) throw new TypeError("a header that is none");
    this.head = { status, headers };
  };
  write = (bytes: Uint8Array): boolean => {
    this.body = Buffer.concat([this.body, bytes]);
    return this.takes;
  };
  end = (): void => {
    this.isOver = true;
  };
  consumed = (bytes: number): void => {
    this.consumedBytes += bytes;
  };
}

/** A method whose IDL is not loaded may stream. */
function open(
  contentType: string,
  handleStream: StreamHandler,
  headers: Record<string, string> = {},
): { written: Written; stream: HttpStream | undefined } {
  const take = createHttpStreams({
    lookup: createLookup([]),
    services: { thrift: new Set(), protobuf: new Set() },
    defaultService: undefined,
    maxMessageBytes: 100,
    printDetail: () => undefined,
    nowMs: () => 1_000,
    handleStream,
    guard: createBrowserGuard({ allowedOrigins: [], allowedHosts: [], address }),
  });
  const written = new Written();
  const begin = take(requestOf(contentType, "", { path: "/shop.Shop/Watch", headers }));
  return { written, stream: begin?.(written) };
}

/** Answers every message with itself. */
const echo: StreamHandler = async ({ messages }) => {
  const trailers = Promise.withResolvers<Metadata>();
  async function* all() {
    yield* messages;
    trailers.resolve(Metadata.from([["cost", "1"]]));
  }
  return { headers: Metadata.from([["served-by", "echo"]]), messages: all(), trailers: trailers.promise };
};

function envelope(flag: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(flag, 0, 0, 0, text.length), Buffer.from(text)]);
}

const settled = (written: Written) => expect.poll(() => written.isOver).toBe(true);

test("messages of Connect are told apart wherever their bytes are cut, and the end is JSON", async () => {
  const { written, stream } = open("application/connect+proto", echo);
  const body = Buffer.concat([envelope(0, "one"), envelope(0, ""), envelope(0, "two")]);
  for (const byte of body) stream?.data(Buffer.of(byte));
  stream?.ended();
  await settled(written);
  expect(written.head?.status).toBe(200);
  expect(written.head?.headers.get("served-by")).toBe("echo");
  expect(written.body).toEqual(Buffer.concat([body, envelope(2, '{"metadata":{"cost":["1"]}}')]));
  expect(written.consumedBytes).toBe(body.length);
});

test("of text as many bytes are given back as have come", async () => {
  const { written, stream } = open("application/grpc-web-text", echo);
  const text = Buffer.from(envelope(0, "some").toString("base64"));
  for (const byte of text) stream?.data(Buffer.of(byte));
  stream?.ended();
  await settled(written);
  const frames = written.body.toString().match(/[^=]+={0,2}/g) ?? [];
  const bytes = Buffer.concat(frames.map((frame) => Buffer.from(frame, "base64")));
  expect(bytes).toEqual(Buffer.concat([envelope(0, "some"), envelope(0x80, "grpc-status: 0\r\ncost: 1\r\n")]));
  expect(written.consumedBytes).toBe(text.length);
});

test("the head says deadline, compression and metadata", async () => {
  let call: StreamCall | undefined;
  const { stream } = open(
    "application/connect+json",
    (came) => {
      call = came;
      return Promise.reject(new RpcError("ABORTED", "seen"));
    },
    {
      "connect-timeout-ms": "500",
      "connect-content-encoding": "gzip",
      "connect-accept-encoding": "br, gzip",
      key: "1",
    },
  );
  stream?.ended();
  expect(call).toMatchObject({ codec: "json", compression: "gzip", accepts: ["gzip"], expiresAtMs: 1_500 });
  expect([...(call?.headers ?? [])]).toEqual([["key", "1"]]);
});

test("an error before the reply has begun is in the last message, with its metadata", async () => {
  const trailers = Metadata.from([["why", "weather"]]);
  const { written, stream } = open("application/connect+proto", () =>
    Promise.reject(new RpcError("UNAVAILABLE", "gone", { trailers })),
  );
  await settled(written);
  expect(written.body.toString("utf8", 5)).toBe(
    '{"error":{"code":"unavailable","message":"gone"},"metadata":{"why":["weather"]}}',
  );
  stream?.data(envelope(0, "more"));
  expect(written.consumedBytes).toBe(9);
});

test("headers that cannot be carried end the call with INTERNAL", async () => {
  const { written } = open("application/connect+proto", async (call) => ({
    ...(await echo(call)),
    headers: Metadata.from([["bad", "1"]]),
  }));
  await settled(written);
  expect(written.body.toString()).toContain('"code":"internal"');
});

test("a caller that goes away aborts the call, and nothing more is written", async () => {
  let call: StreamCall | undefined;
  const { written, stream } = open("application/grpc-web", (came) => {
    call = came;
    return echo(came);
  });
  stream?.data(envelope(0, "one"));
  await expect.poll(() => written.body.length).toBe(8);
  stream?.left();
  expect(call?.signal.aborted).toBe(true);
  expect(call?.signal.reason).toMatchObject({ code: "CANCELLED" });
  expect(written).toMatchObject({ isOver: false, body: envelope(0, "one") });
});

test("nothing is read for a caller that does not take what is written", async () => {
  const { written, stream } = open("application/connect+proto", echo);
  written.takes = false;
  stream?.data(Buffer.concat([envelope(0, "one"), envelope(0, "two")]));
  await expect.poll(() => written.body.length).toBe(8);
  expect(written.consumedBytes).toBe(8);
  written.takes = true;
  stream?.drained();
  stream?.ended();
  await settled(written);
  expect(written.consumedBytes).toBe(16);
});

test.each([
  ["connect+proto above the limit", "application/connect+proto", Buffer.of(0, 0, 0, 0, 101), "resource_exhausted"],
  ["an unknown flag", "application/connect+proto", Buffer.of(4, 0, 0, 0, 0), "internal"],
  ["compressed without a name", "application/connect+proto", Buffer.of(1, 0, 0, 0, 0), "internal"],
  ["no base64", "application/grpc-web-text", Buffer.from("!!!!"), "grpc-status: 3"],
])("%s ends the call with an error", async (_name, contentType, bytes, expected) => {
  const { written, stream } = open(contentType, echo);
  stream?.data(bytes);
  await settled(written);
  const text = written.body.toString();
  expect(contentType.includes("text") ? Buffer.from(text, "base64").toString() : text).toContain(expected);
});

test("requests that are no streams are left to others", () => {
  expect(open("application/json", echo).stream).toBeUndefined();
  expect(open("application/connect+proto", echo, { origin: "https://shop.example" }).stream).toBeUndefined();
  expect(open("application/connect+proto", echo, { host: "shop.example" }).stream).toBeUndefined();
});
