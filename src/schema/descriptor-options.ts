// Options as bytes: the dotted names and printed values of a declaration, laid out by the options message they belong to
// (google.protobuf.FieldOptions and its like) and by the extensions that the file can see.
import descriptor from "protobufjs/ext/descriptor.js";
import protobuf from "protobufjs/light.js";
import type { Extension, FieldType, MessageType, ProtoScalar, SchemaFile } from "./model.ts";
import type { ProtoOption } from "./proto-document.ts";

export type OptionsName =
  | "FileOptions"
  | "MessageOptions"
  | "FieldOptions"
  | "OneofOptions"
  | "EnumOptions"
  | "EnumValueOptions"
  | "ServiceOptions"
  | "MethodOptions";

/** Writes the options of one file's declarations; undefined when there are none. */
export type OptionsWriter = (target: OptionsName, options: readonly ProtoOption[]) => Uint8Array | undefined;

/** A field of an options message, whichever side describes it. */
interface OptionField {
  readonly id: number;
  readonly repeated: boolean;
  readonly packed: boolean;
  readonly scalar: ProtoScalar | undefined;
  readonly enumNumber: ((name: string) => number | undefined) | undefined;
  readonly inner: ((name: string) => OptionField | undefined) | undefined;
}

/** What was written for one message, by field, in order. */
type OptionTree = Map<OptionField, (string | OptionTree)[]>;

/**
 * A writer for the options of `file`. Options whose extension neither the file nor its imports declare are left out, as are
 * `Any` values; a repeated message in an option begins anew where a field of it comes again.
 */
export function createOptionsWriter(file: SchemaFile): OptionsWriter {
  const extensions = visibleExtensions(file);
  return (target, options) => {
    const tree: OptionTree = new Map();
    for (const [name, value] of options) {
      const path = splitName(name);
      const [first, ...rest] = path;
      const field = first?.startsWith("(")
        ? findExtension(extensions, first.slice(1, -1), file.package, target)
        : knownField(descriptor[target], first ?? "");
      if (field) insert(tree, field, rest, value);
    }
    return tree.size === 0 ? undefined : writeTree(tree);
  };
}

function visibleExtensions(file: SchemaFile): ReadonlyMap<string, Extension> {
  const files = new Set([file]);
  for (const each of files) for (const inner of each.imports) files.add(inner);
  const extensions = new Map<string, Extension>();
  for (const each of files)
    for (const extension of each.extensions ?? []) extensions.set(extension.fullName, extension);
  return extensions;
}

/** `(a.b).c.d` is `(a.b)`, `c`, `d`. */
function splitName(name: string): readonly string[] {
  return name.match(/\([^)]*\)|[^.()]+/g) ?? [];
}

function findExtension(
  extensions: ReadonlyMap<string, Extension>,
  name: string,
  scope: string,
  target: OptionsName,
): OptionField | undefined {
  if (name.startsWith(".")) return extensionField(extensions.get(name.slice(1)), target);
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
    const found = extensionField(extensions.get(around === "" ? name : `${around}.${name}`), target);
    if (found || around === "") return found;
  }
}

/** Fields keep their identity, which is what a tree groups values by. */
const EXTENSION_FIELDS = new WeakMap<Extension, OptionField>();

function extensionField(extension: Extension | undefined, target: OptionsName): OptionField | undefined {
  if (extension?.extendee.fullName !== `google.protobuf.${target}`) return undefined;
  const field = EXTENSION_FIELDS.get(extension) ?? modelField(extension.id, extension.type);
  if (field) EXTENSION_FIELDS.set(extension, field);
  return field;
}

function modelField(id: number, type: FieldType): OptionField | undefined {
  const element = type.kind === "list" ? type.element : type;
  const field = { id, repeated: type.kind === "list", packed: type.kind === "list" && type.packed };
  switch (element.kind) {
    case "scalar":
      return { ...field, scalar: element.name as ProtoScalar, enumNumber: undefined, inner: undefined };
    case "enum": {
      const enumNumber = (name: string) => element.type.values.find((value) => value.name === name)?.number;
      return { ...field, scalar: undefined, enumNumber, inner: undefined };
    }
    case "message":
      if (element.delimited) return undefined;
      return { ...field, scalar: undefined, enumNumber: undefined, inner: fieldsOf(element.type) };
  }
  return undefined;
}

