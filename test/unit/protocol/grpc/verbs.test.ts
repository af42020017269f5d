import { describe, expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { Metadata } from "../../../../src/base/metadata.ts";
import { type HeaderList, headerOf } from "../../../../src/protocol/grpc/header-list.ts";
import { readCall, readHead, refuseRequest } from "../../../../src/protocol/grpc/read-call.ts";
import { readReply } from "../../../../src/protocol/grpc/read-reply.ts";
import { type KnownHeads, writeCall } from "../../../../src/protocol/grpc/write-call.ts";
import { writeReply } from "../../../../src/protocol/grpc/write-reply.ts";
import type { Call, Reply } from "../../../../src/rpc/call.ts";
import type { Lookup } from "../../../../src/rpc/resolve.ts";
import { callOf, lookup, protobufMethods, protobufText, replyOf, textOf } from "../../../matrix/echo.ts";

const [echo] = protobufMethods as [(typeof protobufMethods)[0]];
const dress = { contentType: "application/grpc" };
const OK_HEADERS = [":status", "200", "content-type", "application/grpc"];

function requestHeaders(changes: Record<string, string> = {}): HeaderList {
  const headers = { ":method": "POST", ":path": "/test.Echo/echo", "content-type": "application/grpc", te: "trailers" };
  return Object.entries({ ...headers, ...changes }).flat();
}

function errorOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    return error as RpcError;
  }
  throw new Error("nothing was thrown");
}

describe("a request", () => {
  test.each(["application/grpc", "application/grpc+proto", "application/grpc; charset=utf-8", "Application/GRPC"])(
    "of content type %s is a call, and the reply has it too",
    (contentType) => {
      const head = readHead(requestHeaders({ "content-type": contentType, "grpc-timeout": "5S", tenant: "a" }), lookup);
      expect(head).toMatchObject({ method: echo, timeoutMs: 5_000 });
      const { signal, facts } = callOf("protobuf", "echo", "");
      const { call } = readCall(
        head,
        { bytes: protobufText("hello"), compression: undefined },
        { expiresAtMs: 1, signal, facts },
      );
      expect(textOf(call.payload)).toBe("hello");
      expect(call.headers.get("tenant")).toBe("a");
      expect(headerOf(writeReply(head.dress, replyOf(call, "x")).headers, "content-type")).toBe(contentType);
    },
  );

  test("that is recognised says the same again, of the services that are loaded by then", () => {
    const read = (list: HeaderList, found: Lookup = lookup) => readHead(list, found, false, true);
    const list = requestHeaders({ tenant: "a", "grpc-timeout": "5S" });
    const first = read(list);
    expect(first).toEqual(readHead(list, lookup));
    expect(read(list)).toEqual(first);
    const other = { ...echo };
    expect(read(list, { ...lookup, grpc: () => other }).method).toBe(other);
    // Another connection says so in a list of its own.
    expect(read(requestHeaders({ tenant: "a", "grpc-timeout": "5S" })).headers).toBe(first.headers);
    expect(read(requestHeaders({ tenant: "b" })).headers.get("tenant")).toBe("b");
  });

  test.each([
    ["another method", { ":path": "/test.Echo/other" }, "UNIMPLEMENTED"],
    ["a path without a method", { ":path": "/test.Echo" }, "UNIMPLEMENTED"],
    ["a path of three parts", { ":path": "/a/b/c" }, "UNIMPLEMENTED"],
    ["JSON messages", { "content-type": "application/grpc+json" }, "UNIMPLEMENTED"],
    ["an unknown compression", { "grpc-encoding": "snappy" }, "UNIMPLEMENTED"],
    ["a malformed timeout", { "grpc-timeout": "soon" }, "INVALID_ARGUMENT"],
  ])("with %s is %s", (_name, changes, code) => {
    expect(errorOf(() => readHead(requestHeaders(changes), lookup)).code).toBe(code);
  });

  test("with compression is told what would be understood", () => {
    const error = errorOf(() => readHead(requestHeaders({ "grpc-encoding": "snappy" }), lookup));
    expect(headerOf(writeReply(dress, error).headers, "grpc-accept-encoding")).toBe("identity,deflate,gzip");
  });

  test("that is not gRPC is answered in HTTP", () => {
    expect(refuseRequest(requestHeaders())).toBeUndefined();
    expect(refuseRequest(requestHeaders({ "content-type": "text/html" }))?.headers).toEqual([":status", "415"]);
    expect(refuseRequest(requestHeaders({ ":method": "GET" }))?.headers).toEqual([":status", "405"]);
  });

  test("without a message is INTERNAL", () => {
    const head = readHead(requestHeaders(), lookup);
    const { signal, facts } = callOf("protobuf", "echo", "");
    expect(errorOf(() => readCall(head, undefined, { expiresAtMs: 1, signal, facts })).code).toBe("INTERNAL");
  });
});

