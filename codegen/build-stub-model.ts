// From a schema to the stub model: the types of the author, each field with its place on the chosen wire. Where that is not
// the IDL's own, the derived twin says how a field stands there, by the same links that the sidecar translates by.
import type { Report } from "../src/base/diagnostic.ts";
import type { LinkedSchema, MessageLink } from "../src/schema/link.ts";
import { linkSchema } from "../src/schema/link-schema.ts";
import {
  type EnumType,
  type Field,
  type FieldType,
  fieldsOf,
  type MessageType,
  type Schema,
  type SchemaFile,
  type Wire,
} from "../src/schema/model.ts";
import { createSchema } from "../src/schema/schema.ts";
import { type Named, namedOf, ownFieldOf, ownTypeOf, twinFieldOf } from "./build-stub-field.ts";
import { buildService, type ServiceContext } from "./build-stub-service.ts";
import type {
  StubConstant,
  StubEnum,
  StubField,
  StubFile,
  StubMessage,
  StubModel,
  StubOneof,
  StubService,
} from "./stub-model.ts";

const NOT_TRANSLATED: ReadonlySet<string> = new Set(["causeway/options.proto", "google/protobuf/descriptor.proto"]);
const BUILTIN = /^google\/protobuf\//;

/**
 * The model of all files of a schema that hold something, on `wire`, or where that is undefined each on its IDL's own.
 * Streaming methods are left out with a warning. What the wire cannot carry is an error, and then the model is undefined.
 */
export function buildStubModel(schema: Schema, wire: Wire | undefined, report: Report): StubModel | undefined {
  let failed = false;
  const reportAll: Report = (diagnostic) => {
    failed ||= diagnostic.severity === "error";
    report(diagnostic);
  };
  const files = (["thrift", "protobuf"] as const).flatMap((idl) => {
    // Two IDLs of one service would otherwise be taken for each other's partners.
    const own = schema.files.filter((file) => file.wire === idl);
    return own.length === 0 ? [] : buildFiles(createSchema(own), wire ?? idl, reportAll);
  });
  return failed ? undefined : { files };
}

interface Context extends ServiceContext {
  readonly files: Map<SchemaFile, OpenFile>;
}

/** The model's objects refer to each other, and are filled once all are there. */
type OpenMessage = Omit<StubMessage, "fields" | "oneofs"> & {
  readonly fields: StubField[];
  readonly oneofs: StubOneof[];
};
type OpenFile = Omit<StubFile, "enums" | "messages" | "services" | "constants"> & {
  readonly enums: StubEnum[];
  readonly messages: StubMessage[];
  readonly services: StubService[];
  readonly constants: StubConstant[];
};

function buildFiles(schema: Schema, wire: Wire, report: Report): readonly StubFile[] {
  const idl = schema.files[0]!.wire;
  // What is lost between the wires is the sidecar's to report; here it is errors that count.
  let failed = false;
  const linkReport: Report = (diagnostic) => {
    if (diagnostic.severity !== "error") return;
    failed = true;
    report(diagnostic);
  };
  const linked = wire === idl ? undefined : linkSchema(schema, { pairs: [] }, linkReport);
  // Types that have no twin would only be missed once more.
  if (failed) return [];
  const messages = new Map<MessageType, OpenMessage>();
  const enums = new Map<EnumType, StubEnum>();
  const context: Context = {
    wire,
    linked,
    messages,
    enums,
    files: new Map(),
    services: new Map(),
    report,
    unsupported: (position, message) => report({ severity: "error", position, message }),
  };
  const used = usedFiles(schema);
  for (const file of schema.files) if (used.has(file)) context.files.set(file, declare(context, file, messages, enums));
  for (const [type, message] of messages) fill(context, type, message);
  for (const [file, stub] of context.files) {
    const { services, constants } = stub;
    for (const service of file.services) services.push(buildService(context, service));
    for (const constant of file.constants) {
      constants.push({ ...namedOf(constant), type: ownTypeOf(context, constant.type), value: constant.value });
    }
  }
  return [...context.files.values()];
}

