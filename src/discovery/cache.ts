// What was last known of every upstream, in front of a resolver whose registry may be slow or away: in memory for whoever
// asks next, and on disk for a sidecar that starts while its registry is down.
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Clock, Stop } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint, Endpoints, Resolver } from "../rpc/endpoint.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Watcher } from "./watchers.ts";

/** How long things are remembered. */
export const cacheOptions = z
  .strictObject({
    idleMs: z
      .int()
      .min(0)
      .default(600_000)
      .describe("how long an upstream that nobody calls any more stays in memory, in milliseconds"),
    emptyGraceMs: z
      .int()
      .min(0)
      .default(30_000)
      .describe(
        "how long the last endpoints are kept when the registry suddenly has none, in milliseconds; 0: not at all",
      ),
  })
  .describe("what is remembered of endpoints");

export type CacheOptions = z.output<typeof cacheOptions>;

export interface CacheContext {
  readonly clock: Clock;
  readonly log: Log;
  /** What the last process knew, and where to write what this one knows; undefined without a disk. */
  readonly snapshot: Snapshot | undefined;
}

/** A resolver that holds watches of its own; to be closed. */
export interface CachedResolver extends Resolver {
  close(): void;
}

/** One upstream that is watched, or was lately. */
interface Entry {
  readonly upstream: string;
  watchers: readonly Watcher[];
  last: Endpoints;
  stopSource: Stop;
  stopGrace: Stop | undefined;
}

const nothing: Stop = () => {};

/** Upstreams without a watcher that are kept at most. */
const MAX_IDLE = 1_000;

/**
 * Shares one watch of the source among all watchers of an upstream, and keeps it `idleMs` after the last has gone. While the
 * source knows nothing yet, what the snapshot has is given as stale; a source that suddenly has no endpoints is not believed
 * for `emptyGraceMs`, and what it had before is given as stale meanwhile, also when the source is lost in that time.
 */
export function createCachedResolver(
  source: Resolver,
  { idleMs, emptyGraceMs }: CacheOptions,
  { clock, log, snapshot }: CacheContext,
): CachedResolver {
  const watched = new Map<string, Entry>();
  const idle = new LRUCache<string, Entry>({
    max: MAX_IDLE,
    dispose: (entry, _, why) => why !== "delete" && end(entry),
  });
  const stopIdle = new Map<string, Stop>();

  function end(entry: Entry): void {
    entry.stopSource();
    entry.stopGrace?.();
    stopIdle.get(entry.upstream)?.();
    stopIdle.delete(entry.upstream);
  }

  function entryOf(upstream: string): Entry {
    const live = watched.get(upstream);
    if (live) return live;
    const kept = idle.get(upstream);
    if (kept) {
      idle.delete(upstream);
      stopIdle.get(upstream)?.();
      stopIdle.delete(upstream);
      watched.set(upstream, kept);
      return kept;
    }
    const entry: Entry = {
      upstream,
      watchers: [],
      last: { kind: "unknown", endpoints: [] },
      stopSource: nothing,
      stopGrace: undefined,
    };
    watched.set(upstream, entry);
    entry.stopSource = source.watch(upstream, (endpoints) => update(entry, endpoints));
    return entry;
  }

  function update(entry: Entry, said: Endpoints): void {
    if (said.kind === "unknown") {
      give(entry, fromSnapshot(entry) ?? said);
      return;
    }
    const had = entry.last.endpoints;
    // Who cannot see the registry does not know that it has none.
    if (said.kind === "stale" && said.endpoints.length === 0 && had.length > 0) {
      entry.stopGrace?.();
      entry.stopGrace = undefined;
      give(entry, { kind: "stale", endpoints: had });
      return;
    }
    if (said.kind === "known" && said.endpoints.length === 0 && had.length > 0 && emptyGraceMs > 0) {
      if (entry.stopGrace) return;
      log.warn(
        { upstream: entry.upstream, endpoints: had.length, emptyGraceMs },
        "the registry has no endpoints any more: the last ones are kept for a while",
      );
      entry.stopGrace = clock.after(emptyGraceMs, () => {
        entry.stopGrace = undefined;
        give(entry, said);
        snapshot?.put(entry.upstream, said.endpoints);
      });
      give(entry, { kind: "stale", endpoints: had });
      return;
    }
    entry.stopGrace?.();
    entry.stopGrace = undefined;
    give(entry, said);
    if (said.kind === "known") snapshot?.put(entry.upstream, said.endpoints);
  }

  /** What the last process knew, as long as this one has heard nothing. */
  function fromSnapshot({ upstream, last }: Entry): Endpoints | undefined {
    if (last.endpoints.length > 0) return { kind: "stale", endpoints: last.endpoints };
    const endpoints: readonly Endpoint[] | undefined = snapshot?.get(upstream);
    if (!endpoints || endpoints.length === 0) return undefined;
    log.warn({ upstream, endpoints: endpoints.length }, "the registry has not answered yet: serving from the snapshot");
    return { kind: "stale", endpoints };
  }

  function give(entry: Entry, endpoints: Endpoints): void {
    if (entry.last.kind === endpoints.kind && sameEndpoints(entry.last.endpoints, endpoints.endpoints)) return;
    entry.last = endpoints;
    for (const changed of entry.watchers) if (entry.watchers.includes(changed)) changed(endpoints);
  }

  function leave(entry: Entry): void {
    watched.delete(entry.upstream);
    if (idleMs === 0) {
      end(entry);
      return;
    }
    idle.set(entry.upstream, entry);
    const stop = clock.after(idleMs, () => {
      idle.delete(entry.upstream);
      end(entry);
    });
    stopIdle.set(entry.upstream, stop);
  }

  return {
    watch(upstream, changed) {
      const entry = entryOf(upstream);
      entry.watchers = [...entry.watchers, changed];
      changed(entry.last);
      return () => {
        if (!entry.watchers.includes(changed)) return;
        entry.watchers = entry.watchers.filter((each) => each !== changed);
        if (entry.watchers.length === 0) leave(entry);
      };
    },
    close() {
      for (const entry of [...watched.values(), ...idle.values()]) end(entry);
      watched.clear();
      idle.clear();
      snapshot?.flush();
    },
  };
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && (a === b || JSON.stringify(a) === JSON.stringify(b));
}
