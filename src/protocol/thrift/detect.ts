// What a new connection speaks, told by its first bytes, so that one port serves every client. Serving it is left to
// inbound.

import type { Dialect, Envelope, Framing } from "./dialect.ts";

/** What the first bytes say. */
export type Detection =
  /** It cannot be told yet; more bytes will tell. */
  | { readonly kind: "more" }
  | { readonly kind: "grpc" }
  | ({ readonly kind: "thrift" } & Dialect)
  | { readonly kind: "http1" }
  /** Something that is not served; `reason` says what, and what would be. */
  | { readonly kind: "refused"; readonly reason: string };

/** No more bytes than this are ever needed: a frame length and the longest old-style header. */
export const MAX_PREFIX_BYTES = 4 + 4 + 255 + 1;

const MORE: Detection = { kind: "more" };
const GRPC: Detection = { kind: "grpc" };
const HTTP1: Detection = { kind: "http1" };

/** The HTTP/2 client preface, RFC 9113 section 3.4. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const HTTP1_METHODS = new Set(["GET ", "POST", "PUT ", "HEAD", "OPTI", "DELE", "PATC"]);

const SERVED = "expected gRPC over HTTP/2, or Thrift: binary or compact, framed or unframed, THeader or TTHeader";

/**
 * Tells from the first bytes of a connection what it speaks. `maxFrameBytes` is the largest frame that will be taken;
 * a larger one is refused here, before it is read.
 *
 *     PRI * HTTP/2.0…           gRPC                        N 0F FF   THeader
 *     16 03                     TLS                         N 10 00   TTHeader
 *     GET, POST, …              HTTP/1                      N 80 01   Thrift binary, framed
 *     80 01                     Thrift binary, unframed     N 82 x1   Thrift compact, framed
 *     82 x1                     Thrift compact, unframed    N 90 01   Kitex Protobuf, framed
 *     [N] L name 01..04         Thrift binary, old style: L is the length of the name, 1 to 255
 */
export function detect(prefix: Uint8Array, maxFrameBytes: number): Detection {
  const first = prefix[0];
  if (first === undefined) return MORE;
  if (first === HTTP2_PREFACE[0] && HTTP2_PREFACE.subarray(0, prefix.length).equals(prefix.subarray(0, 24))) {
    return prefix.length < HTTP2_PREFACE.length ? MORE : GRPC;
  }
  const second = prefix[1];
  if (second === undefined) return MORE;
  if (first === 0x16 && second === 0x03) return refused("TLS is not served on this listener");
  if (first === 0x80 && second === 0x01) return thrift("unframed", "strict");
  if (isCompact(first, second)) return thrift("unframed", "compact");
  if (prefix.length < 4) return MORE;
  if (HTTP1_METHODS.has(String.fromCharCode(first, second, prefix[2]!, prefix[3]!))) return HTTP1;
  return detectByLength(prefix, maxFrameBytes);
}

/** The first four bytes are a length: of a frame or of an old-style name. */
function detectByLength(prefix: Uint8Array, maxFrameBytes: number): Detection {
  const length = u32(prefix, 0);
  if (length > maxFrameBytes) {
    return refused(`as the length of a frame the first bytes say ${length}, above the limit of ${maxFrameBytes}`);
  }
  const fifth = prefix[4];
  const sixth = prefix[5];
  if (fifth === undefined) return MORE;
  // Names are printable and lengths below 256 begin with a zero, so the fifth byte tells old-style from the rest.
  if (fifth >= 0x20 && fifth <= 0x7e) return detectOld(prefix, 0);
  if (fifth === 0) return detectOld(prefix, 4);
  if (sixth === undefined) return MORE;
  if (fifth === 0x80 && sixth === 0x01) return thrift("framed", "strict");
  if (fifth === 0x0f && sixth === 0xff) return thrift("theader", "strict");
  if (fifth === 0x10 && sixth === 0x00) return thrift("ttheader", "strict");
  if (isCompact(fifth, sixth)) return thrift("framed", "compact");
  if (fifth === 0x90 && sixth === 0x01) return thrift("framed", "kitex-protobuf");
  return refused("the first bytes are of no protocol that is known here");
}

/** An old-style header at `offset`: behind a frame length, or at the very start. */
function detectOld(prefix: Uint8Array, offset: number): Detection {
  if (prefix.length < offset + 4) return MORE;
  const nameLength = u32(prefix, offset);
  const unknown = () => refused("the first bytes are of no protocol that is known here");
  if (nameLength < 1 || nameLength > 255) return unknown();
  const nameEnd = offset + 4 + nameLength;
  for (let at = offset + 4; at < nameEnd && at < prefix.length; at++) {
    if (prefix[at]! < 0x20 || prefix[at]! > 0x7e) return unknown();
  }
  const type = prefix[nameEnd];
  if (type === undefined) return MORE;
  return type >= 1 && type <= 4 ? thrift(offset > 0 ? "framed" : "unframed", "old") : unknown();
}

/** 0x82, then the message type in the high three bits and version 1 below. */
function isCompact(first: number, second: number): boolean {
  return first === 0x82 && (second & 0x1f) === 1;
}

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function thrift(framing: Framing, envelope: Envelope): Detection {
  return { kind: "thrift", framing, envelope };
}

function refused(what: string): Detection {
  return { kind: "refused", reason: `${what}; ${SERVED}` };
}
