// HPACK's static table (RFC 7541 appendix A) and what a dynamic table entry costs.

/** Names at even, values at odd positions; index 1 of the protocol is at 0. */
export const STATIC_FIELDS: readonly string[] = [
  ...[":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html"],
  ...[":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204", ":status", "206"],
  ...[":status", "304", ":status", "400", ":status", "404", ":status", "500", "accept-charset", ""],
  ...["accept-encoding", "gzip, deflate", "accept-language", "", "accept-ranges", "", "accept", ""],
  ...["access-control-allow-origin", "", "age", "", "allow", "", "authorization", "", "cache-control", ""],
  ...["content-disposition", "", "content-encoding", "", "content-language", "", "content-length", ""],
  ...["content-location", "", "content-range", "", "content-type", "", "cookie", "", "date", "", "etag", ""],
  ...["expect", "", "expires", "", "from", "", "host", "", "if-match", "", "if-modified-since", ""],
  ...["if-none-match", "", "if-range", "", "if-unmodified-since", "", "last-modified", "", "link", ""],
  ...["location", "", "max-forwards", "", "proxy-authenticate", "", "proxy-authorization", "", "range", ""],
  ...["referer", "", "refresh", "", "retry-after", "", "server", "", "set-cookie", "", "strict-transport-security"],
  ...["", "transfer-encoding", "", "user-agent", "", "vary", "", "via", "", "www-authenticate", ""],
];

/** How many entries there are; the dynamic table's indexes begin behind them. */
export const STATIC_ENTRIES: number = STATIC_FIELDS.length / 2;

/** What a field counts beside its two lengths, in tables (RFC 7541 section 4.1) and in lists (RFC 9113 section 6.5.2). */
export const FIELD_OVERHEAD_BYTES = 32;
