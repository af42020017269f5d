// The messages of one stream, from the bytes of its DATA frames, read as fast as their reader asks for them and no
// faster: bytes are given back to flow control only when their message is read, or is being waited for.
import { ByteGatherer } from "../../base/bytes.ts";
import type { Compression } from "../../base/compression.ts";
import { RpcError, toRpcError } from "../../base/errors.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Payload } from "../../rpc/call.ts";
import type { Messages } from "../../rpc/stream.ts";
import type { MessageType } from "../../schema/model.ts";
import { lengthOf, PREFIX_BYTES, readPrefix } from "./message.ts";

/** What a stream's messages are, and who is told of them. */
export interface MessageStreamOptions {
  readonly type: MessageType | undefined;
  /** Undefined: protobuf. */
  readonly codec?: Codec | undefined;
  /** What those messages are compressed with whose flag says so. */
  readonly compression: Compression | undefined;
  readonly maxMessageBytes: number;
  /** So many more bytes may be sent by the peer. */
  readonly consumed: (bytes: number) => void;
  /** A message of so many bytes has been read. */
  readonly taken: (bytes: number) => void;
  /** The reader has come to the end, or nobody reads any more; comes once. */
  readonly done?: () => void;
  /** Bounds what is held of messages that are not whole yet, beyond flow control; undefined: `maxMessageBytes` does. */
  readonly budget?: ByteBudget;
}

/** How many bytes may be held by all who share it. */
export interface ByteBudget {
  /** False when there is no room for `bytes`. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** Above this, what has been read of the gathered bytes is let go while others wait. */
const LET_GO_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

interface Waiter {
  resolve(result: IteratorResult<Payload, undefined>): void;
  reject(error: RpcError): void;
}

/**
 * Bytes in, messages out, for one reader. A message is a view of the bytes that came where they came in one piece. A
 * reader that stops early lets the rest pass unread.
 */
export class MessageStream implements Messages, AsyncIterator<Payload, undefined> {
  readonly #options: MessageStreamOptions;
  /** What has not been read: `#data` from `#at` on, which is gathered where it came in pieces. */
  #data: Uint8Array = NOTHING;
  #at = 0;
  #gathered: ByteGatherer | undefined;
  /** How many of the unread bytes flow control has got back already, because a reader waits for the rest of them. */
  #ahead = 0;
  #waiter: Waiter | undefined;
  #ended = false;
  /** What is thrown behind the last message. */
  #error: RpcError | undefined;
  #done = false;

  constructor(options: MessageStreamOptions) {
    this.#options = options;
  }

  /** Adds bytes, which must not change from now on. */
  push(bytes: Uint8Array): void {
    if (this.#ended) {
      this.#options.consumed(bytes.length);
      return;
    }
    if (bytes.length === 0) return;
    if (this.#at === this.#data.length) {
      this.#gathered = undefined;
      this.#data = bytes;
      this.#at = 0;
    } else this.#gather(bytes);
    if (this.#waiter) this.#serve(this.#waiter);
  }

  /** The peer has ended its side: behind what is there comes the end, or the error. */
  end(error?: RpcError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (this.#waiter) this.#serve(this.#waiter);
  }

  /** Whatever is there is dropped: the reader gets the error, now or at its next step. */
  abort(error: RpcError): void {
    this.#refuse(error);
    if (this.#waiter) this.#serve(this.#waiter);
    this.#finish();
  }

  next(): Promise<IteratorResult<Payload, undefined>> {
    const payload = this.poll();
    if (payload) return Promise.resolve({ done: false, value: payload });
    if (this.#ended) {
      const error = this.#lastError();
      this.#finish();
      return error ? Promise.reject(error) : Promise.resolve(DONE);
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#giveAhead();
    });
  }

  /** The next message if it is whole already; `next` tells what it means if not. */
  poll(): Payload | undefined {
    try {
      return this.#take();
    } catch (error) {
      this.#refuse(toRpcError(error));
      return undefined;
    }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#drop();
    this.#ended = true;
    this.#finish();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #gather(bytes: Uint8Array): void {
    const unread = this.#data.length - this.#at;
    let gathered = this.#gathered;
    if (gathered === undefined || (this.#at > LET_GO_BYTES && 2 * this.#at > this.#data.length)) {
      gathered = new ByteGatherer();
      gathered.append(this.#data.subarray(this.#at), unread + bytes.length);
      this.#gathered = gathered;
      this.#at = 0;
    }
    gathered.append(bytes, this.#wholeAt(unread + bytes.length));
    this.#data = gathered.bytes;
  }

  /** Where a message ends for which the `unread` bytes are not enough: memory can be taken for all of it at once. */
  #wholeAt(unread: number): number | undefined {
    const [data, at] = [this.#data, this.#at];
    if (data.length - at < PREFIX_BYTES) return undefined;
    const size = PREFIX_BYTES + lengthOf(data, at);
    return size > unread && size - PREFIX_BYTES <= this.#options.maxMessageBytes ? at + size : undefined;
  }

  #take(): Payload | undefined {
    const { maxMessageBytes, compression, type, codec = "protobuf", consumed, taken } = this.#options;
    const at = this.#at;
    const data = this.#data;
    if (data.length - at < PREFIX_BYTES) return undefined;
    const length = readPrefix(data, at, maxMessageBytes, compression);
    const end = at + PREFIX_BYTES + length;
    if (end > data.length) return undefined;
    this.#at = end;
    if (this.#ahead > 0) this.#options.budget?.give(this.#ahead);
    consumed(PREFIX_BYTES + length - this.#ahead);
    this.#ahead = 0;
    taken(length);
    const bytes = data.subarray(at + PREFIX_BYTES, end);
    return data[at] === 1 && compression !== undefined ? { type, codec, bytes, compression } : { type, codec, bytes };
  }

  #serve(waiter: Waiter): void {
    const payload = this.poll();
    if (!payload && !this.#ended) {
      this.#giveAhead();
      return;
    }
    this.#waiter = undefined;
    if (payload) {
      waiter.resolve({ done: false, value: payload });
      return;
    }
    const error = this.#lastError();
    if (error) waiter.reject(error);
    else waiter.resolve(DONE);
    this.#finish();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#options.done?.();
  }

  /** A reader waits for the rest of a message: the peer must be able to send it, however small its windows are. */
  #giveAhead(): void {
    const more = this.#data.length - this.#at - this.#ahead;
    if (more === 0) return;
    const { budget, consumed } = this.#options;
    if (budget && !budget.take(more)) {
      this.#refuse(new RpcError("RESOURCE_EXHAUSTED", "the connection's requests take all the memory that they may"));
      if (this.#waiter) this.#serve(this.#waiter);
      return;
    }
    this.#ahead += more;
    consumed(more);
  }

  /** What ends the reader's loop once no message is left. */
  #lastError(): RpcError | undefined {
    if (this.#error) return this.#error;
    const left = this.#data.length - this.#at;
    return left > 0 ? new RpcError("INTERNAL", `the data ends after ${left} bytes of a message`) : undefined;
  }

  #refuse(error: RpcError): void {
    this.#drop();
    this.#ended = true;
    this.#error = error;
  }

  /** Gives all that is held back. */
  #drop(): void {
    const { budget, consumed } = this.#options;
    const unread = this.#data.length - this.#at;
    if (this.#ahead > 0) budget?.give(this.#ahead);
    if (unread > this.#ahead) consumed(unread - this.#ahead);
    this.#data = NOTHING;
    this.#at = 0;
    this.#ahead = 0;
    this.#gathered = undefined;
  }
}
