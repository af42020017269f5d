// A running sidecar whose config and IDL change: what is good takes effect without losing a call, what is wrong changes nothing.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test, vi } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);

/** A Thrift server whose items bear its name. */
async function startInventory(title: string): Promise<number> {
  const server = thrift.createServer(
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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const PING = "namespace * shop\nservice Inventory {\n  void ping()\n}\n";
const GET = `namespace * shop
struct Item { 1: required string sku, 2: required string title }
service Inventory {
  void ping()
  Item get(1: string sku)
}
`;

function folderForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-reload-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function configOf(idl: string, port: number, more = ""): string {
  return `schema: { files: [${JSON.stringify(idl)}] }
reload: { everyMs: 100 }
listeners:
  - { kind: http, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
upstreams:
  inventory: { protocol: thrift-framed, endpoints: ["127.0.0.1:${port}"], services: [shop.Inventory] }
${more}`;
}

async function call(sidecar: Sidecar, method: string, body: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${await sidecar.addressOf("http")}/shop.Inventory/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

/** Writes as deployment tools do: all at once. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const taken = ({ msg }: Readonly<Record<string, unknown>>) => msg === "a new config is at work";
const refused = ({ msg }: Readonly<Record<string, unknown>>) => String(msg).startsWith("the new config is refused");

/** Resolves when so many lines of the log fit. */
async function logged(sidecar: Sidecar, fits: typeof taken, count: number): Promise<void> {
  await vi.waitFor(() => expect(sidecar.log.filter(fits)).toHaveLength(count), { timeout: 15_000, interval: 20 });
}

test("a new config takes effect under load and loses no call; a wrong one is refused with its place, and changes nothing", async () => {
  const [first, second] = await Promise.all([startInventory("first"), startInventory("second")]);
  const idl = join(folderForTest(), "shop.thrift");
  writeFileSync(idl, GET);
  const sidecar = startSidecarForTest(configOf(idl, first));
  expect(await call(sidecar, "get", { sku: "TEA" })).toMatchObject({
    status: 200,
    body: { success: { title: "first" } },
  });

  let loaded = true;
  const answers: { status: number; body: unknown }[] = [];
  const callers = Array.from({ length: 8 }, async () => {
    while (loaded) answers.push(await call(sidecar, "get", { sku: "TEA" }));
  });

  replace(sidecar.configPath, configOf(idl, second, "accessLog: all\n"));
  await sidecar.logged(taken);
  await vi.waitFor(() => expect(answers.at(-1)).toMatchObject({ body: { success: { title: "second" } } }), {
    timeout: 10_000,
  });
  await sidecar.logged(({ msg }) => msg === "call");

  replace(sidecar.configPath, configOf(idl, first).replace("thrift-framed", "thrift-farmed"));
  await sidecar.logged(refused);
  expect(sidecar.log).toContainEqual(
    expect.objectContaining({ level: 50, file: sidecar.configPath, line: 7, msg: expect.stringContaining("protocol") }),
  );
  expect(await call(sidecar, "get", { sku: "TEA" })).toMatchObject({ body: { success: { title: "second" } } });

  // The same one again, now by a signal.
  writeFileSync(sidecar.configPath, configOf(idl, first, "metrics: { bucketsMs: [1] }\n"));
  sidecar.process.kill("SIGHUP");
  await logged(sidecar, taken, 2);
  expect(await call(sidecar, "get", { sku: "TEA" })).toMatchObject({ body: { success: { title: "first" } } });
  expect(sidecar.log).toContainEqual(expect.objectContaining({ keys: ["metrics"] }));

  loaded = false;
  await Promise.all(callers);
  expect(answers.length).toBeGreaterThan(50);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});

test("IDL that grows can be called at once; IDL that is broken or breaks callers is refused, unless the config allows it", async () => {
  const port = await startInventory("any");
  const idl = join(folderForTest(), "shop.thrift");
  writeFileSync(idl, PING);
  const sidecar = startSidecarForTest(configOf(idl, port));
  expect((await call(sidecar, "ping", {})).status).toBe(200);
  expect((await call(sidecar, "get", { sku: "TEA" })).status).toBe(501);

  replace(idl, GET);
  await logged(sidecar, taken, 1);
  expect(await call(sidecar, "get", { sku: "TEA" })).toMatchObject({
    status: 200,
    body: { success: { title: "any" } },
  });

  replace(idl, GET.replace("struct Item {", "struct Item "));
  await logged(sidecar, refused, 1);
  expect(sidecar.log).toContainEqual(expect.objectContaining({ level: 50, file: idl, line: 2 }));
  expect((await call(sidecar, "get", { sku: "TEA" })).status).toBe(200);

  replace(idl, GET.replace("2: required string title", "2: required i32 title"));
  await logged(sidecar, refused, 2);
  expect(sidecar.log).toContainEqual(expect.objectContaining({ level: 50, file: idl, line: 2, rule: "FIELD_TYPE" }));
  expect((await call(sidecar, "get", { sku: "TEA" })).status).toBe(200);

  replace(sidecar.configPath, configOf(idl, port).replace("everyMs: 100", "everyMs: 100, breaking: allow"));
  await logged(sidecar, taken, 2);
  expect((await call(sidecar, "get", { sku: "TEA" })).status).not.toBe(200);
});

test("a mounted folder that is swapped behind a symbolic link is seen", async () => {
  const port = await startInventory("any");
  const folder = folderForTest();
  for (const [version, text] of [
    ["v1", PING],
    ["v2", GET],
  ] as const) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "shop.thrift"), text);
  }
  symlinkSync("v1", join(folder, "..data"));
  symlinkSync("..data/shop.thrift", join(folder, "shop.thrift"));
  const sidecar = startSidecarForTest(configOf(join(folder, "shop.thrift"), port));
  expect((await call(sidecar, "get", { sku: "TEA" })).status).toBe(501);

  symlinkSync("v2", join(folder, "..data_new"));
  renameSync(join(folder, "..data_new"), join(folder, "..data"));
  await sidecar.logged(taken);
  expect((await call(sidecar, "get", { sku: "TEA" })).status).toBe(200);
});
