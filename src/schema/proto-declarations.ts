// Reads the declarations of a .proto text: messages with all that stands in them, enums, services. What they mean together,
// and whether it is right, is proto-resolve.ts's.
import type { Visibility } from "./model.ts";
import type { OpenNode, ProtoCursor, ProtoStart } from "./proto-cursor.ts";
import type {
  ProtoEnum,
  ProtoEnumValue,
  ProtoExtensionRange,
  ProtoField,
  ProtoMessage,
  ProtoMethod,
  ProtoNode,
  ProtoOption,
  ProtoRange,
  ProtoReservedName,
  ProtoService,
  ProtoTypeName,
} from "./proto-document.ts";
import { typeOfEdition } from "./proto-features.ts";
import { parseProtoInteger } from "./proto-integer.ts";
import { parseInlineOptions, parseOption } from "./proto-options.ts";

/** Where declarations are read from and which rules of the grammar hold. */
export interface ProtoParser {
  readonly cursor: ProtoCursor;
  /** "proto2", "proto3" or an edition. */
  readonly syntax: string;
}

/** What a file's or a message's block may hold. */
export interface ProtoScope {
  /** The length of the full name, without the package. */
  readonly nameChars: number;
  readonly messages: ProtoMessage[];
  readonly enums: ProtoEnum[];
  readonly extensions: ProtoField[];
}

/** A message that is being read. */
interface MessageScope extends ProtoScope {
  readonly fields: ProtoField[];
  readonly oneofs: ProtoNode[];
  readonly extensionRanges: ProtoExtensionRange[];
  readonly reservedRanges: ProtoRange[];
  readonly reservedNames: ProtoReservedName[];
}

/** Messages in messages in messages: as deep as protoc goes. */
const MAX_NESTING = 32;
const MAX_SCOPE_CHARS = 1_024;
const MAX_FIELD_NUMBER = 536_870_911;
const MAX_ENUM_NUMBER = 2_147_483_647;
const LABELS: ReadonlySet<string> = new Set(["required", "optional", "repeated"]);

/** Takes a message, enum or extension if the cursor is at one; `depth` counts the messages around it. */
export function parseDeclaration(parser: ProtoParser, scope: ProtoScope, depth: number): boolean {
  const { cursor } = parser;
  const start = cursor.start();
  const visibility = parseVisibility(cursor);
  switch (cursor.peek().text) {
    case "message":
      parseMessage(parser, scope, start, visibility, depth);
      return true;
    case "enum":
      scope.enums.push(parseEnum(parser, start, visibility));
      return true;
    case "extend":
      parseExtend(parser, scope, depth);
      return true;
  }
  return false;
}

/** The words are names of types too, so what follows them decides. */
function parseVisibility(cursor: ProtoCursor): Visibility | undefined {
  const { text } = cursor.peek();
  if (text !== "export" && text !== "local") return undefined;
  const declares = cursor.peek(1).text === "message" || cursor.peek(1).text === "enum";
  if (!declares || cursor.peek(2).kind !== "word") return undefined;
  cursor.next();
  return text;
}

function parseMessage(
  parser: ProtoParser,
  scope: ProtoScope,
  start: ProtoStart,
  visibility: Visibility | undefined,
  depth: number,
): void {
  const { cursor } = parser;
  cursor.next();
  const token = cursor.name("a message name");
  const node = nodeOfBlock(cursor, token, start);
  parseMessageBody(parser, scope, { ...node, visibility }, depth);
}

/** The node of a declaration whose block is next. */
function nodeOfBlock(cursor: ProtoCursor, token: ReturnType<ProtoCursor["name"]>, start: ProtoStart): OpenNode {
  if (!cursor.looksAt("{")) cursor.fail(cursor.peek(), '"{"');
  return cursor.node(token, start);
}

/** `{ ... }` of a message or group. */
function parseMessageBody(
  parser: ProtoParser,
  around: ProtoScope,
  node: OpenNode & { readonly visibility: Visibility | undefined },
  depth: number,
): void {
  const { cursor } = parser;
  const scope: MessageScope = {
    ...{ fields: [], oneofs: [], messages: [], enums: [], extensions: [] },
    ...{ extensionRanges: [], reservedRanges: [], reservedNames: [] },
    nameChars: around.nameChars + node.name.length + 1,
  };
  // Outer before inner: the outer one takes its place before its block is read.
  around.messages.push({ ...node, ...scope });
  if (depth >= MAX_NESTING) cursor.fail(cursor.peek(), `no block: messages nest at most ${MAX_NESTING} deep`);
  if (scope.nameChars > MAX_SCOPE_CHARS)
    cursor.fail(cursor.peek(), `names of messages and of those around them of at most ${MAX_SCOPE_CHARS} characters`);
  cursor.block(() => {
    if (parseDeclaration(parser, scope, depth + 1)) return;
    if (cursor.looksAt("option")) parseOption(cursor, node.options);
    else if (cursor.looksAt("oneof")) parseOneof(parser, scope, depth + 1);
    else if (cursor.looksAt("extensions")) parseExtensionRanges(cursor, scope.extensionRanges);
    else if (!cursor.looksAt("reserved")) scope.fields.push(parseField(parser, scope, depth + 1, {}));
    else parseReserved(parser, MAX_FIELD_NUMBER, scope.reservedRanges, scope.reservedNames);
  });
}

