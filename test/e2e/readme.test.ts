// The README's claims, run: its commands with their output, its configuration, its scripts and links. CONTRIBUTING.md
// says how its blocks are marked.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dirname, "../..");
const ENV = { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env["PATH"]}`, ROOT };

/** `npx causeway` without npm's half second: package.test.ts runs the real one. */
const PRELUDE = `
npx() { if [[ $1 == causeway ]]; then shift; $EXEC node "$ROOT/src/cli/main.ts" "$@"; else command npx "$@"; fi; }
`;

interface Block {
  /** What stands behind the opening fence: the language and the mark. */
  readonly info: string;
  readonly line: number;
  readonly text: string;
}

interface Step {
  readonly command: string;
  /** Lines, with `…` for what is not compared. */
  readonly output: string;
}

function parseBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(({ index, 1: info = "", 2: text = "" }) => ({
    info,
    line: markdown.slice(0, index).split("\n").length,
    text,
  }));
}

function parseSteps({ text }: Block): Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [command = "", ...output] = step.replaceAll("\\\n> ", "").split("\n");
      return { command, output: output.join("\n").trimEnd() };
    });
}

/** What an output must match: `…` is any text in a line, and any lines, or none, alone on one. */
function patternOf(output: string): RegExp {
  const lines = output.split("\n").map((line) => {
    if (line === "…") return "(?:.*\\n)*?";
    return `${line.split("…").map(escapeRegExp).join(".*")}\\n`;
  });
  return new RegExp(`^${output === "" ? "" : lines.join("")}$`);
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

async function withFreePorts(markdown: string): Promise<string> {
  const ports = new Map<string, number>();
  for (const [, port = ""] of markdown.matchAll(/127\.0\.0\.1:(\d+)/g)) {
    if (!ports.has(port)) ports.set(port, await freePort());
  }
  return markdown.replace(/(127\.0\.0\.1:)(\d+)/g, (_, host, port) => `${host}${ports.get(port)}`);
}

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const portable = await withFreePorts(readme);
const blocks = parseBlocks(portable);
const folder = mkdtempSync(join(tmpdir(), "causeway-readme-"));
const servers: { readonly process: ChildProcess; readonly output: string[] }[] = [];

beforeAll(() => {
  for (const name of ["idl", "demo", "package.json"]) symlinkSync(join(ROOT, name), join(folder, name));
});

afterAll(() => {
  for (const server of servers) server.process.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Starts a server and waits for its readiness at the admin address of the README. */
async function serve(command: string): Promise<void> {
  const output: string[] = [];
  const child = spawn("bash", ["-c", `${PRELUDE}${command}`], { cwd: folder, env: { ...ENV, EXEC: "exec" } });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
  servers.push({ process: child, output });
  const readyz = /http:\/\/127\.0\.0\.1:\d+\/readyz/.exec(portable)?.[0] ?? "";
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command} exited with ${child.exitCode}:\n${output.join("")}`);
    const response = await fetch(readyz).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((again) => setTimeout(again, 50));
  }
}

describe("the README's blocks, in order", () => {
  for (const block of blocks) {
    const name = `README.md:${block.line}`;
    const file = /^yaml (\S+)$/.exec(block.info)?.[1];
    if (file) test(`${name} writes ${file}`, () => writeFileSync(join(folder, file), block.text));
    if (!block.info.startsWith("console")) continue;
    for (const { command, output } of parseSteps(block)) {
      if (block.info === "console serve") {
        test(`${name} $ ${command}`, () => serve(command));
        continue;
      }
      test(`${name} $ ${command}`, (context) => {
        const tool = /^\w+/.exec(command)?.[0] ?? "";
        context.skip(spawnSync("bash", ["-c", `command -v ${tool}`]).status !== 0, `needs ${tool}`);
        const result = spawnSync("bash", ["-c", `${PRELUDE}${command}`], { cwd: folder, env: ENV, encoding: "utf8" });
        expect(result.status, result.stdout + result.stderr).toBe(0);
        expect(result.stdout).toMatch(patternOf(output));
      });
    }
  }

  test("what it serves stops on SIGTERM with exit code 0", async () => {
    expect(servers).not.toEqual([]);
    for (const { process: child, output } of servers) {
      child.kill("SIGTERM");
      const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
      expect(code, output.join("")).toBe(0);
    }
  });
});

/** The pages in a folder, relative to the root. */
function pagesOf(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".md"));
  return names.map((name) => `${folder}/${name}`);
}

const documents = ["README.md", "CONTRIBUTING.md", ...pagesOf("docs")];

test.each(documents)("%s names only npm scripts that exist", (document) => {
  const text = readFileSync(join(ROOT, document), "utf8");
  const named = [...text.matchAll(/\bnpm (?:run )?(?<script>test|(?<=run )[\w:-]+)/g)].map(
    ({ groups }) => groups?.["script"],
  );
  expect(named.filter((script) => !script || !Object.hasOwn(packageJson.scripts, script))).toEqual([]);
});

test.each(documents)("%s links only to what exists", (document) => {
  const text = readFileSync(join(ROOT, document), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)].map(([, path = ""]) => path);
  expect(links.filter((path) => !existsSync(join(ROOT, dirname(document), path)))).toEqual([]);
});

test.each([
  ["", "", true],
  ["", "x\n", false],
  ["one\ntwo", "one\ntwo\n", true],
  ["one", "one\ntwo\n", false],
  ["on…\ntwo", "one.*\ntwo\n", true],
  ["…", "anything\nat all\n", true],
  ["…", "", true],
  ["one\n…\nthree", "one\ntwo\nthree\n", true],
  ["one\n…\nthree", "one\ntwo\n", false],
  ["a.c", "abc\n", false],
])("an expected output of %j against %j is %j", (expected, actual, matches) => {
  expect(patternOf(expected).test(actual)).toBe(matches);
});
