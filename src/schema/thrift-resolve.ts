// From the syntax tree of a Thrift file to the model: what the official compilers check is checked here, and what else
// would make a message ambiguous. Reading files and following includes is load.ts's.
import type { Position, Report } from "../base/diagnostic.ts";
import type { EnumType, EnumValue, Field, MessageType, SchemaFile, Service } from "./model.ts";
import { declare, readRules } from "./thrift-declarations.ts";
import { resolveFields } from "./thrift-fields.ts";
import { quote } from "./thrift-lexer.ts";
import {
  baseName,
  claimName,
  type KnownConstant,
  openIncludes,
  rememberDeclared,
  type SizedType,
  type ThriftScope,
} from "./thrift-scope.ts";
import { resolveService, type ServiceContext } from "./thrift-services.ts";
import type { DefinitionNode, EnumNode, StructNode, ThriftDocument } from "./thrift-syntax.ts";
import { createTypeResolver } from "./thrift-types.ts";
import { type DefaultToRead, readValues } from "./thrift-values.ts";

/** How a Thrift file is read where the IDL itself does not say. */
export interface ThriftOptions {
  /** Whether explicit ids of 0 and below are kept, as the compiler does with --allow-neg-keys. */
  readonly allowNegativeKeys: boolean;
  /** The package of a file by its path; undefined, or an undefined result, leaves it to the file's namespaces and name. */
  readonly packageOf?: (path: string) => string | undefined;
}

/**
 * The file that `document` describes, its types and services linked to those of `includes`, which are keyed by the
 * include's path as written. Everything that is wrong is reported, each with its position; undefined when any of it is
 * an error.
 */
export function resolveThrift(
  document: ThriftDocument,
  includes: ReadonlyMap<string, SchemaFile>,
  options: ThriftOptions,
  report: Report,
): SchemaFile | undefined {
  let failed = false;
  const checked: Report = (diagnostic) => {
    failed ||= diagnostic.severity === "error";
    report(diagnostic);
  };
  const opened = openIncludes(document, includes, checked);
  // Every name of a missing include would be one more error.
  if (failed) return undefined;
  const file = resolveDocument(document, includes, opened, options, checked);
  return failed ? undefined : file;
}

function resolveDocument(
  document: ThriftDocument,
  includes: ReadonlyMap<string, SchemaFile>,
  opened: ThriftScope["includes"],
  options: ThriftOptions,
  report: Report,
): SchemaFile {
  const { path, doc, namespaces } = document;
  const packageName = options.packageOf?.(path) ?? defaultPackage(document);
  const fullName: FullName = (name) => (packageName === "" ? name : `${packageName}.${name}`);
  const definitions = withoutDuplicates(document.definitions, report);
  const { declared, ...parts } = resolveDefinitions(definitions, opened, fullName, options, report);

  const imports = new Set(document.includes.flatMap((include) => includes.get(include.path) ?? []));
  const annotations = namespaces.flatMap((each) => each.annotations);
  const file: SchemaFile = {
    path,
    wire: "thrift",
    package: packageName,
    annotations: namespaces.map(({ scope, name }) => [scope, name] as const),
    rules: readRules(annotations, { file: path, line: 1, column: 1 }, report),
    doc,
    syntax: undefined,
    imports: [...imports],
    ...parts,
  };
  rememberDeclared(file, declared);
  return file;
}

type FullName = (name: string) => string;

/** All names first, then the types of fields and services, then all values: what refers ahead may do so. */
function resolveDefinitions(
  definitions: readonly DefinitionNode[],
  includes: ThriftScope["includes"],
  fullName: FullName,
  options: ThriftOptions,
  report: Report,
) {
  const { enums, structs, types } = declareTypes(definitions, fullName, report);
  const services = new Map<string, Service>();
  const known = new Map<string, KnownConstant>();
  const scope: ThriftScope = { own: { types, constants: known, services }, includes };
  const serviceNodes = definitions.filter((node) => node.kind === "service");
  const serviceLines = new Map(serviceNodes.map(({ name, position }) => [name, position.line]));
  const typedefs = definitions.filter((node) => node.kind === "typedef");
  const resolveType = createTypeResolver({ scope, types, typedefs, services: serviceLines, report });

  const implicitIds: Position[] = [];
  const defaults: DefaultToRead[] = [];
  const context: ServiceContext = {
    scope,
    fullName,
    resolveType,
    allowNegativeKeys: options.allowNegativeKeys,
    countImplicitId: (position) => implicitIds.push(position),
    addDefault: (field, value) => defaults.push({ field, value }),
    lineOf: (name) => serviceLines.get(name),
    report,
  };
  for (const [node, message] of structs) fillMessage(message, resolveFields(node.fields, node.shape, context));
  for (const node of serviceNodes) services.set(node.name, resolveService(node, context));
  warnImplicitIds(implicitIds, report);
  const constants = readValues({ definitions, enums, defaults, scope, known, resolveType, report });
  return {
    declared: scope.own,
    enums: [...enums.values()],
    messages: [...structs.values()],
    services: [...services.values()],
    constants,
  };
}

