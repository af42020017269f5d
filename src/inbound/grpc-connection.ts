// One gRPC connection: HTTP/2 over a socket, each stream a call.
import type { Socket } from "node:net";
import { Canceller } from "../base/cancel.ts";
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
import type { StreamHandler } from "../rpc/stream.ts";
import { createByteBudget } from "./byte-budget.ts";
import { type Connection, endAndDiscard, type ListenerContext, newFacts, peerOf } from "./connection.ts";
import { createGrpcLifetime, type GrpcLifetimeOptions, pingRate } from "./grpc-lifetime.ts";
import { type StreamExchange, serveStream } from "./grpc-stream.ts";
import { callerOf } from "./tls-acceptor.ts";

/** Bounds of a gRPC connection. */
export interface GrpcConnectionOptions {
  readonly maxMessageBytes: number;
  readonly maxCallsPerConnection: number;
  readonly maxRequestBytesPerConnection: number;
  readonly grpc: GrpcLifetimeOptions;
}

/** A stream whose call of one message is being taken, or is running. */
interface Exchange {
  readonly kind: "unary";
  readonly head: CallHead;
  readonly expiresAtMs: number;
  readonly collector: MessageCollector;
  readonly caller: Canceller;
  /** How much of its request is held. */
  heldBytes: number;
  answered: boolean;
}

/** A stream whose answer has been given, with how much has been discarded of its request since. */
interface Answered {
  readonly kind: "answered";
  discardedBytes: number;
}

