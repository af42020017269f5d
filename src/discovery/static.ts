// Endpoints that stand in the config: known from the start, and they never change.
import { type Address, formatAddress } from "../base/address.ts";
import type { Endpoint, Resolver } from "../rpc/endpoint.ts";

/** A resolver for upstreams whose addresses are given; of any other upstream it knows that there are no endpoints. */
export function createStaticResolver(upstreams: ReadonlyMap<string, readonly Address[]>): Resolver {
  return {
    watch(upstream, changed) {
      const addresses = upstreams.get(upstream) ?? [];
      const endpoints: readonly Endpoint[] = addresses.map((address) => ({
        upstream,
        address,
        name: formatAddress(address),
      }));
      changed({ kind: "known", endpoints });
      return () => {};
    },
  };
}
