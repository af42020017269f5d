// `causeway check`: what is wrong with IDL files or a config, and what does not survive translation.
import { Command } from "commander";
import type { Diagnostic, Report } from "../base/diagnostic.ts";
import type { LinkedSchema } from "../schema/link.ts";
import { reportLinks } from "../schema/link-report.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { type IdlOptions, loadIdl, rulesFileOption } from "./load-idl.ts";
import { printLinks } from "./print-links.ts";
import { printReport } from "./print-report.ts";

interface CheckOptions extends IdlOptions {
  readonly config?: string;
  readonly links?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Checks files or a config; exit code 1 on errors, with --strict on anything that was found. */
export const checkCommand = new Command("check")
  .description("Checks .thrift and .proto files, or a config, and lists what does not survive translation.")
  .argument("[file...]", "IDL files; what they include or import is checked with them")
  .option("-c, --config <file>", "check this config file and the IDL that it names")
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .addOption(rulesFileOption)
  .option("--strict", "let lossy items and warnings fail as errors do")
  .option("--links", "show what was linked with what: types, fields and methods, one pair a line")
  .option("--json", "print one JSON object instead of lines")
  .addHelpText(
    "after",
    `
Each finding is a line file:line:column: severity: message. The severities are error (cannot be used), lossy (some values
do not survive translation) and warning (is likely not what was meant). Exit code: 0, or 1 when there is an error.

Examples:
  $ causeway check -I idl idl/shop/*.thrift idl/shop/*.proto
  $ causeway check --links -I idl idl/shop/orders.thrift idl/shop/orders.proto
  $ causeway check --strict -c causeway.yaml`,
  )
  .action(async (files: readonly string[], options: CheckOptions, command: Command) => {
    const { config, strict = false, json = false } = options;
    if ((config === undefined) === (files.length === 0)) {
      command.error("error: name either IDL files or, with -c, a config file");
    }
    const diagnostics: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
    const linked = config === undefined ? checkFiles(files, options, report) : await checkConfigFile(config, report);
    const links = options.links && linked ? reportLinks(linked) : undefined;
    if (links && !json) printLinks(links, process.stdout);
    process.exitCode = printReport(diagnostics, { strict, json, ...(links && { links }) });
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function checkFiles(files: readonly string[], options: CheckOptions, report: Report): LinkedSchema | undefined {
  const schema = loadIdl(files, options, report);
  return schema && linkSchema(schema, { pairs: [] }, report);
}

async function checkConfigFile(path: string, report: Report): Promise<LinkedSchema | undefined> {
  // The whole sidecar stands behind a config, and is not needed to check a file.
  const { checkConfig } = await import("../app/app.ts");
  return (await checkConfig(path, report))?.linked;
}
