// Builds of other languages' programs, kept below .cache and made anew only when something they are made of changed.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return folder;
  started();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, build.sources), folder, { recursive: true });
  await build.make(folder);
  writeFileSync(stamp, digest);
  return folder;
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
