// What the admin listener says of the traffic as it is now, and lets operators do to it.
import type { AdminPages } from "../admin/admin.ts";
import { createDegradePage } from "../admin/degrade-page.ts";
import { createExplainPage } from "../admin/explain-page.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { TurnableSwitches } from "../governance/degrade-switches.ts";
import type { Endpoints, Resolver } from "../rpc/endpoint.ts";
import { explainCall } from "./explain-call.ts";
import { hiddenExplanation } from "./hidden.ts";
import type { Traffic } from "./traffic.ts";

export interface TrafficPagesContext {
  readonly current: () => Traffic;
  readonly resolver: Resolver;
  readonly switches: TurnableSwitches;
  readonly log: Log;
  readonly clock: Clock;
}

/** The pages by their paths. */
export function trafficPages({ current, resolver, switches, log, clock }: TrafficPagesContext): AdminPages {
  const explain = createExplainPage((query) => {
    const { checked, upstreams, routes } = current();
    const explanation = explainCall(query, {
      ...checked,
      upstreamOfService: (service) => routes.get(service)?.upstream,
      endpointsOf: (upstream) => endpointsNow(upstream, resolver),
      statesOf: (upstream) => upstreams.get(upstream)?.stack.states(),
      nowMs: clock.nowMs(),
    });
    return typeof explanation === "string" ? explanation : hiddenExplanation(explanation);
  });
  const degrade = createDegradePage({
    rules: () =>
      Object.entries(current().checked.config.upstreams).flatMap(([upstream, { degrade }]) =>
        degrade.map(({ name, mode }) => ({ rule: `${upstream}/${name}`, mode })),
      ),
    switches,
    turned: (rule, mode) => log.warn({ rule, mode: mode ?? "config" }, "a degrade rule was switched by hand"),
  });
  return new Map(Object.entries({ "/explain": { GET: explain }, "/degrade": degrade }));
}

function endpointsNow(upstream: string, resolver: Resolver): Endpoints | undefined {
  let now: Endpoints | undefined;
  resolver.watch(upstream, (endpoints) => {
    now = endpoints;
  })();
  return now;
}
