// One of an upstream's endpoints for each attempt. The end of the upstream stack: what follows belongs to one endpoint.
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Handler } from "../rpc/call.ts";
import type { Connect, EndpointHandler } from "../rpc/connect.ts";
import type { Endpoints, Labels, Resolver } from "../rpc/endpoint.ts";
import { retryInfo } from "../rpc/retry-info.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import type { EndpointStates } from "./endpoint-state.ts";
import type { HealthChecks } from "./health-checks.ts";
import { createLevels, levelsOf } from "./levels.ts";
import type { Candidate, Picker } from "./picker.ts";
import { createPool, type Pool } from "./pool.ts";
import { noStreams } from "./route.ts";
import { createLabelReader, hasLabels } from "./subset.ts";
import { type UpstreamView, viewOf } from "./upstream-view.ts";

/** The balanced endpoints of one upstream. */
export interface Balance {
  /** Sends each attempt to an endpoint; UNAVAILABLE when there is none, or none that its breaker lets be called. */
  readonly handle: Handler;
  /** The same for streams. */
  readonly handleStream: StreamHandler;
  /** Whether no endpoint that the call may go to is there and healthy, and none is due to be asked whether it is again. */
  isDown(call: AnyCall): boolean;
  /** What is known of the upstream's endpoints now. */
  inspect(): UpstreamView;
  /** Stops watching and closes every endpoint's connections when their calls in flight are done. */
  close(): Promise<void>;
}

