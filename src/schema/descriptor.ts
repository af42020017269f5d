// Writes .proto files as descriptors (google/protobuf/descriptor.proto), from the model alone, so that derived files have
// them too. Reading is descriptor-read.ts.
import protobuf from "protobufjs/light.js";
import { createOptionsWriter, type OptionsName, type OptionsWriter } from "./descriptor-options.ts";
import type {
  Declaration,
  EnumType,
  Extension,
  ExtensionRange,
  Field,
  FieldType,
  MessageType,
  Method,
  NumberRange,
  Reserved,
  Rules,
  SchemaFile,
  Service,
  Visibility,
} from "./model.ts";
import { RULES_OPTIONS, type RulesTarget } from "./proto-context.ts";
import { printProtoDefault } from "./proto-default.ts";
import type { ProtoOption } from "./proto-document.ts";
import { EDITIONS } from "./proto-features.ts";
import { jsonNameOf } from "./proto-validate.ts";

export { parseDescriptorSet } from "./descriptor-read.ts";

/**
 * The google.protobuf.FileDescriptorProto of a Protobuf file. What the model does not hold is not in it: options of unknown
 * extensions, source positions. Throws a TypeError for a Thrift file.
 */
export function writeFileDescriptor(file: SchemaFile): Uint8Array {
  if (file.wire !== "protobuf") throw new TypeError(`${file.path} is no Protobuf file`);
  const writer = protobuf.Writer.create();
  writeFile(writer, file, createOptionsWriter(file));
  return writer.finish();
}

/** The google.protobuf.FileDescriptorSet of the Protobuf files among `files`, in their order. */
export function writeDescriptorSet(files: readonly SchemaFile[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const file of files) if (file.wire === "protobuf") writer.uint32(tag(1)).bytes(writeFileDescriptor(file));
  return writer.finish();
}

type Writer = protobuf.Writer;

/** The key of a length-delimited field. */
function tag(number: number): number {
  return (number << 3) | 2;
}

function text(writer: Writer, number: number, value: string | undefined): void {
  if (value !== undefined && value !== "") writer.uint32(tag(number)).string(value);
}

function int(writer: Writer, number: number, value: number): void {
  writer.uint32(number << 3).int32(value);
}

function flag(writer: Writer, number: number, value: boolean): void {
  if (value) writer.uint32(number << 3).bool(true);
}

function inner(writer: Writer, number: number, write: () => void): void {
  writer.uint32(tag(number)).fork();
  write();
  writer.ldelim();
}

/** What a file's parts need to know of it. */
interface Context {
  readonly file: SchemaFile;
  /** The package or message around, from which the names of options are looked up. */
  readonly scope: string;
  readonly options: OptionsWriter;
}

function writeFile(writer: Writer, file: SchemaFile, options: OptionsWriter): void {
  const context: Context = { file, scope: file.package, options };
  text(writer, 1, file.importPath ?? file.path);
  text(writer, 2, file.package);
  for (const { importPath, path } of file.imports) text(writer, 3, importPath ?? path);
  writeScope(writer, undefined, { messages: 4, enums: 5, extensions: 7 }, context);
  for (const service of file.services) inner(writer, 6, () => writeService(writer, service, context));
  writeOptions(writer, 8, "FileOptions", "file", file, context);
  for (const shown of file.publicImports ?? []) int(writer, 10, file.imports.indexOf(shown));
  const edition = EDITIONS.get(file.syntax ?? "");
  if (edition === undefined) text(writer, 12, file.syntax === "proto2" ? undefined : (file.syntax ?? "proto3"));
  else {
    text(writer, 12, "editions");
    int(writer, 14, edition);
  }
  for (const { importPath, path } of file.optionImports ?? []) text(writer, 15, importPath ?? path);
}

/** What is declared right inside `parent`, or in the file itself, each kind under its field number. */
function writeScope(
  writer: Writer,
  parent: MessageType | undefined,
  numbers: { readonly messages: number; readonly enums: number; readonly extensions: number },
  context: Context,
): void {
  const { messages, enums, extensions = [] } = context.file;
  for (const type of messages) {
    if (type.parent === parent) inner(writer, numbers.messages, () => writeMessage(writer, type, context));
  }
  for (const type of enums) {
    if (type.parent === parent) inner(writer, numbers.enums, () => writeEnum(writer, type, context));
  }
  for (const extension of extensions) {
    if (extension.parent !== parent) continue;
    inner(writer, numbers.extensions, () => writeField(writer, extension, parent, undefined, context));
  }
}

