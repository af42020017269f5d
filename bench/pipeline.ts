// What a call costs on its way down the layers, each alone and all defaults together, over a handler that answers at
// once: no translation, and sockets only beside them, to compare.
import { Registry } from "prom-client";
import { z } from "zod";
import { systemClock } from "../src/base/clock.ts";
import { Metadata } from "../src/base/metadata.ts";
import { createStaticResolver } from "../src/discovery/static.ts";
import { accessLog } from "../src/governance/access-log.ts";
import { attemptTimeout } from "../src/governance/attempt-timeout.ts";
import { breakerOptions } from "../src/governance/breaker.ts";
import { concurrencyLimit, concurrencyOptions } from "../src/governance/concurrency.ts";
import { deadline } from "../src/governance/deadline.ts";
import { createEndpointStates } from "../src/governance/endpoint-state.ts";
import { metrics, metricsOptions } from "../src/governance/metrics.ts";
import { createUpstreamStack, sidecarStack, trafficStack } from "../src/governance/pipeline.ts";
import { rateLimit, rateLimitOptions } from "../src/governance/rate-limit.ts";
import { retry, retryOptions } from "../src/governance/retry.ts";
import { route, routeStream } from "../src/governance/route.ts";
import { trafficPolicies } from "../src/governance/traffic-policies.ts";
import { newUpstreamCounts } from "../src/governance/upstream-counts.ts";
import { upstreamPolicies } from "../src/governance/upstream-policies.ts";
import { watchCalls } from "../src/governance/watch.ts";
import { type Call, type Handler, newFacts, type Reply } from "../src/rpc/call.ts";
import type { Method } from "../src/schema/model.ts";
import { openHopSockets } from "./hop-sockets.ts";

const ROUND_MS = 100;
const counts = newUpstreamCounts();
const clock = systemClock;
const random = Math.random;
const ignore = () => {};
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

const method: Method = {
  wire: "protobuf",
  service: "shop.Inventory",
  name: "Get",
  request: undefined,
  response: undefined,
  throws: [],
  oneway: false,
  streaming: "none",
  idempotent: false,
  doc: undefined,
  annotations: [],
  rules: {},
  position: { file: "", line: 1, column: 1 },
};
const payload = { type: undefined, codec: "protobuf", bytes: new Uint8Array(200) } as const;
const reply: Reply = { kind: "result", payload, headers: Metadata.EMPTY, trailers: Metadata.EMPTY };
const answer: Handler = () => Promise.resolve(reply);
const signal = new AbortController().signal;

/** Many calls share each turn of the event loop: the least that a hop's sockets cost. */
const BUSY_HOP = "one hop's sockets, 64 calls at once";
const HOPS = [
  ["one hop's sockets, one call at a time", 1],
  [BUSY_HOP, 64],
] as const;

interface Result {
  readonly case: string;
  readonly callsPerSecond: number;
  /** Of one call, above the handler that answers at once. */
  readonly addedNs: number;
  /** To the whole pipeline with its defaults, in the same run. */
  readonly shareOfDefaults: number;
  /** To the sockets of one hop with many calls at once, in the same run. */
  readonly shareOfSockets: number;
}

function upstreamOf(policies: object): Handler {
  const ports = [1, 2, 3];
  const { handle } = createUpstreamStack("shop", z.object(upstreamPolicies).parse(policies), {
    clock,
    random,
    codec: "protobuf",
    wire: "grpc",
    isGrpc: true,
    hasStreams: true,
    maxMessageBytes: 16_384_000,
    links: new Map(),
    compile: () => (bytes) => bytes,
    zone: undefined,
    states: createEndpointStates(),
    connect: () => ({ handle: answer, close: async () => {} }),
    resolver: createStaticResolver(
      new Map([["shop", ports.map((port) => ({ address: { kind: "tcp", host: "127.0.0.1", port }, weight: 1 }))]]),
    ),
  });
  return handle;
}

/** All traffic's policies alone. */
function trafficOf(policies: object): Handler {
  const shop = { upstream: "shop", handle: answer };
  return trafficStack(z.object(trafficPolicies).parse(policies), {
    pairs: new Map(),
    side: "caller",
    services: new Map([["shop.Inventory", shop]]),
    upstreams: new Map([["shop", shop]]),
    clock,
    random,
    maxMessageBytes: 16_384_000,
    compileMessage: () => (bytes) => bytes,
  }).handle;
}

/** The way to one of many services, each with an upstream of its own. */
function routeAmong(count: number): Handler {
  const names = ["shop.Inventory", ...Array.from({ length: count - 1 }, (_, i) => `shop.Other${i}`)];
  const services = new Map(names.map((name) => [name, { upstream: name, handle: answer }]));
  return route(services, "caller");
}

function defaults(): Handler {
  const accessLog = () => ({ sample: 0.01, slowMs: 1_000 });
  const options = { accessLog, metrics: metricsOptions.parse({}) };
  const inventory = { upstream: "shop", handle: upstreamOf({}) };
  const routes = new Map([["shop.Inventory", inventory]]);
  const last = { handle: route(routes, "caller"), handleStream: routeStream(routes, "caller") };
  return sidecarStack(options, { log, clock, random, registry: new Registry() })(last).handle;
}

