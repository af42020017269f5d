// Steps through the tokens of a .proto text: the words, names, strings and blocks of its grammar, and a fault where something
// else stands.
import type { Position } from "../base/diagnostic.ts";
import type { ProtoTypeName } from "./proto-document.ts";
import { type ProtoToken, unescapeBytes } from "./proto-tokens.ts";

/** Leaves a scan at the first fault, from any depth. */
export class ScanFault extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

export interface ProtoCursor {
  /** The index of the token that is next. */
  index(): number;
  /** The token that is next, or the one `ahead` of it; at the end always the last. */
  peek(ahead?: number): ProtoToken;
  next(): ProtoToken;
  /** Takes the token if it is that symbol or word. */
  skip(text: string): boolean;
  /** Throws a ScanFault that says what was expected. */
  fail(token: ProtoToken, expected: string): never;
  expect(text: string): void;
  name(expected: string): ProtoToken;
  /** A type's name, which may be spread over tokens: `foo . Bar`. */
  typeName(expected: string): ProtoTypeName;
  /** The bytes of a string literal; adjoining ones are one. */
  bytes(): Uint8Array;
  text(expected: string): string;
  /** `{ ... }`: calls `item` at each thing in it that is no `;`. */
  block(item: () => void): void;
  /** Skips to the end of an option, over balanced brackets: behind its `;`, or behind its block. */
  skipOption(): void;
}

/** As long as an option gets: protobufjs's time grows with the square of it. */
export const MAX_OPTION_TOKENS = 5_000;
/** `option` statements of one file, for the same reason. */
const MAX_OPTIONS = 10_000;

export const PROTO_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TYPE_NAME = /^\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** A cursor at the first of `tokens`, which end with one of kind `end`. */
export function createProtoCursor(tokens: readonly ProtoToken[], at: (offset: number) => Position): ProtoCursor {
  let cursor = 0;
  let options = 0;
  const end = tokens[tokens.length - 1] ?? { kind: "end", text: "", offset: 0, comments: [] };
  const peek = (ahead = 0): ProtoToken => tokens[cursor + ahead] ?? end;
  const next = (): ProtoToken => {
    const token = peek();
    cursor++;
    return token;
  };
  const fail = (token: ProtoToken, expected: string): never => {
    const found = token.kind === "end" ? "the file ends here" : `unexpected ${shown(token)}`;
    throw new ScanFault(token.offset, `${found}; expected ${expected}`);
  };
  const skip = (text: string): boolean => {
    if (peek().text !== text || peek().kind === "string") return false;
    cursor++;
    return true;
  };
  const expect = (text: string): void => {
    if (!skip(text)) fail(peek(), `"${text}"`);
  };
  const name = (what: string): ProtoToken => {
    const token = peek();
    if (token.kind !== "word" || !PROTO_NAME.test(token.text)) fail(token, what);
    return next();
  };

  /** A type's name, which may be spread over tokens: `foo . Bar`. */
  function typeName(expected: string): ProtoTypeName {
    const first = peek();
    let text = "";
    do {
      if (peek().kind !== "word") fail(peek(), expected);
      text += next().text;
    } while (text.endsWith(".") || (peek().kind === "word" && peek().text.startsWith(".")));
    if (!TYPE_NAME.test(text)) fail(first, expected);
    return { text, position: at(first.offset) };
  }

  /** Skips to the end of the option, over balanced brackets: behind its `;`, or behind its block. */
  function skipOption(): void {
    let depth = 0;
    const { offset } = peek();
    const last = cursor + MAX_OPTION_TOKENS;
    if (++options > MAX_OPTIONS) throw new ScanFault(offset, `a file has at most ${MAX_OPTIONS} option statements`);
    for (;;) {
      const token = peek();
      if (cursor > last) throw new ScanFault(offset, `an option has at most ${MAX_OPTION_TOKENS} words and signs`);
      if (token.kind === "end") fail(token, 'the ";" or the bracket that ends this statement');
      if (depth === 0 && token.text === "}") return;
      cursor++;
      if (token.kind !== "symbol") continue;
      if ("{[(".includes(token.text)) depth++;
      else if ("}])".includes(token.text) && --depth === 0 && token.text === "}") {
        skip(";");
        return;
      } else if (depth === 0 && token.text === ";") return;
    }
  }

  /** Adjoining string literals are one. */
  function readBytes(): Uint8Array {
    const parts: Uint8Array[] = [];
    while (peek().kind === "string") parts.push(unescapeBytes(next().text.slice(1, -1)));
    return new Uint8Array(Buffer.concat(parts));
  }

  function readText(expected: string): string {
    if (peek().kind !== "string") fail(peek(), expected);
    return Buffer.from(readBytes()).toString("utf8");
  }

  function block(item: () => void): void {
    expect("{");
    while (!skip("}")) {
      if (peek().kind === "end") fail(peek(), '"}"');
      if (!skip(";")) item();
    }
  }

  return {
    index: () => cursor,
    ...{ peek, next, skip, fail, expect, name, typeName, block, skipOption },
    bytes: readBytes,
    text: readText,
  };
}

/** A token for a message to a person: quoted once, and cut when it is long. */
function shown({ kind, text }: ProtoToken): string {
  const cut = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return kind === "string" ? cut : `"${cut}"`;
}