/** What the balance of an upstream needs. */
export interface BalanceContext {
  readonly resolver: Resolver;
  readonly connect: Connect;
  readonly states: EndpointStates;
  readonly clock: Clock;
  /** Builds the choice of all endpoints, and one more for each set of labels. */
  readonly newPicker: () => Picker;
  /** What the endpoints speak, for the access log. */
  readonly wire: string;
  /** The share of healthy endpoints below which ejected and unhealthy ones are used too. */
  readonly panicBelow: number;
  /** Undefined where endpoints are not checked; the balance's to stop. */
  readonly healthChecks?: HealthChecks | undefined;
  /** Labels without which an endpoint is left alone. */
  readonly subset: Labels;
  /** Where this sidecar is: endpoints there are preferred. Undefined where that makes no difference. */
  readonly zone: string | undefined;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/**
 * Chooses among the endpoints that `resolver` knows of `upstream`, or those of them with the labels that the call's route or its
 * own `cw-label-…` say; see pool.ts. An endpoint that stays keeps its connections when others come or go; one that goes
 * finishes its calls.
 */
export function createBalance(upstream: string, context: BalanceContext): Balance {
  const { resolver, connect, states, clock, newPicker, panicBelow, healthChecks, wire, zone, random } = context;
  const picker = newPicker();
  const labelsOf = createLabelReader();
  let known: Endpoints["kind"] = "unknown";
  let candidates: readonly Candidate[] = [];
  let all: Pool | undefined;
  /** By the labels of their endpoints; undefined where no endpoint has them. */
  let subsets = new WeakMap<Labels, { readonly pool: Pool | undefined }>();
  let labelled = false;
  let closed = false;
  const closing = new Set<Promise<void>>();

  function handlerOf(candidate: Candidate): EndpointHandler {
    candidate.handler ??= connect(candidate.endpoint);
    return candidate.handler;
  }

  function retire({ handler }: Candidate): void {
    if (!handler) return;
    const done = handler.close().finally(() => closing.delete(done));
    closing.add(done);
    // Nobody waits for it until the balance closes, and then its failure is reported.
    done.catch(() => {});
  }

  const stopWatching = resolver.watch(upstream, ({ kind, endpoints: given }) => {
    const endpoints = given.filter((endpoint) => hasLabels(endpoint, context.subset));
    const before = new Map(candidates.map((each) => [each.endpoint.name, each]));
    const after = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    known = kind;
    states.retain(new Set(after.keys()));
    candidates = [...after].map(([name, endpoint]) => {
      const kept = before.get(name);
      if (kept) return { ...kept, endpoint };
      const state = states.of(name, before.size > 0 ? clock.nowMs() : undefined);
      return { endpoint, state };
    });
    labelled = endpoints.some(({ labels }) => labels !== undefined);
    all = undefined;
    subsets = new WeakMap();
    for (const [name, each] of before) if (!after.has(name)) retire(each);
    healthChecks?.follow(candidates);
  });

  function poolFrom(members: readonly Candidate[], picker: Picker): Pool {
    const all = createPool(members, { states, picker, panicBelow });
    const levels = levelsOf(members, zone);
    if (levels.length < 2) return all;
    // When too few are healthy is the matter of all levels together.
    const poolOfLevel = (level: readonly Candidate[]) =>
      createPool(level, { states, picker: newPicker(), panicBelow: 0 });
    return createLevels({ levels: levels.map(poolOfLevel), all, panicBelow, random });
  }

  function poolOf(call: AnyCall): Pool | undefined {
    const wish = call.subset ?? (labelled ? labelsOf(call) : undefined);
    all ??= poolFrom(candidates, picker);
    if (wish === undefined) return all;
    let subset = subsets.get(wish);
    if (!subset) {
      const members = candidates.filter(({ endpoint }) => hasLabels(endpoint, wish));
      subset = { pool: members.length > 0 ? poolFrom(members, newPicker()) : undefined };
      subsets.set(wish, subset);
    }
    // What a route demands must be; what a call's labels ask for is had where it can be.
    return subset.pool ?? (call.subset ? undefined : all);
  }

  function next(call: AnyCall): Candidate | undefined {
    return poolOf(call)?.next(call, clock.turnMs());
  }

  function unavailable(call: AnyCall): RpcError {
    if (candidates.length === 0) return new RpcError("UNAVAILABLE", without(upstream, closed ? "closed" : known));
    const pool = poolOf(call);
    if (!pool) {
      const labels = Object.entries(call.subset ?? {}).map(([name, value]) => `${name}=${value}`);
      const message = `no endpoint of the upstream ${upstream} has the labels that the route ${call.facts.route ?? ""} demands`;
      return new RpcError("UNAVAILABLE", `${message}: ${labels.join(", ")}`);
    }
    const waitMs = Math.max(0, pool.staleAtMs() - clock.nowMs());
    const message = `the breakers of all ${pool.size} endpoints of the upstream ${upstream} are open`;
    if (!Number.isFinite(waitMs)) return new RpcError("UNAVAILABLE", message);
    return new RpcError("UNAVAILABLE", message, { retryAfterMs: waitMs, details: [retryInfo(waitMs)] });
  }

  /** The endpoint of one attempt, which is noted; undefined when there is none. */
  function attempt({ facts }: AnyCall, candidate: Candidate | undefined): Candidate | undefined {
    if (!candidate) return undefined;
    facts.endpoint = candidate.endpoint.name;
    facts.attempts++;
    facts.outbound = wire;
    return candidate;
  }

  return {
    handle(call) {
      const candidate = attempt(call, next(call));
      return candidate ? handlerOf(candidate).handle(call) : Promise.reject(unavailable(call));
    },
    handleStream(call) {
      const candidate = attempt(call, next(call));
      if (!candidate) return Promise.reject(unavailable(call));
      return handlerOf(candidate).handleStream?.(call) ?? Promise.reject(noStreams(call, upstream));
    },
    isDown: (call) => poolOf(call)?.isDown(clock.nowMs()) ?? true,
    inspect: () => ({ kind: known, endpoints: candidates.map((each) => viewOf(each, clock.nowMs())) }),
    async close() {
      if (!closed) {
        closed = true;
        stopWatching();
        healthChecks?.stop();
        const last = candidates;
        candidates = [];
        all = undefined;
        subsets = new WeakMap();
        last.forEach(retire);
      }
      await Promise.all(closing);
    },
  };
}

function without(upstream: string, state: Endpoints["kind"] | "closed"): string {
  switch (state) {
    case "closed":
      return `the sidecar is shutting down and has closed its connections to the upstream ${upstream}`;
    case "unknown":
      return `nothing is known of the endpoints of the upstream ${upstream} yet`;
    case "stale":
    case "known":
      return `the upstream ${upstream} has no endpoints`;
  }
}
