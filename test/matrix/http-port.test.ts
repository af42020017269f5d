// What comes in at the HTTP port, by requests written from the specifications: each dialect on both servers, in front of upstreams
// of both wires.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Metadata } from "../../src/base/metadata.ts";
import { protobufText, thriftNested, thriftText } from "./echo.ts";
import { ask, askWith, openPort, type Port, post, SERVERS, UPSTREAMS } from "./http-port.ts";

const ECHO = "/test.Echo/echo";
const JSON_TYPE = "application/json";

/** A Thrift message, strict binary and unframed. */
function thriftMessage(name: string, type: number, sequenceId: number, struct: Buffer): Buffer {
  const head = Buffer.alloc(12 + name.length);
  head.writeUInt32BE((0x80010000 | type) >>> 0, 0);
  head.writeInt32BE(name.length, 4);
  head.write(name, 8);
  head.writeInt32BE(sequenceId, 8 + name.length);
  return Buffer.concat([head, struct]);
}

/** gRPC's five bytes before each message. */
function grpcFrame(flag: number, message: Buffer): Buffer {
  const head = Buffer.of(flag, 0, 0, 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The frames of a gRPC-Web response: its message, and its trailers by name. */
function readGrpcWeb(bytes: Buffer): { message: Buffer | undefined; trailers: Record<string, string> } {
  let message: Buffer | undefined;
  const trailers: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    const frame = bytes.subarray(at + 5, end);
    if (bytes[at] === 0) message = frame;
    else for (const [, name, value] of frame.toString().matchAll(/([^:]+): (.*)\r\n/g)) trailers[name!] = value!;
    at = end;
  }
  return { message, trailers };
}

describe.each(SERVERS.flatMap((server) => UPSTREAMS.map((upstream) => [server, upstream] as const)))(
  "on %s, in front of %s",
  (server, upstream) => {
    const open = () => openPort(server, upstream);

    test("plain JSON gets a result", async () => {
      const port = await open();
      const answer = await post(port, ECHO, "application/json; charset=utf-8", '{"text":"héllo"}');
      expect(answer).toMatchObject({ status: 200, text: '{"success":"héllo"}' });
      expect(answer.headers.get("content-type")).toBe(JSON_TYPE);
      expect(port.service.calls[0]).toMatchObject({ payload: { codec: upstream }, facts: { inbound: "http-json" } });
      expect(port.service.calls[0]?.facts.peer).toMatch(/^(?:loopback|127\.0\.0\.1:\d+)$/);
    });

    test("plain JSON gets a declared exception as an error with its code, its bytes and its JSON", async () => {
      const answer = await post(await open(), ECHO, JSON_TYPE, '{"text":"missing"}');
      expect(answer.status).toBe(404);
      const value = protobufText("shelf").toString("base64").replace(/=+$/, "");
      expect(JSON.parse(answer.text)).toEqual({
        code: "not_found",
        message: "declared exception test.Missing",
        details: [{ type: "test.Missing", value, debug: { text: "shelf" } }],
      });
    });

    test("Connect by application/proto gets result, exception and error", async () => {
      const port = await open();
      const version = { "connect-protocol-version": "1" };
      const good = await post(port, ECHO, "application/proto", protobufText("hi"), version);
      expect(good.status).toBe(200);
      expect(good.headers.get("content-type")).toBe("application/proto");
      expect(good.bytes).toEqual(protobufText("hi"));
      expect(port.service.calls[0]?.facts.inbound).toBe("connect");

      const missing = await post(port, ECHO, "application/proto", protobufText("missing"), version);
      expect(missing.status).toBe(404);
      expect(missing.headers.get("content-type")).toBe(JSON_TYPE);
      expect(JSON.parse(missing.text)).toMatchObject({ code: "not_found", details: [{ type: "test.Missing" }] });

      const refused = await post(port, ECHO, "application/proto", protobufText("refused"), version);
      expect(refused.status).toBe(403);
      expect(JSON.parse(refused.text)).toEqual({ code: "permission_denied", message: "not for you, 100 % sure" });
    });

    test("gRPC-Web gets result, exception and error, in bytes and in text", async () => {
      const port = await open();
      for (const type of ["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"]) {
        const isText = type.endsWith("-text");
        const call = async (text: string) => {
          const frame = grpcFrame(0, protobufText(text));
          const answer = await post(port, ECHO, type, isText ? frame.toString("base64") : frame);
          expect(answer.status).toBe(200);
          expect(answer.headers.get("content-type")).toBe(type);
          return readGrpcWeb(isText ? Buffer.from(answer.text, "base64") : answer.bytes);
        };
        expect(await call("hi")).toEqual({ message: protobufText("hi"), trailers: { "grpc-status": "0" } });
        expect(await call("missing")).toMatchObject({
          message: undefined,
          trailers: { "grpc-status": "5", "grpc-status-details-bin": expect.any(String) },
        });
        expect(await call("refused")).toEqual({
          message: undefined,
          trailers: { "grpc-status": "7", "grpc-message": "not for you, 100 %25 sure" },
        });
      }
    });

    test("Thrift gets result, exception and error as binary messages", async () => {
      const port = await open();
      for (const type of ["application/x-thrift", "application/vnd.apache.thrift.binary"]) {
        const call = (text: string) =>
          post(port, "/any/path", type, thriftMessage("echo", 1, 7, thriftText(1, text))).then((answer) => {
            expect(answer.status).toBe(200);
            expect(answer.headers.get("content-type")).toBe(type);
            return answer.bytes;
          });
        expect(await call("hi")).toEqual(thriftMessage("echo", 2, 7, thriftText(0, "hi")));
        expect(await call("missing")).toEqual(thriftMessage("echo", 2, 7, thriftNested(1, "shelf")));
        const error = await call("refused");
        expect(error.subarray(0, 16)).toEqual(thriftMessage("echo", 3, 7, Buffer.of()));
        expect(error.toString()).toContain("[grpc:7 PERMISSION_DENIED] not for you, 100 % sure");
      }
    });

    test("Thrift gets result, exception and error as compact messages", async () => {
      const port = await open();
      const text = (text: string) => Buffer.of(0x18, text.length, ...Buffer.from(text), 0);
      const message = (type: number, struct: Buffer) =>
        Buffer.concat([Buffer.of(0x82, (type << 5) | 1, 7, 4), Buffer.from("echo"), struct]);
      for (const type of ["application/x-thrift", "application/vnd.apache.thrift.compact"]) {
        const call = (say: string) => post(port, "/Echo", type, message(1, text(say))).then(({ bytes }) => bytes);
        expect(await call("hi")).toEqual(message(2, Buffer.from("080002686900", "hex")));
        expect(await call("missing")).toEqual(
          message(2, Buffer.concat([Buffer.of(0x1c), text("shelf"), Buffer.of(0)])),
        );
        const error = await call("refused");
        expect(error.subarray(0, 8)).toEqual(message(3, Buffer.of()));
        expect(error.toString()).toContain("[grpc:7 PERMISSION_DENIED] not for you, 100 % sure");
      }
    });

    test("Thrift gets result, exception and error as JSON messages", async () => {
      const port = await open();
      for (const type of [
        "application/x-thrift",
        "application/x-thrift; protocol=TJSON",
        "application/vnd.apache.thrift.json",
      ]) {
        const call = (text: string) =>
          post(port, "/", type, `[1,"Echo:echo",1,7,{"1":{"str":"${text}"}}]`).then(({ text }) => JSON.parse(text));
        expect(await call("hi")).toEqual([1, "echo", 2, 7, { 0: { str: "hi" } }]);
        expect(await call("missing")).toEqual([1, "echo", 2, 7, { 1: { rec: { 1: { str: "shelf" } } } }]);
        expect(await call("refused")).toEqual([
          ...[1, "echo", 3, 7],
          { 1: { str: "[grpc:7 PERMISSION_DENIED] not for you, 100 % sure" }, 2: { i32: 6 } },
        ]);
      }
    });

    test("a oneway call is answered as its dialect answers nothing", async () => {
      const port = await open();
      expect(await post(port, "/test.Echo/note", JSON_TYPE, '{"text":"a"}')).toMatchObject({ status: 200, text: "{}" });
      const thrift = await post(port, "/Echo", "application/x-thrift", thriftMessage("note", 4, 1, thriftText(1, "b")));
      expect(thrift).toMatchObject({ status: 200, text: "" });
      const json = await post(port, "/Echo", "application/x-thrift", '[1,"note",1,1,{"1":{"str":"c"}}]');
      expect(json).toMatchObject({ status: 200, text: "" });
      expect(port.service.calls.map(({ method }) => method.name)).toEqual(["note", "note", "note"]);
    });

    test("metadata of the caller reaches the upstream, without what is HTTP's or reserved", async () => {
      const port = await open();
      const headers = {
        "x-trace": "1",
        "x-data-bin": "AQI=",
        "cw-from": "forged",
        authorization: "Bearer t",
        "x-hop": "1",
      };
      const answer = await askWith(port, { headers: { ...headers, connection: "close, x-hop" } });
      expect(answer.status).toBe(200);
      const metadata = port.service.calls[0]?.headers;
      expect([...(metadata ?? [])].sort()).toEqual([
        ["authorization", "Bearer t"],
        ["x-data-bin", "AQI"],
        ["x-trace", "1"],
      ]);
    });
  },
);

describe.each(SERVERS)("on %s", (server) => {
  const open = (options?: Parameters<typeof openPort>[2], upstream: "protobuf" | "thrift-binary" = "protobuf") =>
    openPort(server, upstream, options);

  async function code(port: Port, path: string, body: string, headers?: Record<string, string>) {
    const answer = await post(port, path, JSON_TYPE, body, headers);
    return [answer.status, JSON.parse(answer.text).code];
  }

  test("errors have Connect's codes and statuses, and never a stack", async () => {
    const port = await open();
    expect(await code(port, ECHO, '{"text":1}')).toEqual([400, "invalid_argument"]);
    expect(await code(port, ECHO, "{")).toEqual([400, "invalid_argument"]);
    expect(await code(port, "/test.Echo/nothing", "{}")).toEqual([501, "unimplemented"]);
    expect(await code(port, "/other.Service/method", "{}")).toEqual([501, "unimplemented"]);
    expect(await code(port, "/short", "{}")).toEqual([501, "unimplemented"]);
    expect(await code(port, "/test.v1.Greeter/Watch", "{}")).toEqual([501, "unimplemented"]);
    expect(await code(port, ECHO, "{}", { "connect-protocol-version": "2" })).toEqual([400, "invalid_argument"]);
    expect(await code(port, ECHO, "{}", { "connect-timeout-ms": "12345678901" })).toEqual([400, "invalid_argument"]);
    const broken = await post(port, ECHO, JSON_TYPE, '{"text":"broken"}');
    expect(broken.text).toBe('{"code":"internal","message":"a fault of ours"}');
  });

  test("a caller's deadline reaches the call, in each dialect's words", async () => {
    const port = await open();
    await post(port, ECHO, JSON_TYPE, "{}", { "connect-timeout-ms": "60000" });
    await post(port, ECHO, "application/grpc-web", grpcFrame(0, protobufText("a")), { "grpc-timeout": "1M" });
    const message = thriftMessage("echo", 1, 7, thriftText(1, "a"));
    await post(port, "/Echo", "application/x-thrift", message, { client_timeout: "60000" });
    await post(port, "/Echo", "application/x-thrift", message);
    const left = port.service.calls.map(({ expiresAtMs }) => expiresAtMs - performance.now());
    for (const ms of left.slice(0, 3)) expect(ms > 0 && ms <= 60_000).toBe(true);
    expect(left[3]).toBe(Number.POSITIVE_INFINITY);
  });

  test("a caller that goes away aborts its call", async () => {
    const port = await open();
    const controller = new AbortController();
    const gone = ask(port.url + ECHO, {
      method: "POST",
      headers: { "content-type": JSON_TYPE },
      body: '{"text":"hang"}',
      signal: controller.signal,
    });
    gone.catch(() => {});
    await port.service.hanging;
    controller.abort();
    await expect(gone).rejects.toThrow();
    expect(await port.service.aborted).toMatchObject({ code: "CANCELLED" });
    expect((await post(port, ECHO, JSON_TYPE, '{"text":"next"}')).status).toBe(200);
  });

  test("Connect GET calls methods without side effects, and no others", async () => {
    const port = await open();
    const path = "/test.v1.Greeter/Greet?connect=v1&encoding";
    const json = await ask(`${port.url}${path}=json&message=%7B%22text%22%3A%22h%C3%A9%22%7D`);
    expect(json).toMatchObject({ status: 200, text: '{"text":"hé"}' });
    const proto = protobufText("bytes");
    const base64 = await ask(`${port.url}${path}=proto&base64=1&message=${proto.toString("base64url")}`);
    expect(base64.bytes).toEqual(proto);
    const percent = [...proto].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    expect((await ask(`${port.url}${path}=proto&message=${percent}`)).bytes).toEqual(proto);

    expect((await ask(`${port.url}${path}=json`)).text).toContain("the query parameter message is not there");
    expect((await ask(`${port.url}${path}=xml&message=a`)).status).toBe(400);
    expect((await ask(`${port.url}${path}=json&compression=gzip&message=a`)).status).toBe(400);
    expect((await ask(`${port.url}${path}=proto&base64=1&message=%2A%2A`)).status).toBe(400);
    const change = await ask(`${port.url}/test.v1.Greeter/Change?connect=v1&encoding=json&message=%7B%7D`);
    expect(change.status).toBe(405);
    expect(change.headers.get("allow")).toBe("POST");
    expect(port.service.calls).toHaveLength(3);
  });

  test("what the upstream says beside its reply goes out as headers and Trailer- headers", async () => {
    const port = await open();
    const said = {
      headers: [
        ["x-a", "1"],
        ["access-control-allow-origin", "*"],
      ],
      trailers: [
        ["x-t", "2"],
        ["x-bad", "é\n"],
      ],
    } as const;
    port.beside = { headers: Metadata.from(said.headers), trailers: Metadata.from(said.trailers) };
    const json = await post(port, ECHO, JSON_TYPE, "{}");
    expect([json.headers.get("x-a"), json.headers.get("trailer-x-t")]).toEqual(["1", "2"]);
    expect([json.headers.get("access-control-allow-origin"), json.headers.get("trailer-x-bad")]).toEqual([null, null]);
    const web = await post(port, ECHO, "application/grpc-web", grpcFrame(0, protobufText("a")));
    expect(web.headers.get("x-a")).toBe("1");
    expect(readGrpcWeb(web.bytes).trailers).toEqual({ "grpc-status": "0", "x-t": "2" });
    const thrift = await post(port, "/Echo", "application/x-thrift", thriftMessage("echo", 1, 7, thriftText(1, "a")));
    expect([thrift.headers.get("x-a"), thrift.headers.get("cw-t-x-t")]).toEqual(["1", "2"]);
  });

  test("the exact code of an error reaches a Thrift caller as a header too", async () => {
    const port = await open();
    const answer = await post(
      port,
      "/Echo",
      "application/x-thrift",
      thriftMessage("echo", 1, 7, thriftText(1, "refused")),
    );
    expect(answer.headers.get("cw-code")).toBe("7");
  });

  test("a gzip body is unpacked within the limit, other encodings are refused", async () => {
    const port = await open();
    const gzip = { "content-encoding": "gzip" };
    const body = gzipSync('{"text":"packed"}');
    expect((await post(port, ECHO, JSON_TYPE, body, gzip)).text).toBe('{"success":"packed"}');
    const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await post(port, ECHO, JSON_TYPE, bomb, gzip)).toMatchObject({ status: 429 });
    expect((await post(port, ECHO, JSON_TYPE, "no gzip", gzip)).status).toBe(400);
    const br = await post(port, ECHO, JSON_TYPE, body, { "content-encoding": "br" });
    expect(br).toMatchObject({ status: 501, text: expect.stringContaining("expected gzip") });
    expect(port.service.calls).toHaveLength(1);
  });

  test("a body above the limit is 413", async () => {
    const port = await open();
    expect((await post(port, ECHO, JSON_TYPE, Buffer.alloc(100_001))).status).toBe(413);
  });

  test.each([
    ["", "text/plain"],
    ["", "application/x-www-form-urlencoded"],
    ["", "multipart/form-data; boundary=x"],
    ["gRPC needs HTTP/2", "application/grpc"],
    ["", "application/vnd.apache.thrift.tuple"],
  ])("%s a body of another type is 415 with a text that says what is served: %s", async (says, type) => {
    const port = await open();
    const answer = await post(port, ECHO, type, '{"text":"a"}');
    expect(answer.status).toBe(415);
    expect(answer.text).toContain(says);
    expect(answer.text).toContain("POST /package.Service/Method");
    expect(port.service.calls).toHaveLength(0);
  });

  test("what is no call is answered with what the port serves", async () => {
    const port = await open();
    expect(await ask(`${port.url}/`)).toMatchObject({
      status: 404,
      text: expect.stringContaining("POST /package.Service"),
    });
    expect(await ask(`${port.url}/`, { method: "HEAD" })).toMatchObject({ status: 404, text: "" });
    expect((await ask(port.url, { method: "DELETE" })).status).toBe(405);
    expect((await ask(port.url, { method: "OPTIONS" })).status).toBe(405);
  });

  test("bytes that are no Thrift message, and messages that are no call, are answered with an exception", async () => {
    const port = await open();
    const bad = await post(port, "/Echo", "application/x-thrift", Buffer.of(0xff, 1, 2, 3, 4));
    expect(bad.text).toContain("[grpc:3 INVALID_ARGUMENT]");
    const json = await post(port, "/Echo", "application/x-thrift", '[1,"echo",2,7,{}]');
    expect(JSON.parse(json.text)).toMatchObject([1, "echo", 3, 7, { 2: { i32: 2 } }]);
    expect((await post(port, "/Echo", "application/x-thrift", "[1,")).text).toContain("INVALID_ARGUMENT");
  });

  test("a page that nobody allowed is refused, whatever it sends", async () => {
    const port = await open({ allowedOrigins: ["https://shop.example"] });
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { host: "rebound.example" },
      { host: "rebound.example:7421" },
    ]) {
      expect(await askWith(port, { headers })).toMatchObject({ status: 403 });
      expect(await askWith(port, { method: "OPTIONS", headers, body: "" })).toMatchObject({ status: 403 });
    }
    expect(port.service.calls).toHaveLength(0);
    for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1", "10.0.0.7:7421", "[::1]:7421"]) {
      expect((await askWith(port, { headers: { host } })).status).toBe(200);
    }
    expect(
      (await askWith(await open({ allowedHosts: ["sidecar"] }), { headers: { host: "sidecar:7421" } })).status,
    ).toBe(200);
  });

  test("an allowed page gets its preflight answered and may read what comes back", async () => {
    const port = await open({ allowedOrigins: ["https://shop.example"] });
    const origin = "https://shop.example";
    const preflight = await askWith(port, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-trace",
        "access-control-request-private-network": "true",
      },
      body: "",
    });
    expect(preflight).toMatchObject({
      status: 200,
      headers: {
        "content-length": "0",
        "access-control-allow-origin": origin,
        "access-control-allow-headers": "content-type,x-trace",
        "access-control-allow-private-network": "true",
      },
    });
    const answer = await askWith(port, { headers: { origin } });
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "content-type",
        vary: "Origin",
      },
    });
    expect(answer.headers).not.toHaveProperty("access-control-allow-credentials");
  });
});
