// Options as bytes: the dotted names and printed values of a declaration, laid out by the options message they belong to
// (google.protobuf.FieldOptions and its like) and by the extensions that the file can see.
import descriptor from "protobufjs/ext/descriptor.js";
import protobuf from "protobufjs/light.js";
import type { Extension, Field, FieldType, MessageType, ProtoScalar, SchemaFile } from "./model.ts";
import { parseProtoDouble } from "./proto-default.ts";
import type { ProtoOption } from "./proto-document.ts";
import { isProtoScalar } from "./proto-fields.ts";
import { parseProtoBigint } from "./proto-integer.ts";
import { readPrintedBytes } from "./proto-options.ts";

export type OptionsName =
  | "FileOptions"
  | "MessageOptions"
  | "FieldOptions"
  | "OneofOptions"
  | "EnumOptions"
  | "EnumValueOptions"
  | "ServiceOptions"
  | "MethodOptions"
  | "ExtensionRangeOptions";

/** Writes the options of a declaration of one file in `scope`; undefined when there are none. */
export type OptionsWriter = (
  target: OptionsName,
  options: readonly ProtoOption[],
  scope: string,
) => Uint8Array | undefined;

/** A field of an options message, whichever side describes it. */
interface OptionField {
  readonly id: number;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** A group, which ends with a tag of its own. */
  readonly delimited: boolean;
  readonly scalar: ProtoScalar | undefined;
  readonly enumNumber: ((name: string) => number | undefined) | undefined;
  /** The message that it holds. */
  readonly owner: Owner | undefined;
}

/** A message that options are fields of. The same name gives the same field, which is what a tree groups values by. */
interface Owner {
  readonly fullName: string;
  field(name: string): OptionField | undefined;
}

/** What was written for one message, by field, in order. */
type OptionTree = Map<OptionField, (string | OptionTree)[]>;

/**
 * A writer for the options of `file`. Options whose extension neither the file nor its imports declare are left out, as are
 * `Any` values; a repeated message in an option begins anew where a field of it comes again.
 */
export function createOptionsWriter(file: SchemaFile): OptionsWriter {
  const { extensions, options: own } = visibleDeclarations(file);
  return (target, options, scope) => {
    const find: Find = (owner, part) =>
      part.startsWith("(") ? findExtension(extensions, part.slice(1, -1), scope, owner) : owner.field(part);
    const tree: OptionTree = new Map();
    const name = `google.protobuf.${target}`;
    const declared = own.get(name);
    const owner = declared ? messageOwner(declared) : reflectedOwner(descriptor.FileOptions.root.lookupType(name));
    for (const [name, value] of options) insert(tree, owner, splitName(name), value, find);
    return tree.size === 0 ? undefined : writeTree(protobuf.Writer.create(), tree).finish();
  };
}

/** The field or extension of `owner` that one part of an option's name means. */
type Find = (owner: Owner, part: string) => OptionField | undefined;

/** The extensions in sight, and the options messages, which a file's own descriptor.proto may know better than protobufjs. */
function visibleDeclarations(file: SchemaFile) {
  const files = new Set([file]);
  for (const each of files) for (const inner of [...each.imports, ...(each.optionImports ?? [])]) files.add(inner);
  const extensions = new Map<string, Extension>();
  const options = new Map<string, MessageType>();
  for (const each of files) {
    for (const extension of each.extensions ?? []) extensions.set(extension.fullName, extension);
    if (each.package !== "google.protobuf") continue;
    for (const type of each.messages) if (type.name.endsWith("Options")) options.set(type.fullName, type);
  }
  return { extensions, options };
}

/** `(a.b).c.d` is `(a.b)`, `c`, `d`; the type of an `Any` stands in square brackets. */
function splitName(name: string): readonly string[] {
  return name.match(/\([^)]*\)|\[[^\]]*\]|[^.()[\]]+/g) ?? [];
}

function findExtension(
  extensions: ReadonlyMap<string, Extension>,
  name: string,
  scope: string,
  owner: Owner,
): OptionField | undefined {
  if (name.startsWith(".")) return extensionField(extensions.get(name.slice(1)), owner);
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
    const found = extensionField(extensions.get(around === "" ? name : `${around}.${name}`), owner);
    if (found || around === "") return found;
  }
}

const EXTENSION_FIELDS = new WeakMap<Extension, OptionField>();

function extensionField(extension: Extension | undefined, owner: Owner): OptionField | undefined {
  if (extension?.extendee.fullName !== owner.fullName) return undefined;
  const field = EXTENSION_FIELDS.get(extension) ?? modelField(extension);
  EXTENSION_FIELDS.set(extension, field);
  return field;
}

function modelField({ id, type }: Pick<Field, "id" | "type">): OptionField {
  const element = type.kind === "list" ? type.element : type;
  return {
    id,
    repeated: type.kind === "list" || type.kind === "map",
    packed: type.kind === "list" && type.packed,
    delimited: element.kind === "message" && element.delimited,
    scalar: element.kind === "scalar" && isProtoScalar(element.name) ? element.name : undefined,
    enumNumber:
      element.kind === "enum" ? (name) => element.type.values.find((each) => each.name === name)?.number : undefined,
    owner:
      element.kind === "message"
        ? messageOwner(element.type)
        : element.kind === "map"
          ? entryOwner(element)
          : undefined,
  };
}

const MESSAGE_OWNERS = new WeakMap<MessageType, Owner>();

