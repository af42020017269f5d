// The sidecar as a process between the official libraries: npm thrift on one side, grpc-js on the other.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import thrift from "thrift";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { InventoryClient, type InventoryGetResult, OutOfStock } from "../../demo/gen/proto/inventory.ts";
import { type Order, OrdersClient, OrdersService } from "../../demo/gen/proto/shop/orders.ts";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import Orders from "../../demo/gen/thrift/Orders.js";
import orderTypes from "../../demo/gen/thrift/orders_types.js";
import { detailsOf } from "../../tools/rpc-status.ts";
import { startSidecarForTest } from "./sidecar.ts";

// Required as the generated code does: it knows an exception by its class, and an import would make a second one here.
const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);

const ROOT = resolve(import.meta.dirname, "../..");

/** Holds calls of `get("SLOW")` at the server: until `expected` have come, and then until the test opens it. */
function createGate(expected: number) {
  const arrived = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let calls = 0;
  return {
    arrived: arrived.promise,
    open: opened.resolve,
    pass(): Promise<void> {
      if (++calls === expected) arrived.resolve();
      return opened.promise;
    },
  };
}

let gate = createGate(0);

function itemOf(sku: string) {
  const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 500_000_000 });
  return new types.Item({
    sku,
    title: "Green tea",
    price,
    available: { 1: 800, 4: 120 },
    tags: ["green"],
    weight: 0.1,
  });
}

const audited = Promise.withResolvers<string>();
const inventory = thrift.createServer(
  Inventory.Processor,
  {
    async ping() {},
    async get(sku: string) {
      if (sku === "SLOW") await gate.pass();
      return itemOf(sku);
    },
    async reserve({ sku }: { sku: string }) {
      throw new types.OutOfStock({ sku, requested: 7, available: 2 });
    },
    async audit(_: string, line: string) {
      audited.resolve(line);
    },
  },
  { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
);

const orders = new grpc.Server();
orders.addService(OrdersService, {
  get({ request }: grpc.ServerUnaryCall<{ id: string }, Order>, callback: grpc.sendUnaryData<Order>) {
    if (request.id !== "o-1") {
      callback({ code: grpc.status.NOT_FOUND, details: `no order ${request.id}` });
      return;
    }
    callback(null, {
      id: "o-1",
      customerId: "c-9",
      status: 2,
      lines: [{ sku: "TEA", quantity: 3, price: { currency: "EUR", units: 4n, nanos: 0 } }],
      total: undefined,
      placedAt: new Date(1_700_000_000_123),
      labels: { campaign: "spring" },
      giftNote: "",
    });
  },
  place: unexpected,
  list: unexpected,
  cancel: unexpected,
});

function unexpected(_: unknown, callback: grpc.sendUnaryData<never>): void {
  callback({ code: grpc.status.INTERNAL, details: "not expected in this test" });
}

let config = "";

beforeAll(async () => {
  inventory.listen(0, "127.0.0.1");
  await once(inventory, "listening");
  const ordersPort = await new Promise<number>((done, failed) => {
    orders.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? failed(error) : done(port),
    );
  });
  config = `
schema:
  include: ["${ROOT}/idl"]
  files: ["${ROOT}/idl/shop/inventory.thrift", "${ROOT}/idl/shop/orders.proto"]
listeners:
  - { kind: local, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
upstreams:
  inventory: { protocol: thrift-framed, endpoints: ["127.0.0.1:${portOf(inventory)}"], services: [shop.Inventory] }
  orders: { protocol: grpc, endpoints: ["127.0.0.1:${ordersPort}"], services: [shop.v1.Orders] }
accessLog: all
`;
});

afterAll(() => {
  inventory.close();
  orders.forceShutdown();
});

