// Programs that hold the stubs and the official libraries of a language side by side, generated for the service Kinds.
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { generateStubs } from "../../tools/causeway.ts";
import { runProgram } from "../../tools/program.ts";
import type { Tool } from "../../tools/toolchain.ts";
import { deriveKinds, TWINS } from "./programs.ts";

const IDL = "idl/kinds/kinds.thrift";
const MODULE = "official.test";
const INPUTS = [IDL, TWINS, "codegen", "src/schema", "src/cli"];

export const GO_OFFICIAL_TOOLS: readonly Tool[] = ["go", "thrift", "protoc"];
export const JAVA_OFFICIAL_TOOLS: readonly Tool[] = ["javac", "mvn", "thrift", "protoc"];

/** Gives the folder of the Go module `official.test`. */
export async function generateGoOfficial(): Promise<string> {
  await deriveKinds();
  return buildOnce({
    folder: ".cache/interop/stubs-go-official",
    sources: "test/interop/stubs-go-official",
    inputs: [...INPUTS, "clients/go"],
    make: generateGo,
  });
}

/** Gives the class path of the stubs, the libraries and what they generate. */
export async function buildJavaOfficial(): Promise<string> {
  await deriveKinds();
  const folder = await buildOnce({
    folder: ".cache/interop/stubs-java-official",
    sources: "test/interop/stubs-java-official",
    inputs: [...INPUTS, "clients/java/src"],
    make: generateJava,
  });
  return [join(folder, "target/classes"), join(folder, "target/dependency/*")].join(delimiter);
}

async function generateGo(cwd: string): Promise<void> {
  mkdirSync(join(cwd, "gen"));
  await runProgram("thrift", ["-out", "gen", "--gen", `go:package_prefix=${MODULE}/gen/`, join(ROOT, IDL)], { cwd });
  for (const service of ["kinds", "basic"]) rmSync(join(cwd, `gen/kinds/${service}-remote`), { recursive: true });
  await runProgram("go", ["build", "-o", "bin/", "google.golang.org/protobuf/cmd/protoc-gen-go"], { cwd });
  const env = { PATH: `${join(cwd, "bin")}${delimiter}${process.env["PATH"]}` };
  const packages = { "kinds.proto": "kindspb", "causeway/options.proto": "rules" };
  const names = Object.entries(packages).map(([file, name]) => `--go_opt=M${file}=${MODULE}/gen/${name}`);
  const target = ["--go_out=gen", `--go_opt=module=${MODULE}/gen`, ...names];
  await runProgram("protoc", ["-I", join(ROOT, TWINS), ...target, ...Object.keys(packages)], { cwd, env });
  for (const wire of ["thrift", "protobuf"]) {
    const to = ["--wire", wire, "--package", `${MODULE}/stubs/${wire}`, "--out", join(cwd, "stubs", wire)];
    await generateStubs(["--lang", "go", ...to, IDL]);
  }
}

async function generateJava(cwd: string): Promise<void> {
  const sources = "src/main/java";
  const generator = "java:generated_annotations=suppress";
  await runProgram("thrift", ["-out", sources, "--gen", generator, join(ROOT, IDL)], { cwd });
  const protos = ["kinds.proto", "causeway/options.proto"];
  await runProgram("protoc", ["-I", join(ROOT, TWINS), `--java_out=${sources}`, ...protos], { cwd });
  for (const wire of ["thrift", "protobuf"]) {
    const to = ["--wire", wire, "--package", `stubs.${wire}`, "--out", join(cwd, sources)];
    await generateStubs(["--lang", "java", ...to, IDL]);
  }
  await runProgram("cp", ["-r", `${join(ROOT, "clients/java/src/main/java")}/.`, sources], { cwd });
  await runProgram("mvn", ["-q", "-B", "-ntp", "compile"], { cwd });
}
