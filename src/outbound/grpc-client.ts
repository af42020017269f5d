// gRPC servers as upstreams: their options, and the one HTTP/2 connection of each endpoint, which unary calls and streams share.
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { KnownHeads } from "../protocol/grpc/write-call.ts";
import type { Connect } from "../rpc/connect.ts";
import { createDialer, dialOptions } from "./dialer.ts";
import type { GrpcContext } from "./grpc-context.ts";
import { createGrpcSessions } from "./grpc-session.ts";
import { openGrpcStream } from "./grpc-stream-client.ts";
import { callGrpc } from "./grpc-unary-client.ts";
import { createTlsDialer } from "./tls-dialer.ts";

/** How an upstream's gRPC servers are called. */
export const grpcUpstreamOptions = z
  .strictObject({
    ...dialOptions.shape,
    maxMessageBytes: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(100 * 1024 * 1024)
      .describe("largest response message, in bytes"),
    keepaliveTimeMs: z
      .int()
      .positive()
      .optional() // gRPC's clients ask never; its servers permit it every 300,000 ms.
      .describe(
        "time without a word of a server with calls after which it is asked, in milliseconds; without it never",
      ),
    keepaliveTimeoutMs: z
      .int()
      .positive()
      .default(20_000) // gRPC's
      .describe("longest time for its answer, in milliseconds; then the connection's calls fail"),
    authority: z
      .string()
      .min(1)
      .optional()
      .describe("the host that servers are told, if not the endpoint's address; some choose by it"),
  })
  .describe("how gRPC servers are called: over HTTP/2, with TLS or without");

/** The options of a gRPC upstream, with their defaults. */
export type GrpcUpstreamOptions = z.output<typeof grpcUpstreamOptions>;

/**
 * Calls gRPC servers. A failure to connect and a refused stream are UNAVAILABLE and not sent; a connection that breaks
 * under the call is UNAVAILABLE and sent; a non-OK status is a RpcError of the peer, or the exception that its details
 * hold. The deadline goes along as grpc-timeout; a call that is aborted resets its stream, within a budget. Throws a
 * CredentialsError when files of TLS cannot be used.
 */
export function connectGrpc(options: GrpcUpstreamOptions, clock: Clock, log: Log): Connect {
  const tls = options.tls && createTlsDialer(options.tls, "h2", log);
  return ({ address, name }) => {
    const authority = options.authority ?? authorityOf(address);
    const dialer = createDialer(address, name, options, { clock, tls, protocol: "h2" });
    const sessions = createGrpcSessions(dialer, name, options, clock);
    const { maxMessageBytes } = options;
    const heads: KnownHeads = new WeakMap();
    const scheme = tls ? "https" : "http";
    const context: GrpcContext = { name, scheme, authority, heads, maxMessageBytes, sessions, clock };
    return {
      handle: (call) => callGrpc(call, context),
      handleStream: (call) => openGrpcStream(call, context),
      connections: sessions.connections,
      close: sessions.close,
    };
  };
}

/** A unix socket has no host; gRPC's own libraries say localhost. */
function authorityOf(address: Address): string {
  return address.kind === "unix" ? "localhost" : formatAddress(address);
}
