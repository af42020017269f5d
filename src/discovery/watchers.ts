// Who wants to hear of which upstream. A sidecar may watch ten thousand upstreams, most of them once: lists, which are
// smaller than sets.
import type { Stop } from "../base/clock.ts";
import type { Endpoints } from "../rpc/endpoint.ts";

/** Is told of an upstream's endpoints. */
export type Watcher = (endpoints: Endpoints) => void;

/** The watchers of a resolver by their upstreams. */
export interface Watchers {
  /** Adds one, a function of its own, which is told nothing by that. */
  add(upstream: string, watcher: Watcher): Stop;
  /** Tells all watchers of an upstream; `endpointsOf` is called only when there are any. */
  tell(upstream: string, endpointsOf: (upstream: string) => Endpoints): void;
  /** The upstreams that anybody watches. */
  upstreams(): Iterable<string>;
  clear(): void;
}

/** Watchers that are none at first. */
export function createWatchers(): Watchers {
  const all = new Map<string, readonly Watcher[]>();
  const isThere = (upstream: string, watcher: Watcher) => all.get(upstream)?.includes(watcher) ?? false;
  return {
    add(upstream, watcher) {
      all.set(upstream, [...(all.get(upstream) ?? []), watcher]);
      return () => {
        const rest = (all.get(upstream) ?? []).filter((each) => each !== watcher);
        if (rest.length > 0) all.set(upstream, rest);
        else all.delete(upstream);
      };
    },
    tell(upstream, endpointsOf) {
      const watching = all.get(upstream);
      if (!watching) return;
      const endpoints = endpointsOf(upstream);
      // One that is told may end another's watch.
      for (const watcher of watching) if (isThere(upstream, watcher)) watcher(endpoints);
    },
    upstreams: () => all.keys(),
    clear: () => all.clear(),
  };
}
