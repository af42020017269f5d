import { beforeEach, expect, test } from "vitest";
import type { Log } from "../../../src/base/log.ts";
import { createDirectoryResolver, type DirectoryFiles } from "../../../src/discovery/directory-resolver.ts";
import type { Endpoints } from "../../../src/rpc/endpoint.ts";
import { createFakeClock, type FakeClock } from "../../fake-clock.ts";

/** A directory in memory; `undefined` for one that is not there. */
interface Folder extends DirectoryFiles {
  contents: Map<string, string> | undefined;
  readonly reads: string[];
  /** How many times it was watched. */
  watches: number;
  write(name: string, text: string): void;
  delete(name: string): void;
}

function createFolder(): Folder {
  let changed: (name: string | undefined) => void = () => {};
  const reads: string[] = [];
  let version = 0;
  const marks = new Map<string, string>();
  const there = (folder: Folder) => {
    if (!folder.contents) throw new Error("ENOENT: no such directory");
    return folder.contents;
  };
  const folder: Folder = {
    contents: new Map(),
    reads,
    async list() {
      return new Map([...there(this).keys()].map((name) => [name, marks.get(name) ?? ""]));
    },
    async mark(name) {
      return there(this).has(name) ? marks.get(name) : undefined;
    },
    async read(name) {
      reads.push(name);
      return there(this).get(name);
    },
    async remove(name) {
      this.delete(name);
    },
    watches: 0,
    watch(listener) {
      this.watches++;
      changed = listener;
      return () => {
        changed = () => {};
      };
    },
    write(name, text) {
      there(this).set(name, text);
      marks.set(name, String(version++));
      changed(name);
    },
    delete(name) {
      there(this).delete(name);
      changed(name);
    },
  };
  return folder;
}

const leased = (port: number, beat: number, leaseMs = 5_000) =>
  JSON.stringify({ address: `127.0.0.1:${port}`, weight: 1, labels: { zone: "a" }, leaseMs, beat });

let clock: FakeClock;
let folder: Folder;
let warnings: string[];
let seen: string[];

beforeEach(() => {
  clock = createFakeClock();
  folder = createFolder();
  warnings = [];
  seen = [];
});

