import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSnapshot } from "../../../src/discovery/snapshot.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import { createFakeClock } from "../../fake-clock.ts";

let folder: string;
let path: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-snapshot-"));
  path = join(folder, "endpoints.json");
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const clock = createFakeClock();
const open = (at = path) =>
  openSnapshot(at, clock, {
    debug() {},
    info() {},
    warn: (facts, message) => void warnings.push(`${message}: ${JSON.stringify(facts)}`),
    error() {},
  });

const endpoint: Endpoint = {
  upstream: "shop",
  address: { kind: "tcp", host: "::1", port: 80 },
  name: "[::1]:80",
  weight: 2,
  labels: { zone: "a" },
};

test("what was put is there for the next process, and the file is its owner's alone", () => {
  const snapshot = open();
  snapshot.put("shop", [endpoint]);
  snapshot.flush();
  expect(open().get("shop")).toEqual([endpoint]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["endpoints.json"]);
});

test("a change is written after a while by itself", async () => {
  const snapshot = open();
  snapshot.put("shop", [endpoint]);
  clock.advance(1_000);
  await expect.poll(() => readdirSync(folder)).toEqual(["endpoints.json"]);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
    version: 1,
    upstreams: { shop: [{ address: "[::1]:80", weight: 2, labels: { zone: "a" } }] },
  });
});

test("an upstream without endpoints is left out", () => {
  const snapshot = open();
  snapshot.put("shop", [endpoint]);
  snapshot.put("shop", []);
  snapshot.flush();
  expect(open().get("shop")).toBeUndefined();
});

test.each(["{", '{"version": 2}', '{"version": 1, "upstreams": {"shop": ["nowhere"]}}'])(
  "a snapshot that cannot be read is no snapshot, and the log says why: %s",
  (text) => {
    writeFileSync(path, text);
    expect(open().get("shop")).toBeUndefined();
    expect(warnings.join()).toContain("cannot be read: starting without");
  },
);

test("a place that cannot be written to is said once, and harms nothing", () => {
  const snapshot = open(join(folder, "none", "endpoints.json"));
  for (let i = 0; i < 3; i++) {
    snapshot.put("shop", [endpoint]);
    snapshot.flush();
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("cannot be written");
  expect(snapshot.get("shop")).toEqual([endpoint]);
  chmodSync(folder, 0o700);
});

test("what could not be written is, when there is room again, without a further change", async () => {
  const place = join(folder, "later");
  const snapshot = open(join(place, "endpoints.json"));
  snapshot.put("shop", [endpoint]);
  clock.advance(1_000);
  await expect.poll(() => warnings).toHaveLength(1);
  // The timer of the next try is set by the same turn that warns.
  mkdirSync(place);
  clock.advance(30_000);
  await expect.poll(() => readdirSync(place)).toEqual(["endpoints.json"]);
  expect(JSON.parse(readFileSync(join(place, "endpoints.json"), "utf8")).upstreams.shop).toHaveLength(1);
});
