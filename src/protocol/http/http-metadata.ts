// Which HTTP headers are metadata of the call, and how metadata stands in a response.
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

/** Appends metadata to a response's headers, each name behind `prefix`; what HTTP cannot carry or a response says itself is left out. */
export function writeResponseMetadata(metadata: Metadata, headers: string[], prefix = ""): void {
  if (metadata.size === 0) return;
  const list: string[] = [];
  writeMetadata(metadata.filter(isMetadata), list);
  for (let i = 0; i < list.length; i += 2) headers.push(prefix + list[i], list[i + 1]!);
}
