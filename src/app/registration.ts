// The registration of local servers in a running sidecar: whether one fits the config, how it is checked, and as what it is
// made known to others.
import { hostname, networkInterfaces } from "node:os";
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { unknownName } from "../base/yaml.ts";
import type { Codec } from "../codec/codec.ts";
import type { Config, UpstreamConfig } from "../config.ts";
import { endpointOf } from "../discovery/endpoint-option.ts";
import {
  createLocalInstances,
  type InstanceFraming,
  type LocalInstance,
  type LocalInstances,
} from "../discovery/local-instances.ts";
import { publish } from "../discovery/publication.ts";
import type { Registrar } from "../rpc/endpoint.ts";
import type { LinkedSchema } from "../schema/link.ts";
import type { CheckedConfig } from "./check-config.ts";
import { codecOf } from "./upstream-codec.ts";
import { isLocal, probesOf } from "./upstreams.ts";

export interface RegistrationContext {
  readonly clock: Clock;
  readonly log: Log;
  /** The config at work. */
  readonly current: () => CheckedConfig;
  /** Where healthy instances are made known; undefined when there is no registry. */
  readonly registrar: Registrar | undefined;
  /** Where other sidecars reach this one; undefined when it takes no calls of others. */
  readonly provider: () => Address | undefined;
  /** Is told of an address that is in the registry from now on, and when it no longer is. */
  readonly published: (upstream: string, address: Address, isThere: boolean) => void;
}

/** The local instances of a sidecar. */
export function createRegistration(context: RegistrationContext): LocalInstances {
  const { clock, log, current, registrar, provider, published } = context;
  return createLocalInstances(current().config.registration, {
    clock,
    log,
    random: Math.random,
    check: (instance) => checkInstance(instance, current()),
    connect(instance) {
      const { config } = current();
      const options = config.upstreams[instance.upstream]!;
      const { probe, timeoutMs } = instance.healthCheck;
      const newProbe = probesOf(options, config.limits, clock, log);
      return newProbe(endpointOf(instance.upstream, instance), probe, timeoutMs);
    },
    publish(id, instance, leaseMs) {
      if (!registrar) return undefined;
      const { upstream, weight, labels } = instance;
      const address = publishedAddress(instance, current().config, provider());
      // Two hosts may have servers at the same loopback address.
      const name = `${hostname()}-${id}`.replace(/[^\w.-]/g, "_").slice(-128);
      published(upstream, address, true);
      const publication = publish(registrar, { id: name, upstream, address, weight, labels, leaseMs }, clock, log);
      return { end: () => publication.end().finally(() => published(upstream, address, false)) };
    },
  });
}

/**
 * Where others reach an instance of this host: at the provider listener, which sends their calls on to applications of
 * this host; without one, or where it has none of this upstream's, at the instance itself.
 */
function publishedAddress(
  { address, upstream }: LocalInstance,
  { upstreams }: Config,
  provider: Address | undefined,
): Address {
  const options = upstreams[upstream];
  return provider && options && isLocal(options) ? onThisHost(provider) : address;
}

/** Who listens on all addresses is told to others by one of them. */
function onThisHost(address: Address): Address {
  if (address.kind === "unix" || !["0.0.0.0", "::"].includes(address.host)) return address;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const own = all.find(({ internal, family, scopeid }) => !internal && (family === "IPv4" || scopeid === 0));
  return own ? { ...address, host: own.address } : address;
}

/** What stands around the messages of an upstream, by its protocol. */
const FRAMINGS: Readonly<Record<UpstreamConfig["protocol"], InstanceFraming>> = {
  "thrift-framed": "framed",
  "thrift-unframed": "unframed",
  theader: "theader",
  ttheader: "ttheader",
  grpc: "grpc",
  "thrift-http": "http",
  connect: "http",
  "http-json": "http",
  sidecar: "ttheader",
  fastcgi: "fastcgi",
};

/** The codecs in which a call without arguments is known. */
const THRIFT_CHECKS: ReadonlySet<Codec> = new Set(["thrift-binary", "thrift-compact", "protobuf"]);

/** Throws a RpcError unless the instance can be called by what the config says of its upstream. */
function checkInstance(instance: LocalInstance, { config, linked }: CheckedConfig): void {
  const { upstream, codec, framing, address } = instance;
  const options = config.upstreams[upstream];
  if (!options) {
    const known = unknownName("upstream", upstream, Object.keys(config.upstreams));
    const key = `upstreams.${upstream}`;
    const missing = `expected ${key} in the sidecar's config, with a protocol, services, and discovery: local`;
    throw new RpcError("NOT_FOUND", `${known}; ${missing}`);
  }
  const wanted = { framing: FRAMINGS[options.protocol], codec: codecOf(options) };
  if ((framing !== undefined && framing !== wanted.framing) || (codec !== undefined && codec !== wanted.codec)) {
    const has = `${framing ?? wanted.framing} with ${codec ?? wanted.codec}`;
    throw new RpcError(
      "FAILED_PRECONDITION",
      `the instance speaks ${has}, and upstreams.${upstream} of the sidecar's config ${wanted.framing} with ${wanted.codec} (protocol: ${options.protocol}): expected the same`,
    );
  }
  const { kind } = instance.healthCheck.probe;
  if (kind === "grpc" && options.protocol !== "grpc") {
    throw new RpcError("INVALID_ARGUMENT", `healthCheck.grpc is for gRPC servers, not for ${options.protocol}`);
  }
  if (kind === "thrift" && !THRIFT_CHECKS.has(wanted.codec)) {
    throw new RpcError("INVALID_ARGUMENT", `healthCheck.thrift is not for servers that speak ${wanted.codec}`);
  }
  checkServices(instance, options, linked);
  if (!isOnThisHost(address)) {
    throw new RpcError("INVALID_ARGUMENT", "instance.address: expected a unix socket or an address of this host");
  }
}

/** An endpoint gets calls of all services of its upstream, so it must have them all; more are of no use to anybody. */
function checkServices({ services, upstream }: LocalInstance, options: UpstreamConfig, linked: LinkedSchema): void {
  if (services.length === 0) return;
  const partners = partnersOf(linked);
  const has = new Set(services.flatMap((service) => [service, ...(partners.get(service) ?? [])]));
  const missing = [...options.services, ...options.opaqueServices].filter((service) => !has.has(service));
  if (missing.length === 0) return;
  throw new RpcError(
    "FAILED_PRECONDITION",
    `the instance does not have ${missing.join(", ")}, which upstreams.${upstream} of the sidecar's config has: expected all of its services, or an upstream of their own for ${services.join(", ")}`,
  );
}

/** The services of the other wire by the name of each. */
function partnersOf({ methods }: LinkedSchema): ReadonlyMap<string, ReadonlySet<string>> {
  const partners = new Map<string, Set<string>>();
  const pair = (from: string, to: string) => partners.set(from, (partners.get(from) ?? new Set()).add(to));
  for (const { thrift, protobuf } of methods.values()) {
    pair(thrift.service, protobuf.service);
    pair(protobuf.service, thrift.service);
  }
  return partners;
}

function isOnThisHost(address: Address): boolean {
  if (address.kind === "unix") return true;
  const { host } = address;
  if (host === "localhost" || host === "::1" || /^127\./.test(host) || host === hostname()) return true;
  return Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === host));
}
