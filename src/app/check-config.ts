// Whether a config holds with the IDL that it names: loaded, linked, and every name in it looked up. Nothing is started.
import { existsSync } from "node:fs";
import type { Report, Severity } from "../base/diagnostic.ts";
import { formatYamlPath, unknownName, type YamlPath, type YamlValue } from "../base/yaml.ts";
import { type Config, loadConfig } from "../config.ts";
import { checkCredentials } from "../credentials/check-credentials.ts";
import { type LinkedSchema, linkSchema } from "../schema/link.ts";
import { loadSchema } from "../schema/load.ts";
import type { Schema, Wire } from "../schema/model.ts";
import { applyRules, checkPackages, readOverrides } from "../schema/overrides.ts";

/** A config with the schema that it names, both without errors. */
export interface CheckedConfig {
  readonly config: Config;
  readonly linked: LinkedSchema;
}

/**
 * Loads the config file at `path`, its IDL and the links between them, and listens nowhere. Undefined after an error;
 * everything that was found is reported, lossy items and warnings as errors when the config says `strict`.
 */
export async function checkConfig(path: string, report: Report): Promise<CheckedConfig | undefined> {
  let failed = false;
  let strict = false;
  const reportAll: Report = (diagnostic) => {
    const severity = strict ? "error" : diagnostic.severity;
    failed ||= severity === "error";
    report({ ...diagnostic, severity });
  };
  const loaded = await loadConfig(path, reportAll);
  if (!loaded) return undefined;
  const { value: config } = loaded;
  strict = config.schema.strict;
  const { files, include, links, allowNegativeKeys, rules } = config.schema;
  const fault = faultIn(loaded, reportAll);
  if (!checkPaths(config.schema, fault)) return undefined;
  const packages = new Map(Object.entries(config.schema.packages));
  const given = loadSchema(files, { includeDirs: include, allowNegativeKeys, packages }, reportAll);
  if (!given) return undefined;
  let wrong = false;
  const reportWrong: Report = (diagnostic) => {
    wrong = true;
    reportAll(diagnostic);
  };
  checkPackages(given, [...packages.keys()], () => loaded.at(["schema", "packages"]), reportWrong);
  const schema = applyRules(given, readOverrides(rules, ["schema", "rules"], loaded.at), reportWrong);
  if (wrong || !checkLinks(config.schema, schema, fault)) return undefined;
  const linked = linkSchema(schema, { pairs: links }, reportAll);
  checkServices(config, linked.schema, fault);
  checkCredentials(config, fault);
  return failed ? undefined : { config, linked };
}

/** Says where the config is wrong beyond its own shape. */
type Fault = (path: YamlPath, message: string, severity?: Severity) => void;

function faultIn({ at }: YamlValue<Config>, report: Report): Fault {
  return (path, message, severity = "error") =>
    report({ severity, position: at(path), message: `${formatYamlPath(path)}: ${message}` });
}

/** Whether every file and folder is there. */
function checkPaths({ files, include }: Config["schema"], fault: Fault): boolean {
  const missing = (paths: readonly string[]) => [...paths.entries()].filter(([, path]) => !existsSync(path));
  const [missingFiles, missingFolders] = [missing(files), missing(include)];
  for (const [i, path] of missingFiles) fault(["schema", "files", i], `there is no such file: ${path}`);
  for (const [i, path] of missingFolders) fault(["schema", "include", i], `there is no such folder: ${path}`);
  return missingFiles.length + missingFolders.length === 0;
}

/** Whether every pair names services that are loaded. */
function checkLinks({ links }: Config["schema"], schema: Schema, fault: Fault): boolean {
  let good = true;
  for (const [i, link] of links.entries()) {
    for (const wire of ["thrift", "protobuf"] as const) {
      const known = serviceNames(schema, wire);
      if (known.includes(link[wire])) continue;
      fault(["schema", "links", i, wire], unknownName(`${wire} service`, link[wire], known));
      good = false;
    }
  }
  return good;
}

function checkServices({ upstreams, listeners }: Config, schema: Schema, fault: Fault): void {
  const opaque = new Set<string>();
  for (const [upstream, { services, opaqueServices }] of Object.entries(upstreams)) {
    for (const [i, service] of services.entries()) {
      if (schema.services.has(service)) continue;
      fault(["upstreams", upstream, "services", i], unknownName("service", service, [...schema.services.keys()]));
    }
    for (const [i, service] of opaqueServices.entries()) {
      const path = ["upstreams", upstream, "opaqueServices", i];
      opaque.add(service);
      if (schema.services.has(service)) fault(path, "its IDL is loaded: expected it in services");
      else
        fault(path, `its IDL is not loaded: calls of ${service} are forwarded as they come, untranslated`, "warning");
    }
  }
  for (const [i, listener] of listeners.entries()) {
    if (listener.kind === "admin" || listener.defaultService === undefined) continue;
    const known = [...serviceNames(schema, "thrift"), ...opaque];
    if (known.includes(listener.defaultService)) continue;
    fault(["listeners", i, "defaultService"], unknownName("service", listener.defaultService, known));
  }
}

function serviceNames(schema: Schema, wire: Wire): readonly string[] {
  return [...schema.services]
    .filter(([, services]) => services.some((service) => service.wire === wire))
    .map(([name]) => name);
}
