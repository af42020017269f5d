// What one .proto file says, before its names are looked up: the common ground of text (proto-idl.ts) and binary
// descriptors (descriptor-read.ts). Nothing here is checked; proto-validate.ts and proto-resolve.ts do that.
import type { Position } from "../base/diagnostic.ts";
import type { Visibility } from "./model.ts";

/**
 * An option as its dotted name and printed value; aggregates are flattened to one pair per scalar in them, and a message
 * without fields is the value `{}`.
 */
export type ProtoOption = readonly [name: string, value: string];

/** What every named thing has. */
export interface ProtoNode {
  readonly name: string;
  readonly position: Position;
  readonly doc: string | undefined;
  readonly options: readonly ProtoOption[];
}

/** Numbers `from` to `to`, both included. */
export interface ProtoRange {
  readonly from: number;
  readonly to: number;
  readonly position: Position;
}

export interface ProtoExtensionRange extends ProtoRange {
  readonly options: readonly ProtoOption[];
}

/** A name that a message or enum keeps from being used again. */
export interface ProtoReservedName {
  readonly name: string;
  readonly position: Position;
}

/** A type as written: a scalar's name, or a reference that may be relative; a leading dot makes it absolute. */
export interface ProtoTypeName {
  readonly text: string;
  readonly position: Position;
}

/** A `default` as written: a word or number, or the bytes of a string literal. */
export type ProtoDefault = { readonly word: string } | { readonly bytes: Uint8Array };

export interface ProtoField extends ProtoNode {
  /** NaN when the number cannot be read. */
  readonly number: number;
  readonly numberPosition: Position;
  readonly label: "required" | "optional" | "repeated" | undefined;
  /** The value's type when it is a map. */
  readonly type: ProtoTypeName;
  /** Present on maps. */
  readonly keyType: ProtoTypeName | undefined;
  /** Declared by the word `group`, which also declares the message of that name. */
  readonly group: boolean;
  /** The name of the oneof around it; never the synthetic one of a proto3 `optional`. */
  readonly oneof: string | undefined;
  readonly defaultValue: ProtoDefault | undefined;
  /** Present on extensions: the message that is extended. */
  readonly extendee: ProtoTypeName | undefined;
}

export interface ProtoEnumValue extends ProtoNode {
  readonly number: number;
  readonly numberPosition: Position;
}

export interface ProtoEnum extends ProtoNode {
  readonly visibility: Visibility | undefined;
  readonly values: readonly ProtoEnumValue[];
  readonly reservedRanges: readonly ProtoRange[];
  readonly reservedNames: readonly ProtoReservedName[];
}

export interface ProtoMessage extends ProtoNode {
  readonly visibility: Visibility | undefined;
  readonly fields: readonly ProtoField[];
  readonly oneofs: readonly ProtoNode[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extensions: readonly ProtoField[];
  readonly extensionRanges: readonly ProtoExtensionRange[];
  readonly reservedRanges: readonly ProtoRange[];
  readonly reservedNames: readonly ProtoReservedName[];
}

export interface ProtoMethod extends ProtoNode {
  readonly request: ProtoTypeName;
  readonly response: ProtoTypeName;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
}

export interface ProtoService extends ProtoNode {
  readonly methods: readonly ProtoMethod[];
}

export interface ProtoImport {
  readonly path: string;
  readonly position: Position;
  /**
   * A `public` import is also seen by the files that import this one; a `weak` one may be missing; an `option` import gives
   * names to options alone, and may be missing too.
   */
  readonly modifier: "public" | "weak" | "option" | undefined;
}

export interface ProtoDocument {
  /** Where it was read from, as diagnostics name it. */
  readonly path: string;
  readonly position: Position;
  /** "proto2" (also when the file does not say), "proto3" or an edition such as "2023". */
  readonly syntax: string;
  readonly package: string;
  readonly doc: string | undefined;
  readonly options: readonly ProtoOption[];
  readonly imports: readonly ProtoImport[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly services: readonly ProtoService[];
  readonly extensions: readonly ProtoField[];
}
