// Makes the model out of one .proto document: looks its names up, works out presence, packing and defaults, and checks
// what only shows then.
import type { Report } from "../base/diagnostic.ts";
import {
  type Declaration,
  type EnumType,
  type EnumValue,
  type Extension,
  type ExtensionRange,
  type Field,
  isMessageSet,
  type MessageType,
  type Method,
  type Reserved,
  type SchemaFile,
  type Service,
  type Streaming,
} from "./model.ts";
import { declarationOf, fail, join, messageNamed, type ProtoContext, rulesOf } from "./proto-context.ts";
import type { ProtoDocument, ProtoEnum, ProtoField, ProtoImport, ProtoMessage, ProtoMethod } from "./proto-document.ts";
import { defaultFeatures, overrideFeatures, type ProtoFeatures } from "./proto-features.ts";
import { createExtension, createField } from "./proto-fields.ts";
import { createProtoNames, visibleFiles } from "./proto-names.ts";
import { checkProtoDocument, extensionRangesOf, findRange, optionOf } from "./proto-validate.ts";

/** A message whose fields, oneofs and extensions are still to come. */
type OpenType = MessageType & {
  readonly fields: Field[];
  readonly fieldsById: Map<number, Field>;
  readonly oneofs: Declaration[];
  readonly extensions: Extension[];
};

interface OpenMessage {
  readonly node: ProtoMessage;
  readonly type: OpenType;
  readonly features: ProtoFeatures;
}

/** More help nobody: the first ones explain the rest. */
const MAX_ERRORS = 100;
/** Ranges to list in a message. */
const MAX_SHOWN = 10;

/** Extensions come with later files. */
const OPEN_TYPES = new WeakMap<MessageType, OpenType>();

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
  let errors = 0;
  const watch: Report = (diagnostic) => {
    if (diagnostic.severity === "error") errors++;
    if (errors <= MAX_ERRORS) report(diagnostic);
  };
  checkProtoDocument(document, watch);
  const file = { ...createFile(document, imports, watch), importPath };
  return errors > 0 ? undefined : file;
}

function createFile(document: ProtoDocument, imports: ReadonlyMap<string, SchemaFile>, report: Report): SchemaFile {
  const importsOf = (fits: (modifier: ProtoImport["modifier"]) => boolean): readonly SchemaFile[] => {
    const chosen = document.imports.filter(({ modifier }) => fits(modifier));
    return [...new Set(chosen.flatMap(({ path }) => imports.get(path) ?? []))];
  };
  const imported = importsOf((modifier) => modifier !== "option");
  const optionImports = importsOf((modifier) => modifier === "option");
  const names = createProtoNames(document.package, imported);
  const rulesKnown = knowsRules(document, [...imported, ...optionImports]);
  const context: ProtoContext = { names, report, rulesKnown, syntax: document.syntax };

  const { open, enums, extensions } = declareTypes(document, context);
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
    publicImports: importsOf((modifier) => modifier === "public"),
    optionImports,
    messages: open.map(({ type }) => type),
    enums,
    services: document.services.map((node) => createService(node, document.package, context)),
    constants: [],
    extensions: addExtensions(
      extensions.flatMap((create) => create() ?? []),
      context,
    ),
  };
}

/** All messages and enums, outer before inner, without what needs other types; extensions wait until those are known. */
function declareTypes(document: ProtoDocument, context: ProtoContext) {
  const open: OpenMessage[] = [];
  const enums: EnumType[] = [];
  const extensions: (() => Extension | undefined)[] = [];
  const declare = (
    scope: ScopeNode,
    around: string,
    parent: MessageType | undefined,
    features: ProtoFeatures,
  ): void => {
    for (const node of scope.enums) enums.push(createEnum(node, around, parent, features, context));
    for (const node of scope.extensions) {
      extensions.push(() => createExtension(node, around, parent, features, context));
    }
    for (const node of scope.messages) {
      const own = overrideFeatures(features, node);
      const type = createMessage(node, around, parent, context);
      open.push({ node, type, features: own });
      declare(node, type.fullName, type, own);
    }
  };
  declare(document, document.package, undefined, overrideFeatures(defaultFeatures(document.syntax), document));
  return { open, enums, extensions };
}

