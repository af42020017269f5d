// `causeway idl`: a file's twin in the other language, as text.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import type { Diagnostic } from "../base/diagnostic.ts";
import { deriveSchema } from "../schema/derive.ts";
import { readOptionsProto } from "../schema/load.ts";
import type { SchemaFile } from "../schema/model.ts";
import { printProto } from "../schema/print-proto.ts";
import { printThrift } from "../schema/print-thrift.ts";
import { type IdlOptions as LoadOptions, loadIdl, rulesFileOption } from "./load-idl.ts";
import { printDiagnostics } from "./print-report.ts";

const OPTIONS_PROTO = "causeway/options.proto";

interface IdlOptions extends LoadOptions {
  readonly to: "proto" | "thrift";
  readonly out?: string;
}

/** Prints the derived twin of a file, or writes it with all that it needs; exit code 1 when the file cannot be derived. */
export const idlCommand = new Command("idl")
  .description("Derives a .proto file from a .thrift file, or a .thrift file from a .proto file.")
  .argument("<file>", "the IDL file to derive from")
  .addOption(new Option("--to <language>", "the language to derive").choices(["proto", "thrift"]).makeOptionMandatory())
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .addOption(rulesFileOption)
  .option("--out <dir>", "write the twin and those of its imports to this folder instead of standard output")
  .addHelpText(
    "after",
    `
What cannot be said in the other language is reported on standard error. protoc takes what comes out with -I DIR, because a
derived .proto file may import causeway/options.proto, which is written beside it.

Examples:
  $ causeway idl idl/shop/inventory.thrift --to proto
  $ causeway idl -I idl idl/shop/orders.proto --to thrift --out gen`,
  )
  .action((file: string, options: IdlOptions) => {
    process.exitCode = derive(file, options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function derive(path: string, options: IdlOptions): 0 | 1 {
  const { to, out } = options;
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const schema = loadIdl([path], options, report);
  const given = schema?.files.find((file) => file.path === path) ?? schema?.files.at(-1);
  const wire = to === "proto" ? "protobuf" : "thrift";
  if (given?.wire === wire) {
    report({
      severity: "error",
      position: start(path),
      message: `the file is ${to} already; expected the other language`,
    });
  }
  const twins = schema && !failed(diagnostics) ? deriveSchema(schema, report) : new Map();
  printDiagnostics(diagnostics, process.stderr);
  const twin: SchemaFile | undefined = given && twins.get(given)?.file;
  if (!twin || failed(diagnostics)) return 1;
  if (out === undefined) process.stdout.write(printFile(twin));
  else
    writeTwins(
      [...twins.values()].map(({ file }) => file),
      out,
    );
  return 0;
}

function start(file: string): Diagnostic["position"] {
  return { file, line: 1, column: 1 };
}

function failed(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

function printFile(file: SchemaFile): string {
  return file.wire === "protobuf" ? printProto(file) : printThrift(file);
}

/** Names each file that is written. */
function writeTwins(files: readonly SchemaFile[], folder: string): void {
  const texts = new Map(files.map((file) => [file.path, printFile(file)]));
  const needsOptions = [...texts.values()].some((text) => text.includes(`import "${OPTIONS_PROTO}";`));
  if (needsOptions) texts.set(OPTIONS_PROTO, readOptionsProto());
  for (const [path, text] of texts) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    process.stdout.write(`${target}\n`);
  }
}
