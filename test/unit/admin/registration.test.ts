import { expect, test } from "vitest";
import { createRegistrationHandler, isRegistration } from "../../../src/admin/registration.ts";
import { parseRegisterRequest } from "../../../src/admin/registration-request.ts";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import type { LocalInstance } from "../../../src/discovery/local-instances.ts";

const minimal = { instance: { upstream: "shop", address: "127.0.0.1:9090" } };

test("a request that says the least has the defaults of registration.proto", () => {
  expect(parseRegisterRequest(JSON.stringify(minimal))).toEqual({
    leaseMs: 30_000,
    instance: {
      upstream: "shop",
      services: [],
      address: { kind: "tcp", host: "127.0.0.1", port: 9_090 },
      codec: undefined,
      framing: undefined,
      weight: 1,
      labels: {},
      healthCheck: { probe: { kind: "tcp" }, intervalMs: 5_000, timeoutMs: 1_000 },
    },
  });
});

test("a full request is read, with names of JSON or of the .proto, and enums by name or number", () => {
  const full = {
    instance: {
      upstream: "shop",
      services: ["shop.Inventory"],
      address: "0.0.0.0:9090",
      codec: 3,
      framing: "FRAMING_TTHEADER",
      weight: "250",
      labels: { version: "v2" },
      health_check: { thrift: { method: "ping" }, interval: "0.5s", timeout: "0.250s" },
    },
    lease: "1.5s",
  };
  expect(parseRegisterRequest(JSON.stringify(full))).toEqual({
    leaseMs: 1_500,
    instance: {
      upstream: "shop",
      services: ["shop.Inventory"],
      address: { kind: "tcp", host: "127.0.0.1", port: 9_090 },
      codec: "protobuf",
      framing: "ttheader",
      weight: 2.5,
      labels: { version: "v2" },
      healthCheck: {
        probe: { kind: "thrift", service: "shop.Inventory", method: "ping" },
        intervalMs: 500,
        timeoutMs: 250,
      },
    },
  });
});

test("empty mappings may come as empty lists, as PHP writes them", () => {
  const instance = { ...minimal.instance, labels: [], healthCheck: { tcp: [] } };
  expect(parseRegisterRequest(JSON.stringify({ instance }))).toEqual(parseRegisterRequest(JSON.stringify(minimal)));
});

test.each([
  ["{", "expected JSON of a RegisterRequest"],
  ["{}", "instance: "],
  [JSON.stringify({ instance: { ...minimal.instance, upstream: "" } }), "instance.upstream: "],
  [JSON.stringify({ instance: { ...minimal.instance, address: "9090" } }), "instance.address: expected HOST:PORT"],
  [JSON.stringify({ instance: { ...minimal.instance, address: "h:0" } }), "the port that the server listens on"],
  [JSON.stringify({ instance: { ...minimal.instance, codec: "THRIFT" } }), "instance.codec: "],
  [JSON.stringify({ instance: { ...minimal.instance, zone: "a" } }), '"zone"'],
  [JSON.stringify({ instance: { ...minimal.instance, weight: 65_536 } }), "instance.weight: "],
  [JSON.stringify({ ...minimal, lease: "5" }), "lease: expected a duration in seconds"],
  [JSON.stringify({ ...minimal, lease: "0.5s" }), "lease: expected 1s to 600s"],
  [
    JSON.stringify({ instance: { ...minimal.instance, healthCheck: { tcp: {}, grpc: {} } } }),
    "instance.healthCheck: expected one of tcp, http, grpc and thrift",
  ],
  [
    JSON.stringify({ instance: { ...minimal.instance, healthCheck: { http: { path: "x\r\ny" } } } }),
    "expected a path that begins with a slash",
  ],
])("%s is INVALID_ARGUMENT: %s", (text, message) => {
  expect(() => parseRegisterRequest(text)).toThrow(message);
  expect(() => parseRegisterRequest(text)).toThrow(RpcError);
});

function setUp() {
  const said: unknown[] = [];
  const handler = createRegistrationHandler({
    async register(instance: LocalInstance, leaseMs) {
      said.push(instance.upstream);
      return { id: "i-1", leaseMs };
    },
    heartbeat(id) {
      if (id !== "i-1") throw new RpcError("NOT_FOUND", `no instance ${id}`);
      return { id, leaseMs: 1_500 };
    },
    deregister: (id) => void said.push(id),
    checkAgain() {},
    watch: () => () => {},
    async withdraw() {},
    close() {},
  });
  async function ask(method: string, path: string, body: string | object = "", peer = "loopback") {
    const { status, body: answer } = await handler({
      method,
      path,
      query: "",
      headers: Metadata.EMPTY,
      body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
      peer,
      signal: new AbortController().signal,
    });
    return { status, body: JSON.parse(String(answer)) };
  }
  return { said, ask };
}

test("an instance registers, beats and leaves", async () => {
  const { said, ask } = setUp();
  expect(await ask("PUT", "/v1/instances", minimal)).toEqual({ status: 200, body: { id: "i-1", lease: "30s" } });
  expect(await ask("POST", "/v1/instances/i-1/heartbeat", {})).toEqual({
    status: 200,
    body: { id: "i-1", lease: "1.5s" },
  });
  expect(await ask("DELETE", "/v1/instances/i-1")).toEqual({ status: 200, body: {} });
  expect(said).toEqual(["shop", "i-1"]);
});

test("errors are Connect's", async () => {
  const { ask } = setUp();
  expect(await ask("POST", "/v1/instances/i-2/heartbeat")).toEqual({
    status: 404,
    body: { code: "not_found", message: "no instance i-2" },
  });
  expect(await ask("PUT", "/v1/instances", "{}")).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
  expect(await ask("PUT", "/v1/instances", " ".repeat(70_000))).toMatchObject({
    status: 400,
    body: { message: "70000 bytes: expected at most 65536" },
  });
  for (const [method, path] of [
    ["GET", "/v1/instances"],
    ["DELETE", "/v1/instances"],
    ["POST", "/v1/instances/i-1"],
    ["POST", "/v1/instances/i-1/heartbeat/x"],
  ] as const) {
    expect(await ask(method, path)).toMatchObject({ status: 501, body: { code: "unimplemented" } });
  }
});

test.each([
  ["loopback", true],
  ["unix", true],
  ["127.0.0.1:5000", true],
  ["127.0.0.1", true],
  ["[::1]:5000", true],
  ["0000:0000:0000:0000:0000:0000:0000:0001", true],
  ["[::ffff:127.0.0.1]:5000", true],
  ["10.0.0.1:127", false],
  ["[::]:1", false],
  ["[fe80::1]:1", false],
  ["[2001:db8::1]:1", false],
  ["0000:0000:0000:0000:0000:0000:0001:0001", false],
])("of a peer %s it is %s that it is on this host", async (peer, is) => {
  const { status } = await setUp().ask("PUT", "/v1/instances", minimal, peer);
  expect(status).toBe(is ? 200 : 403);
});

test("only paths at and below /v1/instances are its own", () => {
  const of = (path: string) =>
    isRegistration({
      method: "PUT",
      path,
      query: "",
      headers: Metadata.EMPTY,
      body: new Uint8Array(0),
      peer: "",
      signal: new AbortController().signal,
    });
  expect(["/v1/instances", "/v1/instances/x", "/v1/instancesx", "/v1"].map(of)).toEqual([true, true, false, false]);
});
