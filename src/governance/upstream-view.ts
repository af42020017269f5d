// What an operator sees of an upstream: its endpoints with what their calls have taught about them, as plain data.
import type { Connections } from "../rpc/connect.ts";
import type { Endpoints, Labels } from "../rpc/endpoint.ts";
import type { Candidate } from "./picker.ts";

/**
 * Whether an endpoint is called: `unhealthy` is what its health checks say, `open` its breaker's word for no, and `probing` for
 * one call that shall tell.
 */
export type EndpointHealth = "healthy" | "unhealthy" | "ejected" | "open" | "probing";

/** One endpoint, now. */
export interface EndpointView {
  readonly name: string;
  readonly health: EndpointHealth;
  /** What the health check that made it unhealthy said; absent while it is healthy. */
  readonly reason?: string;
  /** Attempts whose outcome is outstanding. */
  readonly inFlight: number;
  /** The moving average of its latency, before the first reply what balancing takes it for; absent where that does not ask. */
  readonly latencyMs?: number;
  /** Time until it may be called again, if it may not. */
  readonly outForMs?: number;
  readonly weight: number;
  /** Absent where it has none: 0. */
  readonly priority?: number;
  readonly labels: Labels;
  readonly connections?: Connections;
}

/** One upstream, now. */
export interface UpstreamView {
  /** What the endpoints are worth: `stale` when their registry is out of reach, `unknown` before its first answer. */
  readonly kind: Endpoints["kind"];
  readonly endpoints: readonly EndpointView[];
}

const NO_CONNECTIONS: Connections = { open: 0, connecting: 0, waiting: 0 };

/** What is known of one endpoint at `nowMs` on the monotonic clock. */
export function viewOf({ endpoint, state, handler }: Candidate, nowMs: number): EndpointView {
  const { breaker, outlier, health, load, inFlight } = state;
  const untilMs = breaker.openUntilMs ?? outlier.ejectedUntilMs;
  const connections = handler ? handler.connections?.() : NO_CONNECTIONS;
  return {
    name: endpoint.name,
    health: healthOf(state, nowMs),
    ...(health.reason !== undefined && { reason: health.reason }),
    inFlight,
    ...(Number.isFinite(load.atMs) && { latencyMs: Math.round(load.latencyMs * 1_000) / 1_000 }),
    ...(untilMs > nowMs && { outForMs: Math.ceil(untilMs - nowMs) }),
    weight: endpoint.weight ?? 1,
    ...(endpoint.priority !== undefined && { priority: endpoint.priority }),
    labels: endpoint.labels ?? {},
    ...(connections && { connections }),
  };
}

function healthOf({ breaker, outlier, health }: Candidate["state"], nowMs: number): EndpointHealth {
  if (!health.isHealthy) return "unhealthy";
  if (breaker.probing) return "probing";
  if (breaker.openUntilMs !== undefined) return "open";
  return outlier.ejectedUntilMs > nowMs ? "ejected" : "healthy";
}
