// The admin port of a real process: what it shows, what it changes, and whom it refuses.
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask, describedPages } from "./openapi.ts";
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
  expect(await json(`${admin}/routes`)).toMatchObject({
    rules: [],
    services: { "kinds.Kinds": { upstream: "kinds" } },
  });
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

const RICH = `
schema: { files: [${KINDS}], include: [${join(import.meta.dirname, "../../idl")}] }
listeners: [{ kind: admin, address: "127.0.0.1:0" }, { kind: http, address: "127.0.0.1:0" }]
zone: a
redis: { url: "redis://user:p@ss@127.0.0.1:1/0" }
tracing: { sample: 0, otlp: { url: "http://127.0.0.1:1/v1/traces?key=k-secret", headers: { x-team: t-secret } } }
upstreams:
  token-service:
    protocol: thrift-framed
    endpoints:
      - { address: "127.0.0.1:1", weight: 2, labels: { zone: a, version: v1 } }
      - { address: "127.0.0.1:2", priority: 1, labels: { zone: b } }
    services: [kinds.Kinds]
    retry: { maxAttempts: 1 }
    breaker: { policy: consecutive, failures: 1, minOpenMs: 60000 }
    outlier: { enabled: false }
    balance: { policy: p2c, panicBelow: 0 }
    degrade: [{ name: sale, mode: "off", answer: { error: { message: closed } } }]
    policies:
      - { only: [kinds.Kinds/echoString], timeoutMs: 100, retry: { maxAttempts: 2 } }
  next: { protocol: ttheader, discovery: directory }
discovery: { directory: { path: DIRECTORY }, waitMs: 0 }
routes:
  - name: beta
    match: { callers: [web], headers: { x-tenant: { prefix: beta- }, authorization: a-secret } }
    to: { upstream: token-service, labels: { version: v1 }, follow: true }
  - match: { methods: [kinds.Kinds/echoString], field: { path: value, present: true } }
    to: [{ upstream: token-service, weight: 3 }, { upstream: next, weight: 1 }]
    headers: { set: { authorization: b-secret, x-canary: "1" }, remove: [x-gone] }
    mirror: { upstream: next, share: 0.5 }
faults: [{ name: chaos, match: { headers: { cookie: c-secret } }, share: 0.5, delayMs: 1 }]
`;

test("every answer is as docs/openapi.yaml describes it, and none tells a secret", async () => {
  const directory = join(import.meta.dirname, "no-such-registry");
  const sidecar = startSidecarForTest(RICH.replace("DIRECTORY", directory));
  const admin = `http://${await sidecar.addressOf("admin")}`;
  const asked = new Set<string>();
  const answered: unknown[] = [];
  const get = async (method: string, target: string, status = 200, body?: string) => {
    asked.add(`${method} ${target.replace(/\?.*/s, "")}`);
    const value = await ask(admin, method, target, status, body);
    answered.push(value);
    return value;
  };
  await fetch(`http://${await sidecar.addressOf("http")}/kinds.Kinds/echoString`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });

  await get("GET", "/healthz");
  await get("GET", "/readyz");
  await get("GET", "/metrics");
  await get("GET", "/config");
  expect(await get("GET", "/endpoints")).toMatchObject({
    next: { kind: "unknown", endpoints: [] },
    "token-service": {
      kind: "known",
      endpoints: [
        { name: "127.0.0.1:1", health: "open", weight: 2, labels: { zone: "a", version: "v1" }, inFlight: 0 },
        { name: "127.0.0.1:2", priority: 1, weight: 1, labels: { zone: "b" } },
      ],
    },
  });
  expect(await get("GET", "/routes")).toEqual({
    rules: [
      {
        name: "beta",
        match: { callers: ["web"], headers: { "x-tenant": { prefix: "beta-" }, authorization: "[hidden]" } },
        to: [{ upstream: "token-service", share: 1, labels: { version: "v1" }, follow: true }],
      },
      {
        name: "routes[1]",
        match: { methods: ["kinds.Kinds/echoString"], field: { path: "value", present: true } },
        to: [
          { upstream: "token-service", share: 0.75 },
          { upstream: "next", share: 0.25 },
        ],
        headers: { remove: ["x-gone"], set: { authorization: "[hidden]", "x-canary": "1" }, add: {} },
        mirror: { upstream: "next", share: 0.5, maxInFlight: 100 },
      },
    ],
    services: expect.objectContaining({ "kinds.Kinds": { upstream: "token-service" } }),
  });
  expect(await get("GET", "/policies")).toMatchObject({
    "token-service": {
      timeoutMs: 15_000,
      retry: { maxAttempts: 1 },
      policies: [{ only: ["kinds.Kinds/echoString"], timeoutMs: 100, retry: { maxAttempts: 2 } }],
    },
    next: { policies: [], retry: { maxAttempts: 3 } },
  });
  const explained = await get("GET", "/explain?call=kinds.Kinds/echoString&header=x-tenant=beta-1&caller=web");
  expect(explained).toMatchObject({ ways: [{ by: "routes[1]", policies: { timeoutMs: 100 } }, {}, {}] });
  await get("GET", "/explain", 400);
  await get("GET", "/explain?call=kinds.Kinds/none", 404);
  await get("GET", "/degrade");
  expect(await get("POST", "/degrade?rule=token-service/sale&mode=on")).toEqual([
    { rule: "token-service/sale", mode: "on", config: "off" },
  ]);
  await get("POST", "/degrade?rule=token-service/sale&mode=sideways", 400);
  await get("POST", "/degrade?rule=none&mode=on", 404);
  await get("GET", "/loglevel");
  await get("PUT", "/loglevel", 200, '{"level":"error"}');
  await get("PUT", "/loglevel", 400, '{"level":"loud"}');
  await get("POST", "/drain", 202);

  expect(asked).toEqual(new Set(describedPages().map(([method, path]) => `${method} ${path}`)));
  expect(JSON.stringify(answered)).not.toMatch(/.-secret|p@ss|user:/);
});
