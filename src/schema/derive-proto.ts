// A Thrift file's twin in Protobuf: every struct, union, exception, argument list and result as a proto3 message.
// What becomes of a field is derive-proto-field.ts's.
import type { Report } from "../base/diagnostic.ts";
import { createNameScope, jsonKeyOf, type NameScope, upperSnakeOf } from "./derive-names.ts";
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
  travelling,
  withoutUndefined,
} from "./derive-parts.ts";
import { fillMessage, type MessageDraft, UNION_ONEOF } from "./derive-proto-field.ts";
import {
  type Declaration,
  type EnumType,
  type EnumValue,
  type Field,
  type MessageType,
  type Method,
  methodsOf,
  type Rules,
  type SchemaFile,
  type Service,
} from "./model.ts";

/** Where a result's success stands; id 0 is not for Protobuf, and exceptions do not travel in the message. */
const SUCCESS_NUMBER = 1;

/**
 * The proto3 twin of a Thrift file, to be written as `path`, in the package `packageName`. What has no place in Protobuf
 * is reported and left out. `twins` holds the twins of all that the file includes.
 */
export function deriveProto(
  given: SchemaFile,
  { path, packageName }: { readonly path: string; readonly packageName: string },
  twins: Twins,
  report: Report,
): Twin {
  const derivation = startDerivation(given, twins, report);
  const names = createNameScope();
  const scope: FileScope = { derivation, names, packageName, drafts: [] };

  const drafts = given.messages.map((message) => deriveMessage(scope, message));
  const enums = given.enums.map((type) => ({ type, name: names.claim(formerName(type)) }));
  const services = given.services.map((service) => ({ service, name: names.claim(formerName(service)) }));
  for (const { type, name } of enums) derivation.enums.set(type, deriveEnum(type, name, scope));
  for (const draft of drafts) fillMessage(derivation, draft);

  const twinServices = new Map<Service, ServiceTwin>();
  for (const { service, name } of services) {
    const fullName = qualify(packageName, name);
    for (const method of service.methods) deriveBodies(scope, service, method);
    const methods = methodsOf(service).flatMap((method) => deriveMethod(derivation, service, method, fullName));
    const own = methods.map(({ derived }) => derived);
    const derived: Service = {
      ...derivedHead(service, name),
      wire: "protobuf",
      fullName,
      base: undefined,
      methods: own,
    };
    twinServices.set(service, { derived, methods });
  }

  const file: SchemaFile = {
    path,
    wire: "protobuf",
    package: packageName,
    annotations: [],
    rules: travelling(given.rules),
    doc: given.doc,
    syntax: "proto3",
    imports: [...derivation.used],
    messages: scope.drafts.flatMap(({ shell, nested }) => [shell.type, ...nested]),
    enums: [...derivation.enums.values()],
    services: [...twinServices.values()].map(({ derived }) => derived),
    constants: given.constants,
  };
  return { given, file, messages: derivation.messages, enums: derivation.enums, services: twinServices };
}

interface FileScope {
  readonly derivation: Derivation;
  readonly names: NameScope;
  readonly packageName: string;
  readonly drafts: MessageDraft[];
}

/** The name that an author or an earlier derivation would like it to have here. */
function formerName({ name, rules }: { readonly name: string; readonly rules: Rules }): string {
  return rules.name ?? name;
}

function deriveMessage(scope: FileScope, given: MessageType): MessageDraft {
  const name = scope.names.claim(formerName(given));
  return startMessage(scope, given, derivedHead(given, name, shapeRules(given)));
}

/** What a message cannot show: that it is an exception, or a union of nothing. */
function shapeRules({ shape, rules, fields }: MessageType): Rules {
  if (shape === "exception") return { code: rules.code ?? "UNKNOWN" };
  return shape === "union" && fields.length === 0 ? { oneof: UNION_ONEOF } : {};
}

function startMessage(scope: FileScope, given: MessageType, head: Declaration, fields = given.fields): MessageDraft {
  const fullName = qualify(scope.packageName, head.name);
  const shell = createShell({ ...head, wire: "protobuf", fullName, shape: "message", parent: undefined });
  scope.derivation.messages.set(given, shell.type);
  const draft: MessageDraft = { given, fields, shell, nested: [] };
  scope.drafts.push(draft);
  return draft;
}

/** The argument and result messages of a method that is declared in this file, but for what is unwrapped. */
function deriveBodies(scope: FileScope, service: Service, method: Method): void {
  const { request, response, position } = method;
  if (!request || !response) return;
  const body = (given: MessageType, suffix: string, fields: readonly Field[]): void => {
    const name = scope.names.claim(`${formerName(service)}_${formerName(method)}_${suffix}`);
    const head: Declaration = { name, doc: undefined, annotations: [], rules: { args: true }, position };
    fillMessage(scope.derivation, startMessage(scope, given, head, fields));
  };
  if (!unwrapped(scope.derivation, service, method, request.fields)) body(request, "args", request.fields);
  const success = successOf(response).map((field) => ({
    ...field,
    rules: { ...field.rules, field: field.rules.field ?? SUCCESS_NUMBER },
  }));
  if (!unwrapped(scope.derivation, service, method, success)) body(response, "result", success);
}

