// The parts of Thrift IDL that several definitions share: names, types, constants, annotations and lists of fields.
import type { Position } from "../base/diagnostic.ts";
import type { ThriftScalar } from "./model.ts";
import { quote, ThriftSyntaxError, type Token, type Tokens } from "./thrift-lexer.ts";
import type { AnnotationNode, ConstantNode, FieldNode, TypeNode } from "./thrift-syntax.ts";

/** Deepest nesting of types, of constants, and of field lists in `xsd_attrs`. */
export const MAX_NESTING = 64;

const SCALARS: Readonly<Record<string, ThriftScalar>> = {
  bool: "bool",
  byte: "i8",
  i8: "i8",
  i16: "i16",
  i32: "i32",
  i64: "i64",
  double: "double",
  string: "string",
  binary: "binary",
};

/** Keywords that may follow a field's name, and so cannot be one. */
const NO_FIELD_NAMES: ReadonlySet<string> = new Set([
  "cpp_type",
  "xsd_all",
  "xsd_optional",
  "xsd_nillable",
  "xsd_attrs",
]);

/** Ends the parsing: the current token is not what the grammar `expected`; `hint` says what to do. */
export function fail(tokens: Tokens, expected: string, hint = ""): never {
  const { kind, text, position } = tokens.current;
  const found =
    kind === "end" ? "the end of the file" : kind === "keyword" ? `the keyword ${quote(text)}` : quote(text);
  throw new ThriftSyntaxError(position, `expected ${expected}, found ${found}${hint === "" ? "" : `; ${hint}`}`);
}

/** Whether the current token is this keyword or symbol. */
export function at(tokens: Tokens, text: string): boolean {
  const { kind } = tokens.current;
  return (kind === "keyword" || kind === "symbol") && tokens.current.text === text;
}

/** Passes this keyword or symbol; false when something else is here. */
export function accept(tokens: Tokens, text: string): boolean {
  const found = at(tokens, text);
  if (found) tokens.advance();
  return found;
}

/** Passes this symbol; anything else ends the parsing. `place` says where it belongs: "after the field id". */
export function expect(tokens: Tokens, symbol: string, place: string): void {
  if (!accept(tokens, symbol)) fail(tokens, `"${symbol}" ${place}`);
}

/** Passes one `,` or `;` where the grammar allows one. */
export function acceptSeparator(tokens: Tokens): void {
  if (!accept(tokens, ",")) accept(tokens, ";");
}

/** The value of a string literal; `what` names it: "the path of the include". */
export function parseString(tokens: Tokens, what: string): string {
  const { current } = tokens;
  if (current.kind !== "string") return fail(tokens, `${what} in quotes`);
  tokens.advance();
  return current.value;
}

/** A dotted or plain name; `what` names it. */
export function parseIdentifier(tokens: Tokens, what: string): Token {
  if (tokens.current.kind === "identifier") return tokens.advance();
  return fail(tokens, what, tokens.current.kind === "keyword" ? "a keyword cannot be one" : "");
}

/** The plain name of something that is being declared. */
export function parseName(tokens: Tokens, what: string): Token {
  return withoutDot(parseIdentifier(tokens, what), what);
}

function withoutDot(name: Token, what: string): Token {
  if (!name.text.includes(".")) return name;
  throw new ThriftSyntaxError(name.position, `expected ${what} without a dot, found ${quote(name.text)}`);
}

/** `( key = "value", key2; … )`, or nothing. */
export function parseAnnotations(tokens: Tokens): readonly AnnotationNode[] {
  const annotations: AnnotationNode[] = [];
  if (!accept(tokens, "(")) return annotations;
  while (!accept(tokens, ")")) {
    const key = parseIdentifier(tokens, 'an annotation key or ")"');
    const value = accept(tokens, "=") ? parseString(tokens, "the annotation's value") : "1";
    annotations.push({ key: key.text, value, position: key.position });
    acceptSeparator(tokens);
  }
  return annotations;
}

/** A type, at most MAX_NESTING levels deep; `level` counts those around it. */
export function parseType(tokens: Tokens, level = 1): TypeNode {
  const { kind, text, position } = tokens.current;
  checkNesting(level, position, "types nest", "declare a typedef or a struct in between");
  if (kind === "identifier") return parseNamedType(tokens);
  if (kind === "keyword" && Object.hasOwn(SCALARS, text)) {
    tokens.advance();
    return { kind: "scalar", name: SCALARS[text] as ThriftScalar, position, annotations: parseAnnotations(tokens) };
  }
  if (accept(tokens, "map")) return parseMapType(tokens, level, position);
  if (kind !== "keyword" || (text !== "list" && text !== "set")) {
    return fail(tokens, "a type", text === "void" ? "only a function can be void" : "");
  }

  tokens.advance();
  acceptCppType(tokens);
  expect(tokens, "<", `after "${text}"`);
  const element = parseType(tokens, level + 1);
  expect(tokens, ">", `after the element type of the ${text}`);
  if (text === "list") acceptCppType(tokens);
  return { kind: text, element, position, annotations: parseAnnotations(tokens) };
}

