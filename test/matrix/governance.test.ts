// The policies in a whole sidecar: three Thrift servers behind it, one of which dies, hangs or errs under the calls of a
// gRPC client. Times are policies of the sidecar; what is asserted is counts and order.
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { InventoryClient } from "../../demo/gen/proto/inventory.ts";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { startGrpcUpstream } from "../faults/upstreams.ts";
import { IDL, type InventoryServer, startInventory } from "./inventory-server.ts";

/**
 * Generous: what is waited for is a time of the policy's, on a machine that does other things too. For the same reason no policy's
 * time is so short that a good call could take as long.
 */
const POLL = { timeout: 30_000 };

/** A sidecar with these policies before three servers, and a way to call through it. */
async function setUp(policies: string) {
  const servers = await Promise.all([startInventory(), startInventory(), startInventory()]);
  const spare = await startInventory(0, "Spare tea");
  const endpoints = servers.map(({ port }) => `"127.0.0.1:${port}"`).join(", ");
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners: [{ kind: local, address: "127.0.0.1:0" }, { kind: admin, address: "127.0.0.1:0" }]
upstreams:
  spare: { protocol: thrift-framed, endpoints: ["127.0.0.1:${spare.port}"], opaqueServices: [other.Service] }
  inventory:
    { protocol: thrift-framed, endpoints: [${endpoints}], services: [shop.Inventory], balance: { policy: round-robin }, ${policies} }
accessLog: all
`);
  const client = new InventoryClient(await sidecar.addressOf("local"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  /** The code of one call, OK or not. */
  function call(): Promise<string> {
    return new Promise((done) => {
      client.get({ sku: "TEA" }, (error) => done(error ? (grpc.status[error.code] ?? "") : "OK"));
    });
  }
  /** The title of the item that a call gets, or its error's text. */
  function title(): Promise<string> {
    return new Promise((done) =>
      client.get({ sku: "TEA" }, (error, item) => done(error ? error.details : (item.success?.title ?? ""))),
    );
  }
  async function codesOf(count: number): Promise<readonly string[]> {
    const codes: string[] = [];
    for (let i = 0; i < count; i++) codes.push(await call());
    return codes;
  }
  const reset = () => {
    for (const server of servers) server.calls = 0;
  };
  return {
    servers: servers as [InventoryServer, InventoryServer, InventoryServer],
    sidecar,
    call,
    title,
    codesOf,
    reset,
  };
}

const ok = (count: number) => Array(count).fill("OK");
const idempotent = "retry: { idempotent: [shop.Inventory/get] }";

test("one of three endpoints dies under calls: no idempotent call fails, and it is called again when it is back", async () => {
  const { servers, call, codesOf } = await setUp(`${idempotent}, outlier: { baseEjectionMs: 200 }`);
  expect(await codesOf(9)).toEqual(ok(9));
  expect(servers.map(({ calls }) => calls)).toEqual([3, 3, 3]);
  const during = Array.from({ length: 100 }, () => call());
  await servers[1].die();
  expect(await Promise.all(during)).toEqual(ok(100));
  expect(await codesOf(50)).toEqual(ok(50));
  const reborn = await startInventory(servers[1].port);
  await expect
    .poll(async () => {
      expect(await call()).toBe("OK");
      return reborn.calls;
    }, POLL)
    .toBeGreaterThan(0);
});

test("what was refused is sent elsewhere on any method, because nothing can have run twice", async () => {
  const { servers, codesOf } = await setUp("outlier: { enabled: false }");
  await servers[0].die();
  expect(await codesOf(30)).toEqual(ok(30));
});

test("one of three endpoints hangs: its callers wait for one attempt, then it is left alone, then it is back", async () => {
  const policies = `${idempotent}, attemptTimeoutMs: 400, outlier: { baseEjectionMs: 5000 }`;
  const { servers, call, codesOf, reset, sidecar } = await setUp(policies);
  servers[2].mode = "hang";
  expect(await codesOf(15)).toEqual(ok(15));
  expect(servers[2].calls).toBe(5);
  await sidecar.logged(({ attempts, code }) => attempts === 2 && code === "OK");
  reset();
  servers[2].mode = "answer";
  expect(await codesOf(10)).toEqual(ok(10));
  expect(servers[2].calls).toBe(0);
  await expect
    .poll(async () => {
      expect(await call()).toBe("OK");
      return servers[2].calls;
    }, POLL)
    .toBeGreaterThan(0);
});

test("one of three endpoints errs: five callers see it, then it is ejected", async () => {
  const { servers, codesOf } = await setUp("outlier: { baseEjectionMs: 60000 }");
  servers[0].mode = "err";
  const codes = await codesOf(60);
  expect(codes.filter((code) => code !== "OK")).toHaveLength(5);
  expect(servers.map(({ calls }) => calls)[0]).toBe(5);
});

test("an endpoint that answers with a declared exception is well", async () => {
  const { servers, codesOf } = await setUp(idempotent);
  servers[0].mode = "throw";
  const codes = await codesOf(60);
  expect(servers.map(({ calls }) => calls)).toEqual([20, 20, 20]);
  expect(codes.filter((code) => code !== "OK")).toEqual(Array(20).fill("NOT_FOUND"));
});

test("a breaker lets one call through when its time is over, and closes when that is answered", async () => {
  const policies =
    "outlier: { enabled: false }, breaker: { policy: consecutive, failures: 2, minOpenMs: 2000, maxOpenMs: 3000 }";
  const { servers, call, codesOf } = await setUp(policies);
  servers[0].mode = "err";
  expect((await codesOf(12)).filter((code) => code !== "OK")).toHaveLength(2);
  // The probe fails, and nothing else goes there.
  await expect
    .poll(async () => {
      await call();
      return servers[0].calls;
    }, POLL)
    .toBe(3);
  servers[0].mode = "answer";
  await expect
    .poll(async () => {
      expect(await call()).toBe("OK");
      return servers[0].calls;
    }, POLL)
    .toBeGreaterThan(5);
});

test("limits refuse what is above them", async () => {
  const { servers, call, codesOf } = await setUp(
    "rateLimit: [{ perSecond: 0.01, burst: 8 }], concurrency: { policy: fixed, max: 2 }",
  );
  for (const server of servers) server.mode = "hang";
  const hanging = [call(), call()];
  await expect.poll(() => servers.reduce((sum, { calls }) => sum + calls, 0), POLL).toBe(2);
  expect(await codesOf(20)).toEqual(Array(20).fill("RESOURCE_EXHAUSTED"));
  expect(servers.reduce((sum, { calls }) => sum + calls, 0)).toBe(2);
  for (const server of servers) await server.die();
  await Promise.all(hanging);
});

test("a method has an attempt timeout of its own", async () => {
  const { servers, call } = await setUp(
    "timeoutMs: 20000, policies: [{ only: [shop.Inventory/get], attemptTimeoutMs: 1000, retry: { maxAttempts: 1 } }]",
  );
  servers[0].mode = "hang";
  expect(await call()).toBe("DEADLINE_EXCEEDED");
  expect(await call()).toBe("OK");
});

test("an upstream that hangs is breached by slow calls", async () => {
  const { servers, codesOf, reset } = await setUp(
    "outlier: { enabled: false }, attemptTimeoutMs: 1000, breaker: { policy: slow-calls, slowMs: 800, minCalls: 2, minOpenMs: 60000 }",
  );
  servers[0].mode = "hang";
  expect((await codesOf(9)).filter((code) => code !== "OK")).toHaveLength(2);
  reset();
  await codesOf(6);
  expect(servers[0].calls).toBe(0);
});

test("an adaptive limit begins low, and grows while replies are quick", async () => {
  const { servers, call, reset } = await setUp(
    "outlier: { enabled: false }, concurrency: { policy: adaptive, minLimit: 2, probeCalls: 5, intervalMs: 20 }",
  );
  for (const server of servers) server.mode = "hang";
  const first = Array.from({ length: 8 }, () => call());
  await expect.poll(() => servers.reduce((sum, { calls }) => sum + calls, 0), POLL).toBe(2);
  for (const server of servers) {
    server.mode = "answer";
    server.release();
  }
  const codes = await Promise.all(first);
  expect(codes.toSorted()).toEqual([...ok(2), ...Array(6).fill("RESOURCE_EXHAUSTED")]);
  reset();
  await expect.poll(() => Promise.all(Array.from({ length: 6 }, () => call())), POLL).toEqual(ok(6));
});

test("callers behind other sidecars have allowances of their own, by the names that those give them", async () => {
  const server = await startInventory();
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners: [{ kind: local, side: provider, address: "127.0.0.1:0" }]
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:${server.port}"]
    services: [shop.Inventory]
    local: true
    rateLimit: [{ per: caller, perSecond: 0.01, burst: 2 }]
`);
  const client = new InventoryClient(await sidecar.addressOf("provider"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  function callAs(name: string): Promise<string> {
    const metadata = new grpc.Metadata();
    metadata.set("cw-hops", "1");
    metadata.set("cw-from", name);
    return new Promise((done) => client.get({ sku: "TEA" }, metadata, (error) => done(error ? error.details : "OK")));
  }
  expect([await callAs("till"), await callAs("till")]).toEqual(ok(2));
  expect(await callAs("till")).toContain("the caller till");
  expect(await callAs("web")).toBe("OK");
});

