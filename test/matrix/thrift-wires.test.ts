// Every Thrift framing and encoding through two ends of ours over real sockets: the client for upstreams at the local
// listener, as one sidecar calls the next.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { createLocalListener, type LocalListener, localListenerOptions } from "../../src/inbound/local-listener.ts";
import { connectThrift, type ThriftUpstreamOptions, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { codecOf, type Dialect } from "../../src/protocol/thrift/dialect.ts";
import { createFrameSplitter } from "../../src/protocol/thrift/framing.ts";
import { readTTHeader } from "../../src/protocol/thrift/ttheader.ts";
import type { Call, Handler } from "../../src/rpc/call.ts";
import { quietLog } from "../quiet-log.ts";
import {
  callOf,
  compactText,
  createEchoService,
  type EchoService,
  lookup,
  replyOf,
  textOf,
  thriftText,
} from "./echo.ts";

const cleanups: (() => unknown)[] = [];
let service: EchoService;
let listener: LocalListener;

beforeEach(async () => {
  service = createEchoService();
  listener = await listen((call) => service.handle(call));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(handle: Handler): Promise<LocalListener> {
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const options = { ...localListenerOptions.parse({}), address };
  const listening = await createLocalListener(options, { lookup, handle, log: quietLog, clock: systemClock });
  cleanups.push(() => listening.close(0));
  return listening;
}

function portOf({ address }: LocalListener): number {
  return address.kind === "tcp" ? address.port : 0;
}

function connect(port: number, wire: Dialect, changes: Partial<ThriftUpstreamOptions> = {}) {
  const options = { ...thriftUpstreamOptions.parse({}), ...wire, ...changes };
  const address = { kind: "tcp", host: "127.0.0.1", port } as const;
  const handler = connectThrift(
    options,
    systemClock,
    quietLog,
  )({ upstream: "echo", address, name: `127.0.0.1:${port}` });
  cleanups.push(() => handler.close());
  return handler;
}

/** A call of echo in the encoding of a wire. */
function echo({ envelope }: Dialect, text: string, changes: Partial<Call> = {}): Call {
  const codec = codecOf(envelope);
  if (codec === "protobuf") return callOf("protobuf", "echo", text, changes);
  const bytes = codec === "thrift-compact" ? compactText(1, text) : thriftText(1, text);
  return callOf("thrift", "echo", text, { payload: { type: undefined, codec, bytes }, ...changes });
}

async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  const outcome = await promise.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(RpcError);
  return outcome as RpcError;
}

const WIRES: readonly (Dialect & { readonly zlib?: boolean; readonly maxCallsPerConnection?: number })[] = [
  { framing: "framed", envelope: "strict" },
  { framing: "framed", envelope: "old" },
  { framing: "framed", envelope: "compact" },
  { framing: "framed", envelope: "kitex-protobuf" },
  { framing: "unframed", envelope: "strict" },
  { framing: "unframed", envelope: "compact" },
  { framing: "theader", envelope: "strict" },
  { framing: "theader", envelope: "compact" },
  { framing: "theader", envelope: "strict", zlib: true },
  { framing: "ttheader", envelope: "strict" },
  { framing: "ttheader", envelope: "strict", maxCallsPerConnection: 1 },
  { framing: "ttheader", envelope: "compact" },
  { framing: "ttheader", envelope: "kitex-protobuf" },
];

const titled = WIRES.map((wire) => [Object.values(wire).join(", "), wire] as const);

describe.each(titled)("%s", (_title, wire) => {
  test("carries results, the declared exception, errors with their exact code, and oneway calls", async () => {
    const { handle } = connect(portOf(listener), wire, wire);
    const reply = await handle(echo(wire, "hello"));
    expect(reply.kind).toBe("result");
    expect(textOf(reply.payload)).toBe("hello");
    const plainKitex = wire.framing === "framed" && wire.envelope === "kitex-protobuf";
    // Without headers Kitex-Protobuf has no place for a declared exception but its code and text.
    if (plainKitex) expect((await failureOf(handle(echo(wire, "missing")))).code).toBe("NOT_FOUND");
    else expect(await handle(echo(wire, "missing"))).toMatchObject({ kind: "exception", field: { id: 1 } });
    expect(await failureOf(handle(echo(wire, "refused")))).toMatchObject({
      code: "PERMISSION_DENIED",
      message: "not for you, 100 % sure",
      origin: "peer",
      // Wires with headers say that nothing was sent on, so that the call may go elsewhere.
      sent: wire.framing === "framed" || wire.framing === "unframed",
    });
    expect((await failureOf(handle(echo(wire, "broken")))).code).toBe("INTERNAL");
    const note = callOf(wire.envelope === "kitex-protobuf" ? "protobuf" : "thrift", "note", "x");
    const { payload } = echo(wire, "a note");
    expect((await handle({ ...note, payload })).kind).toBe("result");
    await expect.poll(() => service.calls.some((call) => textOf(call.payload) === "a note")).toBe(true);
    expect(textOf((await handle(echo(wire, "and on"))).payload)).toBe("and on");
  });

  test("carries a thousand calls at once, each to its own caller", async () => {
    const { handle } = connect(portOf(listener), wire, { maxConnections: 4, ...wire });
    const texts = Array.from({ length: 1_000 }, (_, i) => `${i} ${"x".repeat(i % 100)}`);
    const replies = await Promise.all(texts.map((text) => handle(echo(wire, text))));
    expect(replies.map(({ payload }) => textOf(payload))).toEqual(texts);
  });
});

test.each(titled.filter(([, { envelope }]) => envelope === "strict"))(
  "%s carries a message of a megabyte",
  async (_title, wire) => {
    const { handle } = connect(portOf(listener), wire, wire);
    const text = "y".repeat(1_000_000);
    expect(textOf((await handle(echo(wire, text))).payload)).toBe(text);
  },
);

test.each(titled.filter(([, { framing }]) => framing === "theader" || framing === "ttheader"))(
  "%s carries metadata, trailers, the deadline and an error's details",
  async (_title, wire) => {
    const seen: Call[] = [];
    const detail = { typeUrl: "type.googleapis.com/test.Why", value: Buffer.from([1, 2, 255]) };
    const other = await listen(async (call) => {
      seen.push(call);
      const headers = Metadata.from([["served-by", "é"]]);
      const trailers = Metadata.from([["cost-bin", "AQI"]]);
      if (textOf(call.payload) === "fail") {
        throw new RpcError("ABORTED", "zwei\nZeilen", { details: [detail], headers, trailers });
      }
      return { ...replyOf(call, "x"), headers, trailers };
    });
    const { handle } = connect(portOf(other), wire, wire);
    const headers = Metadata.from([
      ["tenant", "a"],
      ["tenant", "b"],
      ["key-bin", "AQID/w"],
      ["traceparent", "00-1-2-03"],
      ["grpc-secret", "dropped"],
    ]);
    const call = echo(wire, "x", { headers, expiresAtMs: systemClock.nowMs() + 60_000 });
    const reply = await handle(call);
    expect(reply.headers.get("served-by")).toBe("é");
    expect(reply.trailers.get("cost-bin")).toBe("AQI");
    expect([...seen[0]!.headers]).toEqual([
      ["tenant", "a"],
      ["tenant", "b"],
      ["key-bin", "AQID/w"],
      ["traceparent", "00-1-2-03"],
    ]);
    expect(seen[0]!.expiresAtMs - systemClock.nowMs()).toBeGreaterThan(50_000);
    const error = await failureOf(handle(echo(wire, "fail")));
    expect(error).toMatchObject({ code: "ABORTED", message: "zwei\nZeilen", origin: "peer" });
    expect(error.details.map(({ typeUrl, value }) => [typeUrl, [...value]])).toEqual([[detail.typeUrl, [1, 2, 255]]]);
    expect(error.trailers.get("cost-bin")).toBe("AQI");
    expect(call.facts.droppedMetadata).toBe(0);
  },
);

const TTHEADER = { framing: "ttheader", envelope: "strict" } as const;

describe("TTHeader between sidecars", () => {
  test("replies overtake each other, and all calls share one connection", async () => {
    const { handle } = connect(portOf(listener), TTHEADER);
    const held = handle(echo(TTHEADER, "hold"));
    expect(textOf((await handle(echo(TTHEADER, "quick"))).payload)).toBe("quick");
    service.release();
    expect(textOf((await held).payload)).toBe("hold");
    expect(new Set(service.calls.map(({ facts }) => facts.peer)).size).toBe(1);
  });

  test("a cancelled call is cancelled on the other side, and no other", async () => {
    const { handle } = connect(portOf(listener), TTHEADER);
    // By this reply the client knows that it may cancel.
    await handle(echo(TTHEADER, "first"));
    const controller = new AbortController();
    const hanging = failureOf(handle(echo(TTHEADER, "hang", { signal: controller.signal })));
    const beside = handle(echo(TTHEADER, "hold"));
    await service.hanging;
    controller.abort();
    expect(await hanging).toMatchObject({ code: "CANCELLED", sent: true });
    expect(await service.aborted).toMatchObject({ code: "CANCELLED", message: "the caller cancelled the call" });
    service.release();
    expect(textOf((await beside).payload)).toBe("hold");
    expect(textOf((await handle(echo(TTHEADER, "after"))).payload)).toBe("after");
    expect(new Set(service.calls.map(({ facts }) => facts.peer)).size).toBe(1);
  });

  test("a draining listener says so on its replies, and the next call goes over a new connection", async () => {
    const { handle } = connect(portOf(listener), TTHEADER);
    const held = handle(echo(TTHEADER, "hold"));
    await expect.poll(() => service.calls.length).toBe(1);
    const closing = listener.close(60_000);
    service.release();
    expect(textOf((await held).payload)).toBe("hold");
    await closing;
    expect(await failureOf(handle(echo(TTHEADER, "later")))).toMatchObject({ code: "UNAVAILABLE", sent: false });
  });

  test("what applications may not say is dropped", async () => {
    const { handle } = connect(portOf(listener), TTHEADER);
    const headers = Metadata.from([
      ["cw-from", "someone"],
      ["cw-hops", "1"],
      ["own", "stays"],
    ]);
    await handle(echo(TTHEADER, "x", { headers }));
    expect([...service.calls[0]!.headers]).toEqual([["own", "stays"]]);
  });
});

/** A TTHeader server that does with each frame what the test says. */
async function rawServer(onFrame: (socket: Socket, frame: Uint8Array, connection: number) => void) {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on("error", () => {});
    const splitter = createFrameSplitter({ maxFrameBytes: 1_000_000 });
    socket.on("data", (chunk) => {
      splitter.push(chunk);
      for (let frame = splitter.next(); frame; frame = splitter.next()) onFrame(socket, frame, connection);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, count: () => connections };
}

/** The frame that a server without Causeway's profile would answer with, plus `pairs` of string keys. */
function answerTo(frame: Uint8Array, sequenceId = readTTHeader(frame).sequenceId, pairs = ""): Buffer {
  const headers = Buffer.from(`0000${pairs}`, "hex");
  const padded = Buffer.alloc((headers.length + 3) & ~3);
  headers.copy(padded);
  const head = Buffer.alloc(14);
  head.writeUInt32BE(0x1000_0000, 4);
  head.writeInt32BE(sequenceId, 8);
  head.writeUInt16BE(padded.length / 4, 12);
  const message = Buffer.from("80010002000000046563686f00000000", "hex");
  message.writeInt32BE(sequenceId, 12);
  const whole = Buffer.concat([head, padded, message, thriftText(0, "answer")]);
  whole.writeUInt32BE(whole.length - 4, 0);
  return whole;
}

describe("a TTHeader server that misbehaves", () => {
  test("a reply to no call fails all calls of the connection, and the next call gets a new one", async () => {
    const server = await rawServer((socket, frame, connection) =>
      socket.write(answerTo(frame, connection === 1 ? 99 : undefined)),
    );
    const { handle } = connect(server.port, TTHEADER);
    const failures = await Promise.all([1, 2].map(() => failureOf(handle(echo(TTHEADER, "x")))));
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: "INTERNAL", sent: true, message: expect.stringContaining("99") });
    }
    expect(textOf((await handle(echo(TTHEADER, "x"))).payload)).toBe("answer");
    expect(server.count()).toBe(2);
  });

  test("a connection that breaks fails its calls as sent", async () => {
    const server = await rawServer((socket, frame) => socket.end(answerTo(frame).subarray(0, 20)));
    const { handle } = connect(server.port, TTHEADER);
    expect(await failureOf(handle(echo(TTHEADER, "x")))).toMatchObject({ code: "UNAVAILABLE", sent: true });
  });

  test("a late reply to a call that was taken back is nobody's, and harms nobody", async () => {
    const late = Promise.withResolvers<() => void>();
    let frames = 0;
    const server = await rawServer((socket, frame) => {
      if (++frames === 1) late.resolve(() => socket.write(answerTo(frame)));
      else socket.write(answerTo(frame));
    });
    const { handle } = connect(server.port, TTHEADER);
    const controller = new AbortController();
    const gone = failureOf(handle(echo(TTHEADER, "x", { signal: controller.signal })));
    const answer = await late.promise;
    controller.abort();
    expect(await gone).toMatchObject({ code: "CANCELLED", sent: true });
    answer();
    expect(textOf((await handle(echo(TTHEADER, "x"))).payload)).toBe("answer");
    expect(server.count()).toBe(1);
    // No frame without payload came: this server has not shown that it would understand one.
    expect(frames).toBe(2);
  });

  test("after crrst the connection takes no further call", async () => {
    const crrst = "01000100056372727374000131";
    const server = await rawServer((socket, frame, connection) =>
      socket.write(answerTo(frame, undefined, connection === 1 ? crrst : "")),
    );
    const { handle } = connect(server.port, TTHEADER);
    await handle(echo(TTHEADER, "x"));
    await handle(echo(TTHEADER, "x"));
    expect(server.count()).toBe(2);
  });

  test("nobody listening is UNAVAILABLE and not sent, for everybody who waits", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { handle } = connect(port, TTHEADER);
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(handle(echo(TTHEADER, "x")))));
    expect(failures.map(({ code, sent }) => [code, sent])).toEqual(Array(3).fill(["UNAVAILABLE", false]));
  });
});