function parseNamedType(tokens: Tokens): TypeNode {
  const { text: name, position } = tokens.advance();
  if (at(tokens, "<")) {
    fail(
      tokens,
      "a name",
      `${quote(name)} takes no <…>, only list, set and map do (stream<> and sink<> belong to fbthrift)`,
    );
  }
  // A base type may carry annotations and a declared one may not; of uuid it is not yet known which it is.
  return { kind: "name", name, position, annotations: name === "uuid" ? parseAnnotations(tokens) : [] };
}

function parseMapType(tokens: Tokens, level: number, position: Position): TypeNode {
  acceptCppType(tokens);
  expect(tokens, "<", 'after "map"');
  const key = parseType(tokens, level + 1);
  expect(tokens, ",", "after the key type of the map");
  const value = parseType(tokens, level + 1);
  expect(tokens, ">", "after the value type of the map");
  return { kind: "map", key, value, position, annotations: parseAnnotations(tokens) };
}

function acceptCppType(tokens: Tokens): void {
  if (accept(tokens, "cpp_type")) parseString(tokens, "the C++ type");
}

/** A constant, at most MAX_NESTING levels deep; `level` counts those around it. */
export function parseConstant(tokens: Tokens, level = 1): ConstantNode {
  const { current } = tokens;
  const { position } = current;
  checkNesting(level, position, "constants nest", "write a flatter value");
  if (current.kind === "int" || current.kind === "double" || current.kind === "string") {
    tokens.advance();
    // One branch for three kinds loses which value belongs to which kind; the token has both.
    return { kind: current.kind, value: current.value, position } as ConstantNode;
  }
  if (current.kind === "identifier") return { kind: "name", name: tokens.advance().text, position };
  if (accept(tokens, "[")) return parseListConstant(tokens, level, position);
  if (accept(tokens, "{")) return parseMapConstant(tokens, level, position);
  return fail(tokens, "a constant: a number, a string, a name, [ or {");
}

function parseListConstant(tokens: Tokens, level: number, position: Position): ConstantNode {
  const values: ConstantNode[] = [];
  while (!accept(tokens, "]")) {
    if (isSeparator(tokens)) fail(tokens, 'a constant or "]"');
    values.push(parseConstant(tokens, level + 1));
    acceptSeparator(tokens);
  }
  return { kind: "list", values, position };
}

function parseMapConstant(tokens: Tokens, level: number, position: Position): ConstantNode {
  const entries: (readonly [ConstantNode, ConstantNode])[] = [];
  while (!accept(tokens, "}")) {
    if (isSeparator(tokens)) fail(tokens, 'a constant or "}"');
    const key = parseConstant(tokens, level + 1);
    expect(tokens, ":", "after the key of a map constant");
    entries.push([key, parseConstant(tokens, level + 1)]);
    acceptSeparator(tokens);
  }
  return { kind: "map", entries, position };
}

function isSeparator(tokens: Tokens): boolean {
  return at(tokens, ",") || at(tokens, ";");
}

/** Fields up to and with `close`; `level` counts the `xsd_attrs` around them. */
export function parseFields(tokens: Tokens, close: string, level = 1): readonly FieldNode[] {
  checkNesting(level, tokens.current.position, "xsd_attrs nest", "write a flatter list");
  const fields: FieldNode[] = [];
  while (!accept(tokens, close)) fields.push(parseField(tokens, close, level));
  return fields;
}

function parseField(tokens: Tokens, close: string, level: number): FieldNode {
  const { doc } = tokens.current;
  if (isSeparator(tokens)) fail(tokens, `a field or "${close}"`, "one separator after a field is enough");
  if (tokens.current.kind === "end") fail(tokens, `a field or "${close}"`);
  const id = parseFieldId(tokens);
  const requiredness = accept(tokens, "required") ? "required" : accept(tokens, "optional") ? "optional" : "default";
  const type = parseType(tokens);
  accept(tokens, "&");
  const name = parseFieldName(tokens);
  const defaultValue = accept(tokens, "=") ? parseConstant(tokens) : undefined;
  accept(tokens, "xsd_optional");
  accept(tokens, "xsd_nillable");
  if (accept(tokens, "xsd_attrs")) {
    expect(tokens, "{", 'after "xsd_attrs"');
    parseFields(tokens, "}", level + 1);
  }
  const annotations = parseAnnotations(tokens);
  acceptSeparator(tokens);
  return { name: name.text, position: name.position, doc, annotations, id, requiredness, type, defaultValue };
}

function parseFieldId(tokens: Tokens): FieldNode["id"] {
  const { current } = tokens;
  if (current.kind !== "int") return undefined;
  tokens.advance();
  expect(tokens, ":", "after the field id");
  return { value: current.value, position: current.position };
}

function parseFieldName(tokens: Tokens): Token {
  const { kind, text } = tokens.current;
  if (kind === "keyword" && !NO_FIELD_NAMES.has(text)) return tokens.advance();
  return parseName(tokens, "the field's name");
}

function checkNesting(level: number, position: Position, what: string, hint: string): void {
  if (level > MAX_NESTING)
    throw new ThriftSyntaxError(position, `${what} more than ${MAX_NESTING} levels deep; ${hint}`);
}
