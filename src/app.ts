// The only wiring: a config becomes a schema, the schema a handler, and listeners give the handler its callers.
import { existsSync } from "node:fs";
import { Counter, collectDefaultMetrics, Registry } from "prom-client";
import { createAdminHandler } from "./admin/admin.ts";
import { createOwnServices, type OwnServices } from "./admin/own-services.ts";
import { type Address, formatAddress } from "./base/address.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import type { Report, Severity } from "./base/diagnostic.ts";
import type { Log } from "./base/log.ts";
import { formatYamlPath, unknownName, type YamlPath, type YamlValue } from "./base/yaml.ts";
import type { Codec, Limits } from "./codec/codec.ts";
import { compileTranscoder } from "./codec/transcode.ts";
import { type Config, type ListenerConfig, loadConfig, type UpstreamConfig } from "./config.ts";
import { checkCredentials } from "./credentials/check-credentials.ts";
import { createStaticResolver } from "./discovery/static.ts";
import { createEndpointStates } from "./governance/endpoint-state.ts";
import { createUpstreamStack, sidecarStack, type UpstreamStack } from "./governance/pipeline.ts";
import type { Route } from "./governance/route.ts";
import { unpack, unpackStream } from "./governance/unpack.ts";
import type { ListenerContext } from "./inbound/connection.ts";
import { createHttpListener } from "./inbound/http-listener.ts";
import { createLocalListener } from "./inbound/local-listener.ts";
import { connectGrpc } from "./outbound/grpc-client.ts";
import { connectThrift, type ThriftUpstreamOptions } from "./outbound/thrift-client.ts";
import { createDetailPrinter } from "./protocol/http/detail-json.ts";
import type { HttpHandler } from "./protocol/http/http.ts";
import { createHttpPort, type HttpPortContext } from "./protocol/http/http-port.ts";
import type { Connect, Resolver } from "./rpc/endpoint.ts";
import { createLookup } from "./rpc/resolve.ts";
import { type BodyLink, type LinkedSchema, linkSchema } from "./schema/link.ts";
import { loadSchema } from "./schema/load.ts";
import type { Schema, Wire } from "./schema/model.ts";
import { applyRules, checkPackages, readOverrides } from "./schema/overrides.ts";

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

/** An address that cannot be listened on: in use, not ours, or not permitted. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** A running sidecar. */
export interface App {
  /** In the order of the config, with the ports that the system chose where 0 was asked for. */
  readonly listeners: readonly { readonly kind: ListenerConfig["kind"]; readonly address: Address }[];
  /** Turns not ready, stops accepting, lets the calls in flight finish for at most `drainMs`, and closes everything. */
  close(): Promise<void>;
}

