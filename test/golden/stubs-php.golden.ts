// What `causeway generate --lang php --server` writes for the IDL of all stubs, on either wire.
import { join } from "node:path";
import { buildStubModel } from "../../codegen/build-stub-model.ts";
import { generatePhp } from "../../codegen/php.ts";
import { type Diagnostic, formatDiagnostic } from "../../src/base/diagnostic.ts";
import { loadSchema } from "../../src/schema/load.ts";
import type { Produce } from "../../tools/golden.ts";

export const folder = "test/golden/stubs/php";

const IDL = join(import.meta.dirname, "stubs/idl");
const FILES = ["services.thrift", "services.proto"];

export const produce: Produce = async () => {
  const texts = new Map<string, string>();
  for (const wire of ["thrift", "protobuf"] as const) {
    const diagnostics: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic) => void diagnostics.push(diagnostic);
    const paths = FILES.map((name) => join(IDL, name));
    const schema = loadSchema(paths, { includeDirs: [IDL], allowNegativeKeys: false }, report);
    const model = schema && buildStubModel(schema, wire, report);
    const options = { server: true, version: "0.0.0", package: undefined };
    const files = model && generatePhp(model, options, report);
    const lines = diagnostics.map((each) => formatDiagnostic(each).replaceAll(`${IDL}/`, ""));
    if (!files || diagnostics.some(({ severity }) => severity === "error")) throw new Error(lines.join("\n"));
    for (const { path, text } of files) texts.set(`${wire}/${path}`, text);
    // The names that had to change, and what is left out.
    texts.set(`${wire}/report.txt`, `${lines.join("\n")}\n`);
  }
  return texts;
};
