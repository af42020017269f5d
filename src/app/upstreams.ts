// The stacks of a config's upstreams, with the clients that they call by. Those that a new config leaves as they are go on,
// connections and all.
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Codec, Limits } from "../codec/codec.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { UpstreamConfig } from "../config.ts";
import type { DegradeSwitches } from "../governance/degrade.ts";
import type { EndpointStates } from "../governance/endpoint-state.ts";
import type { HealthCheckPolicy } from "../governance/health-check-policy.ts";
import { createLazyStack, type LazyStack } from "../governance/lazy-stack.ts";
import { createUpstreamStack, type Handlers } from "../governance/pipeline.ts";
import type { SharedLimits } from "../governance/shared-rate-limit.ts";
import type { Trace } from "../governance/trace.ts";
import { connectGrpc } from "../outbound/grpc-client.ts";
import { connectHttp, type HttpProtocol } from "../outbound/http-upstream.ts";
import { connectSidecar } from "../outbound/sidecar-client.ts";
import { connectThrift, type ThriftUpstreamOptions } from "../outbound/thrift-client.ts";
import { createTlsDialer } from "../outbound/tls-dialer.ts";
import type { Connect } from "../rpc/connect.ts";
import type { Endpoint, Resolver } from "../rpc/endpoint.ts";
import type { HealthProbe, ProbeKind } from "../rpc/health-check.ts";
import type { BodyLink, LinkedSchema } from "../schema/link.ts";
import type { CheckedConfig } from "./check-config.ts";
import { createHealthProbe } from "./health-probe.ts";
import { codecOf } from "./upstream-codec.ts";

/** One upstream as it runs. */
export interface Upstream {
  readonly options: UpstreamConfig;
  readonly linked: LinkedSchema;
  readonly limits: Limits;
  readonly stack: LazyStack;
}

export interface UpstreamsContext {
  /** Undefined where nothing is traced. */
  readonly trace?: Trace | undefined;
  readonly resolver: Resolver;
  /** Where this sidecar is. */
  readonly zone: string | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Where limits are kept that sidecars share; undefined without a Redis. */
  readonly shared: SharedLimits | undefined;
  /** What operators have switched by hand. */
  readonly switches: DegradeSwitches;
  /** The upstream of a name in the config that is in force when it is asked for. */
  readonly upstreamOf: (name: string) => Handlers | undefined;
}

/**
 * The upstreams of a config by name. One that `before` has with the same options and IDL is that very one; one whose options
 * have changed knows of its endpoints what the one before knew. Whoever is in `before` and not in the result is the
 * caller's to close. What it throws leaves nothing open that was not before.
 */
export function createUpstreams(
  { config, linked }: CheckedConfig,
  before: ReadonlyMap<string, Upstream>,
  context: UpstreamsContext,
): ReadonlyMap<string, Upstream> {
  const { limits } = config;
  const upstreams = new Map<string, Upstream>();
  try {
    for (const [name, options] of Object.entries(config.upstreams)) {
      const known = before.get(name);
      const isSame =
        known?.linked === linked &&
        isDeepStrictEqual(known.limits, limits) &&
        // The resolver says where its endpoints are.
        isDeepStrictEqual({ ...known.options, endpoints: [] }, { ...options, endpoints: [] });
      if (isSame) {
        upstreams.set(name, known);
        continue;
      }
      const upstream = { options, linked, limits };
      upstreams.set(name, { ...upstream, stack: createStack(name, upstream, known?.stack.states(), context) });
    }
  } catch (error) {
    closeUpstreams(upstreams, before).catch(() => {});
    throw error;
  }
  return upstreams;
}

/** Closes those of `upstreams` that are not in `kept`, when their calls in flight are done. */
export async function closeUpstreams(
  upstreams: ReadonlyMap<string, Upstream>,
  kept: ReadonlyMap<string, Upstream> | undefined,
): Promise<void> {
  const gone = [...upstreams].filter(([name, upstream]) => kept?.get(name) !== upstream);
  await Promise.all(gone.map(([, { stack }]) => stack.close()));
}

