import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { type AccessLogOptions, accessLog, accessLogOptions } from "../../../src/governance/access-log.ts";
import { watchCalls } from "../../../src/governance/watch.ts";
import type { Handler } from "../../../src/rpc/call.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { fieldOf } from "../../model.ts";
import { callOf, exceptionOf, rejection, resultOf } from "./calls.ts";

function setUp(options: AccessLogOptions, random = 0.5) {
  const records: { level: string; facts: object; message: string }[] = [];
  const write = (level: string) => (facts: object, message: string) => void records.push({ level, facts, message });
  const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const clock = createFakeClock();
  const layer = watchCalls([accessLog(() => options, { log, random: () => random }).calls], clock);
  return { records, clock, layer };
}

test("a good call that is sampled leaves one record with all facts", async () => {
  const { records, clock, layer } = setUp({ sample: 1, slowMs: 1_000 });
  const handle = layer((call) => {
    call.facts.upstream = "inventory";
    call.facts.endpoint = "127.0.0.1:9090";
    call.facts.attempts = 1;
    call.facts.losses = { unknownFields: 2, duplicates: 0 };
    clock.advance(12.34567);
    return Promise.resolve(resultOf(new Uint8Array(7)));
  });
  await handle(callOf());
  expect(records).toEqual([
    {
      level: "info",
      message: "call",
      facts: {
        service: "shop.Inventory",
        method: "get",
        inbound: "thrift-framed",
        peer: "127.0.0.1:5000",
        upstream: "inventory",
        endpoint: "127.0.0.1:9090",
        code: "OK",
        durationMs: 12.346,
        requestBytes: 3,
        replyBytes: 7,
        attempts: 1,
        losses: { unknownFields: 2, duplicates: 0 },
        droppedMetadata: 0,
      },
    },
  ]);
});

test("a good and quick call outside the sample is not logged", async () => {
  const { records, layer } = setUp({ sample: 0.5, slowMs: 1_000 }, 0.5);
  await layer(() => Promise.resolve(resultOf()))(callOf());
  expect(records).toEqual([]);
});

test("a slow call is always logged", async () => {
  const { records, clock, layer } = setUp({ sample: 0, slowMs: 1_000 });
  await layer(() => {
    clock.advance(1_000);
    return Promise.resolve(resultOf());
  })(callOf());
  expect(records).toMatchObject([{ level: "warn", message: "slow call", facts: { durationMs: 1_000, code: "OK" } }]);
});

test("a failed call is always logged with its code and message, and the caller gets the same error", async () => {
  const { records, layer } = setUp({ sample: 0, slowMs: 1_000 });
  const error = new RpcError("UNAVAILABLE", "no endpoints");
  const failing: Handler = () => Promise.reject(error);
  expect(await rejection(layer(failing)(callOf()))).toBe(error);
  expect(records).toMatchObject([
    { level: "warn", message: "call failed", facts: { code: "UNAVAILABLE", error: "no endpoints", origin: "here" } },
  ]);
});

test("a thrown value that is no RpcError becomes INTERNAL and its stack is logged", async () => {
  const { records, layer } = setUp({ sample: 0, slowMs: 1_000 });
  const error = await rejection(layer(() => Promise.reject(new TypeError("oops")))(callOf()));
  expect(error).toMatchObject({ name: "RpcError", code: "INTERNAL" });
  expect(records[0]?.facts).toMatchObject({ code: "INTERNAL", cause: expect.stringContaining("TypeError: oops") });
});

test.each([
  ["a caller that went away", new RpcError("CANCELLED", "the caller went away", { cause: new Error("gone") })],
  ["a connection that broke", new RpcError("UNAVAILABLE", "the peer closed it", { cause: new Error("ECONNRESET") })],
  ["what the peer calls INTERNAL", new RpcError("INTERNAL", "no", { origin: "peer", cause: new Error("status 13") })],
  ["a message that was refused", new RpcError("INTERNAL", "bad", { cause: new RpcError("INTERNAL", "bad") })],
])("of %s the log has the message and no stack", async (_what, error) => {
  const { records, layer } = setUp({ sample: 0, slowMs: 1_000 });
  await rejection(layer(() => Promise.reject(error))(callOf()));
  expect(records[0]?.facts).toMatchObject({ error: error.message });
  expect(records[0]?.facts).not.toHaveProperty("cause");
});

test("the stack of a fault is logged however often it was wrapped", async () => {
  const { records, layer } = setUp({ sample: 0, slowMs: 1_000 });
  const inner = new RpcError("INTERNAL", "oops", { cause: new TypeError("oops") });
  await rejection(layer(() => Promise.reject(new RpcError("INTERNAL", "oops", { cause: inner })))(callOf()));
  expect(records[0]?.facts).toMatchObject({ cause: expect.stringContaining("TypeError: oops") });
});

test("a declared exception is sampled as an answer and named", async () => {
  const reply = exceptionOf(fieldOf(1, "outOfStock", { kind: "scalar", name: "string" }), Uint8Array.of(1));
  const { records, layer } = setUp({ sample: 1, slowMs: 1_000 });
  await layer(() => Promise.resolve(reply))(callOf());
  expect(records).toMatchObject([{ level: "info", facts: { exception: "outOfStock" } }]);
});

test.each([
  ["all", { sample: 1, slowMs: 1_000 }],
  [{}, { sample: 0.01, slowMs: 1_000 }],
  [
    { sample: 0.5, slowMs: 20 },
    { sample: 0.5, slowMs: 20 },
  ],
])("the option %j means %j", (written, meant) => {
  expect(accessLogOptions.parse(written)).toEqual(meant);
});

test.each([[{ sample: 2 }], [{ slowMs: 0 }], ["some"], [{ extra: 1 }]])("the option %j is refused", (written) => {
  expect(accessLogOptions.safeParse(written).success).toBe(false);
});

test("an exception that stands in the response itself is named as one", async () => {
  const { records, layer } = setUp({ sample: 1, slowMs: 1_000 });
  const exception = fieldOf(1, "gone", { kind: "scalar", name: "string" });
  await layer(() => Promise.resolve({ ...resultOf(), kind: "result", exception }))(callOf());
  expect(records).toMatchObject([{ facts: { code: "OK", exception: "gone" } }]);
});
