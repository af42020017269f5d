// Makes the model out of one .proto document: looks its names up, works out presence, packing and defaults, and checks
// what only shows then.
import type { Position, Report } from "../base/diagnostic.ts";
import type {
  Annotations,
  Declaration,
  EnumType,
  EnumValue,
  Extension,
  Field,
  FieldType,
  MessageType,
  Method,
  Presence,
  ProtoScalar,
  Rules,
  SchemaFile,
  Service,
  Streaming,
} from "./model.ts";
import { parseProtoDefault } from "./proto-default.ts";
import type {
  ProtoDocument,
  ProtoEnum,
  ProtoField,
  ProtoMessage,
  ProtoMethod,
  ProtoNode,
  ProtoOption,
  ProtoTypeName,
} from "./proto-document.ts";
import { defaultFeatures, overrideFeatures, type ProtoFeatures } from "./proto-features.ts";
import { createProtoNames, type ProtoNames, visibleFiles } from "./proto-names.ts";
import { checkProtoNames, checkProtoOptions, optionOf } from "./proto-validate.ts";
import { parseRules } from "./rules.ts";

/** The extensions of causeway/options.proto, by what they may stand on; Protobuf wants a name for each. */
export const RULES_OPTIONS = {
  file: "(causeway.file_rules)",
  message: "(causeway.message_rules)",
  field: "(causeway.rules)",
  oneof: "(causeway.oneof_rules)",
  enum: "(causeway.enum_rules)",
  value: "(causeway.value_rules)",
  service: "(causeway.service_rules)",
  method: "(causeway.method_rules)",
} as const;

export type RulesTarget = keyof typeof RULES_OPTIONS;

const SCALARS: ReadonlySet<string> = new Set<ProtoScalar>([
  "double",
  "float",
  "int32",
  "int64",
  "uint32",
  "uint64",
  "sint32",
  "sint64",
  "fixed32",
  "fixed64",
  "sfixed32",
  "sfixed64",
  "bool",
  "string",
  "bytes",
]);

export function isProtoScalar(name: string): name is ProtoScalar {
  return SCALARS.has(name);
}

/** A message whose fields are still to come. */
interface OpenMessage {
  readonly node: ProtoMessage;
  readonly type: MessageType & { readonly fields: Field[]; readonly fieldsById: Map<number, Field> };
  readonly features: ProtoFeatures;
}

/**
 * The model of a document whose imports are given by their path as written, or undefined after at least one error was
 * reported. Imports that are missing in the map must have been reported before. `importPath` is the name by which other
 * files import this one.
 */
export function resolveProto(
  document: ProtoDocument,
  imports: ReadonlyMap<string, SchemaFile>,
  report: Report,
  importPath = document.path,
): SchemaFile | undefined {
  let failed = false;
  const watch: Report = (diagnostic) => {
    if (diagnostic.severity === "error") failed = true;
    report(diagnostic);
  };
  checkProtoNames(document, watch);
  checkProtoOptions(document, watch);
  const file = { ...createFile(document, imports, watch), importPath };
  return failed ? undefined : file;
}

function createFile(document: ProtoDocument, imports: ReadonlyMap<string, SchemaFile>, report: Report): SchemaFile {
  const imported = [...new Set(document.imports.flatMap(({ path }) => imports.get(path) ?? []))];
  const publicly = document.imports.filter(({ modifier }) => modifier === "public");
  const publicImports = [...new Set(publicly.flatMap(({ path }) => imports.get(path) ?? []))];
  const names = createProtoNames(document.package, imported);
  const context: Context = { names, report, rulesKnown: knowsRules(document, imported), syntax: document.syntax };
  const features = overrideFeatures(defaultFeatures(document.syntax), document);

  const open: OpenMessage[] = [];
  const enums: EnumType[] = [];
  const extensions: (() => Extension | undefined)[] = [];
  const declare = (
    scope: ScopeNode,
    around: string,
    parent: MessageType | undefined,
    inherited: ProtoFeatures,
  ): void => {
    for (const node of scope.enums) enums.push(createEnum(node, around, parent, inherited, context));
    for (const node of scope.extensions) {
      extensions.push(() => createExtension(node, around, parent, inherited, context));
    }
    for (const node of scope.messages) {
      const own = overrideFeatures(inherited, node);
      const type = createMessage(node, around, parent, context);
      open.push({ node, type, features: own });
      declare(node, type.fullName, type, own);
    }
  };
  declare(document, document.package, undefined, features);
  for (const type of enums) names.add(type);
  for (const { type } of open) names.add(type);

  for (const message of open) addFields(message, context);
  return {
    path: document.path,
    wire: "protobuf",
    package: document.package,
    annotations: document.options,
    rules: rulesOf(document.options, "file", document.position, context),
    doc: document.doc,
    syntax: document.syntax,
    imports: imported,
    publicImports,
    messages: open.map(({ type }) => type),
    enums,
    services: document.services.map((node) => createService(node, document.package, context)),
    constants: [],
    extensions: extensions.flatMap((create) => create() ?? []),
  };
}

