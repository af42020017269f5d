// The stacks that every call walks down, in request order, each layer with the reason for its place.
import type { Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Handler, Layer } from "../rpc/call.ts";
import type { Endpoint, Resolver } from "../rpc/endpoint.ts";
import type { HealthProbe } from "../rpc/health-check.ts";
import { stack } from "../rpc/stack.ts";
import type { StreamHandler, StreamLayer } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { type AccessLogContext, type AccessLogOptions, accessLog } from "./access-log.ts";
import { authorize } from "./authorize.ts";
import { type Balance, createBalance } from "./balance.ts";
import { pickerOf } from "./balance-policy.ts";
import { type BridgeContext, bridge } from "./bridge.ts";
import { type BridgeStreamContext, bridgeStreams } from "./bridge-stream.ts";
import { byMethod } from "./by-method.ts";
import { type ConcurrencyOptions, concurrencyLimit } from "./concurrency.ts";
import { deadline, streamDeadline } from "./deadline.ts";
import { type DegradeSwitches, degrade } from "./degrade.ts";
import { type EndpointStackContext, endpointStacks } from "./endpoint-stack.ts";
import { followLabels } from "./follow-labels.ts";
import type { HealthCheckPolicy } from "./health-check-policy.ts";
import { createHealthChecks, forgetHealthChecks, type HealthChecks } from "./health-checks.ts";
import { hedge } from "./hedge.ts";
import { compileIdempotence } from "./idempotence.ts";
import { injectFaults } from "./inject-faults.ts";
import { serveLoneMessages } from "./lone-message.ts";
import type { MethodPairs } from "./method-set.ts";
import { type MetricsOptions, metrics } from "./metrics.ts";
import { rateLimit } from "./rate-limit.ts";
import { retry } from "./retry.ts";
import { route, routeStream, type Side } from "./route.ts";
import { type RouteByRulesContext, routeByRules } from "./route-by-rules.ts";
import { compileRouteRules } from "./route-rules.ts";
import { compileScopes, type ScopedPolicies } from "./scoped-policies.ts";
import { type SharedLimits, sharedRateLimit } from "./shared-rate-limit.ts";
import { type IdentityOptions, sidecarHop } from "./sidecar-hop.ts";
import type { Trace } from "./trace.ts";
import type { TrafficPolicies } from "./traffic-policies.ts";
import { unpack } from "./unpack.ts";
import type { UpstreamPolicies } from "./upstream-policies.ts";
import type { UpstreamView } from "./upstream-view.ts";
import { watchCalls, watchStreams } from "./watch.ts";

/** The options of the layers that every call passes first. */
export interface SidecarStackOptions extends IdentityOptions {
  /** Asked at each call, as a new config may say otherwise. */
  readonly accessLog: () => AccessLogOptions;
  readonly metrics: MetricsOptions;
  /** Undefined where nothing is traced. */
  readonly trace?: Trace | undefined;
}

/** What the sidecar's stack works with. */
export interface SidecarStackContext extends AccessLogContext {
  readonly clock: Clock;
  readonly registry: Registry;
}

/** The ways of a call: of one message each way, or of any number. */
export interface Handlers {
  readonly handle: Handler;
  readonly handleStream: StreamHandler;
}

/** What every call passes once, whoever is called, before whatever `routes` makes of it after that. */
export function sidecarStack(
  options: SidecarStackOptions,
  context: SidecarStackContext,
): (routes: Handlers) => Handlers {
  const { clock, registry } = context;
  const counted = metrics(options.metrics, registry);
  const logged = accessLog(options.accessLog, context);
  const hop = sidecarHop(options);
  const { trace } = options;
  const labels = followLabels();
  const calls: Layer[] = [
    // Outermost: log and metrics must see what the caller gets, whoever below decided it.
    watchCalls([logged.calls, counted], clock),
    // Below the log, which tells the trace's id; above the rest, so that the call's span is as long as the call.
    ...(trace ? [trace.calls] : []),
    // Above the hop, behind which the application's calls look like those of sidecars.
    labels.calls,
    // Last: a call that goes round is refused, and whoever is called hears who calls.
    hop.calls,
  ];
  const streams: StreamLayer[] = [
    watchStreams([logged.streams, counted], clock),
    ...(trace ? [trace.streams] : []),
    labels.streams,
    hop.streams,
  ];
  // From the routes on everything belongs to one upstream.
  return ({ handle, handleStream }) => ({ handle: stack(calls, handle), handleStream: stack(streams, handleStream) });
}

