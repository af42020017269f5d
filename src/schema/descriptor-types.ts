// google/protobuf/descriptor.proto as protobufjs decodes it; its own types of it are not complete. Fields that were not
// set are absent as own properties, repeated ones are empty.
import descriptor from "protobufjs/ext/descriptor.js";
import protobuf from "protobufjs/light.js";

/** Options are read by name and number, never by type. */
export type DecodedOptions = object | null | undefined;

export interface DecodedField {
  readonly name: string;
  readonly number: number;
  readonly label: number;
  readonly type: number;
  readonly typeName: string;
  readonly extendee: string;
  readonly defaultValue: string;
  readonly oneofIndex: number;
  readonly jsonName: string;
  readonly proto3Optional: boolean;
  readonly options?: DecodedOptions;
}

export interface DecodedRange {
  readonly start: number;
  readonly end: number;
  readonly options?: DecodedOptions;
}

export interface DecodedNamed {
  readonly name: string;
  readonly options?: DecodedOptions;
}

export interface DecodedEnum extends DecodedNamed {
  readonly visibility: number;
  readonly value: readonly (DecodedNamed & { readonly number: number })[];
  readonly reservedRange: readonly DecodedRange[];
  readonly reservedName: readonly string[];
}

export interface DecodedMessage extends DecodedNamed {
  readonly visibility: number;
  readonly field: readonly DecodedField[];
  readonly extension: readonly DecodedField[];
  readonly nestedType: readonly DecodedMessage[];
  readonly enumType: readonly DecodedEnum[];
  readonly extensionRange: readonly DecodedRange[];
  readonly oneofDecl: readonly DecodedNamed[];
  readonly reservedRange: readonly DecodedRange[];
  readonly reservedName: readonly string[];
}

export interface DecodedMethod extends DecodedNamed {
  readonly inputType: string;
  readonly outputType: string;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
}

export interface DecodedService extends DecodedNamed {
  readonly method: readonly DecodedMethod[];
}

export interface DecodedPlace {
  readonly path: readonly number[];
  readonly span: readonly number[];
  readonly leadingComments: string;
  readonly trailingComments: string;
}

export interface DecodedFile extends DecodedNamed {
  readonly package: string;
  readonly syntax: string;
  readonly edition: number;
  readonly dependency: readonly string[];
  readonly publicDependency: readonly number[];
  readonly weakDependency: readonly number[];
  readonly optionDependency: readonly string[];
  readonly messageType: readonly DecodedMessage[];
  readonly enumType: readonly DecodedEnum[];
  readonly service: readonly DecodedService[];
  readonly extension: readonly DecodedField[];
  readonly sourceCodeInfo?: { readonly location: readonly DecodedPlace[] } | null;
}

/** The files of a FileDescriptorSet, unknown fields kept; throws an Error when the bytes are none. */
export function decodeDescriptorSet(bytes: Uint8Array): readonly DecodedFile[] {
  const reader = protobuf.Reader.create(bytes);
  reader.discardUnknown = false;
  const set = descriptor.FileDescriptorSet.decode(reader) as unknown as { readonly file: readonly DecodedFile[] };
  return set.file;
}

/** The value of a boolean option by its lowerCamelCase name. */
export function flagOf(options: DecodedOptions, name: string): boolean {
  return Object.entries(options ?? {}).some(([key, value]) => key === name && value === true);
}