interface ScopeNode {
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extensions: readonly ProtoField[];
}

interface Context {
  readonly names: ProtoNames;
  readonly report: Report;
  /** Whether causeway/options.proto is imported. */
  readonly rulesKnown: boolean;
  readonly syntax: string;
}

function knowsRules(document: ProtoDocument, imported: readonly SchemaFile[]): boolean {
  if (document.package === "causeway") return true;
  return [...visibleFiles(imported)].some((file) =>
    file.extensions?.some(({ fullName }) => fullName === "causeway.rules"),
  );
}

function fail(context: Context, position: Position, message: string): void {
  context.report({ severity: "error", position, message });
}

function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

function declarationOf(node: ProtoNode, target: RulesTarget, context: Context): Declaration {
  const { name, doc, position, options } = node;
  const annotations: Annotations = options.filter(([key]) => key !== "default");
  return { name, doc, annotations, rules: rulesOf(options, target, position, context), position };
}

const CAUSEWAY_OPTION = /^(\(\.?causeway\.[a-z_]+\))(?:\.(.*))?$/;

function rulesOf(options: readonly ProtoOption[], target: RulesTarget, position: Position, context: Context): Rules {
  const pairs: ProtoOption[] = [];
  for (const [name, value] of options) {
    const match = CAUSEWAY_OPTION.exec(name);
    if (!match) continue;
    const option = match[1]?.replace("(.", "(");
    if (!context.rulesKnown) {
      fail(context, position, `the option ${option} is not known here; import "causeway/options.proto"`);
      return {};
    }
    if (option === RULES_OPTIONS[target]) pairs.push([match[2] ?? "", value]);
    else fail(context, position, `the option ${option} cannot stand here; expected ${RULES_OPTIONS[target]}`);
  }
  return parseRules(pairs, position, context.report);
}

function createMessage(
  node: ProtoMessage,
  scope: string,
  parent: MessageType | undefined,
  context: Context,
): OpenMessage["type"] {
  return {
    ...declarationOf(node, "message", context),
    wire: "protobuf",
    fullName: join(scope, node.name),
    shape: "message",
    fields: [],
    fieldsById: new Map(),
    parent,
  };
}

function createEnum(
  node: ProtoEnum,
  scope: string,
  parent: MessageType | undefined,
  inherited: ProtoFeatures,
  context: Context,
): EnumType {
  const closed = overrideFeatures(inherited, node).enumType === "CLOSED";
  const values: EnumValue[] = node.values.map((value) => ({
    ...declarationOf(value, "value", context),
    number: value.number,
  }));
  const valuesByNumber = new Map<number, EnumValue>();
  for (const value of values) if (!valuesByNumber.has(value.number)) valuesByNumber.set(value.number, value);
  const first = node.values[0];
  if (!closed && first !== undefined && first.number !== 0) {
    fail(
      context,
      first.numberPosition,
      `the first value of an open enum is its default and must be 0, not ${first.number}`,
    );
  }
  const declaration = declarationOf(node, "enum", context);
  return { ...declaration, wire: "protobuf", fullName: join(scope, node.name), values, valuesByNumber, closed, parent };
}

function addFields({ node, type, features }: OpenMessage, context: Context): void {
  const oneofs = new Map(node.oneofs.map((oneof) => [oneof.name, overrideFeatures(features, oneof)]));
  for (const oneof of node.oneofs) rulesOf(oneof.options, "oneof", oneof.position, context);
  for (const fieldNode of node.fields) {
    const inherited = (fieldNode.oneof === undefined ? undefined : oneofs.get(fieldNode.oneof)) ?? features;
    const field = createField(fieldNode, type.fullName, inherited, context);
    if (!field) continue;
    type.fields.push(field);
    type.fieldsById.set(field.id, field);
  }
}