function createStack(
  name: string,
  { options, linked, limits }: Omit<Upstream, "stack">,
  states: EndpointStates | undefined,
  { resolver, zone, log, clock, switches, shared, upstreamOf, trace }: UpstreamsContext,
): LazyStack {
  // Now, as credentials that cannot be used are the config's fault and no call's.
  const connect = connectOf(options, limits, clock, log);
  const newProbe = options.healthCheck && probesOf(options, limits, clock, log);
  const firstService = options.services[0] ?? options.opaqueServices[0] ?? "";
  const health = newProbe && {
    log,
    newProbe: (endpoint: Endpoint, policy: HealthCheckPolicy) => {
      const probe = policy.kind === "thrift" ? { ...policy, service: policy.service || firstService } : policy;
      return newProbe(endpoint, probe, policy.timeoutMs);
    },
  };
  const build = (states: EndpointStates) =>
    createUpstreamStack(name, options, {
      links: linked.methods,
      compile: (body: BodyLink, from: Codec, to: Codec) => compileTranscoder(body, from, to, limits),
      clock,
      random: Math.random,
      switches,
      shared,
      upstreamOf,
      resolver,
      zone,
      maxMessageBytes: limits.maxBytes,
      codec: codecOf(options),
      wire: options.protocol,
      isGrpc: options.protocol === "grpc",
      hasStreams: hasStreams(options),
      connect,
      states,
      health,
      trace,
    });
  return createLazyStack(name, { resolver, subset: options.balance.subset, states, build });
}

/** Whether an upstream is the application beside the sidecar, which other sidecars' calls are for. */
export function isLocal({ local, discovery }: UpstreamConfig): boolean {
  return local || discovery === "local";
}

const ENVELOPES = { "thrift-binary": "strict", "thrift-compact": "compact", protobuf: "kitex-protobuf" } as const;
const FRAMINGS = {
  "thrift-framed": "framed",
  "thrift-unframed": "unframed",
  theader: "theader",
  ttheader: "ttheader",
} as const;

/** Whether an upstream's wire has streams. */
function hasStreams({ protocol }: UpstreamConfig): boolean {
  return protocol === "grpc" || protocol === "sidecar";
}

/** How the endpoints of an upstream are called. Throws a CredentialsError when files of TLS cannot be used. */
export function connectOf(options: UpstreamConfig, { maxBytes, maxDepth }: Limits, clock: Clock, log: Log): Connect {
  switch (options.protocol) {
    case "grpc":
      return connectGrpc({ ...options, maxMessageBytes: maxBytes }, clock, log);
    case "sidecar": {
      const envelope = ENVELOPES[options.codec];
      const bounds = { maxFrameBytes: maxBytes, maxMessageBytes: maxBytes, maxDepth };
      return connectSidecar({ ...options, ...bounds, envelope, zlib: false, multiplexed: false }, clock, log);
    }
    case "thrift-http":
    case "connect":
    case "http-json":
    case "fastcgi":
      return connectHttp({ ...options, maxMessageBytes: maxBytes, maxDepth }, clock, log);
    default:
      return connectThrift(thriftWireOf(options, maxBytes, maxDepth), clock, log);
  }
}

/** Checks are as far apart as they are: none waits for a connection that was refused before. */
const NO_BACK_OFF = { initialMs: 1, maxMs: 1 };

/**
 * How endpoints of an upstream are checked, over connections that are not the calls'. Throws a CredentialsError when files of
 * TLS cannot be used.
 */
export function probesOf(
  options: UpstreamConfig,
  limits: Limits,
  clock: Clock,
  log: Log,
): (endpoint: Endpoint, probe: ProbeKind, timeoutMs: number) => HealthProbe {
  const connect = connectOf({ ...options, reconnect: NO_BACK_OFF }, limits, clock, log);
  const tls = options.tls && createTlsDialer(options.tls, undefined, log);
  const context = { connect, tls, codec: codecOf(options), clock };
  return (endpoint, probe, timeoutMs) => createHealthProbe(endpoint, probe, timeoutMs, context);
}

function thriftWireOf(
  options: Exclude<UpstreamConfig, { protocol: "grpc" | "sidecar" | HttpProtocol }>,
  maxFrameBytes: number,
  maxDepth: number,
): ThriftUpstreamOptions {
  const [framing, envelope] = [FRAMINGS[options.protocol], ENVELOPES[options.codec]];
  return { zlib: false, maxCallsPerConnection: 1, ...options, framing, envelope, maxFrameBytes, maxDepth };
}
