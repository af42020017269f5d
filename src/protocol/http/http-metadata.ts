// Which HTTP headers are metadata of a call or its reply, and how metadata stands in a request or response.
import type { Metadata } from "../../base/metadata.ts";
import { readMetadata, writeMetadata } from "../grpc/header-list.ts";

/** What HTTP says of a message or of the client; what belongs to one hop is left out by gRPC's rule already. */
const OF_HTTP = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "accept-ranges",
  "allow",
  "client_timeout",
  "content-encoding",
  "content-language",
  "content-range",
  "date",
  "dnt",
  "expect",
  "origin",
  "priority",
  "range",
  "referer",
  "upgrade-insecure-requests",
  "vary",
]);

/** `cw-…` is said between sidecars, `connect-…` by the dialect, the others by browsers and to them. */
const RESERVED = /^(?:cw$|cw-|connect-|sec-|access-control-|trailer-)/;

function isMetadata(name: string): boolean {
  return !OF_HTTP.has(name) && !RESERVED.test(name);
}

/** The call's metadata: what is HTTP's own, of one hop (RFC 9110, 7.6.1) or reserved is left out; binary values are unpadded. */
export function readRequestMetadata(headers: Metadata): Metadata {
  const hop = namedByConnection(headers);
  const flat: string[] = [];
  for (const [name, value] of headers) if (isMetadata(name) && !hop?.has(name)) flat.push(name, value);
  return readMetadata(flat);
}

/** The headers that `connection` says are of one hop. */
function namedByConnection(headers: Metadata): ReadonlySet<string> | undefined {
  const text = headers.get("connection");
  if (text === undefined || /^(?:keep-alive|close)$/i.test(text)) return undefined;
  const names = headers.getAll("connection").flatMap((value) => value.split(","));
  return new Set(names.map((name) => name.trim().toLowerCase()));
}

/**
 * Appends metadata to a response's headers, each name behind `prefix`, and returns how many pairs were dropped: what HTTP
 * cannot carry or a response says itself.
 */
export function writeResponseMetadata(metadata: Metadata, headers: string[], prefix = ""): number {
  return write(metadata, isMetadata, headers, prefix);
}

/** What sidecars tell each other, and an application may hear. */
const BETWEEN_SIDECARS = /^cw-(?:hops|attempt|from|label-.+)$/;

/** Appends a call's metadata to the headers of a request and returns how many pairs were dropped, as above. */
export function writeRequestMetadata(metadata: Metadata, headers: string[]): number {
  return write(metadata, (name) => isMetadata(name) || BETWEEN_SIDECARS.test(name), headers, "");
}

function write(metadata: Metadata, carries: (name: string) => boolean, headers: string[], prefix: string): number {
  if (metadata.size === 0) return 0;
  const list: string[] = [];
  const carried = metadata.filter(carries);
  const dropped = writeMetadata(carried, list) + metadata.size - carried.size;
  for (let i = 0; i < list.length; i += 2) headers.push(prefix + list[i], list[i + 1]!);
  return dropped;
}

/** What HTTP says of a response or of who made it. */
const OF_RESPONSE = new Set([
  "accept-post",
  "age",
  "cache-control",
  "etag",
  "expires",
  "last-modified",
  "server",
  "x-powered-by",
]);

/** The metadata of a response: its headers without HTTP's own, and as trailers those that stand behind `trailerPrefix`. */
export function readResponseMetadata(
  headers: Metadata,
  trailerPrefix: string,
): { readonly headers: Metadata; readonly trailers: Metadata } {
  const leading: string[] = [];
  const trailing: string[] = [];
  for (const [name, value] of headers) {
    const bare = name.startsWith(trailerPrefix) ? name.slice(trailerPrefix.length) : undefined;
    if (bare !== undefined) {
      if (isMetadata(bare)) trailing.push(bare, value);
    } else if (isMetadata(name) && !OF_RESPONSE.has(name)) leading.push(name, value);
  }
  return { headers: readMetadata(leading), trailers: readMetadata(trailing) };
}
