// Reads the constants and the defaults of a Thrift file in the order of the file, because each sees only those above it.
import type { Position, Report } from "../base/diagnostic.ts";
import type { EnumType, NamedConstant } from "./model.ts";
import { type ConstantContext, knownConstant, readConstant } from "./thrift-constants.ts";
import { declare, warnUnreadRules } from "./thrift-declarations.ts";
import type { OpenField } from "./thrift-fields.ts";
import type { KnownConstant, ThriftScope } from "./thrift-scope.ts";
import type { ConstantNode, ConstNode, DefinitionNode, EnumNode } from "./thrift-syntax.ts";
import type { ResolveType } from "./thrift-types.ts";

/** A field that waits for its default. */
export interface DefaultToRead {
  readonly field: OpenField;
  readonly value: ConstantNode;
}

interface FileToRead {
  readonly definitions: readonly DefinitionNode[];
  readonly enums: ReadonlyMap<EnumNode, EnumType>;
  readonly defaults: readonly DefaultToRead[];
  readonly scope: ThriftScope;
  /** The scope's own constants, which are added to it one by one. */
  readonly known: Map<string, KnownConstant>;
  readonly resolveType: ResolveType;
  readonly report: Report;
}

/** The file's constants in its order; fills in the defaults. What does not fit is reported and left out. */
export function readValues(file: FileToRead): readonly NamedConstant[] {
  const { definitions, enums, defaults, scope, report } = file;
  const ahead = new Set(enums.values());
  const lines = new Map(
    definitions.filter(({ kind }) => kind === "const").map(({ name, position }) => [name, position.line]),
  );
  const context: ConstantContext = {
    scope,
    isAhead: (type) => ahead.has(type),
    lineOf: (constant) => lines.get(constant),
    report,
  };
  const named: NamedConstant[] = [];
  const steps: { position: Position; run: () => void }[] = [];
  for (const [node, type] of enums) steps.push({ position: node.position, run: () => ahead.delete(type) });
  for (const { field, value } of defaults) {
    const run = (): void => {
      field.defaultValue = readConstant(context, value, field.type);
    };
    steps.push({ position: value.position, run });
  }
  for (const node of definitions) {
    if (node.kind === "const")
      steps.push({ position: node.position, run: () => named.push(...readNamed(node, context, file)) });
  }
  steps.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
  for (const { run } of steps) run();
  return named;
}

/** The constant that `node` declares, or none when it is wrong. */
function readNamed(
  node: ConstNode,
  context: ConstantContext,
  { known, resolveType, report }: FileToRead,
): readonly NamedConstant[] {
  warnUnreadRules(node.type, report);
  const type = resolveType(node.type);
  const value = type && readConstant(context, node.value, type);
  known.set(node.name, type && value ? knownConstant(context, node.value, type) : { literal: undefined });
  return type && value ? [{ ...declare(node, report), type, value }] : [];
}
