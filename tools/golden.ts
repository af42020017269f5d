// Golden files: what this project generates, kept under test/golden so that every change to it shows in review.
//   npm run golden              writes them anew
//   npm run golden -- --check   fails when one differs, is missing or is no longer produced
// Each test/golden/NAME.golden.ts exports `produce: Produce`; what it gives is kept in the folder test/golden/NAME, or in
// the `folder` that it exports, relative to the root. The folder holds nothing else.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

/** Gives the texts of golden files by their path, relative to the producer's folder, with `/` between parts. */
export type Produce = () => Promise<ReadonlyMap<string, string>>;

const ROOT = join(import.meta.dirname, "..");
const PRODUCERS = join(ROOT, "test/golden");
const SUFFIX = ".golden.ts";

const { check } = parseArgs({ options: { check: { type: "boolean", default: false } } }).values;

let count = 0;
const differences: string[] = [];
const producers = existsSync(PRODUCERS) ? readdirSync(PRODUCERS).filter((name) => name.endsWith(SUFFIX)) : [];
for (const producer of producers) {
  const module: { produce: Produce; folder?: string } = await import(join(PRODUCERS, producer));
  const { produce, folder = `test/golden/${producer.slice(0, -SUFFIX.length)}` } = module;
  const expected = await produce();
  const actual = readFolder(join(ROOT, folder));
  for (const path of new Set([...actual.keys(), ...expected.keys()])) {
    count++;
    if (actual.get(path) === expected.get(path)) continue;
    differences.push(describe(`${folder}/${path}`, actual.get(path), expected.get(path)));
    if (!check) write(join(ROOT, folder, path), expected.get(path));
  }
}

for (const difference of differences) process.stdout.write(`${difference}\n`);
process.stdout.write(`${count} golden files, ${differences.length} ${check ? "differ" : "changed"}\n`);
if (check && differences.length > 0) {
  process.stdout.write("If the change is meant, run `npm run golden` and commit what it writes.\n");
  process.exitCode = 1;
}

/** Every file below a folder, by its relative path; empty when there is no such folder. */
function readFolder(folder: string): Map<string, string> {
  const texts = new Map<string, string>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      texts.set(file.slice(folder.length + 1).replaceAll("\\", "/"), readFileSync(file, "utf8"));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return texts;
}

function write(file: string, text: string | undefined): void {
  if (text === undefined) {
    rmSync(file);
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** One line for a file that differs: what became of it, and for a change where it begins. */
function describe(path: string, actual: string | undefined, expected: string | undefined): string {
  if (actual === undefined) return `${path}: not there yet`;
  if (expected === undefined) return `${path}: no longer produced`;
  const [was, is] = [actual.split("\n"), expected.split("\n")];
  const line = was.findIndex((text, i) => text !== is[i]);
  const at = line < 0 ? was.length : line;
  return `${path}:${at + 1}:\n  - ${was[at] ?? "(end)"}\n  + ${is[at] ?? "(end)"}`;
}
