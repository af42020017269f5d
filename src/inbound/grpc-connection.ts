// One gRPC connection: HTTP/2 over a socket, each stream a call.
import type { Socket } from "node:net";
import { RpcError, toRpcError } from "../base/errors.ts";
import { createMessageCollector, type MessageCollector } from "../protocol/grpc/message.ts";
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
import { createHttp2Connection, type Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { HeaderList } from "../protocol/http2/header-list.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import { writeOutput } from "../protocol/http2/write-output.ts";
import type { Reply } from "../rpc/call.ts";
import { type Connection, endAndDiscard, type ListenerContext, newFacts, peerOf } from "./connection.ts";
import { callerOf } from "./tls-acceptor.ts";

/** Bounds of a gRPC connection. */
export interface GrpcConnectionOptions {
  readonly maxMessageBytes: number;
  readonly maxCallsPerConnection: number;
}

/** A stream whose call is being taken, or is running. */
interface Exchange {
  readonly head: CallHead;
  readonly expiresAtMs: number;
  readonly collector: MessageCollector;
  readonly caller: AbortController;
  answered: boolean;
}

/** What a stream is: an exchange, or refused, with how much has been discarded of its request. */
type Context = Exchange | { discardedBytes: number };
type Stream = Http2Stream<Context>;

/** Most bytes of a request that are read and forgotten once it has been refused; then its stream is reset. */
const MAX_DISCARDED_BYTES = 1024 * 1024;
/** Longest that a caller may take to read why its calls were cut, in milliseconds. */
const GOODBYE_MS = 1_000;

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
  const { clock, log } = context;
  const peer = peerOf(socket);
  const callerName = callerOf(socket);
  /** The calls that have no answer yet. */
  const running = new Map<Stream, Exchange>();
  let flushing = false;

  /** What one turn of the event loop has to say leaves in one system call. */
  function flush(): void {
    flushing = false;
    if (socket.destroyed) return;
    writeOutput(http2, socket);
    if (socket.isPaused() && !http2.isCongested) socket.resume();
  }

  function end(): void {
    writeOutput(http2, socket);
    socket.off("data", onData).off("end", onEnd);
    endAndDiscard(socket, MAX_DISCARDED_BYTES);
  }

  const http2: Http2Connection<Context> = createHttp2Connection<Context>(
    "server",
    { maxConcurrentStreams: options.maxCallsPerConnection, nowMs: clock.nowMs },
    {
      onHeaders: open,
      onData(stream, bytes, endStream) {
        http2.consume(stream, bytes.length);
        const exchange = stream.context;
        if (exchange === undefined) return;
        if (!("head" in exchange)) discard(stream, exchange, bytes);
        else if (collect(stream, exchange, bytes) && endStream) run(stream, exchange);
      },
      onTrailers(stream) {
        if (stream.context && "head" in stream.context) run(stream, stream.context);
      },
      onReset(stream) {
        const exchange = stream.context;
        if (!exchange || !("head" in exchange) || exchange.answered) return;
        exchange.caller.abort(new RpcError("CANCELLED", "the caller went away"));
      },
      onClose: () => {},
      onDrain: () => {},
      onSettings: () => {},
      onGoAway: () => {},
      onPong: () => {},
      onOutput() {
        if (flushing) return;
        flushing = true;
        setImmediate(flush);
      },
      onFinished: end,
      onFailed(error) {
        log.debug({ peer, error: error.message }, "a gRPC connection failed");
        end();
      },
    },
  );

  function open(stream: Stream, list: HeaderList, endStream: boolean): void {
    const refusal = refuseRequest(list);
    if (refusal) {
      refuse(stream, refusal);
      return;
    }
    let head: CallHead;
    try {
      head = readHead(list, context.lookup);
    } catch (error) {
      refuse(stream, writeReply(readDress(list), toRpcError(error)));
      return;
    }
    const { timeoutMs } = head;
    const expiresAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.nowMs() + timeoutMs;
    const collector = createMessageCollector(options.maxMessageBytes);
    const exchange = { head, expiresAtMs, collector, caller: new AbortController(), answered: false };
    stream.context = exchange;
    if (endStream) run(stream, exchange);
  }

  /** Adds to the call's message; false when that was one too much. */
  function collect(stream: Stream, { collector, head }: Exchange, bytes: Uint8Array): boolean {
    try {
      collector.push(bytes);
      return true;
    } catch (error) {
      refuse(stream, writeReply(head.dress, toRpcError(error)));
      return false;
    }
  }

  /**
   * Answers before the request has come to its end. A reset right behind the answer would let some clients miss it, so
   * the rest of the request is taken as long as it is short.
   */
  function refuse(stream: Stream, { headers }: Response): void {
    stream.context = { discardedBytes: 0 };
    http2.sendHeaders(stream, headers, true);
  }

  function discard(stream: Stream, refused: { discardedBytes: number }, bytes: Uint8Array): void {
    refused.discardedBytes += bytes.length;
    if (refused.discardedBytes > MAX_DISCARDED_BYTES) http2.resetStream(stream, ERROR_CODE.NO_ERROR);
  }

  function run(stream: Stream, exchange: Exchange): void {
    const { head, expiresAtMs, collector, caller } = exchange;
    running.set(stream, exchange);
    const done = (reply: Reply | RpcError) => {
      running.delete(stream);
      if (exchange.answered) return;
      exchange.answered = true;
      respond(http2, stream, head.dress, writeReply(head.dress, reply));
    };
    try {
      const facts = newFacts("grpc", peer, callerName);
      const { call } = readCall(head, collector.finish(), { expiresAtMs, signal: caller.signal, facts });
      context.handle(call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  function onData(chunk: Buffer): void {
    http2.receive(chunk);
    // A caller that does not take its answers is not read on.
    if (http2.isCongested) socket.pause();
  }

  /** HTTP/2 has its own way to say goodbye: a caller that ends its side has gone. */
  function onEnd(): void {
    http2.transportEnded();
    socket.destroySoon();
  }

  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.on("drain", flush);
  socket.on("close", () => http2.transportEnded());
  onData(Buffer.from(first.buffer, first.byteOffset, first.byteLength));
  writeOutput(http2, socket);

  /** Answers what is still running before it closes: a bare close would leave callers to guess what became of their calls. */
  function cut(): void {
    const error = new RpcError("UNAVAILABLE", "the sidecar shut down before the call was done", { sent: true });
    for (const [stream, exchange] of running) {
      exchange.answered = true;
      respond(http2, stream, exchange.head.dress, writeReply(exchange.head.dress, error));
      exchange.caller.abort(new RpcError("CANCELLED", "the sidecar shut down"));
    }
    running.clear();
    writeOutput(http2, socket);
    socket.destroySoon();
    socket.once(
      "close",
      clock.after(GOODBYE_MS, () => socket.destroy()),
    );
  }

  return { drain: () => http2.shutDown(), destroy: cut };
}

function respond(http2: Http2Connection<Context>, stream: Stream, dress: Dress, response: Response): void {
  const { headers, body, trailers } = response;
  try {
    http2.sendHeaders(stream, headers, trailers === undefined);
  } catch (error) {
    sendUnwritable(http2, stream, unwritable(dress, error));
    return;
  }
  if (trailers === undefined) return;
  if (body) http2.sendData(stream, body, false);
  try {
    http2.sendHeaders(stream, trailers, true);
  } catch (error) {
    // The first two pairs are the status and content type of a response without trailers.
    sendUnwritable(http2, stream, unwritable(dress, error).slice(4));
  }
}

/** What is said instead of headers that HTTP/2 cannot carry, or more of them than the caller takes. */
function unwritable(dress: Dress, error: unknown): HeaderList {
  const { message } = toRpcError(error);
  return writeReply(dress, new RpcError("INTERNAL", `the reply's metadata cannot be written: ${message}`)).headers;
}

function sendUnwritable(http2: Http2Connection<Context>, stream: Stream, headers: HeaderList): void {
  try {
    http2.sendHeaders(stream, headers, true);
  } catch {
    // The caller takes hardly any headers.
    http2.resetStream(stream, ERROR_CODE.INTERNAL_ERROR);
  }
}
