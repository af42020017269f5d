import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { newUpstreamCounts } from "../../../src/governance/upstream-counts.ts";
import { registerUpstreamMetrics } from "../../../src/governance/upstream-metrics.ts";
import type { EndpointView, UpstreamView } from "../../../src/governance/upstream-view.ts";

const endpoint: EndpointView = { name: "a", health: "healthy", inFlight: 2, weight: 1, labels: {} };

test("every upstream's counts and state are shown, and vanish with it", async () => {
  const registry = new Registry();
  const counts = newUpstreamCounts();
  const endpoints: EndpointView[] = [
    { ...endpoint, connections: { open: 3, connecting: 1, waiting: 4 } },
    { ...endpoint, name: "b", health: "ejected", inFlight: 1 },
    { ...endpoint, name: "c", health: "unhealthy", inFlight: 0 },
  ];
  const view: UpstreamView = { kind: "stale", endpoints };
  const upstreams = new Map([["shop", { counts, view: () => view }]]);
  registerUpstreamMetrics(registry, () => upstreams);
  counts.attempts.success = 5;
  counts.retries = 2;
  counts.healthChecks.failure = 9;
  counts.concurrencyRefused = 7;
  await registry.metrics();
  const text = await registry.metrics();
  for (const line of [
    'causeway_attempts_total{upstream="shop",outcome="success"} 5',
    'causeway_retries_total{upstream="shop"} 2',
    'causeway_refused_total{upstream="shop",limit="concurrency"} 7',
    'causeway_refused_total{upstream="shop",limit="rate"} 0',
    'causeway_endpoints{upstream="shop",health="healthy"} 1',
    'causeway_endpoints{upstream="shop",health="ejected"} 1',
    'causeway_endpoints{upstream="shop",health="open"} 0',
    'causeway_endpoints{upstream="shop",health="unhealthy"} 1',
    'causeway_health_checks_total{upstream="shop",outcome="failure"} 9',
    'causeway_discovery_state{upstream="shop",state="stale"} 1',
    'causeway_discovery_state{upstream="shop",state="known"} 0',
    'causeway_attempts_in_flight{upstream="shop"} 3',
    'causeway_connections{upstream="shop",state="open"} 3',
    'causeway_connection_waiters{upstream="shop"} 4',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  upstreams.clear();
  expect(await registry.metrics()).not.toContain("shop");
});
