// The endpoints of local instances beside those that somebody else knows of.
import type { Endpoint, Endpoints, Resolver } from "../rpc/endpoint.ts";

/**
 * Joins two resolvers; of two endpoints of one name the local one stands. `isPublished` tells which of the others' endpoints
 * are local instances as the registry has them, which are left out: they are called here directly.
 */
export function joinResolvers(
  local: Resolver,
  others: Resolver,
  isPublished: (endpoint: Endpoint) => boolean,
): Resolver {
  return {
    watch(upstream, changed) {
      let [here, elsewhere]: [Endpoints, Endpoints] = [NOTHING, NOTHING];
      let begun = false;
      const tell = (): void => {
        if (begun) changed(join(here, elsewhere, isPublished));
      };
      const stopHere = local.watch(upstream, (endpoints) => {
        here = endpoints;
        tell();
      });
      const stopElsewhere = others.watch(upstream, (endpoints) => {
        elsewhere = endpoints;
        tell();
      });
      begun = true;
      tell();
      return () => {
        stopHere();
        stopElsewhere();
      };
    },
  };
}

const NOTHING: Endpoints = { kind: "unknown", endpoints: [] };

function join(here: Endpoints, elsewhere: Endpoints, isPublished: (endpoint: Endpoint) => boolean): Endpoints {
  if (here.endpoints.length === 0 && !elsewhere.endpoints.some(isPublished)) return elsewhere;
  const names = new Set(here.endpoints.map(({ name }) => name));
  const rest = elsewhere.endpoints.filter((endpoint) => !names.has(endpoint.name) && !isPublished(endpoint));
  const kind = elsewhere.kind === "unknown" && names.size > 0 ? "known" : elsewhere.kind;
  return { kind, endpoints: [...here.endpoints, ...rest] };
}
