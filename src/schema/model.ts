// What can be said: one model for Thrift and .proto files, as their authors wrote them. Translation between the two is
// link.ts; nothing here knows bytes.
import type { Position } from "../base/diagnostic.ts";

/** Which IDL, and so which family of encodings, a type belongs to. */
export type Wire = "thrift" | "protobuf";

export type ThriftScalar = "bool" | "i8" | "i16" | "i32" | "i64" | "double" | "string" | "binary" | "uuid";

export type ProtoScalar =
  | "double"
  | "float"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

/** The type of a field, an element, a key or a value. Typedefs are resolved. */
export type FieldType =
  | { readonly kind: "scalar"; readonly name: ThriftScalar | ProtoScalar }
  | { readonly kind: "enum"; readonly type: EnumType }
  /** `delimited`: a Protobuf group, whose end is a tag instead of a length. */
  | { readonly kind: "message"; readonly type: MessageType; readonly delimited: boolean }
  /** `packed` is Protobuf's; false for Thrift. */
  | { readonly kind: "list"; readonly element: FieldType; readonly packed: boolean }
  | { readonly kind: "set"; readonly element: FieldType }
  | { readonly kind: "map"; readonly key: FieldType; readonly value: FieldType };

/**
 * Thrift: `required`, `optional`, or `default` (neither word). Protobuf: `required` (proto2), `optional` (explicit
 * presence: proto2, proto3 `optional`, messages, oneof members), or `implicit` (proto3 scalars, repeated, map).
 */
export type Presence = "required" | "optional" | "default" | "implicit";

/** A constant of an IDL. Integers are exact; enum values stand as their number. */
export type Constant =
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "list"; readonly values: readonly Constant[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Constant, Constant])[] };

/** What an author wrote beside a thing: Thrift annotations, or Protobuf options as `name` to printed value. Repeated keys are kept. */
export type Annotations = readonly (readonly [key: string, value: string])[];

/** The overrides of the translation rules: the same words in Thrift annotations (`pb.x`), `(causeway.rules)` and the config. */
export interface Rules {
  /** The field number on the other wire. */
  readonly field?: number;
  /** 64-bit values above the signed range keep their bits instead of being an error. */
  readonly bits?: boolean;
  /** Any rounding of a double to a float is an error. */
  readonly exact?: boolean;
  /** Accepts a translation that would otherwise be reported as lossy. */
  readonly lossy?: boolean;
  /** Keeps absent and empty containers apart by a wrapper message. */
  readonly presence?: boolean;
  /** A repeated field that stands for a Thrift set. */
  readonly set?: boolean;
  /** A message that stands for a nested container, or a field whose container gets one. */
  readonly wrap?: boolean;
  /** The field's or method's single struct stands for itself instead of in a message of its own. */
  readonly unwrap?: boolean;
  /** How an i64 stands for a Timestamp or Duration. */
  readonly time?: "s" | "ms" | "us" | "ns";
  /** uuid as canonical text instead of 16 bytes. */
  readonly uuidText?: boolean;
  /** What becomes of an enum number that the other side does not know. */
  readonly unknownEnum?: "pass" | "error";
  /**
   * The scalar type that a derived field, or the elements of a derived repeated field, had in the IDL it came from; of a map
   * `map<key,value>`, where a value that is no scalar stands as its name.
   */
  readonly type?: string;
  /** The gRPC code of a declared exception. */
  readonly code?: string;
  /** A message that stands for a Thrift argument list, or for a Thrift result. */
  readonly args?: boolean;
  /** The name that the thing had before it was made fit for this IDL. */
  readonly name?: string;
  /** An enum value that only exists because proto3 needs a zero. */
  readonly synthetic?: boolean;
  /** The presence that a derived field had in the IDL it came from; on a message or file, that of its fields which do not say. */
  readonly requiredness?: Presence;
  /** The default that a derived field had in the IDL it came from, where this IDL has no place for one: a number, true, false or text. */
  readonly default?: string;
  /**
   * The oneof that a derived field was a member of; on a message without fields, that it was a union. On a method, that its
   * result and its exceptions are members of a oneof of this name in the response, instead of an exception being a status.
   */
  readonly oneof?: string;
  /** A derived method that is never answered. */
  readonly oneway?: boolean;
  /** The exceptions of a derived method: `1: OutOfStock outOfStock, 2: other.Exception name`. */
  readonly throws?: string;
  /** What stands in front of the name of every value of a derived enum, and did not in the IDL it came from. */
  readonly prefix?: string;
}

