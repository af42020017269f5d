// Options back from bytes: the known ones by descriptor.proto, the others by the extensions that the same set declares.
import protobuf from "protobufjs/light.js";
import type { DecodedField, DecodedFile, DecodedMessage, DecodedOptions } from "./descriptor-types.ts";
import type { ProtoOption } from "./proto-document.ts";
import { EMPTY_MESSAGE, printBytes } from "./proto-options.ts";

/** The options as dotted names and printed values; `target` is the options message, such as `FieldOptions`. */
export type OptionsReader = (target: string, options: DecodedOptions) => ProtoOption[];

interface Definitions {
  /** By full name with its leading dot. */
  readonly messages: Map<string, DecodedMessage>;
  readonly enums: Map<string, ReadonlyMap<number, string>>;
  /** By extended message and number. */
  readonly extensions: Map<string, { readonly name: string; readonly field: DecodedField }>;
}

/** Options nest at most this deep. */
const MAX_DEPTH = 32;

/** A reader for the options in these files; `unknown` is told of each number that no extension in them explains. */
export function createOptionsReader(
  files: readonly DecodedFile[],
  unknown: (target: string, number: number) => void,
): OptionsReader {
  const context: Context = { ...collect(files), unknown };
  return (target, options) => {
    const found: ProtoOption[] = [];
    if (options instanceof protobuf.Message) readMessage(options, `.google.protobuf.${target}`, "", context, found);
    return found;
  };
}

interface Context extends Definitions {
  readonly unknown: (target: string, number: number) => void;
}

/** What protobufjs knows of descriptor.proto, and extensions as bytes. */
function readMessage(
  message: protobuf.Message,
  typeName: string,
  prefix: string,
  context: Context,
  into: ProtoOption[],
): void {
  for (const field of message.$type.fieldsArray) {
    if (!Object.hasOwn(message, field.name)) continue;
    const { resolvedType } = field.resolve();
    const value: unknown = Reflect.get(message, field.name);
    const name = `${prefix}${snakeCase(field.name)}`;
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each instanceof protobuf.Message) readMessage(each, each.$type.fullName, `${name}.`, context, into);
      else if (each instanceof Uint8Array) into.push([name, printBytes(each)]);
      else
        into.push([
          name,
          (resolvedType instanceof protobuf.Enum && resolvedType.valuesById[Number(each)]) || String(each),
        ]);
    }
  }
  for (const chunk of unknownFields(message)) {
    const number = protobuf.Reader.create(chunk).uint32() >>> 3;
    const extension = context.extensions.get(`${typeName}:${number}`);
    // The set's own descriptor.proto may be newer than protobufjs's.
    const newer = context.messages.get(typeName)?.field.find((candidate) => candidate.number === number);
    const field = extension?.field ?? newer;
    if (field) {
      const name = `${prefix}${extension ? `(${extension.name})` : field.name}`;
      const lookup = (): OptionField => ({ field, name });
      readFields(protobuf.Reader.create(chunk), lookup, context, into, 0);
    } else context.unknown(typeName.slice(typeName.lastIndexOf(".") + 1), number);
  }
}

function unknownFields(options: object): readonly Uint8Array[] {
  const chunks: unknown = "$unknowns" in options ? options.$unknowns : undefined;
  return Array.isArray(chunks) ? chunks.filter((chunk) => chunk instanceof Uint8Array) : [];
}

function collect(files: readonly DecodedFile[]): Definitions {
  const definitions: Definitions = { messages: new Map(), enums: new Map(), extensions: new Map() };
  const visit = (scope: string, node: DecodedFile | DecodedMessage): void => {
    for (const field of node.extension) {
      const name = `${scope}.${field.name}`.slice(1);
      definitions.extensions.set(`${field.extendee}:${field.number}`, { name, field });
    }
    for (const type of node.enumType) {
      const names = new Map(type.value.map(({ name, number }) => [number, name]));
      definitions.enums.set(`${scope}.${type.name}`, names);
    }
    for (const message of "messageType" in node ? node.messageType : node.nestedType) {
      definitions.messages.set(`${scope}.${message.name}`, message);
      visit(`${scope}.${message.name}`, message);
    }
  };
  for (const file of files) visit(file.package ? `.${file.package}` : "", file);
  return definitions;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

interface OptionField {
  readonly field: DecodedField;
  readonly name: string;
}

const END_GROUP = 4;
const START_GROUP = 3;
const LENGTH_DELIMITED = 2;

/** Reads to the end of the reader, or to that of the group that it is in. */
function readFields(
  reader: protobuf.Reader,
  fieldOf: (number: number) => OptionField | undefined,
  context: Context,
  into: ProtoOption[],
  depth: number,
): void {
  if (depth > MAX_DEPTH) throw new RangeError(`options nest at most ${MAX_DEPTH} deep`);
  while (reader.pos < reader.len) {
    const key = reader.uint32();
    const wireType = key & 7;
    if (wireType === END_GROUP) return;
    const known = fieldOf(key >>> 3);
    const type = known && context.messages.get(known.field.typeName);
    if (!known) reader.skipType(wireType);
    else if (type) {
      const before = into.length;
      const inner = (number: number) => innerField(type, known, number, context);
      const part = wireType === START_GROUP ? reader : protobuf.Reader.create(reader.bytes());
      readFields(part, inner, context, into, depth + 1);
      if (into.length === before) into.push([known.name, EMPTY_MESSAGE]);
    } else {
      const { type: kind } = known.field;
      const packed = wireType === LENGTH_DELIMITED && kind !== STRING && kind !== BYTES;
      const end = packed ? reader.uint32() + reader.pos : reader.pos + 1;
      while (reader.pos < end) into.push([known.name, readScalar(reader, known.field, context)]);
    }
  }
}

function innerField(
  type: DecodedMessage,
  { field: { typeName }, name }: OptionField,
  number: number,
  { extensions }: Context,
): OptionField | undefined {
  const field = type.field.find((candidate) => candidate.number === number);
  if (field) return { field, name: `${name}.${field.name}` };
  const extension = extensions.get(`${typeName}:${number}`);
  return extension && { field: extension.field, name: `${name}.(${extension.name})` };
}

const STRING = 9;
const BYTES = 12;
const ENUM = 14;

/** protobufjs's readers by google.protobuf.FieldDescriptorProto.Type. */
const READERS: Readonly<Record<number, (reader: protobuf.Reader) => unknown>> = {
  1: (reader) => reader.double(),
  2: (reader) => reader.float(),
  3: (reader) => reader.int64(),
  4: (reader) => reader.uint64(),
  5: (reader) => reader.int32(),
  6: (reader) => reader.fixed64(),
  7: (reader) => reader.fixed32(),
  8: (reader) => reader.bool(),
  [STRING]: (reader) => reader.string(),
  [BYTES]: (reader) => printBytes(reader.bytes()),
  13: (reader) => reader.uint32(),
  [ENUM]: (reader) => reader.int32(),
  15: (reader) => reader.sfixed32(),
  16: (reader) => reader.sfixed64(),
  17: (reader) => reader.sint32(),
  18: (reader) => reader.sint64(),
};

function readScalar(reader: protobuf.Reader, field: DecodedField, definitions: Definitions): string {
  const read = READERS[field.type];
  if (!read) throw new RangeError(`the option "${field.name}" has the unknown type ${field.type}`);
  const value = read(reader);
  const name = field.type === ENUM ? definitions.enums.get(field.typeName)?.get(Number(value)) : undefined;
  return name ?? String(value);
}
