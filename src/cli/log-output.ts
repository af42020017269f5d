// Where the log's lines go: standard output, which may be read slowly or not at all. Calls never wait for it.
import { constants, fstatSync, openSync } from "node:fs";
import { type DestinationStream, destination } from "pino";
import { systemClock } from "../base/clock.ts";

/** A line alone costs a system call: lines wait until there are so many bytes of them, or for so many milliseconds. */
const WRITE_BYTES = 4_096;
const WRITE_MS = 20;
/** Most bytes of lines that wait for a reader; further lines are dropped and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Longest wait for the last lines to leave when the process ends, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** The log's lines on their way out. */
export interface LogOutput {
  readonly stream: DestinationStream;
  /** Lines that nobody will read, because too many were waiting. */
  readonly dropped: number;
  /** Writes what is left. A reader that does not take it within a second loses it, and the process ends all the same. */
  end(): Promise<void>;
}

/** Writes lines to standard output in the background, and holds at most 4 MiB of them. */
export function createLogOutput(): LogOutput {
  const pipe = openPipe();
  let dropped = 0;
  let ending = false;
  const stream = destination({
    dest: pipe ?? 1,
    sync: false,
    minLength: WRITE_BYTES,
    periodicFlush: WRITE_MS,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => !ending,
  });
  stream.on("drop", () => dropped++);
  process.on("exit", () => {
    if (!ending) stream.flushSync();
  });
  return {
    stream,
    get dropped() {
      return dropped;
    },
    end: () =>
      new Promise((resolve) => {
        const stopWaiting = systemClock.after(LAST_WORDS_MS, () => {
          ending = true;
          // A write that waits for its reader in the system cannot be taken back, and no exit gets past it.
          if (pipe === undefined) process.kill(process.pid, "SIGKILL");
          stream.destroy();
          resolve();
        });
        stream.flush(() => {
          stopWaiting();
          resolve();
        });
      }),
  };
}

/** Standard output opened anew where it is a pipe, so that a write says when it would wait; whoever shares the pipe sees none of it. */
function openPipe(): number | undefined {
  try {
    if (!fstatSync(1).isFIFO()) return undefined;
    return openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Not on Linux, or nobody reads it yet.
    return undefined;
  }
}
