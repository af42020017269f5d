// Headers that no protocol takes for metadata of a call.

/** Names of headers of one hop (RFC 9110, section 7.6.1), or of HTTP itself, in lower case: they mean nothing to the next. */
export const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
