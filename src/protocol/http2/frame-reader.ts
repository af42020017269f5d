// Cuts the bytes of a connection into frames, in place: DATA is handed on as it comes, other frames once they are whole.
import { ByteGatherer } from "../../base/bytes.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { FLAG, FRAME, FRAME_HEAD_BYTES, PREFACE, readUint31 } from "./frame.ts";

/** Who frames are for. Each may throw a ConnectionFault, which ends the reading. */
export interface FrameHandler {
  /** A frame's head; returns whether its payload is wanted. Nothing of it has been kept yet. */
  onFrameHead(type: number, flags: number, streamId: number, length: number): boolean;
  /** The payload of any frame but DATA, from `start` to `end`. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  /** `count` bytes of a DATA frame that are padding. */
  onPadding(count: number): void;
  /** A piece of the payload of the DATA frame whose head came last; `last` for its last one, which may be empty. */
  onDataPiece(bytes: Buffer, start: number, end: number, last: boolean): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** What the next byte belongs to. */
type Part = "preface" | "head" | "payload" | "skipped" | "padLength" | "data";

/** Reads frames of at most `maxFrameBytes`, for a server behind the client's preface. */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxFrameBytes: number;
  #part: Part;
  /** Bytes of the part that are still to come; for `payload` all of it. */
  #left: number;
  #padding = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The beginning of a preface, head or payload that did not come whole. */
  readonly #gathered = new ByteGatherer();
  /** Set to read no further. */
  stopped = false;

  constructor(handler: FrameHandler, maxFrameBytes: number, awaitsPreface: boolean) {
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
    this.#part = awaitsPreface ? "preface" : "head";
    this.#left = awaitsPreface ? PREFACE.length : FRAME_HEAD_BYTES;
  }

  /** Reads on. DATA is handed on as views of `chunk`, which must not change from now on. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.stopped) {
      switch (this.#part) {
        case "data":
          at = this.#data(chunk, at);
          break;
        case "skipped": {
          const count = Math.min(this.#left, chunk.length - at);
          at += count;
          this.#left -= count;
          if (this.#left === 0) this.#expectHead();
          break;
        }
        case "padLength":
          this.#readPadLength(chunk[at++]!);
          break;
        default:
          at = this.#whole(chunk, at);
      }
    }
  }

  /** A part that is needed whole: where it is, or where its beginning was put. */
  #whole(chunk: Buffer, at: number): number {
    const missing = this.#left - this.#gathered.length;
    if (chunk.length - at < missing) {
      if (this.#part === "preface") this.#checkPreface(chunk, at, chunk.length, this.#gathered.length);
      this.#gathered.append(chunk.subarray(at), this.#left);
      return chunk.length;
    }
    const end = at + missing;
    if (this.#gathered.length === 0) {
      this.#readWhole(chunk, at, end);
    } else {
      this.#gathered.append(chunk.subarray(at, end), this.#left);
      const { buffer, byteOffset, length } = this.#gathered.take();
      this.#readWhole(Buffer.from(buffer, byteOffset, length), 0, length);
    }
    return end;
  }

  #readWhole(bytes: Buffer, start: number, end: number): void {
    if (this.#part === "head") {
      this.#readHead(bytes, start);
      return;
    }
    const isPreface = this.#part === "preface";
    if (isPreface) this.#checkPreface(bytes, start, end, 0);
    this.#expectHead();
    if (!isPreface) this.#deliver(bytes, start, end);
  }

  #deliver(bytes: Buffer, start: number, end: number): void {
    this.#handler.onFrame(this.#type, this.#flags, this.#streamId, bytes, start, end);
  }

  #checkPreface(bytes: Buffer, start: number, end: number, offset: number): void {
    if (bytes.compare(PREFACE, offset, offset + end - start, start, end) === 0) return;
    throw new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, "the connection does not begin with HTTP/2's preface");
  }

  #expectHead(): void {
    this.#part = "head";
    this.#left = FRAME_HEAD_BYTES;
  }

  #readHead(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId = readUint31(bytes, at + 5);
    if (length > this.#maxFrameBytes) {
      if (bytes.toString("latin1", at, at + 7) === "HTTP/1.") {
        throw new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, "the peer answers in HTTP/1: is this its port for gRPC?");
      }
      const text = `a frame of ${length} bytes passes the limit of ${this.#maxFrameBytes} bytes`;
      throw new ConnectionFault(ERROR_CODE.FRAME_SIZE_ERROR, text);
    }
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#left = length;
    const wanted = this.#handler.onFrameHead(type, flags, streamId, length);
    if (type === FRAME.DATA && wanted) {
      this.#beginData(flags, length);
    } else if (length === 0) {
      this.#expectHead();
      if (wanted) this.#deliver(NOTHING, 0, 0);
    } else {
      this.#part = wanted ? "payload" : "skipped";
    }
  }

  #beginData(flags: number, length: number): void {
    this.#padding = 0;
    if (flags & FLAG.PADDED) {
      if (length === 0) throw new ConnectionFault(ERROR_CODE.FRAME_SIZE_ERROR, "a padded frame without its pad length");
      this.#part = "padLength";
      return;
    }
    this.#part = "data";
    if (length === 0) this.#endData(NOTHING, 0, 0);
  }

  #readPadLength(padding: number): void {
    this.#left -= 1;
    if (padding > this.#left) {
      throw new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, "a frame's padding is longer than the frame");
    }
    this.#left -= padding;
    this.#padding = padding;
    this.#part = "data";
    this.#handler.onPadding(padding + 1);
    if (this.#left === 0) this.#endData(NOTHING, 0, 0);
  }

  #data(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#left, chunk.length);
    this.#left -= end - at;
    if (this.#left === 0) this.#endData(chunk, at, end);
    else this.#handler.onDataPiece(chunk, at, end, false);
    return end;
  }

  /** The last piece; what is left of the frame is padding. */
  #endData(bytes: Buffer, start: number, end: number): void {
    if (this.#padding === 0) {
      this.#expectHead();
    } else {
      this.#part = "skipped";
      this.#left = this.#padding;
    }
    this.#handler.onDataPiece(bytes, start, end, true);
  }
}