/** What every named thing of an IDL has. */
export interface Declaration {
  readonly name: string;
  /** Doc comment without its markers; undefined when there is none. */
  readonly doc: string | undefined;
  readonly annotations: Annotations;
  readonly rules: Rules;
  /** Those of `rules` that the config states: what stands in the IDL of a partner does not overrule them. */
  readonly overrides?: Rules;
  readonly position: Position;
}

export interface Field extends Declaration {
  /** Thrift field id, or Protobuf field number. */
  readonly id: number;
  readonly type: FieldType;
  readonly presence: Presence;
  /** The default that the author wrote; undefined when there is none. */
  readonly defaultValue: Constant | undefined;
  /** The name of the Protobuf oneof it belongs to; undefined outside one, and for the synthetic oneof of a proto3 `optional`. */
  readonly oneof: string | undefined;
  /** A message field or extension that proto3 calls `optional`, which means nothing but shows in descriptors. */
  readonly proto3Optional?: true;
}

/** A Protobuf field that is declared apart from the message it belongs to; not one of that message's `fields`. */
export interface Extension extends Field {
  /** Its own scope and name: `package.Outer.name`. */
  readonly fullName: string;
  readonly extendee: MessageType;
  /** The message it is declared in, which is not the one it extends. */
  readonly parent: MessageType | undefined;
}

/** Numbers `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** What nothing new in a Protobuf message or enum may take. */
export interface Reserved {
  readonly ranges: readonly NumberRange[];
  readonly names: readonly string[];
}

/** Numbers that other files may give to extensions. */
export interface ExtensionRange extends NumberRange {
  readonly annotations: Annotations;
}

/** Who may refer to a type, where its author says so: every file, or its own alone. */
export type Visibility = "export" | "local";

/** A struct, union or exception, the arguments or result of a Thrift method, or a Protobuf message. */
export interface MessageType extends Declaration {
  readonly wire: Wire;
  /** `package.Outer.Inner`, without a leading dot. */
  readonly fullName: string;
  readonly shape: "struct" | "union" | "exception" | "arguments" | "result" | "message";
  /** In the order of the file. */
  readonly fields: readonly Field[];
  /** Extensions included. */
  readonly fieldsById: ReadonlyMap<number, Field>;
  /** The enclosing Protobuf message. */
  readonly parent: MessageType | undefined;
  /** Proto only: the extensions of it in all files that were loaded, options aside. Undefined means none. */
  readonly extensions?: readonly Extension[];
  /** Proto only: undefined means that the fields alone say which there are. */
  readonly oneofs?: readonly Declaration[];
  readonly reserved?: Reserved;
  readonly extensionRanges?: readonly ExtensionRange[];
  readonly visibility?: Visibility;
}

/** What may stand in a message of this type: its own fields, then its extensions. */
export function fieldsOf({ fields, extensions = [] }: MessageType): readonly (Field | Extension)[] {
  return extensions.length === 0 ? fields : [...fields, ...extensions];
}

/** Whether the message has extensions only, in a wire format of their own that has no translation (message_set_wire_format). */
export function isMessageSet({ annotations }: MessageType): boolean {
  return annotations.some(([name, value]) => name === "message_set_wire_format" && value === "true");
}

export interface EnumValue extends Declaration {
  readonly number: number;
}

