// Pairs a Thrift type with a Protobuf type, field by field and by number, and reports everything that will not survive.
import type { EnumType, Field, MessageType, Method, ProtoScalar, ThriftScalar } from "./model.ts";

/** How one value stands on both sides. */
export type ValueLink =
  | { readonly kind: "scalar"; readonly thrift: ThriftScalar; readonly protobuf: ProtoScalar }
  | { readonly kind: "enum"; readonly thrift: EnumType; readonly protobuf: EnumType }
  | { readonly kind: "message"; readonly link: MessageLink; readonly delimited: boolean }
  /** Thrift list or set; Protobuf `repeated`. */
  | { readonly kind: "list"; readonly set: boolean; readonly element: ValueLink; readonly packed: boolean }
  /** Thrift map; Protobuf `map`, or `repeated` messages with key = 1 and value = 2, whose bytes are the same. */
  | { readonly kind: "map"; readonly key: ValueLink; readonly value: ValueLink }
  /** A Thrift container that stands in a Protobuf message of its own with the one field 1. */
  | { readonly kind: "wrapped"; readonly message: MessageType; readonly inner: ValueLink };

export interface FieldLink {
  readonly thrift: Field;
  readonly protobuf: Field;
  readonly value: ValueLink;
}

/** A pair of messages. Links may be recursive. */
export interface MessageLink {
  readonly thrift: MessageType;
  readonly protobuf: MessageType;
  /** By Thrift id, ascending. Fields without a partner are absent here and reported. */
  readonly fields: readonly FieldLink[];
}

/**
 * What a Thrift struct's bytes correspond to. `whole`: the struct itself, as arguments do to an `_args` message.
 * `field`: the struct holds one struct field of interest, and that one's inside corresponds to the Protobuf message
 * (an unwrapped argument or success, and every declared exception).
 */
export type BodyLink =
  | { readonly kind: "whole"; readonly link: MessageLink }
  | { readonly kind: "field"; readonly thrift: MessageType; readonly field: Field; readonly link: MessageLink };

export interface MethodLink {
  readonly thrift: Method;
  /** Its `throws` holds the Protobuf side's exception fields, by the ids of the Thrift side. */
  readonly protobuf: Method;
  readonly request: BodyLink;
  readonly response: BodyLink;
  /** By the exception's id in the Thrift result. */
  readonly exceptions: ReadonlyMap<number, BodyLink>;
}
