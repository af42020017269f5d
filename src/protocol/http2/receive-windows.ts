// Flow control of what the peer sends (RFC 9113 section 5.2): it may send what the consumer has room for. The windows
// grow as long as the peer fills most of them within one round trip, because then they, and not the link, hold it back.
import type { Budget } from "./budget.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { DEFAULT_WINDOW_BYTES, FRAME } from "./frame.ts";
import type { Http2Options } from "./options.ts";
import type { Output } from "./output.ts";
import type { Http2Stream } from "./stream.ts";

/** The connection's window and the rules for those of its streams. */
export class ReceiveWindows {
  readonly #options: Http2Options;
  readonly #output: Output;
  readonly #idleFrames: Budget;
  /** Sends a PING whose answer is `roundTrip`. */
  readonly #measure: () => void;
  #window: number = DEFAULT_WINDOW_BYTES;
  #target: number;
  #unconsumed = 0;
  #streamTarget: number;
  #hasReceived = false;
  #measuring = false;
  #measuredBytes = 0;

  constructor(options: Http2Options, output: Output, idleFrames: Budget, measure: () => void) {
    this.#options = options;
    this.#output = output;
    this.#idleFrames = idleFrames;
    this.#measure = measure;
    this.#target = options.connectionWindowBytes;
    this.#streamTarget = options.streamWindowBytes;
  }

  /** What the connection's window is filled up to, and what those of streams are. */
  get targets(): { readonly connection: number; readonly stream: number } {
    return { connection: this.#target, stream: this.#streamTarget };
  }

  /** Gives the peer the connection's window, whose initial size no setting can say. */
  open(): void {
    this.#fill(0);
  }

  /** Takes note of a DATA frame's whole payload. Throws a ConnectionFault when the window does not allow it. */
  receive(length: number): void {
    if (length > this.#window) {
      throw new ConnectionFault(ERROR_CODE.FLOW_CONTROL_ERROR, "DATA beyond the connection's window");
    }
    this.#window -= length;
    this.#unconsumed += length;
    this.#hasReceived = true;
    if (this.#measuring) this.#measuredBytes += length;
    if (this.#options.maxUnconsumedBytes > 0) this.#fill(this.#target / 2);
  }

  /** Gives back what was received for no stream. */
  discard(length: number): void {
    this.#unconsumed -= length;
    this.#fill(this.#target / 2);
  }

  /** Gives back what a stream's consumer has taken. */
  consume(stream: Http2Stream, count: number): void {
    const consumed = Math.min(count, stream.unconsumed);
    stream.unconsumed -= consumed;
    this.discard(consumed);
    if (stream.remoteEnded || stream.closed) return;
    const missing = stream.receiveTarget - stream.receiveWindow - stream.unconsumed;
    if (2 * missing < stream.receiveTarget) return;
    // A stream that lasts this long may have what has been learnt since it began.
    stream.receiveTarget = Math.max(stream.receiveTarget, this.#streamTarget);
    const increment = stream.receiveTarget - stream.receiveWindow - stream.unconsumed;
    stream.receiveWindow += increment;
    this.#announce(stream.id, increment);
  }

  /** Gives back what a stream that was reset will never consume. */
  release(stream: Http2Stream): void {
    const { unconsumed } = stream;
    stream.unconsumed = 0;
    if (unconsumed > 0) this.discard(unconsumed);
  }

  #fill(threshold: number): void {
    const held = Math.max(0, this.#unconsumed - this.#options.maxUnconsumedBytes);
    const missing = this.#target - this.#window - held;
    if (missing <= 0 || missing < threshold) return;
    this.#window += missing;
    this.#announce(0, missing);
  }

  #announce(streamId: number, increment: number): void {
    this.#output.frame(4, FRAME.WINDOW_UPDATE, 0, streamId);
    this.#output.uint32(increment);
    this.#idleFrames.earn(1);
    const { maxStreamWindowBytes, maxConnectionWindowBytes } = this.#options;
    const mayGrow = this.#streamTarget < maxStreamWindowBytes || this.#target < maxConnectionWindowBytes;
    if (this.#measuring || !mayGrow || !this.#hasReceived) return;
    this.#measuring = true;
    this.#measuredBytes = 0;
    this.#measure();
  }

  /** The PING's answer: `#measuredBytes` came within one round trip. */
  roundTrip(): void {
    this.#measuring = false;
    const { maxStreamWindowBytes, maxConnectionWindowBytes } = this.#options;
    const wanted = 2 * this.#measuredBytes;
    if (3 * this.#measuredBytes >= 2 * this.#streamTarget) {
      this.#streamTarget = Math.max(this.#streamTarget, Math.min(wanted, maxStreamWindowBytes));
    }
    // A stream alone on its connection shall not be held back by the connection.
    const target =
      3 * this.#measuredBytes >= 2 * this.#target ? Math.max(wanted, this.#streamTarget) : this.#streamTarget;
    this.#target = Math.max(this.#target, Math.min(target, maxConnectionWindowBytes));
  }
}
