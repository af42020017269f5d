// Calls to gRPC servers: unary calls as streams of one HTTP/2 connection per endpoint.
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError, withSent } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type HeaderList, headerOf } from "../protocol/grpc/header-list.ts";
import { MessageCollector } from "../protocol/grpc/message.ts";
import { type KnownHeads, readReply, readResponseEncoding, writeCall } from "../protocol/grpc/verbs.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { StreamReset } from "../protocol/http2/events.ts";
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
      handle: (call) => new Promise<Reply>((resolve, reject) => new Exchange(call, context, resolve, reject).begin()),
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

/**
 * Most bytes that are read and forgotten behind what cannot be read of a response; then its stream is reset. Not sooner,
 * because servers close connections that reset many streams, and with them the calls of others.
 */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** One call over one stream: waits for the stream, then collects the response. A class, so that a call is one object. */
class Exchange implements StreamWaiter, StreamListener {
  left = false;
  readonly #call: Call;
  readonly #context: ExchangeContext;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: RpcError) => void;
  #session: GrpcSession | undefined;
  #stream: Http2Stream<StreamListener> | undefined;

  #collector: MessageCollector;
  #headers: HeaderList | undefined;
  #trailers: HeaderList | undefined;
  #isGrpc = false;
  #unreadable: RpcError | undefined;
  #discarded = 0;

  constructor(
    call: Call,
    context: ExchangeContext,
    resolve: (reply: Reply) => void,
    reject: (error: RpcError) => void,
  ) {
    this.#call = call;
    this.#context = context;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#collector = new MessageCollector(context.maxMessageBytes);
  }

  begin(): void {
    const { signal } = this.#call;
    if (signal.aborted) {
      this.#reject(abortError(this.#call, false));
      return;
    }
    signal.addEventListener("abort", this.#onAbort);
    this.#context.sessions.acquire(this);
  }

  ready(session: GrpcSession): void {
    this.#session = session;
    const { scheme, authority, heads, clock, name } = this.#context;
    try {
      const { headers, timeout, body, droppedMetadata } = writeCall(this.#call, {
        scheme,
        authority,
        heads,
        nowMs: clock.turnMs(),
      });
      this.#stream = session.http2.openStream(headers, false, this, timeout);
      if (!this.#stream) throw new RpcError("UNAVAILABLE", `the connection to ${name} has no free stream`);
      this.#call.facts.droppedMetadata += droppedMetadata;
      session.http2.sendData(this.#stream, body, true);
    } catch (error) {
      this.failed(toRpcError(error));
    }
  }

  failed(error: RpcError): void {
    this.#call.signal.removeEventListener("abort", this.#onAbort);
    this.#reject(error);
  }

  readonly #onAbort = (): void => {
    this.left = true;
    this.failed(abortError(this.#call, this.#stream !== undefined));
    if (this.#stream) this.#session?.abandon(this.#stream);
  };

  headers(list: HeaderList): void {
    this.#headers = list;
    this.#isGrpc = headerOf(list, "content-type")?.startsWith("application/grpc") ?? false;
    if (headerOf(list, "grpc-encoding") === undefined) return;
    try {
      this.#collector = new MessageCollector(this.#context.maxMessageBytes, readResponseEncoding(list));
    } catch (error) {
      this.#unreadable = toRpcError(error);
    }
  }

  trailers(list: HeaderList): void {
    this.#trailers = list;
  }

  data(bytes: Uint8Array): void {
    // The body of an error page says nothing that its status does not.
    if (!this.#isGrpc) return;
    if (this.#unreadable) {
      this.#discarded += bytes.length;
      if (this.#discarded > MAX_DISCARDED_BYTES && this.#stream) {
        this.#session?.http2.resetStream(this.#stream, ERROR_CODE.CANCEL);
      }
      return;
    }
    try {
      this.#collector.push(bytes);
    } catch (error) {
      this.#unreadable = toRpcError(error);
    }
  }

  closed(ended: StreamReset | undefined): void {
    this.#call.signal.removeEventListener("abort", this.#onAbort);
    const outcome = this.#outcome(ended);
    if (outcome instanceof RpcError) this.#reject(outcome);
    else this.#resolve(outcome);
  }

  #outcome(ended: StreamReset | undefined): Reply | RpcError {
    const unreadable = this.#unreadable;
    if (unreadable) return new RpcError(unreadable.code, unreadable.message, { sent: true, cause: unreadable });
    const headers = this.#headers;
    if (headers && isWhole(headers, this.#trailers, ended)) return this.#read(headers, this.#trailers);
    return resetError(this.#context.name, ended, ended?.failure ?? this.#session?.failure);
  }

  #read(headers: HeaderList, trailers: HeaderList | undefined): Reply | RpcError {
    const { method, accepts } = this.#call;
    try {
      // A status other than OK makes a message that was cut short uninteresting.
      const ok = headerOf(trailers ?? headers, "grpc-status") === "0";
      const message = ok ? this.#collector.finish() : undefined;
      return readReply({ headers, message, trailers }, method, accepts);
    } catch (error) {
      return withSent(toRpcError(error), true);
    }
  }
}
