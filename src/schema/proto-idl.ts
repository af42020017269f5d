// Reads the text of one .proto file into a document: the statements of the file itself; what it declares is
// proto-declarations.ts's. Names are looked up later, by proto-resolve.ts.
import type { Position, Report } from "../base/diagnostic.ts";
import { createProtoCursor, type ProtoCursor } from "./proto-cursor.ts";
import { type ProtoScope, parseDeclaration, parseService } from "./proto-declarations.ts";
import type { ProtoDocument, ProtoImport, ProtoOption, ProtoService } from "./proto-document.ts";
import { EDITIONS } from "./proto-features.ts";
import { ProtoSyntaxError } from "./proto-lexer.ts";
import { parseOption } from "./proto-options.ts";

/** Larger texts are refused before they are read. */
const MAX_PROTO_CHARS = 8 * 1024 * 1024;
/** Looking a name up takes a step for each. */
const MAX_PACKAGE_PARTS = 32;
const SYNTAXES: readonly string[] = ["proto2", "proto3"];

/**
 * The document that `text` is, by the Protobuf language specification (proto2, proto3, editions), or undefined
 * after one error was reported. `path` is only used in positions. A text has at most 8 Mi characters and 200,000
 * declarations and option values; messages and option values nest at most 32 deep.
 */
export function parseProtoIdl(path: string, text: string, report: Report): ProtoDocument | undefined {
  const fail = (position: Position, message: string): undefined => {
    report({ severity: "error", position, message });
    return undefined;
  };
  if (text.length > MAX_PROTO_CHARS) {
    const start: Position = { file: path, line: 1, column: 1 };
    return fail(start, `the file has ${text.length} characters; expected at most ${MAX_PROTO_CHARS}`);
  }
  try {
    return parseFile(path, createProtoCursor(path, text));
  } catch (thrown) {
    if (thrown instanceof ProtoSyntaxError) return fail(thrown.position, thrown.message);
    throw thrown;
  }
}

/** A file that is being read. */
interface OpenFile extends ProtoScope {
  readonly cursor: ProtoCursor;
  syntax: string;
  package: string;
  readonly options: ProtoOption[];
  readonly imports: ProtoImport[];
  readonly services: ProtoService[];
}

function parseFile(path: string, cursor: ProtoCursor): ProtoDocument {
  const file: OpenFile = {
    ...{ cursor, syntax: "proto2", package: "", options: [], imports: [], services: [] },
    ...{ messages: [], enums: [], extensions: [], nameChars: 0 },
  };
  const head = cursor.start();
  const { doc, position } = cursor.node(head.token, head);
  if (cursor.looksAt("syntax") || cursor.looksAt("edition")) file.syntax = parseSyntax(cursor);
  while (cursor.peek().kind !== "end") parseStatement(file);
  const { cursor: _, nameChars: __, ...parts } = file;
  return { path, position: { ...position, line: 1, column: 1 }, doc, ...parts };
}

function parseSyntax(cursor: ProtoCursor): string {
  const known = cursor.next().text === "syntax" ? SYNTAXES : [...EDITIONS.keys()];
  const expected = known.map((word) => `"${word}"`).join(" or ");
  cursor.expect("=");
  const literal = cursor.peek();
  const written = cursor.text(expected);
  if (!known.includes(written)) cursor.fail(literal, expected);
  cursor.expect(";");
  return written;
}

function parseStatement(file: OpenFile): void {
  const { cursor } = file;
  if (cursor.skip(";") || parseDeclaration(file, file, 0)) return;
  const keyword = cursor.peek();
  if (keyword.text === "syntax" || keyword.text === "edition") {
    cursor.fail(keyword, "it once, as the first statement of the file");
  }
  if (cursor.looksAt("package")) parsePackage(file);
  else if (cursor.looksAt("import")) parseImport(file);
  else if (cursor.looksAt("option")) parseOption(cursor, file.options);
  else if (cursor.looksAt("service")) file.services.push(parseService(file));
  else cursor.fail(keyword, '"message", "enum", "service", "extend", "import", "option" or "package"');
}

function parsePackage(file: OpenFile): void {
  const { cursor } = file;
  const keyword = cursor.next();
  if (file.package !== "") cursor.fail(keyword, "one package per file");
  if (cursor.looksAt(".")) cursor.fail(cursor.peek(), "a package name without a leading dot");
  file.package = cursor.typeName("the package's name").text;
  if (file.package.split(".").length > MAX_PACKAGE_PARTS) {
    cursor.fail(keyword, `a package of at most ${MAX_PACKAGE_PARTS} names`);
  }
  cursor.expect(";");
}

function parseImport({ cursor, imports, syntax }: OpenFile): void {
  cursor.next();
  const word = cursor.peek();
  const modifier = (["public", "weak", "option"] as const).find((known) => cursor.skip(known));
  if (modifier === "option" && ["proto2", "proto3", "2023"].includes(syntax)) {
    cursor.fail(word, 'the path in quotes; "import option" begins with edition 2024');
  }
  const token = cursor.peek();
  cursor.count(token);
  imports.push({ path: cursor.text("the imported file's path in quotes"), position: cursor.at(token), modifier });
  cursor.expect(";");
}
