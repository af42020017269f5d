// IDL at the edges of what a language's code can say: words of the language as names, types within types, the same name in
// two packages, comments that end comments. What is generated passes each language's own checks without a warning.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { generateStubs } from "../../tools/causeway.ts";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { compileJava, javaFiles, STUB_WIRES, type StubWire } from "./stub-programs.ts";

const IDL = join(ROOT, "test/interop/stubs-odd");
const FILES = ["odd.thrift", "odd.proto"] as const;
const BUILD_MS = 300_000;

const folder = mkdtempSync(join(tmpdir(), "causeway-odd-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function generate(lang: string, wire: StubWire, file: string, ...more: readonly string[]): Promise<string> {
  const out = join(folder, `${lang}-${wire}-${file}`);
  await generateStubs(["--lang", lang, "--wire", wire, "--server", "--out", out, ...more, "-I", IDL, join(IDL, file)]);
  return out;
}

describe.each(STUB_WIRES.flatMap((wire) => FILES.map((file) => ({ wire, file }))))(
  "$file on $wire",
  ({ wire, file }) => {
    test("is Go that gofmt and go vet find no fault with", { timeout: BUILD_MS }, async ({ skip }) => {
      const missing = whatIsMissing(["go"]);
      skip(missing !== undefined, missing);
      const cwd = await generate("go", wire, file, "--package", "odd.test");
      const replaced = `replace causeway.dev/causeway => ${join(ROOT, "clients/go")}`;
      writeFileSync(
        join(cwd, "go.mod"),
        `module odd.test\n\ngo 1.21\n\nrequire causeway.dev/causeway v0.0.0\n\n${replaced}\n`,
      );
      expect(await runProgram("gofmt", ["-l", "."], { cwd })).toBe("");
      await runProgram("go", ["vet", "./..."], { cwd });
    });

    test("is Java that compiles with every warning an error", { timeout: BUILD_MS }, async ({ skip }) => {
      const missing = whatIsMissing(["javac"]);
      skip(missing !== undefined, missing);
      const cwd = await generate("java", wire, file);
      await compileJava(cwd, javaFiles(cwd));
    });

    test("is PHP without a fault for `php -l` and PSR-12", { timeout: BUILD_MS }, async ({ skip }) => {
      const missing = whatIsMissing(["php", "phpcs"]);
      skip(missing !== undefined, missing);
      const cwd = await generate("php", wire, file);
      const names = readdirSync(cwd, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".php"));
      expect(names.length).toBeGreaterThan(20);
      await Promise.all(names.map((name) => runProgram("php", ["-l", name], { cwd })));
      expect(await runProgram("phpcs", ["--standard=PSR12", "--report=emacs", "."], { cwd })).toBe("");
    });
  },
);

test("a struct of 300 fields is Go and PHP, and for Java an error that says where and why", async ({ skip }) => {
  const missing = whatIsMissing(["php"]);
  skip(missing !== undefined, missing);
  const fields = Array.from({ length: 300 }, (_, i) => `  ${i + 1}: optional i32 field${i + 1}`);
  const file = join(folder, "wide.thrift");
  writeFileSync(file, `struct Wide {\n${fields.join("\n")}\n}\n`);
  const out = (lang: string): string[] => ["--lang", lang, "--out", join(folder, `wide-${lang}`), file];
  await generateStubs([...out("go"), "--package", "wide.test"]);
  await generateStubs(out("php"));
  await runProgram("php", ["-l", join(folder, "wide-php/Wide/Wide.php")]);
  await expect(generateStubs(out("java"))).rejects.toThrow(/wide\.thrift:1:8: error: .*more fields than a record/);
  expect(readdirSync(folder)).not.toContain("wide-java");
});
