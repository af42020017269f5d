// What people hold against a gRPC server without any files: grpcurl, by reflection, and gRPC's health probe. Both ask a
// sidecar before a Thrift server.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { buildGrpcSuite, type GrpcSuite } from "./grpc-suite.ts";

const BUILD_MS = 300_000;
const missing = whatIsMissing(["go"]);
const stops: (() => Promise<void>)[] = [];
let suite: GrpcSuite;
let sidecar: Service;

beforeAll(async () => {
  if (missing) return;
  suite = await buildGrpcSuite();
  const node = process.execPath;
  const inventory = await startService(node, [join(ROOT, "demo/inventory.ts")], /^listening (.*)$/);
  stops.push(inventory.stop);
  sidecar = await startSidecar("interop-grpc-tools", configOf(inventory.ready));
  stops.push(sidecar.stop);
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

function configOf(endpoint: string): object {
  const files = ["shop/inventory.thrift", "shop/orders.proto", "kinds/kinds.thrift"];
  return {
    schema: { include: [join(ROOT, "idl")], files: files.map((file) => join(ROOT, "idl", file)) },
    listeners: [{ address: "127.0.0.1:0", kind: "local" }],
    upstreams: {
      inventory: { protocol: "thrift-framed", endpoints: [endpoint], services: ["shop.Inventory"] },
      // Nobody is there: these are only described.
      others: { protocol: "grpc", endpoints: ["127.0.0.1:9"], services: ["shop.v1.Orders", "kinds.Kinds"] },
    },
  };
}

/** What a run of grpcurl says, and how it ended. */
async function grpcurl(...args: readonly string[]): Promise<string> {
  const options = args.slice(0, -1);
  return runProgram(suite.grpcurl, ["-plaintext", ...options, sidecar.ready, args.at(-1)!]).catch(String);
}

test("grpcurl lists what is carried, Thrift services too, and the sidecar's own", async ({ skip }) => {
  skip(missing !== undefined, missing);
  expect((await grpcurl("list")).trim().split("\n")).toEqual([
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "kinds.Kinds",
    "shop.Inventory",
    "shop.v1.Orders",
  ]);
});

test("grpcurl describes everything that is listed, and the messages of the Thrift service", async ({ skip }) => {
  skip(missing !== undefined, missing);
  const all = await grpcurl("describe");
  expect(all).toContain("rpc reserve ( .shop.Inventory_reserve_args ) returns ( .shop.Inventory_reserve_result );");
  expect(all).toContain("rpc Watch ( .grpc.health.v1.HealthCheckRequest ) returns ( stream");
  expect(all).toContain("rpc List ( .shop.v1.ListOrdersRequest ) returns ( .shop.v1.ListOrdersResponse )");
  expect(all.match(/kinds\.Kinds_echo\w+_args/g)?.length).toBeGreaterThan(20);
  const run = (symbol: string) => runProgram(suite.grpcurl, ["-plaintext", sidecar.ready, "describe", symbol]);
  expect(await run("shop.Item")).toContain("map<int32, int32> available = 4");
  expect(await run("shop.Warehouse")).toContain("WAREHOUSE_BERLIN = 1;");
});

test("protoc takes the descriptors that grpcurl has put together from reflection", async ({ skip }) => {
  const lacking = whatIsMissing(["go", "protoc"]);
  skip(lacking !== undefined, lacking);
  const folder = mkdtempSync(join(tmpdir(), "causeway-grpcurl-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const set = join(folder, "all.protoset");
  await runProgram(suite.grpcurl, ["-plaintext", "-protoset-out", set, sidecar.ready, "describe"]);
  // It links them all before it encodes one message of them.
  const args = [`--descriptor_set_in=${set}`, "--decode=kinds.Kinds_echoMaps_args", "kinds.proto"];
  expect(await runProgram("protoc", args)).toBe("");
});

test("grpcurl calls a Thrift service with JSON and no files", async ({ skip }) => {
  skip(missing !== undefined, missing);
  const answer = await grpcurl("-d", '{"sku": "TEA-GREEN-100"}', "shop.Inventory/get");
  expect(JSON.parse(answer)).toMatchObject({
    success: { sku: "TEA-GREEN-100", price: { currency: "EUR", units: "4", nanos: 500_000_000 } },
  });
});

test("grpcurl reads a declared exception of Thrift as the detail of a status", async ({ skip }) => {
  skip(missing !== undefined, missing);
  const failure = await grpcurl("-d", '{"sku": "NONE"}', "shop.Inventory/get");
  expect(failure).toContain("Code: NotFound");
  expect(failure).toMatch(/"@type":\s*"type.googleapis.com\/shop.UnknownItem"/);
  expect(failure).toMatch(/"sku":\s*"NONE"/);
});

test.for([
  ["", 0, "status: SERVING"],
  ["shop.Inventory", 0, "status: SERVING"],
  ["shop.None", 3, "NotFound"],
] as const)("grpc-health-probe of %j exits with %i", async ([service, code, text], { skip }) => {
  skip(missing !== undefined, missing);
  const said = await runProgram(suite.healthProbe, [`-addr=${sidecar.ready}`, `-service=${service}`]).catch(String);
  if (code > 0) expect(said).toContain(`exited with ${code}`);
  expect(said).toContain(code > 0 ? text : "");
});

test("who watches the health of a sidecar that stops hears NOT_SERVING, and does not hold it up", async ({ skip }) => {
  skip(missing !== undefined, missing);
  const stopping = await startSidecar("interop-grpc-tools-stop", configOf("127.0.0.1:9"));
  const client = new grpc.Client(stopping.ready, grpc.credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  const call = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, Buffer.alloc(0));
  const seen: unknown[] = [];
  const ended = new Promise<void>((resolve) => {
    call.on("data", (bytes: Buffer) => {
      seen.push(bytes[1]);
      if (seen.length === 1) void stopping.stop();
    });
    call.on("error", ({ code }: grpc.ServiceError) => {
      seen.push(code);
      resolve();
    });
  });
  await ended;
  client.close();
  await stopping.stop();
  expect(seen).toEqual([1, 2, grpc.status.UNAVAILABLE]);
});
