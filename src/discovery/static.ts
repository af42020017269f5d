// Endpoints that stand in the config: known from the start, and they never change.
import { type Address, formatAddress } from "../base/address.ts";
import type { Endpoint, Resolver } from "../rpc/endpoint.ts";

/** An endpoint as a config gives it. */
export interface StaticEndpoint {
  readonly address: Address;
  /** Its share of the calls relative to the others'. */
  readonly weight: number;
}

/** A resolver for upstreams whose endpoints are given; of any other upstream it knows that there are no endpoints. */
export function createStaticResolver(upstreams: ReadonlyMap<string, readonly StaticEndpoint[]>): Resolver {
  return {
    watch(upstream, changed) {
      const given = upstreams.get(upstream) ?? [];
      const endpoints: readonly Endpoint[] = given.map(({ address, weight }) => ({
        upstream,
        address,
        name: formatAddress(address),
        weight,
      }));
      changed({ kind: "known", endpoints });
      return () => {};
    },
  };
}
