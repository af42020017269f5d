// Whether a config holds with the IDL that it names: loaded, linked, and every name in it looked up. Nothing is started.
import { formatAddress } from "../base/address.ts";
import type { Report } from "../base/diagnostic.ts";
import { unknownName } from "../base/yaml.ts";
import { type Config, loadConfig } from "../config.ts";
import { checkCredentials } from "../credentials/check-credentials.ts";
import type { LinkedSchema } from "../schema/link.ts";
import type { Schema } from "../schema/model.ts";
import { checkPolicies } from "./check-policies.ts";
import { type Fault, faultIn } from "./config-fault.ts";
import { type FileMarks, markOf } from "./file-mark.ts";
import { type Idl, loadIdl, serviceNames } from "./load-idl.ts";

/** A config with the schema that it names, both without errors. */
export interface CheckedConfig {
  readonly config: Config;
  readonly idl: Idl;
  /** The linked schema of `idl`. */
  readonly linked: LinkedSchema;
}

export interface CheckConfigOptions {
  /** The IDL that is taken over when its files and options are the same. */
  readonly before?: Idl | undefined;
  /** Gets a mark of every file that was looked at, also when there are errors. */
  readonly marks?: FileMarks;
}

/**
 * Loads the config file at `path`, its IDL and the links between them, and listens nowhere. Undefined after an error;
 * everything that was found is reported, lossy items and warnings as errors when the config says `strict`.
 */
export async function checkConfig(
  path: string,
  report: Report,
  { before, marks = new Map() }: CheckConfigOptions = {},
): Promise<CheckedConfig | undefined> {
  let failed = false;
  let strict = false;
  const reportAll: Report = (diagnostic) => {
    const severity = strict ? "error" : diagnostic.severity;
    failed ||= severity === "error";
    report({ ...diagnostic, severity });
  };
  // A file that changes while it is read has another mark later.
  const reading = (file: string) => void (marks.has(file) || marks.set(file, markOf(file)));
  reading(path);
  const loaded = await loadConfig(path, reportAll);
  if (!loaded) return undefined;
  const { value: config } = loaded;
  strict = config.schema.strict;
  const idl = loadIdl(loaded, { report: reportAll, reading, before });
  if (!idl) return undefined;
  const { linked } = idl;
  const fault = faultIn(loaded, reportAll);
  checkServices(config, linked.schema, fault);
  checkPolicies(config, linked, fault);
  checkCredentials(config, fault);
  checkEndpoints(config, fault);
  return failed ? undefined : { config, idl, linked };
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

/** Whether no upstream is the sidecar itself: its calls would go round. */
function checkEndpoints({ upstreams, listeners }: Config, fault: Fault): void {
  const own = new Map([...listeners.entries()].map(([i, { address }]) => [formatAddress(address), i]));
  for (const [upstream, { endpoints = [] }] of Object.entries(upstreams)) {
    for (const [i, { address }] of endpoints.entries()) {
      const listener = own.get(formatAddress(address));
      if (listener === undefined) continue;
      const message = `${formatAddress(address)} is this sidecar's own listeners[${listener}]: its calls would come back`;
      fault(["upstreams", upstream, "endpoints", i], message);
    }
  }
}
