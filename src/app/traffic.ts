// What becomes of calls by one config: its names, its routes, its upstreams. A new config is a new one of these, and the
// calls of the old one end where they began.
import { createOwnServices, type OwnServices } from "../admin/own-services.ts";
import type { Codec, Limits } from "../codec/codec.ts";
import { compileTranscoder } from "../codec/transcode.ts";
import type { Config } from "../config.ts";
import { type Handlers, trafficStack } from "../governance/pipeline.ts";
import type { Route, Routes, Side } from "../governance/route.ts";
import { unpack, unpackStream } from "../governance/unpack.ts";
import type { PrintDetail } from "../protocol/http/connect-error.ts";
import { createDetailPrinter } from "../protocol/http/detail-json.ts";
import { createLookup, type Lookup } from "../rpc/resolve.ts";
import type { LinkedSchema } from "../schema/link.ts";
import type { MessageType, Service } from "../schema/model.ts";
import type { CheckedConfig } from "./check-config.ts";
import { upstreamsOfServices } from "./service-upstreams.ts";
import { closeUpstreams, createUpstreams, isLocal, type Upstream, type UpstreamsContext } from "./upstreams.ts";

/** One config at work: where the calls of the application beside go, and those of other sidecars. */
export interface Traffic extends Readonly<Record<Side, Handlers>> {
  readonly checked: CheckedConfig;
  readonly lookup: Lookup;
  /** All that can be called: the loaded services of both wires, and before them the sidecar's own. */
  readonly services: readonly Service[];
  readonly printDetail: PrintDetail;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The upstream of each service that can be called. */
  readonly routes: ReadonlyMap<string, Route>;
  /** Our own health says SERVING between the two. */
  start(): void;
  stop(): void;
  /** Closes the upstreams that `next` has not taken over, all without it, when their calls in flight are done. */
  close(next?: Traffic): Promise<void>;
}

/**
 * Sets up a config's traffic; `before` is what it takes the place of, if anything. What it throws leaves nothing open that was
 * not before.
 */
export function createTraffic(checked: CheckedConfig, before: Traffic | undefined, context: UpstreamsContext): Traffic {
  const { config, linked } = checked;
  const known = before?.upstreams ?? new Map<string, Upstream>();
  const upstreams = createUpstreams(checked, known, context);
  let own: OwnServices | undefined;
  try {
    const carried = routesOf(config, linked, upstreams);
    own = createOwnServices(config, { schema: linked.schema, routes: carried, resolver: context.resolver });
    return trafficOver(checked, { upstreams, carried, own }, context);
  } catch (error) {
    own?.stop();
    closeUpstreams(upstreams, known).catch(() => {});
    throw error;
  }
}

/** What traffic stands on, which is to be closed when it does not come to be. */
interface Ground {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The ways to the services that upstreams have. */
  readonly carried: ReadonlyMap<string, Route>;
  readonly own: OwnServices;
}

function trafficOver(checked: CheckedConfig, { upstreams, carried, own }: Ground, context: UpstreamsContext): Traffic {
  const { config, linked } = checked;
  const routes = new Map([...carried, ...ownRoutes(own, config.limits)]);
  // Our own first: of two services of one name the first is found.
  const services = [...own.services.map(({ service }) => service), ...[...linked.schema.services.values()].flat()];
  const calls = {
    pairs: linked.methods,
    upstreams: waysOf(upstreams),
    clock: context.clock,
    random: Math.random,
    maxMessageBytes: config.limits.maxBytes,
    compileMessage(type: MessageType, from: Codec, to: Codec) {
      // The sidecar's own are not of the loaded IDL.
      if (!linked.schema.messages.get(type.fullName)?.includes(type)) return undefined;
      return compileTranscoder({ kind: "whole", link: linked.messageLink(type) }, from, to, config.limits);
    },
  };
  return {
    checked,
    lookup: createLookup(services),
    services,
    printDetail: createDetailPrinter(linked, config.limits),
    upstreams,
    routes,
    caller: trafficStack(config, { ...calls, side: "caller", services: routes }),
    provider: trafficStack(
      // Rules may send calls elsewhere, and other sidecars' calls must not be sent on to a third.
      { ...config, routes: [] },
      { ...calls, side: "provider", services: localOf(carried, config) },
    ),
    start: own.start,
    stop: own.stop,
    async close(next) {
      if (next) own.replace();
      else own.stop();
      await closeUpstreams(upstreams, next?.upstreams);
    },
  };
}

/** The ways to the applications beside the sidecar. */
function localOf(routes: Routes, { upstreams }: Config): Routes {
  return new Map([...routes].filter(([, { upstream }]) => isLocal(upstreams[upstream]!)));
}

/** What logs and metrics name as the upstream of calls that the sidecar answers itself. */
const SIDECAR = "sidecar";

/** The ways to the services that are answered here, whose handlers read into messages. */
function ownRoutes({ services }: OwnServices, { maxBytes }: Limits): readonly (readonly [string, Route])[] {
  return services.map(({ service, handle, stream }) => [
    service.fullName,
    { upstream: SIDECAR, handle: unpack(maxBytes)(handle), handleStream: unpackStream(maxBytes)(stream) },
  ]);
}

/** The ways that rules may name. */
function waysOf(upstreams: ReadonlyMap<string, Upstream>): ReadonlyMap<string, Route> {
  return new Map([...upstreams].map(([upstream, { stack }]) => [upstream, { upstream, ...stack }]));
}

/** Every service's way. */
function routesOf(
  config: Config,
  linked: LinkedSchema,
  upstreams: ReadonlyMap<string, Upstream>,
): ReadonlyMap<string, Route> {
  const ways = waysOf(upstreams);
  return new Map([...upstreamsOfServices(config, linked)].map(([service, upstream]) => [service, ways.get(upstream)!]));
}