function writeMessage(writer: Writer, type: MessageType, outer: Context): void {
  const context: Context = { ...outer, scope: type.fullName };
  text(writer, 1, type.name);
  const oneofs = oneofsOf(type, context);
  for (const field of type.fields) inner(writer, 2, () => writeField(writer, field, type, oneofs, context));
  for (const field of type.fields) {
    if (field.type.kind !== "map") continue;
    const { key, value } = field.type;
    inner(writer, 3, () => writeMapEntry(writer, field, key, value, type, context));
  }
  writeScope(writer, type, { messages: 3, enums: 4, extensions: 6 }, context);
  for (const range of type.extensionRanges ?? []) inner(writer, 5, () => writeExtensionRange(writer, range, context));
  writeOptions(writer, 7, "MessageOptions", "message", type, context);
  for (const name of oneofs.names) {
    const declared = type.oneofs?.find((oneof) => oneof.name === name);
    inner(writer, 8, () => {
      text(writer, 1, name);
      if (declared) writeOptions(writer, 2, "OneofOptions", "oneof", declared, context);
    });
  }
  writeReserved(writer, { ranges: 9, names: 10, beyond: 1 }, type.reserved);
  writeVisibility(writer, 11, type.visibility);
}

/** The end of a range of field numbers is not part of it; that of enum numbers is. */
function writeReserved(
  writer: Writer,
  numbers: { readonly ranges: number; readonly names: number; readonly beyond: 0 | 1 },
  { ranges, names }: Reserved = { ranges: [], names: [] },
): void {
  for (const range of ranges) inner(writer, numbers.ranges, () => writeRange(writer, range, numbers.beyond));
  for (const name of names) text(writer, numbers.names, name);
}

function writeRange(writer: Writer, { from, to }: NumberRange, beyond: 0 | 1): void {
  int(writer, 1, from);
  int(writer, 2, to + beyond);
}

function writeExtensionRange(writer: Writer, range: ExtensionRange, context: Context): void {
  writeRange(writer, range, 1);
  const bytes = context.options("ExtensionRangeOptions", range.annotations, context.scope);
  if (bytes) writer.uint32(tag(3)).bytes(bytes);
}

function writeVisibility(writer: Writer, number: number, visibility: Visibility | undefined): void {
  if (visibility) int(writer, number, visibility === "local" ? 1 : 2);
}

/** The oneofs of a message: its own, then one for each proto3 `optional`, which have indexes but are no oneofs to people. */
interface Oneofs {
  readonly names: readonly string[];
  readonly indexOf: (field: Field) => number | undefined;
  readonly isSynthetic: (field: Field) => boolean;
}

function oneofsOf(type: MessageType, { file }: Context): Oneofs {
  const names = [...new Set(type.fields.flatMap(({ oneof }) => oneof ?? []))];
  const taken = new Set([...names, ...type.fields.map(({ name }) => name)]);
  const synthetic = new Map<Field, number>();
  for (const field of type.fields) {
    if (!isProto3(file) || field.presence !== "optional" || field.oneof !== undefined) continue;
    if (field.type.kind === "message" && !field.proto3Optional) continue;
    let name = field.name.startsWith("_") ? field.name : `_${field.name}`;
    while (taken.has(name)) name = `X${name}`;
    taken.add(name);
    synthetic.set(field, names.push(name) - 1);
  }
  return {
    names,
    indexOf: (field) => (field.oneof === undefined ? synthetic.get(field) : names.indexOf(field.oneof)),
    isSynthetic: (field) => synthetic.has(field),
  };
}

function isProto3(file: SchemaFile): boolean {
  return file.syntax === undefined || file.syntax === "proto3";
}

const OPTIONAL = 1;
const REQUIRED = 2;
const REPEATED = 3;

function writeField(
  writer: Writer,
  field: Field | Extension,
  scope: MessageType | undefined,
  oneofs: Oneofs | undefined,
  context: Context,
): void {
  const { type } = field;
  text(writer, 1, field.name);
  if ("extendee" in field) text(writer, 2, `.${field.extendee.fullName}`);
  int(writer, 3, field.id);
  const repeated = type.kind === "list" || type.kind === "set" || type.kind === "map";
  // In editions a required field is a feature.
  const required = field.presence === "required" && context.file.syntax === "proto2";
  int(writer, 4, repeated ? REPEATED : required ? REQUIRED : OPTIONAL);
  if (type.kind === "map") {
    int(writer, 5, MESSAGE);
    text(writer, 6, `.${scope?.fullName}.${mapEntryName(field)}`);
  } else writeType(writer, type.kind === "list" || type.kind === "set" ? type.element : type, context);
  if (field.defaultValue) writer.uint32(tag(7)).string(printProtoDefault(type, field.defaultValue));
  writeOptions(writer, 8, "FieldOptions", "field", field, context, [...packedOption(field, context.file)]);
  const oneof = oneofs?.indexOf(field);
  if (oneof !== undefined) int(writer, 9, oneof);
  const jsonName = field.annotations.find(([name]) => name === "json_name")?.[1];
  writer.uint32(tag(10)).string(jsonName ?? jsonNameOf(field.name));
  flag(writer, 17, oneofs ? oneofs.isSynthetic(field) : (field.proto3Optional ?? false));
}

