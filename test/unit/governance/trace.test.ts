import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { type FinishedSpan, trace, tracingOptions } from "../../../src/governance/trace.ts";
import { readTraceContext } from "../../../src/governance/trace-context.ts";
import type { Call } from "../../../src/rpc/call.ts";
import { stack } from "../../../src/rpc/stack.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { callOf, rejection, resultOf } from "./calls.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const OTLP = { url: "http://127.0.0.1:4318/v1/traces" };

function headersOf(pairs: Record<string, string>): Metadata {
  return Metadata.from(Object.entries(pairs));
}

/** A call with these headers through a traced sidecar; `calls` are those that its endpoint sees. */
async function run(headers: Record<string, string>, written: object = {}, outcome: "good" | "bad" = "good") {
  const clock = createFakeClock();
  const spans: FinishedSpan[] = [];
  const options = tracingOptions.parse({ sample: 0.5, ...written });
  const record = options.otlp && ((span: FinishedSpan) => void spans.push(span));
  const layers = trace(options, { clock, random: () => 0.25, record });
  const calls: Call[] = [];
  const handle = stack([layers.calls, ...(layers.attempts ? [layers.attempts.calls] : [])], (call: Call) => {
    calls.push(call);
    clock.advance(5);
    return outcome === "good" ? Promise.resolve(resultOf()) : Promise.reject(new RpcError("INTERNAL", "oops"));
  });
  const call = callOf({ headers: headersOf(headers) });
  const done = handle(call);
  if (outcome === "good") await done;
  else await rejection(done);
  return { call, spans, seen: calls[0]!.headers };
}

const traceparent = `00-${TRACE}-${SPAN}-01`;

test.each([
  ["traceparent", { traceparent }, { sampled: true, format: "w3c" }],
  ["traceparent of a later version", { traceparent: `01-${TRACE}-${SPAN}-00-more` }, { sampled: false, format: "w3c" }],
  ["b3", { b3: `${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90` }, { sampled: true, format: "b3" }],
  ["b3 that debugs", { b3: `${TRACE}-${SPAN}-d` }, { sampled: true, format: "b3" }],
  [
    "b3's many keys",
    { "x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1" },
    { sampled: true, format: "b3-multi" },
  ],
])("a context is read from %s", (_, headers, expected) => {
  expect(readTraceContext(headersOf(headers))).toEqual({ traceId: TRACE, spanId: SPAN, ...expected });
});

test("a trace id of 64 bits is the lower half of one of 128", () => {
  expect(readTraceContext(headersOf({ b3: `${SPAN}-${SPAN}-1` }))?.traceId).toBe(`0000000000000000${SPAN}`);
});

test.each([
  { traceparent: `ff-${TRACE}-${SPAN}-01` },
  { traceparent: `00-${"0".repeat(32)}-${SPAN}-01` },
  { traceparent: `00-${TRACE}-${"0".repeat(16)}-01` },
  { traceparent: "" },
  { b3: "0" },
  { "x-b3-traceid": TRACE },
])("%j is no context", (headers) => {
  expect(readTraceContext(headersOf(headers))).toBeUndefined();
});

test("a recorded call has a span under its caller's, and its attempt one under that, whose id the server is told", async () => {
  const { spans, seen, call } = await run({ traceparent, tracestate: "a=1", other: "x" }, { otlp: OTLP });
  const [attempt, server] = spans;
  expect(server).toMatchObject({ kind: "server", traceId: TRACE, parentSpanId: SPAN, durationMs: 5, error: undefined });
  expect(attempt).toMatchObject({ kind: "client", traceId: TRACE, parentSpanId: server!.spanId });
  expect(new Set([SPAN, server!.spanId, attempt!.spanId]).size).toBe(3);
  expect([...seen].toSorted()).toEqual([
    ["other", "x"],
    ["traceparent", `00-${TRACE}-${attempt!.spanId}-01`],
    ["tracestate", "a=1"],
  ]);
  expect(call.facts.trace?.traceId).toBe(TRACE);
});

test("what came as B3 goes on as B3, beside what the config writes", async () => {
  const { spans, seen } = await run({ b3: `${TRACE}-${SPAN}-1` }, { otlp: OTLP, write: ["b3-multi"] });
  const [{ spanId }] = spans as [FinishedSpan];
  expect([...seen]).toEqual([
    ["b3", `${TRACE}-${spanId}-1`],
    ["x-b3-traceid", TRACE],
    ["x-b3-spanid", spanId],
    ["x-b3-sampled", "1"],
  ]);
});

test("a failed call's spans say why", async () => {
  const { spans } = await run({ traceparent }, { otlp: OTLP }, "bad");
  expect(spans).toHaveLength(2);
  for (const span of spans) expect(span).toMatchObject({ error: "oops", attributes: { "error.type": "INTERNAL" } });
});

test("a call whose caller does not record goes on untouched", async () => {
  const { spans, seen } = await run({ traceparent: `00-${TRACE}-${SPAN}-00` }, { otlp: OTLP });
  expect(spans).toEqual([]);
  expect([...seen]).toEqual([["traceparent", `00-${TRACE}-${SPAN}-00`]]);
});

test("without a collector a trace goes on as it came, and one is begun for the share that sample says", async () => {
  expect([...(await run({ traceparent })).seen]).toEqual([["traceparent", traceparent]]);
  const begun = await run({});
  expect(begun.seen.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(begun.call.facts.trace?.traceId).toBe(readTraceContext(begun.seen)?.traceId);
  expect([...(await run({}, { sample: 0.1 })).seen]).toEqual([]);
});
