// Reads Thrift IDL from strings, for tests.
import type { Diagnostic } from "../../../src/base/diagnostic.ts";
import type { FieldType, MessageType, SchemaFile } from "../../../src/schema/model.ts";
import { parseThriftIdl } from "../../../src/schema/thrift-idl.ts";
import { resolveThrift, type ThriftOptions } from "../../../src/schema/thrift-resolve.ts";

export interface ThriftRead {
  /** Undefined when there was an error. */
  readonly file: SchemaFile | undefined;
  /** `line:column severity: message` each. */
  readonly found: readonly string[];
}

/** Parses and resolves `text` as shop.thrift; `includes` are files by the path they are included by. */
export function readThrift(
  text: string,
  includes: Readonly<Record<string, SchemaFile>> = {},
  options: ThriftOptions = { allowNegativeKeys: false },
  path = "idl/shop.thrift",
): ThriftRead {
  const found: string[] = [];
  const report = ({ position, severity, message }: Diagnostic): void => {
    found.push(`${position.line}:${position.column} ${severity}: ${message}`);
  };
  const document = parseThriftIdl(path, text, report);
  const file = document && resolveThrift(document, new Map(Object.entries(includes)), options, report);
  return { file, found };
}

/** The file that `text` describes, which must be right and give no warning either. */
export function readCleanThrift(
  text: string,
  includes: Readonly<Record<string, SchemaFile>> = {},
  path?: string,
): SchemaFile {
  const { file, found } = readThrift(text, includes, { allowNegativeKeys: false }, path);
  if (!file || found.length > 0) throw new Error(`expected clean IDL, found ${found.join("\n")}`);
  return file;
}

/** `list<Order>` and the like. */
export function printType(type: FieldType): string {
  if (type.kind === "scalar") return type.name;
  if (type.kind === "enum" || type.kind === "message") return type.type.name;
  if (type.kind === "map") return `map<${printType(type.key)}, ${printType(type.value)}>`;
  return `${type.kind}<${printType(type.element)}>`;
}

/** `1: required i32 a` for every field. */
export function printFields({ fields }: Pick<MessageType, "fields">): readonly string[] {
  return fields.map(({ id, presence, type, name }) => `${id}: ${presence} ${printType(type)} ${name}`);
}