/** What has to happen without time going by. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** Lets so much time go by, and what it brings. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await settled();
}

const text = ({ kind, endpoints }: Endpoints) => [kind, ...endpoints.map(({ name }) => name.slice(10))].join(" ");

async function open(rescanMs = 60_000) {
  const log: Log = {
    debug() {},
    info() {},
    warn: (facts, message) => void warnings.push(`${message} ${JSON.stringify(facts)}`),
    error() {},
  };
  const resolver = createDirectoryResolver({ rescanMs }, { path: "/registry", files: folder, clock, log });
  resolver.watch("shop", (endpoints) => seen.push(text(endpoints)));
  await resolver.firstScan;
  await settled();
  return resolver;
}

test("endpoints are unknown until the directory was read, and then those of the upstream's file", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1', {address: '127.0.0.1:2', weight: 3, labels: {version: v2}}]");
  folder.write("other.yaml", "endpoints: ['127.0.0.1:9']");
  const resolver = await open();
  expect(seen).toEqual(["unknown", "known 1 2"]);
  let known: Endpoints | undefined;
  resolver.watch("shop", (endpoints) => {
    known = endpoints;
  })();
  expect(known?.endpoints[1]).toMatchObject({ weight: 3, labels: { version: "v2" }, upstream: "shop" });
});

test("a file that changes is read, and only that file; its watchers alone are told", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  folder.write("other.yaml", "endpoints: ['127.0.0.1:9']");
  await open();
  folder.reads.length = 0;
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1', '127.0.0.1:2']");
  await pass(20);
  folder.write("other.yaml", "endpoints: []");
  await pass(20);
  expect(folder.reads).toEqual(["shop.yaml", "other.yaml"]);
  expect(seen.slice(2)).toEqual(["known 1 2"]);
});

test("changes that the file system does not tell of are found by looking", async () => {
  await open(10_000);
  folder.contents?.set("shop.yaml", "endpoints: ['127.0.0.1:1']");
  await pass(9_999);
  expect(seen).toEqual(["unknown", "known"]);
  await pass(1);
  expect(seen.at(-1)).toBe("known 1");
});

test("a file that becomes invalid keeps what it said, and the log has its line", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  await open();
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:0']");
  await pass(20);
  expect(seen).toEqual(["unknown", "known 1"]);
  expect(warnings.join()).toContain("/registry/shop.yaml:1:13: error: endpoints[0].address: expected a port");
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:3']");
  await pass(20);
  expect(seen.at(-1)).toBe("known 3");
});

test("a directory that is gone makes what was known stale, and it is known again when it is back", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  await open(1_000);
  const { contents } = folder;
  folder.contents = undefined;
  await pass(1_000);
  expect(seen.at(-1)).toBe("stale 1");
  expect(warnings.join()).toContain("cannot be read");
  await pass(1_000);
  expect(warnings).toHaveLength(1);
  folder.contents = contents;
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:2']");
  await pass(1_000);
  expect(seen.at(-1)).toBe("known 2");
});

test("a directory that goes with its files is gone, and not empty", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  await open();
  folder.remove("shop.yaml");
  folder.contents = undefined;
  await pass(20);
  expect(seen.at(-1)).toBe("stale 1");
});

test("leases stand still while the directory is away, because no heartbeat could be seen", async () => {
  folder.write("shop@a.json", leased(1, 1));
  await open(1_000);
  const { contents } = folder;
  folder.contents = undefined;
  await pass(1_000);
  for (let second = 0; second < 60; second++) await pass(1_000);
  expect(seen.at(-1)).toBe("stale 1");
  folder.contents = contents;
  await pass(1_000);
  expect(seen.at(-1)).toBe("known 1");
  // A second of its five was over when the directory went.
  await pass(3_999);
  expect(seen.at(-1)).toBe("known 1");
  await pass(1);
  expect(seen.at(-1)).toBe("known");
});

test("a directory that is back is watched again, as it may be another one", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  await open(1_000);
  expect(folder.watches).toBe(1);
  const { contents } = folder;
  folder.contents = undefined;
  await pass(1_000);
  folder.contents = contents;
  await pass(1_000);
  expect(folder.watches).toBe(2);
  await pass(1_000);
  expect(folder.watches).toBe(2);
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:2']");
  await pass(20);
  expect(seen.at(-1)).toBe("known 2");
});

test("a directory that was never there leaves everything unknown", async () => {
  folder.contents = undefined;
  await open();
  expect(seen).toEqual(["unknown"]);
});

test("an instance is there as long as its heartbeat changes, whatever its host's clock says", async () => {
  folder.write("shop@a.json", leased(1, 1));
  await open();
  expect(seen.at(-1)).toBe("known 1");
  await pass(4_000);
  folder.write("shop@a.json", leased(1, 2));
  await pass(20);
  await pass(4_999);
  expect(seen.at(-1)).toBe("known 1");
  await pass(1);
  expect(seen.at(-1)).toBe("known");
  folder.write("shop@a.json", leased(1, 3));
  await pass(20);
  expect(seen.at(-1)).toBe("known 1");
});

test("a heartbeat alone tells nobody anything", async () => {
  folder.write("shop@a.json", leased(1, 1));
  await open();
  const told = seen.length;
  folder.write("shop@a.json", leased(1, 2));
  await pass(20);
  expect(seen).toHaveLength(told);
});

test("the file of an instance that died is removed after ten leases", async () => {
  folder.write("shop@a.json", leased(1, 1, 1_000));
  await open();
  await pass(9_999);
  expect(folder.contents?.has("shop@a.json")).toBe(true);
  await pass(1);
  expect(folder.contents?.has("shop@a.json")).toBe(false);
});

test("a process that two files name is one endpoint", async () => {
  folder.write("shop.yaml", "endpoints: ['127.0.0.1:1']");
  folder.write("shop@a.json", leased(1, 1));
  await open();
  expect(seen.at(-1)).toBe("known 1");
});

test("other files of the directory are not looked at", async () => {
  for (const name of ["README.md", ".shop.yaml", "shop.yaml.tmp", "shop@a.yaml", "%.yaml"]) folder.write(name, "?");
  await open();
  expect(folder.reads).toEqual([]);
  expect(warnings).toEqual([]);
});

test("nothing is told and no timer runs after closing", async () => {
  folder.write("shop@a.json", leased(1, 1));
  const resolver = await open();
  resolver.close();
  folder.write("shop@a.json", leased(2, 2));
  await pass(100_000);
  expect(seen).toEqual(["unknown", "known 1"]);
  expect(clock.pending).toBe(0);
});

test("leases end one by one: only the upstream of the one that ends is told", async () => {
  folder.write("shop@a.json", leased(1, 1, 5_000));
  folder.write("shop@b.json", leased(2, 1, 7_000));
  folder.write("other@c.json", leased(9, 1, 3_000));
  const resolver = await open();
  const others: string[] = [];
  resolver.watch("other", (endpoints) => others.push(text(endpoints)));
  const told = seen.length;
  await pass(3_000);
  expect(others.at(-1)).toBe("known");
  expect(seen).toHaveLength(told);
  await pass(2_000);
  expect(seen.slice(told)).toEqual(["known 2"]);
  await pass(2_000);
  expect(seen.slice(told)).toEqual(["known 2", "known"]);
});

test("endpoints with the same labels share them", async () => {
  const labels = { zone: "a", version: "v1" };
  const all = [1, 2].map((port) => ({ address: `127.0.0.1:${port}`, labels }));
  folder.write("shop.json", JSON.stringify({ endpoints: all }));
  const resolver = await open();
  let known: Endpoints | undefined;
  resolver.watch("shop", (endpoints) => {
    known = endpoints;
  })();
  expect(known?.endpoints[0]?.labels).toEqual(labels);
  expect(known?.endpoints[1]?.labels).toBe(known?.endpoints[0]?.labels);
});

test("JSON that is wrong is told of with its line", async () => {
  folder.write("shop.json", '{\n  "endpoints": ["127.0.0.1:0"]\n}');
  await open();
  expect(warnings.join()).toContain("/registry/shop.json:2:17: error: endpoints[0].address: expected a port");
});
