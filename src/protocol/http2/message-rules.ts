// Which header lists make a request, a response or trailers (RFC 9113 sections 8.1 and 8.3).
import { KIND, PSEUDO_KINDS } from "./field.ts";
import type { HeaderBlock } from "./header-list.ts";

const REQUEST_KINDS = KIND.METHOD | KIND.SCHEME | KIND.PATH;

/** Why a request may not have this list; undefined when it may. */
export function faultOfRequest(
  { list, kinds, fault, contentLength }: HeaderBlock,
  endStream: boolean,
): string | undefined {
  if (fault !== undefined) return fault;
  if (kinds & KIND.STATUS) return "a request has a :status";
  if ((kinds & REQUEST_KINDS) !== REQUEST_KINDS && !isConnect(list, kinds)) {
    return "a request lacks :method, :scheme or :path";
  }
  return endStream && contentLength > 0 ? "a request without a body has a content-length" : undefined;
}

function isConnect(list: readonly string[], kinds: number): boolean {
  if ((kinds & PSEUDO_KINDS) !== (KIND.METHOD | KIND.AUTHORITY)) return false;
  return list[list.indexOf(":method") + 1] === "CONNECT";
}

/** Why a response, or an informational one before it, may not have this list; undefined when it may. */
export function faultOfResponse(block: HeaderBlock, endStream: boolean): string | undefined {
  if (block.fault !== undefined) return block.fault;
  if ((block.kinds & PSEUDO_KINDS) !== KIND.STATUS) return "a response has other pseudo headers than :status";
  if (!isInformational(block)) return undefined;
  return endStream || block.list[1] === "101" ? "an informational response ends the stream or upgrades" : undefined;
}

/** Whether a response's headers come before its final ones. */
export function isInformational({ list }: HeaderBlock): boolean {
  return list[1]!.charCodeAt(0) === 0x31;
}

/** Why trailers may not be this list; undefined when they may. */
export function faultOfTrailers({ kinds, fault }: HeaderBlock, endStream: boolean): string | undefined {
  if (fault !== undefined) return fault;
  if (kinds & PSEUDO_KINDS) return "trailers have pseudo headers";
  return endStream ? undefined : "trailers do not end the stream";
}
