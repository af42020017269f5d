// What a config may say of each listener: its kind, where it listens, and for whom.
import { z } from "zod";
import { addressOption } from "../discovery/endpoint-option.ts";
import { browserGuardOptions } from "../protocol/http/browser-guard.ts";
import { serviceName } from "../schema/service-name.ts";
import { listenOptions } from "./listen.ts";
import { localListenerOptions } from "./local-listener.ts";

/** Where local listeners are when their address is not given. */
const LOCAL_ADDRESSES = { caller: "127.0.0.1:7420", provider: "127.0.0.1:7430" } as const;

/** Loopback by default: whoever wants to be reached from other hosts writes so. */
export const listenerOptions = z.discriminatedUnion("kind", [
  localListenerOptions
    .pick({
      maxConnections: true,
      maxCallsPerConnection: true,
      maxRequestBytesPerConnection: true,
      maxReplyBytesPerConnection: true,
      grpc: true,
      idleTimeoutMs: true,
      side: true,
    })
    .extend({
      kind: z.literal("local").describe("Thrift and gRPC callers, told apart by their first bytes"),
      address: addressOption.optional(),
      defaultService: serviceName.optional().describe("service of Thrift calls that name none"),
      ...listenOptions,
    })
    .transform(({ address, ...others }) => ({
      ...others,
      address: address ?? addressOption.parse(LOCAL_ADDRESSES[others.side]),
    }))
    .refine(({ side, defaultService }) => side === "caller" || defaultService === undefined, {
      path: ["defaultService"],
      error: "sidecars always name the service: only listeners of side caller have a default",
    }),
  browserGuardOptions.extend({
    maxConnections: localListenerOptions.shape.maxConnections,
    kind: z.literal("http").describe("Thrift over HTTP, Connect, gRPC-Web and JSON callers over HTTP/1.1"),
    address: addressOption.prefault("127.0.0.1:7421"),
    defaultService: serviceName.optional().describe("service of Thrift calls that name none"),
    ...listenOptions,
  }),
  browserGuardOptions.extend({
    kind: z.literal("admin").describe("health, metrics and what operators ask and change, over HTTP"),
    address: addressOption.prefault("127.0.0.1:7422"),
    ...listenOptions,
  }),
]);