/** Gives extensions to the messages they extend; options are no values, so theirs stay apart. */
function addExtensions(extensions: readonly Extension[], context: ProtoContext): readonly Extension[] {
  const ranges = new Map<MessageType, readonly ExtensionRange[]>();
  for (const extension of extensions) {
    const { id, extendee, position } = extension;
    const known = ranges.get(extendee) ?? (extendee.extensionRanges ?? []).toSorted((a, b) => a.from - b.from);
    ranges.set(extendee, known);
    if (!findRange(known, id)) {
      const shown = known.slice(0, MAX_SHOWN).map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
      const text = shown.join(", ") || "none";
      fail(context, position, `${extendee.fullName} leaves the number ${id} to no extension; its ranges are ${text}`);
      continue;
    }
    if (isMessageSet(extendee) && extension.type.kind !== "message") {
      fail(context, position, `${extendee.fullName} is a MessageSet; its extensions are single messages`);
    }
    const type = isOptions(extendee) ? undefined : OPEN_TYPES.get(extendee);
    const before = type?.fieldsById.get(id);
    if (before) {
      const { file, line } = before.position;
      const message = `number ${id} of ${extendee.fullName} is already used by "${before.name}" at ${file}:${line}`;
      fail(context, position, message);
    } else {
      type?.extensions.push(extension);
      type?.fieldsById.set(id, extension);
    }
    if (context.syntax === "proto3" && !isOptions(extendee)) {
      fail(context, position, `proto3 has no extensions but those of options, and ${extendee.fullName} is none`);
    }
  }
  return extensions;
}

function isOptions({ fullName }: MessageType): boolean {
  return /^google\.protobuf\.\w+Options$/.test(fullName);
}

interface ScopeNode {
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extensions: readonly ProtoField[];
}

function knowsRules(document: ProtoDocument, imported: readonly SchemaFile[]): boolean {
  if (document.package === "causeway") return true;
  return [...visibleFiles(imported)].some((file) =>
    file.extensions?.some(({ fullName }) => fullName === "causeway.rules"),
  );
}

function createMessage(
  node: ProtoMessage,
  scope: string,
  parent: MessageType | undefined,
  context: ProtoContext,
): OpenType {
  const type: OpenType = {
    ...declarationOf(node, "message", context),
    wire: "protobuf",
    fullName: join(scope, node.name),
    shape: "message",
    ...{ fields: [], fieldsById: new Map(), oneofs: [], extensions: [] },
    parent,
    ...reservedOf(node),
    extensionRanges: extensionRangesOf(node).map(({ from, to, options }) => ({ from, to, annotations: options })),
    ...(node.visibility && { visibility: node.visibility }),
  };
  OPEN_TYPES.set(type, type);
  return type;
}

function reservedOf({ reservedRanges, reservedNames }: ProtoMessage | ProtoEnum): { readonly reserved: Reserved } {
  const ranges = reservedRanges.map(({ from, to }) => ({ from, to }));
  return { reserved: { ranges, names: reservedNames.map(({ name }) => name) } };
}

function createEnum(
  node: ProtoEnum,
  scope: string,
  parent: MessageType | undefined,
  inherited: ProtoFeatures,
  context: ProtoContext,
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
    const message = `the first value of an open enum is its default and must be 0, not ${first.number}`;
    fail(context, first.numberPosition, message);
  }
  return {
    ...declarationOf(node, "enum", context),
    wire: "protobuf",
    fullName: join(scope, node.name),
    ...{ values, valuesByNumber, closed, parent },
    ...reservedOf(node),
    ...(node.visibility && { visibility: node.visibility }),
  };
}

function addFields({ node, type, features }: OpenMessage, context: ProtoContext): void {
  const oneofs = new Map(node.oneofs.map((oneof) => [oneof.name, overrideFeatures(features, oneof)]));
  for (const oneof of node.oneofs) type.oneofs.push(declarationOf(oneof, "oneof", context));
  for (const fieldNode of node.fields) {
    const inherited = (fieldNode.oneof === undefined ? undefined : oneofs.get(fieldNode.oneof)) ?? features;
    const field = createField(fieldNode, type.fullName, inherited, context);
    if (!field) continue;
    type.fields.push(field);
    type.fieldsById.set(field.id, field);
  }
}

function createService(node: ProtoDocument["services"][number], scope: string, context: ProtoContext): Service {
  const fullName = join(scope, node.name);
  return {
    ...declarationOf(node, "service", context),
    wire: "protobuf",
    fullName,
    base: undefined,
    methods: node.methods.map((method) => createMethod(method, fullName, context)),
  };
}

function createMethod(node: ProtoMethod, service: string, context: ProtoContext): Method {
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
