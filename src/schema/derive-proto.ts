// A Thrift file's twin in Protobuf: every struct, union, exception, argument list and result as a proto3 message.
// What becomes of a field is derive-proto-field.ts's.
import type { Report } from "../base/diagnostic.ts";
import { jsonKeyOf, type NameScope, upperSnakeOf } from "./derive-names.ts";
import {
  createShell,
  type Derivation,
  enumOf,
  type MethodTwin,
  protoHead,
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
  type FieldType,
  type MessageType,
  type Method,
  methodsOf,
  type Rules,
  type SchemaFile,
  type Service,
} from "./model.ts";
import { ONEOF_SUCCESS_NUMBER, SUCCESS_NUMBER } from "./result-numbers.ts";

/** What has each name in a Protobuf package, over all its files. */
export type PackageNames = NameScope<Declaration>;

/**
 * The twin of a Thrift file in proto3, or in edition 2023 where a field came from a group, to be written as `path`, in the package `packageName`. What has no place in Protobuf
 * is reported and left out. `twins` holds the twins of all that the file includes.
 */
export function deriveProto(
  given: SchemaFile,
  { path, packageName, names }: { readonly path: string; readonly packageName: string; readonly names: PackageNames },
  twins: Twins,
  report: Report,
): Twin {
  const derivation = startDerivation(given, twins, report);
  const scope: FileScope = { derivation, names, packageName, drafts: [] };

  const drafts = given.messages.map((message) => deriveMessage(scope, message));
  const enums = given.enums.map((type) => ({ type, name: claim(scope, type) }));
  const services = given.services.map((service) => ({ service, name: claim(scope, service) }));
  for (const { type, name } of enums) derivation.enums.set(type, deriveEnum(type, name, scope));
  for (const draft of drafts) fillMessage(derivation, draft);

  const twinServices = new Map<Service, ServiceTwin>();
  for (const { service, name } of services) {
    const fullName = qualify(packageName, name);
    for (const method of service.methods) deriveBodies(scope, service, method);
    const methods = methodsOf(service).flatMap((method) => deriveMethod(derivation, service, method, fullName));
    const own = methods.map(({ derived }) => derived);
    const derived: Service = {
      ...protoHead(service, name),
      wire: "protobuf",
      fullName,
      base: undefined,
      methods: own,
    };
    twinServices.set(service, { derived, methods });
  }

  const messages = scope.drafts.flatMap(({ shell, nested }) => [shell.type, ...nested]);
  const file: SchemaFile = {
    path,
    wire: "protobuf",
    package: packageName,
    annotations: [],
    rules: travelling(given.rules),
    doc: given.doc,
    syntax: messages.some(({ fields }) => fields.some(({ type }) => isDelimited(type))) ? "2023" : "proto3",
    imports: [...derivation.used],
    messages,
    enums: [...derivation.enums.values()],
    services: [...twinServices.values()].map(({ derived }) => derived),
    constants: given.constants,
  };
  return { given, file, messages: derivation.messages, enums: derivation.enums, services: twinServices };
}

/** A group, which proto3 has not. */
function isDelimited(type: FieldType): boolean {
  return type.kind === "list" ? isDelimited(type.element) : type.kind === "message" && type.delimited;
}

interface FileScope {
  readonly derivation: Derivation;
  readonly names: PackageNames;
  readonly packageName: string;
  readonly drafts: MessageDraft[];
}

/** The name that an author or an earlier derivation would like it to have here. */
function formerName({ name, rules }: { readonly name: string; readonly rules: Rules }): string {
  return rules.name ?? name;
}