/** Where a field stands, when that is not simply in a message. */
interface FieldPlace {
  readonly oneof?: string;
  readonly extendee?: ProtoTypeName;
}

/** A field; `scope` takes the message that a group declares. */
function parseField(parser: ProtoParser, scope: ProtoScope, depth: number, place: FieldPlace): ProtoField {
  const { cursor } = parser;
  const start = cursor.start();
  const labelled = LABELS.has(cursor.peek().text) && cursor.peek().kind === "word";
  if (labelled && place.oneof !== undefined) {
    cursor.fail(cursor.peek(), "a type: the fields of a oneof have no label");
  }
  const label = labelled ? (cursor.next().text as ProtoField["label"]) : undefined;
  const group = cursor.looksAt("group") && cursor.peek(1).kind === "word" && cursor.peek(2).text === "=";
  const { type, keyType } = group ? groupType(cursor) : parseFieldType(parser);
  const token = group ? cursor.next() : cursor.name("a field name");
  cursor.expect("=");
  const number = cursor.next();
  if (Number.isNaN(parseProtoInteger(number.text))) cursor.fail(number, "a field number");
  const options: ProtoOption[] = [];
  const defaultValue = parseInlineOptions(cursor, options, true);
  if (!group) cursor.expect(";");
  const node = group ? nodeOfBlock(cursor, token, start) : cursor.node(token, start);
  if (group) parseMessageBody(parser, scope, { ...node, options: [], visibility: undefined }, depth);
  return {
    ...node,
    name: group ? token.text.toLowerCase() : token.text,
    options,
    number: parseProtoInteger(number.text),
    numberPosition: cursor.at(number),
    ...{ label, type, keyType, group, defaultValue },
    oneof: place.oneof,
    extendee: place.extendee,
  };
}

interface FieldTypes {
  readonly type: ProtoTypeName;
  readonly keyType: ProtoTypeName | undefined;
}

/** The type of a group is the message of its own name, which comes next. */
function groupType(cursor: ProtoCursor): FieldTypes {
  const position = cursor.at(cursor.next());
  return { type: { text: cursor.peek().text, position }, keyType: undefined };
}

function parseFieldType(parser: ProtoParser): FieldTypes {
  const { cursor } = parser;
  if (!cursor.looksAt("map") || cursor.peek(1).text !== "<") {
    return { type: parseTypeName(parser, "a field, or what else may stand in this block"), keyType: undefined };
  }
  cursor.next();
  cursor.next();
  const keyType = parseTypeName(parser, "the type of the map's keys");
  cursor.expect(",");
  const type = parseTypeName(parser, "the type of the map's values");
  cursor.expect(">");
  return { type, keyType };
}

function parseTypeName({ cursor, syntax }: ProtoParser, expected: string): ProtoTypeName {
  const token = cursor.peek();
  const { text, position } = cursor.typeName(expected);
  const type = typeOfEdition(text, syntax) ?? cursor.fail(token, `another type: the edition ${syntax} has no ${text}`);
  return { text: type, position };
}

function parseOneof(parser: ProtoParser, scope: MessageScope, depth: number): void {
  const { cursor } = parser;
  const start = cursor.start();
  cursor.next();
  const token = cursor.name("the oneof's name");
  const node = nodeOfBlock(cursor, token, start);
  scope.oneofs.push(node);
  cursor.block(() => {
    if (cursor.looksAt("option")) parseOption(cursor, node.options);
    else scope.fields.push(parseField(parser, scope, depth, { oneof: token.text }));
  });
}

function parseExtend(parser: ProtoParser, scope: ProtoScope, depth: number): void {
  const { cursor } = parser;
  cursor.next();
  const extendee = cursor.typeName("the message to extend");
  cursor.block(() => {
    scope.extensions.push(parseField(parser, scope, depth, { extendee }));
  });
}

/** `extensions 4, 20 to max [declaration = { ... }];`: the options are those of each range. */
function parseExtensionRanges(cursor: ProtoCursor, into: ProtoExtensionRange[]): void {
  cursor.next();
  const options: ProtoOption[] = [];
  do into.push({ ...parseRange(cursor, MAX_FIELD_NUMBER), options });
  while (cursor.skip(","));
  parseInlineOptions(cursor, options);
  cursor.expect(";");
}

