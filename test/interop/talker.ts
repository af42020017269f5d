// A program that is talked with by lines.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Talker {
  say(line: string): void;
  /** The next line that it writes; rejects when it ends before. */
  next(): Promise<string>;
  /** Says a line and gives the next. */
  ask(line: string): Promise<string>;
  terminate(): void;
  /** Ends its input and gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts the program; what it writes to standard error is shown. */
export function startTalker(command: string, args: readonly string[]): Talker {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const exited = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function next(): Promise<string> {
    const { done, value } = await lines.next();
    if (done) throw new Error(`${command} ended before it said what was expected`);
    return value;
  }
  const say = (line: string): void => void child.stdin.write(`${line}\n`);
  return {
    say,
    next,
    ask(line) {
      say(line);
      return next();
    },
    terminate: () => void child.kill("SIGTERM"),
    async stop() {
      child.stdin.end();
      const [code] = await exited;
      return typeof code === "number" ? code : null;
    },
  };
}
