// What the connections of a listener have in common, whatever they speak.
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Metadata } from "../base/metadata.ts";
import type { Handler } from "../rpc/call.ts";
import type { Lookup } from "../rpc/resolve.ts";
import { isFromSidecar } from "../rpc/sidecar-keys.ts";
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

/** Throws a RpcError PERMISSION_DENIED for a call that no sidecar has sent on: applications have a listener of their own. */
export function checkSidecar(headers: Metadata): void {
  if (isFromSidecar(headers)) return;
  const text = "this listener takes calls from other sidecars alone: expected the local listener of side caller";
  throw new RpcError("PERMISSION_DENIED", text);
}

/** The error of a call whose reply has no room beside those that its caller has not read. */
export function unreadReplies(maxBytes: number): RpcError {
  const text = `the caller does not read its replies: ${maxBytes} bytes of them wait (maxReplyBytesPerConnection)`;
  return new RpcError("RESOURCE_EXHAUSTED", text, { sent: true });
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
