// One Thrift connection: its messages become calls, which run side by side, and its replies go out in the order of the
// requests, because many clients match them by order alone.
import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { RpcError, toRpcError } from "../base/errors.ts";
import { createFrameSplitter, createMessageSplitter } from "../protocol/thrift/framing.ts";
import { type Dialect, type Dress, readCall, readDress, writeReply } from "../protocol/thrift/verbs.ts";
import type { Reply } from "../rpc/call.ts";
import { type Connection, endAndDiscard, type ListenerContext, newFacts, peerOf } from "./connection.ts";

/** Bounds of a Thrift connection. */
export interface ThriftConnectionOptions {
  readonly maxFrameBytes: number;
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
  readonly maxCallsPerConnection: number;
  readonly defaultService?: string | undefined;
}

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
  const { framed, strict } = dialect;
  const splitter = framed ? createFrameSplitter(options) : createMessageSplitter(options);
  const inbound = framed ? "thrift-framed" : "thrift-unframed";
  const maxReplyBytes = framed ? options.maxFrameBytes + 4 : options.maxMessageBytes;
  const peer = peerOf(socket);
  /** One for all calls of the connection: they have the same caller. */
  const caller = new AbortController();
  // As many calls as that may wait for it, which is no leak.
  setMaxListeners(0, caller.signal);

  const slots: Slot[] = [];
  let inFlight = 0;
  let corked = false;
  let draining = false;
  /** Whether nothing more will be read: the caller has ended its side, or its bytes cannot be split. */
  let ended = false;
  let discarding = false;

  function readOn(): void {
    while (!ended && inFlight < options.maxCallsPerConnection && !socket.writableNeedDrain) {
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

  function serve(message: Uint8Array): void {
    const { lookup, handle } = context;
    const read = readCall(message, {
      lookup,
      service: options.defaultService,
      framed,
      strict,
      signal: caller.signal,
      facts: newFacts(inbound, peer),
    });
    const { dress } = read;
    const slot: Slot | undefined = dress.answered ? { message: undefined } : undefined;
    if (slot) slots.push(slot);
    if ("error" in read) {
      context.log.debug({ peer, inbound, method: dress.name, error: read.error.message }, "a call could not be read");
      answer(slot, dress, read.error);
      return;
    }
    inFlight++;
    const done = (reply: Reply | RpcError) => {
      inFlight--;
      answer(slot, dress, reply);
      if (socket.isPaused()) readOn();
      closeIfDone();
    };
    try {
      handle(read.call).then(done, (error: unknown) => done(toRpcError(error)));
    } catch (error) {
      done(toRpcError(error));
    }
  }

  /** Puts the reply in its place and writes those that are next in turn. */
  function answer(slot: Slot | undefined, dress: Dress, reply: Reply | RpcError): void {
    if (!slot) return;
    slot.message = writeReply(dress, reply);
    if (slot.message !== undefined && slot.message.length > maxReplyBytes) {
      const size = slot.message.length;
      const tooLarge = `a reply of ${size} bytes passes the limit of ${maxReplyBytes} bytes of this listener`;
      slot.message = writeReply(dress, new RpcError("RESOURCE_EXHAUSTED", tooLarge));
    }
    for (let message = slots[0]?.message; message !== undefined; message = slots[0]?.message) {
      slots.shift();
      write(message);
    }
  }

  /** Replies of one turn of the event loop leave in one system call. */
  function write(message: Uint8Array): void {
    if (!socket.writable) return;
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    socket.write(message);
  }

  /** The bytes cannot be split any further: says so behind the replies that are still to come, then closes. */
  function fail(error: RpcError): void {
    ended = true;
    const dress = readDress(splitter.unfinished, dialect);
    context.log.warn({ peer, inbound, method: dress.name, error: error.message }, "a connection cannot be read on");
    const slot: Slot = { message: undefined };
    if (dress.answered) slots.push(slot);
    answer(dress.answered ? slot : undefined, dress, error);
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.resume();
    closeIfDone();
  }

  function closeIfDone(): void {
    if (inFlight > 0 || slots.length > 0 || socket.destroyed) return;
    if (socket.readableEnded || (draining && (ended || splitter.isEmpty))) {
      socket.destroySoon();
    } else if (ended && !discarding) {
      discarding = true;
      endAndDiscard(socket, options.maxMessageBytes);
    }
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
    if (inFlight > 0) caller.abort(new RpcError("CANCELLED", "the caller closed its connection"));
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
    drain() {
      draining = true;
      closeIfDone();
    },
    destroy: () => void socket.destroy(),
  };
}
