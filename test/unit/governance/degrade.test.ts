import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { degrade, degradeOption } from "../../../src/governance/degrade.ts";
import { createDegradeSwitches } from "../../../src/governance/degrade-switches.ts";
import { failuresOptions } from "../../../src/governance/failure.ts";
import type { Call, Handler } from "../../../src/rpc/call.ts";
import type { MethodLink } from "../../../src/schema/link.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { methodOf } from "../../model.ts";
import { callOf, factsOf, getMethod, rejection, resultOf } from "./calls.ts";

const twin = methodOf("protobuf", "shop.v1.Stock", "Get");
const body = { kind: "whole" } as unknown as MethodLink["response"];
const link: MethodLink = { thrift: getMethod, protobuf: twin, request: body, response: body, exceptions: new Map() };

function setUp(rules: unknown, upstream: Handler = () => Promise.resolve(resultOf())) {
  const clock = createFakeClock();
  const switches = createDegradeSwitches();
  const state = { down: false, calls: 0, handle: upstream };
  const others: Call[] = [];
  const other: Handler = (call) => {
    others.push(call);
    return Promise.resolve(resultOf(Uint8Array.of(7)));
  };
  const layer = degrade("shop", degradeOption.parse(rules), failuresOptions.parse({}), {
    clock,
    switches,
    links: new Map([getMethod, twin].map((method) => [method, link])),
    compile: (_, from, to) => (bytes) => Buffer.from(`${from} to ${to}: ${Buffer.from(bytes)}`),
    upstreamOf: (name) =>
      name === "spare" ? { handle: other, handleStream: () => Promise.reject(new Error("none")) } : undefined,
    isDown: () => state.down,
  });
  const handle = layer!.calls((call) => {
    state.calls++;
    return state.handle(call);
  });
  return { clock, switches, state, others, handle };
}

const failing: Handler = () => Promise.reject(new RpcError("UNAVAILABLE", "refused", { origin: "peer", sent: true }));
const text = async (reply: Promise<{ payload: { bytes: Uint8Array } }>) =>
  Buffer.from((await reply).payload.bytes).toString();

test("while the upstream can be called, it is", async () => {
  const { handle, state } = setUp([{ name: "spare", answer: { upstream: "spare" } }]);
  await handle(callOf());
  expect(state.calls).toBe(1);
});

test("a reply of the config is encoded for its caller, once the upstream is down, and the facts say so", async () => {
  const { handle, state } = setUp([{ name: "empty", answer: { reply: { title: "?" } } }]);
  state.down = true;
  const call = callOf();
  expect(await text(handle(call))).toBe('json to thrift-binary: {"title":"?"}');
  expect(call.facts.degraded).toBe("shop/empty");
  expect(await text(handle(callOf({ payload: { type: undefined, codec: "json", bytes: new Uint8Array() } })))).toBe(
    '{"title":"?"}',
  );
  expect(state.calls).toBe(0);
});

test("a call that finds the upstream down by failing is answered, too", async () => {
  const { handle, state } = setUp([{ name: "spare", answer: { upstream: "spare" } }], (call) => {
    state.down = true;
    return failing(call);
  });
  expect((await handle(callOf())).payload.bytes).toEqual(Uint8Array.of(7));
  expect(state.calls).toBe(1);
});

test("the last good answer to the same request is given, as long as it is not too old", async () => {
  const { handle, state, clock } = setUp([{ name: "old", answer: { lastGood: { maxAgeMs: 1_000 } } }]);
  const payload = { type: undefined, codec: "thrift-binary", bytes: Uint8Array.of(5) } as const;
  await handle(callOf());
  state.down = true;
  state.handle = failing;
  expect((await handle(callOf())).payload.bytes).toEqual(Uint8Array.of(9));
  expect(await rejection(handle(callOf({ payload })))).toMatchObject({ message: "refused" });
  clock.advance(1_001);
  expect(await rejection(handle(callOf()))).toMatchObject({ message: "refused" });
});

test("an answer that was for somebody else is not given", async () => {
  const { handle, state } = setUp([{ name: "old", answer: { lastGood: {} } }]);
  const as = (token: string) => callOf({ headers: Metadata.from([["authorization", token]]) });
  await handle(as("alice"));
  state.down = true;
  state.handle = failing;
  expect(await handle(as("alice"))).toMatchObject({ kind: "result" });
  expect(await rejection(handle(as("bob")))).toMatchObject({ message: "refused" });
  expect(await rejection(handle(callOf({ facts: { ...factsOf(), caller: "carol" } })))).toMatchObject({
    message: "refused",
  });
});

test("answers that were remembered are bounded by count", async () => {
  const { handle, state } = setUp([{ name: "old", answer: { lastGood: { maxEntries: 2 } } }]);
  const call = (byte: number) =>
    callOf({ payload: { type: undefined, codec: "thrift-binary", bytes: Uint8Array.of(byte) } });
  for (const byte of [1, 2, 3]) await handle(call(byte));
  state.down = true;
  state.handle = failing;
  expect(await rejection(handle(call(1)))).toMatchObject({ message: "refused" });
  expect(await handle(call(3))).toMatchObject({ kind: "result" });
});

test("too few successes degrade a method for the window, then it is tried anew", async () => {
  const rules = [
    { name: "spare", when: { successRateBelow: 0.5, windowMs: 1_000, minCalls: 4 }, answer: { upstream: "spare" } },
  ];
  const { handle, state, clock } = setUp(rules, failing);
  for (let i = 0; i < 3; i++) await rejection(handle(callOf()));
  // The one that is too much is answered already.
  await handle(callOf());
  for (let i = 0; i < 5; i++) await handle(callOf());
  expect(state.calls).toBe(4);
  clock.advance(1_000);
  state.handle = () => Promise.resolve(resultOf());
  for (let i = 0; i < 5; i++) await handle(callOf());
  expect(state.calls).toBe(9);
});

test("the first rule that is in force and has an answer gives it", async () => {
  const { handle, state } = setUp([
    { name: "other", only: ["shop.Orders"], answer: { error: {} } },
    { name: "old", answer: { lastGood: {} } },
    { name: "spare", answer: { upstream: "spare" } },
  ]);
  state.down = true;
  const call = callOf();
  await handle(call);
  expect(call.facts).toMatchObject({ degraded: "shop/spare", upstream: "spare" });
});

test("what one upstream hands on is not handed on again", async () => {
  const { handle, state } = setUp([{ name: "spare", answer: { upstream: "spare" } }]);
  state.down = true;
  await handle(callOf({ facts: { ...factsOf(), degraded: "other/rule" } }));
  expect(state.calls).toBe(1);
});

test("a method is switched off by the config, or by hand and on again", async () => {
  const { handle, switches } = setUp([{ name: "off", mode: "on", answer: { error: { message: "back at noon" } } }]);
  expect(await rejection(handle(callOf()))).toMatchObject({ code: "UNAVAILABLE", message: "back at noon" });
  switches.turn("shop/off", "off");
  await handle(callOf());
  switches.turn("shop/off", undefined);
  expect(await rejection(handle(callOf()))).toMatchObject({ message: "back at noon" });
});

test("what is switched on and has no answer says so, and calls nobody", async () => {
  const { handle, state, switches } = setUp([{ name: "old", answer: { lastGood: {} } }]);
  switches.turn("shop/old", "on");
  expect(await rejection(handle(callOf()))).toMatchObject({
    code: "UNAVAILABLE",
    message: "shop.Inventory/get is switched off (degrade shop/old), and there is no other answer",
  });
  expect(state.calls).toBe(0);
});
