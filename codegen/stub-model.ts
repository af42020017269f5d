// What stubs are generated from: the types as their author wrote them, for the API, and on every field how it stands on the
// one wire that the stubs speak. build-stub-model.ts makes it; targets read it and know no links and no twins.
import type { Position } from "../src/base/diagnostic.ts";
import type { Annotations, Constant, ProtoScalar, ThriftScalar, Wire } from "../src/schema/model.ts";

/** The scalars of an API, over both languages of IDL. `bytes` is also Thrift's binary. */
export type ApiScalar =
  | "bool"
  | "i8"
  | "i16"
  | "i32"
  | "i64"
  | "u32"
  | "u64"
  | "float"
  | "double"
  | "string"
  | "bytes"
  | "uuid";

/** A type of the API with its coding on the wire of its file. */
export type StubType =
  | {
      readonly kind: "scalar";
      readonly api: ApiScalar;
      /**
       * How it is written: a Thrift type on Thrift, a Protobuf type on Protobuf. Where it cannot hold all of `api`, or holds
       * more, a value out of range is an error on either way; uuid stands as 16 bytes in `bytes`, as canonical text in `string`.
       */
      readonly coding: ThriftScalar | ProtoScalar;
      /** A u64 in a Thrift i64 keeps its bits, instead of being an error above 2^63-1. */
      readonly bits: boolean;
    }
  /** Always i32 on Thrift and a varint on Protobuf. */
  | {
      readonly kind: "enum";
      readonly type: StubEnum;
      /** On this wire zero says nothing that the API knows: as a field it is absent, elsewhere an error. */
      readonly syntheticZero: boolean;
    }
  /** `delimited`: on Protobuf a group, which a tag ends. */
  | { readonly kind: "message"; readonly type: StubMessage; readonly delimited: boolean }
  /** `set` is Thrift's. `packed` holds for Protobuf's writers; readers take both. */
  | { readonly kind: "list"; readonly element: StubType; readonly set: boolean; readonly packed: boolean }
  /** Protobuf: repeated messages {key = 1, value = 2}, both always written. */
  | { readonly kind: "map"; readonly key: StubType; readonly value: StubType }
  /** Protobuf only: the container stands in a message of its own, in its field 1. The API shows `inner`. */
  | { readonly kind: "wrapped"; readonly inner: StubType };

export interface StubNamed {
  readonly name: string;
  /** Without comment markers; lines are separated by `\n`. */
  readonly doc: string | undefined;
  readonly deprecated: boolean;
  readonly position: Position;
}

export interface StubField extends StubNamed {
  /** Field id or number on the wire. */
  readonly id: number;
  readonly type: StubType;
  /** The API can say that it is absent. Always true for members of unions and oneofs. */
  readonly optional: boolean;
  /** The API must have a value: Thrift's and proto2's required. */
  readonly required: boolean;
  /** `always`: zero included. `present`: when the API has it. `nonzero`: when it is neither zero nor empty. */
  readonly write: "always" | "present" | "nonzero";
  /** What a reader makes of a field that is not there: leaves the API's default, sets zero (or empty), or fails. */
  readonly absent: "keep" | "zero" | "error";
  /** What a new value of the API has; of an optional field what its getter gives when it is absent. */
  readonly defaultValue: Constant | undefined;
  /** The oneof that it is a member of; undefined in unions, whose fields are all members. */
  readonly oneof: string | undefined;
}

export interface StubOneof extends StubNamed {
  readonly fields: readonly StubField[];
}

export interface StubMessage extends StubNamed {
  /** `union`: exactly one field is set, whatever the wire. */
  readonly kind: "struct" | "union" | "exception";
  /** Its name after those of the messages it is declared in. */
  readonly path: readonly string[];
  /** In the IDL. */
  readonly fullName: string;
  /** On the wire, as `google.protobuf.Any` names it. */
  readonly wireName: string;
  readonly file: StubFile;
  /** In the order of the IDL; filled when the whole model is there. */
  readonly fields: readonly StubField[];
  readonly oneofs: readonly StubOneof[];
  /** A struct with one oneof and nothing else, which Thrift has as a union: it cannot be written there while nothing is set. */
  readonly thriftUnion: boolean;
  /** An exception's gRPC code, such as NOT_FOUND; UNKNOWN where nothing is said. */
  readonly code: string;
}

export interface StubEnumValue extends StubNamed {
  readonly number: number;
}

export interface StubEnum extends StubNamed {
  readonly path: readonly string[];
  readonly fullName: string;
  readonly file: StubFile;
  /** Several may have one number; the first is its name. */
  readonly values: readonly StubEnumValue[];
}

export interface StubThrow extends StubNamed {
  /** In the Thrift result, or in the oneof of a Protobuf response. */
  readonly id: number;
  readonly type: StubMessage;
}

/**
 * How a request or a response stands on the wire. `fields`: a struct or message of these. `bare`: the encoding of the one
 * parameter, or of the result, which is a message.
 */
export type StubBody = { readonly kind: "fields"; readonly fields: readonly StubField[] } | { readonly kind: "bare" };

export interface StubMethod extends StubNamed {
  /** In the message's envelope. */
  readonly wireName: string;
  /** What a caller gives: Thrift's arguments, or the one request of Protobuf, which is called `request`. */
  readonly parameters: readonly StubField[];
  /** Undefined: nothing. */
  readonly result: StubType | undefined;
  readonly throws: readonly StubThrow[];
  /** Its fields are `parameters`. */
  readonly request: StubBody;
  /** The success if there is one, named `success`; and the exceptions, which are optional, if `exceptions` is `fields`. */
  readonly response: StubBody;
  /** `fields`: of the response, by their id. `details`: as `cw-details-bin` beside a message of type Exception. */
  readonly exceptions: "fields" | "details";
  /** Never answered. */
  readonly oneway: boolean;
  readonly idempotent: boolean;
}

export interface StubService extends StubNamed {
  readonly fullName: string;
  /** What the header `isn` says. */
  readonly wireName: string;
  readonly base: StubService | undefined;
  /** The inherited ones first, all of which are called on this service. Streaming methods are left out. */
  readonly methods: readonly StubMethod[];
}

export interface StubConstant extends StubNamed {
  readonly type: StubType;
  readonly value: Constant;
}

/** One IDL file. */
export interface StubFile {
  /** For headers of generated files: relative, with `/`. */
  readonly source: string;
  readonly position: Position;
  readonly doc: string | undefined;
  /** The language of the IDL. */
  readonly idl: Wire;
  /** What the stubs speak. */
  readonly wire: Wire;
  /** As the schema has it; may be empty for .proto. */
  readonly package: string;
  /** Thrift: scope to namespace (`go`, `java`, `php`, `*`). Protobuf: file options such as `java_package`. */
  readonly annotations: Annotations;
  readonly imports: readonly StubFile[];
  readonly enums: readonly StubEnum[];
  readonly messages: readonly StubMessage[];
  readonly services: readonly StubService[];
  readonly constants: readonly StubConstant[];
}

export interface StubModel {
  /** Imports before the files that import them. */
  readonly files: readonly StubFile[];
}
