// Splits Thrift IDL text into tokens, by the lexical rules of the Apache Thrift compiler. What tokens mean together is
// thrift-idl.ts's.
import type { Position } from "../base/diagnostic.ts";

interface TokenBase {
  /** As written. */
  readonly text: string;
  readonly position: Position;
  /** The last doc comment between the token before and this one. */
  readonly doc: string | undefined;
}

export type Token = TokenBase &
  (
    | { readonly kind: "identifier" | "keyword" | "symbol" | "end" }
    | { readonly kind: "int"; readonly value: bigint }
    | { readonly kind: "double"; readonly value: number }
    | { readonly kind: "string"; readonly value: string }
  );

/** The tokens of one file, read one ahead. Both throw a ThriftSyntaxError at text that is no token. */
export interface Tokens {
  readonly current: Token;
  /** Moves to the next token and returns the one it leaves; at the end it stays there. */
  advance(): Token;
}

/** Text that the grammar does not allow. It ends the parsing of its file and never leaves parseThriftIdl. */
export class ThriftSyntaxError extends Error {
  readonly position: Position;

  constructor(position: Position, message: string) {
    super(message);
    this.position = position;
  }
}

/** Words that are no identifiers. `uuid` is left out: compilers before 0.19 take it as a name. */
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "namespace cpp_include cpp_type xsd_all xsd_optional xsd_nillable xsd_attrs include void bool byte i8 i16 i32 i64 " +
    "double string binary map list set oneway async typedef struct union exception extends throws service enum const " +
    "required optional"
  ).split(" "),
);

