// Of which upstreams nobody has said yet where they are: what a sidecar that starts waits for, and says while it does.
import type { Endpoints, Resolver } from "../rpc/endpoint.ts";

/** A resolver that remembers of what kind its last answers were. */
export interface FirstAnswers extends Resolver {
  /** Those of `upstreams` whose last answer was of this kind, in order; one that was never watched is unknown. */
  of(kind: Endpoints["kind"], upstreams: readonly string[]): readonly string[];
  /** Resolves when none of `upstreams` is unknown any more; at once when none is. */
  all(upstreams: readonly string[]): Promise<void>;
}

/** Notes what passes from `source` to those who watch it. */
export function noteFirstAnswers(source: Resolver): FirstAnswers {
  const kinds = new Map<string, Endpoints["kind"]>();
  const waiting = new Set<{ readonly upstreams: Set<string>; readonly resolve: () => void }>();

  function note(upstream: string, kind: Endpoints["kind"]): void {
    kinds.set(upstream, kind);
    if (kind === "unknown") return;
    for (const each of waiting) {
      if (!each.upstreams.delete(upstream) || each.upstreams.size > 0) continue;
      waiting.delete(each);
      each.resolve();
    }
  }

  const of: FirstAnswers["of"] = (kind, upstreams) =>
    upstreams.filter((upstream) => (kinds.get(upstream) ?? "unknown") === kind).sort();

  return {
    watch: (upstream, changed) =>
      source.watch(upstream, (endpoints) => {
        note(upstream, endpoints.kind);
        changed(endpoints);
      }),
    of,
    all(upstreams) {
      const unknown = new Set(of("unknown", upstreams));
      if (unknown.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ upstreams: unknown, resolve }));
    },
  };
}
