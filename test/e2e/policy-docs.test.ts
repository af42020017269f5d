// Every example of the pages on policies acts: a sidecar with it stands before small servers, and calls show the effect. And
// what causeway explain prints is what it prints.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SCENES } from "./policy-scenes.ts";
import { configFile, createStage, wholeConfig } from "./policy-stage.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

interface Block {
  /** Page, heading and place below it. */
  readonly name: string;
  readonly text: string;
}

function blocks(page: string, language: string): readonly Block[] {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  return text.split(/^#+ /m).flatMap((section) => {
    const [heading = ""] = section.split("\n", 1);
    const found = section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"));
    return [...found].map(([, block = ""], i) => ({ name: `${page}, ${heading} ${i + 1}`, text: block }));
  });
}

const EXAMPLES = ["policies.md", "routing.md", "degradation.md"].flatMap((page) => blocks(page, "yaml"));

test("each example has scenes, and there are no others", () => {
  expect(EXAMPLES.map(({ name }) => name)).toEqual(Object.keys(SCENES));
});

describe.each(EXAMPLES)("docs/$name", ({ name, text }) => {
  test.each(SCENES[name] ?? [])("$shows", async ({ play, more = "", chance }) => {
    await play(await createStage(text, { more, ...(chance !== undefined && { random: () => chance }) }));
  });
});

test("the pages have an example for each policy that they describe", () => {
  const all = EXAMPLES.map(({ text }) => text).join("\n");
  for (const key of [
    "degrade:",
    "rateLimit:",
    "shared:",
    "concurrency:",
    "timeoutMs:",
    "attemptTimeoutMs:",
    "retry:",
    "balance:",
    "subset:",
    "zone:",
    "slowStartMs:",
    "panicBelow:",
    "hedge:",
    "failures:",
    "unknownFields:",
    "outlier:",
    "breaker:",
    "healthCheck:",
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
  const [config] = blocks("routing.md", "yaml");
  const [session] = blocks("routing.md", "console");
  const [command = "", ...shown] = session?.text.trimEnd().split("\n") ?? [];
  const file = configFile(wholeConfig(config?.text ?? ""));
  const args = command.replace("$ causeway ", "").replace("causeway.yaml", file).split(" ");
  const { stdout } = await run(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args]);
  expect(stdout.split("\n").slice(0, shown.length)).toEqual(shown);
  expect(stdout).toContain("  metadata: x-tenant: beta-7; cw-label-version: v2\n");
});
