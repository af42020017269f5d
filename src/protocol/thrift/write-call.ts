// From a call to the message that says it, for those who call Thrift servers.
import { RpcError } from "../../base/errors.ts";
import type { Call } from "../../rpc/call.ts";
import { codecOf, type Dialect, hasHeaders } from "./dialect.ts";
import { type Dress, dressEncoded, dressMessage, protocolIdOf } from "./dress.ts";
import { OUT_OF_ORDER_FLAG } from "./header-frame.ts";
import { writeRequestHeaders } from "./header-keys.ts";
import { type CallHeads, callHead } from "./known-heads.ts";
import { MESSAGE } from "./message.ts";

/** How calls to an upstream are dressed. */
export interface WriteCallOptions extends Dialect {
  readonly sequenceId: number;
  /** Whether the name is written as `Service:method`, for a server with a multiplexed processor. */
  readonly multiplexed: boolean;
  /** Whether a payload on THeader is compressed. */
  readonly zlib: boolean;
  /** Whether the peer has shown that it speaks Causeway's profile. */
  readonly profile: boolean;
  readonly nowMs: number;
  /** What was written last to the same endpoint, where it is kept. */
  readonly heads?: CallHeads;
}

/**
 * The message of a call and what its reply is held against. Throws a RpcError: INTERNAL when the payload is not of the
 * dialect's codec, RESOURCE_EXHAUSTED when the headers pass 32 KiB.
 */
export function writeCall(
  { method, payload, headers, expiresAtMs, facts }: Call,
  options: WriteCallOptions,
): { readonly dress: Dress; readonly message: Uint8Array } {
  const { framing, envelope, sequenceId, multiplexed, zlib } = options;
  const codec = codecOf(envelope);
  if (payload.codec !== codec) {
    throw new RpcError("INTERNAL", `the call came as ${payload.codec}: expected ${codec}`);
  }
  const name = multiplexed ? `${bareService(method.service)}:${method.name}` : method.name;
  const answered = !method.oneway;
  const type = answered ? MESSAGE.CALL : MESSAGE.ONEWAY;
  const flags = framing === "ttheader" ? OUT_OF_ORDER_FLAG : 0;
  const dress: Dress = {
    framing,
    envelope,
    name: method.name,
    sequenceId,
    answered,
    frameId: sequenceId,
    flags,
    zlib,
    profile: options.profile,
  };
  const header = { envelope, name, type, sequenceId };
  if (!hasHeaders(framing)) return { dress, message: dressMessage(framing, undefined, header, payload.bytes) };
  const says = {
    metadata: headers,
    service: options.profile ? method.service : bareService(method.service),
    upstream: facts.upstream,
    method: method.name,
    messageType: type,
    timeoutMs: expiresAtMs - options.nowMs,
  };
  if (framing === "ttheader" && options.heads) {
    const head = callHead(method, protocolIdOf(envelope), says, options.heads);
    return { dress, message: dressEncoded(dress, head, header, payload.bytes) };
  }
  const head = { flags, sequenceId, zlib, ...writeRequestHeaders(says, framing) };
  return { dress, message: dressMessage(framing, head, header, payload.bytes) };
}

/** Thrift servers register a service by the name in its IDL, which has no package. */
function bareService(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}
