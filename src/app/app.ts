// The only wiring: a config becomes traffic, listeners give the traffic its callers, and a new config takes the place of the
// old one under them.
import { isDeepStrictEqual } from "node:util";
import { Counter, collectDefaultMetrics, Registry } from "prom-client";
import { type AdminProcess, createAdminHandler } from "../admin/admin.ts";
import { createRegistrationHandler } from "../admin/registration.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createDegradeSwitches } from "../governance/degrade-switches.ts";
import { type Handlers, sidecarStack } from "../governance/pipeline.ts";
import type { Side } from "../governance/route.ts";
import { registerUpstreamMetrics } from "../governance/upstream-metrics.ts";
import { createRedisLimits } from "../outbound/redis-limits.ts";
import type { HttpPortContext } from "../protocol/http/http-port.ts";
import type { Lookup } from "../rpc/resolve.ts";
import { type Method, methodsOf } from "../schema/model.ts";
import { createAdminViews, measuredUpstreams } from "./admin-views.ts";
import type { CheckedConfig } from "./check-config.ts";
import { createDiscovery } from "./discovery.ts";
import { type OpenListener, openListeners } from "./listeners.ts";
import { createTracing } from "./tracing.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { trafficPages } from "./traffic-pages.ts";

export { type CheckedConfig, checkConfig } from "./check-config.ts";
export { ListenError } from "./listeners.ts";
export { createReloader, type Reloader } from "./reload.ts";

/** A running sidecar. */
export interface App {
  /** In the order of the config, with the ports that the system chose where 0 was asked for. */
  readonly listeners: readonly Pick<OpenListener, "kind" | "side" | "address">[];
  /**
   * Takes a new config: calls from now on go by it, those in flight end by the old one, and upstreams that are the same keep
   * their connections. Returns the keys that had to stay as they were, because only a restart can change them. What it throws leaves all as it was.
   */
  reload(checked: CheckedConfig): readonly string[];
  /** Turns not ready, stops accepting, lets the calls in flight finish for at most `drainMs`, and closes everything. */
  close(): Promise<void>;
}

