// Reads a binary FileDescriptorSet (google/protobuf/descriptor.proto) into .proto documents, as if their text had been
// parsed. Checks and names are proto-resolve.ts's.
import type { Position, Report } from "../base/diagnostic.ts";
import { createOptionsReader, type OptionsReader } from "./descriptor-extensions.ts";
import {
  type DecodedEnum,
  type DecodedField,
  type DecodedFile,
  type DecodedMessage,
  type DecodedNamed,
  type DecodedRange,
  type DecodedService,
  decodeDescriptorSet,
  flagOf,
} from "./descriptor-types.ts";
import type { Visibility } from "./model.ts";
import type {
  ProtoDefault,
  ProtoDocument,
  ProtoEnum,
  ProtoField,
  ProtoMessage,
  ProtoNode,
  ProtoRange,
  ProtoReservedName,
  ProtoService,
} from "./proto-document.ts";
import { EDITIONS } from "./proto-features.ts";
import { unescapeBytes } from "./proto-lexer.ts";
import { jsonNameOf } from "./proto-validate.ts";

/**
 * The documents of the FileDescriptorSet in `bytes` by their import path, or undefined after an error was reported. Positions
 * are those of the sources when protoc wrote them (`--include_source_info`), else line 1 of `path(name)`.
 */
export function parseDescriptorSet(
  path: string,
  bytes: Uint8Array,
  report: Report,
): ReadonlyMap<string, ProtoDocument> | undefined {
  const position: Position = { file: path, line: 1, column: 1 };
  try {
    const files = decodeDescriptorSet(bytes);
    if (files.length === 0) throw new RangeError("it holds no file");
    const readOptions = createOptionsReader(files, (target, number) => {
      const message = `the set does not say what option ${number} of google.protobuf.${target} is; expected its file too (protoc --include_imports)`;
      report({ severity: "warning", position, message });
    });
    return new Map(files.map((file) => [file.name, documentOf(path, file, readOptions)]));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    report({ severity: "error", position, message: `this is no FileDescriptorSet, as protoc writes it: ${why}` });
    return undefined;
  }
}

/** What the parts of a file need to know of it. */
interface Context {
  readonly syntax: string;
  readonly readOptions: OptionsReader;
  /** The place and the doc of the thing at a path of field numbers and indexes. */
  readonly positionOf: (path: readonly number[]) => Position;
  readonly docOf: (path: readonly number[]) => string | undefined;
}

function documentOf(set: string, file: DecodedFile, readOptions: OptionsReader): ProtoDocument {
  const { name, dependency, optionDependency } = file;
  const publicly = new Set(file.publicDependency);
  const weakly = new Set(file.weakDependency);
  const places = new Map((file.sourceCodeInfo?.location ?? []).map((place) => [String(place.path), place]));
  const start: Position = { file: `${set}(${name})`, line: 1, column: 1 };
  const context: Context = {
    syntax: syntaxOf(file),
    readOptions,
    positionOf: (path) => {
      const [line, column] = places.get(String(path))?.span ?? [];
      return line === undefined || column === undefined ? start : { ...start, line: line + 1, column: column + 1 };
    },
    docOf: (path) => {
      const place = places.get(String(path));
      return (place?.leadingComments || place?.trailingComments)?.replace(/^ /gm, "").trim() || undefined;
    },
  };
  return {
    path: name,
    position: start,
    syntax: context.syntax,
    package: file.package,
    doc: context.docOf([SYNTAX]),
    options: readOptions("FileOptions", file.options),
    imports: [
      ...dependency.map((path, index) => ({
        path,
        position: context.positionOf([3, index]),
        modifier: publicly.has(index) ? ("public" as const) : weakly.has(index) ? ("weak" as const) : undefined,
      })),
      ...optionDependency.map((path, index) => ({
        path,
        position: context.positionOf([15, index]),
        modifier: "option" as const,
      })),
    ],
    messages: list(file.messageType, [4], (node, path) => messageOf(node, path, context)),
    enums: list(file.enumType, [5], (node, path) => enumOf(node, path, context)),
    services: list(file.service, [6], (node, path) => serviceOf(node, path, context)),
    extensions: list(file.extension, [7], (node, path) => fieldOf(node, path, undefined, context)),
  };
}

const SYNTAX = 12;

function syntaxOf({ name, syntax, edition }: DecodedFile): string {
  if (!syntax) return "proto2";
  if (syntax !== "editions") return syntax;
  const year = [...EDITIONS].find(([, number]) => number === edition)?.[0];
  if (year === undefined) throw new RangeError(`"${name}" has the edition ${edition}, which is not known here`);
  return year;
}

function list<T, R>(
  nodes: readonly T[],
  path: readonly number[],
  create: (node: T, path: readonly number[]) => R,
): R[] {
  return nodes.map((node, index) => create(node, [...path, index]));
}

function nodeOf(node: DecodedNamed, target: string, path: readonly number[], context: Context): ProtoNode {
  return {
    name: node.name,
    position: context.positionOf([...path, 1]),
    doc: context.docOf(path),
    options: context.readOptions(target, node.options),
  };
}

