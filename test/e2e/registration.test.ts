// Servers that register themselves with a sidecar process: they are called while they are healthy and say so, and other
// sidecars find them in the registry.
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test, vi } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);
const ROOT = resolve(import.meta.dirname, "../..");
const PATIENCE = { timeout: 15_000, interval: 20 };

/** A Thrift server, framed, that can be cut off with all its connections. */
async function startInventory(title: string, port = 0): Promise<{ readonly port: number; kill(): Promise<void> }> {
  const server: Server = thrift.createServer(
    Inventory.Processor,
    {
      async ping() {},
      async get(sku: string) {
        const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });
        return new types.Item({ sku, title, price });
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  async function kill(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  }
  onTestFinished(kill);
  return { port: (server.address() as AddressInfo).port, kill };
}

function configOf(more = "discovery: local"): string {
  return `schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }
listeners:
  - { kind: http, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
registration: { unhealthyAfter: 1, healthyAfter: 1 }
upstreams:
  inventory: { protocol: thrift-framed, services: [shop.Inventory], ${more} }
`;
}

async function ask(sidecar: Sidecar, method: string, path: string, body?: object, headers: object = {}) {
  const response = await fetch(`http://${await sidecar.addressOf("http")}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

const get = (sidecar: Sidecar) => ask(sidecar, "POST", "/shop.Inventory/get", { sku: "TEA" });

function instanceAt(port: number, more: object = {}): object {
  return {
    upstream: "inventory",
    services: ["shop.Inventory"],
    address: `127.0.0.1:${port}`,
    codec: "CODEC_THRIFT_BINARY",
    framing: "FRAMING_FRAMED",
    ...more,
  };
}

test("a server that registers is called, left out while it is dead, back when it is there again, and gone when it leaves", async () => {
  const server = await startInventory("first");
  const sidecar = startSidecarForTest(configOf());
  expect(await get(sidecar)).toMatchObject({
    status: 503,
    body: { code: "unavailable", message: "the upstream inventory has no endpoints" },
  });
  const healthCheck = { thrift: { method: "ping" }, interval: "0.1s" };
  const registered = await ask(sidecar, "PUT", "/v1/instances", {
    instance: instanceAt(server.port, { healthCheck }),
    lease: "60s",
  });
  expect(registered).toMatchObject({ status: 200, body: { lease: "60s" } });
  expect(await get(sidecar)).toMatchObject({ status: 200, body: { success: { title: "first" } } });

  await server.kill();
  await sidecar.logged(({ msg }) => msg === "a local instance fails its health checks, and is left out");
  expect((await get(sidecar)).body).toMatchObject({ message: "the upstream inventory has no endpoints" });

  await startInventory("second", server.port);
  await vi.waitFor(async () => {
    expect(await get(sidecar)).toMatchObject({ body: { success: { title: "second" } } });
  }, PATIENCE);

  const { id } = registered.body;
  expect(await ask(sidecar, "POST", `/v1/instances/${id}/heartbeat`, {})).toMatchObject({ body: { lease: "60s" } });
  expect(await ask(sidecar, "DELETE", `/v1/instances/${id}`)).toEqual({ status: 200, body: {} });
  expect((await get(sidecar)).status).toBe(503);
  expect(await ask(sidecar, "POST", `/v1/instances/${id}/heartbeat`, {})).toMatchObject({
    status: 404,
    body: { code: "not_found" },
  });
});

test("a server that says nothing for the time of its lease is gone", async () => {
  const server = await startInventory("any");
  const sidecar = startSidecarForTest(configOf());
  await ask(sidecar, "PUT", "/v1/instances", { instance: instanceAt(server.port), lease: "1s" });
  expect((await get(sidecar)).status).toBe(200);
  await sidecar.logged(({ why }) => why === "its lease is over");
  expect((await get(sidecar)).status).toBe(503);
});

test("a local instance stands beside the endpoints that the config lists", async () => {
  const [listed, local] = await Promise.all([startInventory("listed"), startInventory("local")]);
  const sidecar = startSidecarForTest(
    configOf(`endpoints: ["127.0.0.1:${listed.port}"], balance: { policy: round-robin }`),
  );
  await ask(sidecar, "PUT", "/v1/instances", { instance: instanceAt(local.port) });
  const titles = new Set<string>();
  for (let i = 0; i < 4; i++) titles.add((await get(sidecar)).body.success.title);
  expect([...titles].sort()).toEqual(["listed", "local"]);
});

test("what does not fit is refused with words that help, and web pages are not let in", async () => {
  const sidecar = startSidecarForTest(configOf());
  const put = (instance: object, headers = {}) => ask(sidecar, "PUT", "/v1/instances", { instance }, headers);
  expect(await put(instanceAt(1, { upstream: "inventori" }))).toEqual({
    status: 404,
    body: {
      code: "not_found",
      message:
        "unknown upstream, did you mean inventory?; expected upstreams.inventori in the sidecar's config, with a protocol, services, and discovery: local",
    },
  });
  expect(await put(instanceAt(1, { framing: "FRAMING_TTHEADER" }))).toMatchObject({
    status: 400,
    body: {
      code: "failed_precondition",
      message: expect.stringContaining("the instance speaks ttheader with thrift-binary, and upstreams.inventory"),
    },
  });
  expect(await put(instanceAt(1, { services: ["shop.v1.Orders"] }))).toMatchObject({
    body: { code: "failed_precondition", message: expect.stringContaining("does not have shop.Inventory") },
  });
  expect(await put(instanceAt(1, { address: "192.0.2.1:80" }))).toMatchObject({
    body: { code: "invalid_argument", message: expect.stringContaining("an address of this host") },
  });
  expect((await put(instanceAt(1), { origin: "https://evil.example" })).status).toBe(403);
});

test("a server that registered here is found through the registry by the sidecar of another, until this one drains", async () => {
  const registry = mkdtempSync(join(tmpdir(), "causeway-registry-"));
  onTestFinished(() => rmSync(registry, { recursive: true, force: true }));
  const server = await startInventory("far");
  const config = `${configOf("discovery: directory")}discovery: { directory: { path: "${registry}", rescanMs: 100 }, cache: { emptyGraceMs: 0 } }\n`;
  const [near, far] = [startSidecarForTest(config), startSidecarForTest(config)];
  await ask(near, "PUT", "/v1/instances", { instance: instanceAt(server.port), lease: "60s" });
  await vi.waitFor(async () => {
    expect(await get(far)).toMatchObject({ body: { success: { title: "far" } } });
  }, PATIENCE);
  expect((await get(near)).status).toBe(200);

  near.process.kill("SIGTERM");
  expect(await near.exited).toMatchObject({ code: 0 });
  await vi.waitFor(async () => expect((await get(far)).status).toBe(503), PATIENCE);
});

test("a server beside a sidecar that takes others' calls is published at the sidecar, and called through both", async () => {
  const registry = mkdtempSync(join(tmpdir(), "causeway-registry-"));
  onTestFinished(() => rmSync(registry, { recursive: true, force: true }));
  const server = await startInventory("behind");
  const inDirectory = `discovery: { directory: { path: "${registry}", rescanMs: 100 }, cache: { emptyGraceMs: 0 } }\n`;
  const provider = '  - { kind: local, side: provider, address: "127.0.0.1:0" }\nregistration:';
  const near = startSidecarForTest(configOf().replace("registration:", provider) + inDirectory);
  const upstream = "upstreams:\n  inventory: { protocol: sidecar, services: [shop.Inventory], discovery: directory }\n";
  const far = startSidecarForTest(configOf().replace(/upstreams:[\s\S]*$/, upstream) + inDirectory);
  const { address } = await near.logged(({ msg, kind }) => msg === "listening" && kind === "local");
  await ask(near, "PUT", "/v1/instances", { instance: instanceAt(server.port), lease: "60s" });
  await vi.waitFor(async () => {
    expect(await get(far)).toMatchObject({ body: { success: { title: "behind" } } });
  }, PATIENCE);
  const [file = ""] = readdirSync(registry);
  expect(JSON.parse(readFileSync(join(registry, file), "utf8"))).toMatchObject({ address });
  expect(await get(near)).toMatchObject({ body: { success: { title: "behind" } } });
});
