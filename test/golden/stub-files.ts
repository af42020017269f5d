// The stubs of test/golden/stubs/idl in one language: all of it on its own wire with servers, and the types once more on the
// other wire.
import { join } from "node:path";
import { buildStubModel } from "../../codegen/build-stub-model.ts";
import type { Target } from "../../codegen/target.ts";
import { formatDiagnostic, type Report } from "../../src/base/diagnostic.ts";
import { loadSchema } from "../../src/schema/load.ts";
import type { Wire } from "../../src/schema/model.ts";

const IDL = "test/golden/stubs/idl";
const ROOT = join(import.meta.dirname, "../..");
const ALL = ["common.thrift", "types.thrift", "services.thrift", "legacy.proto", "types.proto", "services.proto"];
/** Releases do not change golden files. */
const VERSION = "0.0.0";

/** The files by their path: below `own` and `cross`, and `report.txt` with what was reported. `packages` is for the two folders. */
export function goldenStubs(target: Target, packages: (folder: string) => string | undefined): Map<string, string> {
  const files = new Map<string, string>();
  const notices: string[] = [];
  const add = (folder: string, names: readonly string[], wire: Wire | undefined, server: boolean): void => {
    for (const { path, text } of generate(target, names, wire, server, packages(folder), notices)) {
      files.set(`${folder}/${path}`, text);
    }
  };
  add("own", ALL, undefined, true);
  add("cross", ["types.thrift"], "protobuf", false);
  add("cross", ["types.proto"], "thrift", false);
  files.set("report.txt", `${[...new Set(notices)].join("\n")}\n`);
  return files;
}

function generate(
  target: Target,
  names: readonly string[],
  wire: Wire | undefined,
  server: boolean,
  packageName: string | undefined,
  notices: string[],
): ReturnType<Target> {
  const report: Report = (diagnostic) => {
    const text = formatDiagnostic(diagnostic).replaceAll(`${ROOT}/`, "");
    if (diagnostic.severity === "error") throw new Error(text);
    notices.push(text);
  };
  const paths = names.map((name) => join(ROOT, IDL, name));
  const schema = loadSchema(paths, { includeDirs: [], allowNegativeKeys: false }, report);
  const model = schema && buildStubModel(schema, wire, report);
  if (!model) throw new Error("no stubs without a model");
  return target(model, { server, version: VERSION, package: packageName }, report);
}
