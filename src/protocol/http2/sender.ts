// What leaves on streams: header blocks at once, DATA as the peer's windows let it (RFC 9113 section 5.2), the streams
// that wait for the connection taking turns.
import { RpcError } from "../../base/errors.ts";
import type { Budget } from "./budget.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { DEFAULT_WINDOW_BYTES, FLAG, FRAME, LARGEST_WINDOW_BYTES } from "./frame.ts";
import { type HeaderList, NO_FIELDS } from "./header-list.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import type { Output } from "./output.ts";
import type { PeerSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

/** What happens while sending. */
export interface SenderEvents<Context> {
  /** END_STREAM has been written. */
  onLocalEnd(stream: Http2Stream<Context>): void;
  /** All that waited on the stream has been written. */
  onDrain(stream: Http2Stream<Context>): void;
  /** What waited on the stream cannot be written after all. */
  onUnsendable(stream: Http2Stream<Context>): void;
}

/** Frames larger than this are not made, however large the peer would take them, so that streams take turns. */
const LARGEST_DATA_BYTES = 64 * 1024;
/** DATA frames that are larger are worth the peer's WINDOW_UPDATEs. */
const TINY_BYTES = 256;

/** Writes headers and DATA of one connection. */
export class Sender<Context> {
  readonly encoder = new HpackEncoder();
  readonly #output: Output;
  readonly #peer: PeerSettings;
  readonly #idleFrames: Budget;
  readonly #maxOutputBytes: number;
  readonly #events: SenderEvents<Context>;
  #window: number = DEFAULT_WINDOW_BYTES;
  #queuedBytes = 0;
  /** Streams with DATA that their own windows allow; the next one first. */
  readonly #waiting = new Set<Http2Stream<Context>>();

  constructor(
    output: Output,
    peer: PeerSettings,
    idleFrames: Budget,
    maxOutputBytes: number,
    events: SenderEvents<Context>,
  ) {
    this.#output = output;
    this.#peer = peer;
    this.#idleFrames = idleFrames;
    this.#maxOutputBytes = maxOutputBytes;
    this.#events = events;
  }

  /** Writes a header list, behind the stream's DATA. Throws a RpcError, and changes nothing, when it cannot be sent. */
  headers(stream: Http2Stream<Context>, list: HeaderList, endStream: boolean): void {
    if (stream.queuedBytes > 0) {
      stream.trailers = list;
      stream.endQueued = true;
      return;
    }
    this.block(stream.id, list, endStream);
    if (endStream) this.#end(stream);
  }

  /** Writes HEADERS of a list and of `changing` behind it, and CONTINUATION for what the peer's frames have no room for. */
  block(streamId: number, list: HeaderList, endStream: boolean, changing: HeaderList = NO_FIELDS): void {
    const { encoder } = this;
    const length = encoder.encode(list, this.#peer.maxHeaderListBytes, changing);
    const { block } = encoder;
    const maxBytes = this.#peer.maxFrameBytes;
    const first = Math.min(length, maxBytes);
    const flags = (endStream ? FLAG.END_STREAM : 0) | (first === length ? FLAG.END_HEADERS : 0);
    this.#output.frame(first, FRAME.HEADERS, flags, streamId);
    this.#output.bytes(block, 0, first);
    for (let at = first; at < length; at += maxBytes) {
      const end = Math.min(length, at + maxBytes);
      this.#output.frame(end - at, FRAME.CONTINUATION, end === length ? FLAG.END_HEADERS : 0, streamId);
      this.#output.bytes(block, at, end);
    }
  }

  /** Writes DATA as far as the windows let it and queues the rest; returns whether nothing had to wait. */
  data(stream: Http2Stream<Context>, bytes: Uint8Array, endStream: boolean): boolean {
    let offset = 0;
    if (stream.queuedBytes === 0) {
      if (bytes.length === 0) {
        if (endStream) this.#emptyEnd(stream);
        return true;
      }
      while (offset < bytes.length) {
        const count = this.#allowed(stream, bytes.length - offset);
        if (count <= 0) break;
        offset += count;
        this.#write(stream, bytes, offset - count, offset, endStream && offset === bytes.length);
      }
      if (offset === bytes.length) return true;
      stream.queueOffset = offset;
    }
    stream.queue ??= [];
    if (bytes.length > 0) stream.queue.push(bytes);
    stream.queuedBytes += bytes.length - offset;
    this.#queuedBytes += bytes.length - offset;
    if (endStream) stream.endQueued = true;
    if (stream.sendWindow > 0) this.#waiting.add(stream);
    return false;
  }

  /** How many of `wanted` bytes may leave now in one frame. */
  #allowed(stream: Http2Stream<Context>, wanted: number): number {
    if (this.#output.length >= this.#maxOutputBytes) return 0;
    return Math.min(wanted, this.#window, stream.sendWindow, this.#peer.maxFrameBytes, LARGEST_DATA_BYTES);
  }

  #write(stream: Http2Stream<Context>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    const length = end - start;
    this.#window -= length;
    stream.sendWindow -= length;
    this.#output.frame(length, FRAME.DATA, endStream ? FLAG.END_STREAM : 0, stream.id);
    this.#output.bytes(bytes, start, end);
    if (endStream || length >= TINY_BYTES || end === bytes.length) this.#idleFrames.earn(2);
    if (endStream) this.#end(stream);
  }

  #emptyEnd(stream: Http2Stream<Context>): void {
    this.#output.frame(0, FRAME.DATA, FLAG.END_STREAM, stream.id);
    this.#end(stream);
  }

  #end(stream: Http2Stream<Context>): void {
    stream.localEnded = true;
    this.#events.onLocalEnd(stream);
  }

  /** How much DATA of all streams waits for windows, or for room in the output. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether something could leave if there were room in the output. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0 && this.#window > 0;
  }

  /** Writes what waits, a frame of each stream in turn, until the connection's window or the output is full. */
  pump(): void {
    for (const stream of this.#waiting) {
      if (this.#window <= 0 || this.#output.length >= this.#maxOutputBytes) return;
      this.#waiting.delete(stream);
      this.#writeQueued(stream);
      // Behind the others; a Set's loop comes to what is added while it runs.
      if (stream.queuedBytes > 0 && stream.sendWindow > 0) this.#waiting.add(stream);
    }
  }

  #writeQueued(stream: Http2Stream<Context>): void {
    const { queue, queueOffset } = stream;
    const bytes = queue?.[0];
    if (queue === undefined || bytes === undefined) return;
    const count = this.#allowed(stream, bytes.length - queueOffset);
    if (count <= 0) return;
    const end = queueOffset + count;
    stream.queuedBytes -= count;
    this.#queuedBytes -= count;
    stream.queueOffset = end === bytes.length ? 0 : end;
    if (end === bytes.length) queue.shift();
    const isLast = stream.queuedBytes === 0;
    if (isLast) stream.queue = undefined;
    const { trailers } = stream;
    this.#write(stream, bytes, queueOffset, end, isLast && stream.endQueued && trailers === undefined);
    if (!isLast) return;
    if (trailers !== undefined) this.#writeTrailers(stream, trailers);
    this.#events.onDrain(stream);
  }

  #writeTrailers(stream: Http2Stream<Context>, trailers: HeaderList): void {
    stream.trailers = undefined;
    try {
      this.block(stream.id, trailers, true);
      this.#end(stream);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#events.onUnsendable(stream);
    }
  }

  /** The peer lets a stream send `increment` more; false when the window would pass its largest size. */
  widen(stream: Http2Stream<Context>, increment: number): boolean {
    if (stream.sendWindow + increment > LARGEST_WINDOW_BYTES) return false;
    stream.sendWindow += increment;
    if (stream.queuedBytes > 0 && stream.sendWindow > 0) this.#waiting.add(stream);
    return true;
  }

  /** The peer lets the connection send `increment` more. Throws a ConnectionFault when the window would be too large. */
  widenConnection(increment: number): void {
    if (this.#window + increment > LARGEST_WINDOW_BYTES) {
      throw new ConnectionFault(ERROR_CODE.FLOW_CONTROL_ERROR, "the connection's window is above 2^31 - 1");
    }
    this.#window += increment;
  }

  /** Forgets what waits on a stream that is closed. */
  drop(stream: Http2Stream<Context>): void {
    if (stream.queuedBytes > 0) this.#waiting.delete(stream);
    this.#queuedBytes -= stream.queuedBytes;
    stream.queue = undefined;
    stream.queuedBytes = 0;
    stream.trailers = undefined;
  }
}
