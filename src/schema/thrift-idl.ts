// Parses Thrift IDL, the grammar of the Apache Thrift compilers 0.17 to 0.25, into a syntax tree. What the names mean
// and whether it all fits together is thrift-resolve.ts's.
import type { Report } from "../base/diagnostic.ts";
import { readTokens, ThriftSyntaxError, type Token, type Tokens } from "./thrift-lexer.ts";
import {
  accept,
  acceptSeparator,
  at,
  expect,
  fail,
  parseAnnotations,
  parseConstant,
  parseFields,
  parseIdentifier,
  parseName,
  parseString,
  parseType,
} from "./thrift-parts.ts";
import type {
  ConstNode,
  DefinitionNode,
  EnumNode,
  EnumValueNode,
  FunctionNode,
  IncludeNode,
  NamespaceNode,
  ServiceNode,
  StructNode,
  ThriftDocument,
  TypedefNode,
} from "./thrift-syntax.ts";

const HEADERS: ReadonlySet<string> = new Set(["include", "cpp_include", "namespace"]);

/** What older or other compilers take where a header or definition is expected. */
const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  senum: "senum is no longer part of Thrift, use string",
  slist: "slist is no longer part of Thrift, use string",
  interaction: "interactions belong to fbthrift",
  package: "packages belong to fbthrift, Apache Thrift has namespaces",
  cpp_namespace: "write namespace cpp NAME",
  delphi_namespace: "write namespace delphi NAME",
  java_package: "write namespace java NAME",
  perl_package: "write namespace perl NAME",
  php_namespace: "write namespace php NAME",
  py_module: "write namespace py NAME",
  ruby_namespace: "write namespace rb NAME",
  smalltalk_category: "write namespace st NAME",
  smalltalk_prefix: "write namespace st NAME",
  xsd_namespace: "write namespace xsd NAME",
};

/**
 * The syntax tree of `text`, the content of the file `path`. The first violation of the grammar is reported as an error
 * and gives undefined; constants and types may nest 64 levels deep. Nothing is looked up and no file is read: what
 * `includes` of the result names is for the caller to load.
 */
export function parseThriftIdl(path: string, text: string, report: Report): ThriftDocument | undefined {
  try {
    return parseDocument(path, readTokens(path, text));
  } catch (error) {
    if (!(error instanceof ThriftSyntaxError)) throw error;
    report({ severity: "error", position: error.position, message: error.message });
    return undefined;
  }
}

function parseDocument(path: string, tokens: Tokens): ThriftDocument {
  const includes: IncludeNode[] = [];
  const namespaces: NamespaceNode[] = [];
  let doc: string | undefined;
  while (tokens.current.kind === "keyword" && HEADERS.has(tokens.current.text)) {
    doc ??= tokens.current.doc;
    parseHeader(tokens, includes, namespaces);
  }
  const definitions: DefinitionNode[] = [];
  while (tokens.current.kind !== "end") definitions.push(parseDefinition(tokens, definitions.at(-1)));
  return { path, doc, includes, namespaces, definitions };
}

function parseHeader(tokens: Tokens, includes: IncludeNode[], namespaces: NamespaceNode[]): void {
  const keyword = tokens.advance();
  if (keyword.text === "namespace") {
    namespaces.push(parseNamespace(tokens, keyword));
  } else {
    const { position } = tokens.current;
    const path = parseString(tokens, "the path of the include");
    if (keyword.text === "include") includes.push({ path, position });
  }
  if (at(tokens, ",") || at(tokens, ";"))
    fail(tokens, "a header or definition", "a header takes no separator after it");
}

function parseNamespace(tokens: Tokens, { position }: Token): NamespaceNode {
  if (accept(tokens, "*")) {
    return { scope: "*", name: parseIdentifier(tokens, "a namespace").text, annotations: [], position };
  }
  const scope = parseIdentifier(tokens, "a language or * after namespace").text;
  const name = parseIdentifier(tokens, "a namespace").text;
  return { scope, name, annotations: parseAnnotations(tokens), position };
}

function parseDefinition(tokens: Tokens, before: DefinitionNode | undefined): DefinitionNode {
  const { doc, text } = tokens.current;
  if (accept(tokens, "typedef")) return parseTypedef(tokens, doc);
  if (accept(tokens, "const")) return parseConst(tokens, doc);
  if (accept(tokens, "enum")) return parseEnum(tokens, doc);
  if (accept(tokens, "struct")) return parseStruct(tokens, "struct", doc);
  if (accept(tokens, "union")) return parseStruct(tokens, "union", doc);
  if (accept(tokens, "exception")) return parseStruct(tokens, "exception", doc);
  if (accept(tokens, "service")) return parseService(tokens, doc);
  return fail(
    tokens,
    before === undefined
      ? "a header or definition"
      : "a definition: typedef, const, enum, struct, union, exception or service",
    definitionHint(text, before),
  );
}