/** Names are text in proto2 and proto3, and identifiers in editions. */
function parseReserved(
  { cursor, syntax }: ProtoParser,
  max: number,
  ranges: ProtoRange[],
  names: ProtoReservedName[],
): void {
  cursor.next();
  const quoted = syntax === "proto2" || syntax === "proto3";
  do {
    const token = cursor.peek();
    if (token.kind !== "string" && token.kind !== "word") {
      ranges.push(parseRange(cursor, max));
      continue;
    }
    if ((token.kind === "string") !== quoted) {
      cursor.fail(
        token,
        quoted ? "a number, or a name in quotes" : "a number, or a name without quotes as in editions",
      );
    }
    cursor.count(token);
    names.push({ name: quoted ? cursor.text("a name") : cursor.name("a name").text, position: cursor.at(token) });
  } while (cursor.skip(","));
  cursor.expect(";");
}

function parseRange(cursor: ProtoCursor, max: number): ProtoRange {
  const token = cursor.peek();
  cursor.count(token);
  const from = parseRangeEnd(cursor, undefined);
  const to = cursor.skip("to") ? parseRangeEnd(cursor, max) : from;
  return { from, to, position: cursor.at(token) };
}

function parseRangeEnd(cursor: ProtoCursor, max: number | undefined): number {
  if (max !== undefined && cursor.skip("max")) return max;
  const [number, token] = signedInteger(cursor);
  if (Number.isNaN(number)) cursor.fail(token, max === undefined ? "a number" : 'a number or "max"');
  return number;
}

/** NaN when it is none, and the token to blame. */
function signedInteger(cursor: ProtoCursor): readonly [number, ReturnType<ProtoCursor["next"]>] {
  const sign = cursor.peek();
  const negative = cursor.skip("-");
  const token = cursor.next();
  const number = parseProtoInteger(token.text);
  return [negative ? 0 - number : number, Number.isNaN(number) ? token : sign];
}

function parseEnum(parser: ProtoParser, start: ProtoStart, visibility: Visibility | undefined): ProtoEnum {
  const { cursor } = parser;
  cursor.next();
  const token = cursor.name("an enum name");
  const node = nodeOfBlock(cursor, token, start);
  const values: ProtoEnumValue[] = [];
  const reservedRanges: ProtoRange[] = [];
  const reservedNames: ProtoReservedName[] = [];
  cursor.block(() => {
    // Values may be named as keywords are.
    const isValue = cursor.peek(1).text === "=";
    if (!isValue && cursor.looksAt("option")) parseOption(cursor, node.options);
    else if (!isValue && cursor.looksAt("reserved"))
      parseReserved(parser, MAX_ENUM_NUMBER, reservedRanges, reservedNames);
    else values.push(parseEnumValue(cursor));
  });
  return { ...node, visibility, values, reservedRanges, reservedNames };
}

function parseEnumValue(cursor: ProtoCursor): ProtoEnumValue {
  const start = cursor.start();
  const token = cursor.name("an enum value");
  cursor.expect("=");
  const [number, numberToken] = signedInteger(cursor);
  if (Number.isNaN(number)) cursor.fail(numberToken, "the value's number");
  const options: ProtoOption[] = [];
  parseInlineOptions(cursor, options);
  cursor.expect(";");
  return { ...cursor.node(token, start), options, number, numberPosition: cursor.at(numberToken) };
}

/** A service, with the cursor at its first word. */
export function parseService({ cursor }: ProtoParser): ProtoService {
  const start = cursor.start();
  cursor.expect("service");
  const token = cursor.name("a service name");
  const node = nodeOfBlock(cursor, token, start);
  const methods: ProtoMethod[] = [];
  cursor.block(() => {
    if (cursor.looksAt("option")) parseOption(cursor, node.options);
    else if (cursor.looksAt("rpc")) methods.push(parseMethod(cursor));
    else cursor.fail(cursor.peek(), '"rpc", "option" or "}"');
  });
  return { ...node, methods };
}

function parseMethod(cursor: ProtoCursor): ProtoMethod {
  const start = cursor.start();
  cursor.next();
  const token = cursor.name("a method name");
  const [request, clientStreaming] = methodType(cursor, "the request's message type");
  cursor.expect("returns");
  const [response, serverStreaming] = methodType(cursor, "the response's message type");
  const ends = cursor.skip(";");
  if (!ends && !cursor.looksAt("{")) cursor.fail(cursor.peek(), '";" or "{"');
  const node = cursor.node(token, start);
  if (!ends) {
    cursor.block(() => {
      if (!cursor.looksAt("option")) cursor.fail(cursor.peek(), '"option" or "}"');
      parseOption(cursor, node.options);
    });
  }
  return { ...node, request, response, clientStreaming, serverStreaming };
}

function methodType(cursor: ProtoCursor, expected: string): readonly [ProtoTypeName, boolean] {
  cursor.expect("(");
  const streaming = cursor.peek(1).text !== ")" && cursor.skip("stream");
  const type = cursor.typeName(expected);
  cursor.expect(")");
  return [type, streaming];
}
