// The admin port of a real process: what it shows, what it changes, and whom it refuses.
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startSidecarForTest } from "./sidecar.ts";

const KINDS = join(import.meta.dirname, "../../idl/kinds/kinds.thrift");
const CONFIG = `
schema: { files: [${KINDS}], include: [${join(import.meta.dirname, "../../idl")}] }
listeners:
  - { kind: admin, address: "127.0.0.1:0" }
  - { kind: http, address: "127.0.0.1:0" }
upstreams:
  kinds: { protocol: thrift-framed, endpoints: ["127.0.0.1:1"], services: [kinds.Kinds] }
`;

async function json(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, init);
  expect(response.ok, url).toBe(true);
  return response.json();
}

test("an operator sees the config, routes, policies and endpoints, changes the log's level, and drains it", async () => {
  const sidecar = startSidecarForTest(CONFIG);
  const admin = `http://${await sidecar.addressOf("admin")}`;
  const http = `http://${await sidecar.addressOf("http")}`;
  expect(await json(`${admin}/config`)).toMatchObject({
    drainMs: expect.any(Number),
    upstreams: { kinds: { timeoutMs: 15_000, endpoints: [{ address: "127.0.0.1:1" }] } },
  });
  expect(await json(`${admin}/routes`)).toMatchObject({ "kinds.Kinds": { upstream: "kinds" } });
  expect(await json(`${admin}/policies`)).toMatchObject({ kinds: { timeoutMs: 15_000, retry: { maxAttempts: 3 } } });
  const endpoint = { name: "127.0.0.1:1", health: "healthy", inFlight: 0, connections: { open: 0 } };
  expect(await json(`${admin}/endpoints`)).toMatchObject({ kinds: { kind: "known", endpoints: [endpoint] } });

  const call = () =>
    fetch(`${http}/kinds.Kinds/echoString`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
  expect((await call()).status).toBe(503);
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain('causeway_retries_total{upstream="kinds"} 2');
  expect(metrics).toContain('causeway_attempts_total{upstream="kinds",outcome="failure"} 3');
  expect(metrics).toContain("causeway_log_lines_dropped_total 0");
  expect(await sidecar.logged(({ msg }) => msg === "call failed")).toMatchObject({
    time: expect.any(Number),
    service: "kinds.Kinds",
    method: "echoString",
    upstream: "kinds",
    outbound: "thrift-framed",
    endpoint: "127.0.0.1:1",
    attempts: 3,
    code: "UNAVAILABLE",
  });

  const init = { method: "PUT", body: '{"level":"error"}' };
  expect(await json(`${admin}/loglevel`, init)).toEqual({ level: "error" });
  await call();
  expect(await json(`${admin}/loglevel`, { method: "PUT", body: '{"level":"info"}' })).toEqual({ level: "info" });
  expect(await json(`${admin}/drain`, { method: "POST" })).toEqual({ draining: true });
  expect(await sidecar.exited).toMatchObject({ code: 0, stderr: "" });
  expect(sidecar.log.filter(({ msg }) => msg === "call failed")).toHaveLength(1);
});

test("a web page's own name that leads here is refused, and so is a page that posts", async () => {
  const sidecar = startSidecarForTest(CONFIG);
  const [host = "", port = ""] = (await sidecar.addressOf("admin")).split(":");
  const status = (headers: Record<string, string>, method = "GET", path = "/config") =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host, port, path, method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  expect(await status({ host: `evil.example:${port}` })).toBe(403);
  expect(await status({ origin: "https://evil.example" }, "POST", "/drain")).toBe(403);
  expect(await status({ host: `localhost:${port}` })).toBe(200);
});
