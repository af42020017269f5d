// One Thrift connection: its messages become calls, which run side by side. Replies go out in the order of the requests,
// because many clients match them by order alone, and as they come where the caller matches them by id.

import type { Socket } from "node:net";
import { Canceller, type CancelSignal } from "../base/cancel.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { IdTable } from "../base/id-table.ts";
import { TurnWriter } from "../base/turn-writer.ts";
import { codecOf, type Dialect, type Framing } from "../protocol/thrift/dialect.ts";
import {
  type Dress,
  isKitexMux,
  isOrdered,
  readSignalFrame,
  type SignalFrame,
  writeKitexReset,
  writeReset,
} from "../protocol/thrift/dress.ts";
import { createFrameSplitter, createMessageSplitter, type Splitter } from "../protocol/thrift/framing.ts";
import { readCall, readDress } from "../protocol/thrift/read-call.ts";
import { writeReply } from "../protocol/thrift/write-reply.ts";
import type { Reply } from "../rpc/call.ts";
import {
  type Connection,
  checkSidecar,
  endAndDiscard,
  type ListenerContext,
  newFacts,
  peerOf,
  unreadReplies,
} from "./connection.ts";
import { callerOf } from "./tls-acceptor.ts";

/** Bounds of a Thrift connection. */
export interface ThriftConnectionOptions {
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
  readonly maxCallsPerConnection: number;
  readonly maxRequestBytesPerConnection: number;
  readonly maxReplyBytesPerConnection: number;
  readonly defaultService?: string | undefined;
  /** Whether the callers are sidecars, and nobody else is served; else what only sidecars may say is dropped. */
  readonly fromSidecar: boolean;
}

/** What logs call each framing. */
const INBOUND: Readonly<Record<Framing, string>> = {
  framed: "thrift-framed",
  unframed: "thrift-unframed",
  theader: "theader",
  ttheader: "ttheader",
};

/** How long the calls of a Kitex client may be on the way that has not heard yet that its connection is to be closed. */
const KITEX_RESET_MS = 100;

/** The place of a reply among the others: `message` is set once it can be written. */
interface Slot {
  message: Uint8Array | undefined;
}

/**
 * Serves a connection of the given dialect whose first bytes, from the very first on, are `first`. A bad message in a
 * good frame gets an exception and the connection goes on; bytes that cannot be split get an exception and end it. A
 * caller that goes away aborts its calls, oneway calls excepted. At most `maxCallsPerConnection` calls run at once; then,
 * or when the caller does not take its replies, nothing more is read.
 */
export function serveThrift(
  socket: Socket,
  dialect: Dialect,
  first: Uint8Array,
  options: ThriftConnectionOptions,
  context: ListenerContext,
): Connection {
  return new ThriftConnection(socket, dialect, first, options, context);
}

/** It is a class because thousands of connections may be idle, and closures would be larger. */
class ThriftConnection implements Connection {
  readonly #socket: Socket;
  readonly #dialect: Dialect;
  readonly #options: ThriftConnectionOptions;
  readonly #context: ListenerContext;
  readonly #framed: boolean;
  readonly #splitter: Splitter;
  readonly #inbound: string;
  readonly #maxReplyBytes: number;
  readonly #peer: string;
  readonly #callerName: string | undefined;
  /** One for all calls of the connection: they have the same caller. */
  readonly #caller = new Canceller();

  /** Callers that can cancel one call alone: by the sequence id of its frame. */
  readonly #cancels = new IdTable<Canceller>();

  readonly #writer: TurnWriter;
  readonly #slots: Slot[] = [];
  #inFlight = 0;
  /** Of the requests in flight, and of the replies that wait for their turn. */
  #requestBytes = 0;
  #heldReplyBytes = 0;
  #draining = false;
  /** Whether the caller was told that the connection takes no further calls. */
  #retiring = false;
  /** Whether the caller is a Kitex client with many calls on the connection, and has not been told that it is to be closed. */
  #kitexMux = false;
  /** Whether nothing more will be read: the caller has ended its side, or its bytes cannot be split. */
  #ended = false;
  #discarding = false;

