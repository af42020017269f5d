// What a received header field is to HTTP/2, and whether it may stand in a message (RFC 9113 sections 8.2 and 8.3). Kept
// beside each entry of the tables, so that a field that is only referred to is not looked at again.

/** Bits of a field's kind; 0 is an ordinary field. Those of all fields of a list are joined. */
export const KIND = {
  METHOD: 1,
  SCHEME: 2,
  PATH: 4,
  AUTHORITY: 8,
  STATUS: 16,
  CONTENT_LENGTH: 32,
  TE: 64,
  /** The name may not stand in a message. */
  BAD_NAME: 128,
  /** The value may not stand under this name. */
  BAD_VALUE: 256,
} as const;

/** The kinds of all pseudo headers together. */
export const PSEUDO_KINDS: number = KIND.METHOD | KIND.SCHEME | KIND.PATH | KIND.AUTHORITY | KIND.STATUS;

const SPECIAL_NAMES = new Map<string, number>([
  [":method", KIND.METHOD],
  [":scheme", KIND.SCHEME],
  [":path", KIND.PATH],
  [":authority", KIND.AUTHORITY],
  [":status", KIND.STATUS],
  ["content-length", KIND.CONTENT_LENGTH],
  ["te", KIND.TE],
  // Fields of one HTTP/1 connection.
  ["connection", KIND.BAD_NAME],
  ["keep-alive", KIND.BAD_NAME],
  ["proxy-connection", KIND.BAD_NAME],
  ["transfer-encoding", KIND.BAD_NAME],
  ["upgrade", KIND.BAD_NAME],
]);

/** Characters of a token without upper case. */
const NAME_CHARS: Uint8Array = charTable((char) => /[!#$%&'*+\-.^_`|~0-9a-z]/.test(char));
/** Any but the controls; a tab may stand inside. */
const VALUE_CHARS: Uint8Array = charTable((char) => /[\t\x20-\x7e\x80-\xff]/.test(char));

function charTable(allows: (char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (allows(String.fromCharCode(code)) ? 1 : 0));
}

/** The kind of a name alone. */
export function kindOfName(name: string): number {
  const special = SPECIAL_NAMES.get(name);
  if (special !== undefined) return special;
  return isText(name, NAME_CHARS) && name !== "" ? 0 : KIND.BAD_NAME;
}

/** The kind of a field whose name has the kind `nameKind`. */
export function kindOfField(nameKind: number, value: string): number {
  return isGoodValue(nameKind, value) ? nameKind : nameKind | KIND.BAD_VALUE;
}

function isGoodValue(nameKind: number, value: string): boolean {
  if (!isText(value, VALUE_CHARS)) return false;
  if (value !== "" && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))) return false;
  if ((nameKind & (PSEUDO_KINDS | KIND.CONTENT_LENGTH | KIND.TE)) === 0) return true;
  switch (nameKind) {
    case KIND.TE:
      return value === "trailers";
    case KIND.CONTENT_LENGTH:
      return /^\d{1,15}$/.test(value);
    case KIND.STATUS:
      return /^[1-9]\d\d$/.test(value);
    case KIND.PATH:
      return value.startsWith("/") || value === "*";
    case KIND.METHOD:
    case KIND.SCHEME:
      return value !== "" && !value.includes(" ");
    default:
      return true;
  }
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}

/** Whether a field that is to be sent can stand in a header block at all. */
export function isSendable(name: string, value: string): boolean {
  if (!isText(value, VALUE_CHARS)) return false;
  return kindOfName(name) !== KIND.BAD_NAME;
}

function isText(text: string, chars: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (chars[text.charCodeAt(i)] !== 1) return false;
  return true;
}
