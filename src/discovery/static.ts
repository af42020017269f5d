// Endpoints that the config lists. They are known at once, and change only with the config.
import type { Endpoints, Resolver } from "../rpc/endpoint.ts";
import { type EndpointOption, endpointOf } from "./endpoint-option.ts";

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
  const watchers = new Map<string, Set<(endpoints: Endpoints) => void>>();
  const known = (upstream: string): Endpoints => ({
    kind: "known",
    endpoints: (all.get(upstream) ?? []).map((each) => endpointOf(upstream, each)),
  });

  return {
    watch(upstream, changed) {
      const those = watchers.get(upstream) ?? new Set();
      watchers.set(upstream, those.add(changed));
      changed(known(upstream));
      return () => {
        those.delete(changed);
        if (those.size === 0 && watchers.get(upstream) === those) watchers.delete(upstream);
      };
    },
    replace(endpoints) {
      const before = all;
      all = endpoints;
      for (const [upstream, those] of watchers) {
        if (JSON.stringify(before.get(upstream)) === JSON.stringify(all.get(upstream))) continue;
        for (const changed of those) changed(known(upstream));
      }
    },
  };
}
