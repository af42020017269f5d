// JSON text (RFC 8259) as a tree that keeps what JSON.parse loses: numbers as they are written, members that come twice, their
// order, and where everything stands.

interface Placed {
  /** UTF-16 units from the start of the text. */
  readonly at: number;
}

export interface JsonMember extends Placed {
  /** Empty if `key` is there. */
  readonly name: string;
  /** A name that is no string, where those are allowed. */
  readonly key?: JsonNode;
  readonly value: JsonNode;
}

export type JsonNode = Placed &
  (
    | { readonly kind: "object"; readonly members: readonly JsonMember[] }
    | { readonly kind: "array"; readonly items: readonly JsonNode[] }
    | { readonly kind: "string"; readonly text: string }
    /** `text` is a number in JSON's grammar. */
    | { readonly kind: "number"; readonly text: string }
    | { readonly kind: "boolean"; readonly value: boolean }
    | { readonly kind: "null" }
  );

/** Throws what is wrong with the text at a place; never returns. */
export type JsonFail = (at: number, reason: string) => never;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
/** All but quotes, backslashes and control characters. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
/** Thrift's libraries for Python and Node write control characters as they are, but for those that JSON has letters for. */
const TJSON_PLAIN = /[\0-!#-[\]-\uffff]*/y;
/** Thrift's library for Node fills negative 64-bit numbers up to twelve digits. */
const TJSON_NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LEADING_ZEROS = /^(-?)0+(?=\d)/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** How Thrift's libraries write doubles that JSON has no numbers for, some of them without quotes. */
const SPECIAL = /-?(?:NaN|nan|Infinity|inf)/y;

/** `NaN`, `Infinity` or `-Infinity` for what means that in TJSON; undefined for all else. */
export function specialNumber(text: string): string | undefined {
  const sign = text.startsWith("-") ? "-" : "";
  const word = text.slice(sign.length);
  if (word === "NaN" || word === "nan") return "NaN";
  return word === "Infinity" || word === "inf" ? `${sign}Infinity` : undefined;
}

/**
 * The one value that `text` holds, nested at most `maxDepth` deep; calls `fail` at the first error. With `tjson` it may be what
 * Thrift's libraries write and no other JSON has: members whose names are objects and arrays, strings with bare control
 * characters, numbers with leading zeros, which are dropped, and numbers NaN, nan, Infinity and inf, which become strings in the
 * first of these forms.
 */
export function parseJson(text: string, maxDepth: number, fail: JsonFail, { tjson = false } = {}): JsonNode {
  let at = 0;

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function value(depth: number): JsonNode {
    if (depth > maxDepth) fail(at, `nested deeper than ${maxDepth}`);
    const start = at;
    const special = tjson ? match(SPECIAL) : "";
    if (special !== "") return { kind: "string", at: start, text: specialNumber(special) ?? special };
    switch (text[at]) {
      case "{":
        return { kind: "object", at: start, members: sequence("}", () => member(depth)) };
      case "[":
        return { kind: "array", at: start, items: sequence("]", () => value(depth + 1)) };
      case '"':
        return { kind: "string", at: start, text: string() };
      case "t":
        return keyword("true", { kind: "boolean", at: start, value: true });
      case "f":
        return keyword("false", { kind: "boolean", at: start, value: false });
      case "n":
        return keyword("null", { kind: "null", at: start });
    }
    const number = tjson ? match(TJSON_NUMBER).replace(LEADING_ZEROS, "$1") : match(NUMBER);
    if (number === "") fail(at, at < text.length ? "expected a JSON value" : "the text ends where a value is expected");
    return { kind: "number", at: start, text: number };
  }

  function sequence<T>(end: string, one: () => T): T[] {
    const all: T[] = [];
    at++;
    match(SPACE);
    if (text[at] === end) {
      at++;
      return all;
    }
    for (;;) {
      all.push(one());
      match(SPACE);
      const next = text[at++];
      if (next === end) return all;
      if (next !== ",") fail(at - 1, `expected "," or "${end}"`);
      match(SPACE);
    }
  }

  function member(depth: number): JsonMember {
    const start = at;
    const isAny = tjson && (text[at] === "{" || text[at] === "[");
    if (text[at] !== '"' && !isAny) fail(at, "expected a member name in double quotes");
    const key = isAny ? value(depth + 1) : undefined;
    const name = key ? "" : string();
    match(SPACE);
    if (text[at] !== ":") fail(at, 'expected ":"');
    at++;
    match(SPACE);
    return { name, at: start, value: value(depth + 1), ...(key && { key }) };
  }

  function keyword(word: string, node: JsonNode): JsonNode {
    if (!text.startsWith(word, at)) fail(at, "expected a JSON value");
    at += word.length;
    return node;
  }

  function string(): string {
    const start = at++;
    let content = "";
    for (;;) {
      content += match(tjson ? TJSON_PLAIN : PLAIN);
      const next = text[at];
      if (next === '"') break;
      if (next !== "\\")
        fail(at, next === undefined ? "the string does not end" : "control characters must be escaped");
      content += escaped();
    }
    at++;
    if (!content.isWellFormed()) fail(start, "the string holds half of a surrogate pair");
    return content;
  }

  function escaped(): string {
    const letter = text[at + 1] ?? "";
    const simple = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    const hex = /^u([0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6))?.[1];
    if (simple === undefined && hex === undefined) fail(at, "no such escape in JSON");
    at += simple === undefined ? 6 : 2;
    return simple ?? String.fromCharCode(Number.parseInt(hex ?? "", 16));
  }

  match(SPACE);
  const result = value(1);
  match(SPACE);
  if (at < text.length) fail(at, "expected the end of the text");
  return result;
}

/** A value as text over several lines, two spaces per level, everything else as it was written. */
export function formatJson(node: JsonNode, indent = ""): string {
  const deeper = `${indent}  `;
  const lines = (open: string, parts: readonly string[], close: string) =>
    parts.length === 0 ? open + close : `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
  switch (node.kind) {
    case "object": {
      const members = node.members.map(
        ({ name, key, value }) =>
          `${key ? formatJson(key, deeper) : JSON.stringify(name)}: ${formatJson(value, deeper)}`,
      );
      return lines("{", members, "}");
    }
    case "array":
      return lines(
        "[",
        node.items.map((item) => formatJson(item, deeper)),
        "]",
      );
    case "string":
      return JSON.stringify(node.text);
    case "number":
      return node.text;
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}

/** Line and column of a place, both from 1; the text may begin at another line. */
export function placeIn(text: string, at: number, firstLine = 1): string {
  const before = text.slice(0, at);
  const line = firstLine - 1 + before.split("\n").length;
  return `line ${line}, column ${at - before.lastIndexOf("\n")}`;
}
