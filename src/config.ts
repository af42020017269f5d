// The config file: composes the options that modules export, fills every default, and reports all faults with their
// place. Nothing after it has a default.
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import { ownServicesOptions } from "./admin/own-services.ts";
import { formatAddress } from "./base/address.ts";
import type { Report } from "./base/diagnostic.ts";
import { parseYaml, unknownName, type YamlValue } from "./base/yaml.ts";
import type { Limits } from "./codec/codec.ts";
import { resolveTlsFiles } from "./credentials/tls-options.ts";
import { cacheOptions } from "./discovery/cache.ts";
import { directoryOptions } from "./discovery/directory.ts";
import { dnsClientOptions } from "./discovery/dns.ts";
import { registrationOptions } from "./discovery/local-instances.ts";
import { accessLogOptions } from "./governance/access-log.ts";
import { metricsOptions } from "./governance/metrics.ts";
import { upstreamsOfRule } from "./governance/route-rules.ts";
import { identityOptions } from "./governance/sidecar-hop.ts";
import { tracingOptions } from "./governance/trace.ts";
import { trafficPolicies } from "./governance/traffic-policies.ts";
import { listenerOptions } from "./inbound/listener-options.ts";
import { redisOptions } from "./outbound/redis-limits.ts";
import { upstreamOptions } from "./outbound/upstream-options.ts";
import { packagesOption, rulesOption } from "./schema/rules-option.ts";
import { serviceName } from "./schema/service-name.ts";

const schemaOptions = z.strictObject({
  files: z.array(z.string().min(1)).default([]).describe(".thrift and .proto files, relative to the config file"),
  include: z.array(z.string().min(1)).default([]).describe("folders where includes and imports are looked for"),
  links: z
    .array(z.strictObject({ thrift: serviceName, protobuf: serviceName }))
    .default([])
    .describe("services whose Thrift and Protobuf IDL were written apart"),
  strict: z.boolean().default(false).describe("whether lossy items and warnings are errors"),
  allowNegativeKeys: z
    .boolean()
    .default(false)
    .describe("whether Thrift ids below 1 are kept, as the Thrift compiler does with --allow-neg-keys"),
  rules: rulesOption.default({}),
  packages: packagesOption.default({}),
});

const reloadOptions = z
  .strictObject({
    breaking: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe("what becomes of changed IDL that would break callers or upstreams, by the rules of causeway diff"),
    everyMs: z
      .int()
      .min(100)
      .default(1_000)
      .describe("how often the config file and the IDL files are looked at for changes, in milliseconds"),
  })
  .describe("how a running sidecar takes a changed config");

const discoveryOptions = z
  .strictObject({
    directory: directoryOptions.optional(),
    dns: dnsClientOptions.prefault({}),
    snapshot: z
      .string()
      .min(1)
      .optional()
      .describe("file that the last known endpoints are kept in, for a start while the registry is away"),
    cache: cacheOptions.prefault({}),
    waitMs: z
      .int()
      .min(0)
      .default(5_000)
      .describe("longest time that a sidecar which starts is not ready for want of endpoints, in milliseconds"),
  })
  .describe("how endpoints are found that the config does not list");

const limits = z
  .strictObject({
    maxMessageBytes: z
      .int()
      .min(1_024)
      .max(268_435_456)
      .default(16_384_000) // the frame limit that Apache Thrift's libraries have
      .describe("most bytes of a message, on either side"),
    maxDepth: z.int().min(1).max(512).default(64).describe("deepest nesting of messages and containers"),
    maxElements: z.int().min(1).max(268_435_456).default(1_000_000).describe("most elements of one container"),
  })
  .transform(
    ({ maxMessageBytes, maxDepth, maxElements }): Limits => ({ maxBytes: maxMessageBytes, maxDepth, maxElements }),
  );

