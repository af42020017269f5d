// The headers of TTHeader as bytes: what the calls of a method have in common is encoded once, and only what is left of the
// deadline is written anew; most replies have the same headers, whatever they are to.
import type { Metadata } from "../../base/metadata.ts";
import { writeText } from "../../base/short-text.ts";
import type { Method } from "../../schema/model.ts";
import { NOTHING_NUMBERED } from "./header-frame.ts";
import {
  type CallHeaders,
  type ReplyToWrite,
  timeoutDigits,
  writeReplyHeaders,
  writeRequestHeaders,
} from "./header-keys.ts";
import { encodeHeaders } from "./ttheader.ts";

/** The last headers of each method, for the calls to one endpoint in one codec. */
export type CallHeads = WeakMap<Method, CallHead>;

interface CallHead {
  readonly metadata: Metadata;
  readonly service: string;
  readonly upstream: string | undefined;
  /** How many bytes at the end are the timeout; 0 without one. */
  readonly timeoutBytes: number;
  readonly bytes: Buffer;
}

/**
 * The headers of a call as `encodeHeaders` has them, good until they are asked for again. Throws a RpcError
 * RESOURCE_EXHAUSTED when they pass 32 KiB.
 */
export function callHead(method: Method, protocolId: number, says: CallHeaders, heads: CallHeads): Uint8Array {
  const { metadata, service, upstream } = says;
  const timeout = timeoutDigits(says.timeoutMs);
  const timeoutBytes = timeout?.length ?? 0;
  const known = heads.get(method);
  if (
    known?.timeoutBytes === timeoutBytes &&
    known.metadata === metadata &&
    known.service === service &&
    known.upstream === upstream
  ) {
    // The timeout ends the integer keys, which end the headers.
    if (timeout !== undefined) writeText(known.bytes, timeout, known.bytes.length - timeoutBytes);
    return known.bytes;
  }
  const bytes = encodeHeaders({ protocolId, ...writeRequestHeaders(says, "ttheader") });
  heads.set(method, { metadata, service, upstream, timeoutBytes, bytes });
  return bytes;
}

/** The headers of a reply in the same encoding, with the same error. */
export function replyHead(protocolId: number, reply: ReplyToWrite): Uint8Array {
  const { headers, trailers, status, reset } = reply;
  const isPlain = headers.size === 0 && trailers.size === 0 && status === undefined && !reset;
  const known = isPlain ? plainReplies.get(protocolId) : undefined;
  if (known !== undefined) return known;
  const bytes = encodeHeaders({ protocolId, pairs: writeReplyHeaders(reply, "ttheader"), numbered: NOTHING_NUMBERED });
  if (isPlain) plainReplies.set(protocolId, bytes);
  return bytes;
}

/** The headers of replies that say nothing beside their result, by the protocol id. */
const plainReplies = new Map<number, Uint8Array>();
