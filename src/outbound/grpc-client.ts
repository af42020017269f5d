// Calls to gRPC servers: unary calls as streams of one HTTP/2 session per endpoint, over node:http2.
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { type HeaderList, headerOf, toHeaderRecord } from "../protocol/grpc/header-list.ts";
import { createMessageCollector } from "../protocol/grpc/message.ts";
import { codeOfReset } from "../protocol/grpc/status.ts";
import { readReply, writeCall } from "../protocol/grpc/verbs.ts";
import type { Call, Reply } from "../rpc/call.ts";
import type { Connect } from "../rpc/endpoint.ts";
import { abortError } from "./call-end.ts";
import { createGrpcSessions, type GrpcSessions, type StreamWaiter } from "./grpc-session.ts";

/** How an upstream's gRPC servers are called. */
export const grpcUpstreamOptions = z
  .strictObject({
    connectTimeoutMs: z.int().positive().default(1_000).describe("longest time to connect, in milliseconds"),
    maxMessageBytes: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(100 * 1024 * 1024)
      .describe("largest response message, in bytes"),
    authority: z
      .string()
      .min(1)
      .optional()
      .describe("the host that servers are told, if not the endpoint's address; some choose by it"),
  })
  .describe("how gRPC servers are called: HTTP/2 without TLS");

export type GrpcUpstreamOptions = z.output<typeof grpcUpstreamOptions>;

/**
 * Calls gRPC servers. A failure to connect and a refused stream are UNAVAILABLE and not sent; a connection that breaks
 * under the call is UNAVAILABLE and sent; a non-OK status is a RpcError of the peer, or the exception that its details
 * hold. The deadline goes along as grpc-timeout; a call that is aborted resets its stream.
 */
export function connectGrpc(options: GrpcUpstreamOptions, clock: Clock): Connect {
  return ({ address, name }) => {
    const authority = options.authority ?? authorityOf(address);
    const sessions = createGrpcSessions(address, name, authority, options, clock);
    const context: ExchangeContext = { name, authority, maxMessageBytes: options.maxMessageBytes, sessions, clock };
    return {
      handle: (call) => new Promise<Reply>((resolve, reject) => exchange(call, context, resolve, reject)),
      close: sessions.close,
    };
  };
}

/** A unix socket has no host; gRPC's own libraries say localhost. */
function authorityOf(address: Address): string {
  return address.kind === "unix" ? "localhost" : formatAddress(address);
}

interface ExchangeContext {
  readonly name: string;
  readonly authority: string;
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
  let stream: ClientHttp2Stream | undefined;
  if (signal.aborted) {
    reject(abortError(call, false));
    return;
  }
  signal.addEventListener("abort", onAbort);
  const waiter: StreamWaiter = { ready, failed, left: false };
  context.sessions.acquire(waiter);

  function ready(session: ClientHttp2Session, done: () => void): void {
    try {
      const { authority, clock } = context;
      const written = writeCall(call, { authority, nowMs: clock.nowMs() });
      stream = session.request(toHeaderRecord(written.headers), { endStream: false });
      call.facts.droppedMetadata += written.droppedMetadata;
      receive(stream, session, call, context, (outcome) => {
        signal.removeEventListener("abort", onAbort);
        done();
        if (outcome instanceof RpcError) reject(outcome);
        else resolve(outcome);
      });
      stream.end(written.body);
    } catch (error) {
      if (stream) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      else done();
      failed(toRpcError(error));
    }
  }

  function failed(error: RpcError): void {
    signal.removeEventListener("abort", onAbort);
    reject(error);
  }

  function onAbort(): void {
    waiter.left = true;
    stream?.close(constants.NGHTTP2_CANCEL);
    failed(abortError(call, stream !== undefined));
  }
}

/**
 * Most bytes that are read and forgotten behind what cannot be read of a response; then its stream is reset. Not sooner,
 * because servers close connections that reset many streams, and with them the calls of others.
 */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Collects the response and says, once, when the stream has closed, what became of the call. */
function receive(
  stream: ClientHttp2Stream,
  session: ClientHttp2Session,
  call: Call,
  { name, maxMessageBytes }: ExchangeContext,
  closed: (outcome: Reply | RpcError) => void,
): void {
  const collector = createMessageCollector(maxMessageBytes);
  let headers: HeaderList | undefined;
  let trailers: HeaderList | undefined;
  let isGrpc = false;
  let unreadable: RpcError | undefined;
  let discarded = 0;
  let failure: Error | undefined;

  stream.on("response", (_headers: unknown, _flags: number, rawHeaders: HeaderList) => {
    headers = rawHeaders;
    isGrpc = headerOf(rawHeaders, "content-type")?.startsWith("application/grpc") ?? false;
  });
  stream.on("trailers", (_headers: unknown, _flags: number, rawHeaders: HeaderList) => {
    trailers = rawHeaders;
  });
  stream.on("data", (chunk: Buffer) => {
    // The body of an error page says nothing that its status does not.
    if (!isGrpc) return;
    if (unreadable) {
      discarded += chunk.length;
      if (discarded > MAX_DISCARDED_BYTES) stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    try {
      collector.push(chunk);
    } catch (error) {
      unreadable = toRpcError(error);
    }
  });
  stream.on("error", (error: Error) => {
    failure = error;
  });
  stream.on("close", () => {
    if (unreadable) closed(new RpcError(unreadable.code, unreadable.message, { sent: true, cause: unreadable }));
    else if (headers && isWhole(headers, trailers, stream, session)) closed(outcomeOf(headers, trailers));
    else closed(resetError(name, stream, session, failure));
  });

  function outcomeOf(received: HeaderList, trailing: HeaderList | undefined): Reply | RpcError {
    try {
      // A status other than OK makes a message that was cut short uninteresting.
      const ok = headerOf(trailing ?? received, "grpc-status") === "0";
      const message = ok ? collector.finish() : undefined;
      return readReply({ headers: received, message, trailers: trailing }, call.method);
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

/** Whether the peer has said how the call ended, or has ended the stream in good order without. */
function isWhole(
  headers: HeaderList,
  trailers: HeaderList | undefined,
  { rstCode }: ClientHttp2Stream,
  session: ClientHttp2Session,
): boolean {
  if (trailers || headerOf(headers, "grpc-status") !== undefined || headerOf(headers, ":status") !== "200") return true;
  return rstCode === constants.NGHTTP2_NO_ERROR && !session.destroyed;
}

/** Why a stream closed without a status. */
function resetError(
  name: string,
  { rstCode = constants.NGHTTP2_NO_ERROR }: ClientHttp2Stream,
  session: ClientHttp2Session,
  failure: Error | undefined,
): RpcError {
  if (rstCode === constants.NGHTTP2_REFUSED_STREAM) {
    return new RpcError("UNAVAILABLE", `${name} refused the stream`, { cause: failure });
  }
  // A connection that broke closes its streams with codes of our own side.
  if (session.destroyed || rstCode === constants.NGHTTP2_NO_ERROR) {
    const reason = failure?.message ?? "the peer closed it";
    const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
    return new RpcError("UNAVAILABLE", text, { sent: true, cause: failure });
  }
  const text = `${name} reset the stream with HTTP/2 error code ${rstCode}`;
  return new RpcError(codeOfReset(rstCode), text, { origin: "peer", sent: true, cause: failure });
}
