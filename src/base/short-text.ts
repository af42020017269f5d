// Names, header fields and the like as UTF-8. They are short and nearly always ASCII, for which a call into Node costs more than
// a loop; and they are the same again and again.

/** Longer text is left to Node. */
const MAX_SHORT_CHARS = 64;

/** How many bytes a text has as UTF-8. */
export function textBytes(text: string): number {
  return isShortAscii(text) ? text.length : Buffer.byteLength(text);
}

/** Writes a text as UTF-8, for which there must be room, and returns the offset behind it. */
export function writeText(out: Buffer, text: string, at: number): number {
  if (!isShortAscii(text)) return at + out.write(text, at);
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function isShortAscii(text: string): boolean {
  if (text.length > MAX_SHORT_CHARS) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Reads the UTF-8 from `start` up to `end`, which lie within the bytes. */
export type ReadText = (bytes: Buffer, start: number, end: number) => string;

const SLOTS = 256;

/** A reader that keeps the last few hundred short texts, and returns those where their bytes come again. */
export function createTextReader(): ReadText {
  const known = new Array<string | undefined>(SLOTS).fill(undefined);
  return (bytes, start, end) => {
    if (end - start > MAX_SHORT_CHARS) return bytes.toString("utf8", start, end);
    let hash = end - start;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const candidate = known[slot];
    if (candidate !== undefined && isThere(candidate, bytes, start, end)) return candidate;
    const text = bytes.toString("utf8", start, end);
    known[slot] = text;
    return text;
  };
}

/** Whether bytes are a text of ASCII; never of one that is not. */
function isThere(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char !== bytes[start + i] || char > 0x7f) return false;
  }
  return true;
}
