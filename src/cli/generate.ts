// `causeway generate`: thin stubs of a schema in one language, written or compared.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { buildStubModel } from "../../codegen/build-stub-model.ts";
import { LANGUAGES } from "../../codegen/languages.ts";
import type { GeneratedFile } from "../../codegen/target.ts";
import type { Diagnostic, Position, Report } from "../base/diagnostic.ts";
import type { Schema, Wire } from "../schema/model.ts";
import { generateTypeScript } from "./generate-ts.ts";
import { goImportPath } from "./go-import-path.ts";
import { type IdlOptions, loadIdl, rulesFileOption } from "./load-idl.ts";
import { printDiagnostics } from "./print-report.ts";
import { version } from "./version.ts";

interface GenerateOptions extends IdlOptions {
  readonly lang: string;
  readonly wire?: Wire;
  readonly server?: boolean;
  readonly check?: boolean;
  readonly package?: string;
  readonly out: string;
}

const TYPESCRIPT = "ts";

/** Writes the stubs of IDL files; exit code 1 when they cannot be generated, or with --check differ from what is there. */
export const generateCommand = new Command("generate")
  .description("Generates thin stubs that call, and with --server serve, through the local sidecar.")
  .argument("<files...>", "the IDL files; what they include or import is generated too")
  .addOption(
    new Option("--lang <language>", "the language of the stubs")
      .choices([...Object.keys(LANGUAGES), TYPESCRIPT])
      .makeOptionMandatory(),
  )
  .addOption(
    new Option("--wire <wire>", "what the stubs put on the wire (default: the IDL's own)").choices([
      "thrift",
      "protobuf",
    ]),
  )
  .option("--server", "generate what implements a service too")
  .option("--check", "write nothing, and fail where what would be written differs")
  .option(
    "--package <name>",
    "what stands in front of each package: Java's or PHP's root, Go's import path of DIR (default: by go.mod)",
  )
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .addOption(rulesFileOption)
  .requiredOption("--out <dir>", "the folder to write to")
  .addHelpText(
    "after",
    `
Names that had to change and streaming methods, which stubs leave out, are listed on standard error. Nothing is written
unless everything can be. The far side may speak the other wire: the sidecar translates. TypeScript is ts-proto's, which has
to be installed; of a .thrift file it gets the derived .proto.

Examples:
  $ causeway generate --lang go --out gen idl/shop/inventory.thrift
  $ causeway generate --lang java --server --out src/main/java idl/shop/orders.proto -I idl
  $ causeway generate --lang php --wire protobuf --out gen --check idl/shop/inventory.thrift`,
  )
  .action(async (files: readonly string[], options: GenerateOptions) => {
    process.exitCode = await generate(files, options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function generate(paths: readonly string[], options: GenerateOptions): Promise<0 | 1> {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => void diagnostics.push(diagnostic);
  const schema = loadIdl(paths, options, report);
  const files = schema && (await generateFiles(schema, paths, options, report));
  printDiagnostics(diagnostics, process.stderr);
  if (!files || diagnostics.some(({ severity }) => severity === "error")) return 1;
  return options.check ? compare(files, options.out) : write(files, options.out);
}

async function generateFiles(
  schema: Schema,
  paths: readonly string[],
  { lang, wire, server = false, package: given, out }: GenerateOptions,
  report: Report,
): Promise<readonly GeneratedFile[] | undefined> {
  const target = LANGUAGES[lang];
  if (!target && wire === "thrift") {
    const message = "ts-proto speaks Protobuf alone: leave --wire thrift out, and the sidecar translates";
    report({ severity: "error", position: startOf(paths), message });
    return undefined;
  }
  if (!target) return generateTypeScript(schema, report);
  const packageName = given ?? (lang === "go" ? goImportPath(out) : undefined);
  const model = buildStubModel(schema, wire, report);
  const files = model && target(model, { server, version: version(), package: packageName }, report);
  if (files) reportTwice(files, paths, report);
  return files;
}

/** Two files of IDL may want one place. */
function reportTwice(files: readonly GeneratedFile[], paths: readonly string[], report: Report): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    const message = `two IDL files would both be written to ${path}; give one of them another package`;
    if (seen.has(path)) report({ severity: "error", position: startOf(paths), message });
    seen.add(path);
  }
}

/** Where a fault stands that belongs to no line of its own. */
function startOf([file = ""]: readonly string[]): Position {
  return { file, line: 1, column: 1 };
}

function compare(files: readonly GeneratedFile[], folder: string): 0 | 1 {
  const differing = files.filter(({ path, text }) => readText(join(folder, path)) !== text);
  for (const { path } of differing) process.stdout.write(`${join(folder, path)} differs\n`);
  if (differing.length > 0) process.stdout.write("generate again without --check to bring them up to date\n");
  return differing.length === 0 ? 0 : 1;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** First all texts beside their places, then all into them: a full disk leaves what was there. */
function write(files: readonly GeneratedFile[], folder: string): 0 {
  const places = files.map(({ path, text }) => ({ place: join(folder, path), text }));
  const temporary = (place: string): string => `${place}.${process.pid}.tmp`;
  try {
    for (const { place, text } of places) {
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(temporary(place), text);
    }
  } catch (error) {
    for (const { place } of places) rmSync(temporary(place), { force: true });
    throw error;
  }
  for (const { place } of places) {
    renameSync(temporary(place), place);
    process.stdout.write(`${place}\n`);
  }
  return 0;
}
