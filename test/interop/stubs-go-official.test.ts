// The codec of Go stubs against Apache Thrift's library for Go and Google's: bytes that those write go through stubs and
// come back as what they were.
import { expect, test } from "vitest";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { GO_OFFICIAL_TOOLS, generateGoOfficial } from "./official-programs.ts";

const missing = whatIsMissing(GO_OFFICIAL_TOOLS);

test("stubs and the official libraries read each other's bytes, on both wires", { timeout: 300_000 }, async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  const output = await runProgram("go", ["test", "-v", "."], { cwd: await generateGoOfficial() });
  expect(output.match(/--- PASS: Test\w+\/\w+/g)?.length).toBe(21);
});
