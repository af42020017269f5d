// Header blocks that come in several frames, put together and decoded (RFC 9113 section 4.3), within bounds.
import { ByteGatherer } from "../../base/bytes.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { FLAG, FRAME } from "./frame.ts";
import type { HeaderBlock } from "./header-list.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { Http2Options } from "./options.ts";

/** The header blocks of one direction of a connection. */
export class HeaderBlocks {
  readonly decoder: HpackDecoder;
  readonly #options: Http2Options;
  readonly #gathered = new ByteGatherer();
  #continuations = 0;
  /** The stream whose block is not whole; 0 when there is none. No other frame may come then. */
  streamId = 0;
  /** Whether END_STREAM stands on the HEADERS frame that came last. */
  endStream = false;

  constructor(options: Http2Options) {
    this.#options = options;
    this.decoder = new HpackDecoder(options.maxHeaderListBytes);
  }

  /** Throws a ConnectionFault unless a frame of this type, stream and length may come now. */
  check(type: number, streamId: number, length: number): void {
    if (this.streamId !== 0 && (type !== FRAME.CONTINUATION || streamId !== this.streamId)) {
      throw new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, "a header block is interrupted by another frame");
    }
    if (type === FRAME.CONTINUATION) {
      if (this.streamId === 0) {
        throw new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, "CONTINUATION without a header block before it");
      }
      if (++this.#continuations > this.#options.maxContinuations) {
        throw new ConnectionFault(ERROR_CODE.ENHANCE_YOUR_CALM, "a header block in too many CONTINUATION frames");
      }
    }
    // A length alone counts, so that nothing is kept of a block that is too large; padding is at most 256 bytes.
    if (type === FRAME.HEADERS || type === FRAME.CONTINUATION) this.#checkSize(length - 256);
  }

  #checkSize(more: number): void {
    const { maxHeaderBlockBytes } = this.#options;
    if (this.#gathered.length + more > maxHeaderBlockBytes) {
      throw new ConnectionFault(
        ERROR_CODE.ENHANCE_YOUR_CALM,
        `a header block passes the limit of ${maxHeaderBlockBytes} bytes`,
      );
    }
  }

  /** Reads HEADERS `[pad length] [priority, 5 bytes] fragment [padding]`; undefined when the block goes on. */
  headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): HeaderBlock | undefined {
    let from = start;
    let to = end;
    if (flags & FLAG.PADDED) to -= from < end ? bytes[from++]! : 1;
    if (flags & FLAG.PRIORITY) from += 5;
    if (from > to) {
      const isShort = end - start < (flags & FLAG.PADDED ? 1 : 0) + (flags & FLAG.PRIORITY ? 5 : 0);
      throw new ConnectionFault(
        isShort ? ERROR_CODE.FRAME_SIZE_ERROR : ERROR_CODE.PROTOCOL_ERROR,
        "a HEADERS frame is shorter than its padding and priority",
      );
    }
    this.endStream = (flags & FLAG.END_STREAM) !== 0;
    if (flags & FLAG.END_HEADERS) return this.decoder.decode(bytes, from, to);
    this.streamId = streamId;
    this.#continuations = 0;
    this.#gathered.append(bytes.subarray(from, to));
    return undefined;
  }

  /** Reads CONTINUATION; undefined when the block goes on. */
  continuation(flags: number, bytes: Buffer, start: number, end: number): HeaderBlock | undefined {
    this.#checkSize(end - start);
    this.#gathered.append(bytes.subarray(start, end));
    if ((flags & FLAG.END_HEADERS) === 0) return undefined;
    this.streamId = 0;
    const { buffer, byteOffset, length } = this.#gathered.take();
    return this.decoder.decode(Buffer.from(buffer, byteOffset, length), 0, length);
  }
}
