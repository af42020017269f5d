// One field, and one type, of the stub model: on the IDL's own wire by itself, on the other by its link with the twin.
import type { Position } from "../src/base/diagnostic.ts";
import type { FieldLink, ValueLink } from "../src/schema/link.ts";
import type { EnumType, Field, FieldType, MessageType, ProtoScalar, ThriftScalar, Wire } from "../src/schema/model.ts";
import type { ApiScalar, StubEnum, StubField, StubMessage, StubNamed, StubType } from "./stub-model.ts";

/** The types that are there, by those of the schema. */
export interface StubTypes {
  readonly wire: Wire;
  readonly messages: ReadonlyMap<MessageType, StubMessage>;
  readonly enums: ReadonlyMap<EnumType, StubEnum>;
  /** Reports something that stubs cannot say. */
  unsupported(position: Position, message: string): void;
}

/** What the names of a model are made of. */
export interface Named {
  readonly name: string;
  readonly doc: string | undefined;
  readonly annotations: readonly (readonly [string, string])[];
  readonly position: Position;
}

export function namedOf({ name, doc, annotations, position }: Named): StubNamed {
  const deprecated = annotations.some(([key, value]) => key === "deprecated" && value !== "false");
  return { name, doc, deprecated, position };
}

const API: Readonly<Record<ThriftScalar | ProtoScalar, ApiScalar>> = {
  bool: "bool",
  i8: "i8",
  i16: "i16",
  i32: "i32",
  i64: "i64",
  double: "double",
  string: "string",
  binary: "bytes",
  uuid: "uuid",
  float: "float",
  int32: "i32",
  int64: "i64",
  uint32: "u32",
  uint64: "u64",
  sint32: "i32",
  sint64: "i64",
  fixed32: "u32",
  fixed64: "u64",
  sfixed32: "i32",
  sfixed64: "i64",
  bytes: "bytes",
};

/** A field on its own wire. */
export function ownFieldOf(types: StubTypes, named: StubNamed, field: Field): StubField {
  const { presence, type } = field;
  const repeated = isRepeated(type);
  return {
    ...named,
    ...presenceOf(field),
    id: field.id,
    type: ownTypeOf(types, type),
    write:
      presence === "optional"
        ? "present"
        : presence === "implicit" || (repeated && types.wire === "protobuf")
          ? "nonzero"
          : "always",
    absent: presence === "required" ? "error" : "keep",
    defaultValue: field.defaultValue,
    oneof: field.oneof,
  };
}

function isRepeated({ kind }: FieldType): boolean {
  return kind === "list" || kind === "set" || kind === "map";
}

function presenceOf({ presence }: Field): Pick<StubField, "optional" | "required"> {
  return { optional: presence === "optional", required: presence === "required" };
}

/** A type with the coding of its own wire. */
export function ownTypeOf(types: StubTypes, type: FieldType): StubType {
  switch (type.kind) {
    case "scalar":
      return { kind: "scalar", api: API[type.name], coding: type.name, bits: false };
    case "enum":
      return { kind: "enum", type: found(types.enums, type.type), syntheticZero: false };
    case "message":
      return { kind: "message", type: found(types.messages, type.type), delimited: type.delimited };
    case "list":
      return { kind: "list", element: ownTypeOf(types, type.element), set: false, packed: type.packed };
    case "set":
      return { kind: "list", element: ownTypeOf(types, type.element), set: true, packed: false };
    case "map":
      return { kind: "map", key: ownTypeOf(types, type.key), value: ownTypeOf(types, type.value) };
  }
}

function found<K extends { readonly fullName: string }, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${key.fullName} is in no file of the model`);
  return value;
}

/** A field on the other wire. */
export function twinFieldOf(types: StubTypes, named: StubNamed, field: Field, link: FieldLink): StubField {
  const twin = link[types.wire];
  const whenAbsent = types.wire === "protobuf" ? link.absentInProtobuf : link.absentInThrift;
  const { optional, required } = presenceOf(field);
  const bare = types.wire === "protobuf" && (link.value.kind === "list" || link.value.kind === "map");
  return {
    ...named,
    optional,
    required,
    id: twin.id,
    type: twinTypeOf(types, field, field.type, link.value),
    write: optional ? "present" : bare ? "nonzero" : "always",
    // A container that is not there is an empty one.
    absent: whenAbsent.kind === "omit" ? "keep" : whenAbsent.kind === "error" ? "error" : "zero",
    defaultValue: field.defaultValue,
    oneof: field.oneof,
  };
}

/** A type with the coding of the other wire, by its link. */
function twinTypeOf(types: StubTypes, field: Field, type: FieldType, link: ValueLink): StubType {
  if (type.kind === "scalar" && link.kind === "scalar") {
    return { kind: "scalar", api: API[type.name], coding: link[types.wire], bits: link.bits };
  }
  if (type.kind === "enum" && (link.kind === "scalar" || link.kind === "enum")) {
    const syntheticZero = link.kind === "enum" && link.syntheticZero && types.wire === "protobuf";
    return { kind: "enum", type: found(types.enums, type.type), syntheticZero };
  }
  if (type.kind === "message" && link.kind === "message") {
    const delimited = types.wire === "protobuf" && link.delimited;
    return { kind: "message", type: found(types.messages, type.type), delimited };
  }
  if ((type.kind === "list" || type.kind === "set") && link.kind === "list") {
    const element = twinTypeOf(types, field, type.element, link.element);
    return { kind: "list", element, set: link.set, packed: link.packed };
  }
  if (type.kind === "map" && link.kind === "map") {
    return {
      kind: "map",
      key: twinTypeOf(types, field, type.key, link.key),
      value: twinTypeOf(types, field, type.value, link.value),
    };
  }
  if (link.kind === "wrapped" && types.wire === "protobuf") {
    return { kind: "wrapped", inner: twinTypeOf(types, field, type, link.inner) };
  }
  const other = types.wire === "thrift" ? "protobuf" : "thrift";
  const text = `field "${field.name}" is overridden by a rule (${ruleOf(link)}) that stubs cannot follow on this wire; generate with --wire ${other}, and the sidecar follows it`;
  types.unsupported(field.position, text);
  return ownTypeOf(types, type);
}

/** By which rule a value stands so. */
function ruleOf({ kind }: ValueLink): string {
  return kind === "octets" ? "type" : kind === "time" ? "time" : "wrap or unwrap";
}
