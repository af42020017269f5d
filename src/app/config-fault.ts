// How a config is said to be wrong beyond its own shape.
import type { Report, Severity } from "../base/diagnostic.ts";
import { formatYamlPath, type YamlPath, type YamlValue } from "../base/yaml.ts";
import type { Config } from "../config.ts";

/** Says what is wrong with the value of `path`. */
export type Fault = (path: YamlPath, message: string, severity?: Severity) => void;

/** Faults at their place in the config, each behind its path. */
export function faultIn({ at }: YamlValue<Config>, report: Report): Fault {
  return (path, message, severity = "error") =>
    report({ severity, position: at(path), message: `${formatYamlPath(path)}: ${message}` });
}
