// From the service that is called to the upstream that serves it. The end of the sidecar stack: what follows belongs to
// one upstream.
import { RpcError } from "../base/errors.ts";
import type { Handler } from "../rpc/call.ts";

/** Where calls of a service go. */
export interface Route {
  readonly upstream: string;
  readonly handle: Handler;
}

/** Sends each call to the route of its service, by full name; a service without one is UNIMPLEMENTED. */
export function route(routes: ReadonlyMap<string, Route>): Handler {
  return (call) => {
    const found = routes.get(call.method.service);
    if (!found) return Promise.reject(noRoute(call.method.service, call.method.request === undefined));
    call.facts.upstream = found.upstream;
    return found.handle(call);
  };
}

function noRoute(service: string, opaque: boolean): RpcError {
  const name = service.length > 200 ? `${service.slice(0, 200)}…` : service;
  return new RpcError(
    "UNIMPLEMENTED",
    opaque
      ? `the service ${name} is not loaded and no upstream has it: expected its IDL in schema.files and its name in upstreams.<name>.services`
      : `no upstream has the service ${name}: expected it in upstreams.<name>.services`,
  );
}
