// A registry that is a directory: its resolver and its registrar over real files. Two sidecars with one directory see each
// other's instances, whatever the directory lies on.
import { randomUUID } from "node:crypto";
import { watch } from "node:fs";
import { open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Registrar } from "../rpc/endpoint.ts";
import { formatLeaseFile, leaseFileName, MAX_FILE_BYTES, parseFileName } from "./directory-file.ts";
import { createDirectoryResolver, type DirectoryFiles, type DirectoryResolver } from "./directory-resolver.ts";
import { eachAtOnce } from "./each-at-once.ts";

/** Where endpoints are found when they are not in the config. */
export const directoryOptions = z
  .strictObject({
    path: z.string().min(1).describe("the directory, relative to the config file; it must be there"),
    rescanMs: z
      .int()
      .min(100)
      .default(10_000)
      .describe("how often all files are looked at, in milliseconds, beside what the system tells of changes"),
  })
  .describe("a registry: a directory of UPSTREAM.yaml files, and of instances that sidecars registered");

export type DirectoryOptions = z.output<typeof directoryOptions>;

/** The system does no more of these at once. */
const LOOKS_AT_ONCE = 16;

/** Both sides of a registry directory. */
export interface Directory {
  readonly resolver: DirectoryResolver;
  readonly registrar: Registrar;
}

/** Watches the directory until its resolver is closed. */
export function createDirectory({ path, rescanMs }: DirectoryOptions, clock: Clock, log: Log): Directory {
  const files = directoryFiles(path);
  return {
    resolver: createDirectoryResolver({ rescanMs }, { path, files, clock, log }),
    registrar: { register: (instance) => registerIn(path, instance) },
  };
}

async function registerIn(path: string, instance: Parameters<Registrar["register"]>[0]) {
  const file = join(path, leaseFileName(instance.upstream, instance.id));
  // Begins anywhere, so that a sidecar that starts anew is seen to have changed something.
  let beat = Math.floor(Math.random() * 2 ** 32);
  const write = () => writeAtomically(file, formatLeaseFile(instance, beat++));
  await write();
  return { heartbeat: write, deregister: () => rm(file, { force: true }) };
}

/** Readers see the old text or the new one, and nothing between. */
async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { mode: 0o644, flag: "wx" });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The files of a real directory. */
export function directoryFiles(path: string): DirectoryFiles {
  return {
    async list() {
      const names = (await readdir(path)).filter((name) => parseFileName(name) !== undefined);
      const marks = new Map<string, string>();
      await eachAtOnce(names, LOOKS_AT_ONCE, async (name) => {
        const mark = await markOf(join(path, name));
        if (mark !== undefined) marks.set(name, mark);
      });
      return marks;
    },
    async mark(name) {
      const mark = await markOf(join(path, name));
      // All files are gone when the directory is, and that is another matter.
      if (mark === undefined) await stat(path);
      return mark;
    },
    read: (name) => readBounded(join(path, name)),
    remove: (name) => rm(join(path, name), { force: true }),
    watch(changed) {
      try {
        const watcher = watch(path, { persistent: false }, (_, name) => changed(name ?? undefined));
        // The directory may go; the scans notice that, and when it is back.
        watcher.on("error", () => watcher.close());
        return () => watcher.close();
      } catch {
        return () => {};
      }
    },
  };
}

/** Of what a symbolic link points to, as deployment tools swap those; undefined when it is not there, or no file. */
async function markOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found?.isFile() ? `${found.ino} ${found.mtimeNs} ${found.size}` : undefined;
}

async function readBounded(path: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes: expected at most ${MAX_FILE_BYTES}`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}