function successOf(result: MessageType): readonly Field[] {
  return result.fields.filter(({ id }) => id === 0);
}

/** The lone struct that stands for itself instead of in a message of its own, if the author wants that. */
function unwrapped(
  derivation: Derivation,
  service: Service,
  method: Method,
  fields: readonly Field[],
): Field | undefined {
  const [field] = fields;
  if (fields.length !== 1 || field?.type.kind !== "message") return undefined;
  return (method.rules.unwrap ?? unwrapAround(derivation, service, method)) ? field : undefined;
}

/** What the service that declares the method says, or its file; `service` may only inherit it. */
function unwrapAround({ given, loaded }: Derivation, service: Service, method: Method): boolean | undefined {
  let declaring = service;
  while (declaring.base && declaring.fullName !== method.service) declaring = declaring.base;
  const file = [given, ...loaded].find(({ services }) => services.includes(declaring));
  return declaring.rules.unwrap ?? file?.rules.unwrap;
}

function deriveMethod(derivation: Derivation, service: Service, method: Method, fullName: string): MethodTwin[] {
  const { request, response } = method;
  if (!request || !response) return [];
  const argument = unwrapped(derivation, service, method, request.fields);
  const success = unwrapped(derivation, service, method, successOf(response));
  const twinOf = (body: MessageType, field: Field | undefined): MessageType | undefined =>
    derivation.messageTwin(field?.type.kind === "message" ? field.type.type : body);
  const throws = method.throws.flatMap((field) => deriveThrown(derivation, field));
  const derived: Method = {
    ...derivedHead(method, formerName(method), recorded(method, argument, throws)),
    wire: "protobuf",
    service: fullName,
    request: twinOf(request, argument),
    response: twinOf(response, success),
    throws,
    oneway: method.oneway,
    streaming: "none",
    idempotent: method.idempotent,
  };
  return [{ given: method, derived }];
}

/** What a rpc cannot say, for the way back. */
function recorded(method: Method, argument: Field | undefined, throws: readonly Field[]): Rules {
  return withoutUndefined({
    oneway: method.oneway || undefined,
    field: argument && argument.id !== 1 ? argument.id : undefined,
    throws: throws.map(thrownText).join(", ") || undefined,
  });
}

function thrownText({ id, name, type }: Field): string {
  return `${id}: ${type.kind === "message" ? type.type.fullName : ""} ${name}`;
}

function deriveThrown(derivation: Derivation, field: Field): Field[] {
  const type = field.type.kind === "message" ? derivation.messageTwin(field.type.type) : undefined;
  if (!type) return [];
  return [
    { ...field, type: { kind: "message", type, delimited: false }, presence: "optional", defaultValue: undefined },
  ];
}

/** proto3 wants a zero, and wants it first. */
function deriveEnum(given: EnumType, name: string, { names, packageName }: FileScope): EnumType {
  const nameOf = valueNames(given, `${upperSnakeOf(name)}_`, names);
  const values = given.values.map((value): EnumValue => {
    return { ...derivedHead(value, nameOf(formerName(value), value.number)), number: value.number };
  });
  const zero = values.find(({ number }) => number === 0) ?? syntheticZero(given, nameOf("UNSPECIFIED", 0));
  const ordered = [zero, ...values.filter((value) => value !== zero)];
  const head = derivedHead(given, name);
  const aliased = new Set(ordered.map(({ number }) => number)).size < ordered.length;
  return enumOf({
    ...head,
    annotations: aliased ? [...head.annotations, ["allow_alias", "true"]] : head.annotations,
    wire: "protobuf",
    fullName: qualify(packageName, name),
    values: ordered,
    closed: false,
    parent: undefined,
  });
}

/**
 * Names values: all get the enum's prefix or, where all have it, none does, because the values of all enums of a file
 * share one scope. Two that Protobuf takes for the same get their number behind the name.
 */
function valueNames(
  { values }: EnumType,
  prefix: string,
  names: NameScope,
): (former: string, number: number) => string {
  const prefixed = values.length > 0 && values.every((value) => formerName(value).startsWith(prefix));
  const numbers = new Map<string, number>();
  return (former, number) => {
    const own = prefixed && former.startsWith(prefix) ? former : prefix + former;
    const key = jsonKeyOf(own);
    const before = numbers.get(key) ?? number;
    numbers.set(key, before);
    return names.claim(before === number ? own : `${own}_${String(number).replace("-", "M")}`);
  };
}

function syntheticZero({ position }: EnumType, name: string): EnumValue {
  return { name, doc: undefined, annotations: [], rules: { synthetic: true }, position, number: 0 };
}