function definitionHint(text: string, before: DefinitionNode | undefined): string {
  if (HEADERS.has(text)) return `${text} must stand before all definitions`;
  if (text === "," || text === ";") {
    const takesOne = before?.kind === "typedef" || before?.kind === "const";
    return takesOne
      ? "one separator is enough"
      : `a ${before?.kind ?? "file"} takes no separator ${before ? "after" : "before"} it`;
  }
  return Object.hasOwn(FOREIGN_WORDS, text) ? (FOREIGN_WORDS[text] as string) : "";
}

function parseTypedef(tokens: Tokens, doc: string | undefined): TypedefNode {
  const type = parseType(tokens);
  const { text: name, position } = parseName(tokens, "the typedef's name");
  const annotations = parseAnnotations(tokens);
  acceptSeparator(tokens);
  return { kind: "typedef", name, position, doc, annotations, type };
}

function parseConst(tokens: Tokens, doc: string | undefined): ConstNode {
  const type = parseType(tokens);
  const { text: name, position } = parseName(tokens, "the constant's name");
  expect(tokens, "=", "after the constant's name");
  const value = parseConstant(tokens);
  acceptSeparator(tokens);
  return { kind: "const", name, position, doc, annotations: [], type, value };
}

function parseEnum(tokens: Tokens, doc: string | undefined): EnumNode {
  const { text: name, position } = parseName(tokens, "the enum's name");
  expect(tokens, "{", "after the enum's name");
  const values: EnumValueNode[] = [];
  while (!accept(tokens, "}")) values.push(parseEnumValue(tokens));
  return { kind: "enum", name, position, doc, annotations: parseAnnotations(tokens), values };
}

function parseEnumValue(tokens: Tokens): EnumValueNode {
  const { doc } = tokens.current;
  const { text: name, position } = parseName(tokens, 'the name of an enum value or "}"');
  const number = accept(tokens, "=") ? parseEnumNumber(tokens) : undefined;
  const annotations = parseAnnotations(tokens);
  acceptSeparator(tokens);
  return { name, position, doc, annotations, number };
}

function parseEnumNumber(tokens: Tokens): EnumValueNode["number"] {
  const { current } = tokens;
  if (current.kind !== "int") return fail(tokens, "an integer as the enum value's number");
  tokens.advance();
  return { value: current.value, position: current.position };
}

function parseStruct(tokens: Tokens, shape: StructNode["shape"], doc: string | undefined): StructNode {
  const { text: name, position } = parseName(tokens, `the ${shape}'s name`);
  if (shape !== "exception") accept(tokens, "xsd_all");
  expect(tokens, "{", `after the ${shape}'s name`);
  const fields = parseFields(tokens, "}");
  return { kind: "struct", shape, name, position, doc, annotations: parseAnnotations(tokens), fields };
}

function parseService(tokens: Tokens, doc: string | undefined): ServiceNode {
  const { text: name, position } = parseName(tokens, "the service's name");
  let base: ServiceNode["extends"];
  if (accept(tokens, "extends")) {
    const token = parseIdentifier(tokens, "the name of the service that it extends");
    base = { name: token.text, position: token.position };
  }
  expect(tokens, "{", base ? "after the service that it extends" : 'after the service\'s name (or "extends")');
  const functions: FunctionNode[] = [];
  while (!accept(tokens, "}")) functions.push(parseFunction(tokens));
  return { kind: "service", name, position, doc, annotations: parseAnnotations(tokens), extends: base, functions };
}

function parseFunction(tokens: Tokens): FunctionNode {
  const { doc, kind } = tokens.current;
  if (kind === "end") fail(tokens, 'a function or "}"');
  const oneway = accept(tokens, "oneway") || accept(tokens, "async");
  const result = accept(tokens, "void") ? undefined : parseType(tokens);
  const { text: name, position } = parseName(tokens, "the function's name");
  expect(tokens, "(", "after the function's name");
  const parameters = parseFields(tokens, ")");
  const throws = accept(tokens, "throws") ? parseThrows(tokens) : [];
  const annotations = parseAnnotations(tokens);
  acceptSeparator(tokens);
  return { name, position, doc, annotations, oneway, result, arguments: parameters, throws };
}

function parseThrows(tokens: Tokens): FunctionNode["throws"] {
  expect(tokens, "(", 'after "throws"');
  return parseFields(tokens, ")");
}
