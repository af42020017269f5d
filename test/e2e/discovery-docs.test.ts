// The example of docs/discovery.md, run: its config is served, a directory says where the server is, and another registers.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test, vi } from "vitest";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { startSidecarForTest } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/discovery.md"), "utf8");

async function startInventory(pinged: () => void): Promise<string> {
  const server = thrift.createServer(
    Inventory.Processor,
    {
      async ping() {
        pinged();
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the example of docs/discovery.md works as it is written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-discovery-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, "idl"), join(folder, "idl"));
  mkdirSync(join(folder, "registry"));
  const pings = { listed: 0, registered: 0 };
  const listed = await startInventory(() => pings.listed++);
  const registered = await startInventory(() => pings.registered++);
  writeFileSync(join(folder, "registry/inventory.yaml"), `endpoints: ["${listed}"]\n`);

  const yaml = /```yaml discovery\.yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const config = yaml
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:0")
    .replaceAll(/(idl|registry|endpoints\.json)(?=[/\],} \n])/g, (path) => join(folder, path))
    .replace(`${join(folder, "idl")}/shop`, join(folder, "idl/shop"));
  const sidecar = startSidecarForTest(config);
  const url = `http://${await sidecar.addressOf("http")}`;
  const headers = { "content-type": "application/json" };
  const ping = async () => (await fetch(`${url}/shop.Inventory/ping`, { method: "POST", headers, body: "{}" })).status;
  expect(await ping()).toBe(200);
  expect(pings).toEqual({ listed: 1, registered: 0 });

  const [, method = "", path = "", body = ""] =
    /\$ curl -s -X (\S+) http:\/\/127\.0\.0\.1:\d+(\S+) .* -d '(.*)'/.exec(page) ?? [];
  const answer = await fetch(url + path, { method, headers, body: body.replace("127.0.0.1:9090", registered) });
  expect(await answer.text()).toMatch(/^\{"id":".+","lease":"15s"\}$/);
  // Its health check was one.
  expect(pings.registered).toBe(1);
  // It is thought slow at first, and the other one is quick: its turn comes when that thought has faded, on a busy machine later.
  const becomesTrusted = { timeout: 50_000 };
  await vi.waitFor(async () => {
    expect(await ping()).toBe(200);
    expect(pings.registered).toBeGreaterThan(1);
  }, becomesTrusted);
});
