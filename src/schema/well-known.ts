// The well-known Protobuf types that a derivation may need although no file imports them.
import type { MessageType, ProtoScalar, SchemaFile } from "./model.ts";
import { BUILTIN_PROTOS } from "./proto-builtin.ts";
import { parseProtoIdl } from "./proto-idl.ts";
import { resolveProto } from "./proto-resolve.ts";

/** The wrapper of each scalar in google/protobuf/wrappers.proto; the other scalars have none. */
const WRAPPER_NAMES: Partial<Readonly<Record<ProtoScalar, string>>> = {
  double: "DoubleValue",
  float: "FloatValue",
  int64: "Int64Value",
  uint64: "UInt64Value",
  int32: "Int32Value",
  uint32: "UInt32Value",
  bool: "BoolValue",
  string: "StringValue",
  bytes: "BytesValue",
};

const WRAPPERS: ReadonlySet<string> = new Set(Object.values(WRAPPER_NAMES).map((name) => `google.protobuf.${name}`));
const TIMES: ReadonlySet<string> = new Set(["google.protobuf.Timestamp", "google.protobuf.Duration"]);

/** Whether this is google.protobuf.Int32Value or one of its kind. */
export function isWrapper({ fullName }: MessageType): boolean {
  return WRAPPERS.has(fullName);
}

/** Whether this is google.protobuf.Timestamp or Duration. */
export function isTime({ fullName }: MessageType): boolean {
  return TIMES.has(fullName);
}

/** A message and the file to import for it. */
export interface WellKnown {
  readonly file: SchemaFile;
  readonly type: MessageType;
}

/** google.protobuf.Timestamp, from `loaded` if it is there. */
export function timestampType(loaded: Iterable<SchemaFile>): WellKnown | undefined {
  return find("google/protobuf/timestamp.proto", "Timestamp", loaded);
}

/** The wrapper of a scalar, from `loaded` if it is there; undefined where there is none. */
export function wrapperType(scalar: ProtoScalar, loaded: Iterable<SchemaFile>): WellKnown | undefined {
  const name = WRAPPER_NAMES[scalar];
  return name === undefined ? undefined : find("google/protobuf/wrappers.proto", name, loaded);
}

const parsed = new Map<string, SchemaFile | undefined>();

function find(path: string, name: string, loaded: Iterable<SchemaFile>): WellKnown | undefined {
  const file = [...loaded].find(({ importPath }) => importPath === path) ?? builtin(path);
  const type = file?.messages.find((message) => message.name === name);
  return file && type && { file, type };
}

function builtin(path: string): SchemaFile | undefined {
  if (!parsed.has(path)) {
    const ignore = (): void => {};
    const document = parseProtoIdl(path, BUILTIN_PROTOS.get(path) ?? "", ignore);
    parsed.set(path, document && resolveProto(document, new Map(), ignore, path));
  }
  return parsed.get(path);
}
