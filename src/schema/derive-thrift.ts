// A Protobuf file's twin in Thrift: messages flatten to structs, a message that is one oneof to a union, and what an
// earlier derivation from Thrift marked goes back to what it was. What becomes of a field is derive-thrift-field.ts's.
import type { Report } from "../base/diagnostic.ts";
import { createNameScope, type NameScope, thriftName } from "./derive-names.ts";
import {
  createShell,
  type Derivation,
  derivedHead,
  enumOf,
  type MethodTwin,
  qualify,
  type ServiceTwin,
  startDerivation,
  type Twin,
  type Twins,
  untranslatable,
} from "./derive-parts.ts";
import { fillStruct, type StructDraft } from "./derive-thrift-field.ts";
import {
  type Declaration,
  type EnumType,
  type Field,
  fieldsOf,
  isMessageSet,
  type MessageType,
  type Method,
  type Rules,
  type SchemaFile,
  type Service,
} from "./model.ts";

import { ONEOF_SUCCESS_NUMBER } from "./result-numbers.ts";

/**
 * The Thrift twin of a .proto file, to be written as `path`, with `namespace * packageName`. What has no place in Thrift
 * is reported and left out. `twins` holds the twins of all that the file imports.
 */
export function deriveThrift(
  given: SchemaFile,
  { path, packageName }: { readonly path: string; readonly packageName: string },
  twins: Twins,
  report: Report,
): Twin {
  const derivation = startDerivation(given, twins, report);
  const scope: FileScope = {
    derivation,
    names: createNameScope(),
    packageName,
    drafts: [],
    thrown: thrownInOneofs(given),
  };
  const bodies = bodiesOf(given);

  for (const message of given.messages) if (isMessageSet(message)) reportMessageSet(derivation, message);
  const declared = given.messages.filter(
    (message) => !message.rules.wrap && !bodies.has(message) && !isMessageSet(message),
  );
  for (const message of declared) startStruct(scope, message);
  for (const type of given.enums) {
    const name = claim(scope, type);
    if (name !== undefined) derivation.enums.set(type, deriveEnum(type, name, packageName));
  }
  for (const draft of scope.drafts) fillStruct(derivation, draft);

  const services = new Map<Service, ServiceTwin>();
  for (const service of given.services) {
    const name = claim(scope, service);
    if (name === undefined) continue;
    const fullName = qualify(packageName, name);
    const names = createNameScope();
    const methods = service.methods.flatMap((method) => deriveMethod(scope, method, fullName, names));
    const own = methods.map(({ derived }) => derived);
    const derived: Service = { ...derivedHead(service, name), wire: "thrift", fullName, base: undefined, methods: own };
    services.set(service, { derived, methods });
  }
  for (const finish of derivation.later) finish();

  const file: SchemaFile = {
    path,
    wire: "thrift",
    package: packageName,
    annotations: [["*", packageName]],
    rules: {},
    doc: given.doc,
    syntax: undefined,
    imports: [...derivation.used],
    messages: scope.drafts.map(({ shell }) => shell.type),
    enums: [...derivation.enums.values()],
    services: [...services.values()].map(({ derived }) => derived),
    constants: [],
  };
  return { given, file, messages: derivation.messages, enums: derivation.enums, services };
}

function reportMessageSet({ scopes, report }: Derivation, message: MessageType): void {
  const text = `message "${message.name}" is a MessageSet, which has no translation: it is left out, with its extensions and all fields that have it`;
  if (!scopes.ofMessage(message).rules.lossy) report("lossy", message.position, text);
}

interface FileScope {
  readonly derivation: Derivation;
  readonly names: NameScope;
  readonly packageName: string;
  readonly drafts: StructDraft[];
  /** The messages that stand for exceptions beside a result. */
  readonly thrown: ReadonlySet<MessageType>;
}

function thrownInOneofs({ services }: SchemaFile): ReadonlySet<MessageType> {
  const results = services.flatMap(({ methods }) => methods).filter(({ rules }) => rules.oneof !== undefined);
  const fields = results.flatMap(({ response }) => response?.fields.map(resultField) ?? []);
  return new Set(
    fields.flatMap(({ type, rules }) => (type.kind === "message" && rules.field !== 0 ? [type.type] : [])),
  );
}

