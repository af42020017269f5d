// A sidecar as a process, from the sources of this clone, for tests that need to see its output and its exit.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Sidecar {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** Its config file, in a folder that goes when it ends. */
  readonly configPath: string;
  /** All that it logged so far. */
  readonly log: readonly LogLine[];
  /** Resolves with the first line that fits, past or future; rejects when the output ends without one. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** The addresses of its listeners of a kind, once it listens on them all. */
  addressOf(kind: "local" | "provider" | "http" | "admin"): Promise<string>;
  /** Exit code or signal, with what it wrote to standard error. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>;
}

/** Runs `causeway serve` with a config of this text, under a Node with these options; `env` is set beside ours. The caller ends it. */
export function startSidecar(
  config: string,
  nodeOptions: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Sidecar & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "causeway-serve-"));
  const configPath = join(folder, "causeway.yaml");
  writeFileSync(configPath, config);
  const child = spawn(process.execPath, [...nodeOptions, MAIN, "serve", "-c", configPath], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const log: LogLine[] = [];
  let ended = false;
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout })
    .on("line", (line) => {
      const facts: unknown = JSON.parse(line);
      if (typeof facts === "object" && facts !== null) log.push({ ...facts });
      for (const check of waiting) check();
    })
    .on("close", () => {
      ended = true;
      for (const check of waiting) check();
    });
  const exited = once(child, "close").then(([code, signal]) => {
    rmSync(folder, { recursive: true, force: true });
    return { code, signal, stderr };
  });

  function logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      function check(): void {
        const line = log.find(fits);
        if (!line && !ended) return;
        waiting.delete(check);
        if (line) resolve(line);
        else reject(new Error(`the sidecar ended before it logged what was expected\n${stderr}${JSON.stringify(log)}`));
      }
      waiting.add(check);
      check();
    });
  }

  return {
    process: child,
    configPath,
    log,
    logged,
    exited,
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
    async addressOf(kind) {
      const line = await logged(({ msg, kind: listener, side }) => {
        return msg === "listening" && (side === "provider" ? side : listener) === kind;
      });
      return String(line["address"]);
    },
  };
}

/** A sidecar until the test is over, also when that times out. */
export function startSidecarForTest(config: string): Sidecar {
  const sidecar = startSidecar(config);
  onTestFinished(() => sidecar[Symbol.dispose]());
  return sidecar;
}
