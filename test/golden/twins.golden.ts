// The twin of every file below idl in the other language, as `causeway idl` prints it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../../src/base/diagnostic.ts";
import { deriveSchema } from "../../src/schema/derive.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { printProto } from "../../src/schema/print-proto.ts";
import { printThrift } from "../../src/schema/print-thrift.ts";
import type { Produce } from "../../tools/golden.ts";

const IDL = join(import.meta.dirname, "../../idl");

/** One folder of idl is one schema. */
function deriveFolder(folder: string, twins: Map<string, string>): void {
  const files = readdirSync(join(IDL, folder)).map((name) => join(IDL, folder, name));
  const problems: string[] = [];
  const schema = loadSchema(files, { includeDirs: [IDL], allowNegativeKeys: false }, (diagnostic) => {
    problems.push(formatDiagnostic(diagnostic));
  });
  if (!schema) throw new Error(problems.join("\n"));
  const derived = deriveSchema(schema, (diagnostic) => void problems.push(formatDiagnostic(diagnostic)));
  for (const { file } of derived.values()) {
    twins.set(`${folder}/${file.path}`, file.wire === "thrift" ? printThrift(file) : printProto(file));
  }
  // What does not survive the derivation is worth a review as well.
  twins.set(`${folder}/report.txt`, `${problems.map((text) => text.replaceAll(`${IDL}/`, "")).join("\n")}\n`);
}

export const produce: Produce = async () => {
  const twins = new Map<string, string>();
  for (const folder of ["kinds", "shop"]) deriveFolder(folder, twins);
  return twins;
};