/** The messages that stand for arguments and results, and that nothing but methods refers to. */
function bodiesOf(file: SchemaFile): ReadonlySet<MessageType> {
  const methods = file.services.flatMap((service) => service.methods);
  const bodies = new Set(
    methods.flatMap(({ request, response, rules }) => [
      ...(request?.rules.args ? [request] : []),
      ...(response && (response.rules.args || rules.oneof !== undefined) ? [response] : []),
    ]),
  );
  for (const { fields } of file.messages) {
    for (const { type } of fields) {
      const inner = type.kind === "list" ? type.element : type.kind === "map" ? type.value : type;
      if (inner.kind === "message") bodies.delete(inner.type);
    }
  }
  return bodies;
}

/** `Outer_Inner`, for nested types; the name before an earlier derivation, if there was one. */
function flatName({ name, rules, parent }: { name: string; rules: Rules; parent?: MessageType | undefined }): string {
  if (rules.name !== undefined) return rules.name;
  return parent ? `${flatName(parent)}_${name}` : name;
}

/** A free name in the file; undefined, and reported, when flattening gave two things the same one. */
function claim(
  { derivation, names }: FileScope,
  given: Declaration & { readonly fullName: string; readonly parent?: MessageType | undefined },
): string | undefined {
  const wanted = thriftName(flatName(given));
  const name = names.claim(wanted);
  if (name === wanted) return name;
  const message = `${given.fullName} would be named ${wanted} in Thrift, as something else in the file is; rename one of the two`;
  derivation.report("error", given.position, message);
  return undefined;
}

function startStruct(scope: FileScope, given: MessageType): void {
  const name = claim(scope, given);
  if (name === undefined) return;
  const around = scope.derivation.scopes.ofMessage(given).rules;
  const shell = createShell({
    // A Thrift file has no place for what is said of all of it.
    ...derivedHead({ ...given, rules: { ...around, ...given.rules } }, name, {}, flatName(given)),
    wire: "thrift",
    fullName: qualify(scope.packageName, name),
    shape: shapeOf(given, scope.thrown),
    parent: undefined,
  });
  scope.derivation.messages.set(given, shell.type);
  scope.drafts.push({ given, shell });
}

/** Only a message that is one oneof and nothing else is a union; a declared exception has a code. */
function shapeOf(message: MessageType, thrown: ReadonlySet<MessageType>): MessageType["shape"] {
  const { rules } = message;
  const fields = fieldsOf(message);
  const [first] = fields;
  if (first ? first.oneof !== undefined && fields.every(({ oneof }) => oneof === first.oneof) : rules.oneof)
    return "union";
  return rules.code !== undefined || thrown.has(message) ? "exception" : "struct";
}

function deriveEnum(given: EnumType, name: string, packageName: string): EnumType {
  const names = createNameScope();
  const values = given.values
    .filter(({ rules }) => !rules.synthetic)
    .map((value) => {
      const own = value.rules.name ?? withoutPrefix(value.name, given);
      return { ...derivedHead(value, names.claim(thriftName(own)), {}, own), number: value.number };
    });
  return enumOf({
    ...derivedHead(given, name, {}, flatName(given)),
    wire: "thrift",
    fullName: qualify(packageName, name),
    values,
    closed: false,
    parent: undefined,
  });
}