test.each([
  ["never", "-1", 1],
  ["soon", "1", 3],
])("a gRPC server that wants a call %s again is heeded", async (_, pushback, attempts) => {
  let calls = 0;
  const upstream = await startGrpcUpstream(() => {
    calls++;
    const trailers = { "grpc-status": "14", "grpc-retry-pushback-ms": pushback };
    return { headers: { ":status": 200, "content-type": "application/grpc" }, trailers };
  });
  onTestFinished(upstream.stop);
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners: [{ kind: local, address: "127.0.0.1:0" }]
upstreams:
  inventory: { protocol: grpc, endpoints: ["${upstream.endpoint}"], services: [shop.Inventory], ${idempotent} }
`);
  const client = new InventoryClient(await sidecar.addressOf("local"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const error = await new Promise<grpc.ServiceError | null>((done) => client.get({ sku: "TEA" }, done));
  expect(error?.code).toBe(grpc.status.UNAVAILABLE);
  expect(calls).toBe(attempts);
});

test("a caller over HTTP that calls too often is told when to come again, through two sidecars, too", async () => {
  const server = await startInventory();
  const schema = `schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }`;
  const far = startSidecarForTest(`
${schema}
listeners: [{ kind: local, side: provider, address: "127.0.0.1:0" }]
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:${server.port}"]
    services: [shop.Inventory]
    local: true
    rateLimit: [{ perSecond: 0.01, burst: 1 }]
`);
  const near = startSidecarForTest(`
${schema}
listeners: [{ kind: http, address: "127.0.0.1:0" }]
upstreams:
  inventory: { protocol: sidecar, endpoints: ["${await far.addressOf("provider")}"], services: [shop.Inventory] }
`);
  const url = `http://${await near.addressOf("http")}/shop.Inventory/get`;
  const get = () =>
    fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: '{"sku":"TEA"}' });
  expect((await get()).status).toBe(200);
  const refused = await get();
  const seconds = Number(refused.headers.get("retry-after"));
  expect([refused.status, seconds > 50 && seconds <= 100]).toEqual([429, true]);
  expect(server.calls).toBe(1);
});

