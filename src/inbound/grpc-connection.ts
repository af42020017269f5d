// One gRPC connection: HTTP/2 over a socket, each stream a call.

import type { Socket } from "node:net";
import { Canceller } from "../base/cancel.ts";
import { atEndOfTurn } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { IdTable } from "../base/id-table.ts";
import type { Dress } from "../protocol/grpc/dress.ts";
import { MessageCollector } from "../protocol/grpc/message.ts";
import type { ByteBudget } from "../protocol/grpc/message-stream.ts";
import { type CallHead, readCall, readDress, readHead, refuseRequest } from "../protocol/grpc/read-call.ts";
import type { StreamExchange } from "../protocol/grpc/serve-stream.ts";
import { type Response, writeReply } from "../protocol/grpc/write-reply.ts";
import { createHttp2Connection, type Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { Http2Events } from "../protocol/http2/events.ts";
import type { HeaderList } from "../protocol/http2/header-list.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import { writeOutput } from "../protocol/http2/write-output.ts";
import type { Reply } from "../rpc/call.ts";
import type { StreamHandler } from "../rpc/stream.ts";
import { createByteBudget } from "./byte-budget.ts";
import {
  type Connection,
  checkSidecar,
  endAndDiscard,
  type ListenerContext,
  newFacts,
  peerOf,
  unreadReplies,
} from "./connection.ts";
import { createGrpcLifetime, type GrpcLifetime, type GrpcLifetimeOptions, pingRate } from "./grpc-lifetime.ts";
import { serveGrpcStream } from "./grpc-stream.ts";
import { callerOf } from "./tls-acceptor.ts";

/** Bounds of a gRPC connection. */
export interface GrpcConnectionOptions {
  readonly maxMessageBytes: number;
  readonly maxCallsPerConnection: number;
  readonly maxRequestBytesPerConnection: number;
  readonly maxReplyBytesPerConnection: number;
  readonly grpc: GrpcLifetimeOptions;
  /** Whether the callers are sidecars, and nobody else is served; else what only sidecars may say is dropped. */
  readonly fromSidecar: boolean;
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
  return new GrpcConnection(socket, first, options, context);
}

/** A class, because a connection that is idle should weigh little: thousands are. */
class GrpcConnection implements Connection, Http2Events<Context> {
  readonly #socket: Socket;
  readonly #options: GrpcConnectionOptions;
  readonly #context: ListenerContext;
  readonly #http2: Http2Connection<Context>;
  readonly #lifetime: GrpcLifetime;
  readonly #budget: ByteBudget;
  readonly #peer: string;
  readonly #callerName: string | undefined;
  /** The calls that have no answer yet. */
  readonly #running = new IdTable<Stream>();
  readonly #flush = (): void => this.#flushNow();
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onEnd = (): void => this.#ended();
  #flushing = false;

  constructor(socket: Socket, first: Uint8Array, options: GrpcConnectionOptions, context: ListenerContext) {
    this.#socket = socket;
    this.#options = options;
    this.#context = context;
    this.#peer = peerOf(socket);
    this.#callerName = callerOf(socket);
    this.#budget = createByteBudget(options.maxRequestBytesPerConnection);
    const { clock } = context;
    const limits = { maxConcurrentStreams: options.maxCallsPerConnection, pings: pingRate(options.grpc) };
    this.#http2 = createHttp2Connection<Context>("server", { ...limits, nowMs: clock.nowMs }, this);
    this.#lifetime = createGrpcLifetime(options.grpc, { http2: this.#http2, clock, random: Math.random, owner: this });
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#flush);
    socket.on("close", () => {
      this.#lifetime.stop();
      this.#http2.transportEnded();
    });
    this.#receive(Buffer.from(first.buffer, first.byteOffset, first.byteLength));
    writeOutput(this.#http2, socket);
  }

  get isIdle(): boolean {
    return this.#http2.openStreams === 0;
  }

  drain(): void {
    this.#http2.shutDown();
  }

  destroy(): void {
    this.#cut("the sidecar shut down");
  }

  #receive(chunk: Buffer): void {
    this.#lifetime.heard();
    this.#http2.receive(chunk);
    // A caller that does not take its answers is not read on.
    if (this.#http2.isCongested) this.#socket.pause();
  }

  /** HTTP/2 has its own way to say goodbye: a caller that ends its side has gone. */
  #ended(): void {
    this.#http2.transportEnded();
    this.#socket.destroySoon();
  }

  /** What one turn of the event loop has to say leaves in one system call. */
  #flushNow(): void {
    this.#flushing = false;
    const socket = this.#socket;
    if (socket.destroyed) return;
    writeOutput(this.#http2, socket);
    if (socket.isPaused() && !this.#http2.isCongested) socket.resume();
  }

  onOutput(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    atEndOfTurn(this.#flush);
  }

  onFinished(): void {
    const socket = this.#socket;
    writeOutput(this.#http2, socket);
    socket.off("data", this.#onData).off("end", this.#onEnd);
    endAndDiscard(socket, MAX_DISCARDED_BYTES);
  }

  onFailed(error: RpcError): void {
    this.#context.log.debug({ peer: this.#peer, error: error.message }, "a gRPC connection failed");
    this.onFinished();
  }

  onSettings(): void {}
  onGoAway(): void {}
  onPong(): void {}
  onClose(): void {}

  onDrain(stream: Stream): void {
    if (stream.context?.kind === "stream") stream.context.drained();
  }

  onHeaders(stream: Stream, list: HeaderList, endStream: boolean, recognised: boolean): void {
    const refusal = refuseRequest(list);
    if (refusal) {
      this.#refuse(stream, refusal);
      return;
    }
    const { lookup, clock, handleStream } = this.#context;
    let head: CallHead;
    try {
      const { fromSidecar } = this.#options;
      head = readHead(list, lookup, fromSidecar, recognised);
      if (fromSidecar) checkSidecar(head.headers);
    } catch (error) {
      this.#refuse(stream, writeReply(readDress(list), toRpcError(error)));
      return;
    }
    const { timeoutMs, method, compression } = head;
    const expiresAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.turnMs() + timeoutMs;
    // Of what kind a method is whose IDL is not loaded, nobody knows; as a stream it can be of any.
    if (handleStream && (method.streaming !== "none" || method.request === undefined)) {
      this.#openStream(stream, head, expiresAtMs, handleStream);
      if (endStream && stream.context?.kind === "stream") stream.context.ended();
      return;
    }
    const collector = new MessageCollector(this.#options.maxMessageBytes, compression);
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
    if (endStream) this.#run(stream, exchange);
  }

  onData(stream: Stream, bytes: Buffer, endStream: boolean): void {
    const exchange = stream.context;
    if (exchange?.kind === "stream") {
      exchange.data(bytes);
      if (endStream) exchange.ended();
      return;
    }
    this.#http2.consume(stream, bytes.length);
    if (exchange?.kind === "answered") this.#discard(stream, exchange, bytes);
    else if (exchange && this.#collect(stream, exchange, bytes) && endStream) this.#run(stream, exchange);
  }

  onTrailers(stream: Stream): void {
    const exchange = stream.context;
    if (exchange?.kind === "stream") exchange.ended();
    else if (exchange?.kind === "unary") this.#run(stream, exchange);
  }

  onReset(stream: Stream): void {
    const exchange = stream.context;
    if (exchange?.kind === "stream") {
      this.#running.delete(stream.id);
      exchange.left();
    } else if (exchange?.kind === "unary" && !exchange.answered) {
      this.#release(exchange);
      exchange.caller.abort(new RpcError("CANCELLED", "the caller went away"));
    }
  }

  #openStream(stream: Stream, head: CallHead, expiresAtMs: number, handle: StreamHandler): void {
    const http2 = this.#http2;
    const exchange = serveGrpcStream(
      head,
      {
        begin: (headers) => http2.sendHeaders(stream, headers, false),
        sendData: (bytes) => http2.sendData(stream, bytes, false),
        consume: (bytes) => http2.consume(stream, bytes),
        end: (list, begun) => {
          this.#running.delete(stream.id);
          stream.context = { kind: "answered", discardedBytes: 0 };
          sendEnd(http2, stream, head.dress, list, begun);
        },
      },
      {
        handle,
        expiresAtMs,
        maxMessageBytes: this.#options.maxMessageBytes,
        budget: this.#budget,
        peer: this.#peer,
        callerName: this.#callerName,
      },
    );
    stream.context = exchange;
    this.#running.set(stream.id, stream);
    exchange.run();
  }

  /** Adds to the call's message; false when that was one too much. */
  #collect(stream: Stream, exchange: Exchange, bytes: Uint8Array): boolean {
    try {
      if (!this.#budget.take(bytes.length)) throw tooMuch(this.#options.maxRequestBytesPerConnection);
      exchange.heldBytes += bytes.length;
      exchange.collector.push(bytes);
      return true;
    } catch (error) {
      this.#release(exchange);
      this.#refuse(stream, writeReply(exchange.head.dress, toRpcError(error)));
      return false;
    }
  }

  #release(exchange: Exchange): void {
    this.#budget.give(exchange.heldBytes);
    exchange.heldBytes = 0;
  }

  /**
   * Answers before the request has come to its end. A reset right behind the answer would let some clients miss it, so
   * the rest of the request is taken as long as it is short.
   */
  #refuse(stream: Stream, { headers }: Response): void {
    stream.context = { kind: "answered", discardedBytes: 0 };
    this.#http2.sendHeaders(stream, headers, true);
  }

  #discard(stream: Stream, answered: Answered, bytes: Uint8Array): void {
    answered.discardedBytes += bytes.length;
    if (answered.discardedBytes > MAX_DISCARDED_BYTES) this.#http2.resetStream(stream, ERROR_CODE.NO_ERROR);
  }

  #run(stream: Stream, exchange: Exchange): void {
    const { head, expiresAtMs, collector, caller } = exchange;
    this.#running.set(stream.id, stream);
    const done = (reply: Reply | RpcError) => {
      this.#running.delete(stream.id);
      this.#release(exchange);
      if (exchange.answered) return;
      exchange.answered = true;
      const { dress } = head;
      const { maxReplyBytesPerConnection: maxBytes } = this.#options;
      const response = writeReply(dress, reply);
      const size = response.body?.length ?? 0;
      const hasRoom = this.#http2.queuedBytes === 0 || this.#http2.queuedBytes + size <= maxBytes;
      respond(this.#http2, stream, dress, hasRoom ? response : writeReply(dress, unreadReplies(maxBytes)));
    };
    try {
      const facts = newFacts("grpc", this.#peer, this.#callerName);
      const { call } = readCall(head, collector.finish(), { expiresAtMs, signal: caller, facts });
      this.#context.handle(call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  get isRead(): boolean {
    return !this.#socket.isPaused();
  }

  dead(reason: string): void {
    this.#context.log.info({ peer: this.#peer, reason }, "a gRPC connection was cut");
    this.#flushNow();
    this.#closeSoon();
  }

  outlived(): void {
    this.#cut("the connection passed its age (maxConnectionAgeMs)");
  }

  /** Answers what is still running before it closes: a bare close would leave callers to guess what became of their calls. */
  #cut(reason: string): void {
    const error = new RpcError("UNAVAILABLE", `${reason} before the call was done`, { sent: true });
    for (const stream of this.#running.values()) {
      const exchange = stream.context;
      if (exchange?.kind === "stream") exchange.cut(error);
      if (exchange?.kind !== "unary") continue;
      exchange.answered = true;
      respond(this.#http2, stream, exchange.head.dress, writeReply(exchange.head.dress, error));
      exchange.caller.abort(new RpcError("CANCELLED", reason));
    }
    this.#running.clear();
    writeOutput(this.#http2, this.#socket);
    this.#closeSoon();
  }

  #closeSoon(): void {
    const socket = this.#socket;
    socket.destroySoon();
    socket.once(
      "close",
      this.#context.clock.after(GOODBYE_MS, () => socket.destroy()),
    );
  }
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
