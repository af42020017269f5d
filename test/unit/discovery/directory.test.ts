import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { createDirectory, type Directory, directoryFiles } from "../../../src/discovery/directory.ts";
import type { Endpoints, Instance } from "../../../src/rpc/endpoint.ts";

const ignore = () => {};
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

let path: string;
const open: Directory[] = [];

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "causeway-registry-"));
});

afterEach(() => {
  for (const { resolver } of open.splice(0)) resolver.close();
  rmSync(path, { recursive: true, force: true });
});

function directory(): Directory {
  const created = createDirectory({ path, rescanMs: 100 }, systemClock, log);
  open.push(created);
  return created;
}

/** Resolves when an upstream has these endpoints. */
function endpoints({ resolver }: Directory, upstream: string, expected: readonly string[]): Promise<Endpoints> {
  return new Promise((resolve) => {
    resolver.watch(upstream, (all) => {
      const names = all.endpoints.map(({ name }) => name).sort();
      if (all.kind === "known" && names.join() === [...expected].sort().join()) resolve(all);
    });
  });
}

const instance = (id: string, port: number): Instance => ({
  id,
  upstream: "shop/eu",
  address: { kind: "tcp", host: "127.0.0.1", port },
  weight: 2,
  labels: { zone: "eu-1" },
  leaseMs: 60_000,
});

test("two sidecars with one directory see each other's instances come and go", async () => {
  const [one, other] = [directory(), directory()];
  const first = await one.registrar.register(instance("a", 1));
  await other.registrar.register(instance("b", 2));
  const both = ["127.0.0.1:1", "127.0.0.1:2"];
  const [seen] = await Promise.all([endpoints(one, "shop/eu", both), endpoints(other, "shop/eu", both)]);
  expect(seen.endpoints[0]).toMatchObject({ weight: 2, labels: { zone: "eu-1" } });
  await first.deregister();
  await endpoints(other, "shop/eu", ["127.0.0.1:2"]);
  expect(readdirSync(path)).toEqual(["shop%2Feu@b.json"]);
});

test("a heartbeat changes the file's beat and nothing else, and leaves no draft behind", async () => {
  const { registrar } = directory();
  const registration = await registrar.register(instance("a", 1));
  const read = () => JSON.parse(readFileSync(join(path, "shop%2Feu@a.json"), "utf8"));
  const before = read();
  await registration.heartbeat();
  expect(read()).toEqual({ ...before, beat: before.beat + 1 });
  expect(readdirSync(path)).toHaveLength(1);
});

test("registering in a directory that is not there fails and leaves nothing", async () => {
  const { registrar } = createDirectory({ path: join(path, "none"), rescanMs: 60_000 }, systemClock, log);
  await expect(registrar.register(instance("a", 1))).rejects.toThrow("ENOENT");
});

test("a file that people write is found, changed and removed", async () => {
  const one = directory();
  writeFileSync(join(path, "shop.yaml"), "endpoints: ['127.0.0.1:1']\n");
  await endpoints(one, "shop", ["127.0.0.1:1"]);
  writeFileSync(join(path, "shop.yaml"), "endpoints: ['127.0.0.1:1', '127.0.0.1:2']\n");
  await endpoints(one, "shop", ["127.0.0.1:1", "127.0.0.1:2"]);
  rmSync(join(path, "shop.yaml"));
  await endpoints(one, "shop", []);
});

test("a file above the limit is not read", async () => {
  writeFileSync(join(path, "shop.yaml"), Buffer.alloc(16 * 1024 * 1024 + 1, " "));
  await expect(directoryFiles(path).read("shop.yaml")).rejects.toThrow("expected at most 16777216");
});

test("the mark of a file that is gone is none, and of one whose directory is gone an error", async () => {
  const files = directoryFiles(path);
  expect(await files.mark("shop.yaml")).toBeUndefined();
  rmSync(path, { recursive: true });
  await expect(files.mark("shop.yaml")).rejects.toThrow("ENOENT");
});
