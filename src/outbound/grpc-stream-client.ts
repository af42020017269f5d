// One streaming call to a gRPC server: a stream of the endpoint's HTTP/2 connection, written as fast as the peer takes it
// and read as fast as the reply's reader does.
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import { type HeaderList, headerOf, readMetadata } from "../protocol/grpc/header-list.ts";
import { MessageStream } from "../protocol/grpc/message-stream.ts";
import { readResponseEncoding } from "../protocol/grpc/read-reply.ts";
import { type MessageSink, sendMessages } from "../protocol/grpc/send-messages.ts";
import { readStreamEnd, writeStreamCall } from "../protocol/grpc/stream-verbs.ts";
import type { StreamReset } from "../protocol/http2/events.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import type { StreamCall, StreamReply } from "../rpc/stream.ts";
import { abortError } from "./call-end.ts";
import type { GrpcContext } from "./grpc-context.ts";
import { isWhole, resetError } from "./grpc-end.ts";
import type { GrpcSession, StreamListener, StreamWaiter } from "./grpc-session.ts";

const NOTHING = new Uint8Array(0);

/**
 * Opens a stream for a call. Resolves with the headers of a response that goes on; rejects with what ended it before.
 * The call's signal resets the stream, as soon as the connection's budget of resets allows.
 */
export function openGrpcStream(call: StreamCall, context: GrpcContext): Promise<StreamReply> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) {
      reject(abortError(call, false));
      return;
    }
    const waiter: StreamWaiter = { ready, failed: fail, left: false };
    let exchange: OpenStream | undefined;

    function fail(error: RpcError): void {
      call.signal.removeEventListener("abort", onAbort);
      reject(error);
    }
    function onAbort(): void {
      if (exchange) exchange.abort(abortError(call, true));
      else {
        waiter.left = true;
        fail(abortError(call, false));
      }
    }
    function ready(session: GrpcSession): void {
      exchange = new OpenStream(call, session, context, {
        begun: resolve,
        over: (error) => (error ? fail(error) : call.signal.removeEventListener("abort", onAbort)),
      });
      exchange.open();
    }
    call.signal.addEventListener("abort", onAbort);
    context.sessions.acquire(waiter);
  });
}

interface StreamOutcome {
  begun(reply: StreamReply): void;
  /** Comes once and last; the error is of no use any more to whom the reply has begun for. */
  over(error: RpcError | undefined): void;
}

/** A stream from its headers to its end. */
class OpenStream implements StreamListener, MessageSink {
  readonly consumes = true;
  readonly #call: StreamCall;
  readonly #session: GrpcSession;
  readonly #context: GrpcContext;
  readonly #outcome: StreamOutcome;
  readonly #trailers = Promise.withResolvers<Metadata>();
  #stream: Http2Stream<StreamListener> | undefined;
  #headers: HeaderList | undefined;
  #trailing: HeaderList | undefined;
  /** The reply's messages; undefined before it has begun. */
  #incoming: MessageStream | undefined;
  /** Nothing more comes or goes over the stream. */
  #over = false;
  /** How it ended, which is told when the messages before the end have been read. */
  #end: Metadata | RpcError | undefined;
  #settled = false;
  #writable: (() => void) | undefined;

  constructor(call: StreamCall, session: GrpcSession, context: GrpcContext, outcome: StreamOutcome) {
    this.#call = call;
    this.#session = session;
    this.#context = context;
    this.#outcome = outcome;
    // Those who want to know of the end listen; that nobody does is no fault.
    this.#trailers.promise.catch(() => {});
  }

