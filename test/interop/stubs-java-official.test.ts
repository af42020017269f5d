// The codec of Java stubs against Apache Thrift's and Google's libraries for Java: random values that those write go through
// stubs and come back as what they were, and damaged bytes harm nobody.
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { deriveKinds, TWINS } from "./programs.ts";

const IDL = "idl/kinds/kinds.thrift";
const TYPES = 16;
const missing = whatIsMissing(["javac", "mvn", "thrift", "protoc"]);

test("stubs and the official libraries read each other's bytes, on both wires", { timeout: 300_000 }, async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  await deriveKinds();
  const folder = await buildOnce({
    folder: ".cache/interop/stubs-java-official",
    sources: "test/interop/stubs-java-official",
    inputs: [IDL, TWINS, "codegen", "src/schema", "src/cli", "clients/java/src"],
    make: generate,
  });
  const classes = [join(folder, "target/classes"), join(folder, "target/dependency/*")].join(":");
  const output = await runProgram("java", ["-XX:TieredStopAtLevel=1", "-cp", classes, "official.Official"]);
  expect(output.match(/^ok \w+ \w+$/gm)).toHaveLength(2 * TYPES);
});

async function generate(cwd: string): Promise<void> {
  const sources = "src/main/java";
  const generator = "java:generated_annotations=suppress";
  await runProgram("thrift", ["-out", sources, "--gen", generator, join(ROOT, IDL)], { cwd });
  const protos = ["kinds.proto", "causeway/options.proto"];
  await runProgram("protoc", ["-I", join(ROOT, TWINS), `--java_out=${sources}`, ...protos], { cwd });
  const main = join(ROOT, "src/cli/main.ts");
  for (const wire of ["thrift", "protobuf"]) {
    const to = ["--wire", wire, "--package", `stubs.${wire}`, "--out", join(cwd, sources)];
    await runProgram(process.execPath, [main, "generate", "--lang", "java", ...to, join(ROOT, IDL)]);
  }
  await runProgram("cp", ["-r", `${join(ROOT, "clients/java/src/main/java")}/.`, sources], { cwd });
  await runProgram("mvn", ["-q", "-B", "-ntp", "compile"], { cwd });
}
