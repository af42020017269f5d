// The client for gRPC servers, at servers over HTTP/2 that misbehave, refuse and leave.
import { once } from "node:events";
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { retry, retryOptions } from "../../src/governance/retry.ts";
import { newUpstreamCounts } from "../../src/governance/upstream-counts.ts";
import { createFakeClock } from "../fake-clock.ts";
import { callOf, protobufText, textOf } from "./echo.ts";
import { failureOf, grpcClient } from "./outbound-clients.ts";

/** An HTTP/2 server that does with each stream what the test says. */
async function http2Server(
  onStream: (stream: ServerHttp2Stream, session: ServerHttp2Session, count: number) => void,
  settings = {},
) {
  let count = 0;
  const sessions = new Set<ServerHttp2Session>();
  const sockets: Socket[] = [];
  const server: Http2Server = createHttp2Server({ settings });
  server.on("connection", (socket) => sockets.push(socket));
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    onStream(stream, stream.session as ServerHttp2Session, ++count);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sessions, sockets };
}

function answer(stream: ServerHttp2Stream, text = "echo"): void {
  const message = protobufText(text);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
}

describe("connectGrpc at an HTTP/2 server that misbehaves", () => {
  test.each([
    ["REFUSED_STREAM is UNAVAILABLE and not sent", 7, { code: "UNAVAILABLE", sent: false }],
    ["CANCEL is CANCELLED", 8, { code: "CANCELLED", sent: true, origin: "peer" }],
    ["ENHANCE_YOUR_CALM is RESOURCE_EXHAUSTED", 11, { code: "RESOURCE_EXHAUSTED", sent: true, origin: "peer" }],
    ["INTERNAL_ERROR is INTERNAL", 2, { code: "INTERNAL", sent: true, origin: "peer" }],
  ])("a reset with %s", async (_name, code, expected) => {
    const { port } = await http2Server((stream) => stream.close(code));
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")))).toMatchObject(expected);
  });

  test("half a reply and a broken connection is UNAVAILABLE and sent, and the next call gets a new session", async () => {
    const { port, sessions, sockets } = await http2Server((stream, _session, count) => {
      if (count > 1) return answer(stream);
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => sockets[0]!.resetAndDestroy());
    });
    const { handle } = grpcClient(port);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "UNAVAILABLE", sent: true });
    expect(textOf((await handle(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
    expect(sessions.size).toBe(2);
  });

  test("half a message with status OK is INTERNAL; without a status it is UNKNOWN", async () => {
    const { port } = await http2Server((stream, _session, count) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => {
        if (count === 1) stream.sendTrailers({ "grpc-status": "0" });
        else stream.close();
      });
      stream.end(Buffer.from([0, 0, 0, 0, 9, 1]));
    });
    const { handle } = grpcClient(port);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "INTERNAL", sent: true });
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({ code: "UNKNOWN", sent: true });
  });

  test("replies that cannot be read fail their own calls and never the connection, however many they are", async () => {
    const { port, sessions } = await http2Server((stream, _session, count) => {
      if (count > 2_000) return answer(stream);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([7, 0, 0, 0, 0]));
    });
    const { handle } = grpcClient(port);
    for (let i = 0; i < 2_000; i += 50) {
      const errors = await Promise.all(
        Array.from({ length: 50 }, () => failureOf(handle(callOf("protobuf", "echo", "x")))),
      );
      expect(errors.every(({ code, message }) => code === "INTERNAL" && message.includes("flag is 7"))).toBe(true);
    }
    expect(textOf((await handle(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
    expect(sessions.size).toBe(1);
  });

  test("a reply that cannot be read and does not end is cut", async () => {
    const { port } = await http2Server((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(Buffer.from([7, 0, 0, 0, 0]));
      const more = () => void (stream.destroyed || stream.write(Buffer.alloc(64 * 1024), more));
      more();
    });
    const error = await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")));
    expect(error).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("flag is 7") });
  });

  test("after a GOAWAY the calls in flight finish and new ones get a new session", async () => {
    const held: ServerHttp2Stream[] = [];
    const { port, sessions } = await http2Server((stream, session, count) => {
      if (count > 1) return answer(stream, "second");
      held.push(stream);
      session.goaway(0, stream.id);
    });
    const { handle } = grpcClient(port);
    const first = handle(callOf("protobuf", "echo", "x"));
    await expect.poll(() => held.length).toBe(1);
    await expect
      .poll(async () => {
        await handle(callOf("protobuf", "echo", "x")).catch(() => {});
        return sessions.size;
      })
      .toBe(2);
    answer(held[0]!, "first");
    expect(textOf((await first).payload)).toBe("first");
  });

  test("a call that a GOAWAY says was not looked at is UNAVAILABLE and not sent", async () => {
    const { port } = await http2Server((stream, session, count) => {
      if (count === 1) answer(stream);
      else session.goaway(0, 1);
    });
    const { handle } = grpcClient(port);
    await handle(callOf("protobuf", "echo", "stream 1"));
    const error = await failureOf(handle(callOf("protobuf", "echo", "stream 3")));
    expect(error).toMatchObject({ code: "UNAVAILABLE", sent: false });
  });

  test("calls that were left unanswered take no streams from others: their connection is replaced", async () => {
    let arrived: () => void = () => {};
    let silent = true;
    const { port, sessions } = await http2Server((stream) => (silent ? arrived() : answer(stream)), {
      maxConcurrentStreams: 40,
    });
    // Time stands still, so that no more than the first hundred streams may be reset.
    const { handle } = grpcClient(port, createFakeClock());
    for (let i = 0; i < 120; i++) {
      const controller = new AbortController();
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const left = failureOf(handle(callOf("protobuf", "echo", "x", { signal: controller.signal })));
      await arrival;
      controller.abort();
      expect(await left).toMatchObject({ code: "CANCELLED", sent: true });
    }
    silent = false;
    const replies = await Promise.all(Array.from({ length: 40 }, () => handle(callOf("protobuf", "echo", "x"))));
    expect(replies.every(({ kind }) => kind === "result")).toBe(true);
    expect(sessions.size).toBe(2);
    await expect.poll(() => [...sessions].map(({ closed, destroyed }) => closed || destroyed)).toEqual([true, false]);
  });

  test("a connection that does not come about in time is UNAVAILABLE, not sent", async () => {
    const clock = createFakeClock();
    const { port } = await http2Server((stream) => answer(stream));
    const failed = failureOf(grpcClient(port, clock).handle(callOf("protobuf", "echo", "x")));
    clock.advance(1_000);
    const message = expect.stringContaining("1000 ms");
    expect(await failed).toMatchObject({ code: "UNAVAILABLE", sent: false, message });
  });

  test("closing waits for the calls in flight and refuses new ones", async () => {
    const arrived = Promise.withResolvers<ServerHttp2Stream>();
    const { port } = await http2Server((stream) => arrived.resolve(stream));
    const client = grpcClient(port);
    const reply = client.handle(callOf("protobuf", "echo", "x"));
    const stream = await arrived.promise;
    const closed = client.close();
    const refused = await failureOf(client.handle(callOf("protobuf", "echo", "x")));
    expect(refused).toMatchObject({ code: "UNAVAILABLE", sent: false });
    answer(stream);
    expect((await reply).kind).toBe("result");
    await closed;
  });

  test.each([
    ["refused", (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
    ["said goodbye to", (_: ServerHttp2Stream, session: ServerHttp2Session) => session.goaway(0, 1)],
  ])("a call that was %s is tried again, though its method is not idempotent", async (_name, turnAway) => {
    const { port } = await http2Server((stream, session, count) => {
      if (count === 2) turnAway(stream, session);
      else answer(stream);
    });
    const { handle } = grpcClient(port);
    const tryAgain = retry(retryOptions.parse({}), {
      clock: systemClock,
      random: () => 0,
      counts: newUpstreamCounts(),
    });
    const calls = tryAgain.calls(handle);
    await calls(callOf("protobuf", "echo", "x"));
    expect(textOf((await calls(callOf("protobuf", "echo", "x"))).payload)).toBe("echo");
  });

  test("calls wait for a free stream when the peer allows few", async () => {
    let active = 0;
    let most = 0;
    const { port } = await http2Server(
      (stream) => {
        most = Math.max(most, ++active);
        stream.on("close", () => active--);
        setImmediate(() => answer(stream));
      },
      { maxConcurrentStreams: 2 },
    );
    const { handle } = grpcClient(port);
    await handle(callOf("protobuf", "echo", "settings have come"));
    const replies = await Promise.all(Array.from({ length: 50 }, () => handle(callOf("protobuf", "echo", "x"))));
    expect(replies.every(({ kind }) => kind === "result")).toBe(true);
    expect(most).toBe(2);
  });
});
