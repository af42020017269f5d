// One of an upstream's endpoints for each attempt, in turn. The end of the upstream stack: what follows belongs to one
// endpoint.
import { RpcError } from "../base/errors.ts";
import type { Handler } from "../rpc/call.ts";
import type { Connect, Endpoint, EndpointHandler, Endpoints, Resolver } from "../rpc/endpoint.ts";

/** The balanced endpoints of one upstream. */
export interface Balance {
  /** Sends each call to the next endpoint; UNAVAILABLE when there is none. */
  readonly handle: Handler;
  /** Stops watching and closes every endpoint's connections when their calls in flight are done. */
  close(): Promise<void>;
}

interface Connected {
  readonly endpoint: Endpoint;
  readonly handler: EndpointHandler;
}

/**
 * Round robin over the endpoints that `resolver` knows of `upstream`. An endpoint that stays keeps its connections when
 * others come or go; one that goes finishes its calls first.
 */
export function createBalance(upstream: string, resolver: Resolver, connect: Connect): Balance {
  let known: Endpoints["kind"] = "unknown";
  let connected: readonly Connected[] = [];
  let turn = -1;
  let closed = false;
  const closing = new Set<Promise<void>>();

  function retire({ handler }: Connected): void {
    const done = handler.close().finally(() => closing.delete(done));
    closing.add(done);
    // Nobody waits for it until the balance closes, and then its failure is reported.
    done.catch(() => {});
  }

  const stopWatching = resolver.watch(upstream, ({ kind, endpoints }) => {
    const before = new Map(connected.map((each) => [each.endpoint.name, each]));
    const after = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    known = kind;
    connected = [...after].map(([name, endpoint]) => before.get(name) ?? { endpoint, handler: connect(endpoint) });
    for (const [name, each] of before) if (!after.has(name)) retire(each);
  });

  return {
    handle(call) {
      turn = turn + 1 < connected.length ? turn + 1 : 0;
      const next = connected[turn];
      if (!next) return Promise.reject(new RpcError("UNAVAILABLE", unavailable(upstream, closed ? "closed" : known)));
      call.facts.endpoint = next.endpoint.name;
      call.facts.attempts++;
      return next.handler.handle(call);
    },
    async close() {
      if (!closed) {
        closed = true;
        stopWatching();
        const last = connected;
        connected = [];
        last.forEach(retire);
      }
      await Promise.all(closing);
    },
  };
}

function unavailable(upstream: string, state: Endpoints["kind"] | "closed"): string {
  switch (state) {
    case "closed":
      return `the sidecar is shutting down and has closed its connections to the upstream ${upstream}`;
    case "unknown":
      return `nothing is known of the endpoints of the upstream ${upstream} yet`;
    case "stale":
    case "known":
      return `the upstream ${upstream} has no endpoints`;
  }
}
