// Limits that two sidecars share over a real Redis, and what becomes of calls when it dies.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { InventoryClient } from "../../demo/gen/proto/inventory.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { IDL, startInventory } from "./inventory-server.ts";

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** A Redis without a disk until the test is over; resolves when it takes connections. */
async function startRedis(port: number): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-redis-"));
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const redis = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(redis, "exit");
  onTestFinished(async () => {
    redis.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  let said = "";
  for await (const chunk of redis.stdout) {
    said += String(chunk);
    if (said.includes("Ready to accept connections")) break;
  }
  return redis;
}

/** A sidecar with a shared limit of five calls, and a way to call through it. */
async function startCaller(redisPort: number, inventoryPort: number, shared: string) {
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners: [{ kind: local, address: "127.0.0.1:0" }]
redis: { url: "redis://127.0.0.1:${redisPort}" }
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:${inventoryPort}"]
    services: [shop.Inventory]
    rateLimit: [{ perSecond: 0.01, burst: 5, per: { header: x-tenant }, shared: { name: inventory, budgetMs: 2000, ${shared} } }]
`);
  const client = new InventoryClient(await sidecar.addressOf("local"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  return (tenant: string): Promise<string> => {
    const metadata = new grpc.Metadata();
    metadata.set("x-tenant", tenant);
    return new Promise((done) =>
      client.get({ sku: "TEA" }, metadata, (error) => done(error ? (grpc.status[error.code] ?? "") : "OK")),
    );
  };
}

test("two sidecars give a tenant five calls together, and its death is borne as the policy says", async ({ skip }) => {
  const missing = whatIsMissing(["redis-server"]);
  if (missing) skip(missing);
  const port = await freePort();
  const redis = await startRedis(port);
  const { port: inventoryPort } = await startInventory();
  const allowing = await startCaller(port, inventoryPort, "onFailure: allow");
  const denying = await startCaller(port, inventoryPort, "onFailure: deny");
  // Until it has connected, the one that denies says UNAVAILABLE, and the other lets calls through.
  await expect.poll(() => denying("warm-up"), { timeout: 20_000 }).toBe("OK");
  await expect.poll(() => allowing("warm-up-too"), { timeout: 20_000 }).toBe("RESOURCE_EXHAUSTED");

  const codes: string[] = [];
  for (let i = 0; i < 4; i++) codes.push(await allowing("web"), await denying("web"));
  expect(codes).toEqual([...Array(5).fill("OK"), ...Array(3).fill("RESOURCE_EXHAUSTED")]);
  expect(await denying("till")).toBe("OK");

  redis.kill("SIGKILL");
  await expect.poll(() => denying("other"), { timeout: 20_000 }).toBe("UNAVAILABLE");
  expect(await allowing("web")).toBe("OK");

  await startRedis(port);
  await expect.poll(() => denying("back"), { timeout: 20_000 }).toBe("OK");
});

test("a shared limit without a Redis is refused with its place", async () => {
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:1"]
    services: [shop.Inventory]
    rateLimit: [{ perSecond: 5, shared: { name: inventory } }]
`);
  expect((await sidecar.exited).stderr).toContain(
    "upstreams.inventory.rateLimit[0].shared: expected redis at the top of the config",
  );
});