/** What a config file may say. */
const configSchema = z
  .strictObject({
    ...identityOptions,
    schema: schemaOptions.prefault({}),
    reload: reloadOptions.prefault({}),
    listeners: z
      .array(listenerOptions)
      .min(1)
      .prefault([{ kind: "local" }, { kind: "http" }, { kind: "admin" }])
      .superRefine((listeners, context) => {
        const seen = new Map<string, number>();
        for (const [i, { address }] of listeners.entries()) {
          const name = formatAddress(address);
          for (const key of ["mode", "owner", "group"] as const) {
            if (address.kind === "unix" || listeners[i]?.[key] === undefined) continue;
            const message = `${name} is no unix socket: only those have a ${key}`;
            context.addIssue({ code: "custom", path: [i, key], message });
          }
          const first = seen.get(name);
          if (first === undefined) seen.set(name, i);
          else if (address.kind === "unix" || address.port > 0) {
            context.addIssue({
              code: "custom",
              path: [i, "address"],
              message: `${name} is listeners[${first}]'s address`,
            });
          }
        }
      }),
    upstreams: z
      .record(z.string().min(1), upstreamOptions)
      .default({})
      .superRefine((upstreams, context) => {
        const owners = new Map<string, string>();
        for (const [name, upstream] of Object.entries(upstreams)) {
          for (const key of ["services", "opaqueServices"] as const) {
            for (const [i, service] of upstream[key].entries()) {
              const owner = owners.get(service);
              if (owner === undefined) owners.set(service, name);
              else {
                context.addIssue({
                  code: "custom",
                  path: [name, key, i],
                  message: `${service} is a service of upstreams.${owner} already: a service has one upstream`,
                });
              }
            }
          }
        }
      }),
    zone: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe("where this sidecar is: endpoints with the same label zone are called before others"),
    discovery: discoveryOptions.prefault({}),
    registration: registrationOptions.prefault({}),
    limits: limits.prefault({}),
    accessLog: accessLogOptions.prefault({}),
    metrics: metricsOptions.prefault({}),
    tracing: tracingOptions.optional(),
    ...trafficPolicies,
    redis: redisOptions.optional(),
    ...ownServicesOptions,
    drainMs: z
      .int()
      .min(0)
      .default(10_000)
      .describe("longest time for the calls in flight when the sidecar stops, in milliseconds"),
  })
  .superRefine(({ upstreams, redis }, context) => {
    if (redis) return;
    for (const [name, { rateLimit }] of Object.entries(upstreams)) {
      for (const [i, { shared }] of rateLimit.entries()) {
        if (!shared) continue;
        const message = "expected redis at the top of the config, which says where shared limits are kept";
        context.addIssue({ code: "custom", path: ["upstreams", name, "rateLimit", i, "shared"], message });
      }
    }
  })
  .superRefine(({ upstreams, routes }, context) => {
    const named = new Set<string>();
    for (const [name, { degrade }] of Object.entries(upstreams)) {
      for (const [i, { answer }] of degrade.entries()) {
        if (answer.upstream === undefined) continue;
        named.add(answer.upstream);
        if (Object.hasOwn(upstreams, answer.upstream) && answer.upstream !== name) continue;
        const others = Object.keys(upstreams).filter((each) => each !== name);
        const message = unknownName("other upstream", answer.upstream, others);
        context.addIssue({ code: "custom", path: ["upstreams", name, "degrade", i, "answer", "upstream"], message });
      }
    }
    for (const [i, rule] of routes.entries()) {
      for (const [path, upstream] of upstreamsOfRule(rule)) {
        named.add(upstream);
        if (Object.hasOwn(upstreams, upstream)) continue;
        const message = unknownName("upstream", upstream, Object.keys(upstreams));
        context.addIssue({ code: "custom", path: ["routes", i, ...path], message });
      }
    }
    for (const [name, { services, opaqueServices }] of Object.entries(upstreams)) {
      if (services.length + opaqueServices.length > 0 || named.has(name)) continue;
      const message =
        "expected at least one service in services or opaqueServices, or a route to it: nothing goes to an upstream without";
      context.addIssue({ code: "custom", path: ["upstreams", name], message });
    }
  })
  .superRefine(({ upstreams, discovery }, context) => {
    for (const [name, upstream] of Object.entries(upstreams)) {
      if (upstream.discovery !== "directory" || discovery.directory) continue;
      const message = "expected discovery.directory at the top of the config, which says where the directory is";
      context.addIssue({ code: "custom", path: ["upstreams", name, "discovery"], message });
    }
  });

/** A checked config with every default filled and every path relative to the working directory. */
export type Config = z.output<typeof configSchema>;

/** One upstream of a config. */
export type UpstreamConfig = Config["upstreams"][string];

/** One listener of a config. */
export type ListenerConfig = Config["listeners"][number];

/** Reads a config from YAML text; `file` names it, and paths in it are relative to it. Undefined after an error. */
export function parseConfig(text: string, file: string, report: Report): YamlValue<Config> | undefined {
  const parsed = parseYaml(text, file, configSchema, report);
  if (!parsed) return undefined;
  const resolve = (path: string) => (isAbsolute(path) ? path : join(dirname(file), path));
  const { schema, listeners, upstreams, discovery, ...others } = parsed.value;
  const { directory, snapshot } = discovery;
  const withTls = <Options extends ListenerConfig | UpstreamConfig>(options: Options): Options =>
    options.tls ? { ...options, tls: resolveTlsFiles(options.tls, resolve) } : options;
  const value: Config = {
    ...others,
    listeners: listeners.map(withTls),
    upstreams: shareEqual(
      Object.fromEntries(Object.entries(upstreams).map(([name, options]) => [name, withTls(options)])),
    ),
    discovery: {
      ...discovery,
      ...(directory && { directory: { ...directory, path: resolve(directory.path) } }),
      ...(snapshot !== undefined && { snapshot: resolve(snapshot) }),
    },
    schema: {
      ...schema,
      files: schema.files.map(resolve),
      include: schema.include.map(resolve),
      packages: Object.fromEntries(Object.entries(schema.packages).map(([file, name]) => [resolve(file), name])),
    },
  };
  return { ...parsed, value };
}

/** Policies of different upstreams that are equal become one object: ten thousand upstreams have few that differ. */
function shareEqual(upstreams: Config["upstreams"]): Config["upstreams"] {
  const known = new Map<string, unknown>();
  const shared = (value: unknown): unknown => {
    const key = JSON.stringify(value);
    if (!known.has(key)) known.set(key, value);
    return known.get(key);
  };
  for (const options of Object.values(upstreams)) {
    for (const key of SHAREABLE)
      if (options[key] !== undefined) Object.assign(options, { [key]: shared(options[key]) });
  }
  return upstreams;
}

/** No stack tells these apart by their identity, as it does with the limits of scopes. */
const SHAREABLE = ["retry", "balance", "failures", "outlier"] as const;

/** Reads the config file at `path`; undefined after an error, and all errors are reported. */
export async function loadConfig(path: string, report: Report): Promise<YamlValue<Config> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report({ severity: "error", position: { file: path, line: 1, column: 1 }, message: `cannot be read: ${why}` });
    return undefined;
  }
  return parseConfig(text, path, report);
}
