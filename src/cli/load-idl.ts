// The IDL that a command is given, with the overrides that it is given beside: what check, idl and convert share.
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Option } from "commander";
import { z } from "zod";
import type { Report } from "../base/diagnostic.ts";
import { parseYaml, type YamlValue } from "../base/yaml.ts";
import { loadSchema } from "../schema/load.ts";
import type { Schema } from "../schema/model.ts";
import { applyRules, checkPackages, readOverrides } from "../schema/overrides.ts";
import { packagesOption, rulesOption } from "../schema/rules-option.ts";

/** The options of a command that reads IDL, as commander hands them over. */
export interface IdlOptions {
  readonly include?: readonly string[];
  readonly allowNegKeys?: boolean;
  readonly rules?: string;
}

/** `--rules FILE`. */
export const rulesFileOption = new Option(
  "--rules <file>",
  "a YAML file whose keys rules and packages stand for those of a config's schema section",
);

const rulesFile = z.strictObject({ rules: rulesOption.default({}), packages: packagesOption.default({}) });

/** The schema of `files` with the rules applied; undefined after an error, and all errors are reported. */
export function loadIdl(files: readonly string[], options: IdlOptions, report: Report): Schema | undefined {
  const { include = [], allowNegKeys = false, rules: path } = options;
  let failed = false;
  const reportAll: Report = (diagnostic) => {
    failed ||= diagnostic.severity === "error";
    report(diagnostic);
  };
  const read = path === undefined ? undefined : readRulesFile(path, reportAll);
  if (failed) return undefined;
  const keys = Object.keys(read?.value.packages ?? {});
  const locate = (file: string): string => (isAbsolute(file) ? file : join(dirname(path ?? ""), file));
  const packages = new Map(keys.map((key) => [locate(key), read?.value.packages[key] ?? ""]));
  const loaded = loadSchema(files, { includeDirs: include, allowNegativeKeys: allowNegKeys, packages }, reportAll);
  if (!loaded || !read) return loaded;
  checkPackages(loaded, [...packages.keys()], () => read.at(["packages"]), reportAll);
  const schema = applyRules(loaded, readOverrides(read.value.rules, ["rules"], read.at), reportAll);
  return failed ? undefined : schema;
}

function readRulesFile(path: string, report: Report): YamlValue<z.output<typeof rulesFile>> | undefined {
  try {
    return parseYaml(readFileSync(path, "utf8"), path, rulesFile, report);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report({ severity: "error", position: { file: path, line: 1, column: 1 }, message: `cannot be read: ${why}` });
    return undefined;
  }
}
