// Endpoints that the config lists. They are known at once, and change only with the config.
import type { Endpoints, Resolver } from "../rpc/endpoint.ts";
import { type EndpointOption, endpointOf } from "./endpoint-option.ts";
import { createWatchers } from "./watchers.ts";

/** The endpoints of each upstream by its name. */
export type StaticEndpoints = ReadonlyMap<string, readonly EndpointOption[]>;

/** A resolver of what it was told last. */
export interface StaticResolver extends Resolver {
  /** Puts these in the place of all that was known before. */
  replace(endpoints: StaticEndpoints): void;
}

/** Resolves upstreams by a list; an upstream that is not on it has no endpoints. */
export function createStaticResolver(initial: StaticEndpoints): StaticResolver {
  let all = initial;
  const watchers = createWatchers();
  const known = (upstream: string): Endpoints => ({
    kind: "known",
    endpoints: (all.get(upstream) ?? []).map((each) => endpointOf(upstream, each)),
  });

  return {
    watch(upstream, changed) {
      const stop = watchers.add(upstream, changed);
      changed(known(upstream));
      return stop;
    },
    replace(endpoints) {
      const before = all;
      all = endpoints;
      for (const upstream of [...watchers.upstreams()]) {
        if (JSON.stringify(before.get(upstream)) === JSON.stringify(all.get(upstream))) continue;
        watchers.tell(upstream, known);
      }
    },
  };
}
