// Cuts .proto text into tokens that know where they stand, and gives comments to the declarations they belong to. It cuts
// as protobufjs's tokenizer does, which tells lines but no columns.
import type { Position } from "../base/diagnostic.ts";

export interface ProtoToken {
  /** A `string` keeps its quotes; a `symbol` is one character; a `word` is anything else, numbers and dotted names too. */
  readonly kind: "word" | "string" | "symbol" | "end";
  readonly text: string;
  readonly offset: number;
  /** The comments since the token before. */
  readonly comments: readonly ProtoComment[];
}

/** One comment: a whole block, or one `//` to the end of its line. */
export interface ProtoComment {
  readonly block: boolean;
  readonly text: string;
  readonly offset: number;
  readonly end: number;
}

/** Where the text stopped making sense. */
export interface ProtoFault {
  readonly offset: number;
  readonly message: string;
}

export interface ProtoTokens {
  /** Ends with one token of kind `end`. */
  readonly tokens: readonly ProtoToken[];
  readonly fault: ProtoFault | undefined;
}

const SYMBOLS = "{}=;:[],()<>";
const WORD_END = /[\s{}=;:[\],'"()<>]|$/g;
const BLANK = /\s/;

/** The tokens of `text` up to its first lexical fault: an unterminated string or comment, or a stray `/`. */
export function tokenizeProto(text: string): ProtoTokens {
  const tokens: ProtoToken[] = [];
  let comments: ProtoComment[] = [];
  let offset = 0;
  let fault: ProtoFault | undefined;
  const push = (kind: ProtoToken["kind"], end: number): void => {
    tokens.push({ kind, text: text.slice(offset, end), offset, comments });
    comments = [];
    offset = end;
  };
  while (offset < text.length && fault === undefined) {
    const char = text.charAt(offset);
    if (BLANK.test(char)) offset++;
    else if (SYMBOLS.includes(char)) push("symbol", offset + 1);
    else if (char === '"' || char === "'") {
      const end = endOfString(text, offset);
      if (end === undefined) fault = { offset, message: "this string has no closing quote on its line" };
      else push("string", end);
    } else if (char === "/") {
      const comment = readComment(text, offset);
      if (comment === undefined) fault = { offset, message: commentFault(text, offset) };
      else {
        comments.push(comment);
        offset = comment.end;
      }
    } else {
      WORD_END.lastIndex = offset;
      push("word", WORD_END.exec(text)?.index ?? text.length);
    }
  }
  push("end", offset);
  return { tokens, fault };
}

function endOfString(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === quote) return at + 1;
    if (char === "\n") return undefined;
    if (char === "\\") at++;
  }
  return undefined;
}

function readComment(text: string, offset: number): ProtoComment | undefined {
  const block = text.startsWith("/*", offset);
  if (!block && !text.startsWith("//", offset)) return undefined;
  const close = block ? text.indexOf("*/", offset + 2) : text.indexOf("\n", offset);
  if (close < 0 && block) return undefined;
  const end = close < 0 ? text.length : block ? close + 2 : close;
  return { block, text: text.slice(offset + 2, close < 0 ? end : close), offset, end };
}

function commentFault(text: string, offset: number): string {
  return text.startsWith("/*", offset)
    ? 'this comment is never closed; expected "*/"'
    : 'unexpected "/"; a comment begins with "//" or "/*"';
}

/** Turns offsets into `text` into positions in `file`; each look-up is a binary search over its lines. */
export function createLocator(file: string, text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/**
 * The doc comment of a declaration that starts at token `first` and whose head ends at token `last` (`;` or an opening brace): the
 * comment right above it, else the one behind it on its line. Undefined when there is neither.
 */
export function docOf(
  tokens: readonly ProtoToken[],
  first: number,
  last: number,
  lineOf: (offset: number) => number,
): string | undefined {
  const start = tokens[first];
  const end = tokens[last];
  if (start === undefined || end === undefined) return undefined;
  const before = tokens[first - 1];
  const lineBefore = before === undefined ? 0 : lineOf(before.offset);
  const above = start.comments.filter((comment) => lineOf(comment.offset) !== lineBefore);
  const leading = adjoining(above, lineOf(start.offset), lineOf);
  if (leading.length > 0) return cleanComments(leading);
  const endLine = lineOf(end.offset);
  const behind = (tokens[last + 1]?.comments ?? []).filter((comment) => lineOf(comment.offset) === endLine);
  return cleanComments(behind.slice(0, 1));
}

/** The last block, or the last run of `//` lines, if no blank line parts it from `line`. */
function adjoining(
  comments: readonly ProtoComment[],
  line: number,
  lineOf: (offset: number) => number,
): readonly ProtoComment[] {
  let from = comments.length;
  let expected = line;
  while (from > 0) {
    const comment = comments[from - 1];
    if (comment === undefined || lineOf(comment.end) < expected - 1) break;
    if (comment.block) return from === comments.length ? [comment] : comments.slice(from);
    expected = lineOf(comment.offset);
    from--;
  }
  return comments.slice(from);
}

function cleanComments(comments: readonly ProtoComment[]): string | undefined {
  const lines = comments.flatMap(({ block, text }) =>
    block ? text.split("\n").map((line) => line.replace(/^\s*\*+ ?/, "")) : [text.replace(/^\/* ?/, "")],
  );
  const doc = lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
  return doc === "" ? undefined : doc;
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };
const ESCAPE = /\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/gu;

/** The bytes that the inside of a string literal stands for, with the escapes of the Protobuf language specification. */
export function unescapeBytes(inside: string): Uint8Array {
  const parts: Uint8Array[] = [];
  let plain = 0;
  for (const match of inside.matchAll(ESCAPE)) {
    const [whole, hex, octal, u4, u8, char] = match;
    parts.push(Buffer.from(inside.slice(plain, match.index), "utf8"));
    plain = match.index + whole.length;
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8) & 0xff));
    else if (char !== undefined) {
      const code = ESCAPES[char];
      parts.push(code === undefined ? Buffer.from(char, "utf8") : Uint8Array.of(code));
    } else {
      const point = Number.parseInt(u4 ?? u8 ?? "0", 16);
      parts.push(Buffer.from(String.fromCodePoint(point > 0x10ffff ? 0xfffd : point), "utf8"));
    }
  }
  parts.push(Buffer.from(inside.slice(plain), "utf8"));
  return new Uint8Array(Buffer.concat(parts));
}
