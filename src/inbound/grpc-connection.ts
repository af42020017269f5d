// One gRPC connection: node:http2 speaks HTTP/2, each stream becomes a call.
import { constants, performServerHandshake, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { RpcError, toRpcError } from "../base/errors.ts";
import { type HeaderList, toHeaderRecord } from "../protocol/grpc/header-list.ts";
import { createMessageCollector } from "../protocol/grpc/message.ts";
import {
  type CallHead,
  type Dress,
  type Response,
  readCall,
  readDress,
  readHead,
  refuseRequest,
  writeReply,
} from "../protocol/grpc/verbs.ts";
import type { Reply } from "../rpc/call.ts";
import { type Connection, type ListenerContext, newFacts, peerOf } from "./connection.ts";

/** Bounds of a gRPC connection. */
export interface GrpcConnectionOptions {
  readonly maxMessageBytes: number;
  readonly maxCallsPerConnection: number;
}

/** Flow-control windows that do not make a local caller wait for each 64 KiB. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * STREAM_WINDOW_BYTES;

/**
 * Serves a connection that begins with the HTTP/2 preface, of which `first` has been read. A caller that resets a stream
 * or goes away aborts the call's signal; grpc-timeout becomes the call's deadline; every failure becomes a grpc-status.
 */
export function serveGrpc(
  socket: Socket,
  first: Uint8Array,
  options: GrpcConnectionOptions,
  context: ListenerContext,
): Connection {
  const peer = peerOf(socket);
  socket.pause();
  socket.unshift(first);
  // HTTP/2 has its own way to say goodbye: a caller that ends its side has gone.
  socket.allowHalfOpen = false;
  const session = performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: options.maxCallsPerConnection,
      initialWindowSize: STREAM_WINDOW_BYTES,
    },
    // In megabytes; the default of 10 would refuse streams while one large reply is being sent.
    maxSessionMemory: 64 + 2 * Math.ceil(options.maxMessageBytes / 2 ** 20),
  });
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  session.on("error", (error: Error) => context.log.debug({ peer, error: error.message }, "a gRPC connection failed"));
  session.on("stream", (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: HeaderList) => {
    stream.on("error", (error: Error) => context.log.debug({ peer, error: error.message }, "a gRPC stream failed"));
    serveStream(stream, rawHeaders, peer, options, context);
  });
  // A session that has said goodbye would wait for its caller to end the connection: the socket is destroyed itself.
  return { drain: () => session.close(), destroy: () => void socket.destroy() };
}

function serveStream(
  stream: ServerHttp2Stream,
  headers: HeaderList,
  peer: string,
  options: GrpcConnectionOptions,
  context: ListenerContext,
): void {
  const refusal = refuseRequest(headers);
  if (refusal) {
    refuse(stream, refusal);
    return;
  }
  let head: CallHead;
  try {
    head = readHead(headers, context.lookup);
  } catch (error) {
    refuse(stream, writeReply(readDress(headers), toRpcError(error)));
    return;
  }
  const { dress, timeoutMs } = head;
  const expiresAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : context.clock.nowMs() + timeoutMs;
  const caller = new AbortController();
  const collector = createMessageCollector(options.maxMessageBytes);

  function onData(chunk: Buffer): void {
    try {
      collector.push(chunk);
    } catch (error) {
      stream.off("data", onData).off("end", onEnd);
      refuse(stream, writeReply(dress, toRpcError(error)));
    }
  }

  function onEnd(): void {
    if (stream.aborted) return;
    const done = (reply: Reply | RpcError) => respond(stream, dress, writeReply(dress, reply));
    try {
      const facts = newFacts("grpc", peer);
      const { call } = readCall(head, collector.finish(), { expiresAtMs, signal: caller.signal, facts });
      context.handle(call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  stream.on("data", onData);
  stream.on("end", onEnd);
  stream.on("close", () => {
    if (!stream.headersSent) caller.abort(new RpcError("CANCELLED", "the caller went away"));
  });
}

/** Most bytes of a request that are read and forgotten once it has been refused; then its stream is reset. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/**
 * Answers before the request has come to its end. A reset right behind the answer would let some clients miss it, so the
 * rest of the request is taken as long as it is short.
 */
function refuse(stream: ServerHttp2Stream, { headers }: Response): void {
  if (isGone(stream)) return;
  let discarded = 0;
  stream.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > MAX_DISCARDED_BYTES) stream.close(constants.NGHTTP2_NO_ERROR);
  });
  stream.respond(toHeaderRecord(headers), { endStream: true });
}

function respond(stream: ServerHttp2Stream, dress: Dress, { headers, body, trailers }: Response): void {
  if (isGone(stream)) return;
  try {
    if (trailers === undefined) {
      stream.respond(toHeaderRecord(headers), { endStream: true });
      return;
    }
    stream.respond(toHeaderRecord(headers), { waitForTrailers: true });
  } catch (error) {
    stream.respond(toHeaderRecord(unwritable(dress, error)), { endStream: true });
    return;
  }
  stream.once("wantTrailers", () => sendTrailers(stream, dress, trailers));
  stream.end(body);
}

function sendTrailers(stream: ServerHttp2Stream, dress: Dress, trailers: HeaderList): void {
  if (isGone(stream)) return;
  try {
    stream.sendTrailers(toHeaderRecord(trailers));
  } catch (error) {
    // The first two pairs are the status and content type of a response without trailers.
    stream.sendTrailers(toHeaderRecord(unwritable(dress, error).slice(4)));
  }
}

/** What is said instead of headers that HTTP/2 does not take, such as a repeated one that may stand only once. */
function unwritable(dress: Dress, error: unknown): HeaderList {
  const { message } = toRpcError(error);
  return writeReply(dress, new RpcError("INTERNAL", `the reply's metadata cannot be written: ${message}`)).headers;
}

/** A caller may reset its stream before anything of it has been looked at. */
function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
