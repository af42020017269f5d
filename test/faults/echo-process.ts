// One echo server as a process, from the side of who started it: what it does, and what it ran.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Manner } from "./upstream-process.ts";

const PROCESS = join(import.meta.dirname, "upstream-process.ts");

export interface EchoProcess {
  /** As an endpoint of a config has it. */
  readonly endpoint: string;
  /** The arguments of all echoBinary that it ran, in order. */
  readonly ran: readonly string[];
  become(manner: Manner): void;
  /** SIGKILL ends it, SIGSTOP hangs it. */
  signal(name: "SIGKILL" | "SIGSTOP"): void;
  /** Ends it, hung or not; resolves when all that it said has been read. */
  stop(): Promise<void>;
}

export interface EchoOptions {
  /** Of the garbage that it may be told to answer. */
  readonly seed: number;
  /** How long an answer takes when it is told to be slow. */
  readonly slowMs: number;
}

/** Starts a server on the unix socket `path`. */
export async function startEchoProcess(path: string, { seed, slowMs }: EchoOptions): Promise<EchoProcess> {
  const child: ChildProcess = spawn(process.execPath, [PROCESS, path, String(seed), String(slowMs)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const closed = once(child, "close");
  const ran: string[] = [];
  const lines = createInterface({ input: child.stdout! });
  await once(lines, "line");
  lines.on("line", (line) => ran.push(line));
  return {
    endpoint: `unix:${path}`,
    ran,
    become: (manner) => void child.send(manner),
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
