// An upstream that nobody has called yet costs a watch of its endpoints and no more: its stack is built at the first call. A
// sidecar may know ten thousand upstreams, and call a few.
import type { Stop } from "../base/clock.ts";
import type { Endpoints, Labels, Resolver } from "../rpc/endpoint.ts";
import { createEndpointState, createEndpointStates, type EndpointStates } from "./endpoint-state.ts";
import type { UpstreamStack } from "./pipeline.ts";
import { hasLabels } from "./subset.ts";
import { type UpstreamView, viewOf } from "./upstream-view.ts";

/** An upstream's stack that is there from the first call on. */
export interface LazyStack extends UpstreamStack {
  /** What calls have taught about its endpoints; undefined before the first one. */
  states(): EndpointStates | undefined;
}

/** What a stack is built from at its first call. */
export interface LazyStackContext {
  readonly resolver: Resolver;
  /** Labels without which an endpoint is left alone. */
  readonly subset: Labels;
  /** What calls by an earlier config have taught: with that the stack is built at once, as it has something to tell. */
  readonly states: EndpointStates | undefined;
  readonly build: (states: EndpointStates) => UpstreamStack;
}

/** Watches the upstream's endpoints until `build`'s stack does so itself, so that they are known before the first call. */
export function createLazyStack(
  upstream: string,
  { resolver, subset, states: before, build }: LazyStackContext,
): LazyStack {
  let built: UpstreamStack | undefined;
  let states = before;
  let closed = false;
  let known: Endpoints = { kind: "unknown", endpoints: [] };
  let stopWatching: Stop = nothing;
  if (before) get();
  else {
    stopWatching = resolver.watch(upstream, (endpoints) => {
      known = endpoints;
    });
  }

  function get(): UpstreamStack {
    if (built) return built;
    const learnt = states ?? createEndpointStates();
    built = build(learnt);
    states = learnt;
    stopWatching();
    // Whoever comes after the end is told so by the stack itself.
    if (closed) void built.close();
    return built;
  }

  /** A stack that cannot be built fails the call, and nothing else. */
  async function first<R>(call: (stack: UpstreamStack) => Promise<R>): Promise<R> {
    return call(get());
  }

  return {
    handle: (call) => (built ? built.handle(call) : first((stack) => stack.handle(call))),
    handleStream: (call) => (built ? built.handleStream(call) : first((stack) => stack.handleStream(call))),
    states: () => states,
    inspect: () => built?.inspect() ?? viewOfUncalled(known, subset),
    close() {
      closed = true;
      stopWatching();
      return built ? built.close() : Promise.resolve();
    },
  };
}

const nothing: Stop = () => {};

function viewOfUncalled({ kind, endpoints }: Endpoints, subset: Labels): UpstreamView {
  const state = createEndpointState();
  const members = endpoints.filter((endpoint) => hasLabels(endpoint, subset));
  return { kind, endpoints: members.map((endpoint) => viewOf({ endpoint, state }, 0)) };
}
