import { expect, test } from "vitest";
import { createGrpcHealth } from "../../../src/admin/grpc-health.ts";
import { HEALTH_PROTO } from "../../../src/admin/grpc-protos.ts";
import { parseAddress } from "../../../src/base/address.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import type { Codec } from "../../../src/codec/codec.ts";
import { type Call, newFacts } from "../../../src/rpc/call.ts";
import type { Endpoints, Resolver } from "../../../src/rpc/endpoint.ts";
import { methodIn, streamCall } from "./streams.ts";

const SERVING = Buffer.from([8, 1]);
const NOT_SERVING = Buffer.from([8, 2]);
const SERVICE_UNKNOWN = Buffer.from([8, 3]);

/** The upstream `shop` with as many endpoints as it is told. */
function registry() {
  const watching = new Map<string, (endpoints: Endpoints) => void>();
  let now: Endpoints = { kind: "unknown", endpoints: [] };
  const resolver: Resolver = {
    watch(upstream, changed) {
      watching.set(upstream, changed);
      changed(now);
      return () => watching.delete(upstream);
    },
  };
  const endpoint = { upstream: "shop", address: parseAddress("127.0.0.1:9")!, name: "127.0.0.1:9" };
  return {
    resolver,
    watching,
    has(count: number) {
      now = { kind: "known", endpoints: Array(count).fill(endpoint) };
      watching.get("shop")?.(now);
    },
  };
}

function healthOf() {
  const { resolver, watching, has } = registry();
  const services = new Map<string, string | undefined>([
    ["shop.Stock", "shop"],
    ["grpc.health.v1.Health", undefined],
  ]);
  return { health: createGrpcHealth({ services, resolver }), watching, has };
}

function request(service: string): Uint8Array {
  const name = Buffer.from(service);
  return service === "" ? new Uint8Array() : Buffer.concat([Buffer.from([10, name.length]), name]);
}

function call(name: string, bytes: Uint8Array, codec: Codec = "protobuf"): Call {
  const method = methodIn(HEALTH_PROTO, name);
  return {
    method,
    payload: { type: method.request, codec, bytes },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    facts: newFacts("grpc", "127.0.0.1:1"),
  };
}

const check = async ({ check }: ReturnType<typeof createGrpcHealth>, service: string) =>
  Buffer.from((await check(call("Check", request(service)))).payload.bytes);

test("nothing is SERVING before the start and after the stop", async () => {
  const { health, has } = healthOf();
  has(1);
  expect([await check(health, ""), await check(health, "shop.Stock")]).toEqual([NOT_SERVING, NOT_SERVING]);
  health.start();
  expect([await check(health, ""), await check(health, "shop.Stock")]).toEqual([SERVING, SERVING]);
  health.stop();
  expect([await check(health, ""), await check(health, "shop.Stock")]).toEqual([NOT_SERVING, NOT_SERVING]);
});

test("a service is SERVING while its upstream has an endpoint, and the sidecar's own services always", async () => {
  const { health, has } = healthOf();
  health.start();
  expect([await check(health, "shop.Stock"), await check(health, "grpc.health.v1.Health")]).toEqual([
    NOT_SERVING,
    SERVING,
  ]);
  has(2);
  expect(await check(health, "shop.Stock")).toEqual(SERVING);
  has(0);
  expect(await check(health, "shop.Stock")).toEqual(NOT_SERVING);
});

test("Check of a service without a route is NOT_FOUND", async () => {
  const { health } = healthOf();
  await expect(check(health, "shop.None")).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: 'no service "shop.None" is served here',
  });
});

test("what is no HealthCheckRequest is INVALID_ARGUMENT, and what is no Protobuf UNIMPLEMENTED", async () => {
  const { health } = healthOf();
  await expect(health.check(call("Check", Uint8Array.of(10, 9)))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const json = call("Check", Buffer.from("{}"), "json");
  await expect(health.check(json)).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
});

test("List has the status of every service and of the sidecar", async () => {
  const { health } = healthOf();
  health.start();
  const entry = (service: string, status: number) => {
    const value = Buffer.concat([
      Buffer.from([10, service.length]),
      Buffer.from(service),
      Buffer.from([18, 2, 8, status]),
    ]);
    return Buffer.concat([Buffer.from([10, value.length]), value]);
  };
  const { payload } = await health.list(call("List", new Uint8Array()));
  const expected = [entry("", 1), entry("shop.Stock", 2), entry("grpc.health.v1.Health", 1)];
  expect(Buffer.from(payload.bytes)).toEqual(Buffer.concat(expected));
});

async function watch(health: ReturnType<typeof createGrpcHealth>, service: string, signal?: AbortSignal) {
  const reply = await health.watch(streamCall(methodIn(HEALTH_PROTO, "Watch"), [request(service)], signal));
  const messages = reply.messages[Symbol.asyncIterator]();
  return { ...reply, next: () => messages.next().then(({ done, value }) => (done ? "end" : Buffer.from(value.bytes))) };
}

test("Watch tells the status at once and then each change, once", async () => {
  const { health, has } = healthOf();
  health.start();
  const { next } = await watch(health, "shop.Stock");
  expect(await next()).toEqual(NOT_SERVING);
  const change = next();
  has(1);
  expect(await change).toEqual(SERVING);
  has(3);
  const back = next();
  has(0);
  expect(await back).toEqual(NOT_SERVING);
});

test("a change that nobody waited for is not missed", async () => {
  const { health, has } = healthOf();
  health.start();
  const { next } = await watch(health, "shop.Stock");
  expect(await next()).toEqual(NOT_SERVING);
  has(1);
  expect(await next()).toEqual(SERVING);
});

test("Watch of a service without a route stays, as SERVICE_UNKNOWN, until its caller leaves", async () => {
  const { health } = healthOf();
  const caller = new AbortController();
  const { next, trailers } = await watch(health, "shop.None", caller.signal);
  expect(await next()).toEqual(SERVICE_UNKNOWN);
  const end = next();
  caller.abort();
  expect(await end).toBe("end");
  await trailers;
});

test("a stop tells watchers NOT_SERVING and ends their streams, and the registry is not watched on", async () => {
  const { health, has, watching } = healthOf();
  health.start();
  has(1);
  const { next, trailers } = await watch(health, "shop.Stock");
  expect(await next()).toEqual(SERVING);
  const last = next();
  health.stop();
  expect(await last).toEqual(NOT_SERVING);
  await expect(next()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(trailers).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(watching.size).toBe(0);
});

test("who watches hears no status from a health that is replaced, only the end", async () => {
  const { health, has } = healthOf();
  health.start();
  has(1);
  const { next } = await watch(health, "shop.Stock");
  expect(await next()).toEqual(SERVING);
  const last = next();
  health.replace();
  await expect(last).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