type Context = Exchange | StreamExchange | Answered;
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
  const running = new Map<Stream, Exchange | StreamExchange>();
  const budget = createByteBudget(options.maxRequestBytesPerConnection);
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
    { maxConcurrentStreams: options.maxCallsPerConnection, pings: pingRate(options.grpc), nowMs: clock.nowMs },
    {
      onHeaders: open,
      onData(stream, bytes, endStream) {
        const exchange = stream.context;
        if (exchange?.kind === "stream") {
          exchange.data(bytes);
          if (endStream) exchange.ended();
          return;
        }
        http2.consume(stream, bytes.length);
        if (exchange?.kind === "answered") discard(stream, exchange, bytes);
        else if (exchange && collect(stream, exchange, bytes) && endStream) run(stream, exchange);
      },
      onTrailers(stream) {
        const exchange = stream.context;
        if (exchange?.kind === "stream") exchange.ended();
        else if (exchange?.kind === "unary") run(stream, exchange);
      },
      onReset(stream) {
        const exchange = stream.context;
        if (exchange?.kind === "stream") {
          running.delete(stream);
          exchange.left();
        } else if (exchange?.kind === "unary" && !exchange.answered) {
          release(exchange);
          exchange.caller.abort(new RpcError("CANCELLED", "the caller went away"));
        }
      },
      onClose: () => {},
      onDrain(stream) {
        if (stream.context?.kind === "stream") stream.context.drained();
      },
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
    const { timeoutMs, method, compression } = head;
    const expiresAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.nowMs() + timeoutMs;
    // Of what kind a method is whose IDL is not loaded, nobody knows; as a stream it can be of any.
    if (context.handleStream && (method.streaming !== "none" || method.request === undefined)) {
      openStream(stream, head, expiresAtMs, context.handleStream);
      if (endStream && stream.context?.kind === "stream") stream.context.ended();
      return;
    }
    const collector = createMessageCollector(options.maxMessageBytes, compression);
    const exchange: Exchange = {
      kind: "unary",
      head,
      expiresAtMs,
      collector,
      caller: new Canceller(),
      heldBytes: 0,
      answered: false,
    };
    stream.context = exchange;
    if (endStream) run(stream, exchange);
  }

  function openStream(stream: Stream, head: CallHead, expiresAtMs: number, handle: StreamHandler): void {
    const { maxMessageBytes } = options;
    const exchange = serveStream(
      head,
      {
        begin: (headers) => http2.sendHeaders(stream, headers, false),
        sendData: (bytes) => http2.sendData(stream, bytes, false),
        consume: (bytes) => http2.consume(stream, bytes),
        end(list, begun) {
          running.delete(stream);
          stream.context = { kind: "answered", discardedBytes: 0 };
          sendEnd(http2, stream, head.dress, list, begun);
        },
      },
      { handle, expiresAtMs, maxMessageBytes, budget, peer, callerName },
    );
    stream.context = exchange;
    running.set(stream, exchange);
    exchange.run();
  }

  /** Adds to the call's message; false when that was one too much. */
  function collect(stream: Stream, exchange: Exchange, bytes: Uint8Array): boolean {
    try {
      if (!budget.take(bytes.length)) throw tooMuch(options.maxRequestBytesPerConnection);
      exchange.heldBytes += bytes.length;
      exchange.collector.push(bytes);
      return true;
    } catch (error) {
      release(exchange);
      refuse(stream, writeReply(exchange.head.dress, toRpcError(error)));
      return false;
    }
  }

  function release(exchange: Exchange): void {
    budget.give(exchange.heldBytes);
    exchange.heldBytes = 0;
  }

  /**
   * Answers before the request has come to its end. A reset right behind the answer would let some clients miss it, so
   * the rest of the request is taken as long as it is short.
   */
  function refuse(stream: Stream, { headers }: Response): void {
    stream.context = { kind: "answered", discardedBytes: 0 };
    http2.sendHeaders(stream, headers, true);
  }

  function discard(stream: Stream, answered: Answered, bytes: Uint8Array): void {
    answered.discardedBytes += bytes.length;
    if (answered.discardedBytes > MAX_DISCARDED_BYTES) http2.resetStream(stream, ERROR_CODE.NO_ERROR);
  }

  function run(stream: Stream, exchange: Exchange): void {
    const { head, expiresAtMs, collector, caller } = exchange;
    running.set(stream, exchange);
    const done = (reply: Reply | RpcError) => {
      running.delete(stream);
      release(exchange);
      if (exchange.answered) return;
      exchange.answered = true;
      respond(http2, stream, head.dress, writeReply(head.dress, reply));
    };
    try {
      const facts = newFacts("grpc", peer, callerName);
      const { call } = readCall(head, collector.finish(), { expiresAtMs, signal: caller, facts });
      context.handle(call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  function onData(chunk: Buffer): void {
    lifetime.heard();
    http2.receive(chunk);
    // A caller that does not take its answers is not read on.
    if (http2.isCongested) socket.pause();
  }

  /** HTTP/2 has its own way to say goodbye: a caller that ends its side has gone. */
  function onEnd(): void {
    http2.transportEnded();
    socket.destroySoon();
  }

  const lifetime = createGrpcLifetime(options.grpc, {
    http2,
    clock,
    random: Math.random,
    isRead: () => !socket.isPaused(),
    dead(reason) {
      log.info({ peer, reason }, "a gRPC connection was cut");
      flush();
      socket.destroySoon();
      socket.once(
        "close",
        clock.after(GOODBYE_MS, () => socket.destroy()),
      );
    },
    cut: () => cut("the connection passed its age (maxConnectionAgeMs)"),
  });
  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.on("drain", flush);
  socket.on("close", () => {
    lifetime.stop();
    http2.transportEnded();
  });
  onData(Buffer.from(first.buffer, first.byteOffset, first.byteLength));
  writeOutput(http2, socket);

  /** Answers what is still running before it closes: a bare close would leave callers to guess what became of their calls. */
  function cut(reason: string): void {
    const error = new RpcError("UNAVAILABLE", `${reason} before the call was done`, { sent: true });
    for (const [stream, exchange] of [...running]) {
      if (exchange.kind === "stream") {
        exchange.cut(error);
        continue;
      }
      exchange.answered = true;
      respond(http2, stream, exchange.head.dress, writeReply(exchange.head.dress, error));
      exchange.caller.abort(new RpcError("CANCELLED", reason));
    }
    running.clear();
    writeOutput(http2, socket);
    socket.destroySoon();
    socket.once(
      "close",
      clock.after(GOODBYE_MS, () => socket.destroy()),
    );
  }

  return {
    get isIdle() {
      return http2.openStreams === 0;
    },
    drain: () => http2.shutDown(),
    destroy: () => cut("the sidecar shut down"),
  };
}

function tooMuch(maxBytes: number): RpcError {
  const text = `the connection's requests pass ${maxBytes} bytes in all (maxRequestBytesPerConnection)`;
  return new RpcError("RESOURCE_EXHAUSTED", text);
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
  sendEnd(http2, stream, dress, trailers, true);
}

/** The end of a response: trailers, or the headers of one that has not begun. */
function sendEnd(
  http2: Http2Connection<Context>,
  stream: Stream,
  dress: Dress,
  list: HeaderList,
  begun: boolean,
): void {
  try {
    http2.sendHeaders(stream, list, true);
  } catch (error) {
    const instead = unwritable(dress, error);
    sendUnwritable(http2, stream, begun ? instead.slice(instead.indexOf("grpc-status")) : instead);
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
