// The codec of Go stubs against Apache Thrift's library for Go and Google's: bytes that those write go through stubs and
// come back as what they were.
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { deriveKinds, TWINS } from "./programs.ts";

const IDL = "idl/kinds/kinds.thrift";
const MODULE = "official.test";
const missing = whatIsMissing(["go", "thrift", "protoc"]);

test("stubs and the official libraries read each other's bytes, on both wires", { timeout: 300_000 }, async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  await deriveKinds();
  const folder = await buildOnce({
    folder: ".cache/interop/stubs-go-official",
    sources: "test/interop/stubs-go-official",
    inputs: [IDL, TWINS, "codegen", "src/schema", "src/cli", "clients/go"],
    make: generate,
  });
  const output = await runProgram("go", ["test", "-v", "."], { cwd: folder });
  expect(output.match(/--- PASS: Test\w+\/\w+/g)?.length).toBe(21);
});

async function generate(cwd: string): Promise<void> {
  mkdirSync(join(cwd, "gen"));
  await runProgram("thrift", ["-out", "gen", "--gen", `go:package_prefix=${MODULE}/gen/`, join(ROOT, IDL)], { cwd });
  for (const service of ["kinds", "basic"]) rmSync(join(cwd, `gen/kinds/${service}-remote`), { recursive: true });
  await runProgram("go", ["build", "-o", "bin/", "google.golang.org/protobuf/cmd/protoc-gen-go"], { cwd });
  const env = { PATH: `${join(cwd, "bin")}${delimiter}${process.env["PATH"]}` };
  const packages = { "kinds.proto": "kindspb", "causeway/options.proto": "rules" };
  const names = Object.entries(packages).map(([file, name]) => `--go_opt=M${file}=${MODULE}/gen/${name}`);
  const target = ["--go_out=gen", `--go_opt=module=${MODULE}/gen`, ...names];
  await runProgram("protoc", ["-I", join(ROOT, TWINS), ...target, ...Object.keys(packages)], { cwd, env });
  const main = join(ROOT, "src/cli/main.ts");
  for (const wire of ["thrift", "protobuf"]) {
    const to = ["--wire", wire, "--package", `${MODULE}/stubs/${wire}`, "--out", join(cwd, "stubs", wire)];
    await runProgram(process.execPath, [main, "generate", "--lang", "go", ...to, join(ROOT, IDL)]);
  }
}
