// Endpoints that nobody calls cost next to nothing: what holds an endpoint's connections is made at its first call. A sidecar may
// know a hundred thousand endpoints and call a few.
import type { Connect, EndpointHandler } from "../rpc/endpoint.ts";

const NO_CONNECTIONS = { open: 0, connecting: 0, waiting: 0 } as const;

/** The same as `connect`, later. `streams` says whether its handlers have streams, before there is one. */
export function connectLazily(connect: Connect, streams: boolean): Connect {
  return (endpoint) => {
    let made: EndpointHandler | undefined;
    let closed = false;
    const get = (): EndpointHandler => {
      if (made) return made;
      made = connect(endpoint);
      // Whoever comes after the end is told so by the handler itself.
      if (closed) void made.close();
      return made;
    };
    return {
      handle: (call) => (made ?? get()).handle(call),
      ...(streams && { handleStream: (call) => (made ?? get()).handleStream!(call) }),
      connections: () => made?.connections?.() ?? NO_CONNECTIONS,
      close() {
        closed = true;
        return made ? made.close() : Promise.resolve();
      },
    };
  };
}
