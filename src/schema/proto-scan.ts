// Reads where everything in a .proto text stands: names, numbers, types, docs and their positions, all but the options.
// It follows the grammar as far as that needs; protobufjs judges the rest of the syntax in proto-idl.ts.
import type { Position } from "../base/diagnostic.ts";
import { createProtoCursor, MAX_OPTION_TOKENS, PROTO_NAME, ScanFault } from "./proto-cursor.ts";
import type {
  ProtoDefault,
  ProtoDocument,
  ProtoEnum,
  ProtoEnumValue,
  ProtoField,
  ProtoImport,
  ProtoMessage,
  ProtoMethod,
  ProtoNode,
  ProtoRange,
  ProtoReservedName,
  ProtoService,
  ProtoTypeName,
} from "./proto-document.ts";
import { parseProtoInteger } from "./proto-integer.ts";
import { docOf, type ProtoFault, type ProtoToken } from "./proto-tokens.ts";

export interface ProtoScan {
  readonly document: ProtoDocument;
  /** The offsets of the word `optional` before fields of proto3. */
  readonly optionals: readonly number[];
  /** The first place where the text does not follow the grammar. */
  readonly fault: ProtoFault | undefined;
}

/** Messages in messages in messages: as deep as protoc goes. */
const MAX_NESTING = 32;
/** What `max` means in ranges of field numbers and of enum numbers. */
const MAX_FIELD_NUMBER = 536_870_911;
const MAX_ENUM_NUMBER = 2_147_483_647;

/** What a message's or the file's block may hold. */
interface Scope {
  readonly fields: ProtoField[];
  readonly oneofs: ProtoNode[];
  readonly messages: ProtoMessage[];
  readonly enums: ProtoEnum[];
  readonly services: ProtoService[];
  readonly extensions: ProtoField[];
  readonly extensionRanges: ProtoRange[];
  readonly reservedRanges: ProtoRange[];
  readonly reservedNames: ProtoReservedName[];
}

function createScope(): Scope {
  return {
    fields: [],
    oneofs: [],
    messages: [],
    enums: [],
    services: [],
    extensions: [],
    extensionRanges: [],
    reservedRanges: [],
    reservedNames: [],
  };
}

