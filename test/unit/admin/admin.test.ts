import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { type AdminOptions, adminPages, createAdminHandler } from "../../../src/admin/admin.ts";
import { createDegradePage } from "../../../src/admin/degrade-page.ts";
import { createExplainPage } from "../../../src/admin/explain-page.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { createDegradeSwitches } from "../../../src/governance/degrade-switches.ts";

const metrics = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",
  metrics: async () => "causeway_calls_total 7\n",
};

let level = "info";
let drained = 0;
const options: AdminOptions = {
  isReady: () => true,
  doubts: () => [],
  metrics,
  views: {
    config: () => ({ drainMs: 10_000 }),
    endpoints: () => ({ shop: { kind: "known", endpoints: [] } }),
    routes: () => ({ "shop.Inventory": { upstream: "shop" } }),
    policies: () => ({ shop: { timeoutMs: 15_000 } }),
  },
  logLevel: {
    levels: ["debug", "info", "silent"],
    get: () => level,
    set: (next) => {
      level = next;
    },
  },
  drain: () => void drained++,
  more: new Map(
    Object.entries({
      "/explain": { GET: createExplainPage(() => "there is no such service") },
      "/degrade": createDegradePage({
        rules: () => [{ rule: "shop/sale", mode: "auto" }],
        switches: createDegradeSwitches(),
        turned: () => {},
      }),
    }),
  ),
};

const peer = "127.0.0.1:5000";
const { signal } = new AbortController();
const NONE: readonly string[] = [];

function get(path: string, { ready = true, method = "GET", body = "", doubts = NONE } = {}) {
  const handle = createAdminHandler({ ...options, isReady: () => ready, doubts: () => doubts });
  return handle({ method, path, query: "", headers: Metadata.EMPTY, body: Buffer.from(body), peer, signal });
}

test("/healthz is 200 while the process lives, ready or not", async () => {
  expect(await get("/healthz")).toMatchObject({ status: 200, body: "ok\n" });
  expect(await get("/healthz", { ready: false })).toMatchObject({ status: 200, body: "ok\n" });
});

test("/readyz follows readiness", async () => {
  expect(await get("/readyz")).toMatchObject({ status: 200, body: "ready\n" });
  expect(await get("/readyz", { ready: false })).toMatchObject({ status: 503, body: "not ready\n" });
});

test("/readyz says what is in doubt, ready or not", async () => {
  const doubts = ["nothing is known yet of the endpoints of a", "b is stale"];
  const said = `nothing is known yet of the endpoints of a\nb is stale\n`;
  expect(await get("/readyz", { doubts })).toMatchObject({ status: 200, body: `ready\n${said}` });
  expect(await get("/readyz", { ready: false, doubts })).toMatchObject({ status: 503, body: `not ready\n${said}` });
});

test("/metrics gives the registry's text with its content type", async () => {
  const response = await get("/metrics");
  expect(response).toMatchObject({ status: 200, body: "causeway_calls_total 7\n" });
  expect(response.headers.get("content-type")).toBe(metrics.contentType);
});

test("an unknown path is 404 and names the known ones", async () => {
  expect(await get("/")).toMatchObject({
    status: 404,
    body: expect.stringContaining("this listener answers /healthz, /readyz, /metrics, /config, "),
  });
});

test("HEAD is answered as GET, other methods are 405 with what is allowed", async () => {
  expect(await get("/healthz", { method: "HEAD" })).toMatchObject({ status: 200 });
  const refused = await get("/metrics", { method: "POST" });
  expect(refused.status).toBe(405);
  expect(refused.headers.get("allow")).toBe("GET, HEAD");
});

test.each([
  ["/config", { drainMs: 10_000 }],
  ["/endpoints", { shop: { kind: "known", endpoints: [] } }],
  ["/routes", { "shop.Inventory": { upstream: "shop" } }],
  ["/policies", { shop: { timeoutMs: 15_000 } }],
])("%s is JSON", async (path, value) => {
  const response = await get(path);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(String(response.body))).toEqual(value);
});

test("/loglevel tells the level and takes a known one", async () => {
  expect(await get("/loglevel", { method: "PUT", body: '{"level":"debug"}' })).toMatchObject({ status: 200 });
  expect(JSON.parse(String((await get("/loglevel")).body))).toEqual({ level: "debug" });
});

test.each(['{"level":"loud"}', '{"level":1}', "debug", "null", ""])("/loglevel refuses %j", async (body) => {
  expect(await get("/loglevel", { method: "PUT", body })).toMatchObject({
    status: 400,
    body: 'expected {"level": …} with one of debug, info, silent\n',
  });
});

test("/drain begins to stop once it is posted, and not when a browser or a scraper looks at it", async () => {
  expect((await get("/drain")).headers.get("allow")).toBe("POST");
  expect(drained).toBe(0);
  expect(await get("/drain", { method: "POST" })).toMatchObject({ status: 202 });
  await new Promise(setImmediate);
  expect(drained).toBe(1);
});

test("docs/openapi.yaml describes every path with its methods, and nothing else", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/openapi.yaml"), "utf8");
  const { openapi, paths } = parse(text) as {
    readonly openapi: string;
    readonly paths: Record<string, Record<string, { readonly summary: string; readonly responses: object }>>;
  };
  expect(openapi).toBe("3.1.0");
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, responses }]) => {
      expect(summary).not.toBe("");
      expect(Object.keys(responses)).not.toEqual([]);
      return `${method.toUpperCase()} ${path}`;
    }),
  );
  const answered = [...adminPages(options)].flatMap(([path, page]) =>
    Object.keys(page).map((method) => `${method} ${path}`),
  );
  expect(described.toSorted()).toEqual(answered.toSorted());
});
