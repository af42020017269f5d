// From a connection's output to a socket, whatever kind of socket that is.
import type { Http2Connection } from "./connection.ts";

/** What is needed of a socket; those of node:net and node:tls are such. */
export interface OutputTarget {
  write(bytes: Uint8Array): boolean;
  /** Bytes that have not been handed to the system yet. */
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
}

/** Writes what the connection has to say, until the target has enough; to be called again at the target's `drain`. */
export function writeOutput(
  connection: Pick<Http2Connection, "takeOutput" | "reuseOutput">,
  target: OutputTarget,
): void {
  while (!target.writableNeedDrain) {
    const bytes = connection.takeOutput();
    if (bytes === undefined) return;
    target.write(bytes);
    if (target.writableLength === 0) connection.reuseOutput();
  }
}
