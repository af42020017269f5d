// The client for gRPC servers, at grpc-js.
import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { Metadata } from "../../src/base/metadata.ts";
import { deadline } from "../../src/governance/deadline.ts";
import { createFakeClock } from "../fake-clock.ts";
import { callOf, textOf } from "./echo.ts";
import { failureOf, freePort, grpcClient } from "./outbound-clients.ts";

async function grpcServer(handler: grpc.handleUnaryCall<Buffer, Buffer>) {
  const server = new grpc.Server();
  const same = (bytes: Buffer) => bytes;
  const unary = {
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
  } as const;
  server.addService(
    { echo: { path: "/test.Echo/echo", ...unary, responseSerialize: same, responseDeserialize: same } },
    { echo: handler },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return { server, port };
}

describe("connectGrpc at a grpc-js server", () => {
  test("gives results with metadata, and sends metadata and the deadline", async () => {
    const seen = Promise.withResolvers<{ metadata: grpc.Metadata; deadline: grpc.Deadline }>();
    const { port } = await grpcServer((call, callback) => {
      seen.resolve({ metadata: call.metadata, deadline: call.getDeadline() });
      const headers = new grpc.Metadata();
      headers.set("from", "server");
      call.sendMetadata(headers);
      const trailers = new grpc.Metadata();
      trailers.set("last-bin", Buffer.from([1, 2, 3, 255]));
      callback(null, call.request, trailers);
    });
    const headers = Metadata.from([
      ["tenant", "a"],
      ["tenant", "b"],
      ["key-bin", "AQI"],
      ["grpc-secret", "dropped"],
      ["bad", "line\nbreak"],
    ]);
    const call = callOf("protobuf", "echo", "héllo", { headers, expiresAtMs: systemClock.nowMs() + 60_000 });
    const reply = await grpcClient(port).handle(call);
    expect(reply.kind).toBe("result");
    expect(textOf(reply.payload)).toBe("héllo");
    expect(reply.headers.get("from")).toBe("server");
    expect(reply.trailers.get("last-bin")).toBe("AQID/w");
    const { metadata, deadline: until } = await seen.promise;
    expect(metadata.get("tenant")).toEqual(["a, b"]);
    expect(metadata.get("key-bin")).toEqual([Buffer.from([1, 2])]);
    expect(metadata.get("bad")).toEqual([]);
    expect(call.facts.droppedMetadata).toBe(2);
    expect(Number(until) - Date.now()).toBeGreaterThan(50_000);
  });

  test("gives the peer's status with its message", async () => {
    const { port } = await grpcServer((_call, callback) =>
      callback({ code: grpc.status.NOT_FOUND, details: "no é 100%" }),
    );
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "echo", "x")))).toMatchObject({
      code: "NOT_FOUND",
      message: "no é 100%",
      origin: "peer",
      sent: true,
    });
  });

  test("an unknown method is UNIMPLEMENTED by the peer", async () => {
    const { port } = await grpcServer((call, callback) => callback(null, call.request));
    expect(await failureOf(grpcClient(port).handle(callOf("protobuf", "note", "x")))).toMatchObject({
      code: "UNIMPLEMENTED",
      origin: "peer",
    });
  });

  test("five hundred calls at once share one connection, and a large message passes", async () => {
    const { port } = await grpcServer((call, callback) => callback(null, call.request));
    const { handle } = grpcClient(port);
    const texts = Array.from({ length: 500 }, (_, i) => `${i}${"x".repeat(i)}`);
    const replies = await Promise.all(texts.map((text) => handle(callOf("protobuf", "echo", text))));
    expect(replies.map(({ payload }) => textOf(payload))).toEqual(texts);
    const bytes = Buffer.alloc(3_000_000, 7);
    const large = await handle(
      callOf("protobuf", "echo", "", { payload: { type: undefined, codec: "protobuf", bytes } }),
    );
    expect(bytes.equals(large.payload.bytes)).toBe(true);
  });

  test("nobody listening is UNAVAILABLE, not sent, with the address, and a server that comes later is found", async () => {
    const port = await freePort();
    const clock = createFakeClock();
    const { handle } = grpcClient(port, clock);
    const error = await failureOf(handle(callOf("protobuf", "echo", "x")));
    expect(error).toMatchObject({ code: "UNAVAILABLE", sent: false, origin: "here" });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    const server = createHttp2Server((_request, response) => response.writeHead(503).end("<p>later</p>"));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const early = await failureOf(handle(callOf("protobuf", "echo", "x")));
    expect(early).toMatchObject({ code: "UNAVAILABLE", sent: false, origin: "here" });
    expect(early.message).toContain(`${error.message}; the next attempt is in `);
    clock.advance(120);
    expect(await failureOf(handle(callOf("protobuf", "echo", "x")))).toMatchObject({
      code: "UNAVAILABLE",
      origin: "peer",
      message: expect.stringContaining("503"),
    });
  });

  test("a deadline resets the stream and is DEADLINE_EXCEEDED; a cancel is CANCELLED", async () => {
    const clock = createFakeClock();
    const arrivals: (() => void)[] = [];
    const cancels: Promise<unknown>[] = [];
    const { port } = await grpcServer((call) => {
      cancels.push(once(call, "cancelled"));
      arrivals.shift()!();
    });
    const arrival = () => new Promise<void>((resolve) => arrivals.push(resolve));
    const { handle } = grpcClient(port);

    let arrived = arrival();
    const late = failureOf(deadline({ timeoutMs: 500 }, clock)(handle)(callOf("protobuf", "echo", "x")));
    await arrived;
    clock.advance(500);
    expect(await late).toMatchObject({ code: "DEADLINE_EXCEEDED" });

    arrived = arrival();
    const controller = new AbortController();
    const cancelled = failureOf(handle(callOf("protobuf", "echo", "x", { signal: controller.signal })));
    await arrived;
    controller.abort();
    expect(await cancelled).toMatchObject({ code: "CANCELLED", sent: true });
    expect(await Promise.all(cancels)).toHaveLength(2);
  });
});