test("values of a field have allowances of their own", async () => {
  const { codesOf } = await setUp("rateLimit: [{ perSecond: 0.01, burst: 2, per: { field: sku } }]");
  expect(await codesOf(3)).toEqual(["OK", "OK", "RESOURCE_EXHAUSTED"]);
});

test("without its endpoints an upstream's calls get the last good answer, another upstream's, and the log says so", async () => {
  const { servers, title, sidecar } = await setUp(
    "breaker: { policy: consecutive, failures: 1, minOpenMs: 60000 }, outlier: { enabled: false }, retry: { maxAttempts: 1 }, degrade: [{ name: spare, answer: { upstream: spare } }]",
  );
  expect(await title()).toBe("Tea");
  for (const server of servers) await server.die();
  const titles: string[] = [];
  for (let i = 0; i < 6; i++) titles.push(await title());
  expect(titles.slice(-3)).toEqual(Array(3).fill("Spare tea"));
  await sidecar.logged(({ degraded, upstream }) => degraded === "inventory/spare" && upstream === "spare");
});

test("an operator switches a method off and on again, and asks what would become of a call", async () => {
  const { title, sidecar } = await setUp(
    'degrade: [{ name: sale, only: [shop.Inventory/get], mode: off, answer: { reply: { success: { title: "Sold out", sku: "?", price: { currency: "EUR", units: "0", nanos: 0 } } } } }]',
  );
  const admin = `http://${await sidecar.addressOf("admin")}`;
  const turn = (mode: string, headers = {}) =>
    fetch(`${admin}/degrade?rule=inventory/sale&mode=${mode}`, { method: "POST", headers });
  expect(await title()).toBe("Tea");
  expect((await turn("on", { origin: "http://evil.example" })).status).toBe(403);
  expect(await (await turn("on")).json()).toEqual([{ rule: "inventory/sale", mode: "on", config: "off" }]);
  expect(await title()).toBe("Sold out");
  expect((await turn("config")).status).toBe(200);
  expect(await title()).toBe("Tea");
  expect((await turn("sideways")).status).toBe(400);
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain('causeway_marked_calls_total{kind="degraded",rule="inventory/sale"} 1');

  const explained = await fetch(`${admin}/explain?call=shop.Inventory/get&caller=web`);
  expect(await explained.json()).toMatchObject({
    caller: "web",
    authorization: "allowed: there is no authorize in the config",
    ways: [{ upstream: "inventory", policies: { degrade: ["sale (off)"] }, endpoints: { length: 3 } }],
  });
  expect((await fetch(`${admin}/explain?call=shop.Inventory/gett`)).status).toBe(404);
});

test("a reply that is none of the method's is refused with its place", async () => {
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
upstreams:
  a:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:1"]
    services: [shop.Inventory]
    degrade: [{ name: x, only: [shop.Inventory/get], answer: { reply: { titel: 1 } } }]
`);
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  expect(stderr).toContain("upstreams.a.degrade[0].answer.reply: it is no response of shop.Inventory/get");
});
