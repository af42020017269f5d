import { expect, test } from "vitest";
import { createAdminHandler } from "../../../src/admin/admin.ts";
import { Metadata } from "../../../src/base/metadata.ts";

const metrics = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",
  metrics: async () => "causeway_calls_total 7\n",
};

const peer = "127.0.0.1:5000";
const { signal } = new AbortController();

function get(path: string, { ready = true, method = "GET" } = {}) {
  const handle = createAdminHandler({ isReady: () => ready, metrics });
  return handle({ method, path, query: "", headers: Metadata.EMPTY, body: new Uint8Array(), peer, signal });
}

test("/healthz is 200 while the process lives, ready or not", async () => {
  expect(await get("/healthz")).toMatchObject({ status: 200, body: "ok\n" });
  expect(await get("/healthz", { ready: false })).toMatchObject({ status: 200, body: "ok\n" });
});

test("/readyz follows readiness", async () => {
  expect(await get("/readyz")).toMatchObject({ status: 200, body: "ready\n" });
  expect(await get("/readyz", { ready: false })).toMatchObject({ status: 503, body: "not ready\n" });
});

test("/metrics gives the registry's text with its content type", async () => {
  const response = await get("/metrics");
  expect(response).toMatchObject({ status: 200, body: "causeway_calls_total 7\n" });
  expect(response.headers.get("content-type")).toBe(metrics.contentType);
});

test("an unknown path is 404 and names the known ones", async () => {
  expect(await get("/")).toMatchObject({
    status: 404,
    body: "not found: this listener answers /healthz, /readyz, /metrics\n",
  });
});

test("HEAD is answered as GET, other methods are 405 with what is allowed", async () => {
  expect(await get("/healthz", { method: "HEAD" })).toMatchObject({ status: 200 });
  const refused = await get("/metrics", { method: "POST" });
  expect(refused.status).toBe(405);
  expect(refused.headers.get("allow")).toBe("GET, HEAD");
});
