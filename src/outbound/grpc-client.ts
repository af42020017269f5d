// Calls to gRPC servers: unary calls as streams of one HTTP/2 connection per endpoint.
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type HeaderList, headerOf } from "../protocol/grpc/header-list.ts";
import { createMessageCollector } from "../protocol/grpc/message.ts";
import { type KnownHeads, readReply, readResponseEncoding, writeCall } from "../protocol/grpc/verbs.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import type { Call, Reply } from "../rpc/call.ts";
import type { Connect } from "../rpc/endpoint.ts";
import { abortError } from "./call-end.ts";
import { createDialer, dialOptions } from "./dialer.ts";
import { isWhole, resetError } from "./grpc-end.ts";
import {
  createGrpcSessions,
  type GrpcSession,
  type GrpcSessions,
  type StreamListener,
  type StreamWaiter,
} from "./grpc-session.ts";
import { openGrpcStream } from "./grpc-stream-client.ts";
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
    const context: ExchangeContext = { name, scheme, authority, heads, maxMessageBytes, sessions, clock };
    return {
      handle: (call) => new Promise<Reply>((resolve, reject) => exchange(call, context, resolve, reject)),
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

/** What every call to one endpoint needs. */
export interface ExchangeContext {
  readonly name: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly heads: KnownHeads;
  readonly maxMessageBytes: number;
  readonly sessions: GrpcSessions;
  readonly clock: Clock;
}

/** One call over one stream. */
function exchange(
  call: Call,
  context: ExchangeContext,
  resolve: (reply: Reply) => void,
  reject: (error: RpcError) => void,
): void {
  const { signal } = call;
  let session: GrpcSession | undefined;
  let stream: Http2Stream<StreamListener> | undefined;
  if (signal.aborted) {
    reject(abortError(call, false));
    return;
  }
  signal.addEventListener("abort", onAbort);
  const waiter: StreamWaiter = { ready, failed, left: false };
  context.sessions.acquire(waiter);

  function ready(given: GrpcSession): void {
    session = given;
    const { http2 } = session;
    try {
      const { scheme, authority, heads, clock } = context;
      const written = writeCall(call, { scheme, authority, heads, nowMs: clock.nowMs() });
      const listener = receive(given, call, context, reset, settled);
      stream = http2.openStream(written.headers, false, listener, written.timeout);
      if (!stream) throw new RpcError("UNAVAILABLE", `the connection to ${context.name} has no free stream`);
      call.facts.droppedMetadata += written.droppedMetadata;
      http2.sendData(stream, written.body, true);
    } catch (error) {
      failed(toRpcError(error));
    }
  }

  function settled(outcome: Reply | RpcError): void {
    signal.removeEventListener("abort", onAbort);
    if (outcome instanceof RpcError) reject(outcome);
    else resolve(outcome);
  }

  function reset(): void {
    if (session && stream) session.http2.resetStream(stream, ERROR_CODE.CANCEL);
  }

  function failed(error: RpcError): void {
    signal.removeEventListener("abort", onAbort);
    reject(error);
  }

  function onAbort(): void {
    waiter.left = true;
    failed(abortError(call, stream !== undefined));
    if (session && stream) session.abandon(stream);
  }
}

/**
 * Most bytes that are read and forgotten behind what cannot be read of a response; then its stream is reset. Not sooner,
 * because servers close connections that reset many streams, and with them the calls of others.
 */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Collects the response and says, once, when the stream has closed, what became of the call. */
function receive(
  session: GrpcSession,
  call: Call,
  { name, maxMessageBytes }: ExchangeContext,
  reset: () => void,
  settled: (outcome: Reply | RpcError) => void,
): StreamListener {
  let collector = createMessageCollector(maxMessageBytes);
  let headers: HeaderList | undefined;
  let trailers: HeaderList | undefined;
  let isGrpc = false;
  let unreadable: RpcError | undefined;
  let discarded = 0;

  return {
    headers(list) {
      headers = list;
      isGrpc = headerOf(list, "content-type")?.startsWith("application/grpc") ?? false;
      if (headerOf(list, "grpc-encoding") === undefined) return;
      try {
        collector = createMessageCollector(maxMessageBytes, readResponseEncoding(list));
      } catch (error) {
        unreadable = toRpcError(error);
      }
    },
    trailers(list) {
      trailers = list;
    },
    data(bytes) {
      // The body of an error page says nothing that its status does not.
      if (!isGrpc) return;
      if (unreadable) {
        discarded += bytes.length;
        if (discarded > MAX_DISCARDED_BYTES) reset();
        return;
      }
      try {
        collector.push(bytes);
      } catch (error) {
        unreadable = toRpcError(error);
      }
    },
    closed(ended) {
      if (unreadable) settled(new RpcError(unreadable.code, unreadable.message, { sent: true, cause: unreadable }));
      else if (headers && isWhole(headers, trailers, ended)) settled(outcomeOf(headers, trailers));
      else settled(resetError(name, ended, ended?.failure ?? session.failure));
    },
  };

  function outcomeOf(received: HeaderList, trailing: HeaderList | undefined): Reply | RpcError {
    try {
      // A status other than OK makes a message that was cut short uninteresting.
      const ok = headerOf(trailing ?? received, "grpc-status") === "0";
      const message = ok ? collector.finish() : undefined;
      return readReply({ headers: received, message, trailers: trailing }, call.method, call.accepts);
    } catch (error) {
      const { code, message, origin, details, headers: metadata, trailers: trailingMetadata } = toRpcError(error);
      return new RpcError(code, message, {
        origin,
        sent: true,
        details,
        headers: metadata,
        trailers: trailingMetadata,
      });
    }
  }
}
