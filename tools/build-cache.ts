// Builds of other languages' programs, kept below .cache and made anew only when something they are made of changed.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** The root of the clone. */
export const ROOT = join(import.meta.dirname, "..");

export interface Build {
  /** The folder to build in, relative to the root; what git ignores. */
  readonly folder: string;
  /** A folder whose files are copied there first, relative to the root. */
  readonly sources: string;
  /** Files and folders that the build reads besides, relative to the root. */
  readonly inputs: readonly string[];
  /** Makes the program in the absolute `folder`, which holds the sources and nothing else. */
  readonly make: (folder: string) => Promise<void>;
}

/** Builds unless the last build was of the same inputs; gives the absolute folder. `started` is called if there is work. */
export async function buildOnce(build: Build, started: () => void = () => {}): Promise<string> {
  const folder = join(ROOT, build.folder);
  const stamp = join(folder, ".built-from");
  const digest = digestOf([build.sources, ...build.inputs], build.make.toString());
  const isBuilt = (): boolean => existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (isBuilt()) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  await alone(`${folder}.lock`, async () => {
    // Another test file may have built it meanwhile.
    if (isBuilt()) return;
    started();
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(join(ROOT, build.sources), folder, { recursive: true });
    await build.make(folder);
    writeFileSync(stamp, digest);
  });
  return folder;
}

/** Does the work while no other process does any under the same lock, which is a file. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  while (!take(lock)) await setTimeout(100);
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  try {
    // Who was killed could not take its lock away.
    if (!isAlive(Number(readFileSync(lock, "utf8")))) rmSync(lock, { force: true });
  } catch (error) {
    // It was given back just now.
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function digestOf(paths: readonly string[], recipe: string): string {
  const hash = createHash("sha256").update(recipe);
  for (const path of paths) {
    for (const file of filesBelow(join(ROOT, path)))
      hash.update(file).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
