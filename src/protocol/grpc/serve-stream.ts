// One streaming call of a caller, over whatever carries gRPC's message prefixes: its messages to the handler as that reads
// them, the reply's messages to the caller as that takes them. What stands around the messages is left to the wire.
import { Canceller, type CancelSignal } from "../../base/cancel.ts";
import { RpcError, toRpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { Messages, StreamCall, StreamHandler, StreamReply } from "../../rpc/stream.ts";
import { type ByteBudget, MessageStream } from "./message-stream.ts";
import { sendMessages } from "./send-messages.ts";

/** What a caller's messages come on, and go out on. */
export interface CallerWire {
  /** Begins the response. Throws a RpcError for headers that cannot be carried. */
  begin(reply: StreamReply): void;
  /** False when something is queued: `drained` of the call is to be told when it is gone. */
  send(bytes: Uint8Array): boolean;
  consumed(bytes: number): void;
  /** Ends the response, behind what has `begun` or alone. What the caller still sends is not for the call any more. */
  end(end: Metadata | RpcError, begun: boolean): void;
}

/** A call that has begun, to be told of what comes on its wire. */
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

/** What a stream that has come in is served with. */
export interface ServeStreamOptions {
  readonly handle: StreamHandler;
  /** All of the call but its messages. */
  readonly call: Omit<StreamCall, "messages" | "signal">;
  readonly maxMessageBytes: number;
  /** Bounds what is held of messages that are not whole yet; undefined: `maxMessageBytes` does. */
  readonly budget?: ByteBudget;
}

/** A call whose reply goes to the caller once it is told to run. */
export function serveStream(wire: CallerWire, options: ServeStreamOptions): StreamExchange {
  const { handle, call, maxMessageBytes, budget } = options;
  const { facts, method, compression, codec } = call;
  const caller = new Canceller();
  const incoming = new MessageStream({
    type: method.request,
    codec,
    compression,
    maxMessageBytes,
    ...(budget && { budget }),
    consumed: wire.consumed,
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
    write: (bytes: Uint8Array) => wire.send(bytes),
    whenWritable: () => new Promise<void>((resolve) => (writable = resolve)),
    isClosed: () => over,
  };

  async function run(): Promise<void> {
    try {
      const reply = await handle(callOf(call, incoming, caller));
      if (over) return;
      wire.begin(reply);
      begun = true;
      const carried = { codec: codec ?? "protobuf", compression: reply.compression };
      await sendMessages(reply.messages, carried, sink, (bytes) => {
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
    wire.end(end, begun);
    incoming.abort(new RpcError("CANCELLED", "the call is over"));
    drained();
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

function callOf(call: ServeStreamOptions["call"], messages: Messages, signal: CancelSignal): StreamCall {
  return { ...call, messages, signal };
}
