// What the admin listener shows of a running sidecar, as plain data.
import type { AdminViews } from "../admin/admin.ts";
import { newUpstreamCounts } from "../governance/upstream-counts.ts";
import type { MeasuredUpstream } from "../governance/upstream-metrics.ts";
import { upstreamPolicies } from "../governance/upstream-policies.ts";
import { hidden, hiddenConfig } from "./hidden.ts";
import type { Traffic } from "./traffic.ts";
import type { Upstream } from "./upstreams.ts";
import { viewRoutes } from "./view-routes.ts";

/** Views of the config that `traffic` gives the calls of this moment. */
export function createAdminViews(traffic: () => Traffic): AdminViews {
  return {
    config: () => hiddenConfig(traffic().checked.config),
    endpoints: () => mapped(traffic().upstreams, ({ stack }) => stack.inspect()),
    routes: () => viewRoutes(traffic()),
    policies: () => mapped(traffic().upstreams, policiesOf),
  };
}

/**
 * What the metrics ask of each upstream that has been called, or of which it is not known where it is: the others would be
 * thousands of series that say nothing.
 */
export function* measuredUpstreams(
  upstreams: ReadonlyMap<string, Upstream>,
): Generator<readonly [string, MeasuredUpstream]> {
  for (const [name, { stack }] of upstreams) {
    const counts = stack.states()?.counts;
    if (counts) yield [name, { counts, view: stack.inspect }];
    else if (stack.inspect().kind !== "known") yield [name, { counts: newUpstreamCounts(), view: stack.inspect }];
  }
}

function mapped<V, T>(all: ReadonlyMap<string, V>, view: (value: V) => T): Readonly<Record<string, T>> {
  return Object.fromEntries([...all].map(([name, value]) => [name, view(value)]));
}

const POLICY_KEYS = new Set(Object.keys(upstreamPolicies));

function policiesOf({ options }: Upstream): unknown {
  return hidden(Object.fromEntries(Object.entries(options).filter(([key]) => POLICY_KEYS.has(key))));
}
