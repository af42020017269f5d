// Joins what one turn of the event loop writes to one connection, because each write is a system call.
import { atEndOfTurn } from "./clock.ts";

/** Where bytes go: a socket. */
export interface Sink {
  write(bytes: Uint8Array, written?: (error?: Error | null) => void): unknown;
}

/** Larger writes leave as they are: copying them would cost more than the system call. */
const MAX_JOINED_BYTES = 64 * 1024;

/** Writes to one sink in the order in which it was told to. */
export class TurnWriter {
  readonly #sink: Sink;
  readonly #waiting: Uint8Array[] = [];
  #written: ((error?: Error | null) => void)[] = [];
  #bytes = 0;
  readonly #flush = (): void => this.flush();

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Writes at the end of this turn of the event loop, in one piece with what else is written until then. */
  write(bytes: Uint8Array, written?: (error?: Error | null) => void): void {
    if (this.#bytes + bytes.length > MAX_JOINED_BYTES) this.flush();
    if (this.#waiting.length === 0) atEndOfTurn(this.#flush);
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (written) this.#written.push(written);
  }

  /** Writes now, behind what waits: for what nothing else of this turn is to join. */
  writeNow(bytes: Uint8Array): void {
    if (this.#waiting.length === 0) {
      this.#sink.write(bytes);
      return;
    }
    this.write(bytes);
    this.flush();
  }

  /** How many bytes wait for the end of the turn. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Writes what waits now. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, this.#bytes);
    waiting.length = 0;
    this.#bytes = 0;
    if (this.#written.length === 0) {
      this.#sink.write(bytes);
      return;
    }
    const all = this.#written;
    this.#written = [];
    this.#sink.write(bytes, (error) => {
      for (const written of all) written(error);
    });
  }
}
