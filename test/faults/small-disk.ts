// A disk that can be filled: a small file system of its own where one may be mounted, else a folder in which a process may not
// make files longer than a few bytes.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface SmallDisk {
  readonly folder: string;
  /** From now on the process can write nothing that is longer than a few bytes. */
  fill(pid: number): void;
  /** To be called before its folder is removed. */
  remove(): void;
}

const SIZE = 64 * 1024;

/** Makes one at `folder`, which must not be there yet. */
export function createSmallDisk(folder: string): SmallDisk {
  mkdirSync(folder);
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "none", folder]).status === 0;
  return {
    folder,
    fill(pid) {
      if (isMounted) fillUp(join(folder, "rest"));
      else if (spawnSync("prlimit", ["--pid", String(pid), "--fsize=10"]).status !== 0) {
        throw new Error("no disk can be made full here: needs root, or prlimit of util-linux");
      }
    },
    remove() {
      if (isMounted) spawnSync("umount", [folder]);
    },
  };
}

function fillUp(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(2 * SIZE));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
    throw error;
  }
  throw new Error("the disk is larger than it should be");
}