/** Starts a sidecar; rejects with a ListenError when an address cannot be had, and then nothing is left open. */
export async function createApp({ config, linked }: CheckedConfig, log: Log, clock: Clock = systemClock): Promise<App> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const resolver = resolverOf(config);
  const upstreams = createUpstreams(config, linked, resolver, log, clock);
  const carried = routesOf(config, linked, upstreams);
  const own = createOwnServices(config, { schema: linked.schema, routes: carried, resolver });
  const routes = new Map(carried);
  for (const [service, route] of ownRoutes(own, config.limits)) routes.set(service, route);
  const handlers = sidecarStack(config, { log, clock, random: Math.random, registry }, routes);
  // Our own first: of two services of one name the first is found.
  const services = [...own.services.map(({ service }) => service), ...[...linked.schema.services.values()].flat()];
  const failedHandshakes = new Counter({
    name: "causeway_tls_handshake_failures_total",
    help: "TLS handshakes of callers that failed.",
    registers: [registry],
  });
  const tlsFailed = () => failedHandshakes.inc();
  const context = { lookup: createLookup(services), services, ...handlers, log, clock, tlsFailed };
  const printDetail = createDetailPrinter(linked, config.limits);
  const admin = createAdminHandler({ isReady: () => ready, metrics: registry });
  const open: (OpenListener | undefined)[] = config.listeners.map(() => undefined);
  let ready = false;

  async function close(): Promise<void> {
    ready = false;
    own.stop();
    const listeners = open.filter((listener) => listener !== undefined);
    // The admin listener answers until the last call is done, so that whoever asks hears 503 instead of nothing.
    const [ofAdmin, ofCallers] = [listeners.filter(isAdmin), listeners.filter((listener) => !isAdmin(listener))];
    await Promise.all(ofCallers.map((listener) => listener.close(config.drainMs)));
    // What could not finish by now has lost its caller; an upstream that does not let go must not hold us.
    await within(CUT_MS, clock, Promise.all([...upstreams.values()].map((upstream) => upstream.close())));
    await Promise.all(ofAdmin.map((listener) => listener.close(ADMIN_DRAIN_MS)));
  }

  function openListener(options: ListenerConfig): Promise<OpenListener> {
    switch (options.kind) {
      case "local":
        return openLocal(options, config.limits, addressOfHttp(open), context);
      case "http":
        return openHttp(options, config.limits, { ...context, printDetail });
      case "admin":
        return openAdmin(options, admin, context);
    }
  }

  for (const [i, options] of httpFirst(config.listeners)) {
    try {
      open[i] = await openListener(options);
    } catch (error) {
      await close();
      const why = error instanceof Error ? error.message : String(error);
      throw new ListenError(`cannot listen on ${formatAddress(options.address)} (${options.kind}): ${why}`, {
        cause: error,
      });
    }
  }
  ready = true;
  own.start();
  const listeners = open.filter((listener) => listener !== undefined);
  return { listeners: listeners.map(({ kind, address }) => ({ kind, address })), close };
}

/** The listeners with their places in the config, HTTP's first: the local ones tell where it is. */
function httpFirst(listeners: readonly ListenerConfig[]): readonly (readonly [number, ListenerConfig])[] {
  const all = [...listeners.entries()];
  const isHttp = ([, { kind }]: readonly [number, ListenerConfig]): boolean => kind === "http";
  return [...all.filter(isHttp), ...all.filter((each) => !isHttp(each))];
}

function addressOfHttp(open: readonly (OpenListener | undefined)[]): string | undefined {
  const http = open.find((listener) => listener?.kind === "http");
  return http && formatAddress(http.address);
}

interface OpenListener {
  readonly kind: ListenerConfig["kind"];
  readonly address: Address;
  close(graceMs: number): Promise<void>;
}

/** What logs and metrics name as the upstream of calls that the sidecar answers itself. */
const SIDECAR = "sidecar";

const isAdmin = ({ kind }: OpenListener): boolean => kind === "admin";

/** Resolves when `work` is done or after `ms`, whichever comes first. */
async function within(ms: number, clock: Clock, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const stop = clock.after(ms, resolve);
  await Promise.race([work, late]);
  stop();
}

const CUT_MS = 1_000;
/** Scrapes and probes are short. */
const ADMIN_DRAIN_MS = 1_000;
/** Of every HTTP listener: on hyper-express the first one sets it for all. */
const MAX_HEADER_BYTES = 32_768;
const MAX_ADMIN_BODY_BYTES = 1_024;

async function openLocal(
  options: Extract<ListenerConfig, { kind: "local" }>,
  { maxBytes, maxDepth }: Limits,
  httpAddress: string | undefined,
  context: ListenerContext,
): Promise<OpenListener> {
  const listener = await createLocalListener(
    {
      ...options,
      defaultService: options.defaultService,
      httpAddress,
      maxDepth,
      maxFrameBytes: maxBytes,
      maxMessageBytes: maxBytes,
    },
    context,
  );
  return { kind: "local", address: listener.address, close: listener.close };
}

async function openHttp(
  options: Extract<ListenerConfig, { kind: "http" }>,
  { maxBytes }: Limits,
  context: HttpPortContext & ListenerContext,
): Promise<OpenListener> {
  const handler = createHttpPort({ ...options, maxMessageBytes: maxBytes }, context);
  const bounds = { maxBodyBytes: maxBytes, maxHeaderBytes: MAX_HEADER_BYTES };
  const { log, clock, tlsFailed } = context;
  const listener = await createHttpListener({ ...options, ...bounds }, handler, log, clock, tlsFailed);
  return { kind: "http", address: listener.address, close: listener.close };
}

