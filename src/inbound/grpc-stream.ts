// One streaming call of a gRPC connection: its messages to the handler as that reads them, the reply's messages to the
// caller as that takes them. The connection, and calls of one message, are left to grpc-connection.ts.
import { Canceller } from "../base/cancel.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import { type ByteBudget, MessageStream } from "../protocol/grpc/message-stream.ts";
import { sendMessages } from "../protocol/grpc/send-messages.ts";
import { readStream, writeStreamEnd, writeStreamHead } from "../protocol/grpc/stream-verbs.ts";
import { type CallHead, writeReply } from "../protocol/grpc/verbs.ts";
import type { HeaderList } from "../protocol/http2/header-list.ts";
import { newFacts } from "../rpc/call.ts";
import type { StreamHandler } from "../rpc/stream.ts";

/** The stream of HTTP/2 that a call is on. */
export interface CallerStream {
  /** Begins the response. Throws a RpcError for headers that cannot be carried. */
  begin(headers: HeaderList): void;
  /** False when something is queued: `drained` of the call is to be told when it is gone. */
  sendData(bytes: Uint8Array): boolean;
  consume(bytes: number): void;
  /**
   * Ends the response, with trailers behind what has `begun`, else with headers alone. What the caller still sends is
   * not for the call any more.
   */
  end(list: HeaderList, begun: boolean): void;
}

/** A call that has begun, to be told of what comes on its stream. */
export interface StreamExchange {
  readonly kind: "stream";
  /** Hands the call to the handler. */
  run(): void;
  data(bytes: Uint8Array): void;
  /** The caller has ended its side. */
  ended(): void;
  /** The caller has gone. */
  left(): void;
  drained(): void;
  /** Answers with an error at once, whatever runs. */
  cut(error: RpcError): void;
}

export interface StreamExchangeOptions {
  readonly handle: StreamHandler;
  readonly expiresAtMs: number;
  readonly maxMessageBytes: number;
  readonly budget: ByteBudget;
  readonly peer: string;
  /** Who the caller is, by its certificate. */
  readonly callerName: string | undefined;
}

/** The call of `head`, whose reply goes to the caller once it is told to run. */
export function serveStream(head: CallHead, wire: CallerStream, options: StreamExchangeOptions): StreamExchange {
  const caller = new Canceller();
  const facts = newFacts("grpc", options.peer, options.callerName);
  const incoming = new MessageStream({
    type: head.method.request,
    compression: head.compression,
    maxMessageBytes: options.maxMessageBytes,
    budget: options.budget,
    consumed: wire.consume,
    taken(bytes) {
      facts.requestBytes += bytes;
    },
  });
  let begun = false;
  let over = false;
  let writable: (() => void) | undefined;

  function drained(): void {
    const resume = writable;
    writable = undefined;
    resume?.();
  }

  const sink = {
    write: (bytes: Uint8Array) => wire.sendData(bytes),
    whenWritable: () => new Promise<void>((resolve) => (writable = resolve)),
    get isClosed() {
      return over;
    },
  };

  async function run(): Promise<void> {
    const { expiresAtMs, handle } = options;
    try {
      const reply = await handle(readStream(head, incoming, { expiresAtMs, signal: caller, facts }));
      if (over) return;
      wire.begin(writeStreamHead(head.dress, reply));
      begun = true;
      await sendMessages(reply.messages, reply.compression, sink, (bytes) => {
        facts.replyBytes += bytes;
      });
      finish(await reply.trailers);
    } catch (thrown) {
      const error = toRpcError(thrown);
      finish(error);
      // What could not be written is still being made above.
      caller.abort(error);
    }
  }

  /** Says, once, how the call ended. */
  function finish(end: Metadata | RpcError): void {
    if (over) return;
    over = true;
    wire.end(begun ? writeStreamEnd(end) : withoutReply(end), begun);
    incoming.abort(new RpcError("CANCELLED", "the call is over"));
    drained();
  }

  function withoutReply(end: Metadata | RpcError): HeaderList {
    const error = end instanceof RpcError ? end : new RpcError("INTERNAL", "the call ended before its reply began");
    return writeReply(head.dress, error).headers;
  }

  return {
    kind: "stream",
    run: () => void run(),
    data: (bytes) => incoming.push(bytes),
    ended: () => incoming.end(),
    drained,
    left() {
      over = true;
      const error = new RpcError("CANCELLED", "the caller went away");
      incoming.abort(error);
      caller.abort(error);
      drained();
    },
    cut(error) {
      finish(error);
      caller.abort(new RpcError("CANCELLED", "the sidecar shut down"));
    },
  };
}
