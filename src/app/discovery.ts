// Who knows the endpoints of each upstream: the config itself, the registry that it names, with what was last known in
// front of it, and the servers on this host that registered.
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { createCachedResolver } from "../discovery/cache.ts";
import { createDirectory } from "../discovery/directory.ts";
import { createDnsResolver, type DnsOptions } from "../discovery/dns.ts";
import { noteFirstAnswers } from "../discovery/first-answers.ts";
import { joinResolvers } from "../discovery/joined.ts";
import type { LocalInstances } from "../discovery/local-instances.ts";
import { openSnapshot } from "../discovery/snapshot.ts";
import { createStaticResolver, type StaticEndpoints } from "../discovery/static.ts";
import { createDnsLookup } from "../outbound/dns-lookup.ts";
import type { Endpoint, Resolver } from "../rpc/endpoint.ts";
import type { CheckedConfig } from "./check-config.ts";
import { createRegistration } from "./registration.ts";

/** The discovery of a running sidecar. */
export interface Discovery extends Resolver {
  /** The servers of this host. */
  readonly local: LocalInstances;
  /** Resolves when the directory was read once, or could not be; its upstreams are known from then on. */
  readonly ready: Promise<void>;
  /** Resolves when it is known of every upstream of the config where it is, from the registry or from what was remembered. */
  answered(): Promise<void>;
  /** What is not known of the upstreams of the config at work, in sentences; empty when all is. */
  doubts(): readonly string[];
  /** Takes the endpoints that a new config lists; `local` is to be checked again then. Where the registry is stays as it was. */
  update(checked: CheckedConfig): void;
  close(): void;
}

/** Watches the registries of a config until it is closed. `provider` says where other sidecars reach this one. */
export function createDiscovery(
  checked: CheckedConfig,
  clock: Clock,
  log: Log,
  provider: () => Address | undefined = () => undefined,
): Discovery {
  let current = checked;
  const { directory: directoryOptions, dns: dnsOptions, snapshot, cache } = checked.config.discovery;
  const fixed = createStaticResolver(staticEndpoints(checked.config));
  const directory = directoryOptions && createDirectory(directoryOptions, clock, log);
  const lookup = createDnsLookup(dnsOptions.servers);
  const dns = createDnsResolver(dnsNames(checked.config), dnsOptions, { lookup, clock, log, random: Math.random });
  const opened = snapshot === undefined ? undefined : openSnapshot(snapshot, clock, log);
  const cached = (source: Resolver) => createCachedResolver(source, cache, { clock, log, snapshot: opened });
  const [inDirectory, inDns] = [directory && cached(directory.resolver), cached(dns)];
  const published = createPublished();
  const local = createRegistration({
    clock,
    log,
    current: () => current,
    registrar: directory?.registrar,
    provider,
    published: published.note,
  });

  /** Who knows the endpoints of an upstream by the config at work. */
  function sourceOf(upstream: string): Resolver {
    const by = current.config.upstreams[upstream]?.discovery;
    if (by === undefined || by === "local") return fixed;
    return by === "directory" ? (inDirectory ?? fixed) : inDns;
  }

  const elsewhere: Resolver = { watch: (upstream, changed) => sourceOf(upstream).watch(upstream, changed) };
  const joined = noteFirstAnswers(joinResolvers(local, elsewhere, published.has));
  const upstreams = () => Object.keys(current.config.upstreams);
  return {
    local,
    answered: () => joined.all(upstreams()),
    doubts: () =>
      DOUBTS.flatMap(([kind, text]) => {
        const all = joined.of(kind, upstreams());
        return all.length > 0 ? [`${text}: ${listed(all)}`] : [];
      }),
    ready: directory?.resolver.firstScan ?? Promise.resolve(),
    watch: joined.watch,
    update(next) {
      current = next;
      fixed.replace(staticEndpoints(next.config));
      dns.replace(dnsNames(next.config));
    },
    close() {
      local.close();
      for (const each of [inDirectory, inDns]) each?.close();
      directory?.resolver.close();
      dns.close();
    },
  };
}

const DOUBTS = [
  ["unknown", "nothing is known yet of the endpoints of"],
  ["stale", "the registry is out of reach, and what was known last is used, for"],
] as const;

function listed(names: readonly string[]): string {
  return `${names.slice(0, MAX_LISTED).join(", ")}${names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : ""}`;
}

const MAX_LISTED = 20;

/** What of the registry is this host's: it is called here, without the registry. */
function createPublished() {
  const names = new Map<string, Set<string>>();
  return {
    has: ({ upstream, name }: Endpoint): boolean => names.get(upstream)?.has(name) ?? false,
    note(upstream: string, address: Endpoint["address"], isThere: boolean): void {
      const those = names.get(upstream) ?? new Set();
      if (isThere) names.set(upstream, those.add(formatAddress(address)));
      else those.delete(formatAddress(address));
    },
  };
}

function staticEndpoints({ upstreams }: Config): StaticEndpoints {
  return new Map(Object.entries(upstreams).map(([name, { endpoints }]) => [name, endpoints ?? []]));
}

/** The upstreams whose endpoints are in DNS, with their names there. */
function dnsNames({ upstreams }: Config): ReadonlyMap<string, DnsOptions> {
  const names = new Map<string, DnsOptions>();
  for (const [upstream, { discovery }] of Object.entries(upstreams)) {
    if (typeof discovery === "object") names.set(upstream, discovery.dns);
  }
  return names;
}