const BLANKS = /[ \t\r\n]+/y;
const LINE_COMMENT = /(?:\/\/|#)[^\n]*/y;
const WORD = /[a-zA-Z_][a-zA-Z_0-9]*/y;
const DOT_WORD = /\.[a-zA-Z_0-9]+/y;
const NUMBER = /[+-]?(?:0x[0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/y;
const BEFORE_DIGITS = /^[+-]?(?:0x)?0*/;
const STRING_PART = /[^\\'"\n]+/y;
const SYMBOLS = ":;,{}()=<>[]*&";
const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", '"': '"', "'": "'", "\\": "\\" };

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** Longer integers need not be computed to be known as too big. */
const MOST_DIGITS = 20;
const LONGEST_QUOTE = 40;

/** Reads the tokens of `text`, the content of the file `path`; a byte order mark at its start is skipped. */
export function readTokens(path: string, text: string): Tokens {
  const source = createSource(path, text);
  let current = readToken(source);
  return {
    get current() {
      return current;
    },
    advance() {
      const left = current;
      if (left.kind !== "end") current = readToken(source);
      return left;
    },
  };
}

/** `text` in double quotes for a message, cut when long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}

interface Source {
  readonly text: string;
  /** The UTF-16 offset of what comes next. */
  offset: number;
  /** The position of an offset on the line that `offset` is on. */
  at(offset: number): Position;
  /** Moves on to `end`, counting lines. */
  skipTo(end: number): void;
  /** The text that the sticky `pattern` matches here, which is passed; "" when it does not match. */
  take(pattern: RegExp): string;
}

function createSource(file: string, text: string): Source {
  let line = 1;
  let lineStart = text.startsWith("\uFEFF") ? 1 : 0;
  // Kept, because looking for it anew at every blank would take quadratic time on a long line.
  let nextBreak = text.indexOf("\n");
  return {
    text,
    offset: lineStart,
    at: (offset) => ({ file, line, column: offset - lineStart + 1 }),
    skipTo(end) {
      while (nextBreak >= 0 && nextBreak < end) {
        line += 1;
        lineStart = nextBreak + 1;
        nextBreak = text.indexOf("\n", lineStart);
      }
      this.offset = end;
    },
    take(pattern) {
      pattern.lastIndex = this.offset;
      const found = pattern.exec(text)?.[0] ?? "";
      this.offset += found.length;
      return found;
    },
  };
}

function readToken(source: Source): Token {
  const doc = skipBlanksAndComments(source);
  const start = source.offset;
  const position = source.at(start);
  const first = source.text.charAt(start);
  if (first === "") return { kind: "end", text: "", position, doc };

  const word = readWord(source);
  if (word === "true" || word === "false") {
    return { kind: "int", value: word === "true" ? 1n : 0n, text: word, position, doc };
  }
  if (word !== "") return { kind: KEYWORDS.has(word) ? "keyword" : "identifier", text: word, position, doc };

  if (first === '"' || first === "'") {
    const value = readString(source, first);
    return { kind: "string", value, text: source.text.slice(start, source.offset), position, doc };
  }
  const number = source.take(NUMBER);
  if (number !== "") return { ...readNumber(source, number, position), text: number, position, doc };

  if (SYMBOLS.includes(first)) {
    source.offset += 1;
    return { kind: "symbol", text: first, position, doc };
  }
  throw new ThriftSyntaxError(position, `unexpected ${quoteCharacter(source.text, start)}${hintFor(first)}`);
}

/** A word with all that dots join to it; "" when there is none. One pattern for both would cost stack for every dot. */
function readWord(source: Source): string {
  const start = source.offset;
  if (source.take(WORD) !== "") while (source.take(DOT_WORD) !== "");
  return source.text.slice(start, source.offset);
}

/** Passes white space and comments; returns the text of the last doc comment among them. */
function skipBlanksAndComments(source: Source): string | undefined {
  const { text } = source;
  let doc: string | undefined;
  for (;;) {
    BLANKS.lastIndex = source.offset;
    if (BLANKS.test(text)) source.skipTo(BLANKS.lastIndex);
    if (source.take(LINE_COMMENT) !== "") continue;
    if (!text.startsWith("/*", source.offset)) return doc;

    const start = source.offset;
    const end = text.indexOf("*/", start + 2);
    if (end < 0) {
      throw new ThriftSyntaxError(
        source.at(start),
        'this comment has no end; expected "*/" before the end of the file',
      );
    }
    source.skipTo(end + 2);
    if (text.charAt(start + 2) === "*" && end > start + 2) doc = cleanDoc(text.slice(start + 3, end)) ?? doc;
  }
}

/** The text of a doc comment without its line prefix: stars that all lines share, else what they are indented by. */
function cleanDoc(comment: string): string | undefined {
  const lines = withoutStars(comment).replaceAll("\r", "").split("\n");
  const rest = lines.slice(1).map((line) => line.trimEnd());
  const starred = rest.every((line) => line === "" || /^[ \t]*\*/.test(line));
  const bare = starred ? rest.map((line) => line.replace(/^[ \t]*\*+/, "")) : rest;
  const indents = bare.filter((line) => line !== "").map((line) => line.length - line.trimStart().length);
  const indent = indents.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
  const doc = [(lines[0] ?? "").trim(), ...bare.map((line) => line.slice(Math.min(indent, line.length)))]
    .join("\n")
    .replace(/^\n+/, "")
    .trimEnd();
  return doc === "" ? undefined : doc;
}

/** The inside of a comment without the stars of a banner around it. */
function withoutStars(comment: string): string {
  let start = 0;
  let end = comment.length;
  while (comment[start] === "*") start += 1;
  while (end > start && comment[end - 1] === "*") end -= 1;
  return comment.slice(start, end);
}

function readString(source: Source, mark: string): string {
  const { text } = source;
  const start = source.at(source.offset);
  let value = "";
  source.offset += 1;
  for (;;) {
    value += source.take(STRING_PART);
    const next = text.charAt(source.offset);
    if (next === "")
      throw new ThriftSyntaxError(start, `this string has no end; expected ${mark} before the end of the file`);
    if (next === "\n") {
      throw new ThriftSyntaxError(
        start,
        `this string has no end; expected ${mark} on the same line, and \\n for a line break`,
      );
    }
    if (next === mark) break;
    if (next === "\\") value += readEscape(source);
    else value += next;
    source.offset += 1;
  }
  source.offset += 1;
  return value;
}

/** Reads up to the last character of an escape sequence, which it leaves to be passed. */
function readEscape(source: Source): string {
  const position = source.at(source.offset);
  source.offset += 1;
  const letter = source.text.charAt(source.offset);
  if (Object.hasOwn(ESCAPES, letter)) return ESCAPES[letter] as string;
  const found =
    letter === "" || letter === "\n"
      ? ""
      : `, not \\${String.fromCodePoint(source.text.codePointAt(source.offset) ?? 0)}`;
  throw new ThriftSyntaxError(
    position,
    `after a backslash expected one of r n t " ' \\${found}; write \\\\ for a backslash`,
  );
}

type NumberValue =
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number };

function readNumber(source: Source, number: string, position: Position): NumberValue {
  const next = source.text.charAt(source.offset);
  if (/[a-zA-Z_0-9.]/.test(next)) {
    throw new ThriftSyntaxError(
      position,
      `${quote(number + next)} is no number; expected digits, 0x and hex digits, or a decimal such as 1.5e3`,
    );
  }
  const hex = number.includes("x");
  if (!hex && /[.eE]/.test(number)) return { kind: "double", value: Number(number) };
  const digits = number.replace(BEFORE_DIGITS, "");
  const value = digits.length > MOST_DIGITS ? undefined : parseInteger(digits, hex, number.startsWith("-"));
  if (value !== undefined && value >= INT64_MIN && value <= INT64_MAX) return { kind: "int", value };
  throw new ThriftSyntaxError(
    position,
    `the integer ${quote(number)} is out of range; expected ${INT64_MIN} to ${INT64_MAX}`,
  );
}

/** Undefined where the official compilers overflow: they read a hex number before its sign. */
function parseInteger(digits: string, hex: boolean, negative: boolean): bigint | undefined {
  const magnitude = BigInt(`${hex ? "0x0" : "0"}${digits}`);
  if (hex && magnitude > INT64_MAX) return undefined;
  return negative ? -magnitude : magnitude;
}

function quoteCharacter(text: string, offset: number): string {
  const code = text.codePointAt(offset) ?? 0;
  const visible = code > 0x20 && code !== 0x7f && (code < 0x80 || code > 0xa0) && code !== 0xfeff;
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return visible ? quote(String.fromCodePoint(code)) : `character ${hex}`;
}

function hintFor(first: string): string {
  if (first === "@") {
    return '; structured annotations (@Name) belong to fbthrift, Apache Thrift writes (key = "value") after the declaration';
  }
  if (first === "+" || first === "-" || first === ".") return "; expected digits with it";
  if (first === "/") return "; a comment begins with // or /*";
  return "";
}
