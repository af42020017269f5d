// Short ways to read .proto text in tests.
import type { Diagnostic } from "../../../src/base/diagnostic.ts";
import type { SchemaFile } from "../../../src/schema/model.ts";
import { BUILTIN_PROTOS } from "../../../src/schema/proto-builtin.ts";
import { parseProtoIdl } from "../../../src/schema/proto-idl.ts";
import { resolveProto } from "../../../src/schema/proto-resolve.ts";

export interface ReadProto {
  readonly file: SchemaFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** `line:column message` of each. */
  readonly said: readonly string[];
}

/** Reads `text` as the file t.proto; `imports` are already read, by the path they are imported with. */
export function readProto(text: string, imports: Readonly<Record<string, SchemaFile>> = {}): ReadProto {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    diagnostics.push(diagnostic);
  };
  const document = parseProtoIdl("t.proto", text, report);
  const file = document && resolveProto(document, new Map(Object.entries(imports)), report);
  const said = diagnostics.map(({ position, message }) => `${position.line}:${position.column} ${message}`);
  return { file, diagnostics, said };
}

/** The model of a text without faults. */
export function protoFile(text: string, imports: Readonly<Record<string, SchemaFile>> = {}): SchemaFile {
  const { file, said } = readProto(text, imports);
  if (!file) throw new Error(`the text has faults: ${said.join("; ")}`);
  return file;
}

/** The well-known file of that import path. */
export function builtinProto(path: string): SchemaFile {
  return { ...protoFile(BUILTIN_PROTOS.get(path) ?? ""), path, importPath: path };
}
