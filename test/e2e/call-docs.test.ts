// The examples of docs/call.md and docs/upstreams.md, run: the commands against a Thrift server and a sidecar, the config as
// `causeway check` takes it.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { startService } from "../../tools/program.ts";
import { startSidecarForTest } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");

function blocks(page: string, info: string): string[] {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${info}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, block = ""]) => block);
}

function folderWithIdl(): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-call-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, "idl"), join(folder, "idl"));
  return folder;
}

/** Standard output of a shell command, in which `npx causeway` is this clone's. */
function run(command: string, cwd: string): Promise<string> {
  const prelude = `npx() { shift; "${process.execPath}" "${MAIN}" "$@"; }`;
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", `${prelude}\n${command}`], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${command}: exit ${code}\n${err}`))));
  });
}

test("the commands of docs/call.md print what it says", async () => {
  const folder = folderWithIdl();
  const inventory = await startService(process.execPath, [join(ROOT, "demo/inventory.ts")], /^listening (.*)$/);
  onTestFinished(() => inventory.stop());
  const sidecar = startSidecarForTest(
    JSON.stringify({
      schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/shop/inventory.thrift")] },
      listeners: [
        { kind: "local", address: "127.0.0.1:0" },
        { kind: "http", address: "127.0.0.1:0" },
      ],
      upstreams: {
        inventory: { protocol: "thrift-framed", endpoints: [inventory.ready], services: ["shop.Inventory"] },
      },
    }),
  );
  const [local, http] = [await sidecar.addressOf("local"), await sidecar.addressOf("http")];
  const steps = blocks("call.md", "console").flatMap((block) => block.split(/^\$ /m).slice(1));
  expect(steps.length).toBeGreaterThan(8);
  for (const step of steps) {
    const [command = "", ...expected] = step.split("\n");
    const here = command
      .replace("127.0.0.1:9090", inventory.ready)
      .replace("127.0.0.1:7420", local)
      .replace("127.0.0.1:7421", http);
    const lines = expected.join("\n").split("…");
    const pattern = lines.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*");
    expect(await run(here, folder), command).toMatch(new RegExp(`^${pattern}$`));
  }
}, 120_000);

test("the config of docs/upstreams.md holds", async () => {
  const folder = folderWithIdl();
  const [config = ""] = blocks("upstreams.md", "yaml");
  writeFileSync(join(folder, "causeway.yaml"), config);
  const args = [MAIN, "check", "-c", "causeway.yaml"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stdout).toBe("no problems found\n");
});
