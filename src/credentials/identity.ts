// Who a certificate names.

/** What Node tells of a certificate, as far as it says whose it is. */
export interface NamedCertificate {
  readonly subject?: { readonly CN?: string | readonly string[] | undefined } | undefined;
  /** As in `URI:spiffe://a/b, DNS:c`; values with commas in them are JSON strings. */
  readonly subjectaltname?: string | undefined;
}

/**
 * The name of a certificate's holder: its first URI (a SPIFFE ID is one), else its first DNS name, else the common name
 * of its subject; undefined when it has none of them.
 */
export function identityOf({ subject, subjectaltname = "" }: NamedCertificate): string | undefined {
  let dns: string | undefined;
  for (const [, kind, value = ""] of subjectaltname.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g)) {
    const text = value.startsWith('"') ? unquote(value) : value;
    if (kind === "URI") return text;
    if (kind === "DNS") dns ??= text;
  }
  if (dns !== undefined) return dns;
  const names = subject?.CN;
  return typeof names === "string" ? names : names?.[0];
}

function unquote(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
}
