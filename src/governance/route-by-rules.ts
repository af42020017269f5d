// The end of the sidecar stack where the config has rules: the first that fits decides, and without one the service does.
import type { AnyCall, Call, Handler } from "../rpc/call.ts";
import type { StreamCall, StreamHandler } from "../rpc/stream.ts";
import { byMethod } from "./by-method.ts";
import { createMirror, type Mirror } from "./mirror.ts";
import { noStreams, type Route, route, routeStream } from "./route.ts";
import { type Destination, fits, type RouteRule, type RouteRuleOptions, type RulesOf } from "./route-rules.ts";

export interface RouteByRulesContext {
  /** The plain way of each service, by full name. */
  readonly services: ReadonlyMap<string, Route>;
  /** The ways that rules name, by upstream. */
  readonly upstreams: ReadonlyMap<string, Route>;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  /** Unpacks a compressed message, which rules may look into. */
  readonly unpack: (next: Handler) => Handler;
}

/** Routes calls of both kinds. */
export function routeByRules(
  rulesOf: RulesOf,
  { services, upstreams, random, unpack }: RouteByRulesContext,
): { readonly handle: Handler; readonly handleStream: StreamHandler } {
  const plain = route(services, "caller");
  const plainStream = routeStream(services, "caller");
  const mirrors = new Map<RouteRuleOptions, Mirror | undefined>();
  const readsField = byMethod((method) => ({
    yes: rulesOf(method).some((rule) => rule.conditions.some((each) => each.readsField)),
  }));

  function mirrorOf({ mirror }: RouteRuleOptions): Mirror | undefined {
    const to = mirror && upstreams.get(mirror.upstream);
    return to && createMirror(mirror, to.handle, random);
  }

  function copy(rule: RouteRule, call: Call): void {
    if (!rule.options.mirror) return;
    if (!mirrors.has(rule.options)) mirrors.set(rule.options, mirrorOf(rule.options));
    mirrors.get(rule.options)?.(call);
  }

  /** The call as its rule sends it on. */
  function sentBy<C extends AnyCall>(rule: RouteRule, destination: Destination | undefined, call: C): C {
    call.facts.route = rule.name;
    const headers = rule.edit(call.headers, destination);
    const labels = destination?.labels;
    if (headers === call.headers && labels === undefined) return call;
    return { ...call, headers, ...(labels && { subset: labels }) };
  }

  function decide(call: Call): ReturnType<Handler> {
    const rule = rulesOf(call.method).find((each) => fits(each, call));
    if (!rule) return plain(call);
    const destination = rule.pick(random());
    const sent = sentBy(rule, destination, call);
    copy(rule, sent);
    const way = destination && upstreams.get(destination.upstream);
    if (!way) return plain(sent);
    sent.facts.upstream = way.upstream;
    return way.handle(sent);
  }

  function decideStream(call: StreamCall): ReturnType<StreamHandler> {
    const rule = rulesOf(call.method).find((each) => fits(each, call));
    if (!rule) return plainStream(call);
    const destination = rule.pick(random());
    const sent = sentBy(rule, destination, call);
    const way = destination && upstreams.get(destination.upstream);
    if (!way) return plainStream(sent);
    sent.facts.upstream = way.upstream;
    return way.handleStream?.(sent) ?? Promise.reject(noStreams(sent, way.upstream));
  }

  const unpacked = unpack(decide);
  return {
    handle: (call) =>
      call.payload.compression !== undefined && readsField(call.method).yes ? unpacked(call) : decide(call),
    handleStream: decideStream,
  };
}
