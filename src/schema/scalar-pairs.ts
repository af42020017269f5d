// Which scalar types can stand for each other, and which one a type gets when nobody says.
import type { ProtoScalar, ThriftScalar } from "./model.ts";

/** The Protobuf scalars that a Thrift scalar translates to; the first is the derived one. */
const PROTO_SCALARS: Readonly<Record<ThriftScalar, readonly [ProtoScalar, ...ProtoScalar[]]>> = {
  bool: ["bool"],
  i8: ["int32"],
  i16: ["int32"],
  i32: ["int32", "sint32", "sfixed32", "uint32"],
  i64: ["int64", "sint64", "sfixed64", "uint32", "fixed32", "uint64", "fixed64"],
  double: ["double", "float"],
  string: ["string", "bytes"],
  binary: ["bytes", "string"],
  uuid: ["bytes", "string"],
};

/** The Thrift scalar that is derived from each Protobuf scalar. */
const THRIFT_SCALARS: Readonly<Record<ProtoScalar, ThriftScalar>> = {
  bool: "bool",
  int32: "i32",
  sint32: "i32",
  sfixed32: "i32",
  uint32: "i64",
  fixed32: "i64",
  int64: "i64",
  sint64: "i64",
  sfixed64: "i64",
  uint64: "i64",
  fixed64: "i64",
  float: "double",
  double: "double",
  string: "string",
  bytes: "binary",
};

/** Whether a name is that of a scalar of Thrift. */
export function isThriftScalar(name: string): name is ThriftScalar {
  return Object.hasOwn(PROTO_SCALARS, name);
}

/** Whether a name is that of a scalar of Protobuf. */
export function isProtoScalar(name: string): name is ProtoScalar {
  return Object.hasOwn(THRIFT_SCALARS, name);
}

/** Whether values of the one can be written as the other. */
export function canTranslate(thrift: ThriftScalar, protobuf: ProtoScalar): boolean {
  return PROTO_SCALARS[thrift].includes(protobuf);
}

/** The Protobuf scalars that `thrift` can stand for, for messages. */
export function translationsOf(thrift: ThriftScalar): readonly ProtoScalar[] {
  return PROTO_SCALARS[thrift];
}

/** The Protobuf scalar that a Thrift scalar becomes when nobody says. */
export function protoScalarOf(thrift: ThriftScalar): ProtoScalar {
  return PROTO_SCALARS[thrift][0];
}

/** The Thrift scalar that a Protobuf scalar becomes when nobody says. */
export function thriftScalarOf(protobuf: ProtoScalar): ThriftScalar {
  return THRIFT_SCALARS[protobuf];
}

/** Whether elements of this type may be packed, by the Protobuf encoding: all but strings and bytes. */
export function isPackable(protobuf: ProtoScalar): boolean {
  return protobuf !== "string" && protobuf !== "bytes";
}

/** What a `type` rule says of a message field that is a Protobuf group. */
export const GROUP = "group";

/** What a `type` rule says: of a scalar or the elements of a list, or of a map's keys and values. */
export interface TypeRule {
  readonly element: string | undefined;
  readonly key: string | undefined;
  readonly value: string | undefined;
}

/** Takes `i16` and `map<i16,double>` apart. */
export function readTypeRule(text: string | undefined): TypeRule {
  const map = /^map<(\w+),([\w.]+)>$/.exec(text ?? "");
  return { element: map ? undefined : text, key: map?.[1], value: map?.[2] };
}