function messageOwner(type: MessageType): Owner {
  const known = MESSAGE_OWNERS.get(type);
  if (known) return known;
  const owner = createOwner(type.fullName, (name) => {
    // A group's field is also called by its type's name.
    const named = type.fields.find((field) => field.name === name) ?? type.fields.find((field) => isGroup(field, name));
    return named && modelField(named);
  });
  MESSAGE_OWNERS.set(type, owner);
  return owner;
}

function isGroup({ type }: Field, name: string): boolean {
  const element = type.kind === "list" ? type.element : type;
  return element.kind === "message" && element.delimited && element.type.name === name;
}

function entryOwner({ key, value }: FieldType & { readonly kind: "map" }): Owner {
  const fields: Readonly<Record<string, OptionField>> = {
    key: modelField({ id: 1, type: key }),
    value: modelField({ id: 2, type: value }),
  };
  return createOwner("", (name) => (name === "key" || name === "value" ? fields[name] : undefined));
}

const REFLECTED_OWNERS = new WeakMap<protobuf.Type, Owner>();

/** A message of descriptor.proto itself, which protobufjs knows by the lowerCamelCase names of its fields. */
function reflectedOwner(type: protobuf.Type): Owner {
  const known = REFLECTED_OWNERS.get(type);
  if (known) return known;
  const owner = createOwner(type.fullName.slice(1), (name) => {
    const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const field = Object.hasOwn(type.fields, camel) ? type.fields[camel] : undefined;
    return field && reflectedField(field.resolve());
  });
  REFLECTED_OWNERS.set(type, owner);
  return owner;
}

function reflectedField(field: protobuf.Field): OptionField {
  const { resolvedType } = field;
  return {
    id: field.id,
    repeated: field.repeated,
    packed: false,
    delimited: false,
    scalar: isProtoScalar(field.type) ? field.type : undefined,
    enumNumber:
      resolvedType instanceof protobuf.Enum
        ? (word) => (Object.hasOwn(resolvedType.values, word) ? resolvedType.values[word] : undefined)
        : undefined,
    owner: resolvedType instanceof protobuf.Type ? reflectedOwner(resolvedType) : undefined,
  };
}

function createOwner(fullName: string, create: (name: string) => OptionField | undefined): Owner {
  const fields = new Map<string, OptionField | undefined>();
  return {
    fullName,
    field(name) {
      if (!fields.has(name)) fields.set(name, create(name));
      return fields.get(name);
    },
  };
}

/** False when a field that holds one value has one already: then the nearest repeated message begins anew. */
function insert(tree: OptionTree, owner: Owner, path: readonly string[], value: string, find: Find): boolean {
  const [part = "", ...rest] = path;
  const field = find(owner, part);
  // What nobody declared is left out.
  if (!field) return true;
  const values = tree.get(field) ?? [];
  if (rest.length === 0 && !field.owner) {
    if (values.length > 0 && !field.repeated) return false;
    tree.set(field, [...values, value]);
    return true;
  }
  if (!field.owner) return true;
  const last = values.at(-1);
  if (last instanceof Map && rest.length > 0 && insert(last, field.owner, rest, value, find)) return true;
  if (values.length > 0 && !field.repeated) return false;
  const fresh: OptionTree = new Map();
  if (rest.length > 0) insert(fresh, field.owner, rest, value, find);
  tree.set(field, [...values, fresh]);
  return true;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

function writeTree(writer: protobuf.Writer, tree: OptionTree): protobuf.Writer {
  const key = (id: number, wireType: number): protobuf.Writer => writer.uint32(((id << 3) | wireType) >>> 0);
  for (const [field, values] of [...tree].sort(([a], [b]) => a.id - b.id)) {
    if (field.packed) {
      key(field.id, DELIMITED).fork();
      for (const value of values) if (typeof value === "string") writeValue(writer, field, value);
      writer.ldelim();
      continue;
    }
    for (const value of values) {
      key(field.id, wireTypeOf(field));
      if (typeof value === "string") writeValue(writer, field, value);
      else if (!field.delimited) writeTree(writer.fork(), value).ldelim();
      else {
        writeTree(writer, value);
        key(field.id, GROUP_END);
      }
    }
  }
  return writer;
}

function wireTypeOf({ scalar, enumNumber, delimited }: OptionField): number {
  if (delimited) return GROUP;
  if (scalar === undefined) return enumNumber ? VARINT : DELIMITED;
  if (scalar === "string" || scalar === "bytes") return DELIMITED;
  if (scalar === "double" || scalar.endsWith("fixed64")) return FIXED64;
  return scalar === "float" || scalar.endsWith("fixed32") ? FIXED32 : VARINT;
}

function writeValue(writer: protobuf.Writer, { scalar, enumNumber }: OptionField, value: string): void {
  if (enumNumber) writer.int32(enumNumber(value) ?? Number(integer(value)));
  else if (scalar === "bool") writer.bool(value === "true" || value === "True" || value === "t" || value === "1");
  else if (scalar === "string") writer.string(value);
  else if (scalar === "bytes") writer.bytes(readPrintedBytes(value));
  else if (scalar === "double" || scalar === "float") writer[scalar](parseProtoDouble(value) ?? 0);
  else if (scalar?.endsWith("64")) writer[scalar as "int64"](String(BigInt.asIntN(64, integer(value))));
  else if (scalar !== undefined) writer[scalar as "int32"](Number(integer(value)));
}

function integer(value: string): bigint {
  return parseProtoBigint(value) ?? 0n;
}