async function openAdmin(
  options: Extract<ListenerConfig, { kind: "admin" }>,
  handler: HttpHandler,
  { log, clock, tlsFailed }: ListenerContext,
): Promise<OpenListener> {
  const bounds = { maxBodyBytes: MAX_ADMIN_BODY_BYTES, maxHeaderBytes: MAX_HEADER_BYTES };
  const listener = await createHttpListener({ ...options, ...bounds }, handler, log, clock, tlsFailed);
  return { kind: "admin", address: listener.address, close: listener.close };
}

/** What an upstream's calls are encoded in. */
function codecOf(options: UpstreamConfig): Codec {
  return options.protocol === "grpc" ? "protobuf" : options.codec;
}

const ENVELOPES = { "thrift-binary": "strict", "thrift-compact": "compact", protobuf: "kitex-protobuf" } as const;
const FRAMINGS = {
  "thrift-framed": "framed",
  "thrift-unframed": "unframed",
  theader: "theader",
  ttheader: "ttheader",
} as const;

function connectOf(options: UpstreamConfig, { maxBytes, maxDepth }: Limits, clock: Clock, log: Log): Connect {
  if (options.protocol === "grpc") return connectGrpc({ ...options, maxMessageBytes: maxBytes }, clock, log);
  return connectThrift(thriftWireOf(options, maxBytes, maxDepth), clock, log);
}

function thriftWireOf(
  options: Exclude<UpstreamConfig, { protocol: "grpc" }>,
  maxFrameBytes: number,
  maxDepth: number,
): ThriftUpstreamOptions {
  const [framing, envelope] = [FRAMINGS[options.protocol], ENVELOPES[options.codec]];
  return { zlib: false, maxCallsPerConnection: 1, ...options, framing, envelope, maxFrameBytes, maxDepth };
}

function resolverOf({ upstreams }: Config): Resolver {
  return createStaticResolver(new Map(Object.entries(upstreams).map(([name, { endpoints }]) => [name, endpoints])));
}

function createUpstreams(
  config: Config,
  linked: LinkedSchema,
  resolver: Resolver,
  log: Log,
  clock: Clock,
): ReadonlyMap<string, UpstreamStack> {
  const { limits } = config;
  const upstreams = Object.entries(config.upstreams);
  const compile = (body: BodyLink, from: Codec, to: Codec) => compileTranscoder(body, from, to, limits);
  const shared = { links: linked.methods, compile, clock, random: Math.random, resolver };
  const context = { ...shared, maxMessageBytes: limits.maxBytes };
  return new Map(
    upstreams.map(([name, options]) => {
      const connect = connectOf(options, limits, clock, log);
      const isGrpc = options.protocol === "grpc";
      const own = { codec: codecOf(options), isGrpc, connect, states: createEndpointStates() };
      return [name, createUpstreamStack(name, options, { ...context, ...own })];
    }),
  );
}

/** The ways to the services that are answered here, whose handlers read into messages. */
function ownRoutes({ services }: OwnServices, { maxBytes }: Limits): readonly (readonly [string, Route])[] {
  return services.map(({ service, handle, stream }) => [
    service.fullName,
    { upstream: SIDECAR, handle: unpack(maxBytes)(handle), handleStream: unpackStream(maxBytes)(stream) },
  ]);
}

/** Every service's way: those that an upstream names, and then the services that these are linked with. */
function routesOf(
  config: Config,
  { methods }: LinkedSchema,
  upstreams: ReadonlyMap<string, UpstreamStack>,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const [upstream, { services, opaqueServices }] of Object.entries(config.upstreams)) {
    const { handle, handleStream } = upstreams.get(upstream)!;
    for (const service of [...services, ...opaqueServices]) routes.set(service, { upstream, handle, handleStream });
  }
  const named = new Map(routes);
  for (const { thrift, protobuf } of methods.values()) {
    for (const [service, partner] of [
      [thrift.service, protobuf.service],
      [protobuf.service, thrift.service],
    ] as const) {
      const way = named.get(partner);
      if (way && !routes.has(service)) routes.set(service, way);
    }
  }
  return routes;
}
