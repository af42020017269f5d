import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkConfig } from "../../../src/app/check-config.ts";
import type { Diagnostic } from "../../../src/base/diagnostic.ts";

function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "causeway-check-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  writeFileSync(path("common.thrift"), "struct Money { 1: i64 units }\n");
  writeFileSync(path("shop.thrift"), 'include "common.thrift"\nservice Shop { common.Money price() }\n');
  const writeConfig = (schema: string, more = "") =>
    writeFileSync(path("causeway.yaml"), `schema: { files: [shop.thrift]${schema} }\n${more}`);
  writeConfig("");
  const found: Diagnostic[] = [];
  const marks = new Map<string, string>();
  const check = (before?: Awaited<ReturnType<typeof checkConfig>>) =>
    checkConfig(path("causeway.yaml"), (each) => found.push(each), { before: before?.idl, marks });
  return { path, writeConfig, check, found, marks };
}

test("IDL that is the same is the very same object, whatever else has changed in the config", async () => {
  const { writeConfig, check } = setUp();
  const first = await check();
  writeConfig("", "drainMs: 1\n");
  const second = await check(first);
  expect(second?.config.drainMs).toBe(1);
  expect(second?.linked).toBe(first?.linked);
});

test("a file that is included, and what the config says of the files, make it another one", async () => {
  const { path, writeConfig, check } = setUp();
  const first = await check();
  writeFileSync(path("common.thrift"), "struct Money { 1: i64 units, 2: i32 nanos }\n");
  const second = await check(first);
  expect(second?.linked).not.toBe(first?.linked);
  writeConfig(", strict: true");
  expect((await check(second))?.linked).not.toBe(second?.linked);
});

test("every file that was looked at has a mark, also when there is an error in one", async () => {
  const { path, check, found, marks } = setUp();
  writeFileSync(path("common.thrift"), "struct {\n");
  expect(await check()).toBeUndefined();
  expect(found).toContainEqual(expect.objectContaining({ severity: "error" }));
  expect([...marks.keys()]).toEqual([path("causeway.yaml"), path("shop.thrift"), path("common.thrift")]);
});