export interface EnumType extends Declaration {
  readonly wire: Wire;
  readonly fullName: string;
  readonly values: readonly EnumValue[];
  /** The first value of each number. */
  readonly valuesByNumber: ReadonlyMap<number, EnumValue>;
  /** Closed enums (proto2) keep numbers they do not name out of the field. Thrift's and proto3's are open. */
  readonly closed: boolean;
  readonly parent: MessageType | undefined;
  readonly reserved?: Reserved;
  readonly visibility?: Visibility;
}

export type Streaming = "none" | "client" | "server" | "bidi";

export interface Method extends Declaration {
  readonly wire: Wire;
  /** The full name of the service that declares it. */
  readonly service: string;
  /** Thrift: the arguments struct. Protobuf: the request. Undefined when the IDL is not loaded: the method is opaque. */
  readonly request: MessageType | undefined;
  /** Thrift: the result struct, field 0 success (`required` unless void) and the exceptions. Protobuf: the response. */
  readonly response: MessageType | undefined;
  /** The declared exceptions, by their id in the result. */
  readonly throws: readonly Field[];
  /** Never answered. */
  readonly oneway: boolean;
  readonly streaming: Streaming;
  /** Whether running it twice is the same as once: an annotation, or Protobuf's idempotency_level. */
  readonly idempotent: boolean;
}

export interface Service extends Declaration {
  readonly wire: Wire;
  readonly fullName: string;
  /** The service it inherits from, Thrift only. */
  readonly base: Service | undefined;
  /** Declared here, in the order of the file. */
  readonly methods: readonly Method[];
}

export interface NamedConstant extends Declaration {
  readonly type: FieldType;
  readonly value: Constant;
}

/** One .thrift or .proto file. */
export interface SchemaFile {
  /** Where it was read from, as diagnostics name it. */
  readonly path: string;
  /** Proto only: the name by which others import it, from the folder that it was found in. Undefined: `path`. */
  readonly importPath?: string;
  readonly wire: Wire;
  /** The Protobuf package; for Thrift by this order: `namespace *`, else the first namespace, else the base name. */
  readonly package: string;
  /** Thrift: scope to namespace. Protobuf: file options such as `java_package`. */
  readonly annotations: Annotations;
  readonly rules: Rules;
  /** Those of `rules` that the config states. */
  readonly overrides?: Rules;
  readonly doc: string | undefined;
  /** Proto only: "proto2", "proto3" or an edition such as "2023". */
  readonly syntax: string | undefined;
  readonly imports: readonly SchemaFile[];
  /** Proto only: those of `imports` that files importing this one see too. Undefined means none. */
  readonly publicImports?: readonly SchemaFile[];
  /** Proto only: files that give names to options alone, and are not among `imports`. Undefined means none. */
  readonly optionImports?: readonly SchemaFile[];
  /** Without the nested ones' parents' order lost: outer before inner, in the order of the file. */
  readonly messages: readonly MessageType[];
  readonly enums: readonly EnumType[];
  readonly services: readonly Service[];
  readonly constants: readonly NamedConstant[];
  /** Proto only, nested ones too, outer before inner. Undefined means none. */
  readonly extensions?: readonly Extension[];
}

/** Every file that was loaded, imports included, and its names. */
export interface Schema {
  /** Imports before the files that import them. */
  readonly files: readonly SchemaFile[];
  /** By full name, arguments and results of Thrift methods left out. A name may stand on both wires. */
  readonly messages: ReadonlyMap<string, readonly MessageType[]>;
  readonly enums: ReadonlyMap<string, readonly EnumType[]>;
  readonly services: ReadonlyMap<string, readonly Service[]>;
}

/** All methods of a service, inherited ones first, flattened. */
export function methodsOf(service: Service): readonly Method[] {
  return service.base ? [...methodsOf(service.base), ...service.methods] : service.methods;
}
