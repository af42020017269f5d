// The gRPC services that the sidecar answers itself, beside those that it carries: health, and reflection over all of them.
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import type { Handler } from "../rpc/call.ts";
import type { Resolver } from "../rpc/endpoint.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import type { Schema, SchemaFile, Service } from "../schema/model.ts";
import { createDescriptorIndex } from "./descriptor-index.ts";
import { createGrpcHealth } from "./grpc-health.ts";
import { HEALTH_PROTO, REFLECTION_PROTOS } from "./grpc-protos.ts";
import { createReflection } from "./reflection.ts";

/** Which of them there are. */
export const ownServicesOptions = {
  reflection: z
    .boolean()
    .default(true)
    .describe("whether gRPC callers may ask which services and types there are (grpc.reflection.v1 and v1alpha)"),
  health: z.boolean().default(true).describe("whether grpc.health.v1.Health is answered"),
};

export interface OwnServicesOptions {
  readonly reflection: boolean;
  readonly health: boolean;
}

export interface OwnServicesContext {
  readonly schema: Schema;
  /** The upstream of every service that the sidecar carries, by the service's full name, of both wires and opaque ones. */
  readonly routes: ReadonlyMap<string, { readonly upstream: string }>;
  readonly resolver: Resolver;
}

/** A service that the sidecar answers. Each method is either unary or streams. */
export interface OwnService {
  readonly service: Service;
  readonly handle: Handler;
  readonly stream: StreamHandler;
}

export interface OwnServices {
  readonly services: readonly OwnService[];
  /** Turns health to SERVING; at first it is not. */
  start(): void;
  /** Turns health to NOT_SERVING and ends what watches it. */
  stop(): void;
  /** Ends what watches health, without a word on it, because others of these take over. */
  replace(): void;
}

/** The services, but for those that an upstream has: calls of these go there. */
export function createOwnServices(options: OwnServicesOptions, context: OwnServicesContext): OwnServices {
  const { schema, routes, resolver } = context;
  const wanted = [...(options.health ? [HEALTH_PROTO] : []), ...(options.reflection ? REFLECTION_PROTOS : [])];
  const files = wanted.filter(({ services }) => services.every(({ fullName }) => !routes.has(fullName)));
  const own = files.flatMap(({ services }) => services);

  const upstreams = new Map<string, string | undefined>(own.map(({ fullName }) => [fullName, undefined]));
  for (const [service, { upstream }] of routes) upstreams.set(service, upstream);

  const carried = [...schema.services.values()]
    .flat()
    .filter(({ wire, fullName }) => wire === "protobuf" && routes.has(fullName));
  const reflect = createReflection({
    index: createDescriptorIndex([...files, ...filesOf(carried, schema)]),
    services: [...own, ...carried].map(({ fullName }) => fullName),
  });

  // Last: it watches, and nothing behind it can fail.
  const { start, stop, replace, check, list, watch } = createGrpcHealth({ services: upstreams, resolver });
  const unary: Handler = (call) => (call.method.name === "List" ? list(call) : check(call));
  const services = own.map((service): OwnService => {
    return HEALTH_PROTO.services.includes(service)
      ? { service, handle: unary, stream: watch }
      : { service, handle: refuseUnary, stream: reflect };
  });
  return { services, start, stop, replace };
}

const refuseUnary: Handler = ({ method }) =>
  Promise.reject(
    new RpcError("UNIMPLEMENTED", `${method.service}/${method.name} streams, and was called as one that does not`),
  );

/** Every file, those that declare the services first: their names are the ones meant where two files have one. */
function filesOf(services: readonly Service[], { files }: Schema): readonly SchemaFile[] {
  const declaring = files.filter((file) => file.services.some((service) => services.includes(service)));
  const reached = new Set(declaring);
  for (const file of reached) for (const imported of file.imports) reached.add(imported);
  return [...new Set([...reached, ...files])];
}
