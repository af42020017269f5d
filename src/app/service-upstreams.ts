// Which upstream has which service.
import type { Config } from "../config.ts";
import type { LinkedSchema } from "../schema/link.ts";

/** The upstream of every service: of those that it names, and then of the services that these are linked with. */
export function upstreamsOfServices(
  { upstreams }: Pick<Config, "upstreams">,
  { methods }: Pick<LinkedSchema, "methods">,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [upstream, { services, opaqueServices }] of Object.entries(upstreams)) {
    for (const service of [...services, ...opaqueServices]) found.set(service, upstream);
  }
  const named = new Map(found);
  for (const { thrift, protobuf } of methods.values()) {
    for (const [service, partner] of [
      [thrift.service, protobuf.service],
      [protobuf.service, thrift.service],
    ] as const) {
      const upstream = named.get(partner);
      if (upstream !== undefined && !found.has(service)) found.set(service, upstream);
    }
  }
  return found;
}