/** The enums, complete, and the structs, still without fields, so that others can refer to them. */
function declareTypes(definitions: readonly DefinitionNode[], fullName: FullName, report: Report) {
  const enums = new Map<EnumNode, EnumType>();
  const structs = new Map<StructNode, OpenMessage>();
  const types = new Map<string, SizedType>();
  for (const node of definitions) {
    if (node.kind === "enum") {
      const type = createEnum(node, fullName, report);
      enums.set(node, type);
      types.set(node.name, { type: { kind: "enum", type }, levels: 1, size: 1 });
    } else if (node.kind === "struct") {
      const type = createMessage(node, fullName, report);
      structs.set(node, type);
      types.set(node.name, { type: { kind: "message", type, delimited: false }, levels: 1, size: 1 });
    }
  }
  return { enums, structs, types };
}

/** The namespace for all languages, else the first one, else the file's base name made an identifier. */
function defaultPackage({ namespaces, path }: ThriftDocument): string {
  const namespace = namespaces.find(({ scope }) => scope === "*") ?? namespaces[0];
  return (
    namespace?.name ??
    baseName(path)
      .replace(/[^a-zA-Z0-9_.]/g, "_")
      .replace(/(^|\.)(?=[0-9.]|$)/g, "$1_")
  );
}

/** Types and services share their names; constants have names of their own. */
function withoutDuplicates(definitions: readonly DefinitionNode[], report: Report): readonly DefinitionNode[] {
  const types = new Map<string, Position>();
  const constants = new Map<string, Position>();
  return definitions.filter(({ kind, name, position }) => {
    if (kind === "const") return claimName(constants, name, position, "the constant", report);
    return claimName(types, name, position, kind === "service" ? "the service" : "the type", report);
  });
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;

function createEnum(node: EnumNode, fullName: FullName, report: Report): EnumType {
  const names = new Map<string, Position>();
  const values: EnumValue[] = [];
  const valuesByNumber = new Map<number, EnumValue>();
  let next = 0n;
  for (const each of node.values) {
    const number = each.number?.value ?? next;
    next = number + 1n;
    const free = claimName(names, each.name, each.position, "the enum value", report);
    if (number < INT32_MIN || number > INT32_MAX) {
      const position = each.number?.position ?? each.position;
      const message = `the number ${number} of ${quote(each.name)} is out of range; expected ${INT32_MIN} to ${INT32_MAX}`;
      report({ severity: "error", position, message });
    } else if (free) {
      const value: EnumValue = { ...declare(each, report), number: Number(number) };
      values.push(value);
      if (!valuesByNumber.has(value.number)) valuesByNumber.set(value.number, value);
    }
  }
  const declared = declare(node, report);
  return {
    ...declared,
    wire: "thrift",
    fullName: fullName(node.name),
    values,
    valuesByNumber,
    closed: false,
    parent: undefined,
  };
}

/** A message that others can refer to before its fields are known. */
interface OpenMessage extends MessageType {
  readonly fields: Field[];
  readonly fieldsById: Map<number, Field>;
}

function createMessage(node: StructNode, fullName: FullName, report: Report): OpenMessage {
  const { shape } = node;
  const fieldsById = new Map<number, Field>();
  const declared = declare(node, report);
  return {
    ...declared,
    wire: "thrift",
    fullName: fullName(node.name),
    shape,
    fields: [],
    fieldsById,
    parent: undefined,
  };
}

function fillMessage({ fields, fieldsById }: OpenMessage, filling: readonly Field[]): void {
  for (const field of filling) {
    fields.push(field);
    fieldsById.set(field.id, field);
  }
}

function warnImplicitIds(positions: readonly Position[], report: Report): void {
  const [position] = positions;
  if (!position) return;
  const many = positions.length === 1 ? "a field has" : `${positions.length} fields of this file, this one first, have`;
  const message = `${many} no id and so -1, -2, … by their order, which changes with every field put in between; write positive ids`;
  report({ severity: "warning", position, message });
}
