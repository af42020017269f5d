// The IDL that a config names, loaded and linked: the same object as before while the files and what the config says of
// them are the same, so that whoever depends on it can tell.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { Report } from "../base/diagnostic.ts";
import { unknownName, type YamlValue } from "../base/yaml.ts";
import type { Config } from "../config.ts";
import type { LinkedSchema } from "../schema/link.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { loadSchema } from "../schema/load.ts";
import type { Schema, Wire } from "../schema/model.ts";
import { applyRules, checkPackages, readOverrides } from "../schema/overrides.ts";
import { type Fault, faultIn } from "./config-fault.ts";

/** The IDL of a config. */
export interface Idl {
  /** As it is written, with the rules that the config adds. */
  readonly schema: Schema;
  readonly linked: LinkedSchema;
  /** The same for the same files and options, and for no others. */
  readonly fingerprint: string;
}

export interface LoadIdlContext {
  readonly report: Report;
  /** Is told of each path before it is looked at. */
  readonly reading: (path: string) => void;
  /** What is taken when nothing has changed. */
  readonly before: Idl | undefined;
}

/** Loads the IDL of a config; undefined after an error, which was reported. */
export function loadIdl(config: YamlValue<Config>, { report, reading, before }: LoadIdlContext): Idl | undefined {
  const { value, at } = config;
  const { files, include, links, allowNegativeKeys, rules } = value.schema;
  // Files that come may be found before those that were read last time.
  for (const path of [...files, ...include]) reading(path);
  if (!checkPaths(value.schema, faultIn(config, report))) return undefined;

  const hash = createHash("sha256").update(JSON.stringify(value.schema));
  const read = (path: string, bytes: Uint8Array) => void hash.update(`\n${path} ${bytes.byteLength}\n`).update(bytes);
  const packages = new Map(Object.entries(value.schema.packages));
  const given = loadSchema(files, { includeDirs: include, allowNegativeKeys, packages, reading, read }, report);
  if (!given) return undefined;
  const fingerprint = hash.digest("hex");
  if (before?.fingerprint === fingerprint) return before;

  let wrong = false;
  const reportWrong: Report = (diagnostic) => {
    wrong = true;
    report(diagnostic);
  };
  checkPackages(given, [...packages.keys()], () => at(["schema", "packages"]), reportWrong);
  const schema = applyRules(given, readOverrides(rules, ["schema", "rules"], at), reportWrong);
  if (!wrong) checkLinks(value.schema, schema, faultIn(config, reportWrong));
  return wrong ? undefined : { schema, linked: linkSchema(schema, { pairs: links }, report), fingerprint };
}

/** The names of the services that a schema has on one wire. */
export function serviceNames(schema: Schema, wire: Wire): readonly string[] {
  return [...schema.services]
    .filter(([, services]) => services.some((service) => service.wire === wire))
    .map(([name]) => name);
}

/** Whether every file and folder is there. */
function checkPaths({ files, include }: Config["schema"], fault: Fault): boolean {
  const missing = (paths: readonly string[]) => [...paths.entries()].filter(([, path]) => !existsSync(path));
  const [missingFiles, missingFolders] = [missing(files), missing(include)];
  for (const [i, path] of missingFiles) fault(["schema", "files", i], `there is no such file: ${path}`);
  for (const [i, path] of missingFolders) fault(["schema", "include", i], `there is no such folder: ${path}`);
  return missingFiles.length + missingFolders.length === 0;
}

/** Says of every pair whether it names services that are loaded. */
function checkLinks({ links }: Config["schema"], schema: Schema, fault: Fault): void {
  for (const [i, link] of links.entries()) {
    for (const wire of ["thrift", "protobuf"] as const) {
      const known = serviceNames(schema, wire);
      if (!known.includes(link[wire])) {
        fault(["schema", "links", i, wire], unknownName(`${wire} service`, link[wire], known));
      }
    }
  }
}
