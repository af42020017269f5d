// Steps through the tokens of a .proto text: the words, names, strings and blocks of its grammar, and a fault where something
// else stands.
import type { Position } from "../base/diagnostic.ts";
import { docOf } from "./proto-doc.ts";
import type { ProtoNode, ProtoOption, ProtoTypeName } from "./proto-document.ts";
import { createProtoLexer, ProtoSyntaxError, type ProtoToken, unescapeBytes } from "./proto-lexer.ts";

/** Where a declaration begins: its first token, and the line of the token before, whose comments are not its own. */
export interface ProtoStart {
  readonly token: ProtoToken;
  readonly lineBefore: number;
}

/** A declaration whose options are still to come. */
export type OpenNode = ProtoNode & { readonly options: ProtoOption[] };

/** All but `peek`, `at`, `start` and `looksAt` throw a ProtoSyntaxError that says what was expected. */
export interface ProtoCursor {
  /** The token that is next, or the one `ahead` of it; at the end always the last. */
  peek(ahead?: number): ProtoToken;
  /** Whether the next token is that symbol or word. */
  looksAt(text: string): boolean;
  next(): ProtoToken;
  /** Takes the token if it is that symbol or word. */
  skip(text: string): boolean;
  fail(token: ProtoToken, expected: string): never;
  expect(text: string): void;
  name(expected: string): ProtoToken;
  /** A name of names, dotted; a leading dot makes it absolute. At most 512 characters. */
  typeName(expected: string): ProtoTypeName;
  /** The bytes of a string literal; adjoining ones are one. */
  bytes(expected: string): Uint8Array;
  text(expected: string): string;
  /** `{ ... }`: calls `item` at each thing in it that is no `;`. */
  block(item: () => void): void;
  at(token: ProtoToken): Position;
  start(): ProtoStart;
  /** The declaration named `name` that began at `start` and whose head ends with a `;` just taken or a `{` that is next. */
  node(name: ProtoToken, start: ProtoStart): OpenNode;
  /** One more declaration or option: the bound on how many a file may have. */
  count(token: ProtoToken): void;
}

/** Declarations, options and ranges of one file: each costs memory many times its text. */
const MAX_PARTS = 200_000;
const MAX_NAME_CHARS = 255;
const MAX_TYPE_NAME_CHARS = 512;
const LONGEST_SHOWN = 40;

/** A cursor at the first token of `text`, the content of the file `path`. */
export function createProtoCursor(path: string, text: string): ProtoCursor {
  const read = createProtoLexer(text);
  const ahead: ProtoToken[] = [read()];
  let lastLine = 0;
  let parts = 0;

  const peek = (distance = 0): ProtoToken => {
    while (ahead.length <= distance) ahead.push(read());
    return ahead[distance] as ProtoToken;
  };
  const at = ({ line, column }: ProtoToken): Position => ({ file: path, line, column });
  const fault = (token: ProtoToken, message: string): never => {
    throw new ProtoSyntaxError(at(token), message);
  };
  const fail = (token: ProtoToken, expected: string): never => {
    if (token.kind === "fault") return fault(token, token.text);
    const found = token.kind === "end" ? "the file ends here" : `unexpected ${shown(token)}`;
    return fault(token, `${found}; expected ${expected}`);
  };
  const next = (): ProtoToken => {
    const token = peek();
    if (token.kind === "fault") fault(token, token.text);
    if (token.kind !== "end") ahead.shift();
    lastLine = token.line;
    return token;
  };
  const looksAt = (wanted: string): boolean => {
    const token = peek();
    return token.text === wanted && (token.kind === "word" || token.kind === "symbol");
  };
  const skip = (wanted: string): boolean => {
    if (!looksAt(wanted)) return false;
    next();
    return true;
  };
  const expect = (wanted: string): void => {
    if (!skip(wanted)) fail(peek(), `"${wanted}"`);
  };
  const name = (expected: string): ProtoToken => {
    const token = peek();
    if (token.kind !== "word") fail(token, expected);
    if (token.text.length > MAX_NAME_CHARS) fault(token, `a name has at most ${MAX_NAME_CHARS} characters`);
    return next();
  };

  function typeName(expected: string): ProtoTypeName {
    const first = peek();
    let dotted = skip(".") ? "." : "";
    dotted += name(expected).text;
    while (skip(".")) {
      dotted += `.${name(expected).text}`;
      if (dotted.length <= MAX_TYPE_NAME_CHARS) continue;
      return fault(first, `a dotted name has at most ${MAX_TYPE_NAME_CHARS} characters`);
    }
    return { text: dotted, position: at(first) };
  }

  function bytes(expected: string): Uint8Array {
    const parts: Uint8Array[] = [];
    if (peek().kind !== "string") fail(peek(), expected);
    while (peek().kind === "string") parts.push(unescapeBytes(next().text.slice(1, -1)));
    return parts.length === 1 && parts[0] ? parts[0] : new Uint8Array(Buffer.concat(parts));
  }

  function block(item: () => void): void {
    expect("{");
    while (!skip("}")) {
      if (peek().kind === "end") fail(peek(), '"}"');
      if (!skip(";")) item();
    }
  }

  function count(token: ProtoToken): void {
    if (++parts > MAX_PARTS) fault(token, `a file has at most ${MAX_PARTS} declarations and option values`);
  }

  function node(token: ProtoToken, { token: first, lineBefore }: ProtoStart): OpenNode {
    count(token);
    const brace = looksAt("{");
    const doc = docOf(first, lineBefore, brace ? peek().line : lastLine, peek(brace ? 1 : 0).comments);
    return { name: token.text, position: at(token), doc, options: [] };
  }

  return {
    ...{ peek, looksAt, next, skip, fail, expect, name, typeName, bytes, block, at, node, count },
    text: (expected) => Buffer.from(bytes(expected)).toString("utf8"),
    start: () => ({ token: peek(), lineBefore: lastLine }),
  };
}

/** A token for a message to a person: quoted once, and cut when it is long. */
function shown({ kind, text }: ProtoToken): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
  return kind === "string" ? cut : `"${cut}"`;
}
