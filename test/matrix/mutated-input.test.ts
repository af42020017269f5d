// Whatever bytes come, from callers or from upstreams, they harm nobody else: the connection is answered or closed, the
// call gets an error, and a healthy caller beside it notices nothing.
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { createLocalListener, localListenerOptions } from "../../src/inbound/local-listener.ts";
import { connectGrpc, grpcUpstreamOptions } from "../../src/outbound/grpc-client.ts";
import { connectThrift, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { codecOf, type Envelope, type Framing } from "../../src/protocol/thrift/dialect.ts";
import { writeMessage } from "../../src/protocol/thrift/message.ts";
import { writeCall } from "../../src/protocol/thrift/write-call.ts";
import type { Reply } from "../../src/rpc/call.ts";
import type { Endpoint } from "../../src/rpc/endpoint.ts";
import { quietLog } from "../quiet-log.ts";
import { callOf, compactText, createEchoService, framed, lookup, protobufText, thriftText } from "./echo.ts";
import { connectNpmThrift } from "./npm-thrift.ts";

const FRAMED = { framing: "framed", envelope: "strict" } as const;
const CONNECTIONS = 500;
const AT_ONCE = 20;

/** The same numbers in every run (a linear congruential generator, so that a failure can be repeated). */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function thriftBytes(inFrames: boolean, strict: boolean): Buffer {
  const calls = [1, 2, 3].map((sequenceId) =>
    writeMessage(
      { envelope: strict ? "strict" : "old", name: "echo", type: 1, sequenceId },
      0,
      thriftText(1, `text ${sequenceId}`),
    ),
  );
  return Buffer.concat(inFrames ? calls.map(framed) : calls);
}

/** Three calls as an upstream would get them, with headers where there is room. */
function dressedBytes(framing: Framing, envelope: Envelope, zlib = false): Buffer {
  const codec = codecOf(envelope);
  const bodies = {
    "thrift-binary": thriftText(1, "x"),
    "thrift-compact": compactText(1, "x"),
    protobuf: protobufText("x"),
  };
  const payload = { type: undefined, codec, bytes: bodies[codec] };
  const headers = Metadata.from([["tenant", "a"]]);
  const call = callOf(codec === "protobuf" ? "protobuf" : "thrift", "echo", "", {
    payload,
    headers,
    expiresAtMs: 10_000,
  });
  const options = { framing, envelope, zlib, multiplexed: false, profile: true, nowMs: 0 };
  return Buffer.concat([1, 2, 3].map((sequenceId) => writeCall(call, { ...options, sequenceId }).message));
}

/** A header as HPACK has it without tables and Huffman coding. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0, 0, payload.length, type, flags, 0, 0, 0, stream), payload]);
}

const SETTINGS = http2Frame(4, 0, 0, Buffer.alloc(0));

function grpcMessage(): Buffer {
  const message = protobufText("hello");
  return Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]);
}

/** A client's preface and settings, and one call. */
function grpcBytes(): Buffer {
  const headers = Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", "/test.Echo/echo"),
    literal(":authority", "localhost"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  return Buffer.concat([preface, SETTINGS, http2Frame(1, 4, 1, headers), http2Frame(0, 1, 1, grpcMessage())]);
}

/** A server's settings, and the response to the first call. */
function grpcReplyBytes(): Buffer {
  const headers = Buffer.concat([literal(":status", "200"), literal("content-type", "application/grpc")]);
  const trailers = Buffer.concat([literal("grpc-status", "0"), literal("grpc-message", "fine%21")]);
  const frames = [http2Frame(1, 4, 1, headers), http2Frame(0, 0, 1, grpcMessage()), http2Frame(1, 5, 1, trailers)];
  return Buffer.concat([SETTINGS, ...frames]);
}

function mutated(original: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(original);
  const kind = random(4);
  if (kind === 0) return bytes.subarray(0, random(bytes.length));
  if (kind === 1)
    bytes.writeUInt32BE([0x7fffffff, 0xffffffff, 0x80000000, 0x00ffffff][random(4)]!, random(bytes.length - 4));
  else for (let i = 0; i <= random(6); i++) bytes[random(bytes.length)]! ^= 1 << random(8);
  return bytes;
}

/** Sends the bytes, ends, and waits for the other side to close. */
function send(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.on("data", () => socket.end());
    // A gRPC server speaks first, and takes an end that comes with the request for a caller who has gone.
    if (bytes.length >= 24 && bytes.toString("latin1", 0, 3) === "PRI") socket.write(bytes);
    else socket.end(bytes);
  });
}

test.each([
  ["framed strict Thrift", thriftBytes(true, true)],
  ["framed old Thrift", thriftBytes(true, false)],
  ["unframed strict Thrift", thriftBytes(false, true)],
  ["unframed old Thrift", thriftBytes(false, false)],
  ["unframed compact Thrift", dressedBytes("unframed", "compact")],
  ["framed compact Thrift", dressedBytes("framed", "compact")],
  ["THeader", dressedBytes("theader", "strict")],
  ["THeader with zlib", dressedBytes("theader", "compact", true)],
  ["TTHeader", dressedBytes("ttheader", "strict")],
  ["TTHeader with Protobuf", dressedBytes("ttheader", "kitex-protobuf")],
  ["gRPC", grpcBytes()],
])("mutated %s harms nobody else", async (name, original) => {
  const service = createEchoService();
  const listener = await createLocalListener(
    { ...localListenerOptions.parse({}), address: { kind: "tcp", host: "127.0.0.1", port: 0 } },
    { lookup, handle: service.handle, log: quietLog, clock: systemClock },
  );
  const port = listener.address.kind === "tcp" ? listener.address.port : 0;
  const healthy = await connectNpmThrift(port, "framed");

  await send(port, original);
  expect(service.calls.length, "the original is understood").toBe(name === "gRPC" ? 1 : 3);

  const random = createRandom(7);
  for (let sent = 0; sent < CONNECTIONS; sent += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, () => send(port, mutated(original, random)));
    expect(await healthy.call("echo", `beside ${sent}`)).toBe(`beside ${sent}`);
    await Promise.all(batch);
  }
  healthy.close();
  await listener.close(60_000);
});

test.each([
  ["Thrift", connectThrift({ ...thriftUpstreamOptions.parse({}), ...FRAMED }, systemClock, quietLog), "thrift"],
  ["gRPC", connectGrpc(grpcUpstreamOptions.parse({}), systemClock, quietLog), "protobuf"],
] as const)("a mutated %s reply is a reply or a RpcError", async (_name, connectUpstream, wire) => {
  const reply = { envelope: "strict", name: "echo", type: 2, sequenceId: 1 } as const;
  const thriftReply = framed(writeMessage(reply, 0, thriftText(0, "hello")));
  const original = wire === "thrift" ? Buffer.from(thriftReply) : grpcReplyBytes();
  let bytes = original;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const endpoint: Endpoint = {
    upstream: "echo",
    address: { kind: "tcp", host: "127.0.0.1", port },
    name: "the server",
  };

  const random = createRandom(11);
  const outcomes: (Reply | RpcError)[] = [];
  for (let sent = 0; sent < CONNECTIONS; sent++) {
    const { handle, close } = connectUpstream(endpoint);
    const call = handle(callOf(wire, "echo", "x"));
    outcomes.push(await call.catch((error: RpcError) => error));
    await close();
    bytes = mutated(original, random);
  }
  expect(outcomes[0]).toMatchObject({ kind: "result" });
  for (const outcome of outcomes) expect(outcome instanceof RpcError || "kind" in outcome).toBe(true);
  await new Promise((resolve) => server.close(resolve));
});