/** As protoc writes the numbers of google.protobuf.FieldDescriptorProto.Type. */
const TYPES: Readonly<Record<string, number>> = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
};
const GROUP = 10;
const MESSAGE = 11;
const ENUM = 14;

function writeType(writer: Writer, type: FieldType, { file }: Context): void {
  if (type.kind === "scalar") int(writer, 5, TYPES[type.name] ?? 0);
  else if (type.kind === "enum" || type.kind === "message") {
    // In editions a delimited message is a feature.
    const delimited = type.kind === "message" && type.delimited && file.syntax === "proto2";
    int(writer, 5, type.kind === "enum" ? ENUM : delimited ? GROUP : MESSAGE);
    text(writer, 6, `.${type.type.fullName}`);
  }
}

/** `packed` where nobody wrote it and the syntax means the other. */
function* packedOption(field: Field, file: SchemaFile): Generator<ProtoOption> {
  if (field.type.kind !== "list" || field.annotations.some(([name]) => name === "packed")) return;
  const { element, packed } = field.type;
  const packable = element.kind === "enum" || (element.kind === "scalar" && !/^(string|bytes)$/.test(element.name));
  if (isProto3(file) ? packable && !packed : file.syntax === "proto2" && packed) yield ["packed", String(packed)];
}

function mapEntryName(field: Field): string {
  const camel = jsonNameOf(field.name);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

function writeMapEntry(
  writer: Writer,
  field: Field,
  key: FieldType,
  value: FieldType,
  scope: MessageType,
  context: Context,
): void {
  text(writer, 1, mapEntryName(field));
  const part = { ...field, doc: undefined, annotations: [], rules: {}, defaultValue: undefined, oneof: undefined };
  const keyField: Field = { ...part, name: "key", id: 1, type: key, presence: "optional" };
  const valueField: Field = { ...part, name: "value", id: 2, type: value, presence: "optional" };
  for (const each of [keyField, valueField])
    inner(writer, 2, () => writeField(writer, each, scope, undefined, context));
  inner(writer, 7, () => flag(writer, 7, true));
}

function writeEnum(writer: Writer, type: EnumType, context: Context): void {
  text(writer, 1, type.name);
  for (const value of type.values) {
    inner(writer, 2, () => {
      text(writer, 1, value.name);
      int(writer, 2, value.number);
      writeOptions(writer, 3, "EnumValueOptions", "value", value, context);
    });
  }
  const aliased = type.values.length > type.valuesByNumber.size;
  const said = type.annotations.some(([name]) => name === "allow_alias");
  writeOptions(writer, 3, "EnumOptions", "enum", type, context, aliased && !said ? [["allow_alias", "true"]] : []);
  writeReserved(writer, { ranges: 4, names: 5, beyond: 0 }, type.reserved);
  writeVisibility(writer, 6, type.visibility);
}

function writeService(writer: Writer, service: Service, context: Context): void {
  text(writer, 1, service.name);
  for (const method of service.methods) inner(writer, 2, () => writeMethod(writer, method, context));
  writeOptions(writer, 3, "ServiceOptions", "service", service, context);
}

function writeMethod(writer: Writer, method: Method, context: Context): void {
  text(writer, 1, method.name);
  text(writer, 2, `.${method.request?.fullName ?? ""}`);
  text(writer, 3, `.${method.response?.fullName ?? ""}`);
  const said = method.annotations.some(([name]) => name === "idempotency_level");
  const level: ProtoOption[] = method.idempotent && !said ? [["idempotency_level", "IDEMPOTENT"]] : [];
  writeOptions(writer, 4, "MethodOptions", "method", method, context, level);
  flag(writer, 5, method.streaming === "client" || method.streaming === "bidi");
  flag(writer, 6, method.streaming === "server" || method.streaming === "bidi");
}

function writeOptions(
  writer: Writer,
  number: number,
  options: OptionsName,
  target: RulesTarget,
  node: Pick<Declaration, "annotations" | "rules">,
  context: Context,
  more: readonly ProtoOption[] = [],
): void {
  // The rules are written from their own record, which derived files have and annotations of theirs do not.
  const written = node.annotations.filter(([name]) => name !== "json_name" && !/^\(\.?causeway\./.test(name));
  const bytes = context.options(options, [...written, ...more, ...ruleOptions(node.rules, target)], context.scope);
  if (bytes) writer.uint32(tag(number)).bytes(bytes);
}

function ruleOptions(rules: Rules, target: RulesTarget): readonly ProtoOption[] {
  return Object.entries(rules).map(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [`${RULES_OPTIONS[target]}.${name}`, String(value)];
  });
}
