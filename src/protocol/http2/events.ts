// What a connection tells its owner. Events come while `receive` runs, or while the owner lets output be taken; all calls
// of the connection are allowed inside of them.
import type { RpcError } from "../../base/errors.ts";
import type { HeaderList } from "./header-list.ts";
import type { Http2Stream } from "./stream.ts";

/** Why a stream ended early. */
export interface StreamReset {
  /** The error code of RST_STREAM or GOAWAY, or of the error that we found. */
  readonly code: number;
  /** Who ended it: the peer's RST_STREAM or GOAWAY, an error in what it sent, or the end of the connection. */
  readonly by: "peer" | "goaway" | "fault" | "connection";
  /** False when the peer has certainly not looked at the stream (REFUSED_STREAM, or above its GOAWAY's last one). */
  readonly processed: boolean;
  /** What ended the connection, when that was an error of HTTP/2. */
  readonly failure?: RpcError;
}

/** A peer's GOAWAY. */
export interface GoAway {
  readonly lastStreamId: number;
  readonly code: number;
  /** What the peer said about it, in ASCII, for logs; at most 256 characters. */
  readonly debug: string;
}

/** How a connection's owner hears of what happens. */
export interface Http2Events<Context> {
  /**
   * A request's headers at a server, a response's final headers at a client. `recognised` says that the very same list
   * has come before on this connection, and is likely to come again.
   */
  onHeaders(stream: Http2Stream<Context>, list: HeaderList, endStream: boolean, recognised: boolean): void;
  /**
   * A piece of data, a view that stays as it is; empty only at the end of the stream. Its bytes must be given back with
   * `consume`, else the peer comes to a stop.
   */
  onData(stream: Http2Stream<Context>, bytes: Buffer, endStream: boolean): void;
  /** Trailers, which end the peer's side. */
  onTrailers(stream: Http2Stream<Context>, list: HeaderList): void;
  /** The stream has ended early, other than by the owner's `resetStream`. */
  onReset(stream: Http2Stream<Context>, reset: StreamReset): void;
  /** Both sides have ended, or the stream was reset by anyone: comes once for each stream. */
  onClose(stream: Http2Stream<Context>): void;
  /** All that `sendData` had to queue on the stream has been written; behind onClose where that was the end of it. */
  onDrain(stream: Http2Stream<Context>): void;
  /** The peer's settings have come, the first ones or new ones: there may be free streams. */
  onSettings(): void;
  onGoAway(goAway: GoAway): void;
  /** The answer to the PING of this number. */
  onPong(ping: number): void;
  /** There is something to take after there was nothing. */
  onOutput(): void;
  /** After `shutDown`: every stream has ended. Take the output and close. */
  onFinished(): void;
  /** The peer broke the protocol or a limit: every stream has been reset. Take the output and close. */
  onFailed(error: RpcError): void;
}
