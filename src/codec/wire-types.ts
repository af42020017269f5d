// The numbers by which the two binary encodings name types.

import type { ValueLink } from "../schema/link.ts";
import type { ProtoScalar, ThriftScalar } from "../schema/model.ts";

/** Thrift's field types, as its binary protocol numbers them. */
export const THRIFT_TYPES = {
  bool: 2,
  i8: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  string: 11,
  binary: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
  uuid: 16,
} as const satisfies Record<ThriftScalar | "struct" | "map" | "set" | "list", number>;

/** Protobuf's wire types. */
export const WIRE_TYPES = { varint: 0, fixed64: 1, delimited: 2, group: 3, groupEnd: 4, fixed32: 5 } as const;

const SCALAR_WIRE_TYPES: Record<ProtoScalar, number> = {
  double: WIRE_TYPES.fixed64,
  float: WIRE_TYPES.fixed32,
  int32: WIRE_TYPES.varint,
  int64: WIRE_TYPES.varint,
  uint32: WIRE_TYPES.varint,
  uint64: WIRE_TYPES.varint,
  sint32: WIRE_TYPES.varint,
  sint64: WIRE_TYPES.varint,
  fixed32: WIRE_TYPES.fixed32,
  fixed64: WIRE_TYPES.fixed64,
  sfixed32: WIRE_TYPES.fixed32,
  sfixed64: WIRE_TYPES.fixed64,
  bool: WIRE_TYPES.varint,
  string: WIRE_TYPES.delimited,
  bytes: WIRE_TYPES.delimited,
};

/** The Thrift type of a value's Thrift side. */
export function thriftTypeOf(link: ValueLink): number {
  switch (link.kind) {
    case "scalar":
      return THRIFT_TYPES[link.thrift];
    case "enum":
      return THRIFT_TYPES.i32;
    case "message":
      return THRIFT_TYPES.struct;
    case "list":
      return link.set ? THRIFT_TYPES.set : THRIFT_TYPES.list;
    case "map":
      return THRIFT_TYPES.map;
    case "wrapped":
      return thriftTypeOf(link.inner);
    case "octets":
      return THRIFT_TYPES.list;
    case "time":
      return THRIFT_TYPES.i64;
  }
}

/** The wire type of one occurrence of a value's Protobuf side, not packed. */
export function wireTypeOf(link: ValueLink): number {
  switch (link.kind) {
    case "scalar":
      return SCALAR_WIRE_TYPES[link.protobuf];
    case "enum":
      return WIRE_TYPES.varint;
    case "message":
      return link.delimited ? WIRE_TYPES.group : WIRE_TYPES.delimited;
    case "list":
      return wireTypeOf(link.element);
    default:
      return WIRE_TYPES.delimited;
  }
}

/** Whether elements of this kind can be packed: all scalars but those with a length. */
export function isPackable(element: ValueLink): boolean {
  return (element.kind === "scalar" || element.kind === "enum") && wireTypeOf(element) !== WIRE_TYPES.delimited;
}