function messageOf(node: DecodedMessage, path: readonly number[], context: Context): ProtoMessage {
  const declared = node.nestedType.map((type, index) => ({ type, path: [...path, 3, index] }));
  const entries = new Map(
    declared.filter(({ type }) => flagOf(type.options, "mapEntry")).map(({ type }) => [type.name, type]),
  );
  const oneofs = list(node.oneofDecl, [...path, 8], (oneof, at) => nodeOf(oneof, "OneofOptions", at, context));
  const fields = list(node.field, [...path, 2], (field, at) => {
    const own = fieldOf(field, at, oneofs, context);
    const entry = field.typeName ? entries.get(field.typeName.slice(field.typeName.lastIndexOf(".") + 1)) : undefined;
    const [key, value] = entry?.field ?? [];
    if (!key || !value) return own;
    return { ...own, label: undefined, keyType: typeOf(key, own.position), type: typeOf(value, own.position) };
  });
  const used = new Set(fields.map(({ oneof }) => oneof));
  const inside = declared.filter(({ type }) => !flagOf(type.options, "mapEntry"));
  return {
    ...nodeOf(node, "MessageOptions", path, context),
    visibility: VISIBILITIES[node.visibility],
    fields,
    oneofs: oneofs.filter(({ name }) => used.has(name)),
    messages: inside.map(({ type, path: at }) => messageOf(type, at, context)),
    enums: list(node.enumType, [...path, 4], (type, at) => enumOf(type, at, context)),
    extensions: list(node.extension, [...path, 6], (field, at) => fieldOf(field, at, undefined, context)),
    // Here alone the end is not part of the range.
    extensionRanges: list(node.extensionRange, [...path, 5], (range, at) => ({
      ...rangeOf(range, 1, at, context),
      options: context.readOptions("ExtensionRangeOptions", range.options),
    })),
    reservedRanges: list(node.reservedRange, [...path, 9], (range, at) => rangeOf(range, 1, at, context)),
    reservedNames: reservedNamesOf(node, [...path, 10], context),
  };
}

function rangeOf({ start, end }: DecodedRange, beyond: number, path: readonly number[], context: Context): ProtoRange {
  return { from: start, to: end - beyond, position: context.positionOf(path) };
}

function reservedNamesOf(
  { reservedName }: DecodedMessage | DecodedEnum,
  path: readonly number[],
  context: Context,
): ProtoReservedName[] {
  return list(reservedName, path, (name, at) => ({ name, position: context.positionOf(at) }));
}

/** By google.protobuf.SymbolVisibility. */
const VISIBILITIES: readonly (Visibility | undefined)[] = [undefined, "local", "export"];

const REQUIRED = 2;
const REPEATED = 3;
const GROUP = 10;
const STRING = 9;
const BYTES = 12;

function fieldOf(
  node: DecodedField,
  path: readonly number[],
  oneofs: readonly ProtoNode[] | undefined,
  context: Context,
): ProtoField {
  const head = nodeOf(node, "FieldOptions", path, context);
  const jsonName = node.jsonName && node.jsonName !== jsonNameOf(head.name) ? node.jsonName : undefined;
  const member = oneofs !== undefined && Object.hasOwn(node, "oneofIndex") && !node.proto3Optional;
  const optional = node.proto3Optional || (context.syntax === "proto2" && !member);
  const required = node.label === REQUIRED;
  return {
    ...head,
    options: jsonName === undefined ? head.options : [...head.options, ["json_name", jsonName]],
    number: node.number,
    numberPosition: context.positionOf([...path, 3]),
    label: node.label === REPEATED ? "repeated" : required ? "required" : optional ? "optional" : undefined,
    type: typeOf(node, context.positionOf([...path, node.typeName ? 6 : 5])),
    keyType: undefined,
    group: node.type === GROUP,
    oneof: member ? oneofs[node.oneofIndex]?.name : undefined,
    defaultValue: Object.hasOwn(node, "defaultValue") ? defaultOf(node) : undefined,
    extendee: node.extendee ? { text: node.extendee, position: context.positionOf([...path, 2]) } : undefined,
  };
}

/** By google.protobuf.FieldDescriptorProto.Type. */
const SCALARS: readonly (string | undefined)[] = [
  undefined,
  "double",
  "float",
  "int64",
  "uint64",
  "int32",
  "fixed64",
  "fixed32",
  "bool",
  "string",
  undefined,
  undefined,
  "bytes",
  "uint32",
  undefined,
  "sfixed32",
  "sfixed64",
  "sint32",
  "sint64",
];

function typeOf({ name, type, typeName }: DecodedField, position: Position): ProtoField["type"] {
  const text = typeName || SCALARS[type];
  if (text === undefined) throw new RangeError(`the field "${name}" has the unknown type ${type}`);
  return { text, position };
}

function defaultOf({ type, defaultValue }: DecodedField): ProtoDefault {
  if (type === STRING) return { bytes: Buffer.from(defaultValue, "utf8") };
  return type === BYTES ? { bytes: unescapeBytes(defaultValue) } : { word: defaultValue };
}

function enumOf(node: DecodedEnum, path: readonly number[], context: Context): ProtoEnum {
  const values = list(node.value, [...path, 2], (value, at) => ({
    ...nodeOf(value, "EnumValueOptions", at, context),
    number: value.number,
    numberPosition: context.positionOf([...at, 2]),
  }));
  return {
    ...nodeOf(node, "EnumOptions", path, context),
    visibility: VISIBILITIES[node.visibility],
    values,
    reservedRanges: list(node.reservedRange, [...path, 4], (range, at) => rangeOf(range, 0, at, context)),
    reservedNames: reservedNamesOf(node, [...path, 5], context),
  };
}

function serviceOf(node: DecodedService, path: readonly number[], context: Context): ProtoService {
  const methods = list(node.method, [...path, 2], (method, at) => ({
    ...nodeOf(method, "MethodOptions", at, context),
    request: { text: method.inputType, position: context.positionOf([...at, 2]) },
    response: { text: method.outputType, position: context.positionOf([...at, 3]) },
    clientStreaming: method.clientStreaming,
    serverStreaming: method.serverStreaming,
  }));
  return { ...nodeOf(node, "ServiceOptions", path, context), methods };
}
