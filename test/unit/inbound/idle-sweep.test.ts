import { expect, test } from "vitest";
import type { Connection } from "../../../src/inbound/connection.ts";
import { createIdleSweep, type SweptSocket } from "../../../src/inbound/idle-sweep.ts";
import { createFakeClock } from "../../fake-clock.ts";

function setUp() {
  const clock = createFakeClock();
  const connections = new Map<SweptSocket, Connection>();
  const drained: string[] = [];
  const stop = createIdleSweep(1_000, clock, connections);
  const add = (name: string) => {
    const socket = { bytesRead: 0, bytesWritten: 0 };
    const state = { isIdle: true };
    connections.set(socket, {
      get isIdle() {
        return state.isIdle;
      },
      drain() {
        drained.push(name);
        connections.delete(socket);
      },
      destroy: () => {},
    });
    return { socket, state };
  };
  return { clock, drained, stop, add, connections };
}

test("a connection on which nothing comes or goes is closed after the time, at most a quarter later", () => {
  const { clock, drained, add } = setUp();
  add("a");
  clock.advance(1_249);
  expect(drained).toEqual([]);
  clock.advance(1);
  expect(drained).toEqual(["a"]);
});

test.each(["bytesRead", "bytesWritten"] as const)("%s that grow keep a connection", (key) => {
  const { clock, drained, add } = setUp();
  const { socket } = add("a");
  for (let i = 0; i < 20; i++) {
    clock.advance(900);
    socket[key]++;
  }
  expect(drained).toEqual([]);
  clock.advance(1_500);
  expect(drained).toEqual(["a"]);
});

test("a call that takes long keeps its connection, and the time counts from its end", () => {
  const { clock, drained, add } = setUp();
  const { state } = add("a");
  state.isIdle = false;
  clock.advance(10_000);
  state.isIdle = true;
  clock.advance(999);
  expect(drained).toEqual([]);
  clock.advance(251);
  expect(drained).toEqual(["a"]);
});

test("a stopped sweep closes nothing and keeps no timer", () => {
  const { clock, drained, stop, add } = setUp();
  add("a");
  clock.advance(600);
  stop();
  clock.advance(10_000);
  expect(drained).toEqual([]);
  expect(clock.pending).toBe(0);
});
