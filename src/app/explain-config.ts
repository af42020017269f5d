// What can be said of calls by a config alone, while no sidecar runs.
import { systemClock } from "../base/clock.ts";
import { endpointOf } from "../discovery/endpoint-option.ts";
import type { CheckedConfig } from "./check-config.ts";
import type { ExplainContext } from "./explain-call.ts";
import { upstreamsOfServices } from "./service-upstreams.ts";

/** The endpoints are those that the config lists, and of none is anything known. */
export function explainContextOf({ config, linked }: CheckedConfig): ExplainContext {
  const services = upstreamsOfServices(config, linked);
  return {
    config,
    linked,
    upstreamOfService: (service) => services.get(service),
    endpointsOf(upstream) {
      const endpoints = config.upstreams[upstream]?.endpoints;
      return endpoints && { kind: "known", endpoints: endpoints.map((each) => endpointOf(upstream, each)) };
    },
    statesOf: () => undefined,
    nowMs: systemClock.nowMs(),
  };
}