function portOf(server: Server | { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

function thriftConnectionTo(address: string): thrift.Connection {
  const connection = thrift.createConnection("127.0.0.1", Number(address.split(":")[1]), {
    transport: thrift.TFramedTransport,
    protocol: thrift.TBinaryProtocol,
  });
  onTestFinished(() => void connection.end());
  return connection;
}

function grpcClientOf(address: string): InventoryClient {
  const client = new InventoryClient(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

function getItem(client: InventoryClient, sku: string): Promise<InventoryGetResult> {
  return new Promise((done, failed) => client.get({ sku }, (error, result) => (error ? failed(error) : done(result))));
}

test("a Thrift client calls a gRPC server through the sidecar, results and errors alike", async () => {
  const sidecar = startSidecarForTest(config);
  const client = thrift.createClient(Orders.Client, thriftConnectionTo(await sidecar.addressOf("local")));
  const order = await client.Get(new orderTypes.GetRequest({ id: "o-1" }));
  expect(order).toMatchObject({
    id: "o-1",
    customer_id: "c-9",
    status: 2,
    gift_note: "",
    labels: { campaign: "spring" },
  });
  expect(order.lines?.[0]).toMatchObject({ sku: "TEA", quantity: new thrift.Int64(3) });
  expect(Number(order.placed_at?.seconds)).toBe(1_700_000_000);
  expect(order.placed_at?.nanos).toBe(123_000_000);

  await expect(client.Get(new orderTypes.GetRequest({ id: "none" }))).rejects.toMatchObject({
    name: "TApplicationException",
    message: expect.stringContaining("[grpc:5 NOT_FOUND] no order none"),
  });
  const line = await sidecar.logged(({ method, code }) => method === "Get" && code === "NOT_FOUND");
  expect(line).toMatchObject({ service: "shop.v1.Orders", upstream: "orders", origin: "peer", attempts: 1 });
});

test("a gRPC client calls a Thrift server through the sidecar: results, declared exceptions and oneway", async () => {
  const sidecar = startSidecarForTest(config);
  const client = grpcClientOf(await sidecar.addressOf("local"));
  const { success } = await getItem(client, "TEA-GREEN-100");
  expect(success).toMatchObject({
    sku: "TEA-GREEN-100",
    price: { currency: "EUR", units: 4n, nanos: 500_000_000 },
    tags: ["green"],
    weight: 0.1,
  });

  const error = await new Promise<grpc.ServiceError | null>((done) =>
    client.reserve({ request: { orderId: "o-1", sku: "CUP", quantity: 7, warehouse: undefined } }, done),
  );
  expect(error?.code).toBe(grpc.status.FAILED_PRECONDITION);
  const [detail] = detailsOf(error!.metadata);
  expect(detail?.name).toBe("shop.OutOfStock");
  expect(OutOfStock.decode(detail!.value)).toEqual({ sku: "CUP", requested: 7, available: 2 });

  expect(
    await new Promise<grpc.ServiceError | null>((done) => client.audit({ orderId: "o-1", line: "hello" }, done)),
  ).toBeNull();
  expect(await audited.promise).toBe("hello");
});

test("a service without loaded IDL is forwarded as it comes, and the log says so at start", async () => {
  const sidecar = startSidecarForTest(
    config
      .replace(`, "${ROOT}/idl/shop/orders.proto"`, "")
      .replace("services: [shop.v1.Orders]", "opaqueServices: [shop.v1.Orders]"),
  );
  const client = new OrdersClient(await sidecar.addressOf("local"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const order = await new Promise<Order>((done, failed) =>
    client.get({ id: "o-1" }, (error, found) => (error ? failed(error) : done(found))),
  );
  expect(order).toMatchObject({ id: "o-1", labels: { campaign: "spring" } });
  const error = await new Promise<grpc.ServiceError | null>((done) => client.get({ id: "none" }, done));
  expect(error).toMatchObject({ code: grpc.status.NOT_FOUND, details: "no order none" });
  expect(sidecar.log).toContainEqual(expect.objectContaining({ severity: "warning", line: 10 }));
});

test("the admin listener tells readiness and what was measured", async () => {
  const sidecar = startSidecarForTest(config);
  const [local, admin] = [await sidecar.addressOf("local"), await sidecar.addressOf("admin")];
  await getItem(grpcClientOf(local), "TEA");
  expect((await fetch(`http://${admin}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`http://${admin}/metrics`)).text();
  expect(metrics).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="OK"} 1');
  expect(metrics).toContain("process_cpu_seconds_total");
});

test("SIGTERM turns readiness off, finishes the calls in flight, and exits with 0", async () => {
  gate = createGate(2);
  const sidecar = startSidecarForTest(config);
  const [local, admin] = [await sidecar.addressOf("local"), await sidecar.addressOf("admin")];
  const inFlight = thrift.createClient(Inventory.Client, thriftConnectionTo(local)).get("SLOW");
  const overGrpc = getItem(grpcClientOf(local), "SLOW");
  await gate.arrived;

  sidecar.process.kill("SIGTERM");
  await sidecar.logged(({ signal }) => signal === "SIGTERM");
  expect((await fetch(`http://${admin}/readyz`)).status).toBe(503);
  gate.open();
  expect(await inFlight).toMatchObject({ sku: "SLOW" });
  expect((await overGrpc).success).toMatchObject({ sku: "SLOW" });
  expect(await sidecar.exited).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(sidecar.log.at(-1)).toMatchObject({ msg: "stopped" });
});

test("a second signal exits at once", async () => {
  gate = createGate(1);
  const sidecar = startSidecarForTest(config);
  thrift.createClient(Inventory.Client, thriftConnectionTo(await sidecar.addressOf("local"))).get("SLOW");
  await gate.arrived;
  sidecar.process.kill("SIGINT");
  await sidecar.logged(({ signal }) => signal === "SIGINT");
  sidecar.process.kill("SIGTERM");
  expect(await sidecar.exited).toMatchObject({ code: 143 });
  gate.open();
});

test("calls that do not finish within drainMs are cut", async () => {
  gate = createGate(1);
  const sidecar = startSidecarForTest(`${config}drainMs: 1\n`);
  const connection = thriftConnectionTo(await sidecar.addressOf("local"));
  thrift.createClient(Inventory.Client, connection).get("SLOW");
  await gate.arrived;
  // npm thrift leaves calls open when their connection closes, so that is what there is to see.
  const closed = once(connection, "close");
  sidecar.process.kill("SIGTERM");
  await closed;
  expect(await sidecar.exited).toMatchObject({ code: 0 });
  expect(sidecar.log).toContainEqual(expect.objectContaining({ method: "get", code: "CANCELLED" }));
  gate.open();
});

test("an address that is taken is one clear line and exit code 1", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  onTestFinished(() => void taken.close());
  const sidecar = startSidecarForTest(config.replace("127.0.0.1:0", `127.0.0.1:${portOf(taken)}`));
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^causeway: cannot listen on 127\\.0\\.0\\.1:${portOf(taken)} \\(local\\): .*EADDRINUSE.*\\n$`),
  );
});

test("a config with faults is told all of them with their places, and exits with 1", async () => {
  const sidecar = startSidecarForTest(
    config
      .replace("[shop.Inventory]", "[shop.Inventry]")
      .replace(
        'kind: local, address: "127.0.0.1:0"',
        'kind: local, address: "127.0.0.1:0", defaultService: shop.Stock',
      ),
  );
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n")).toEqual([
    expect.stringMatching(
      /causeway\.yaml:9:\d+: error: upstreams\.inventory\.services\[0\]: unknown service, did you mean shop\.Inventory\?$/,
    ),
    expect.stringMatching(/causeway\.yaml:6:\d+: error: listeners\[0\]\.defaultService: unknown service, expected /),
  ]);
});

function causeway(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test.each([
  [["--version"], 0],
  [["--help"], 0],
  [["help", "serve"], 0],
  [["check"], 2],
  [["idl", "--to", "proto"], 2],
  [["convert"], 2],
  [[], 2],
  [["frob"], 2],
  [["serve"], 2],
  [["serve", "-c", "x.yaml", "--frob"], 2],
  [["serve", "-c", "x.yaml", "--log-level", "loud"], 2],
  [["serve", "-c", "/nonexistent/x.yaml"], 1],
])("causeway %j exits with %i", (args, status) => {
  expect(causeway(...args)).toMatchObject({ status });
});

test("causeway check -c finds the faults of a config without listening", () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-check-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "c.yaml");
  writeFileSync(file, config);
  expect(causeway("check", "-c", file)).toMatchObject({ status: 0, stderr: "" });
  writeFileSync(file, config.replace("orders.proto", "order.proto").replace('idl"]', 'idls"]'));
  const { status, stdout } = causeway("check", "-c", file);
  expect(status).toBe(1);
  expect(stdout).toMatch(/c\.yaml:4:\d+: error: schema\.files\[1\]: there is no such file: .*order\.proto\n/);
  expect(stdout).toMatch(/c\.yaml:3:\d+: error: schema\.include\[0\]: there is no such folder: .*idls\n/);
});

test.each(["serve", "check", "convert", "idl"])("causeway %s --help shows an example", (command) => {
  const { status, stdout } = causeway(command, "--help");
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ causeway ${command} `));
});