  constructor(
    socket: Socket,
    dialect: Dialect,
    first: Uint8Array,
    options: ThriftConnectionOptions,
    context: ListenerContext,
  ) {
    const framed = dialect.framing !== "unframed";
    this.#socket = socket;
    this.#dialect = dialect;
    this.#options = options;
    this.#context = context;
    this.#framed = framed;
    this.#splitter = framed ? createFrameSplitter(options) : createMessageSplitter(options, codecOf(dialect.envelope));
    this.#inbound = INBOUND[dialect.framing];
    this.#maxReplyBytes = framed ? options.maxFrameBytes + 4 : options.maxMessageBytes;
    this.#peer = peerOf(socket);
    this.#callerName = callerOf(socket);
    this.#writer = new TurnWriter(socket);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", () => {
      if (socket.isPaused()) this.#readOn();
    });
    socket.on("close", () => {
      this.#ended = true;
      this.#callerGone();
    });
    this.#onData(Buffer.from(first.buffer, first.byteOffset, first.byteLength));
  }

  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#slots.length === 0;
  }

  drain(): void {
    this.#draining = true;
    if (this.#options.fromSidecar && this.#dialect.framing === "ttheader" && !this.#ended && !this.#retiring) {
      this.#retiring = true;
      this.#writer.write(writeReset());
      this.#writer.flush();
    }
    this.#closeIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #readOn(): void {
    while (!this.#ended && this.#hasRoom()) {
      let message: Uint8Array | undefined;
      try {
        message = this.#splitter.next();
      } catch (error) {
        this.#fail(toRpcError(error));
        return;
      }
      if (message === undefined) {
        this.#socket.resume();
        return;
      }
      this.#serve(message);
    }
    if (!this.#ended) this.#socket.pause();
  }

  /** One request is always taken, however large. */
  #hasRoom(): boolean {
    if (this.#socket.writableNeedDrain || this.#inFlight >= this.#options.maxCallsPerConnection) return false;
    return this.#requestBytes < this.#options.maxRequestBytesPerConnection;
  }

  #serve(message: Uint8Array): void {
    const { lookup, handle, clock } = this.#context;
    if (this.#framed && this.#heed(message)) return;
    const read = readCall(message, {
      lookup,
      service: this.#options.defaultService,
      dialect: this.#dialect,
      signal: this.#caller,
      facts: newFacts(this.#inbound, this.#peer, this.#callerName),
      headers: {
        cancellable: this.#cancellable,
        nowMs: clock.turnMs(),
        maxFrameBytes: this.#options.maxFrameBytes,
        fromSidecar: this.#options.fromSidecar,
      },
    });
    const { dress } = read;
    const slot: Slot | undefined = dress.answered && isOrdered(dress) ? { message: undefined } : undefined;
    if (slot) this.#slots.push(slot);
    if ("error" in read) {
      this.#context.log.debug(
        { peer: this.#peer, inbound: this.#inbound, method: dress.name, error: read.error.message },
        "a call could not be read",
      );
      this.#answer(slot, dress, read.error);
      return;
    }
    this.#inFlight++;
    this.#requestBytes += message.length;
    if (!this.#retiring) this.#kitexMux ||= isKitexMux(dress);
    const { signal, headers } = read.call;
    const done = (reply: Reply | RpcError) => {
      this.#inFlight--;
      this.#requestBytes -= message.length;
      if (this.#cancels.get(dress.frameId) === signal) this.#cancels.delete(dress.frameId);
      this.#answer(slot, dress, reply);
      if (this.#socket.isPaused()) this.#readOn();
      this.#closeIfDone();
    };
    try {
      if (this.#options.fromSidecar) checkSidecar(headers);
      handle(read.call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  readonly #cancellable = (frameId: number): CancelSignal => {
    const own = new Canceller();
    this.#cancels.set(frameId, own);
    return own;
  };

  /** Does what a frame without a message says; false when it holds one. */
  #heed(message: Uint8Array): boolean {
    let signal: SignalFrame | undefined;
    try {
      signal = readSignalFrame(message);
    } catch {
      // Answered like any other message that cannot be read.
      return false;
    }
    if (!signal?.signal) return false;
    if (signal.signal === "cancel") {
      this.#cancels.get(signal.sequenceId)?.abort(new RpcError("CANCELLED", "the caller cancelled the call"));
    }
    return true;
  }

  /** Puts the reply in its place and writes those that are next in turn; without a place it is written at once. */
  #answer(slot: Slot | undefined, dress: Dress, reply: Reply | RpcError): void {
    let message = writeReply(dress, reply, this.#draining);
    if (message !== undefined && message.length > this.#maxReplyBytes) {
      const tooLarge = `a reply of ${message.length} bytes passes the limit of ${this.#maxReplyBytes} bytes of this listener`;
      message = writeReply(dress, new RpcError("RESOURCE_EXHAUSTED", tooLarge, { sent: true }), this.#draining);
    }
    if (message === undefined) return;
    const unreadBytes = this.#heldReplyBytes + this.#writer.waitingBytes + this.#socket.writableLength;
    if (unreadBytes > 0 && unreadBytes + message.length > this.#options.maxReplyBytesPerConnection) {
      message = writeReply(dress, unreadReplies(this.#options.maxReplyBytesPerConnection), this.#draining) ?? message;
    }
    if (!slot) {
      this.#write(message);
      return;
    }
    slot.message = message;
    this.#heldReplyBytes += message.length;
    for (let next = this.#slots[0]?.message; next !== undefined; next = this.#slots[0]?.message) {
      this.#slots.shift();
      this.#heldReplyBytes -= next.length;
      this.#write(next);
    }
  }

  /** A caller that has other calls in flight may get several replies in this turn of the event loop. */
  #write(message: Uint8Array): void {
    if (!this.#socket.writable) return;
    if (this.#inFlight === 0) this.#writer.writeNow(message);
    else this.#writer.write(message);
  }

  /** The bytes cannot be split any further: says so behind the replies that are still to come, then closes. */
  #fail(error: RpcError): void {
    this.#ended = true;
    const dress = readDress(this.#splitter.unfinished, this.#dialect);
    this.#context.log.warn(
      { peer: this.#peer, inbound: this.#inbound, method: dress.name, error: error.message },
      "a connection cannot be read on",
    );
    const slot: Slot | undefined = dress.answered ? { message: undefined } : undefined;
    if (slot) this.#slots.push(slot);
    this.#answer(slot, dress, error);
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.resume();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    // A sidecar that was told ends the connection itself, when nothing of its own is on the way any more.
    if (this.#inFlight > 0 || this.#slots.length > 0 || this.#socket.destroyed || (this.#retiring && !this.#ended))
      return;
    if (this.#draining && this.#kitexMux && !this.#ended) {
      this.#tellKitex();
      return;
    }
    this.#writer.flush();
    if (this.#socket.readableEnded || (this.#draining && (this.#ended || this.#splitter.isEmpty))) {
      this.#socket.destroySoon();
    } else if (this.#ended && !this.#discarding) {
      this.#discarding = true;
      endAndDiscard(this.#socket, this.#options.maxMessageBytes);
    }
  }

  /**
   * A Kitex client with many calls looks past what replies say of the connection, and leaves it to the server to close it.
   * It is told when it waits for nothing, because the client of Kitex 0.15 and 0.16 drops the connection with its calls at the word (cloudwego/kitex#1897).
   */
  #tellKitex(): void {
    this.#kitexMux = false;
    this.#retiring = true;
    this.#writer.write(writeKitexReset());
    this.#writer.flush();
    this.#context.clock.after(KITEX_RESET_MS, () => {
      this.#retiring = false;
      this.#closeIfDone();
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#splitter.push(chunk);
    this.#readOn();
  };

  /** Thrift clients do not half-close: who ends its side has gone. */
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#callerGone();
    this.#closeIfDone();
  };

  #callerGone(): void {
    if (this.#inFlight === 0) return;
    const gone = new RpcError("CANCELLED", "the caller closed its connection");
    this.#caller.abort(gone);
    for (const own of this.#cancels.values()) own.abort(gone);
  }
}
