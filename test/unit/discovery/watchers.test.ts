import { expect, test } from "vitest";
import { createWatchers } from "../../../src/discovery/watchers.ts";
import type { Endpoints } from "../../../src/rpc/endpoint.ts";

const none: Endpoints = { kind: "known", endpoints: [] };

test("watchers of one upstream are told, in order, until they stop", () => {
  const watchers = createWatchers();
  const told: string[] = [];
  const stopFirst = watchers.add("shop", () => told.push("first"));
  watchers.add("shop", () => told.push("second"));
  watchers.add("other", () => told.push("other"));
  watchers.tell("shop", () => none);
  stopFirst();
  stopFirst();
  watchers.tell("shop", () => none);
  expect(told).toEqual(["first", "second", "second"]);
  expect([...watchers.upstreams()]).toEqual(["shop", "other"]);
});

test("nothing is asked for an upstream that nobody watches any more", () => {
  const watchers = createWatchers();
  watchers.add("shop", () => {})();
  watchers.tell("shop", () => {
    throw new Error("nobody wants to know");
  });
  expect([...watchers.upstreams()]).toEqual([]);
});

test("a watcher that another one ends while both are told hears no more", () => {
  const watchers = createWatchers();
  const told: string[] = [];
  watchers.add("shop", () => {
    told.push("first");
    stopSecond();
  });
  const stopSecond = watchers.add("shop", () => told.push("second"));
  watchers.tell("shop", () => none);
  expect(told).toEqual(["first"]);
});
