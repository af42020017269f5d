import { expect, test } from "vitest";
import { createGrpcLifetime, grpcLifetimeOptions, pingRate } from "../../../src/inbound/grpc-lifetime.ts";
import { Budget } from "../../../src/protocol/http2/budget.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp(options: object, { random = 0.5, acknowledged = true } = {}) {
  const clock = createFakeClock(0);
  const events: string[] = [];
  const log = (text: string) => void events.push(`${clock.nowMs()} ${text}`);
  const http2 = {
    isAcknowledged: acknowledged,
    ping: () => {
      log("ping");
      return 1;
    },
    goAway: (code: number) => log(`goAway ${code}`),
    shutDown: () => log("shutDown"),
  };
  const lifetime = createGrpcLifetime(grpcLifetimeOptions.parse(options), {
    http2,
    clock,
    random: () => random,
    owner: { isRead: true, dead: (reason) => log(`dead: ${reason}`), outlived: () => log("cut") },
  });
  return { clock, events, lifetime };
}

test("a caller that says nothing for two hours is asked, and cut 20 seconds later", () => {
  const { clock, events } = setUp({});
  clock.advance(3 * 3_600_000);
  expect(events).toEqual([
    "7200000 ping",
    "7220000 dead: the caller did not answer a PING within 20000 ms (keepaliveTimeoutMs)",
  ]);
});

test.each([
  [0, 9_000],
  [0.5, 10_000],
  [0.999_999_999, 11_000],
])("the age is reached a tenth sooner or later: with %f after %i ms", (random, expected) => {
  const { clock, events } = setUp({ maxConnectionAgeMs: 10_000, maxConnectionAgeGraceMs: 500 }, { random });
  clock.advance(20_000);
  expect(events.map((line) => line.split(" ")[1])).toEqual(["shutDown", "cut"]);
  expect(Math.round(Number(events[0]?.split(" ")[0]))).toBe(expected);
  expect(Math.round(Number(events[1]?.split(" ")[0]))).toBe(expected + 500);
});

test("without a grace the calls of an old connection are never cut", () => {
  const { clock, events } = setUp({ maxConnectionAgeMs: 10_000 });
  clock.advance(3_600_000);
  expect(events).toEqual(["10000 shutDown"]);
});

test("SETTINGS that are not acknowledged within ten seconds end the connection with SETTINGS_TIMEOUT", () => {
  const { clock, events } = setUp({}, { acknowledged: false });
  clock.advance(9_999);
  expect(events).toEqual([]);
  clock.advance(1);
  expect(events).toEqual(["10000 goAway 4", "10000 dead: the caller did not acknowledge SETTINGS within 10000 ms"]);
});

test("a closed connection leaves no timer", () => {
  const { clock, lifetime } = setUp({ maxConnectionAgeMs: 10_000, maxConnectionAgeGraceMs: 1 });
  lifetime.stop();
  expect(clock.pending).toBe(0);
});

test("PINGs at the permitted pace are taken for ever; of faster ones the third too many is too_many_pings", () => {
  let nowMs = 0;
  const make = () => new Budget(pingRate({ permitKeepaliveTimeMs: 10_000 }), () => nowMs, "too_many_pings");
  const steady = make();
  for (let i = 0; i < 100; i++) {
    steady.spend();
    nowMs += 10_000;
  }
  const hasty = make();
  for (let i = 0; i < 3; i++) hasty.spend();
  nowMs += 9_999;
  expect(() => hasty.spend()).toThrow("too_many_pings");
});
