import { expect, test } from "vitest";
import { createKeepalive } from "../../../../src/protocol/http2/keepalive.ts";
import { createFakeClock } from "../../../fake-clock.ts";

function setUp(keepaliveTimeMs: number | undefined = 1_000) {
  const clock = createFakeClock();
  const events: string[] = [];
  const state = { needed: true };
  const keepalive = createKeepalive({ keepaliveTimeMs, keepaliveTimeoutMs: 200 }, clock, {
    isNeeded: () => state.needed,
    ping: () => void events.push("ping"),
    dead: () => void events.push("dead"),
  });
  return { clock, events, state, keepalive };
}

test("a silent peer is asked after the time, and dead without an answer after the timeout, once", () => {
  const { clock, events } = setUp();
  clock.advance(999);
  expect(events).toEqual([]);
  clock.advance(1);
  expect(events).toEqual(["ping"]);
  clock.advance(199);
  expect(events).toEqual(["ping"]);
  clock.advance(1);
  expect(events).toEqual(["ping", "dead"]);
  clock.advance(100_000);
  expect(events).toEqual(["ping", "dead"]);
  expect(clock.pending).toBe(0);
});

test("any word of the peer is an answer, and the time counts from it", () => {
  const { clock, events, keepalive } = setUp();
  clock.advance(1_100);
  keepalive.heard();
  clock.advance(999);
  expect(events).toEqual(["ping"]);
  clock.advance(1);
  expect(events).toEqual(["ping", "ping"]);
});

test("a peer that talks is not asked", () => {
  const { clock, events, keepalive } = setUp();
  for (let i = 0; i < 20; i++) {
    clock.advance(900);
    keepalive.heard();
  }
  expect(events).toEqual([]);
});

test("a peer that does not matter is not asked until it does", () => {
  const { clock, events, state } = setUp();
  state.needed = false;
  clock.advance(10_500);
  expect(events).toEqual([]);
  state.needed = true;
  clock.advance(500);
  expect(events).toEqual(["ping"]);
});

test("a word in the very moment of the question is an answer", () => {
  const { clock, events, keepalive } = setUp();
  clock.advance(1_000);
  keepalive.heard();
  clock.advance(200);
  expect(events).toEqual(["ping"]);
});

test("stopped, and without a time, it keeps no timer", () => {
  const { clock, events, keepalive } = setUp();
  keepalive.stop();
  expect(clock.pending).toBe(0);
  clock.advance(1_100);
  expect(events).toEqual([]);
  const never = createFakeClock();
  createKeepalive({ keepaliveTimeoutMs: 1 }, never, { isNeeded: () => true, ping: () => {}, dead: () => {} });
  expect(never.pending).toBe(0);
});
