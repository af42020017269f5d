// Reads the text of one .proto file. protobufjs judges the syntax and reads the options; proto-scan.ts says where things
// stand, which protobufjs does not keep. Names are looked up later, by proto-resolve.ts.
import protobuf from "protobufjs";
import type { Position, Report } from "../base/diagnostic.ts";
import type { ProtoDocument, ProtoEnum, ProtoField, ProtoMessage, ProtoNode, ProtoOption } from "./proto-document.ts";
import { scanProto } from "./proto-scan.ts";
import { createLocator, type ProtoToken, tokenizeProto } from "./proto-tokens.ts";
import { checkProtoNames } from "./proto-validate.ts";

/** Larger texts are refused before they are read. */
const MAX_PROTO_CHARS = 8 * 1024 * 1024;
/** protobufjs's time grows with the square of the fields in one message. */
const MAX_MEMBERS = 5_000;

/**
 * The document that `text` is, by the Protobuf language specification (proto2, proto3, editions 2023 and 2024), or
 * undefined after at least one error was reported. `path` is only used in positions.
 */
export function parseProtoIdl(path: string, text: string, report: Report): ProtoDocument | undefined {
  const start: Position = { file: path, line: 1, column: 1 };
  const fail = (position: Position, message: string): undefined => {
    report({ severity: "error", position, message });
    return undefined;
  };
  if (text.length > MAX_PROTO_CHARS) {
    return fail(start, `the file has ${text.length} characters; expected at most ${MAX_PROTO_CHARS}`);
  }
  const source = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
  const at = createLocator(path, source);
  const { tokens, fault } = tokenizeProto(source);
  const scan = scanProto(path, tokens, at);
  const firstFault = scan.fault && fault && scan.fault.offset >= fault.offset ? fault : (scan.fault ?? fault);
  if (firstFault) return fail(at(firstFault.offset), firstFault.message);
  const crowd = findCrowd(scan.document.messages, scan.document.enums);
  if (crowd) return fail(crowd.position, `"${crowd.name}" has too many members; expected at most ${MAX_MEMBERS}`);

  let root: protobuf.Root;
  try {
    ({ root } = protobuf.parse(withoutOptionals(source, scan.optionals), new protobuf.Root(), { keepCase: true }));
  } catch (thrown) {
    // protobufjs stops at a name or number used twice, and cannot say where; our own checks can.
    if (checkProtoNames(scan.document, report)) return undefined;
    const { position, message } = explain(thrown, tokens, at, start);
    return fail(position, message);
  }
  attachOptions(scan.document, root);
  return scan.document;
}

/**
 * protobufjs gives a proto3 `optional x` a oneof `_x`, which may be the name of another field; the scan has read the word
 * already, so blanks take its place.
 */
function withoutOptionals(source: string, offsets: readonly number[]): string {
  let end = 0;
  const parts: string[] = [];
  for (const offset of offsets) {
    parts.push(source.slice(end, offset), " ".repeat("optional".length));
    end = offset + "optional".length;
  }
  return parts.join("") + source.slice(end);
}

function findCrowd(messages: readonly ProtoMessage[], enums: readonly ProtoEnum[]): ProtoNode | undefined {
  for (const message of messages) {
    if (message.fields.length > MAX_MEMBERS) return message;
    const inside = findCrowd(message.messages, message.enums);
    if (inside) return inside;
  }
  return enums.find(({ values }) => values.length > MAX_MEMBERS);
}

/** What protobufjs says, in our words, at the token it means: the first one of that text on the line it names. */
function explain(
  thrown: unknown,
  tokens: readonly ProtoToken[],
  at: (offset: number) => Position,
  start: Position,
): { position: Position; message: string } {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const match = /^illegal (.*?)(?: '([\s\S]*?)')?(?:, '(.*)' expected)?(?: \(line (\d+)\))$/.exec(said);
  if (!match) return { position: start, message: `the file cannot be read: ${said}` };
  const [, what = "token", found, expected, lineText] = match;
  const line = Number(lineText);
  const onLine = tokens.filter((token) => at(token.offset).line === line);
  const token = onLine.find((candidate) => candidate.text === found) ?? onLine[0];
  const position = token ? at(token.offset) : { ...start, line };
  const unexpected = found === undefined ? `a ${what} cannot stand here` : `unexpected "${found}"`;
  const wanted = expected ?? (what === "token" ? undefined : `a valid ${what}`);
  return { position, message: wanted === undefined ? unexpected : `${unexpected}; expected ${wanted}` };
}

/** A document's options are empty lists until this fills them, once. */
function attachOptions(document: ProtoDocument, root: protobuf.Root): void {
  fill(document.options, root.parsedOptions);
  let namespace: protobuf.NamespaceBase = root;
  for (const part of document.package === "" ? [] : document.package.split(".")) {
    const inner = namespace.get(part);
    if (!(inner instanceof protobuf.Namespace)) return;
    namespace = inner;
  }
  // Options before the package statement stand on the root, those behind it on the package.
  if (namespace !== root) fill(document.options, namespace.parsedOptions);
  attachToScope(document, namespace);
  for (const service of document.services) {
    const reflected = namespace.get(service.name);
    if (!(reflected instanceof protobuf.Service)) continue;
    fill(service.options, reflected.parsedOptions);
    for (const method of service.methods) fill(method.options, own(reflected.methods, method.name)?.parsedOptions);
  }
}

interface ScopeNode {
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extensions: readonly ProtoField[];
}

function attachToScope(scope: ScopeNode, namespace: protobuf.NamespaceBase): void {
  for (const declared of scope.enums) {
    const reflected = namespace.get(declared.name);
    if (!(reflected instanceof protobuf.Enum)) continue;
    fill(declared.options, reflected.parsedOptions);
    for (const value of declared.values) {
      const options = own(reflected.valuesOptions ?? {}, value.name);
      if (options) fill(value.options, [options]);
    }
  }
  for (const extension of scope.extensions) fill(extension.options, namespace.get(extension.name)?.parsedOptions);
  for (const message of scope.messages) {
    const reflected = namespace.get(message.name);
    if (!(reflected instanceof protobuf.Type)) continue;
    fill(message.options, reflected.parsedOptions);
    for (const field of message.fields) fill(field.options, reflectedField(reflected, field)?.parsedOptions);
    for (const oneof of message.oneofs) fill(oneof.options, own(reflected.oneofs ?? {}, oneof.name)?.parsedOptions);
    attachToScope(message, reflected);
  }
}

/** protobufjs lowers only the first letter of a group's name to make the field's; a number is the safe key. */
function reflectedField(type: protobuf.Type, field: ProtoField): protobuf.Field | undefined {
  return field.group ? type.fieldsArray.find(({ id }) => id === field.number) : own(type.fields, field.name);
}

function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function fill(into: readonly ProtoOption[], parsed: readonly Record<string, unknown>[] | undefined): void {
  for (const option of parsed ?? []) {
    for (const [name, value] of Object.entries(option)) flatten(name, value, into as ProtoOption[]);
  }
}

function flatten(name: string, value: unknown, into: ProtoOption[]): void {
  if (Array.isArray(value)) for (const element of value) flatten(name, element, into);
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) flatten(`${name}.${key}`, inner, into);
  } else into.push([name, String(value)]);
}
