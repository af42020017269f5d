// Routes, authorization and faults in a whole sidecar: three Thrift servers behind it, and the calls of a gRPC client.
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { InventoryClient } from "../../demo/gen/proto/inventory.ts";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { IDL, startInventory } from "./inventory-server.ts";

/** A sidecar with this config before upstreams a and b, the second of which has an endpoint of version v1 and one of v2. */
async function setUp(config: string, listener: "local" | "provider" = "local") {
  const [a, one, two] = await Promise.all([startInventory(), startInventory(), startInventory()]);
  const [served, another] = ["services: [shop.Inventory]", "opaqueServices: [other.Service]"];
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners: [{ kind: local, side: ${listener === "local" ? "caller" : listener}, address: "127.0.0.1:0" }]
upstreams:
  a: { protocol: thrift-framed, endpoints: ["127.0.0.1:${a.port}"], ${listener === "local" ? served : another} }
  b:
    protocol: thrift-framed
    local: ${listener === "provider"}
    ${listener === "local" ? another : served}
    endpoints:
      - { address: "127.0.0.1:${one.port}", labels: { version: v1 } }
      - { address: "127.0.0.1:${two.port}", labels: { version: v2 } }
accessLog: all
${config}
`);
  const client = new InventoryClient(await sidecar.addressOf(listener), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  function call(headers: Readonly<Record<string, string>> = {}, sku = "TEA"): Promise<string> {
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
    return new Promise((done) => {
      client.get({ sku }, metadata, (error) => done(error ? `${grpc.status[error.code]}: ${error.details}` : "OK"));
    });
  }
  const counts = () => [a, one, two].map(({ calls }) => calls);
  return { sidecar, call, counts };
}

test("header, caller and a field of the request choose the upstream, and the log names the rule", async () => {
  const { call, counts, sidecar } = await setUp(`
name: till
routes:
  - { name: tenant, match: { headers: { x-tenant: { regex: "beta-[0-9]+" } } }, to: { upstream: b, labels: { version: v2 } } }
  - { name: coffee, match: { methods: [shop.Inventory/get], field: { path: sku, prefix: COFFEE } }, to: b }
  - { name: till, match: { callers: [till] }, to: { upstream: b, labels: { version: v1 } } }
  - { match: { callers: [web] }, to: a }
`);
  expect(await call({ "x-tenant": "beta-7" })).toBe("OK");
  expect(counts()).toEqual([0, 0, 1]);
  // Who calls is the sidecar's to say.
  expect(await call({ "cw-from": "web" })).toBe("OK");
  expect(counts()).toEqual([0, 1, 1]);
  expect(await call({}, "COFFEE-1")).toBe("OK");
  expect(counts().reduce((sum, each) => sum + each)).toBe(3);
  expect(await call({ "x-tenant": "beta-x" })).toBe("OK");
  expect(counts()[1]).toBeGreaterThanOrEqual(2);
  for (const route of ["tenant", "till", "coffee"]) await sidecar.logged((line) => line["route"] === route);
});

test("a label follows a call to the endpoints that have it", async () => {
  const { call, counts } = await setUp("", "provider");
  for (let i = 0; i < 6; i++) expect(await call({ "cw-hops": "1", "cw-label-version": "v2" })).toBe("OK");
  expect(counts()).toEqual([0, 0, 6]);
});

test("a mirror gets copies, and its death costs no call", async () => {
  const { call, counts } = await setUp(`routes: [{ to: a, mirror: { upstream: b, labels: { version: v1 } } }]`);
  for (let i = 0; i < 5; i++) expect(await call()).toBe("OK");
  await expect.poll(counts).toEqual([5, 5, 0]);
});

test("who may not call is told so, and nothing is called", async () => {
  const rules = "rules: [{ effect: allow, callers: [till], methods: [shop.Inventory] }]";
  const till = await setUp(`name: till\nauthorize: { default: deny, ${rules} }`);
  expect(await till.call()).toBe("OK");
  const web = await setUp(`name: web\nauthorize: { default: deny, ${rules} }`);
  expect(await web.call({ "cw-from": "till" })).toBe(
    "PERMISSION_DENIED: the caller web may not call shop.Inventory/get (authorize)",
  );
  expect(web.counts()).toEqual([0, 0, 0]);
});

test("a fault on purpose hits the calls that ask for it, and the log says so", async () => {
  const { call, counts, sidecar } = await setUp(`
faults: [{ name: chaos, match: { headers: { chaos: "on" } }, delayMs: 5, abort: { code: DATA_LOSS, message: gone } }]
`);
  expect(await call({ chaos: "on" })).toBe("DATA_LOSS: gone");
  expect(await call()).toBe("OK");
  expect(counts()).toEqual([1, 0, 0]);
  await sidecar.logged(({ injected, code }) => injected === "chaos" && code === "DATA_LOSS");
});

test("names that are no method, no upstream and no field are refused with their places", async () => {
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
upstreams: { a: { protocol: thrift-framed, endpoints: ["127.0.0.1:1"], services: [shop.Inventory] } }
routes:
  - { match: { methods: [shop.Inventory/gett] }, to: a }
  - { match: { methods: [shop.Inventory/get], field: { path: skuu, exact: x } }, to: a }
authorize: { rules: [{ effect: deny, methods: [shop.Inventroy] }] }
`);
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  expect(stderr).toContain(
    ":5:26: error: routes[0].match.methods[0]: unknown method of shop.Inventory, did you mean get?",
  );
  expect(stderr).toContain("routes[1].match.field.path: no request that the rule is for has this field");
  expect(stderr).toContain('"skuu": expected sku, or the path to one inside');
  expect(stderr).toContain("authorize.rules[0].methods[0]: unknown service, did you mean shop.Inventory?");
});