/** Starts a sidecar; rejects with a ListenError when an address cannot be had. What it rejects with leaves nothing open. */
export async function createApp(
  checked: CheckedConfig,
  log: Log,
  clock: Clock = systemClock,
  host: Host = { droppedLogLines: () => 0 },
): Promise<App> {
  const { config } = checked;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const open: (OpenListener | undefined)[] = config.listeners.map(() => undefined);
  const provider = () => open.find((listener) => listener?.side === "provider")?.address;
  const discovery = createDiscovery(checked, clock, log, provider);
  const tracing = await createTracing(config.tracing, clock, log);
  const switches = createDegradeSwitches();
  const upstreamOf = (name: string) => current.upstreams.get(name)?.stack;
  const shared = config.redis && createRedisLimits(config.redis, log);
  const context = {
    resolver: discovery,
    zone: config.zone,
    log,
    clock,
    switches,
    shared,
    upstreamOf,
    trace: tracing?.trace,
  };
  /** Whose IDL a method is of: a call goes by the config that its caller's bytes were first read by. */
  const owners = new WeakMap<Method, Traffic>();
  let current: Traffic;
  try {
    current = createTraffic(checked, undefined, context);
  } catch (error) {
    await closeBeneath();
    throw error;
  }
  own(current);
  /** Of those that were replaced, until their last call has ended. */
  const ending = new Set<Promise<void>>();

  /** What calls need and do not pass through. */
  async function closeBeneath(): Promise<void> {
    discovery.close();
    shared?.close();
    await within(CUT_MS, clock, Promise.all([tracing?.close()]));
  }

  function own(traffic: Traffic): void {
    for (const service of traffic.services) for (const method of methodsOf(service)) owners.set(method, traffic);
  }

  const inFront = sidecarStack(
    { ...config, accessLog: () => current.checked.config.accessLog, trace: tracing?.trace },
    { log, clock, random: Math.random, registry },
  );
  const handlersOf = (side: Side): Handlers =>
    inFront({
      handle: (call) => (owners.get(call.method) ?? current)[side].handle(call),
      handleStream: (call) => (owners.get(call.method) ?? current)[side].handleStream(call),
    });
  const handlers = handlersOf("caller");
  const lookup: Lookup = {
    grpc: (service, method) => current.lookup.grpc(service, method),
    thrift: (name, service) => current.lookup.thrift(name, service),
    kitexProtobuf: (name, service) => current.lookup.kitexProtobuf(name, service),
  };
  let port = httpPortOf(current);

  function httpPortOf({ lookup, services, printDetail }: Traffic): HttpPortContext & Handlers {
    return { lookup, services, printDetail, ...handlers, clock };
  }

  registerUpstreamMetrics(registry, () => measuredUpstreams(current.upstreams));
  new Counter({
    name: "causeway_log_lines_dropped_total",
    help: "Lines of the log that nobody read in time.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(host.droppedLogLines());
    },
  });
  const failedHandshakes = new Counter({
    name: "causeway_tls_handshake_failures_total",
    help: "TLS handshakes of callers that failed.",
    registers: [registry],
  });
  let ready = false;
  let closing = false;
  const isOpen = () => open.filter((listener) => listener !== undefined);

  /** Turns ready. What is not known by now may never be, and other upstreams can be called. */
  function begin(): void {
    if (closing) return;
    for (const doubt of discovery.doubts()) log.warn({}, doubt);
    ready = true;
    current.start();
  }

  async function close(): Promise<void> {
    closing = true;
    ready = false;
    current.stop();
    const withdrawn = discovery.local.withdraw();
    // The admin listener answers until the last call is done, so that whoever asks hears 503 instead of nothing.
    const [ofAdmin, ofCallers] = [isOpen().filter(isAdmin), isOpen().filter((listener) => !isAdmin(listener))];
    await Promise.all(ofCallers.map((listener) => listener.close(current.checked.config.drainMs)));
    // What could not finish by now has lost its caller; an upstream that does not let go must not hold us.
    await within(CUT_MS, clock, Promise.all([current.close(), ...ending, withdrawn]));
    await closeBeneath();
    await Promise.all(ofAdmin.map((listener) => listener.close(ADMIN_DRAIN_MS)));
  }

  function reload(next: CheckedConfig): readonly string[] {
    const before = current;
    discovery.update(next);
    try {
      current = createTraffic(next, before, context);
    } catch (error) {
      discovery.update(before.checked);
      throw error;
    }
    // Only now, as who was sent away does not come back by itself.
    discovery.local.checkAgain();
    own(current);
    port = httpPortOf(current);
    if (ready) current.start();
    const ended = before
      .close(current)
      .catch((error: unknown) => log.error({ error: String(error) }, "an upstream could not be closed"))
      .finally(() => ending.delete(ended));
    ending.add(ended);
    return NEED_RESTART.filter((key) => !isDeepStrictEqual(config[key], next.config[key]));
  }

  await within(config.discovery.waitMs, clock, discovery.ready);
  const admin = createAdminHandler({
    ...host,
    isReady: () => ready,
    doubts: discovery.doubts,
    metrics: registry,
    views: createAdminViews(() => current),
    more: trafficPages({ current: () => current, resolver: discovery, switches, log, clock }),
  });
  const registration = createRegistrationHandler(discovery.local);
  const tlsFailed = () => failedHandshakes.inc();
  try {
    const served = {
      ...handlers,
      provider: handlersOf("provider"),
      lookup,
      log,
      clock,
      tlsFailed,
      admin,
      registration,
      httpPort: () => port,
    };
    await openListeners(config, served, open);
  } catch (error) {
    await close();
    throw error;
  }
  if (discovery.doubts().length === 0) begin();
  else void within(config.discovery.waitMs, clock, discovery.answered()).then(begin);
  return { listeners: isOpen().map(({ kind, side, address }) => ({ kind, side, address })), reload, close };
}

/** What the process around a sidecar knows and can do. */
export interface Host extends AdminProcess {
  /** Lines of the log that were given up because nobody read them. */
  droppedLogLines(): number;
}

/** Keys of the config that a running sidecar does not change. */
const NEED_RESTART = [
  "listeners",
  "limits",
  "metrics",
  "tracing",
  "discovery",
  "registration",
  "name",
  "zone",
  "redis",
] as const;

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
