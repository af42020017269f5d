// The example of docs/tls.md, run: its commands make the certificates, its config is served, its calls are answered.
import { execFile } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { startSidecarForTest } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const page = readFileSync(join(ROOT, "docs/tls.md"), "utf8");

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, text = ""]) => text);
}

test("the example of docs/tls.md works as it is written", async ({ skip }) => {
  const missing = whatIsMissing(["openssl", "curl"]);
  if (missing) skip(missing);
  const folder = mkdtempSync(join(tmpdir(), "causeway-tls-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(ROOT, "idl"), join(folder, "idl"));
  const [make = "", calls = ""] = blocks("sh");
  await run("bash", ["-ec", make], { cwd: folder });
  const [config = ""] = blocks("yaml");
  // Paths are relative to the config file, whatever folder it is in; only the ports must be free ones.
  const portable = config
    .replace(/127\.0\.0\.1:742\d/g, "127.0.0.1:0")
    .replaceAll("unix:causeway.sock", `unix:${join(folder, "causeway.sock")}`)
    .replace(/\b(ca|sidecar)\.(pem|key)\b/g, `${folder}/$1.$2`)
    .replace(/\bidl\b/g, `${folder}/idl`);
  writeFileSync(join(folder, "causeway.yaml"), config);
  await run(process.execPath, [join(ROOT, "src/cli/main.ts"), "check", "-c", "causeway.yaml"], { cwd: folder });
  const sidecar = startSidecarForTest(portable);
  const [http, admin] = [await sidecar.addressOf("http"), await sidecar.addressOf("admin")];
  expect(lstatSync(join(folder, "causeway.sock")).mode & 0o777).toBe(0o660);
  const here = calls.replaceAll("127.0.0.1:7422", admin).replaceAll("127.0.0.1:7421", http);
  const { stdout } = await run("bash", ["-ec", here], { cwd: folder });
  expect(stdout).toMatch(/^ready\nThis port takes calls over HTTP\/1\.1:/);
});
