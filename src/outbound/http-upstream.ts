// Calls to servers over HTTP/1.1: Thrift over HTTP, Connect, plain JSON, and the first two to PHP-FPM over FastCGI. The
// protocols are joined to the transports here.
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { compileConnectCalls } from "../protocol/http/connect-call.ts";
import type { Outgoing, WriteCall } from "../protocol/http/outgoing.ts";
import { compileThriftHttpCalls } from "../protocol/http/thrift-http-call.ts";
import type { Call, Reply } from "../rpc/call.ts";
import type { Connect } from "../rpc/connect.ts";
import { idleTimeoutOption } from "./connection-pool.ts";
import { createDialer, dialOptions } from "./dialer.ts";
import { createFastCgiClient } from "./fastcgi-client.ts";
import { createHttpClient, type HttpTransport } from "./http-client.ts";
import { sendOneway } from "./http-oneway.ts";
import { createTlsDialer } from "./tls-dialer.ts";

const authority = z
  .string()
  .regex(/^[^\s/?#@]+$/, { error: "expected HOST or HOST:PORT" })
  .optional()
  .describe("the host that servers are told, if not the endpoint's address; some choose by it");

const path = z
  .string()
  .regex(/^\/[\x21-\x7e]*$/, { error: "expected a path that begins with a slash, of printable ASCII" });

const commons = {
  maxConnections: z
    .int()
    .positive()
    .default(64)
    .describe("most connections to one endpoint; further calls wait for a free one until their deadline"),
  idleTimeoutMs: idleTimeoutOption.default(30_000),
  authority,
  ...dialOptions.shape,
};

const protobufOrThrift = z
  .enum(["thrift-binary", "protobuf"])
  .default("thrift-binary")
  .describe("what is sent: Thrift messages, or Protobuf as Connect's unary calls");

const multiplexed = z
  .boolean()
  .default(false)
  .describe("whether the servers have a multiplexed processor and expect Service:method");

/** How servers of Thrift over HTTP are called. */
export const thriftHttpUpstreamOptions = z.strictObject({
  ...commons,
  protocol: z.literal("thrift-http").describe("Thrift over HTTP/1.1, a message in each body"),
  codec: z.enum(["thrift-binary", "thrift-compact"]).default("thrift-binary").describe("how messages are encoded"),
  path: path.default("/").describe("the path of every call; {service} in it stands for the service's full name"),
  multiplexed,
});

/** How servers of Connect are called. */
export const connectUpstreamOptions = z.strictObject({
  ...commons,
  protocol: z.literal("connect").describe("Connect's unary calls over HTTP/1.1, with Protobuf"),
  path: path.default("/").describe("what stands before package.Service/Method"),
});

/** How servers of plain JSON are called. */
export const httpJsonUpstreamOptions = z.strictObject({
  ...commons,
  protocol: z.literal("http-json").describe("JSON over HTTP/1.1, as POST to package.Service/Method"),
  path: path.default("/").describe("what stands before package.Service/Method"),
});

/** How FastCGI applications are called. */
export const fastCgiUpstreamOptions = z.strictObject({
  ...commons,
  protocol: z.literal("fastcgi").describe("PHP-FPM and its like: Thrift or Protobuf over HTTP, in FastCGI"),
  codec: protobufOrThrift,
  script: z
    .string()
    .regex(/^\//, { error: "expected the script's absolute path, as PHP-FPM finds it" })
    .describe("SCRIPT_FILENAME: the front controller that answers every call"),
  path: path
    .default("/{service}")
    .describe("the path that Thrift calls name; {service} in it stands for the service's full name"),
  multiplexed,
  maxConnections: z
    .int()
    .positive()
    .default(5) // pm.max_children of Debian's PHP-FPM
    .describe("most connections to one endpoint, at most pm.max_children: each holds one of PHP-FPM's processes"),
  // Short, because a process that waits on a kept connection serves nobody else.
  idleTimeoutMs: idleTimeoutOption.default(5_000),
});

const optionsOfProtocol = z.discriminatedUnion("protocol", [
  thriftHttpUpstreamOptions,
  connectUpstreamOptions,
  httpJsonUpstreamOptions,
  fastCgiUpstreamOptions,
]);

/** The protocols that are called over HTTP. */
export type HttpProtocol = z.output<typeof optionsOfProtocol>["protocol"];

export type HttpUpstreamOptions = z.output<typeof optionsOfProtocol> & {
  /** Largest message of a response, in bytes. */
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
};

/**
 * Calls servers over HTTP/1.1, or FastCGI. A failure to connect is UNAVAILABLE and not sent; a connection that breaks under
 * the call is UNAVAILABLE and sent; an error of the protocol is a RpcError of the peer, or the exception that it holds. A
 * call that is aborted closes its connection. A oneway call of Thrift is done once it is written. Throws a CredentialsError when files of TLS cannot be used.
 */
export function connectHttp(options: HttpUpstreamOptions, clock: Clock, log: Log): Connect {
  const tls = options.tls && createTlsDialer(options.tls, undefined, log);
  const writeCall = compileCalls(options);
  return ({ address, name }) => {
    const dialer = createDialer(address, name, options, { clock, tls, protocol: undefined });
    const told = { ...options, authority: options.authority ?? authorityOf(address) };
    const transport =
      told.protocol === "fastcgi"
        ? createFastCgiClient(told, { dialer, name, clock, log })
        : createHttpClient(told, { dialer, name, clock });
    return {
      async handle(call) {
        const outgoing = writeCall(call, clock.turnMs());
        return outgoing.onceWritten === undefined
          ? exchange(call, outgoing, transport)
          : sendOneway(call, outgoing, outgoing.onceWritten, { transport, name, clock, log });
      },
      connections: transport.connections,
      close: transport.close,
    };
  };
}

/** A unix socket has no host. */
function authorityOf(address: Address): string {
  return address.kind === "unix" ? "localhost" : formatAddress(address);
}

function compileCalls(options: HttpUpstreamOptions): WriteCall {
  const { path, protocol } = options;
  if (protocol === "thrift-http") return compileThriftHttpCalls(options);
  if (protocol === "fastcgi" && options.codec === "thrift-binary") {
    return compileThriftHttpCalls({ ...options, codec: options.codec });
  }
  // A front controller takes its names from the end of the path.
  const prefix = protocol === "fastcgi" ? "" : path.replace(/\/+$/, "");
  return compileConnectCalls({ prefix, protocol: protocol === "http-json" ? "http-json" : "connect" });
}

async function exchange(call: Call, outgoing: Outgoing, transport: HttpTransport): Promise<Reply> {
  const response = await transport.send(outgoing.request, call);
  try {
    return outgoing.readReply(response);
  } catch (error) {
    const failure = toRpcError(error);
    throw failure.sent ? failure : new RpcError(failure.code, failure.message, { sent: true, cause: failure });
  }
}
