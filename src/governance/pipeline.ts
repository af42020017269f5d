// The stacks that every call walks down, in request order, each layer with the reason for its place. The endpoint stack
// is the outbound client alone.
import type { Clock } from "../base/clock.ts";
import type { Handler } from "../rpc/call.ts";
import type { Connect, Resolver } from "../rpc/endpoint.ts";
import { stack } from "../rpc/stack.ts";
import { type AccessLogContext, type AccessLogOptions, accessLog } from "./access-log.ts";
import { createBalance } from "./balance.ts";
import { type BridgeContext, bridge } from "./bridge.ts";
import { deadline } from "./deadline.ts";
import { type MetricsContext, type MetricsOptions, metrics } from "./metrics.ts";
import { type Route, route } from "./route.ts";

export interface SidecarStackOptions {
  readonly accessLog: AccessLogOptions;
  readonly metrics: MetricsOptions;
}

/** What every call passes once, whoever is called. */
export function sidecarStack(
  options: SidecarStackOptions,
  context: AccessLogContext & MetricsContext,
  routes: ReadonlyMap<string, Route>,
): Handler {
  return stack(
    [
      // Outermost: it must see what the caller gets, whoever below decided it.
      accessLog(options.accessLog, context),
      // Below the log, so that its own time is not counted; above the route, so that calls without one are.
      metrics(options.metrics, context),
    ],
    // Last: from here on everything belongs to one upstream.
    route(routes),
  );
}

export interface UpstreamStackContext extends BridgeContext {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly connect: Connect;
}

/** One upstream's stack, with the connections to its endpoints. */
export interface UpstreamStack {
  readonly handle: Handler;
  /** Closes the connections when the calls in flight are done. */
  close(): Promise<void>;
}

/** What every call to one upstream passes. */
export function createUpstreamStack(
  upstream: string,
  options: { readonly timeoutMs: number },
  context: UpstreamStackContext,
): UpstreamStack {
  const balance = createBalance(upstream, context.resolver, context.connect);
  const handle = stack(
    [
      // First: the bound holds for everything below, translation and all attempts together.
      deadline(options, context.clock),
      // Above the choice of an endpoint: one translation per call, and a bad request is blamed on nobody.
      bridge(context),
    ],
    // Last: from here on everything belongs to one endpoint.
    balance.handle,
  );
  return { handle, close: balance.close };
}
