// The rules of compatibility: what each change between two versions of an IDL breaks. The comparers find the changes; this
// table is all that they and `causeway diff --rules` know about them.
import type { Position } from "../base/diagnostic.ts";

/**
 * What a change breaks. `wire`: peers of the old and the new version misread each other or fail. `source`: code against the
 * generated stubs no longer compiles, or JSON by names no longer reads. `bridge`: what the other language's side sees changes.
 */
export type BreakKind = "wire" | "source" | "bridge";

/** All kinds of breaks, in the order in which they are told. */
export const BREAK_KINDS: readonly BreakKind[] = ["wire", "source", "bridge"];

export interface DiffRule {
  /** What the change breaks where it is made; seen in a derived twin, every change breaks the bridge. */
  readonly breaks: readonly BreakKind[];
  /** Changes of one aspect of a thing, in the given file and in its twin, are the same change. */
  readonly aspect: "shape" | "name" | "package" | "namespace" | "presence" | "default" | "option";
  /** One sentence for people. */
  readonly says: string;
}

/** Every rule by its stable name, in the order in which people are shown them. */
export const DIFF_RULES = {
  FILE_REMOVED: { breaks: ["source"], aspect: "shape", says: "A file that others include or import stays." },
  FILE_PACKAGE: {
    breaks: ["source"],
    aspect: "package",
    says: "A .proto file keeps its package, which is part of every generated name.",
  },
  FILE_NAMESPACE: {
    breaks: ["source"],
    aspect: "namespace",
    says: "A .thrift file keeps its namespace in each language, one it had none for included.",
  },
  FILE_OPTION: {
    breaks: ["source"],
    aspect: "option",
    says: "A .proto file keeps the options that name or place generated code, such as go_package and java_package.",
  },
  CONSTANT_REMOVED: { breaks: ["source"], aspect: "shape", says: "A Thrift constant stays; its value may change." },
  CONSTANT_TYPE: { breaks: ["source"], aspect: "shape", says: "A Thrift constant keeps its type." },

  MESSAGE_REMOVED: {
    breaks: ["source"],
    aspect: "shape",
    says: "A struct, union, exception or message stays, under its name; what fields of its type become is judged at the fields.",
  },
  MESSAGE_UNION: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Thrift union stays a union and nothing else becomes one: its readers take exactly one field.",
  },
  MESSAGE_KIND: {
    breaks: ["source"],
    aspect: "shape",
    says: "A Thrift struct does not become an exception, nor the reverse; their bytes are the same.",
  },

  FIELD_REMOVED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A field, argument or union member stays; what the other version sends in it would be dropped, or misread once the number is used again.",
  },
  FIELD_RESERVED: {
    breaks: ["source"],
    aspect: "shape",
    says: "A Protobuf field stays in generated code even where its number is reserved instead, which spares the wire.",
  },
  FIELD_NUMBER: {
    breaks: ["wire"],
    aspect: "shape",
    says: "A field keeps its number, or id; the bytes know it by nothing else.",
  },
  FIELD_NAME: {
    breaks: ["source"],
    aspect: "name",
    says: "A field keeps its name, which generated code and JSON use; the binary wires do not.",
  },
  FIELD_TYPE: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A field keeps its type: what the other version writes would be skipped or misread.",
  },
  FIELD_TYPE_COMPATIBLE: {
    breaks: ["source"],
    aspect: "shape",
    says: "A field keeps its type in generated code even where both versions read each other's bytes, as with int32 and int64, string and bytes, or two structs of the same fields.",
  },
  FIELD_ONEOF: {
    breaks: ["wire", "source"],
    aspect: "presence",
    says: "Fields that could be set together stay so, and members of one oneof stay together: a reader keeps the last of several members.",
  },
  FIELD_ONEOF_COMPATIBLE: {
    breaks: ["source"],
    aspect: "presence",
    says: "A field does not enter or leave a oneof, and a oneof keeps its name, even where no two existing fields meet in it or part.",
  },
  FIELD_REQUIRED: {
    breaks: ["wire", "source"],
    aspect: "presence",
    says: "No field becomes required, none is added so, and none ceases to be: messages without it are refused by one of the two versions.",
  },
  FIELD_PRESENCE: {
    breaks: ["source"],
    aspect: "presence",
    says: "A field keeps telling absent from zero, or not: generated code has different types and methods for the two.",
  },
  FIELD_DEFAULT: {
    breaks: ["wire"],
    aspect: "default",
    says: "A field keeps its default: an absent field means one value to the old version and another to the new.",
  },
  FIELD_OPTION: {
    breaks: ["source"],
    aspect: "option",
    says: "A .proto field keeps the options json_name, jstype and ctype, which JSON and generated code depend on.",
  },
  RESERVED_REMOVED: {
    breaks: ["wire"],
    aspect: "option",
    says: "A number that a .proto file reserves stays reserved, because it had another meaning once.",
  },
  RESERVED_NAME_REMOVED: {
    breaks: ["source"],
    aspect: "option",
    says: "A name that a .proto file reserves stays reserved, because JSON had it with another meaning once.",
  },
  EXTENSION_RANGE_REMOVED: {
    breaks: ["source"],
    aspect: "option",
    says: "Numbers that a Protobuf message leaves to extensions stay theirs.",
  },
  EXTENSION_REMOVED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Protobuf extension stays; what the other version sends in it would be unknown.",
  },

  ENUM_REMOVED: { breaks: ["source"], aspect: "shape", says: "An enum stays, under its name." },
  ENUM_CLOSED: {
    breaks: ["source"],
    aspect: "shape",
    says: "A Protobuf enum stays open, or closed: generated code treats unknown numbers differently.",
  },
  ENUM_FIRST_VALUE: {
    breaks: ["wire"],
    aspect: "default",
    says: "The first value of a Protobuf enum keeps its number, which is what absent fields are read as.",
  },
  ENUM_VALUE_REMOVED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "An enum value stays; the other version still sends its number. A new value is no break.",
  },
  ENUM_VALUE_RESERVED: {
    breaks: ["source"],
    aspect: "shape",
    says: "A Protobuf enum value stays in generated code even where its number is reserved instead, which spares the wire.",
  },
  ENUM_VALUE_NUMBER: {
    breaks: ["wire"],
    aspect: "shape",
    says: "An enum value keeps its number; the bytes carry nothing else.",
  },
  ENUM_VALUE_NAME: {
    breaks: ["source"],
    aspect: "name",
    says: "An enum value keeps its name, which generated code and JSON use.",
  },

  SERVICE_REMOVED: { breaks: ["wire", "source"], aspect: "shape", says: "A service stays, under its name." },
  SERVICE_PATH: {
    breaks: ["wire"],
    aspect: "name",
    says: "A Protobuf service keeps its package, because calls name it: /package.Service/Method.",
  },
  SERVICE_EXTENDS: {
    breaks: ["source"],
    aspect: "option",
    says: "A Thrift service keeps extending what it extended; moving methods between the two is no break.",
  },
  METHOD_REMOVED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A service keeps its methods, inherited ones included; calls of the old version would fail.",
  },
  METHOD_TYPE: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "The request and the response of a Protobuf method keep their messages, or the bytes would be misread.",
  },
  METHOD_TYPE_COMPATIBLE: {
    breaks: ["source"],
    aspect: "shape",
    says: "The request and the response of a Protobuf method keep their types in generated code even where another message reads the same bytes.",
  },
  METHOD_RESULT: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Thrift method does not begin or cease to return a value: the caller would miss a result.",
  },
  METHOD_STREAMING: { breaks: ["wire", "source"], aspect: "shape", says: "A method keeps the way it streams." },
  METHOD_ONEWAY: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Thrift method stays oneway, or answered: one side would wait for an answer that never comes.",
  },
  METHOD_IDEMPOTENT: {
    breaks: ["wire"],
    aspect: "option",
    says: "A method does not cease to be idempotent: old callers would still repeat it, or send it as GET.",
  },
  ARGUMENT_ADDED: {
    breaks: ["source"],
    aspect: "shape",
    says: "A Thrift method gets no further argument in generated code; on the wire it is absent from old callers.",
  },
  THROWS_ADDED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Thrift method throws no further exception: old callers do not find it in the result.",
  },
  THROWS_REMOVED: {
    breaks: ["wire", "source"],
    aspect: "shape",
    says: "A Thrift method keeps its exceptions: new callers do not find in the result what an old server throws.",
  },

  TRANSLATION_RULE: {
    breaks: ["bridge"],
    aspect: "shape",
    says: "The rules time, type, uuid_text, code, bits, exact and unknown_enum do not change so that a translated value changes or is refused.",
  },
} as const satisfies Readonly<Record<string, DiffRule>>;

export type DiffRuleId = keyof typeof DIFF_RULES;

/** One change that a rule names. */
export interface Change {
  readonly rule: DiffRuleId;
  /** Where it is now, or was when it is gone. */
  readonly position: Position;
  /** The old place of what changed, or the new one of what is new: a twin's changes have that of what it stands for. */
  readonly about: Position;
  /** What changed, a clause without a full stop. */
  readonly what: string;
  /** What to do instead. */
  readonly advice: string;
  /** It follows from another change of the same IDL, which is told instead. */
  readonly implied?: boolean;
}
