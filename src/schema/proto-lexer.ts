// Splits .proto text into tokens, by the lexical rules of the Protobuf language specification. What tokens mean together is
// proto-idl.ts's.
import type { Position } from "../base/diagnostic.ts";

export interface ProtoToken {
  /**
   * `word`: an identifier, keywords too. Dots, signs and brackets are symbols of their own. An `int` or `float` holds all that
   * adjoins it and may be no number. `fault` is text that is no token; its text is what to say about it.
   */
  readonly kind: "word" | "int" | "float" | "string" | "symbol" | "end" | "fault";
  /** As written; a string keeps its quotes. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** The comments since the token before. */
  readonly comments: readonly ProtoComment[];
}

/** One comment: a whole block, or one `//` to the end of its line. */
export interface ProtoComment {
  readonly block: boolean;
  /** Without its marks. */
  readonly text: string;
  readonly line: number;
  readonly endLine: number;
}

/** Text that the grammar does not allow. It ends the parsing of its file and never leaves parseProtoIdl. */
export class ProtoSyntaxError extends Error {
  readonly position: Position;

  constructor(position: Position, message: string) {
    super(message);
    this.position = position;
  }
}

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[A-Za-z0-9_.]*/y;
const FLOAT = /^(?!0[xX]).*[.eEfF]/;
const STRING_PART = /[^\\'"\n]+/y;
const ESCAPE =
  /\\(?:[abfnrtv?'"\\]|[xX][0-9a-fA-F]{1,2}|[0-7]{1,3}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})/y;
const NO_COMMENTS: readonly ProtoComment[] = [];
const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;

/** A function that reads the next token of `text` at each call, and the end again and again; a byte order mark is skipped. */
export function createProtoLexer(text: string): () => ProtoToken {
  let offset = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  let lineStart = 0;
  // Kept, because looking for it anew at every comment would take quadratic time on a long line.
  let nextBreak = text.indexOf("\n");
  let comments: ProtoComment[] | undefined;

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = offset;
    return pattern.exec(text)?.[0] ?? "";
  };
  /** A token that begins at `offset`, which moves behind it. */
  const token = (kind: ProtoToken["kind"], content: string, length = content.length): ProtoToken => {
    const made = { kind, text: content, line, column: offset - lineStart + 1, comments: comments ?? NO_COMMENTS };
    comments = undefined;
    offset += length;
    return made;
  };
  /** Moves to `end`, counting lines. */
  const passTo = (end: number): void => {
    while (nextBreak >= 0 && nextBreak < end) {
      line++;
      lineStart = nextBreak + 1;
      nextBreak = text.indexOf("\n", lineStart);
    }
    offset = end;
  };

  /** Passes white space and comments, which it keeps; returns what is wrong with a comment. */
  function skipBlanks(): string | undefined {
    for (;;) {
      const code = text.charCodeAt(offset);
      if (code === NEWLINE) passTo(offset + 1);
      else if (code === SPACE || (code >= TAB && code <= RETURN)) offset++;
      else if (text.startsWith("//", offset)) skipLineComment();
      else if (text.startsWith("/*", offset)) {
        if (!skipBlockComment()) return 'this comment is never closed; expected "*/"';
      } else return undefined;
    }
  }

  function skipLineComment(): void {
    const end = nextBreak < 0 ? text.length : nextBreak;
    keep({ block: false, text: text.slice(offset + 2, end), line, endLine: line });
    offset = end;
  }

  function skipBlockComment(): boolean {
    const close = text.indexOf("*/", offset + 2);
    if (close < 0) return false;
    const first = line;
    const inside = text.slice(offset + 2, close);
    passTo(close + 2);
    keep({ block: true, text: inside, line: first, endLine: line });
    return true;
  }

  /** Only the first comment, and the last block or run of lines, may be the doc of something. */
  function keep(comment: ProtoComment): void {
    comments ??= [];
    const last = comments.at(-1);
    if (last && (comment.block || last.block || comment.line > last.endLine + 1)) comments.length = 1;
    comments.push(comment);
  }

  function readString(quote: string): ProtoToken {
    const start = offset;
    let end = start + 1;
    for (;;) {
      STRING_PART.lastIndex = end;
      if (STRING_PART.test(text)) end = STRING_PART.lastIndex;
      const char = text.charAt(end);
      if (char === quote) return token("string", text.slice(start, end + 1));
      if (char === "" || char === "\n") return token("fault", "this string has no closing quote on its line", 0);
      if (char !== "\\") end++;
      else {
        ESCAPE.lastIndex = end;
        if (!ESCAPE.test(text)) return badEscape(end);
        end = ESCAPE.lastIndex;
      }
    }
  }

  function badEscape(at: number): ProtoToken {
    offset = at;
    return token(
      "fault",
      "after a backslash expected one of a b f n r t v ? ' \" \\, octal digits, x and hex digits, u, U",
      0,
    );
  }

  return () => {
    const wrong = skipBlanks();
    if (wrong !== undefined) return token("fault", wrong, 0);
    if (offset >= text.length) return token("end", "");
    const word = take(WORD);
    if (word !== "") return token("word", word);
    const number = take(NUMBER);
    if (number !== "") return token(FLOAT.test(number) ? "float" : "int", number);
    const char = text.charAt(offset);
    if (char === '"' || char === "'") return readString(char);
    if (char > " " && char < "\x7f") return token("symbol", char);
    const code = (text.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return token("fault", `the character U+${code} can only stand in strings and comments`, 0);
  };
}

const SINGLE: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };
const HEX2 = "[0-9a-fA-F]{2}";
const UNICODE = `u[dD][89abAB]${HEX2}\\\\u[dD][c-fC-F]${HEX2}|u${HEX2}${HEX2}|U(?:${HEX2}){4}`;
const ANY_ESCAPE = new RegExp(`\\\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|(${UNICODE})|([^]))`, "gu");

/** The bytes that the inside of a string literal stands for; an escape that does not exist stands for its last character. */
export function unescapeBytes(inside: string): Uint8Array {
  if (!inside.includes("\\")) return Buffer.from(inside, "utf8");
  const parts: Uint8Array[] = [];
  let plain = 0;
  for (const match of inside.matchAll(ANY_ESCAPE)) {
    const [whole, hex, octal, unicode, char = ""] = match;
    if (match.index > plain) parts.push(Buffer.from(inside.slice(plain, match.index), "utf8"));
    plain = match.index + whole.length;
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8) & 0xff));
    else if (unicode !== undefined) parts.push(Buffer.from(codePointsOf(unicode), "utf8"));
    else parts.push(SINGLE[char] === undefined ? Buffer.from(char, "utf8") : Uint8Array.of(SINGLE[char]));
  }
  parts.push(Buffer.from(inside.slice(plain), "utf8"));
  return new Uint8Array(Buffer.concat(parts));
}

/** `u0041`, `U0001F600`, or a surrogate pair of two `u`. */
function codePointsOf(escaped: string): string {
  const points = escaped.split(/\\?[uU]/).slice(1);
  return String.fromCodePoint(...points.map((hex) => Math.min(Number.parseInt(hex, 16), 0x10ffff)));
}
