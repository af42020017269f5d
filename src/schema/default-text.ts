// Defaults as text, for IDL that has no place for them: a scalar as it is, a container or struct as a Thrift constant.
import type { Constant, FieldType, ThriftScalar } from "./model.ts";
import { isPrintable, printConstant } from "./print-thrift.ts";
import { isThriftScalar } from "./scalar-pairs.ts";
import { readConstant } from "./thrift-constants.ts";
import { readTokens, ThriftSyntaxError } from "./thrift-lexer.ts";
import { stringLiteral, textOf, uuidText } from "./thrift-literals.ts";
import { parseConstant } from "./thrift-parts.ts";
import type { Declared } from "./thrift-scope.ts";

const NOTHING_DECLARED: Declared = { types: new Map(), constants: new Map(), services: new Map() };

/** A default of a Thrift type as the rule `default` states it; undefined for bytes that are no text, alone or inside. */
export function defaultText(value: Constant | undefined, type: FieldType): string | undefined {
  if (value === undefined) return undefined;
  const isUuid = type.kind === "scalar" && type.name === "uuid";
  switch (value.kind) {
    case "bytes":
      return isUuid ? uuidText(value.value) : textOf(value.value);
    case "list":
    case "map":
      return isPrintable(value, type) ? printConstant(value, type) : undefined;
    default:
      return String(value.value);
  }
}

/** The default that the text of a rule states for a Thrift type; undefined when it states none. */
export function readDefaultText(text: string, type: FieldType): Constant | undefined {
  switch (type.kind) {
    case "enum":
      return readScalarText(text, "i32");
    case "scalar":
      return isThriftScalar(type.name) ? readScalarText(text, type.name) : undefined;
    default:
      return readConstantText(text, type);
  }
}

function readScalarText(text: string, type: ThriftScalar): Constant | undefined {
  switch (type) {
    case "bool":
      return text === "true" || text === "false" ? { kind: "bool", value: text === "true" } : undefined;
    case "i8":
    case "i16":
    case "i32":
    case "i64":
      return /^-?\d{1,19}$/.test(text) ? { kind: "int", value: BigInt(text) } : undefined;
    case "double":
      return text !== "" && !Number.isNaN(Number(text)) ? { kind: "double", value: Number(text) } : undefined;
    case "string":
      return { kind: "string", value: text };
    case "uuid":
      return readConstantText(stringLiteral(text), { kind: "scalar", name: type });
    case "binary":
      return { kind: "bytes", value: new TextEncoder().encode(text) };
  }
}

function readConstantText(text: string, type: FieldType): Constant | undefined {
  let failed = false;
  try {
    const tokens = readTokens("", text);
    const node = parseConstant(tokens);
    if (tokens.current.kind !== "end") return undefined;
    const value = readConstant(
      {
        scope: { own: NOTHING_DECLARED, includes: new Map() },
        isAhead: () => false,
        lineOf: () => undefined,
        report: ({ severity }) => {
          failed ||= severity === "error";
        },
      },
      node,
      type,
    );
    return failed ? undefined : value;
  } catch (error) {
    if (error instanceof ThriftSyntaxError) return undefined;
    throw error;
  }
}
