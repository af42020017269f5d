// Who knows the endpoints of each upstream: the config itself, or the registry that it names, with what was last known in
// front of it.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { createCachedResolver } from "../discovery/cache.ts";
import { createDirectory } from "../discovery/directory.ts";
import { openSnapshot } from "../discovery/snapshot.ts";
import { createStaticResolver, type StaticEndpoints } from "../discovery/static.ts";
import type { Registrar, Resolver } from "../rpc/endpoint.ts";

/** The discovery of a running sidecar. */
export interface Discovery extends Resolver {
  /** Undefined without a registry that instances can be written to. */
  readonly registrar: Registrar | undefined;
  /** Resolves when every registry has answered once, or has failed to. */
  readonly ready: Promise<void>;
  /** Takes the endpoints that a new config lists. Where the registry is stays as it was. */
  update(config: Config): void;
  close(): void;
}

/** Watches the registry of a config, if it has one, until it is closed. */
export function createDiscovery(config: Config, clock: Clock, log: Log): Discovery {
  const { directory: directoryOptions, snapshot, cache } = config.discovery;
  const fixed = createStaticResolver(staticEndpoints(config));
  const directory = directoryOptions && createDirectory(directoryOptions, clock, log);
  const opened = snapshot === undefined ? undefined : openSnapshot(snapshot, clock, log);
  const found = directory && createCachedResolver(directory.resolver, cache, { clock, log, snapshot: opened });
  let registered = registeredUpstreams(config);
  return {
    registrar: directory?.registrar,
    ready: directory?.resolver.firstScan ?? Promise.resolve(),
    watch: (upstream, changed) =>
      (found !== undefined && registered.has(upstream) ? found : fixed).watch(upstream, changed),
    update(next) {
      registered = registeredUpstreams(next);
      fixed.replace(staticEndpoints(next));
    },
    close() {
      found?.close();
      directory?.resolver.close();
    },
  };
}

function staticEndpoints({ upstreams }: Config): StaticEndpoints {
  return new Map(Object.entries(upstreams).map(([name, { endpoints }]) => [name, endpoints ?? []]));
}

/** The upstreams whose endpoints are in the registry. */
function registeredUpstreams({ upstreams }: Config): ReadonlySet<string> {
  const all = Object.entries(upstreams).filter(([, { discovery }]) => discovery !== undefined);
  return new Set(all.map(([name]) => name));
}