/** What the stack of one config is built from. */
export interface TrafficStackContext extends Omit<RouteByRulesContext, "unpack">, BridgeStreamContext {
  readonly pairs: MethodPairs;
  readonly side: Side;
  readonly clock: Clock;
  /** Most bytes of a message that is unpacked for a rule that looks into it, or to be translated. */
  readonly maxMessageBytes: number;
}

/** What becomes of every call by one config, until it belongs to one upstream. */
export function trafficStack(
  { authorize: who, faults, routes }: TrafficPolicies,
  context: TrafficStackContext,
): Handlers {
  const { pairs, services, side } = context;
  const authorization = who && authorize(who, pairs);
  const injected = injectFaults(faults, context);
  const ways =
    routes.length === 0
      ? { handle: route(services, side), handleStream: routeStream(services, side) }
      : routeByRules(compileRouteRules(routes, pairs), { ...context, unpack: unpack(context.maxMessageBytes) });
  return {
    handle: stack(
      [
        // First: who may not call learns nothing of what is below, and costs it nothing.
        ...(authorization ? [authorization.calls] : []),
        // Above the route: no upstream is touched by what fails on purpose.
        ...(faults.length > 0 ? [injected.calls] : []),
      ],
      ways.handle,
    ),
    handleStream: stack(
      [
        ...(authorization ? [authorization.streams] : []),
        ...(faults.length > 0 ? [injected.streams] : []),
        // Last: streams are Protobuf from here on, whoever is called.
        bridgeStreams(context),
      ],
      ways.handleStream,
    ),
  };
}

/** What an upstream's stack is built from. */
export interface UpstreamStackContext extends BridgeContext, EndpointStackContext {
  readonly resolver: Resolver;
  /** What the upstream's endpoints speak, as its config calls it. */
  readonly wire: string;
  /** Whether the upstream's wire is gRPC's, which has compressed messages. */
  readonly isGrpc: boolean;
  /** Whether the upstream's wire has streams. */
  readonly hasStreams: boolean;
  /** Most bytes of a message that is unpacked for the other wires. */
  readonly maxMessageBytes: number;
  /** What operators have switched; undefined where they cannot. */
  readonly switches?: DegradeSwitches | undefined;
  /** The way to another upstream, for calls that this one cannot answer. */
  readonly upstreamOf?: ((name: string) => Handlers | undefined) | undefined;
  /** Where limits are kept that sidecars share; undefined without a store. */
  readonly shared?: SharedLimits | undefined;
  /** Where this sidecar is; undefined where that makes no difference. */
  readonly zone: string | undefined;
  /** How endpoints are checked; undefined where they never are. */
  readonly health?: HealthContext | undefined;
}

/** What health checks need of those who have sockets. */
export interface HealthContext {
  readonly newProbe: (endpoint: Endpoint, policy: HealthCheckPolicy) => HealthProbe;
  readonly log: Log;
}

const NO_SWITCHES: DegradeSwitches = { modeOf: () => undefined };

/** One upstream's stack, with the connections to its endpoints. */
export interface UpstreamStack extends Handlers {
  /** What is known of its endpoints now. */
  inspect(): UpstreamView;
  /** Closes the connections when the calls in flight are done. */
  close(): Promise<void>;
}

/** What every call to one upstream passes. */
export function createUpstreamStack(
  upstream: string,
  policies: UpstreamPolicies,
  context: UpstreamStackContext,
): UpstreamStack {
  const { clock, random, resolver, states } = context;
  const scopesOf = policies.policies.length > 0 ? compileScopes(policies, context.links) : undefined;
  const balance = createBalance(upstream, {
    resolver,
    states,
    clock,
    connect: endpointStacks(policies, context, scopesOf),
    newPicker: () => pickerOf(policies.balance, random),
    panicBelow: policies.balance.panicBelow,
    healthChecks: healthChecksOf(policies, context),
    subset: policies.balance.subset,
    zone: policies.balance.preferZone ? context.zone : undefined,
    random,
    wire: context.wire,
  });
  try {
    const handlers = aboveBalance(upstream, policies, context, scopesOf, balance);
    return { ...handlers, inspect: balance.inspect, close: balance.close };
  } catch (error) {
    // It watches already, and nobody else could end that.
    balance.close().catch(() => {});
    throw error;
  }
}

function healthChecksOf({ healthCheck }: UpstreamPolicies, context: UpstreamStackContext): HealthChecks | undefined {
  const { states, clock, random, health } = context;
  if (!healthCheck || !health) return forgetHealthChecks(states, clock);
  const newProbe = (endpoint: Endpoint) => health.newProbe(endpoint, healthCheck);
  return createHealthChecks(healthCheck, { states, clock, random, log: health.log, newProbe });
}

