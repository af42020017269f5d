// What a config may say of each upstream: the wire that it speaks with that wire's options, where its endpoints are, and its
// policies.
import { z } from "zod";
import { dnsOptions } from "../discovery/dns.ts";
import { endpointOption } from "../discovery/endpoint-option.ts";
import { upstreamPolicies } from "../governance/upstream-policies.ts";
import { serviceName } from "../schema/service-name.ts";
import { dialOptions } from "./dialer.ts";
import { grpcUpstreamOptions } from "./grpc-client.ts";
import {
  connectUpstreamOptions,
  fastCgiUpstreamOptions,
  httpJsonUpstreamOptions,
  thriftHttpUpstreamOptions,
} from "./http-upstream.ts";
import { thriftUpstreamOptions } from "./thrift-client.ts";

const upstreamCommons = {
  endpoints: z.array(endpointOption).min(1).optional().describe("where the upstream's processes listen"),
  discovery: z
    .union([z.enum(["directory", "local"]), z.strictObject({ dns: dnsOptions })], {
      error: "expected directory, local, or { dns: { name, port } }",
    })
    .optional()
    .describe(
      "who knows where the upstream's processes listen, when endpoints does not say: discovery.directory, DNS, or only those that register here themselves",
    ),
  services: z.array(serviceName).default([]).describe("services of the loaded IDL that the upstream has"),
  opaqueServices: z
    .array(serviceName)
    .default([])
    .describe("services without loaded IDL: their calls are forwarded on the same wire, untranslated"),
  local: z
    .boolean()
    .default(false)
    .describe("whether it is the application beside the sidecar, which other sidecars' calls are for"),
  ...upstreamPolicies,
};

const thriftUpstream = thriftUpstreamOptions
  .pick({ maxConnections: true, idleTimeoutMs: true, multiplexed: true })
  .extend(dialOptions.shape)
  .extend(upstreamCommons);

const thriftCodec = z
  .enum(["thrift-binary", "thrift-compact"])
  .default("thrift-binary")
  .describe("how messages are encoded");

/** The protocols whose servers answer no call that a Thrift check makes. */
const WITHOUT_THRIFT: ReadonlySet<string> = new Set(["grpc", "connect", "http-json"]);

/** An upstream, by its protocol. */
export const upstreamOptions = z
  .discriminatedUnion("protocol", [
    thriftUpstream.extend({
      protocol: z.literal("thrift-framed").describe("Thrift, each message behind its length"),
      codec: thriftCodec,
    }),
    thriftUpstream.extend({
      protocol: z.literal("thrift-unframed").describe("Thrift, messages one behind the other"),
      codec: thriftCodec,
    }),
    thriftUpstream.extend({
      protocol: z.literal("theader").describe("Thrift with headers, as Apache Thrift has them"),
      codec: thriftCodec,
      ...thriftUpstreamOptions.pick({ zlib: true }).shape,
    }),
    thriftUpstream.extend({
      protocol: z.literal("ttheader").describe("Thrift or Protobuf with headers, as Kitex has them; and sidecars"),
      codec: z.enum(["thrift-binary", "protobuf"]).default("thrift-binary").describe("how messages are encoded"),
      ...thriftUpstreamOptions.pick({ maxCallsPerConnection: true }).shape,
    }),
    thriftUpstream.omit({ multiplexed: true }).extend({
      protocol: z
        .literal("sidecar")
        .describe("another sidecar, at its provider listener: TTHeader, HTTP/2 for streams"),
      codec: z
        .enum(["thrift-binary", "thrift-compact", "protobuf"])
        .default("thrift-binary")
        .describe("how messages are encoded: as the application behind the other sidecar takes them"),
      maxConnections: thriftUpstreamOptions.shape.maxConnections.unwrap().default(4),
      ...thriftUpstreamOptions.pick({ maxCallsPerConnection: true }).shape,
      ...grpcUpstreamOptions.pick({ authority: true, keepaliveTimeMs: true, keepaliveTimeoutMs: true }).shape,
    }),
    grpcUpstreamOptions
      .pick({ authority: true, keepaliveTimeMs: true, keepaliveTimeoutMs: true })
      .extend(dialOptions.shape)
      .extend({
        protocol: z.literal("grpc").describe("gRPC over HTTP/2"),
        ...upstreamCommons,
      }),
    thriftHttpUpstreamOptions.extend(upstreamCommons),
    connectUpstreamOptions.extend(upstreamCommons),
    httpJsonUpstreamOptions.extend(upstreamCommons),
    fastCgiUpstreamOptions.extend(upstreamCommons),
  ])
  .refine(({ local, protocol }) => !local || protocol !== "sidecar", {
    path: ["local"],
    error: "another sidecar is not beside this one: expected the protocol of the application itself",
  })
  .refine(({ healthCheck, protocol }) => healthCheck?.kind !== "grpc" || protocol === "grpc", {
    path: ["healthCheck", "kind"],
    error: "only servers of protocol: grpc have gRPC's health service: expected tcp, http or thrift",
  })
  .refine(({ healthCheck, protocol }) => healthCheck?.kind !== "thrift" || !WITHOUT_THRIFT.has(protocol), {
    path: ["healthCheck", "kind"],
    error: "the upstream's protocol is not Thrift's: expected tcp, http, or grpc with protocol: grpc",
  })
  .refine(({ endpoints, discovery }) => (endpoints === undefined) !== (discovery === undefined), {
    error: "expected either endpoints, or discovery that finds them",
  });