describe("a reply", () => {
  const result = replyOf(callOf("protobuf", "echo", ""), "hello");

  test("that is a result has its status in trailers, and is read back", () => {
    const headers = Metadata.from([["a", "1"]]);
    const trailers = Metadata.from([["b", "2"]]);
    const response = writeReply(dress, { ...result, headers, trailers });
    expect(response.trailers).toEqual(["grpc-status", "0", "b", "2"]);
    const message = { bytes: response.body!.subarray(5), compression: undefined };
    const back = readReply({ headers: response.headers, message, trailers: response.trailers }, echo);
    expect(back).toMatchObject({ kind: "result", payload: { type: echo.response } });
    expect([textOf(back.payload), back.headers.get("a"), back.trailers.get("b")]).toEqual(["hello", "1", "2"]);
  });

  test("that is a declared exception is a status of the exception's code, and is read back as the exception", () => {
    const exception: Reply = { ...result, kind: "exception", field: echo.throws[0]! };
    const { headers, trailers } = writeReply(dress, exception);
    expect(trailers).toBeUndefined();
    expect(headerOf(headers, "grpc-status")).toBe("5");
    const back = readReply({ headers, message: undefined, trailers }, echo);
    expect(back).toMatchObject({ kind: "exception", field: echo.throws[0] });
    expect(textOf(back.payload)).toBe("hello");
  });

  test("that is a declared exception passes a hop of the same wire with the code, text and details it came with", () => {
    const exception = { typeUrl: "type.googleapis.com/test.Missing", value: Buffer.from("gone") };
    const details = [{ typeUrl: "x/y.Z", value: Buffer.from([1]) }, exception];
    const first = writeReply(dress, new RpcError("ABORTED", "as the server put it", { details }));
    const hop = readReply({ ...first, message: undefined }, echo);
    expect(hop).toMatchObject({ kind: "exception", field: echo.throws[0] });
    expect(writeReply(dress, hop).headers).toEqual(first.headers);
  });

  test("that is an exception which the method does not declare is the peer's error with its details", () => {
    const exception: Reply = { ...result, kind: "exception", field: echo.throws[0]! };
    const { headers } = writeReply(dress, exception);
    const error = errorOf(() =>
      readReply({ headers, message: undefined, trailers: undefined }, { ...echo, throws: [] }),
    );
    expect(error).toMatchObject({ code: "NOT_FOUND", origin: "peer", sent: true });
    expect(error.details[0]).toMatchObject({ typeUrl: "type.googleapis.com/test.Missing" });
  });

  test("that is an error keeps its code, text and details, without a message", () => {
    const details = [{ typeUrl: "x/y.Z", value: Buffer.from([1]) }];
    const response = writeReply(dress, new RpcError("ABORTED", "100 %", { details }));
    expect(response).toMatchObject({ body: undefined, trailers: undefined });
    const error = errorOf(() => readReply({ ...response, message: undefined }, echo));
    expect(error).toMatchObject({ code: "ABORTED", message: "100 %", origin: "peer", details });
  });

  test("of another codec becomes INTERNAL", () => {
    const response = writeReply(dress, replyOf(callOf("thrift", "echo", ""), "x"));
    expect(headerOf(response.headers, "grpc-status")).toBe("13");
  });

  test.each([
    ["an OK without a message", OK_HEADERS, ["grpc-status", "0"], "INTERNAL"],
    ["no status", OK_HEADERS, undefined, "UNKNOWN"],
    ["a proxy's page", [":status", "503", "content-type", "text/html"], undefined, "UNAVAILABLE"],
    ["compression", [...OK_HEADERS, "grpc-encoding", "gzip"], ["grpc-status", "0"], "INTERNAL"],
  ])("with %s is an error that was sent", (_name, headers, trailers, code) => {
    const error = errorOf(() => readReply({ headers, message: undefined, trailers }, echo));
    expect(error).toMatchObject({ code, sent: true });
  });
});

describe("writeCall", () => {
  test("names method, deadline and metadata", () => {
    const headers = Metadata.from([
      ["tenant", "a"],
      ["grpc-x", "dropped"],
    ]);
    const call = callOf("protobuf", "echo", "hi", { headers, expiresAtMs: 1_500 });
    const written = writeCall(call, { scheme: "http", authority: "shop:1", nowMs: 1_000 });
    expect(headerOf(written.headers, ":path")).toBe("/test.Echo/echo");
    expect(headerOf(written.headers, ":authority")).toBe("shop:1");
    expect(written.timeout).toEqual(["grpc-timeout", "500m"]);
    expect(headerOf(written.headers, "tenant")).toBe("a");
    expect(written.droppedMetadata).toBe(1);
    expect(Buffer.from(written.body).toString("hex")).toBe("00000000040a026869");
  });

  test("gives the same list again to calls that differ in nothing but their deadline", () => {
    const heads: KnownHeads = new WeakMap();
    const write = (call: Partial<Call> = {}, method: "echo" | "note" = "echo") =>
      writeCall(callOf("protobuf", method, "hi", call), { scheme: "https", authority: "a", nowMs: 0, heads });
    const first = write({ expiresAtMs: 14_999.4 });
    const second = write({ expiresAtMs: 14_998 });
    expect(second.headers).toBe(first.headers);
    expect([first.timeout[1], second.timeout[1]]).toEqual(["15000m", "14998m"]);
    expect(headerOf(first.headers, ":scheme")).toBe("https");
    expect(headerOf(write({ headers: Metadata.from([["tenant", "b"]]) }).headers, "tenant")).toBe("b");
    expect(headerOf(write({ accepts: ["gzip"] }).headers, "grpc-accept-encoding")).toBe("gzip");
    expect(headerOf(write({}, "note").headers, ":path")).toBe("/test.Echo/note");
    expect(write().headers).toEqual(first.headers);
    expect(write().timeout).toEqual([]);
  });

  test("has no timeout without a deadline, and takes no other codec", () => {
    const written = writeCall(callOf("protobuf", "echo", "hi"), { scheme: "http", authority: "a", nowMs: 0 });
    expect(written.timeout).toEqual([]);
    expect(
      errorOf(() => writeCall(callOf("thrift", "echo", "hi"), { scheme: "http", authority: "a", nowMs: 0 })).code,
    ).toBe("INTERNAL");
  });
});
