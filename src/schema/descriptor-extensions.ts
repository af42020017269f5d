// Options back from bytes: the known ones by descriptor.proto, the others by the extensions that the same set declares.
import protobuf from "protobufjs/light.js";
import type { DecodedField, DecodedFile, DecodedMessage, DecodedOptions } from "./descriptor-types.ts";
import type { ProtoOption } from "./proto-document.ts";

/** The options as dotted names and printed values; `target` is the options message, such as `FieldOptions`. */
export type OptionsReader = (target: string, options: DecodedOptions) => ProtoOption[];

interface Definitions {
  /** By full name with its leading dot. */
  readonly messages: Map<string, DecodedMessage>;
  readonly enums: Map<string, ReadonlyMap<number, string>>;
  /** By extended message and number. */
  readonly extensions: Map<string, { readonly name: string; readonly field: DecodedField }>;
}

/** Options nest at most this deep; what lies deeper is left out. */
const MAX_DEPTH = 32;

/** A reader for the options in these files; `unknown` is told of each number that no extension in them explains. */
export function createOptionsReader(
  files: readonly DecodedFile[],
  unknown: (target: string, number: number) => void,
): OptionsReader {
  const definitions = collect(files);
  return (target, options) => {
    const found: ProtoOption[] = [];
    if (!options) return found;
    if (options instanceof protobuf.Message) {
      const plain = options.$type.toObject(options, { enums: String, longs: String, bytes: String });
      for (const [name, value] of Object.entries(plain)) flatten(snakeCase(name), value, found);
    }
    for (const chunk of unknownFields(options)) {
      const reader = protobuf.Reader.create(chunk);
      const number = reader.uint32() >>> 3;
      const extension = definitions.extensions.get(`.google.protobuf.${target}:${number}`);
      if (!extension) {
        unknown(target, number);
        continue;
      }
      const lookup = (candidate: number) => (candidate === number ? extension.field : undefined);
      readFields(chunk, lookup, () => `(${extension.name})`, definitions, found, 0);
    }
    return found;
  };
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

function flatten(name: string, value: unknown, into: ProtoOption[]): void {
  if (Array.isArray(value)) for (const element of value) flatten(name, element, into);
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) flatten(`${name}.${snakeCase(key)}`, inner, into);
  } else into.push([name, String(value)]);
}

function readFields(
  bytes: Uint8Array,
  fieldOf: (number: number) => DecodedField | undefined,
  nameOf: (field: DecodedField) => string,
  definitions: Definitions,
  into: ProtoOption[],
  depth: number,
): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len && depth < MAX_DEPTH) {
    const key = reader.uint32();
    const field = fieldOf(key >>> 3);
    const message = field && definitions.messages.get(field.typeName);
    if (!field) reader.skipType(key & 7);
    else if (message) {
      const inner = (number: number) => message.field.find((candidate) => candidate.number === number);
      const name = nameOf(field);
      readFields(reader.bytes(), inner, (part) => `${name}.${part.name}`, definitions, into, depth + 1);
    } else {
      const packed = (key & 7) === 2 && field.type !== STRING && field.type !== BYTES;
      const end = packed ? reader.uint32() + reader.pos : reader.pos + 1;
      while (reader.pos < end) into.push([nameOf(field), readScalar(reader, field, definitions)]);
    }
  }
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
  [BYTES]: (reader) => Buffer.from(reader.bytes()).toString("latin1"),
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
