// A wall clock that jumps under a process while the monotonic one goes on, as when somebody sets a host's time. Needs Debian's
// faketime.
import { spawnSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";

export interface JumpingClock {
  /** To be set for the process. */
  readonly env: Readonly<Record<string, string>>;
  /** The wall clock jumps so many hours from the true time. */
  jump(hours: number): void;
}

/** Why there is none here; undefined where there is. */
export function noJumpingClock(): string | undefined {
  return preload() === undefined ? "needs faketime: npm run setup" : undefined;
}

/** A clock that goes by the file at `path`, which need not be there. */
export function createJumpingClock(path: string): JumpingClock {
  const library = preload();
  if (library === undefined) throw new Error("faketime is not installed");
  write(path, "+0");
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    jump: (hours) => write(path, `${hours < 0 ? "" : "+"}${hours}h`),
  };
}

/** The process looks at it with every question for the time. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`);
  renameSync(`${path}.new`, path);
}

function preload(): string | undefined {
  const { status, stdout } = spawnSync("faketime", ["-f", "+0", "printenv", "LD_PRELOAD"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
