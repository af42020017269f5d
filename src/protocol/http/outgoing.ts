// What the protocols that are called over HTTP share: each writes a call as a request and reads its response as the reply.
// Sending it is left to outbound/http-upstream.ts.
import type { Call, Reply } from "../../rpc/call.ts";
import type { OutgoingRequest, PeerResponse } from "./http.ts";

/** A call as a request, and how its response is read: as a reply, or a RpcError that it throws, which says `sent`. */
export interface Outgoing {
  readonly request: OutgoingRequest;
  /** What the caller of a oneway call gets once it is written; undefined for a call whose response is waited for. */
  readonly onceWritten?: Reply | undefined;
  readReply(response: PeerResponse): Reply;
}

/** Writes a call; `nowMs` is on the clock of the call's `expiresAtMs`. Throws a RpcError INTERNAL for a payload in another codec. */
export type WriteCall = (call: Call, nowMs: number) => Outgoing;

/** The longest timeout that ten digits can say. */
const MAX_TIMEOUT_MS = 9_999_999_999;

/** Appends the time that is left of a call, in whole milliseconds. */
export function writeTimeout(name: string, { expiresAtMs }: Call, nowMs: number, headers: string[]): void {
  if (expiresAtMs === Number.POSITIVE_INFINITY) return;
  headers.push(name, String(Math.min(Math.max(1, Math.ceil(expiresAtMs - nowMs)), MAX_TIMEOUT_MS)));
}
