// One unary call to a gRPC server: a stream of the endpoint's HTTP/2 connection, of which the whole response is collected.
import { RpcError, toRpcError, withSent } from "../base/errors.ts";
import { type HeaderList, headerOf } from "../protocol/grpc/header-list.ts";
import { MessageCollector } from "../protocol/grpc/message.ts";
import { readReply, readResponseEncoding } from "../protocol/grpc/read-reply.ts";
import { writeCall } from "../protocol/grpc/write-call.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { StreamReset } from "../protocol/http2/events.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import type { Call, Reply } from "../rpc/call.ts";
import { abortError } from "./call-end.ts";
import type { GrpcContext } from "./grpc-context.ts";
import { isWhole, resetError } from "./grpc-end.ts";
import type { GrpcSession, StreamListener, StreamWaiter } from "./grpc-session.ts";

/** Resolves with the whole reply. The call's signal resets its stream, as soon as the connection's budget of resets allows. */
export function callGrpc(call: Call, context: GrpcContext): Promise<Reply> {
  return new Promise((resolve, reject) => new Exchange(call, context, resolve, reject).begin());
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
  readonly #context: GrpcContext;
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

  constructor(call: Call, context: GrpcContext, resolve: (reply: Reply) => void, reject: (error: RpcError) => void) {
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
