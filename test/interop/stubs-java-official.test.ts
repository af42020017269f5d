// The codec of Java stubs against Apache Thrift's and Google's libraries for Java: random values that those write go through
// stubs and come back as what they were, and damaged bytes harm nobody.
import { expect, test } from "vitest";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { buildJavaOfficial, JAVA_OFFICIAL_TOOLS } from "./official-programs.ts";

const TYPES = 16;
const missing = whatIsMissing(JAVA_OFFICIAL_TOOLS);

test("stubs and the official libraries read each other's bytes, on both wires", { timeout: 300_000 }, async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  const args = ["-XX:TieredStopAtLevel=1", "-cp", await buildJavaOfficial(), "official.Official"];
  const output = await runProgram("java", args);
  expect(output.match(/^ok \w+ \w+$/gm)).toHaveLength(2 * TYPES);
});