const CASES: Readonly<Record<string, Handler>> = {
  nothing: answer,
  "access log and metrics": watchCalls(
    [
      accessLog(() => ({ sample: 0.01, slowMs: 1_000 }), { log, random }).calls,
      metrics(metricsOptions.parse({}), new Registry()),
    ],
    clock,
  )(answer),
  "rate limit": rateLimit(rateLimitOptions.parse([{ perSecond: 1e9 }]), { clock, counts, pairs: new Map() }).calls(
    answer,
  ),
  "concurrency, adaptive": concurrencyLimit(concurrencyOptions.parse({ policy: "adaptive" }), {
    clock,
    random,
    counts,
  }).calls(answer),
  deadline: deadline({ timeoutMs: 15_000 }, clock)(answer),
  retry: retry(retryOptions.parse({}), { clock, random, counts }).calls(answer),
  "attempt timeout": attemptTimeout(1_000, clock)(answer),
  "upstream, round robin alone": upstreamOf({
    balance: { policy: "round-robin" },
    outlier: { enabled: false },
    retry: { maxAttempts: 1 },
  }),
  "upstream, defaults": upstreamOf({}),
  "upstream, defaults and breaker": upstreamOf({ breaker: breakerOptions.parse({ policy: "consecutive" }) }),
  "upstream, defaults and 1,000 policies per method": upstreamOf({
    policies: Array.from({ length: 1_000 }, (_, i) => ({
      only: [`shop.Other${i}`, "shop.Inventory/Get"],
      timeoutMs: 1_000,
    })),
  }),
  "upstream, defaults and degrade": upstreamOf({ degrade: [{ name: "off", answer: { error: {} } }] }),
  "10,000 routes, none for the method": trafficOf({
    routes: Array.from({ length: 10_000 }, (_, i) => ({ match: { methods: [`shop.Other${i}`] }, to: "shop" })),
  }),
  "one route by header": trafficOf({ routes: [{ match: { headers: { "x-tenant": "a" } }, to: "shop" }] }),
  "route, 10 services": routeAmong(10),
  "route, 10,000 services": routeAmong(10_000),
  authorize: trafficOf({ authorize: { default: "allow", rules: [{ effect: "deny", callers: ["batch"] }] } }),
  "all defaults": defaults(),
};

/** Measures every case in turns and prints them. */
export async function benchPipeline({
  json,
  rounds,
}: {
  readonly json: boolean;
  readonly rounds: number;
}): Promise<void> {
  process.stderr.write(
    `One call after the other through layers over a handler that answers at once. ${rounds} rounds of ${ROUND_MS} ms each, taking turns; medians.\n`,
  );
  const hops = new Map(
    await Promise.all(HOPS.map(async ([name, calls]) => [name, await openHopSockets(calls, payload.bytes)] as const)),
  );
  const rates = new Map([...hops.keys(), ...Object.keys(CASES)].map((name) => [name, [] as number[]]));
  // The first round lets the compiler settle.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, handle] of Object.entries(CASES)) {
      const rate = await ratePerSecond(handle);
      if (round > 0) rates.get(name)?.push(rate);
    }
    for (const [name, sockets] of hops) {
      const rate = await sockets.ratePerSecond(ROUND_MS);
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  for (const sockets of hops.values()) sockets.close();
  const costs = new Map([...rates].map(([name, each]) => [name, 1e9 / median(each)]));
  const added = (name: string) => (costs.get(name) ?? 0) - (costs.get("nothing") ?? 0);
  if (!json) printRow("layer", "calls/s", "added ns", "of defaults", "of sockets");
  for (const [name, cost] of costs) {
    const result: Result = {
      case: name,
      callsPerSecond: Math.round(1e9 / cost),
      addedNs: Math.round(added(name)),
      shareOfDefaults: Math.round((added(name) / added("all defaults")) * 100) / 100,
      shareOfSockets: Math.round((added(name) / (costs.get(BUSY_HOP) ?? 0)) * 100) / 100,
    };
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else printRow(name, result.callsPerSecond, result.addedNs, result.shareOfDefaults, result.shareOfSockets);
  }
}

function printRow(name: string, ...cells: readonly (string | number)[]): void {
  process.stdout.write(`${name.padEnd(32)}${cells.map((cell) => String(cell).padStart(12)).join("")}\n`);
}

async function ratePerSecond(handle: Handler): Promise<number> {
  const start = performance.now();
  let done = 0;
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 200; i++) await handle(newCall());
    done += 200;
    elapsed = performance.now() - start;
  }
  return (done * 1_000) / elapsed;
}

/** A call of its own each time, as listeners make them. */
function newCall(): Call {
  const expiresAtMs = Number.POSITIVE_INFINITY;
  return { method, payload, headers: Metadata.EMPTY, expiresAtMs, signal, facts: newFacts("bench", "bench") };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
