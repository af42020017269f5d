// One of an upstream's endpoints for each attempt. The end of the upstream stack: what follows belongs to one endpoint.
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Handler } from "../rpc/call.ts";
import type { Connect, Endpoints, Resolver } from "../rpc/endpoint.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import type { EndpointStates } from "./endpoint-state.ts";
import type { Candidate, Pick, Picker } from "./picker.ts";
import { noStreams } from "./route.ts";

/** The balanced endpoints of one upstream. */
export interface Balance {
  /** Sends each attempt to an endpoint; UNAVAILABLE when there is none, or none that its breaker lets be called. */
  readonly handle: Handler;
  /** The same for streams. */
  readonly handleStream: StreamHandler;
  /** Stops watching and closes every endpoint's connections when their calls in flight are done. */
  close(): Promise<void>;
}

export interface BalanceContext {
  readonly resolver: Resolver;
  readonly connect: Connect;
  readonly states: EndpointStates;
  readonly clock: Clock;
  readonly picker: Picker;
  /** The share of healthy endpoints below which ejected ones are used too. */
  readonly panicBelow: number;
}

/** What can be called, until `staleAtMs` or a change of a state. */
interface Choice {
  /** Undefined when no endpoint can be called. */
  readonly pick: Pick | undefined;
  /** Endpoints whose open breaker wants one call to learn whether they are back. */
  readonly probes: Candidate[];
  readonly staleAtMs: number;
  readonly changes: number;
}

/**
 * Chooses among the endpoints that `resolver` knows of `upstream`. Ejected endpoints are left out, unless fewer than
 * `panicBelow` of all are healthy; those with an open breaker get one call when a probe is due, and never a retry while
 * there are others. An endpoint that stays keeps its connections when others come or go; one that goes finishes its calls.
 */
export function createBalance(upstream: string, context: BalanceContext): Balance {
  const { resolver, connect, states, clock, picker, panicBelow } = context;
  let known: Endpoints["kind"] = "unknown";
  let candidates: readonly Candidate[] = [];
  let choice: Choice | undefined;
  /** Those that `choice.pick` was built from. */
  let usable: readonly Candidate[] = [];
  let closed = false;
  const closing = new Set<Promise<void>>();

  function retire({ handler }: Candidate): void {
    const done = handler.close().finally(() => closing.delete(done));
    closing.add(done);
    // Nobody waits for it until the balance closes, and then its failure is reported.
    done.catch(() => {});
  }

  const stopWatching = resolver.watch(upstream, ({ kind, endpoints }) => {
    const before = new Map(candidates.map((each) => [each.endpoint.name, each]));
    const after = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    known = kind;
    states.retain(new Set(after.keys()));
    candidates = [...after].map(([name, endpoint]) => {
      const kept = before.get(name);
      return kept ? { ...kept, endpoint } : { endpoint, state: states.of(name), handler: connect(endpoint) };
    });
    choice = undefined;
    usable = [];
    for (const [name, each] of before) if (!after.has(name)) retire(each);
  });

  function choose(nowMs: number): Choice {
    const probes: Candidate[] = [];
    const closedOnes: Candidate[] = [];
    let staleAtMs = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const { openUntilMs, probing } = candidate.state.breaker;
      if (openUntilMs === undefined) closedOnes.push(candidate);
      else if (!probing && openUntilMs <= nowMs) probes.push(candidate);
      else if (!probing) staleAtMs = Math.min(staleAtMs, openUntilMs);
    }
    const healthy = closedOnes.filter(({ state: { outlier } }) => outlier.ejectedUntilMs <= nowMs);
    for (const { state } of closedOnes) {
      const { ejectedUntilMs } = state.outlier;
      if (ejectedUntilMs > nowMs) staleAtMs = Math.min(staleAtMs, ejectedUntilMs);
    }
    const panic = healthy.length < candidates.length * panicBelow || healthy.length === 0;
    const next = panic ? closedOnes : healthy;
    // Turns and tables are kept while they can be.
    const same = next.length === usable.length && next.every((each, i) => each === usable[i]);
    const kept = same ? choice?.pick : undefined;
    const pick = next.length === 0 ? undefined : (kept ?? picker(next, nowMs));
    usable = next;
    return { pick, probes, staleAtMs, changes: states.changes };
  }

  function next(call: AnyCall): Candidate | undefined {
    const nowMs = clock.nowMs();
    if (!choice || choice.changes !== states.changes || nowMs >= choice.staleAtMs) choice = choose(nowMs);
    const { facts } = call;
    const { pick, probes } = choice;
    if (probes.length > 0 && (facts.attempts === 0 || !pick)) return probes.pop();
    if (!pick) return undefined;
    const last = facts.attempts > 0 ? usable.find(({ endpoint }) => endpoint.name === facts.endpoint) : undefined;
    return pick(call, last, nowMs);
  }

  function unavailable(): RpcError {
    if (candidates.length === 0) return new RpcError("UNAVAILABLE", without(upstream, closed ? "closed" : known));
    const waitMs = choice ? choice.staleAtMs - clock.nowMs() : Number.POSITIVE_INFINITY;
    const message = `the breakers of all ${candidates.length} endpoints of the upstream ${upstream} are open`;
    return new RpcError("UNAVAILABLE", message, Number.isFinite(waitMs) ? { retryAfterMs: Math.max(0, waitMs) } : {});
  }

  /** The endpoint of one attempt, which is noted; undefined when there is none. */
  function attempt({ facts }: AnyCall, candidate: Candidate | undefined): Candidate | undefined {
    if (!candidate) return undefined;
    facts.endpoint = candidate.endpoint.name;
    facts.attempts++;
    return candidate;
  }

  return {
    handle(call) {
      return attempt(call, next(call))?.handler.handle(call) ?? Promise.reject(unavailable());
    },
    handleStream(call) {
      const candidate = attempt(call, next(call));
      if (!candidate) return Promise.reject(unavailable());
      return candidate.handler.handleStream?.(call) ?? Promise.reject(noStreams(call, upstream));
    },
    async close() {
      if (!closed) {
        closed = true;
        stopWatching();
        const last = candidates;
        candidates = [];
        usable = [];
        choice = undefined;
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