/** What a call passes before its endpoint is chosen. */
function aboveBalance(
  upstream: string,
  policies: UpstreamPolicies,
  context: UpstreamStackContext,
  scopesOf: ((method: Method) => Scope) | undefined,
  balance: Balance,
): Handlers {
  const { clock, random, states } = context;
  const { counts } = states;
  const rate = rateLimit(policies.rateLimit, { clock, counts, pairs: context.links });
  const shared = sharedRateLimit(policies.rateLimit, { clock, counts, pairs: context.links, shared: context.shared });
  const concurrency = policies.concurrency && concurrencyLimit(policies.concurrency, { clock, random, counts });
  const newScope = scopeStacks(balance, context);
  const scoped = scopesOf ? byScope(scopesOf, newScope) : newScope({ policies, scopes: [] });
  const degraded = degrade(upstream, policies.degrade, policies.failures, {
    ...context,
    switches: context.switches ?? NO_SWITCHES,
    upstreamOf: context.upstreamOf ?? (() => undefined),
    isDown: balance.isDown,
  });
  const handle = stack(
    [
      // First: what is answered here costs the upstream nothing, nor do its limits count it.
      ...(degraded ? [degraded.calls] : []),
      // Above all that does anything: a call too many must cost as little as can be.
      rate.calls,
      // Below the limits that are held here, which ask nobody.
      ...(shared ? [shared.calls] : []),
      // Below the rate, which says no without keeping count of calls; above all that takes time, to count it.
      ...(concurrency ? [concurrency.calls] : []),
    ],
    // From here on services and methods may have policies of their own.
    scoped.handle,
  );
  const handleStream = context.hasStreams
    ? stack(
        [
          ...(degraded ? [degraded.streams] : []),
          rate.streams,
          ...(shared ? [shared.streams] : []),
          ...(concurrency ? [concurrency.streams] : []),
        ],
        scoped.handleStream,
      )
    : serveLoneMessages(handle, upstream);
  return { handle, handleStream };
}

type Scope = ScopedPolicies<UpstreamPolicies>;

/** Sends each call down the stack of its method's policies, which methods with the same policies share. */
function byScope(scopesOf: (method: Method) => Scope, newScope: (scope: Scope) => Handlers): Handlers {
  const built = new Map<Scope, Handlers>();
  const stackOf = byMethod((method) => {
    const scope = scopesOf(method);
    const known = built.get(scope) ?? newScope(scope);
    built.set(scope, known);
    return known;
  });
  return {
    handle: (call) => stackOf(call.method).handle(call),
    handleStream: (call) => stackOf(call.method).handleStream(call),
  };
}

/** Builds what the calls of some methods pass. Where two share a policy they share what it counts, too. */
function scopeStacks(balance: Handlers, context: UpstreamStackContext): (scope: Scope) => Handlers {
  const { clock, random } = context;
  const { counts } = context.states;
  const counting = { clock, random, counts };
  const retriesOf = once((options: UpstreamPolicies["retry"]) => retry(options, counting));
  const limitsOf = once((options: ConcurrencyOptions) => concurrencyLimit(options, counting));
  return ({ policies, scopes }) => {
    const mayRunTwice = compileIdempotence(policies.retry.idempotent);
    const retries = retriesOf(policies.retry);
    const limits = scopes.flatMap(({ concurrency }) => (concurrency ? [limitsOf(concurrency)] : []));
    const handle = stack(
      [
        // Below the upstream's own, which counts these calls too.
        ...limits.map(({ calls }) => calls),
        // The bound holds for everything below, translation and all attempts together.
        deadline(policies, clock),
        // Above the bridge, which reads into messages; gRPC's servers unpack them themselves.
        ...(context.isGrpc ? [] : [unpack(context.maxMessageBytes)]),
        // Above the choice of an endpoint: one translation per call, and a bad request is blamed on nobody.
        bridge(context, policies.unknownFields),
        // Above the balance: each attempt chooses its endpoint anew.
        retries.calls,
        // Below the retry, which knows one attempt where here are two, and only waits for another when both have failed.
        ...(policies.hedge ? [hedge(policies.hedge, { clock, mayRunTwice, counts })] : []),
      ],
      // Last: from here on everything belongs to one endpoint.
      balance.handle,
    );
    // For the same reasons in the same order. A stream is not translated, and never goes twice at once.
    const streamLayers = [...limits.map(({ streams }) => streams), streamDeadline(policies, clock), retries.streams];
    return { handle, handleStream: stack(streamLayers, balance.handleStream) };
  };
}

/** Remembers what `build` makes of each options object. */
function once<O extends object, T>(build: (options: O) => T): (options: O) => T {
  const known = new Map<O, T>();
  return (options) => {
    const found = known.get(options) ?? build(options);
    known.set(options, found);
    return found;
  };
}