/** An earlier derivation put the enum's name in front of all its values. */
function withoutPrefix(name: string, { rules: { prefix } }: EnumType): string {
  return prefix !== undefined && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function deriveMethod(scope: FileScope, method: Method, service: string, names: NameScope): MethodTwin[] {
  const { derivation } = scope;
  const { request, response, position } = method;
  const reason = untranslatable(method);
  if (reason !== undefined) {
    const message = `method "${method.name}" ${reason}; it is left out of the translation`;
    const { lossy } = {
      ...derivation.scopes.ofService({ wire: "protobuf", fullName: method.service }).rules,
      ...method.rules,
    };
    if (!lossy) derivation.report("lossy", position, message);
    return [];
  }
  if (!request || !response) return [];
  const name = names.claim(thriftName(method.rules.name ?? method.name));
  const body = (shape: "arguments" | "result"): StructDraft["shell"] => {
    const fullName = `${service}_${name}_${shape === "arguments" ? "args" : "result"}`;
    const bare = fullName.slice(fullName.lastIndexOf(".") + 1);
    const head: Declaration = { name: bare, doc: undefined, annotations: [], rules: {}, position };
    return createShell({ ...head, wire: "thrift", fullName, shape, parent: undefined });
  };
  const parameters = body("arguments");
  const result = body("result");

  if (request.rules.args) fillBody(derivation, request, parameters);
  else addLone(derivation, request, parameters, "request", method.rules.field ?? 1, position);
  const oneway = method.rules.oneway ?? false;
  const { oneof } = method.rules;
  if (oneof !== undefined) fillBody(derivation, response, result, response.fields.map(resultField));
  else if (response.rules.args) fillBody(derivation, response, result);
  else if (!oneway) addLone(derivation, response, result, "success", 0, position);
  const thrown = oneof === undefined ? readThrows(derivation, method) : [];
  for (const field of thrown) result.add(field);
  const throws = result.type.fields.filter(({ id }) => id !== 0);

  const derived: Method = {
    // Without unwrap, the way back would put request and response in messages of their own.
    ...derivedHead(method, name, {
      ...(request.rules.args || response.rules.args ? {} : { unwrap: true }),
      ...(oneof !== undefined && { oneof }),
    }),
    wire: "thrift",
    service,
    request: parameters.type,
    response: result.type,
    throws,
    oneway,
    streaming: "none",
    idempotent: method.idempotent,
  };
  return [{ given: method, derived }];
}

/** A member of a oneof of success and exceptions, which stands for a field of the result. */
function resultField(field: Field): Field {
  const isSuccess = field.id === ONEOF_SUCCESS_NUMBER && field.rules.field === undefined;
  return isSuccess ? { ...field, rules: { ...field.rules, field: 0 } } : field;
}

/** Arguments and results that an earlier derivation put in a message. */
function fillBody(
  derivation: Derivation,
  given: MessageType,
  shell: StructDraft["shell"],
  fields: readonly Field[] = given.fields,
): void {
  if (!derivation.messages.has(given)) derivation.messages.set(given, shell.type);
  fillStruct(derivation, { given, shell, fields });
}

function addLone(
  derivation: Derivation,
  given: MessageType,
  shell: StructDraft["shell"],
  name: string,
  id: number,
  position: Declaration["position"],
): void {
  const inner = derivation.messageTwin(given);
  if (!inner) return;
  const head: Declaration = { name, doc: undefined, annotations: [], rules: {}, position };
  const type = { kind: "message", type: inner, delimited: false } as const;
  const presence = id === 0 ? "required" : "default";
  shell.add({ ...head, id, type, presence, defaultValue: undefined, oneof: undefined });
}

/** The exceptions that an earlier derivation recorded: `1: shop.OutOfStock outOfStock, …`. */
function readThrows(derivation: Derivation, { rules, position, service }: Method): Field[] {
  if (rules.throws === undefined) return [];
  const scope = service.slice(0, Math.max(0, service.lastIndexOf(".")));
  const known = messagesByName(derivation.given);
  return rules.throws.split(",").flatMap((text): Field[] => {
    const [, id, typeName = "", name = ""] = /^\s*(\d{1,5}):\s*([\w.]+)\s+(\w+)\s*$/.exec(text) ?? [];
    const given = known.get(typeName) ?? known.get(qualify(scope, typeName));
    const type = given && derivation.messageTwin(given);
    if (id === undefined || !type) {
      const expected = "expected for example 1: shop.OutOfStock outOfStock, with a message of this file or its imports";
      derivation.report("error", position, `the rule throws cannot be read at "${text.trim()}"; ${expected}`);
      return [];
    }
    const head: Declaration = { name: thriftName(name), doc: undefined, annotations: [], rules: {}, position };
    const thrown = { kind: "message", type, delimited: false } as const;
    return [{ ...head, id: Number(id), type: thrown, presence: "optional", defaultValue: undefined, oneof: undefined }];
  });
}

function messagesByName(file: SchemaFile, into = new Map<string, MessageType>()): ReadonlyMap<string, MessageType> {
  for (const imported of file.imports) messagesByName(imported, into);
  for (const message of file.messages) into.set(message.fullName, message);
  return into;
}
