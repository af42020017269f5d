// Child processes: ones that do a piece of work and end, and ones that serve until they are stopped.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ProgramOptions {
  readonly cwd?: string;
  /** Set beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the program when aborted, by SIGTERM. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end and gives what it wrote to standard output; an exit code other than 0 is an error. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const child = spawn(command, args, { ...spawnOptions(options), stdio: ["ignore", "pipe", "pipe"] });
  endOnAbort(child, options.signal);
  let output = "";
  let problems = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problems += text;
  });
  const { code, signal } = await ended(child);
  if (code === 0) return output;
  const reason = signal ? `was ended by ${signal}` : `exited with ${code}`;
  throw new Error(`${command} ${args.join(" ")} ${reason}\n${problems}${output}`.trim());
}

/** A program that serves. */
export interface Service {
  /** What the pattern of its first useful line captured. */
  readonly ready: string;
  /** The last 4,000 characters that it wrote. */
  tail(): string;
  /** Asks it to end, insists after five seconds, and resolves once it has. */
  stop(): Promise<void>;
  /** Ends it at once, without a word, and resolves once it has. */
  kill(): Promise<void>;
}

/**
 * Starts a program and resolves once a line of its standard output matches `ready`, with what its group 1 captured. Its
 * standard input stays open as long as this process lives: a program that ends with it is never left behind.
 */
export async function startService(
  command: string,
  args: readonly string[],
  ready: RegExp,
  options: ProgramOptions = {},
): Promise<Service> {
  const child = spawn(command, args, { ...spawnOptions(options), stdio: ["pipe", "pipe", "pipe"] });
  endOnAbort(child, options.signal);
  child.stdin.on("error", () => {});
  let written = "";
  const remember = (text: string) => {
    written = (written + text).slice(-4_000);
  };
  child.stderr.setEncoding("utf8").on("data", remember);
  const end = ended(child);
  const stop = async () => {
    child.kill("SIGTERM");
    const insist = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await end.catch(() => {});
    clearTimeout(insist);
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await end.catch(() => {});
  };
  const lines = createInterface({ input: child.stdout });
  const captured = new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      remember(`${line}\n`);
      const match = ready.exec(line);
      if (match) resolve(match[1] ?? "");
    });
  });
  const failed = end.then(({ code }): never => {
    throw new Error(`${command} ${args.join(" ")} ended with ${code} before it was ready\n${written}`.trim());
  });
  failed.catch(() => {});
  return {
    ready: await Promise.race([captured, failed]),
    tail: () => written.trim(),
    stop,
    kill,
  };
}

function spawnOptions({ cwd, env }: ProgramOptions) {
  return { ...(cwd && { cwd }), env: { ...process.env, ...env } };
}

function endOnAbort(child: ChildProcess, signal: AbortSignal | undefined): void {
  const end = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", end, { once: true });
  child.on("close", () => signal?.removeEventListener("abort", end));
  if (signal?.aborted) end();
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
}
