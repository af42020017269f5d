// When a sidecar process says that it is ready, and what it does when its registry is not there.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test, vi } from "vitest";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");

async function startInventory(): Promise<string> {
  const handler = { async ping() {} };
  const server = thrift.createServer(Inventory.Processor, handler, {
    transport: thrift.TFramedTransport,
    protocol: thrift.TBinaryProtocol,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function folderForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-life-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function configOf(folder: string, waitMs = 60_000): string {
  return `schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }
listeners:
  - { kind: http, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
discovery: { directory: { path: "${folder}/registry", rescanMs: 100 }, snapshot: "${folder}/endpoints.json", waitMs: ${waitMs} }
upstreams:
  inventory: { protocol: thrift-framed, services: [shop.Inventory], discovery: directory }
`;
}

async function readyz(sidecar: Sidecar): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${await sidecar.addressOf("admin")}/readyz`);
  return { status: response.status, text: await response.text() };
}

async function ping(sidecar: Sidecar): Promise<number> {
  const url = `http://${await sidecar.addressOf("http")}/shop.Inventory/ping`;
  const headers = { "content-type": "application/json" };
  return (await fetch(url, { method: "POST", headers, body: "{}" })).status;
}

test("a sidecar that starts while its registry is gone serves from its snapshot, says so, and recovers", async () => {
  const folder = folderForTest();
  mkdirSync(join(folder, "registry"));
  writeFileSync(join(folder, "registry/inventory.yaml"), `endpoints: ["${await startInventory()}"]\n`);
  const first = startSidecarForTest(configOf(folder));
  expect(await ping(first)).toBe(200);
  expect(await readyz(first)).toEqual({ status: 200, text: "ready\n" });
  first.process.kill("SIGTERM");
  expect((await first.exited).code).toBe(0);

  renameSync(join(folder, "registry"), join(folder, "away"));
  const second = startSidecarForTest(configOf(folder));
  await second.logged(({ msg }) => msg === "the registry has not answered yet: serving from the snapshot");
  await vi.waitFor(async () => {
    expect(await readyz(second)).toEqual({
      status: 200,
      text: "ready\nthe registry is out of reach, and what was known last is used, for: inventory\n",
    });
  });
  expect(await ping(second)).toBe(200);

  renameSync(join(folder, "away"), join(folder, "registry"));
  const wait = { timeout: 10_000 };
  await vi.waitFor(async () => expect(await readyz(second)).toEqual({ status: 200, text: "ready\n" }), wait);
  expect(await ping(second)).toBe(200);
});

test("a sidecar that knows no endpoints of an upstream is not ready, and names it, until its registry answers", async () => {
  const folder = folderForTest();
  const sidecar = startSidecarForTest(configOf(folder));
  expect(await readyz(sidecar)).toEqual({
    status: 503,
    text: "not ready\nnothing is known yet of the endpoints of: inventory\n",
  });
  mkdirSync(join(folder, "registry"));
  writeFileSync(join(folder, "registry/inventory.yaml"), `endpoints: ["${await startInventory()}"]\n`);
  await vi.waitFor(async () => expect((await readyz(sidecar)).status).toBe(200), { timeout: 10_000 });
  expect(await ping(sidecar)).toBe(200);
});

test("it waits for that only so long: other upstreams can be called", async () => {
  const sidecar = startSidecarForTest(configOf(folderForTest(), 100));
  const doubt = "nothing is known yet of the endpoints of: inventory";
  await sidecar.logged(({ msg }) => msg === doubt);
  await vi.waitFor(async () => expect(await readyz(sidecar)).toEqual({ status: 200, text: `ready\n${doubt}\n` }));
});