/** The name of something in the package; what has it already in this file is reported. */
function claim(
  { derivation, names }: FileScope,
  given: Declaration,
  wanted = formerName(given),
  what = `"${given.name}"`,
): string {
  const holder = names.holderOf(wanted);
  if (holder) {
    const { file, line } = holder.position;
    const isOwn = file === given.position.file;
    const message = `${what} would be named ${wanted} in Protobuf, as "${holder.name}" is (${isOwn ? "line " : `${file}:`}${line}): rename one of the two, or give "${holder.name}" another name there with pb.name`;
    // Types of two files may share a name in Thrift, and their twins may as long as nobody wants both.
    if (isOwn) derivation.report("error", given.position, message);
    else if (given.name !== wanted) derivation.report("warning", given.position, message);
    return wanted;
  }
  return names.claim(wanted, given);
}

function deriveMessage(scope: FileScope, given: MessageType): MessageDraft {
  const name = claim(scope, given);
  return startMessage(scope, given, protoHead(given, name, shapeRules(given)));
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
    const what = `the ${suffix === "args" ? "arguments" : "result"} of method "${method.name}"`;
    const name = claim(scope, method, `${formerName(service)}_${formerName(method)}_${suffix}`, what);
    const head: Declaration = { name, doc: undefined, annotations: [], rules: { args: true }, position };
    fillMessage(scope.derivation, startMessage(scope, given, head, fields));
  };
  if (!unwrapped(scope.derivation, service, method, request.fields)) body(request, "args", request.fields);
  const { oneof } = method.rules;
  const fields = oneof === undefined ? successOf(response) : response.fields;
  const numbered = fields.map((field): Field => resultField(field, oneof));
  if (oneof !== undefined || !unwrapped(scope.derivation, service, method, fields)) body(response, "result", numbered);
}

/** Success has a number of its own, and whatever is in a oneof is there or not. */
function resultField(field: Field, oneof: string | undefined): Field {
  const number = oneof === undefined ? SUCCESS_NUMBER : ONEOF_SUCCESS_NUMBER;
  const rules = field.id === 0 ? { ...field.rules, field: field.rules.field ?? number } : field.rules;
  if (oneof === undefined) return { ...field, rules };
  return { ...field, presence: "required", rules: { ...rules, oneof } };
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
  const { oneof } = method.rules;
  const success = oneof === undefined ? unwrapped(derivation, service, method, successOf(response)) : undefined;
  const twinOf = (body: MessageType, field: Field | undefined): MessageType | undefined =>
    derivation.messageTwin(field?.type.kind === "message" ? field.type.type : body);
  const throws = oneof === undefined ? method.throws.flatMap((field) => deriveThrown(derivation, field)) : [];
  const derived: Method = {
    ...protoHead(method, formerName(method), recorded(method, argument, throws)),
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
    oneof: method.rules.oneof,
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
  const prefix = `${upperSnakeOf(name)}_`;
  const hasPrefix = given.values.length > 0 && given.values.every((value) => formerName(value).startsWith(prefix));
  const nameOf = valueNames(hasPrefix ? "" : prefix, names);
  const values = given.values.map((value): EnumValue => {
    return { ...protoHead(value, nameOf(formerName(value), value.number)), number: value.number };
  });
  const unspecified = hasPrefix ? `${prefix}UNSPECIFIED` : "UNSPECIFIED";
  const zero = values.find(({ number }) => number === 0) ?? syntheticZero(given, nameOf(unspecified, 0));
  const ordered = [zero, ...values.filter((value) => value !== zero)];
  const added = hasPrefix || values.length === 0 ? {} : { prefix };
  const head = protoHead(given, name, added);
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
function valueNames(prefix: string, names: NameScope): (former: string, number: number) => string {
  const numbers = new Map<string, number>();
  return (former, number) => {
    const own = prefix + former;
    const key = jsonKeyOf(own);
    const before = numbers.get(key) ?? number;
    numbers.set(key, before);
    return names.claim(before === number ? own : `${own}_${String(number).replace("-", "M")}`);
  };
}

function syntheticZero({ position }: EnumType, name: string): EnumValue {
  return { name, doc: undefined, annotations: [], rules: { synthetic: true }, position, number: 0 };
}
