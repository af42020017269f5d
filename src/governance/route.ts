// From the service that is called to the upstream that serves it. The end of the sidecar stack: what follows belongs to
// one upstream.
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Handler } from "../rpc/call.ts";
import type { StreamHandler } from "../rpc/stream.ts";

/** Where calls of a service go. */
export interface Route {
  readonly upstream: string;
  readonly handle: Handler;
  /** Undefined where nothing streams. */
  readonly handleStream?: StreamHandler;
}

/** The services that calls of one side find a way to. */
export type Routes = ReadonlyMap<string, Route>;

/** Whose calls are routed: the application's beside, or other sidecars', which only local upstreams are for. */
export type Side = "caller" | "provider";

/** Sends each call to the route of its service, by full name; a service without one is UNIMPLEMENTED. */
export function route(routes: Routes, side: Side): Handler {
  return (call) => {
    const found = routes.get(call.method.service);
    if (!found) return Promise.reject(noRoute(call, side));
    call.facts.upstream = found.upstream;
    return found.handle(call);
  };
}

/** The same for streams. */
export function routeStream(routes: Routes, side: Side): StreamHandler {
  return (call) => {
    const found = routes.get(call.method.service);
    if (!found) return Promise.reject(noRoute(call, side));
    call.facts.upstream = found.upstream;
    return found.handleStream?.(call) ?? Promise.reject(noStreams(call, found.upstream));
  };
}

/** A method streams, and nobody can carry that to where it goes. */
export function noStreams({ method }: AnyCall, upstream: string): RpcError {
  const name = `${method.service}/${method.name}`;
  return new RpcError("UNIMPLEMENTED", `${name} streams, and the upstream ${upstream} speaks a wire without streams`);
}

function noRoute({ method: { service, request } }: AnyCall, side: Side): RpcError {
  const name = service.length > 200 ? `${service.slice(0, 200)}…` : service;
  if (side === "provider") {
    const text = `the sidecar has no local upstream with the service ${name}: expected local: true at the upstream of the application beside it`;
    return new RpcError("UNIMPLEMENTED", text);
  }
  return new RpcError(
    "UNIMPLEMENTED",
    request === undefined
      ? `the service ${name} is not loaded and no upstream has it: expected its IDL in schema.files and its name in upstreams.<name>.services`
      : `no upstream has the service ${name}: expected it in upstreams.<name>.services`,
  );
}
