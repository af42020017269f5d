import { expect, test } from "vitest";
import { createOwnServices, type OwnServicesOptions } from "../../../src/admin/own-services.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { createStaticResolver } from "../../../src/discovery/static.ts";
import { newFacts } from "../../../src/rpc/call.ts";
import { link } from "../schema/schema-fixture.ts";
import { streamCall } from "./streams.ts";

const { linked } = link({
  "stock.thrift": "namespace * shop\nservice Stock { i32 count() }\nservice Idle { i32 n() }",
});

function ownServices(options: OwnServicesOptions, upstreams: Readonly<Record<string, string>>) {
  const routes = new Map(Object.entries(upstreams).map(([service, upstream]) => [service, { upstream }]));
  return createOwnServices(options, { schema: linked.schema, routes, resolver: createStaticResolver(new Map()) });
}

const BOTH = { reflection: true, health: true };
const namesOf = ({ services }: ReturnType<typeof ownServices>) => services.map(({ service }) => service.fullName);

test("health and both versions of reflection are there unless they are turned off", () => {
  const reflections = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
  expect(namesOf(ownServices(BOTH, {}))).toEqual(["grpc.health.v1.Health", ...reflections]);
  expect(namesOf(ownServices({ reflection: false, health: true }, {}))).toEqual(["grpc.health.v1.Health"]);
  expect(namesOf(ownServices({ reflection: true, health: false }, {}))).toEqual(reflections);
});

test("an upstream that has one of them keeps it", () => {
  const own = ownServices(BOTH, { "grpc.health.v1.Health": "shop", "grpc.reflection.v1.ServerReflection": "shop" });
  expect(namesOf(own)).toEqual(["grpc.reflection.v1alpha.ServerReflection"]);
});

test("reflection lists what has a route and a Protobuf IDL, given or derived, and itself", async () => {
  const { services } = ownServices(BOTH, { "shop.Stock": "shop", "other.Opaque": "other" });
  const reflection = services.find(({ service }) => service.fullName === "grpc.reflection.v1.ServerReflection")!;
  const list = Uint8Array.of(0x3a, 0);
  const { messages } = await reflection.stream(streamCall(reflection.service.methods[0]!, [list]));
  const { value } = await messages[Symbol.asyncIterator]().next();
  const text = Buffer.from(value.bytes).toString("latin1");
  expect(text.match(/[a-z0-9]+(\.[A-Za-z0-9]+)+/g)).toEqual([
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "shop.Stock",
  ]);
});

test("a streaming method that is called as a unary one is UNIMPLEMENTED", async () => {
  const { service, handle } = ownServices({ reflection: true, health: false }, {}).services[0]!;
  const [method] = service.methods;
  const call = {
    method: method!,
    payload: { type: method!.request, codec: "protobuf", bytes: new Uint8Array() },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    facts: newFacts("grpc", "127.0.0.1:1"),
  } as const;
  await expect(handle(call)).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
});