const MODEL_FIELDS = new WeakMap<MessageType, Map<string, OptionField | undefined>>();

function fieldsOf(type: MessageType): (name: string) => OptionField | undefined {
  return (name) => {
    const known = MODEL_FIELDS.get(type) ?? new Map<string, OptionField | undefined>();
    MODEL_FIELDS.set(type, known);
    if (!known.has(name)) {
      const field = type.fields.find((candidate) => candidate.name === name);
      known.set(name, field && modelField(field.id, field.type));
    }
    return known.get(name);
  };
}

const KNOWN_FIELDS = new WeakMap<protobuf.Field, OptionField>();

/** A field of descriptor.proto itself, which protobufjs knows by its lowerCamelCase name. */
function knownField(type: protobuf.Type, name: string): OptionField | undefined {
  const field = type.fields[name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())];
  if (!field) return undefined;
  field.resolve();
  const before = KNOWN_FIELDS.get(field);
  if (before) return before;
  const { resolvedType } = field;
  const known: OptionField = {
    id: field.id,
    repeated: field.repeated,
    packed: false,
    scalar: resolvedType ? undefined : (field.type as ProtoScalar),
    enumNumber: resolvedType instanceof protobuf.Enum ? (word) => resolvedType.values[word] : undefined,
    inner: resolvedType instanceof protobuf.Type ? (word) => knownField(resolvedType, word) : undefined,
  };
  KNOWN_FIELDS.set(field, known);
  return known;
}

/** False when a field that holds one value has one already: then the nearest repeated message begins anew. */
function insert(tree: OptionTree, field: OptionField, rest: readonly string[], value: string): boolean {
  const values = tree.get(field) ?? [];
  const [next, ...further] = rest;
  if (next === undefined) {
    if (field.inner !== undefined || (values.length > 0 && !field.repeated)) return false;
    tree.set(field, [...values, value]);
    return true;
  }
  const inner = field.inner?.(next);
  if (!inner) return true;
  const last = values.at(-1);
  if (last instanceof Map && insert(last, inner, further, value)) return true;
  if (values.length > 0 && !field.repeated) return false;
  const fresh: OptionTree = new Map();
  insert(fresh, inner, further, value);
  tree.set(field, [...values, fresh]);
  return true;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

function writeTree(tree: OptionTree): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [field, values] of tree) {
    if (field.packed) {
      writer.uint32((field.id << 3) | DELIMITED).fork();
      for (const value of values) if (typeof value === "string") writeValue(writer, field, value);
      writer.ldelim();
      continue;
    }
    for (const value of values) {
      writer.uint32(((field.id << 3) | wireTypeOf(field)) >>> 0);
      if (typeof value === "string") writeValue(writer, field, value);
      else writer.bytes(writeTree(value));
    }
  }
  return writer.finish();
}

function wireTypeOf({ scalar, enumNumber }: OptionField): number {
  if (scalar === undefined) return enumNumber ? VARINT : DELIMITED;
  if (scalar === "string" || scalar === "bytes") return DELIMITED;
  if (scalar === "double" || scalar.endsWith("fixed64")) return FIXED64;
  return scalar === "float" || scalar.endsWith("fixed32") ? FIXED32 : VARINT;
}

function writeValue(writer: protobuf.Writer, { scalar, enumNumber }: OptionField, value: string): void {
  if (enumNumber) writer.int32(enumNumber(value) ?? integer(value));
  else if (scalar === "bool") writer.bool(value === "true");
  else if (scalar === "string") writer.string(value);
  else if (scalar === "bytes") writer.bytes(Buffer.from(value, "latin1"));
  else if (scalar === "double" || scalar === "float") writer[scalar](Number(value));
  else if (scalar?.endsWith("64")) writer[scalar as "int64"](exact(value));
  else if (scalar !== undefined) writer[scalar as "int32"](integer(value));
}

function integer(value: string): number {
  const number = Number(value);
  return Number.isInteger(number) ? number : 0;
}

/** protobufjs prints an option above 2^53 with an exponent; its digits are what is left of it. */
function exact(value: string): string {
  return BigInt(integer(value)).toString();
}
