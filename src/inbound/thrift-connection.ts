// One Thrift connection: its messages become calls, which run side by side. Replies go out in the order of the requests,
// because many clients match them by order alone, and as they come where the caller matches them by id.

import type { Socket } from "node:net";
import { Canceller, type CancelSignal } from "../base/cancel.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { IdTable } from "../base/id-table.ts";
import { TurnWriter } from "../base/turn-writer.ts";
import { codecOf, type Dialect, type Framing } from "../protocol/thrift/dialect.ts";
import { readSignalFrame, type SignalFrame, writeKitexReset, writeReset } from "../protocol/thrift/dress.ts";
import { createFrameSplitter, createMessageSplitter } from "../protocol/thrift/framing.ts";
import { type Dress, isKitexMux, isOrdered, readCall, readDress, writeReply } from "../protocol/thrift/verbs.ts";
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
  const framed = dialect.framing !== "unframed";
  const splitter = framed ? createFrameSplitter(options) : createMessageSplitter(options, codecOf(dialect.envelope));
  const inbound = INBOUND[dialect.framing];
  const maxReplyBytes = framed ? options.maxFrameBytes + 4 : options.maxMessageBytes;
  const peer = peerOf(socket);
  const callerName = callerOf(socket);
  /** One for all calls of the connection: they have the same caller. */
  const caller = new Canceller();

  /** Callers that can cancel one call alone: by the sequence id of its frame. */
  const cancels = new IdTable<Canceller>();

  const writer = new TurnWriter(socket);
  const slots: Slot[] = [];
  let inFlight = 0;
  /** Of the requests in flight, and of the replies that wait for their turn. */
  let requestBytes = 0;
  let heldReplyBytes = 0;
  let draining = false;
  /** Whether the caller was told that the connection takes no further calls. */
  let retiring = false;
  /** Whether the caller is a Kitex client with many calls on the connection, and has not been told that it is to be closed. */
  let kitexMux = false;
  /** Whether nothing more will be read: the caller has ended its side, or its bytes cannot be split. */
  let ended = false;
  let discarding = false;

  function readOn(): void {
    while (!ended && hasRoom()) {
      let message: Uint8Array | undefined;
      try {
        message = splitter.next();
      } catch (error) {
        fail(toRpcError(error));
        return;
      }
      if (message === undefined) {
        socket.resume();
        return;
      }
      serve(message);
    }
    if (!ended) socket.pause();
  }

  /** One request is always taken, however large. */
  function hasRoom(): boolean {
    if (socket.writableNeedDrain || inFlight >= options.maxCallsPerConnection) return false;
    return requestBytes < options.maxRequestBytesPerConnection;
  }

  function serve(message: Uint8Array): void {
    const { lookup, handle, clock } = context;
    if (framed && heed(message)) return;
    const read = readCall(message, {
      lookup,
      service: options.defaultService,
      dialect,
      signal: caller,
      facts: newFacts(inbound, peer, callerName),
      headers: {
        cancellable,
        nowMs: clock.nowMs(),
        maxFrameBytes: options.maxFrameBytes,
        fromSidecar: options.fromSidecar,
      },
    });
    const { dress } = read;
    const slot: Slot | undefined = dress.answered && isOrdered(dress) ? { message: undefined } : undefined;
    if (slot) slots.push(slot);
    if ("error" in read) {
      context.log.debug({ peer, inbound, method: dress.name, error: read.error.message }, "a call could not be read");
      answer(slot, dress, read.error);
      return;
    }
    inFlight++;
    requestBytes += message.length;
    if (!retiring) kitexMux ||= isKitexMux(dress);
    const { signal, headers } = read.call;
    const done = (reply: Reply | RpcError) => {
      inFlight--;
      requestBytes -= message.length;
      if (cancels.get(dress.frameId) === signal) cancels.delete(dress.frameId);
      answer(slot, dress, reply);
      if (socket.isPaused()) readOn();
      closeIfDone();
    };
    try {
      if (options.fromSidecar) checkSidecar(headers);
      handle(read.call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  function cancellable(frameId: number): CancelSignal {
    const own = new Canceller();
    cancels.set(frameId, own);
    return own;
  }

  /** Does what a frame without a message says; false when it holds one. */
  function heed(message: Uint8Array): boolean {
    let signal: SignalFrame | undefined;
    try {
      signal = readSignalFrame(message);
    } catch {
      // Answered like any other message that cannot be read.
      return false;
    }
    if (!signal?.signal) return false;
    if (signal.signal === "cancel") {
      cancels.get(signal.sequenceId)?.abort(new RpcError("CANCELLED", "the caller cancelled the call"));
    }
    return true;
  }

  /** Puts the reply in its place and writes those that are next in turn; without a place it is written at once. */
  function answer(slot: Slot | undefined, dress: Dress, reply: Reply | RpcError): void {
    let message = writeReply(dress, reply, draining);
    if (message !== undefined && message.length > maxReplyBytes) {
      const tooLarge = `a reply of ${message.length} bytes passes the limit of ${maxReplyBytes} bytes of this listener`;
      message = writeReply(dress, new RpcError("RESOURCE_EXHAUSTED", tooLarge, { sent: true }), draining);
    }
    if (message === undefined) return;
    const unreadBytes = heldReplyBytes + writer.waitingBytes + socket.writableLength;
    if (unreadBytes > 0 && unreadBytes + message.length > options.maxReplyBytesPerConnection) {
      message = writeReply(dress, unreadReplies(options.maxReplyBytesPerConnection), draining) ?? message;
    }
    if (!slot) {
      write(message);
      return;
    }
    slot.message = message;
    heldReplyBytes += message.length;
    for (let next = slots[0]?.message; next !== undefined; next = slots[0]?.message) {
      slots.shift();
      heldReplyBytes -= next.length;
      write(next);
    }
  }

  /** A caller that has other calls in flight may get several replies in this turn of the event loop. */
  function write(message: Uint8Array): void {
    if (!socket.writable) return;
    if (inFlight === 0) writer.writeNow(message);
    else writer.write(message);
  }

  /** The bytes cannot be split any further: says so behind the replies that are still to come, then closes. */
  function fail(error: RpcError): void {
    ended = true;
    const dress = readDress(splitter.unfinished, dialect);
    context.log.warn({ peer, inbound, method: dress.name, error: error.message }, "a connection cannot be read on");
    const slot: Slot | undefined = dress.answered ? { message: undefined } : undefined;
    if (slot) slots.push(slot);
    answer(slot, dress, error);
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.resume();
    closeIfDone();
  }

  function closeIfDone(): void {
    // A sidecar that was told ends the connection itself, when nothing of its own is on the way any more.
    if (inFlight > 0 || slots.length > 0 || socket.destroyed || (retiring && !ended)) return;
    if (draining && kitexMux && !ended) {
      tellKitex();
      return;
    }
    writer.flush();
    if (socket.readableEnded || (draining && (ended || splitter.isEmpty))) {
      socket.destroySoon();
    } else if (ended && !discarding) {
      discarding = true;
      endAndDiscard(socket, options.maxMessageBytes);
    }
  }

  /**
   * A Kitex client with many calls looks past what replies say of the connection, and leaves it to the server to close it.
   * It is told when it waits for nothing, because the client of Kitex 0.15 and 0.16 drops the connection with its calls at the word (cloudwego/kitex#1897).
   */
  function tellKitex(): void {
    kitexMux = false;
    retiring = true;
    writer.write(writeKitexReset());
    writer.flush();
    context.clock.after(KITEX_RESET_MS, () => {
      retiring = false;
      closeIfDone();
    });
  }

  function onData(chunk: Buffer): void {
    splitter.push(chunk);
    readOn();
  }

  /** Thrift clients do not half-close: who ends its side has gone. */
  function onEnd(): void {
    ended = true;
    callerGone();
    closeIfDone();
  }

  function callerGone(): void {
    if (inFlight === 0) return;
    const gone = new RpcError("CANCELLED", "the caller closed its connection");
    caller.abort(gone);
    for (const own of cancels.values()) own.abort(gone);
  }

  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.on("drain", () => {
    if (socket.isPaused()) readOn();
  });
  socket.on("close", () => {
    ended = true;
    callerGone();
  });
  onData(Buffer.from(first.buffer, first.byteOffset, first.byteLength));

  return {
    get isIdle() {
      return inFlight === 0 && slots.length === 0;
    },
    drain() {
      draining = true;
      if (options.fromSidecar && dialect.framing === "ttheader" && !ended && !retiring) {
        retiring = true;
        writer.write(writeReset());
        writer.flush();
      }
      closeIfDone();
    },
    destroy: () => void socket.destroy(),
  };
}
