import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../../../src/base/clock.ts";
import { Metadata } from "../../../../src/base/metadata.ts";
import { createHttpPort } from "../../../../src/protocol/http/http-port.ts";
import type { Call } from "../../../../src/rpc/call.ts";
import { createLookup } from "../../../../src/rpc/resolve.ts";
import { serviceOf } from "../../../model.ts";
import { requestOf, textOf } from "./requests.ts";

const services = [
  serviceOf("thrift", "shop.Inventory", ["get"]),
  serviceOf("thrift", "shop.Stock", ["get"]),
  serviceOf("thrift", "other.Stock", ["get"]),
  serviceOf("thrift", "shop.Both", ["get"]),
  serviceOf("protobuf", "shop.Both", ["Get"]),
];

function open(defaultService?: string) {
  const calls: Call[] = [];
  const port = createHttpPort(
    {
      address: { kind: "tcp", host: "127.0.0.1", port: 0 },
      allowedOrigins: [],
      allowedHosts: [],
      defaultService,
      maxMessageBytes: 1_000,
    },
    {
      lookup: createLookup(services),
      services,
      clock: systemClock,
      printDetail: () => undefined,
      handle: (call) => {
        calls.push(call);
        const payload = { type: call.method.response, codec: call.payload.codec, bytes: Uint8Array.of(0) };
        return Promise.resolve({ kind: "result", payload, headers: Metadata.EMPTY, trailers: Metadata.EMPTY });
      },
    },
  );
  return { calls, port };
}

/** A strict binary message of `get` with an empty struct. */
const GET = Buffer.from("80010001000000036765740000000700", "hex");

test.each([
  ["/shop.Inventory", undefined, "shop.Inventory"],
  ["/api/v1/Inventory", undefined, "shop.Inventory"],
  ["/", "shop.Stock", "shop.Stock"],
  ["/thrift", "other.Stock", "other.Stock"],
  ["/shop.Inventory", "other.Stock", "shop.Inventory"],
])("Thrift at %s with the default service %s calls %s", async (path, defaultService, expected) => {
  const { port, calls } = open(defaultService);
  expect((await port(requestOf("application/x-thrift", GET, { path }))).status).toBe(200);
  expect(calls.map(({ method }) => method.service)).toEqual([expected]);
});

test("a bare name of two Thrift services, or none at all where several have the method, is an exception that says so", async () => {
  const { port, calls } = open();
  expect(textOf(await port(requestOf("application/x-thrift", GET, { path: "/Stock" })))).toContain("ambiguous");
  expect(textOf(await port(requestOf("application/x-thrift", GET)))).toContain("name the service");
  expect(calls).toEqual([]);
});

test("JSON finds a service that only Thrift IDL declares by its name there, and prefers Protobuf's", async () => {
  const { port, calls } = open();
  await port(requestOf("application/json", "{}", { path: "/shop.Inventory/get" }));
  await port(requestOf("application/json", "{}", { path: "/shop.Both/Get" }));
  expect(calls.map(({ method }) => method.wire)).toEqual(["thrift", "protobuf"]);
  expect(calls.map(({ payload }) => payload.codec)).toEqual(["json", "json"]);
});

test("whatever comes as whatever, there is an answer, and it is no fault of ours", async () => {
  const { port } = open("shop.Stock");
  const types = [
    ...["application/json", "application/proto", "application/connect+json", "application/grpc-web"],
    ...["application/grpc-web-text", "application/x-thrift", "application/vnd.apache.thrift.json", "text/plain", ""],
  ];
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.string().map((text) => Buffer.from(text)),
    fc.tuple(fc.nat(GET.length), fc.uint8Array({ maxLength: 4 })).map(([at, bytes]) => {
      return Buffer.concat([GET.subarray(0, at), bytes, GET.subarray(at)]);
    }),
    fc.string().map((text) => Buffer.from(`[1,"get",1,1,${text}]`)),
  );
  const path = fc.constantFrom("/", "/shop.Inventory/get", "/shop.Both/Get", "/a/b/c", "//", "/%2F/x");
  const encoding = fc.constantFrom({}, { "content-encoding": "gzip" }, { "content-encoding": "zstd" });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), path, body, encoding, async (type, path, body, headers) => {
      const { status } = await port(requestOf(type, body, { path, headers }));
      expect([200, 400, 415, 501]).toContain(status);
    }),
    { numRuns: 2_000 },
  );
});

test("whatever a GET's query holds, there is an answer", async () => {
  const { port } = open();
  await fc.assert(
    fc.asyncProperty(fc.webQueryParameters(), fc.string(), async (query, text) => {
      for (const each of [
        query,
        `connect=v1&encoding=json&message=${text}`,
        `${query}&connect=v1&base64=1&message=%`,
      ]) {
        const { status } = await port(requestOf("", "", { method: "GET", path: "/shop.Both/Get", query: each }));
        expect([404, 405]).toContain(status);
      }
    }),
  );
});
