// Every example of the pages on policies: each config is one, and what causeway explain prints is what it prints.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { checkConfig } from "../../src/app/check-config.ts";
import { formatDiagnostic } from "../../src/base/diagnostic.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SCHEMA = `schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }\n`;
const UPSTREAM = `upstreams: { inventory: { protocol: grpc, endpoints: ["127.0.0.1:1"], services: [shop.Inventory] } }\n`;
const run = promisify(execFile);

function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, block = ""]) => block,
  );
}

/** A config file of this example, with what it leaves to the reader. */
function configOf(block: string): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-policy-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "causeway.yaml");
  writeFileSync(path, SCHEMA + (block.includes("upstreams:") ? "" : UPSTREAM) + block);
  return path;
}

const EXAMPLES = ["policies.md", "routing.md", "degradation.md"].flatMap((page) =>
  blocks(page, "yaml").map((block, i) => ({ page, number: i + 1, block })),
);

test.each(EXAMPLES)("docs/$page, example $number, is a config without a fault", async ({ block }) => {
  const found: string[] = [];
  const checked = await checkConfig(configOf(block), (each) => {
    if (each.severity === "error") found.push(formatDiagnostic(each));
  });
  expect(found).toEqual([]);
  expect(checked).toBeDefined();
});

test("the pages have an example for each policy that they describe", () => {
  const all = EXAMPLES.map(({ block }) => block).join("\n");
  for (const key of [
    "degrade:",
    "rateLimit:",
    "shared:",
    "concurrency:",
    "timeoutMs:",
    "attemptTimeoutMs:",
    "retry:",
    "balance:",
    "outlier:",
    "breaker:",
    "policies:",
    "routes:",
    "mirror:",
    "authorize:",
    "faults:",
  ]) {
    expect(all).toContain(key);
  }
});

test("docs/routing.md shows what causeway explain prints", async () => {
  const [config = ""] = blocks("routing.md", "yaml");
  const [session = ""] = blocks("routing.md", "console");
  const [command = "", ...shown] = session.trimEnd().split("\n");
  const args = command.replace("$ causeway ", "").replace("causeway.yaml", configOf(config)).split(" ");
  const { stdout } = await run(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args]);
  expect(stdout.split("\n").slice(0, shown.length)).toEqual(shown);
  expect(stdout).toContain("  metadata: x-tenant: beta-7; cw-label-version: v2\n");
});