  open(): void {
    const { scheme, authority, clock, name } = this.#context;
    try {
      const written = writeStreamCall(this.#call, { scheme, authority, nowMs: clock.turnMs() });
      this.#stream = this.#session.http2.openStream(written.headers, false, this, written.timeout);
      if (!this.#stream) throw new RpcError("UNAVAILABLE", `the connection to ${name} has no free stream`);
      this.#call.facts.droppedMetadata += written.droppedMetadata;
    } catch (error) {
      this.#finish(toRpcError(error));
      return;
    }
    void this.#send();
  }

  async #send(): Promise<void> {
    const { messages, compression } = this.#call;
    try {
      await sendMessages(messages, { codec: "protobuf", compression }, this, () => {});
      if (this.#stream) this.#session.http2.sendData(this.#stream, NOTHING, true);
    } catch (error) {
      // The caller has gone, or has sent what is no message: there is no call any more.
      this.abort(toRpcError(error));
    }
  }

  isClosed(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream === undefined || this.#session.http2.sendData(this.#stream, bytes, false);
  }

  whenWritable(): Promise<void> {
    return new Promise((resolve) => {
      this.#writable = resolve;
    });
  }

  drained(): void {
    const resume = this.#writable;
    this.#writable = undefined;
    resume?.();
  }

  headers(list: HeaderList): void {
    this.#headers = list;
    const isGrpc = headerOf(list, "content-type")?.startsWith("application/grpc") ?? false;
    if (!isGrpc || headerOf(list, "grpc-status") !== undefined) return;
    try {
      this.#begin(list);
    } catch (error) {
      this.abort(toRpcError(error));
    }
  }

  #begin(list: HeaderList): void {
    const { method, accepts } = this.#call;
    const announced = readResponseEncoding(list);
    // What was not offered is a fault as soon as a message makes use of it.
    const compression = announced && accepts?.includes(announced) ? announced : undefined;
    const incoming = new MessageStream({
      type: method.response,
      compression,
      maxMessageBytes: this.#context.maxMessageBytes,
      consumed: (bytes) => this.#consume(bytes),
      taken: () => {},
      done: () => this.#settle(),
    });
    this.#incoming = incoming;
    const reply = { headers: readMetadata(list), messages: incoming, trailers: this.#trailers.promise };
    this.#outcome.begun(compression === undefined ? reply : { ...reply, compression });
  }

  data(bytes: Uint8Array): void {
    // The body of an error page says nothing that its status does not.
    if (this.#incoming) this.#incoming.push(bytes);
    else this.#consume(bytes.length);
  }

  #consume(bytes: number): void {
    if (this.#stream) this.#session.http2.consume(this.#stream, bytes);
  }

  trailers(list: HeaderList): void {
    this.#trailing = list;
  }

  closed(reset: StreamReset | undefined): void {
    const headers = this.#headers;
    if (!headers || !isWhole(headers, this.#trailing, reset)) {
      this.#finish(resetError(this.#context.name, reset, reset?.failure ?? this.#session.failure));
      return;
    }
    let end: Metadata | RpcError;
    try {
      end = readStreamEnd(headers, this.#trailing);
    } catch (error) {
      end = toRpcError(error);
    }
    this.#finish(end);
  }

  /** Ends the call from this side; messages that have not been read yet are lost. */
  abort(error: RpcError): void {
    if (this.#settled) return;
    this.#end = error;
    this.#finish(error);
    this.#incoming?.abort(error);
    // A server that streams without an end must be stopped.
    if (this.#stream) this.#session.abandon(this.#stream);
  }

  #finish(end: Metadata | RpcError): void {
    if (this.#over) return;
    this.#over = true;
    this.#end = end;
    const failed = end instanceof RpcError;
    // The headers alone were the whole response.
    if (!this.#incoming && !failed) this.#begin([]);
    if (this.#incoming) this.#incoming.end(failed ? end : undefined);
    else this.#settle();
    this.drained();
  }

  /** Says, once, how the stream ended. */
  #settle(): void {
    const end = this.#end;
    if (this.#settled || end === undefined) return;
    this.#settled = true;
    if (end instanceof RpcError) {
      this.#trailers.reject(end);
      this.#outcome.over(end);
    } else {
      this.#trailers.resolve(end);
      this.#outcome.over(undefined);
    }
  }
}
