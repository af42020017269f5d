// Health checks of an upstream's endpoint against real servers, of each kind but gRPC's, which docs/policies.md plays; and what
// becomes of what they have found when the config is replaced.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { type App, checkConfig, createApp } from "../../src/app/app.ts";
import { formatAddress } from "../../src/base/address.ts";
import { formatDiagnostic } from "../../src/base/diagnostic.ts";
import { quietLog } from "../quiet-log.ts";
import { ask } from "./openapi.ts";

const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);
const ROOT = resolve(import.meta.dirname, "../..");
/** Generous: what is waited for is an event, on a machine that does other things too. */
const POLL = { timeout: 20_000, interval: 5 };

async function listening<S extends Server>(server: S): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => void sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A Thrift server that answers all calls, and says how it is by `ping` and by HTTP. */
async function startShop() {
  const shop = { isWell: true, pings: 0, port: 0, healthPort: 0 };
  const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });
  const server: Server = thrift.createServer(
    Inventory.Processor,
    {
      async ping() {
        shop.pings++;
        if (!shop.isWell) throw new Error("the disk is full");
      },
      get: async (sku: string) => new types.Item({ sku, title: "Tea", price }),
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  shop.port = await listening(server);
  shop.healthPort = await listening(
    createServer(({ url }, outgoing) => void outgoing.writeHead(shop.isWell && url === "/ready" ? 204 : 503).end()),
  );
  return shop;
}

const TIMES = "intervalMs: 100, timeoutMs: 10000, unhealthyAfter: 2";

function newStage(port: number) {
  const folder = mkdtempSync(join(tmpdir(), "causeway-health-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  /** A checked config with `keys` of the upstream. */
  return async (keys: string) => {
    const file = join(folder, "causeway.yaml");
    writeFileSync(
      file,
      `schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }
listeners: [{ kind: http, address: "127.0.0.1:0" }, { kind: admin, address: "127.0.0.1:0" }]
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:${port}"]
    services: [shop.Inventory]
    degrade: [{ name: closed, answer: { error: { message: "closed today" } } }]
    ${keys}
`,
    );
    const faults: string[] = [];
    const checked = await checkConfig(file, (each) => faults.push(formatDiagnostic(each)));
    if (!checked) throw new Error(faults.join("\n"));
    return checked;
  };
}

function askerOf(app: App) {
  const urlOf = (kind: "http" | "admin") =>
    `http://${formatAddress(app.listeners.find((listener) => listener.kind === kind)!.address)}`;
  return {
    /** The item's title, or the error's text. */
    async get(): Promise<unknown> {
      const headers = { "content-type": "application/json" };
      const request = { method: "POST", headers, body: '{"sku":"TEA"}' };
      const reply = (await (await fetch(`${urlOf("http")}/shop.Inventory/get`, request)).json()) as {
        readonly success?: { readonly title: string };
        readonly message?: string;
      };
      return reply.success?.title ?? reply.message;
    },
    /** The endpoint as operators see it, which is as docs/openapi.yaml says. */
    async endpoint(): Promise<unknown> {
      const views = (await ask(urlOf("admin"), "GET", "/endpoints")) as {
        readonly inventory: { readonly endpoints: readonly unknown[] };
      };
      return views.inventory.endpoints[0];
    },
  };
}

test.each([
  ["http", "kind: http, path: /ready", "GET /ready was answered with 503, expected 200 to 299"],
  ["thrift", "kind: thrift, method: ping", "the disk is full"],
])(
  "with a check by %s, an endpoint that is not well is down, and called again when it is",
  async (kind, is, reason) => {
    const shop = await startShop();
    const port = kind === "http" ? `, port: ${shop.healthPort}` : "";
    const app = await createApp(await newStage(shop.port)(`healthCheck: { ${is}${port}, ${TIMES} }`), quietLog);
    onTestFinished(() => app.close());
    const { get, endpoint } = askerOf(app);
    expect(await get()).toBe("Tea");
    shop.isWell = false;
    await expect.poll(endpoint, POLL).toMatchObject({ health: "unhealthy", reason: expect.stringContaining(reason) });
    expect(await get()).toBe("closed today");
    shop.isWell = true;
    await expect.poll(endpoint, POLL).toMatchObject({ health: "healthy" });
    expect(await get()).toBe("Tea");
  },
);

test("nobody is checked before the first call, and what was found outlives a reload unless the checks are others", async () => {
  const shop = await startShop();
  const configOf = newStage(shop.port);
  const check = `healthCheck: { kind: thrift, method: ping, ${TIMES} }`;
  const app = await createApp(await configOf(check), quietLog);
  onTestFinished(() => app.close());
  const { get, endpoint } = askerOf(app);
  expect(await endpoint()).toMatchObject({ health: "healthy" });
  expect(shop.pings).toBe(0);
  expect(await get()).toBe("Tea");
  shop.isWell = false;
  await expect.poll(endpoint, POLL).toMatchObject({ health: "unhealthy" });
  app.reload(await configOf(`${check}\n    timeoutMs: 9000`));
  expect(await endpoint()).toMatchObject({ health: "unhealthy" });
  expect(await get()).toBe("closed today");
  app.reload(await configOf("timeoutMs: 9000"));
  await expect.poll(get, POLL).toBe("Tea");
  expect(await endpoint()).toMatchObject({ health: "healthy" });
});

test("an endpoint that nobody can connect to is left out by a check of tcp alone", async () => {
  const server = createServer();
  const port = await listening(server);
  const app = await createApp(await newStage(port)(`healthCheck: { kind: tcp, ${TIMES} }`), quietLog);
  onTestFinished(() => app.close());
  const { get, endpoint } = askerOf(app);
  server.close();
  await once(server, "close");
  await get();
  await expect
    .poll(endpoint, POLL)
    .toMatchObject({ health: "unhealthy", reason: expect.stringMatching("ECONNREFUSED") });
  expect(await get()).toBe("closed today");
});
