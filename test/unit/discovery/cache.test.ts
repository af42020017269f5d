import { beforeEach, expect, test } from "vitest";
import { createCachedResolver } from "../../../src/discovery/cache.ts";
import type { Snapshot } from "../../../src/discovery/snapshot.ts";
import type { Endpoint, Endpoints, Resolver } from "../../../src/rpc/endpoint.ts";
import { createFakeClock, type FakeClock } from "../../fake-clock.ts";

const endpoint = (port: number): Endpoint => ({
  upstream: "shop",
  address: { kind: "tcp", host: "::1", port },
  name: String(port),
});
const known = (...ports: number[]): Endpoints => ({ kind: "known", endpoints: ports.map(endpoint) });
const UNKNOWN: Endpoints = { kind: "unknown", endpoints: [] };

/** A source that says what a test tells it to. */
interface Source extends Resolver {
  readonly watches: string[];
  say(endpoints: Endpoints): void;
}

function createSource(first: Endpoints): Source {
  let last = first;
  let changed: ((endpoints: Endpoints) => void) | undefined;
  const watches: string[] = [];
  return {
    watches,
    watch(upstream, listener) {
      watches.push(`+${upstream}`);
      changed = listener;
      listener(last);
      return () => {
        watches.push(`-${upstream}`);
        changed = undefined;
      };
    },
    say(endpoints) {
      last = endpoints;
      changed?.(endpoints);
    },
  };
}

let clock: FakeClock;
let warnings: string[];
let written: Map<string, readonly Endpoint[]>;
let seen: string[];

beforeEach(() => {
  clock = createFakeClock();
  warnings = [];
  written = new Map();
  seen = [];
});

const text = ({ kind, endpoints }: Endpoints) => [kind, ...endpoints.map(({ name }) => name)].join(" ");

function cached(source: Source, before?: ReadonlyMap<string, readonly Endpoint[]>, idleMs = 1_000) {
  const log = { debug() {}, info() {}, warn: (_: object, message: string) => void warnings.push(message), error() {} };
  const snapshot: Snapshot = {
    get: (upstream) => written.get(upstream) ?? before?.get(upstream),
    put: (upstream, endpoints) => void written.set(upstream, endpoints),
    flush() {},
  };
  const resolver = createCachedResolver(source, { idleMs, emptyGraceMs: 5_000 }, { clock, log, snapshot });
  const watch = () => resolver.watch("shop", (endpoints) => seen.push(text(endpoints)));
  return { resolver, watch };
}

test("all watchers of an upstream share one watch, and hear the same", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch();
  watch();
  source.say(known(1, 2));
  expect(source.watches).toEqual(["+shop"]);
  expect(seen).toEqual(["known 1", "known 1", "known 1 2", "known 1 2"]);
});

test("an upstream that nobody watches stays for a while, and is there at once for whoever comes back", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch()();
  clock.advance(999);
  watch()();
  expect(source.watches).toEqual(["+shop"]);
  clock.advance(1_000);
  expect(source.watches).toEqual(["+shop", "-shop"]);
  expect(clock.pending).toBe(0);
});

test("a live watch is never given up", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  const stop = watch();
  watch()();
  clock.advance(1_000_000);
  expect(source.watches).toEqual(["+shop"]);
  stop();
  clock.advance(1_000);
  expect(source.watches.at(-1)).toBe("-shop");
});

test("as long as the registry has not answered, the snapshot is served as stale, and the log says so", () => {
  const source = createSource(UNKNOWN);
  const { watch } = cached(source, new Map([["shop", [endpoint(7)]]]));
  watch();
  source.say(known(8));
  expect(seen).toEqual(["stale 7", "known 8"]);
  expect(warnings).toEqual(["the registry has not answered yet: serving from the snapshot"]);
  expect([...written]).toEqual([["shop", [endpoint(8)]]]);
});

test("without a snapshot an unknown upstream is unknown", () => {
  const { watch } = cached(createSource(UNKNOWN));
  watch();
  expect(seen).toEqual(["unknown"]);
});

test("a registry that suddenly has nothing is believed only after a while", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch();
  source.say(known());
  expect(seen).toEqual(["known 1", "stale 1"]);
  expect(written.get("shop")).toEqual([endpoint(1)]);
  clock.advance(4_999);
  expect(seen).toHaveLength(2);
  clock.advance(1);
  expect(seen.at(-1)).toBe("known");
  expect(written.get("shop")).toEqual([]);
});

test("a registry that has endpoints again in time changes nothing but what it says", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch();
  source.say(known());
  source.say(known(1));
  clock.advance(10_000);
  expect(seen).toEqual(["known 1", "stale 1", "known 1"]);
});

test("a stale registry keeps its last endpoints, and the snapshot is left as it was", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch();
  source.say({ kind: "stale", endpoints: [endpoint(1)] });
  expect(seen).toEqual(["known 1", "stale 1"]);
  expect(written.get("shop")).toEqual([endpoint(1)]);
});

test("closing ends every watch and timer", () => {
  const source = createSource(known(1));
  const { resolver, watch } = cached(source);
  watch();
  source.say(known());
  resolver.close();
  expect(source.watches).toEqual(["+shop", "-shop"]);
  expect(clock.pending).toBe(0);
});

test("a registry that has nothing and then is away leaves what it had before, however long", () => {
  const source = createSource(known(1));
  const { watch } = cached(source);
  watch();
  source.say(known());
  source.say({ kind: "stale", endpoints: [] });
  clock.advance(100_000);
  expect(seen).toEqual(["known 1", "stale 1"]);
  expect(clock.pending).toBe(0);
  source.say(known());
  clock.advance(5_000);
  expect(seen.slice(2)).toEqual(["known"]);
});