/** All that is the author's own; of what Protobuf brings along, what is referred to. */
function usedFiles({ files }: Schema): ReadonlySet<SchemaFile> {
  const fileOf = new Map<unknown, SchemaFile>();
  for (const file of files) for (const type of [...file.messages, ...file.enums]) fileOf.set(type, file);
  const own = files.filter(({ importPath = "" }) => !NOT_TRANSLATED.has(importPath) && !BUILTIN.test(importPath));
  const used = new Set(own);
  const refer = (type: unknown): void => {
    const file = fileOf.get(type);
    if (file) used.add(file);
  };
  for (const file of used) {
    for (const field of file.messages.flatMap((message) => fieldsOf(message))) refer(namedType(field.type));
    for (const { request, response } of file.services.flatMap((service) => service.methods)) {
      refer(request);
      refer(response);
    }
  }
  return used;
}

function namedType(type: FieldType): unknown {
  if (type.kind === "list" || type.kind === "set") return namedType(type.element);
  if (type.kind === "map") return namedType(type.value);
  return type.kind === "scalar" ? undefined : type.type;
}

function declare(
  { wire, files, linked }: Context,
  file: SchemaFile,
  messages: Map<MessageType, OpenMessage>,
  enums: Map<EnumType, StubEnum>,
): OpenFile {
  const stub: OpenFile = {
    source: sourceOf(file),
    position: { file: file.path, line: 1, column: 1 },
    doc: file.doc,
    idl: file.wire,
    wire,
    package: file.package,
    annotations: file.annotations,
    imports: file.imports.flatMap((imported) => files.get(imported) ?? []),
    enums: [],
    messages: [],
    services: [],
    constants: [],
  };
  for (const type of file.enums) {
    const values = type.values.map((value) => ({ ...namedOf(value), number: value.number }));
    const built: StubEnum = { ...namedOf(type), path: pathOf(type), fullName: type.fullName, file: stub, values };
    enums.set(type, built);
    stub.enums.push(built);
  }
  for (const type of file.messages) {
    const twin = linkOf(linked, type)?.[wire];
    const built: OpenMessage = {
      ...namedOf(type),
      kind: type.shape === "union" || type.shape === "exception" ? type.shape : "struct",
      path: pathOf(type),
      fullName: type.fullName,
      wireName: (twin ?? type).fullName,
      file: stub,
      fields: [],
      oneofs: [],
      thriftUnion: type.shape !== "union" && twin?.shape === "union",
      code: type.rules.code ?? "UNKNOWN",
    };
    messages.set(type, built);
    stub.messages.push(built);
  }
  return stub;
}

/** Messages that stand for containers have no twin; fields of their types are reported. */
function linkOf(linked: LinkedSchema | undefined, type: MessageType): MessageLink | undefined {
  return type.rules.wrap ? undefined : linked?.messageLink(type);
}

/** As the author wrote it, so that where the project lies does not show. */
function sourceOf({ importPath, path }: SchemaFile): string {
  const clean = (importPath ?? path).replaceAll("\\", "/");
  return clean.startsWith("/") ? clean.slice(clean.lastIndexOf("/") + 1) : clean.replace(/^(?:\.{1,2}\/)+/, "");
}

function pathOf({ name, parent }: MessageType | EnumType): readonly string[] {
  return parent ? [...pathOf(parent), name] : [name];
}

function fill(context: Context, type: MessageType, message: OpenMessage): void {
  const link = linkOf(context.linked, type);
  for (const field of fieldsOf(type)) message.fields.push(...fieldOf(context, field, link));
  for (const { name, doc, annotations = [], position } of oneofsOf(type)) {
    const fields = message.fields.filter(({ oneof }) => oneof === name);
    if (fields.length > 0) message.oneofs.push({ ...namedOf({ name, doc, annotations, position }), fields });
  }
}

function oneofsOf({ oneofs, fields, position }: MessageType): readonly Named[] {
  if (oneofs) return oneofs;
  const names = new Set(fields.flatMap(({ oneof }) => oneof ?? []));
  return [...names].map((name) => ({ name, doc: undefined, annotations: [], position }));
}

/** None where the link reported that the wire has no place for it. */
function fieldOf(context: Context, field: Field, link: MessageLink | undefined): StubField[] {
  const named = namedOf(field);
  if (!link) return [ownFieldOf(context, named, field)];
  const found = link.fields.find((each) => each.thrift === field || each.protobuf === field);
  return found ? [twinFieldOf(context, named, field, found)] : [];
}
