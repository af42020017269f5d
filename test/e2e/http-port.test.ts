// The HTTP port of a sidecar process, called by what is there without any library of ours: fetch, npm thrift's HTTP client, and a
// PHP page that has nothing but its streams. Behind it are servers of npm thrift and grpc-js.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import thrift from "thrift";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Order, OrdersService, Status } from "../../demo/gen/proto/shop/orders.ts";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import Orders from "../../demo/gen/thrift/Orders.js";
import orderTypes from "../../demo/gen/thrift/orders_types.js";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

// Required as the generated code does: it knows an exception by its class, and an import would make a second one here.
const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);

const ROOT = resolve(import.meta.dirname, "../..");

const inventory = thrift.createServer(
  Inventory.Processor,
  {
    async ping() {},
    async get(sku: string) {
      const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 500_000_000 });
      return new types.Item({ sku, title: "Grüner Tee", price, available: { 1: 800 }, tags: ["green"], weight: 0.1 });
    },
    async reserve({ sku }: { sku: string }) {
      throw new types.OutOfStock({ sku, requested: 7, available: 2 });
    },
    async audit() {},
  },
  { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
);

const orders = new grpc.Server();
orders.addService(OrdersService, {
  get({ request, metadata }: grpc.ServerUnaryCall<{ id: string }, Order>, callback: grpc.sendUnaryData<Order>) {
    if (request.id !== "o-1") {
      callback({ code: grpc.status.NOT_FOUND, details: `no order ${request.id}` });
      return;
    }
    const trailers = new grpc.Metadata();
    trailers.set("x-seen", String(metadata.get("x-trace")[0] ?? "nothing"));
    const lines = [{ sku: "TEA", quantity: 3, price: { currency: "EUR", units: 4n, nanos: 0 } }];
    const order = {
      id: "o-1",
      customerId: "c-9",
      status: Status.STATUS_SHIPPED,
      lines,
      labels: { campaign: "spring" },
      giftNote: "",
    };
    callback(null, { ...order, total: undefined, placedAt: new Date(1_700_000_000_123) }, trailers);
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
  const inventoryPort = (inventory.address() as AddressInfo).port;
  config = `
schema:
  include: ["${ROOT}/idl"]
  files: ["${ROOT}/idl/shop/inventory.thrift", "${ROOT}/idl/shop/orders.proto"]
listeners:
  - { kind: local, address: "127.0.0.1:0" }
  - { kind: http, address: "127.0.0.1:0" }
upstreams:
  inventory: { protocol: thrift-framed, endpoints: ["127.0.0.1:${inventoryPort}"], services: [shop.Inventory] }
  orders: { protocol: grpc, endpoints: ["127.0.0.1:${ordersPort}"], services: [shop.v1.Orders] }
accessLog: all
`;
});

afterAll(() => {
  inventory.close();
  orders.forceShutdown();
});

afterEach(() => void vi.unstubAllEnvs());

const hasPhp = spawnSync("php", ["--version"]).status === 0;

/** What a PHP page needs to call any service. */
const PAGE = `<?php
function call(string $method, array $request): array {
  $context = stream_context_create(["http" => [
    "method" => "POST",
    "header" => "Content-Type: application/json\\r\\n",
    "content" => json_encode((object) $request),
    "ignore_errors" => true,
  ]]);
  $text = file_get_contents(getenv("CAUSEWAY_HTTP_ADDRESS") . "/" . $method, false, $context);
  $status = (int) explode(" ", $http_response_header[0])[1];
  return [$status, json_decode($text, true)];
}
echo json_encode([
  call("shop.Inventory/get", ["sku" => "TEA"]),
  call("shop.Inventory/reserve", ["request" => ["orderId" => "o-1", "sku" => "CUP", "quantity" => 7]]),
  call("shop.v1.Orders/Get", ["id" => "o-1"]),
  call("shop.v1.Orders/Get", ["id" => "none"]),
]);
`;

describe.each(["hyper-express", "node:http"])("on %s", (server) => {
  async function start(): Promise<{ sidecar: Sidecar; url: string; port: number }> {
    if (server === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
    const sidecar = startSidecarForTest(config);
    const address = await sidecar.addressOf("http");
    await sidecar.logged((line) => line["server"] === server && line["address"] === address);
    return { sidecar, url: `http://${address}`, port: Number(address.split(":")[1]) };
  }

  test("fetch calls services of both worlds as JSON, with metadata and errors", async () => {
    const { url, sidecar } = await start();
    const call = async (path: string, request: object) => {
      const headers = { "content-type": "application/json", "x-trace": "abc" };
      const response = await fetch(`${url}/${path}`, { method: "POST", headers, body: JSON.stringify(request) });
      return { status: response.status, headers: response.headers, json: await response.json() };
    };
    const price = { currency: "EUR", units: "4", nanos: 500_000_000 };
    expect(await call("shop.Inventory/get", { sku: "TEA" })).toMatchObject({
      status: 200,
      json: { success: { sku: "TEA", title: "Grüner Tee", price, tags: ["green"], weight: 0.1 } },
    });
    expect(
      await call("shop.Inventory/reserve", { request: { orderId: "o-1", sku: "CUP", quantity: 7 } }),
    ).toMatchObject({
      status: 400,
      json: {
        code: "failed_precondition",
        details: [{ type: "shop.OutOfStock", debug: { sku: "CUP", requested: 7, available: 2 } }],
      },
    });
    expect(await call("shop.Inventory/audit", { orderId: "o-1", line: "x" })).toMatchObject({ status: 200, json: {} });
    const order = await call("shop.v1.Orders/Get", { id: "o-1" });
    expect(order).toMatchObject({
      status: 200,
      json: { id: "o-1", customerId: "c-9", status: "STATUS_SHIPPED", placedAt: "2023-11-14T22:13:20.123Z" },
    });
    expect(order.headers.get("trailer-x-seen")).toBe("abc");
    expect(await call("shop.v1.Orders/Get", { id: "none" })).toMatchObject({
      status: 404,
      json: { code: "not_found", message: "no order none" },
    });
    const line = await sidecar.logged(({ method, code }) => method === "Get" && code === "NOT_FOUND");
    expect(line).toMatchObject({
      inbound: "http-json",
      upstream: "orders",
      peer: expect.stringMatching(/^(?:loopback|127\.0\.0\.1:\d+)$/),
    });
  });

  test.each([
    ["TBinaryProtocol", thrift.TBinaryProtocol],
    ["TCompactProtocol", thrift.TCompactProtocol],
    ["TJSONProtocol", thrift.TJSONProtocol],
  ] as const)("npm thrift's HTTP client calls services of both worlds over %s", async (_, protocol) => {
    const { port } = await start();
    const connect = (path: string) => {
      const options = { transport: thrift.TBufferedTransport, protocol, path };
      return thrift.createHttpConnection("127.0.0.1", port, options);
    };
    const stock = thrift.createHttpClient(Inventory.Client, connect("/shop.Inventory"));
    const item = await stock.get("TEA");
    expect(item).toMatchObject({ sku: "TEA", title: "Grüner Tee", tags: ["green"], weight: 0.1 });
    expect(Number(item.price.units)).toBe(4);
    const refused = await stock
      .reserve(new types.ReserveRequest({ orderId: "o-1", sku: "CUP", quantity: 7 }))
      .catch((error) => error);
    expect(refused).toBeInstanceOf(types.OutOfStock);
    expect(refused).toMatchObject({ sku: "CUP", requested: 7, available: 2 });

    const till = thrift.createHttpClient(Orders.Client, connect("/api/Orders"));
    expect(await till.Get(new orderTypes.GetRequest({ id: "o-1" }))).toMatchObject({ id: "o-1", customer_id: "c-9" });
    await expect(till.Get(new orderTypes.GetRequest({ id: "none" }))).rejects.toMatchObject({
      name: "TApplicationException",
      message: "[grpc:5 NOT_FOUND] no order none",
    });
  });

  test.skipIf(!hasPhp)("a PHP page calls any service with file_get_contents alone", async () => {
    const { url } = await start();
    const folder = mkdtempSync(join(tmpdir(), "causeway-php-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "page.php"), PAGE);
    const env = { ...process.env, CAUSEWAY_HTTP_ADDRESS: url };
    const php = spawn("php", ["-n", join(folder, "page.php")], { env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    for await (const chunk of php.stdout.setEncoding("utf8")) output += chunk;
    const [item, reservation, order, none] = JSON.parse(output);
    expect(item).toMatchObject([200, { success: { sku: "TEA", title: "Grüner Tee" } }]);
    expect(reservation).toMatchObject([
      400,
      { code: "failed_precondition", details: [{ type: "shop.OutOfStock", debug: { available: 2 } }] },
    ]);
    expect(order).toMatchObject([200, { id: "o-1", labels: { campaign: "spring" } }]);
    expect(none).toEqual([404, { code: "not_found", message: "no order none" }]);
  });

  test("whoever comes to the local port with HTTP/1.1 is told where it is served", async () => {
    const { url, sidecar } = await start();
    const response = await fetch(`http://${await sidecar.addressOf("local")}/shop.Inventory/get`, { method: "POST" });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(`HTTP/1.1 is served on ${url.slice("http://".length)}`);
  });

  test("SIGTERM ends it in order, connections that are kept alive notwithstanding", async () => {
    const { url, sidecar } = await start();
    expect((await fetch(url)).status).toBe(404);
    sidecar.process.kill("SIGTERM");
    expect(await sidecar.exited).toMatchObject({ code: 0 });
  });
});