function createField(node: ProtoField, scope: string, inherited: ProtoFeatures, context: Context): Field | undefined {
  const features = overrideFeatures(inherited, node);
  const type = fieldType(node, scope, features, context);
  if (!type) return undefined;
  const presence = presenceOf(node, type, features, context);
  const enumType = type.kind === "enum" ? type.type : undefined;
  if (presence === "implicit" && enumType?.closed) {
    const text = `"${node.name}" cannot have the closed enum "${enumType.fullName}" without presence; say "optional"`;
    fail(context, node.position, text);
  }
  const defaultValue = parseProtoDefault(node, type, (message) => fail(context, node.position, message));
  return { ...declarationOf(node, "field", context), id: node.number, type, presence, defaultValue, oneof: node.oneof };
}

function presenceOf(node: ProtoField, type: FieldType, features: ProtoFeatures, context: Context): Presence {
  if (type.kind === "list" || type.kind === "map") return "implicit";
  if (node.label === "required") return "required";
  const explicit = node.label === "optional" || node.oneof !== undefined || node.extendee !== undefined;
  if (explicit) return "optional";
  if (features.fieldPresence === "LEGACY_REQUIRED") return "required";
  // In editions a message field always has presence too.
  if (type.kind === "message" || context.syntax === "proto2") return "optional";
  return features.fieldPresence === "IMPLICIT" ? "implicit" : "optional";
}

function fieldType(node: ProtoField, scope: string, features: ProtoFeatures, context: Context): FieldType | undefined {
  const value = valueType(node.type, scope, node.group, features, context);
  if (node.keyType !== undefined) {
    const key = node.keyType.text;
    // A key of another type is reported by the checks of the document.
    if (!value || !isProtoScalar(key)) return undefined;
    const entry: FieldType = value.kind === "message" ? { ...value, delimited: false } : value;
    return { kind: "map", key: { kind: "scalar", name: key }, value: entry };
  }
  if (!value || node.label !== "repeated") return value;
  return { kind: "list", element: value, packed: isPacked(node, value, features, context) };
}

function isPacked(node: ProtoField, element: FieldType, features: ProtoFeatures, context: Context): boolean {
  const packable =
    element.kind === "enum" || (element.kind === "scalar" && element.name !== "string" && element.name !== "bytes");
  const written = optionOf(node, "packed");
  if (written === "true" && !packable) {
    fail(context, node.position, `"${node.name}" cannot be packed; only numbers, bools and enums can`);
  }
  if (!packable) return false;
  return written === undefined ? features.repeatedFieldEncoding === "PACKED" : written === "true";
}

function valueType(
  { text, position }: ProtoTypeName,
  scope: string,
  group: boolean,
  features: ProtoFeatures,
  context: Context,
): FieldType | undefined {
  if (isProtoScalar(text)) return { kind: "scalar", name: text };
  const found = context.names.find(text, scope);
  if (typeof found === "string") {
    fail(context, position, found);
    return undefined;
  }
  if ("values" in found) return { kind: "enum", type: found };
  return { kind: "message", type: found, delimited: group || features.messageEncoding === "DELIMITED" };
}

function createExtension(
  node: ProtoField,
  scope: string,
  parent: MessageType | undefined,
  features: ProtoFeatures,
  context: Context,
): Extension | undefined {
  const field = createField(node, scope, features, context);
  const extendee = node.extendee && messageNamed(node.extendee, scope, context);
  if (!field || !extendee) return undefined;
  return { ...field, fullName: join(scope, node.name), extendee, parent };
}

function messageNamed({ text, position }: ProtoTypeName, scope: string, context: Context): MessageType | undefined {
  const found = context.names.find(text, scope);
  if (typeof found === "string") fail(context, position, found);
  else if ("values" in found) fail(context, position, `"${text}" is an enum; expected a message`);
  else return found;
  return undefined;
}

function createService(node: ProtoDocument["services"][number], scope: string, context: Context): Service {
  const fullName = join(scope, node.name);
  return {
    ...declarationOf(node, "service", context),
    wire: "protobuf",
    fullName,
    base: undefined,
    methods: node.methods.map((method) => createMethod(method, fullName, context)),
  };
}

function createMethod(node: ProtoMethod, service: string, context: Context): Method {
  const level = optionOf(node, "idempotency_level");
  return {
    ...declarationOf(node, "method", context),
    wire: "protobuf",
    service,
    request: messageNamed(node.request, service, context),
    response: messageNamed(node.response, service, context),
    throws: [],
    oneway: false,
    streaming: streamingOf(node),
    idempotent: level === "NO_SIDE_EFFECTS" || level === "IDEMPOTENT",
  };
}

function streamingOf({ clientStreaming, serverStreaming }: ProtoMethod): Streaming {
  if (clientStreaming) return serverStreaming ? "bidi" : "client";
  return serverStreaming ? "server" : "none";
}
