// The published form: what npm would publish is packed, installed elsewhere, and used there as a user would. And the
// command as it is run in a clone.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "causeway-package-"));
const app = join(folder, "app");

/** This Node first, and nothing of the npm that runs these tests. */
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`,
};

function run(cwd: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = ENV): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  expect(status, `${command} ${args.join(" ")}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

interface PackedFile {
  readonly path: string;
}

let packed: string[] = [];

beforeAll(() => {
  run(ROOT, process.execPath, ["tools/build.mjs"]);
  const [{ filename, files }] = JSON.parse(
    run(ROOT, "npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]),
  ) as [{ readonly filename: string; readonly files: readonly PackedFile[] }];
  packed = files.map(({ path }) => path);
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true }\n');
  writeFileSync(
    join(app, "note.thrift"),
    "namespace * demo\nstruct Note { 1: string text }\nservice Notes { Note get(1: i32 id) }\n",
  );
  writeFileSync(join(app, "broken.thrift"), "struct Note {\n  1: strin text\n}\n");
  // Without git: the same whether GitHub can be reached or not, and so without uWebSockets.js.
  run(app, "npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--allow-git=none",
    join(folder, filename),
  ]);
});

afterAll(() => rmSync(folder, { recursive: true }));

test("the package holds the compiled sources, the engine and the option file, and nothing of the workshop", () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      "LICENSE",
      "README.md",
      "dist/src/cli/main.js",
      "dist/src/codec/engine.wasm",
      "idl/causeway/options.proto",
    ]),
  );
  expect(packed.filter((path) => !/^(LICENSE|README\.md|package\.json|dist\/|idl\/causeway\/)/.test(path))).toEqual([]);
  expect(packed.filter((path) => /\.test\.|^dist\/(test|bench|demo|tools)\//.test(path))).toEqual([]);
});

test("its command can be run", () => {
  expect(run(app, "npx", ["causeway", "--version"])).toBe(`${packageJson.version}\n`);
  const bin = join(app, "node_modules/causeway", packageJson.bin.causeway);
  expect(readFileSync(bin, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(statSync(bin).mode & 0o111).toBe(0o111);
});

test("causeway check passes IDL that is right and refuses IDL that is not", () => {
  run(app, "npx", ["causeway", "check", "note.thrift"]);
  const { status, stdout, stderr } = spawnSync("npx", ["causeway", "check", "broken.thrift"], {
    cwd: app,
    env: ENV,
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stdout + stderr).toMatch(/^broken\.thrift:2:6: error: .*strin/m);
});

test("causeway convert translates a message with the engine", () => {
  writeFileSync(join(app, "note.bin"), Buffer.from("0b000100000002686900", "hex"));
  const from = ["--idl", "note.thrift", "--type", "demo.Note", "--from", "thrift-binary", "--in", "note.bin"];
  run(app, "npx", ["causeway", "convert", ...from, "--to", "protobuf", "--out", "note.pb"]);
  expect(readFileSync(join(app, "note.pb"), "hex")).toBe("0a026869");
});

test("causeway serve serves, with HTTP on node:http, says why, and stops on SIGTERM", async () => {
  writeFileSync(
    join(app, "causeway.yaml"),
    `schema: { files: [note.thrift] }
listeners:
  - { kind: local, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
upstreams:
  notes: { protocol: thrift-framed, endpoints: ["127.0.0.1:9"], services: [demo.Notes] }
`,
  );
  const bin = join(app, "node_modules/.bin/causeway");
  const child = spawn(bin, ["serve", "-c", "causeway.yaml"], {
    cwd: app,
    env: ENV,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit");

  const lines = createInterface({ input: child.stdout });
  const found = new Promise<Record<string, unknown>>((resolve, reject) => {
    lines.on("line", (line) => {
      const facts: unknown = JSON.parse(line);
      if (typeof facts === "object" && facts && "server" in facts) resolve({ ...facts });
    });
    lines.on("close", () => reject(new Error("the sidecar ended without saying what serves HTTP")));
  });
  const facts = await found;
  expect(facts).toMatchObject({
    server: "node:http",
    reason: expect.stringMatching(/^hyper-express cannot be loaded: /),
    address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
  });

  const healthz = await fetch(`http://${facts["address"]}/healthz`);
  expect([healthz.status, await healthz.text()]).toEqual([200, "ok\n"]);
  child.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});

test("in a clone, npx causeway runs the clone's own command", () => {
  const env = { ...ENV, npm_config_cache: join(folder, "npm-cache") };
  expect(run(ROOT, "npx", ["causeway", "--version"], env)).toBe(`${packageJson.version}\n`);
});
