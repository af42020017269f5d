// What a link is: a Thrift type and a Protobuf type, field by field and by number. link-schema.ts makes them; the codecs
// read them and decide nothing themselves.
import type { Constant, EnumType, Field, MessageType, Method, ProtoScalar, Schema, ThriftScalar } from "./model.ts";

/** How one value stands on both sides. */
export type ValueLink =
  | {
      /** Only pairs of types that the rules can translate. An enum beside an integer of 32 bits is i32 and int32 here. */
      readonly kind: "scalar";
      readonly thrift: ThriftScalar;
      readonly protobuf: ProtoScalar;
      /** i64 beside uint64 or fixed64: the 64 bits pass, where otherwise a value outside 0..2^63-1 is an error. */
      readonly bits: boolean;
      /** double beside float: a value that would be rounded is an error. */
      readonly exact: boolean;
      /** uuid beside string or bytes: canonical text (8-4-4-4-12 in lower case) instead of 16 bytes. Always true beside string. */
      readonly uuidText: boolean;
    }
  | {
      readonly kind: "enum";
      readonly thrift: EnumType;
      readonly protobuf: EnumType;
      /**
       * 0 on the Protobuf side says nothing that Thrift knows. Towards Thrift such a 0 is `FieldLink.unwritable` as the
       * value of a field, and an error as an element, key or value of a container.
       */
      readonly syntheticZero: boolean;
      /** What becomes of a number that the target's enum does not name. */
      readonly unknown: "pass" | "error";
    }
  /**
   * When `link.union`: a message whose oneof is unset cannot be written to Thrift; it is `FieldLink.unwritable` as the value
   * of a field, and an error as an element, key or value of a container.
   */
  | { readonly kind: "message"; readonly link: MessageLink; readonly delimited: boolean }
  /** Thrift list or set; Protobuf `repeated`. A set drops duplicate scalars and strings towards Thrift, keeping the first. */
  | { readonly kind: "list"; readonly set: boolean; readonly element: ValueLink; readonly packed: boolean }
  /**
   * Thrift map; Protobuf `map`, or `repeated` messages with key = 1 and value = 2, whose bytes are the same. An absent key
   * or value is its zero; towards Protobuf both are always written.
   */
  | { readonly kind: "map"; readonly key: ValueLink; readonly value: ValueLink }
  /**
   * A Thrift container or scalar that stands in a Protobuf message of its own, which has the one field 1 without presence:
   * towards Protobuf an empty or zero `inner` is an empty message, towards Thrift the reverse.
   */
  | { readonly kind: "wrapped"; readonly message: MessageType; readonly inner: ValueLink }
  /** Thrift list<i8>; Protobuf bytes. */
  | { readonly kind: "octets" }
  /**
   * Thrift i64 counting `unit`s; Protobuf {int64 seconds = 1; int32 nanos = 2}, as google.protobuf.Timestamp and Duration.
   * Overflow and a remainder below the unit are errors.
   */
  | { readonly kind: "time"; readonly unit: "s" | "ms" | "us" | "ns"; readonly message: MessageType };

/**
 * What to write where the source has no such field. `value`: this constant, which is of scalars, enums (as int), and lists
 * and maps of them only; an empty list is the zero of list and set, an empty map that of a map.
 */
export type Absent =
  | { readonly kind: "omit" }
  | { readonly kind: "error" }
  | { readonly kind: "value"; readonly value: Constant };

export interface FieldLink {
  readonly thrift: Field;
  readonly protobuf: Field;
  readonly value: ValueLink;
  /** Thrift to Protobuf, the field is not in the struct. */
  readonly absentInThrift: Absent;
  /** Protobuf to Thrift, the field is not in the message (a list or map: has no elements). */
  readonly absentInProtobuf: Absent;
  /**
   * The Protobuf field has no presence, so zero (0, -0.0 is not, false, empty, enum 0) and absent are the same there.
   * Towards Protobuf a zero is not written; towards Thrift a zero that is there is handled as `absentInProtobuf`.
   */
  readonly implicit: boolean;
  /** Protobuf to Thrift: a value that Thrift cannot say (a synthetic enum zero, a union without a member). */
  readonly unwritable: "omit" | "error";
}

/** A pair of messages. Links may be recursive. */
export interface MessageLink {
  readonly thrift: MessageType;
  readonly protobuf: MessageType;
  /** By Thrift id, ascending. Fields without a partner are absent here and reported. */
  readonly fields: readonly FieldLink[];
  /**
   * The Thrift side is a union, or a result that stands for a oneof of success and exceptions. Towards Protobuf two fields are an error and none is an empty message; towards Thrift
   * exactly one must be written, see `ValueLink` of kind message.
   */
  readonly union: boolean;
  /**
   * The linked members of each Protobuf oneof. Towards Protobuf two members in one struct are an error; towards Thrift the
   * last one in the bytes wins, as in any Protobuf reader.
   */
  readonly oneofs: readonly (readonly FieldLink[])[];
}

/**
 * What a Thrift struct's bytes correspond to. `whole`: the struct itself, as arguments do to an `_args` message, and a
 * result to a `_result` message (its link holds success, and exceptions only when the method is linked as `oneof`). `field`: the struct holds one struct field of
 * interest, and that one's inside corresponds to the Protobuf message (an unwrapped argument or success, and every
 * declared exception). An absent argument is an empty message; an absent success is a missing result.
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
  /** By the exception's id in the Thrift result; empty when `oneof`. */
  readonly exceptions: ReadonlyMap<number, BodyLink>;
  /**
   * Present when exceptions are members of the same oneof of the Protobuf response as the result, instead of a status: the link of
   * `response` holds them too, and is that of a union unless the method is void.
   */
  readonly oneof?: true;
}

/** What linkSchema is told beside the schema. */
export interface LinkOptions {
  /** Services whose two IDLs were written apart, by full name. Services of one full name on both wires pair themselves. */
  readonly pairs: readonly { readonly thrift: string; readonly protobuf: string }[];
}

/** A schema of which every type and method has a partner on the other wire. */
export interface LinkedSchema {
  /**
   * The given files and the derived ones after them. Thrift inheritance is flattened here: each service has Method objects
   * of its own, inherited ones included, and no base. Protobuf methods have `throws` filled.
   */
  readonly schema: Schema;
  /** By the Method objects of `schema`, of both sides, and by the given ones they stand for. Streaming methods have none. */
  readonly methods: ReadonlyMap<Method, MethodLink>;
  /** Every pair that was linked with the schema, arguments and results included. */
  readonly links: readonly MessageLink[];
  /** Links a type with its given partner (by method pairs, else by full name) or its derived one. Links are made once. */
  messageLink(type: MessageType): MessageLink;
}
