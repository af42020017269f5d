import { expect, test } from "vitest";
import { Canceller } from "../../../src/base/cancel.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import { faultsOption, injectFaults } from "../../../src/governance/inject-faults.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { callOf, rejection, resultOf, settled } from "./calls.ts";

function setUp(options: unknown, random = () => 0) {
  const clock = createFakeClock();
  let passed = 0;
  const { calls } = injectFaults(faultsOption.parse(options), { pairs: new Map(), clock, random });
  const handle = calls(() => {
    passed++;
    return Promise.resolve(resultOf());
  });
  return { clock, handle, passed: () => passed };
}

test("an abort is the error that was asked for, and nothing below hears of the call", async () => {
  const { handle, passed } = setUp([{ name: "test", abort: { code: "UNAVAILABLE" } }]);
  const call = callOf();
  expect(await rejection(handle(call))).toMatchObject({ code: "UNAVAILABLE", message: "a fault on purpose (test)" });
  expect(passed()).toBe(0);
  expect(call.facts.injected).toBe("test");
});

test("a delayed call goes on after its time, and leaves no timer", async () => {
  const { handle, clock, passed } = setUp([{ delayMs: 200 }]);
  const pending = handle(callOf());
  clock.advance(199);
  await settled();
  expect(passed()).toBe(0);
  clock.advance(1);
  await pending;
  expect(passed()).toBe(1);
  expect(clock.pending).toBe(0);
});

test("a delay ends with the call's deadline, or with its caller", async () => {
  const { handle, clock, passed } = setUp([{ delayMs: 200 }]);
  const late = rejection(handle(callOf({ expiresAtMs: clock.nowMs() + 50 })));
  clock.advance(50);
  expect(await late).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const signal = new Canceller();
  const gone = rejection(handle(callOf({ signal })));
  signal.abort("gone");
  expect(await gone).toMatchObject({ code: "CANCELLED" });
  expect(passed()).toBe(0);
  expect(clock.pending).toBe(0);
});

test("only calls that fit get it, and only a share of them", async () => {
  let drawn = 0.3;
  const { handle, passed } = setUp(
    [{ match: { methods: ["shop.Inventory"], headers: { chaos: "on" } }, share: 0.3, abort: { code: "INTERNAL" } }],
    () => drawn,
  );
  const chaos = { headers: Metadata.from([["chaos", "on"]]) };
  await handle(callOf());
  await handle(callOf(chaos));
  expect(passed()).toBe(2);
  drawn = 0.29;
  expect(await rejection(handle(callOf(chaos)))).toMatchObject({ code: "INTERNAL" });
});