/** Scans the tokens of one file; the document holds what came before the first fault. */
export function scanProto(path: string, tokens: readonly ProtoToken[], at: (offset: number) => Position): ProtoScan {
  const scope = createScope();
  const imports: ProtoImport[] = [];
  let syntax = "proto2";
  let syntaxStated = false;
  const optionals: number[] = [];
  let packageName = "";
  let fault: ProtoFault | undefined;
  const cursor = createProtoCursor(tokens, at);
  const { index, peek, next, skip, fail, expect, name, typeName, block, skipOption } = cursor;

  const lineOf = (offset: number): number => at(offset).line;
  /** A node whose head begins at token `first` and ends at token `last`, its `;` or opening brace. */
  const node = (token: ProtoToken, first: number, last = index() - 1): ProtoNode => ({
    name: token.text,
    position: at(token.offset),
    doc: docOf(tokens, first, last, lineOf),
    options: [],
  });
  /** The same, with the cursor at the brace. */
  const nodeOfBlock = (token: ProtoToken, first: number): ProtoNode => {
    if (peek().text !== "{") fail(peek(), '"{"');
    return node(token, first, index());
  };

  /** `[name = value, ...]`: only the default is read here. */
  function inlineOptions(): ProtoDefault | undefined {
    if (!skip("[")) return undefined;
    let defaultValue: ProtoDefault | undefined;
    let depth = 1;
    let start = true;
    const last = index() + MAX_OPTION_TOKENS;
    while (depth > 0) {
      const token = next();
      if (index() > last) {
        throw new ScanFault(token.offset, `options in brackets have at most ${MAX_OPTION_TOKENS} words and signs`);
      }
      if (token.kind === "end") fail(token, '"]"');
      if (start && token.text === "default" && peek().text === "=") {
        next();
        defaultValue = readDefault();
      }
      start = depth === 1 && token.text === "," && token.kind === "symbol";
      if (token.kind === "symbol" && "{[(".includes(token.text)) depth++;
      if (token.kind === "symbol" && "}])".includes(token.text)) depth--;
    }
    return defaultValue;
  }

  function readDefault(): ProtoDefault {
    if (peek().kind === "string") return { bytes: cursor.bytes() };
    const token = next();
    if (token.kind !== "word") fail(token, "a default value");
    if (token.text === "-" && peek().kind === "word") return { word: `-${next().text}` };
    return { word: token.text };
  }

  function ranges(max: number, into: ProtoRange[], names: ProtoReservedName[] | undefined): void {
    next();
    do {
      const token = peek();
      const position = at(token.offset);
      if (names && token.kind === "string") names.push({ name: cursor.text("a name"), position });
      else if (names && PROTO_NAME.test(token.text) && token.text !== "max")
        names.push({ name: next().text, position });
      else {
        const from = rangeEnd(max);
        into.push({ from, to: skip("to") ? rangeEnd(max) : from, position });
      }
    } while (skip(","));
    inlineOptions();
    expect(";");
  }

  function rangeEnd(max: number): number {
    const token = next();
    const number = token.text === "max" ? max : parseProtoInteger(token.text);
    if (Number.isNaN(number)) fail(token, 'a number or "max"');
    return number;
  }

  function scanMessage(into: Scope, depth: number, first: number): void {
    next();
    const token = name("a message name");
    const head = nodeOfBlock(token, first);
    const inner = createScope();
    // Outer before inner: the outer one takes its place before its block is read.
    into.messages.push({ ...head, ...inner });
    messageBlock(inner, token, depth + 1);
  }

  function messageBlock(scope: Scope, token: ProtoToken, depth: number): void {
    if (depth > MAX_NESTING) throw new ScanFault(token.offset, `messages nest at most ${MAX_NESTING} deep`);
    block(() => {
      const first = index();
      if (declaration(scope, depth, first)) return;
      const { text } = peek();
      if (text === "oneof") scanOneof(scope, depth, first);
      else if (text === "extensions") ranges(MAX_FIELD_NUMBER, scope.extensionRanges, undefined);
      else if (text === "reserved") ranges(MAX_FIELD_NUMBER, scope.reservedRanges, scope.reservedNames);
      else scope.fields.push(scanField(scope, depth, undefined, undefined));
    });
  }

  /** What may stand in a file and in a message alike; false when the cursor is at none of it. */
  function declaration(scope: Scope, depth: number, first: number): boolean {
    const keyword = peek();
    if ((keyword.text === "export" || keyword.text === "local") && /^(message|enum)$/.test(peek(1).text)) next();
    switch (peek().text) {
      case "option":
        skipOption();
        return true;
      case "message":
        scanMessage(scope, depth, first);
        return true;
      case "enum":
        scope.enums.push(scanEnum(first));
        return true;
      case "extend":
        scanExtend(scope, depth);
        return true;
    }
    return false;
  }

  function scanField(
    scope: Scope,
    depth: number,
    oneof: string | undefined,
    extendee: ProtoTypeName | undefined,
  ): ProtoField {
    const first = index();
    if (syntax === "proto3" && oneof === undefined && peek().text === "optional") optionals.push(peek().offset);
    const label = oneof === undefined && LABELS.has(peek().text) ? (next().text as ProtoField["label"]) : undefined;
    const group = peek().text === "group" && peek(1).kind === "word" && peek(2).text === "=";
    // protobufjs cannot read it, and could not say where it is.
    if (group && oneof !== undefined) fail(peek(), "a field of a message type: a group in a oneof cannot be read");
    const typePosition = at(peek().offset);
    let keyType: ProtoTypeName | undefined;
    let type: ProtoTypeName | undefined;
    if (group) next();
    else if (peek().text === "map" && peek(1).text === "<") {
      next();
      next();
      keyType = typeName("the type of the map's keys");
      expect(",");
      type = typeName("the type of the map's values");
      expect(">");
    } else type = typeName("a field, or what else may stand in this block");
    const token = name(group ? "the group's name" : "a field name");
    expect("=");
    const number = next();
    const defaultValue = inlineOptions();
    if (!group) expect(";");
    const head = group ? nodeOfBlock(token, first) : node(token, first);
    const field: ProtoField = {
      ...head,
      name: group ? token.text.toLowerCase() : token.text,
      number: parseProtoInteger(number.text),
      numberPosition: at(number.offset),
      label,
      type: type ?? { text: token.text, position: typePosition },
      keyType,
      group,
      oneof,
      defaultValue,
      extendee,
    };
    if (Number.isNaN(field.number)) fail(number, "a field number");
    if (group) {
      const inner = createScope();
      scope.messages.push({ ...head, options: [], ...inner });
      messageBlock(inner, token, depth + 1);
    }
    return field;
  }

  function scanOneof(scope: Scope, depth: number, first: number): void {
    next();
    const token = name("the oneof's name");
    scope.oneofs.push(nodeOfBlock(token, first));
    block(() => {
      if (peek().text === "option") skipOption();
      else if (LABELS.has(peek().text)) fail(peek(), "a type: the fields of a oneof have no label");
      else scope.fields.push(scanField(scope, depth, token.text, undefined));
    });
  }

  function scanExtend(scope: Scope, depth: number): void {
    next();
    const extendee = typeName("the message to extend");
    block(() => {
      scope.extensions.push(scanField(scope, depth, undefined, extendee));
    });
  }

  function scanEnum(first: number): ProtoEnum {
    next();
    const token = name("an enum name");
    const head = nodeOfBlock(token, first);
    const values: ProtoEnumValue[] = [];
    let allowAlias = false;
    const reservedRanges: ProtoRange[] = [];
    const reservedNames: ProtoReservedName[] = [];
    block(() => {
      if (peek(1).text !== "=" && peek().text === "option") {
        allowAlias ||= peek(1).text === "allow_alias" && peek(3).text === "true";
        skipOption();
      } else if (peek(1).text !== "=" && peek().text === "reserved")
        ranges(MAX_ENUM_NUMBER, reservedRanges, reservedNames);
      else values.push(scanEnumValue());
    });
    return { ...head, allowAlias, values, reservedRanges, reservedNames };
  }

  function scanEnumValue(): ProtoEnumValue {
    const first = index();
    const token = name("an enum value");
    expect("=");
    const number = next();
    const value = parseProtoInteger(number.text);
    if (Number.isNaN(value)) fail(number, "the value's number");
    inlineOptions();
    expect(";");
    return { ...node(token, first), number: value, numberPosition: at(number.offset) };
  }

  function scanService(): ProtoService {
    const first = index();
    next();
    const token = name("a service name");
    const head = nodeOfBlock(token, first);
    const methods: ProtoMethod[] = [];
    block(() => {
      if (peek().text === "option") skipOption();
      else if (peek().text === "rpc") methods.push(scanMethod());
      else fail(peek(), '"rpc", "option" or "}"');
    });
    return { ...head, methods };
  }

  function scanMethod(): ProtoMethod {
    const first = index();
    next();
    const token = name("a method name");
    const [request, clientStreaming] = methodType("the request's message type");
    expect("returns");
    const [response, serverStreaming] = methodType("the response's message type");
    const open = peek();
    if (open.text !== ";" && open.text !== "{") fail(open, '";" or "{"');
    const head = node(token, first, index());
    if (!skip(";"))
      block(() => {
        if (peek().text !== "option") fail(peek(), '"option" or "}"');
        skipOption();
      });
    return { ...head, request, response, clientStreaming, serverStreaming };
  }

  function methodType(expected: string): readonly [ProtoTypeName, boolean] {
    expect("(");
    const streaming = peek().text === "stream" && peek(1).text !== ")" && skip("stream");
    const type = typeName(expected);
    expect(")");
    return [type, streaming];
  }

  function scanImport(): void {
    next();
    const word = peek();
    if (word.text === "option") {
      skipOption();
      return;
    }
    const modifier = word.text === "public" || word.text === "weak" ? word.text : undefined;
    if (modifier !== undefined) next();
    const position = at(peek().offset);
    imports.push({ path: cursor.text("the imported file's path in quotes"), position, modifier });
    expect(";");
  }

  function scanTop(): void {
    const first = index();
    const keyword = peek();
    if (skip(";") || declaration(scope, 0, first)) return;
    switch (keyword.text) {
      case "syntax":
      case "edition": {
        if (syntaxStated || first > 0) fail(keyword, "it once, as the first statement of the file");
        next();
        expect("=");
        const literal = peek();
        const [known, expected] = keyword.text === "syntax" ? SYNTAXES : EDITIONS;
        const written = cursor.text(expected);
        if (!known.some((word) => word === written)) fail(literal, expected);
        syntaxStated = true;
        syntax = written;
        expect(";");
        return;
      }
      case "package":
        if (packageName !== "") fail(keyword, "one package per file");
        next();
        packageName = typeName("the package's name").text;
        if (packageName.startsWith(".")) fail(tokens[first + 1] ?? keyword, "a package name without a leading dot");
        expect(";");
        return;
      case "import":
        scanImport();
        return;
      case "service":
        scope.services.push(scanService());
        return;
    }
    fail(keyword, '"message", "enum", "service", "extend", "import", "option" or "package"');
  }

  try {
    while (peek().kind !== "end") scanTop();
  } catch (thrown) {
    if (!(thrown instanceof ScanFault)) throw thrown;
    fault = { offset: thrown.offset, message: thrown.message };
  }
  const doc = docOf(tokens, 0, 0, lineOf);
  const document = { path, position: at(0), syntax, package: packageName, doc, options: [], imports, ...scope };
  return { document, optionals, fault };
}

const SYNTAXES = [["proto2", "proto3"], '"proto2" or "proto3"'] as const;
const EDITIONS = [["2023", "2024"], '"2023" or "2024"'] as const;
const LABELS = new Set(["required", "optional", "repeated"]);
