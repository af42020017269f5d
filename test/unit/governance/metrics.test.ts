import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { metrics, metricsOptions } from "../../../src/governance/metrics.ts";
import { watchCalls } from "../../../src/governance/watch.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { fieldOf, methodOf } from "../../model.ts";
import { callOf, exceptionOf, rejection, resultOf } from "./calls.ts";

function setUp() {
  const registry = new Registry();
  const clock = createFakeClock();
  return { registry, clock, layer: watchCalls([metrics(metricsOptions.parse({}), registry)], clock) };
}

test("calls are counted by service, method and code", async () => {
  const { registry, layer } = setUp();
  const field = fieldOf(1, "gone", { kind: "scalar", name: "string" });
  await layer(() => Promise.resolve(resultOf()))(callOf());
  await layer(() => Promise.resolve(resultOf()))(callOf());
  await layer(() => Promise.resolve(exceptionOf(field, Uint8Array.of(0))))(callOf());
  await rejection(layer(() => Promise.reject(new RpcError("UNAVAILABLE", "")))(callOf()));
  const text = await registry.metrics();
  expect(text).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="OK"} 2');
  expect(text).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="EXCEPTION"} 1');
  expect(text).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="UNAVAILABLE"} 1');
});

test("an exception that stands in the response itself is counted as one", async () => {
  const { registry, layer } = setUp();
  const exception = fieldOf(1, "gone", { kind: "scalar", name: "string" });
  await layer(() => Promise.resolve({ ...resultOf(), kind: "result", exception }))(callOf());
  const text = await registry.metrics();
  expect(text).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="EXCEPTION"} 1');
  expect(text).not.toContain('code="OK"');
});

test("durations are seconds, of failures too", async () => {
  const { registry, clock, layer } = setUp();
  await rejection(
    layer(() => {
      clock.advance(30);
      return Promise.reject(new RpcError("INTERNAL", ""));
    })(callOf()),
  );
  const text = await registry.metrics();
  expect(text).toContain('causeway_call_duration_seconds_bucket{le="0.025",service="shop.Inventory",method="get"} 0');
  expect(text).toContain('causeway_call_duration_seconds_bucket{le="0.05",service="shop.Inventory",method="get"} 1');
  expect(text).toContain('causeway_call_duration_seconds_sum{service="shop.Inventory",method="get"} 0.03');
});

test("opaque methods share one label, however many names peers invent", async () => {
  const { registry, layer } = setUp();
  const handle = layer(() => Promise.resolve(resultOf()));
  for (let i = 0; i < 50; i++) {
    await handle(callOf({ method: methodOf("protobuf", `s${i}`, "m", { request: undefined, response: undefined }) }));
  }
  const text = await registry.metrics();
  expect(text).toContain('causeway_calls_total{service="opaque",method="opaque",code="OK"} 50');
  expect(text).not.toContain("s49");
});

test("buckets that do not ascend are refused", () => {
  expect(metricsOptions.safeParse({ bucketsMs: [5, 5] }).success).toBe(false);
});

test("a registry that is asked twice says what was counted in all, as a histogram and a counter", async () => {
  const { registry, clock, layer } = setUp();
  const handle = layer(() => {
    clock.advance(20_000);
    return Promise.resolve(resultOf());
  });
  await handle(callOf());
  await registry.metrics();
  await handle(callOf());
  const text = await registry.metrics();
  expect(text).toContain("# TYPE causeway_call_duration_seconds histogram");
  expect(text).toContain('causeway_calls_total{service="shop.Inventory",method="get",code="OK"} 2');
  expect(text).toContain('causeway_call_duration_seconds_bucket{le="10",service="shop.Inventory",method="get"} 0');
  expect(text).toContain('causeway_call_duration_seconds_bucket{le="+Inf",service="shop.Inventory",method="get"} 2');
  expect(text).toContain('causeway_call_duration_seconds_count{service="shop.Inventory",method="get"} 2');
  expect(text).toContain('causeway_call_duration_seconds_sum{service="shop.Inventory",method="get"} 40');
});

test("a call is in flight until it ends, and what its translation lost is counted by kind", async () => {
  const { registry, layer } = setUp();
  const answer = Promise.withResolvers<ReturnType<typeof resultOf>>();
  const call = callOf();
  const done = layer(() => answer.promise)(call);
  const labels = 'service="shop.Inventory",method="get"';
  expect(await registry.metrics()).toContain(`causeway_calls_in_flight{${labels}} 1`);
  call.facts.losses = { unknownFields: 3, duplicates: 1 };
  answer.resolve(resultOf());
  await done;
  const text = await registry.metrics();
  expect(text).toContain(`causeway_calls_in_flight{${labels}} 0`);
  expect(text).toContain(`causeway_translation_losses_total{${labels},kind="unknown_fields"} 3`);
  expect(text).toContain(`causeway_translation_losses_total{${labels},kind="duplicates"} 1`);
});
