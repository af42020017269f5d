// What the connections of a listener have in common, whatever they speak.
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Handler } from "../rpc/call.ts";
import type { Lookup } from "../rpc/resolve.ts";
import type { StreamHandler } from "../rpc/stream.ts";

export { newFacts } from "../rpc/call.ts";

/** One accepted connection, as its listener sees it. */
export interface Connection {
  /** Whether no call is on it. */
  readonly isIdle: boolean;
  /** Lets the calls in flight finish, then closes. */
  drain(): void;
  /** Closes at once. */
  destroy(): void;
}

/** What a listener's connections work with. */
export interface ListenerContext {
  readonly lookup: Lookup;
  readonly handle: Handler;
  /** Undefined where streams are not carried. */
  readonly handleStream?: StreamHandler;
  readonly log: Log;
  readonly clock: Clock;
  /** Counts a TLS handshake that failed. */
  readonly tlsFailed?: () => void;
}

/** The caller's address as logs have it. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return "unix";
  return remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/**
 * Ends a connection whose peer may still be sending: what comes, up to `maxBytes`, is read and forgotten, because closing
 * over unread bytes resets the connection and the last reply might never be seen.
 */
export function endAndDiscard(socket: Socket, maxBytes: number): void {
  let discarded = 0;
  socket.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > maxBytes) socket.destroy();
  });
  socket.on("end", () => socket.destroySoon());
  socket.end();
  socket.resume();
}
