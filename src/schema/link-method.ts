// Links methods: what a Thrift argument list, result and exceptions are to a Protobuf request, response and error details.
import type { Diagnostic, Position, Report } from "../base/diagnostic.ts";
import { untranslatable } from "./derive-parts.ts";
import type { BodyLink, MethodLink } from "./link.ts";
import type { Linker } from "./link-message.ts";
import { type Field, type MessageType, type Method, methodsOf, type SchemaFile, type Service } from "./model.ts";
import type { RuleScopes } from "./rule-scope.ts";

/** What linking methods needs. */
export interface MethodContext {
  readonly linker: Linker;
  readonly scopes: RuleScopes;
  readonly report: Report;
}

/** The link of a method and its derived twin, which agree by construction; undefined when either is not loaded. */
export function linkTwins({ linker }: MethodContext, thrift: Method, protobuf: Method): MethodLink | undefined {
  const { request: parameters, response: result } = thrift;
  const { request, response } = protobuf;
  if (!parameters || !result || !request || !response) return undefined;
  const success = result.fields.filter(({ id }) => id === 0);
  const oneof = protobuf.rules.oneof !== undefined || thrift.rules.oneof !== undefined;
  return {
    thrift,
    protobuf,
    request: bodyOf(linker, parameters, parameters.fields, request),
    response: oneof
      ? { kind: "whole", link: linker.link(result, response) }
      : bodyOf(linker, result, success, response),
    exceptions: oneof ? new Map() : linkExceptions(linker, result, protobuf.throws),
    ...(oneof && { oneof }),
  };
}

/** The struct itself, or the inside of its one struct field: only a marked message stands for a whole argument list. */
function bodyOf(linker: Linker, struct: MessageType, fields: readonly Field[], message: MessageType): BodyLink {
  const field = loneStruct(fields);
  if (message.rules.args || !field) return { kind: "whole", link: linker.link(struct, message) };
  return { kind: "field", thrift: struct, field, link: linker.link(field.type.type, message) };
}

type StructField = Field & { readonly type: { readonly kind: "message"; readonly type: MessageType } };

function loneStruct(fields: readonly Field[]): StructField | undefined {
  const [field] = fields;
  return fields.length === 1 && field && isStructField(field) ? field : undefined;
}

function isStructField(field: Field): field is StructField {
  return field.type.kind === "message";
}

function linkExceptions(linker: Linker, result: MessageType, throws: readonly Field[]): ReadonlyMap<number, BodyLink> {
  const exceptions = new Map<number, BodyLink>();
  for (const { id, type } of throws) {
    const field = result.fieldsById.get(id);
    if (!field || !isStructField(field) || type.kind !== "message") continue;
    exceptions.set(id, { kind: "field", thrift: result, field, link: linker.link(field.type.type, type.type) });
  }
  return exceptions;
}

/** Two services whose IDLs were written apart. */
export interface ServicePair {
  readonly thrift: Service;
  readonly protobuf: Service;
  /** The file of `protobuf`, where the messages of exceptions are looked for. */
  readonly file: SchemaFile;
}

/**
 * Links the methods of two services by name; the case of the first letter does not count, because both languages have
 * their own custom. The `protobuf` of each link is a copy with `throws` filled. What has no partner is reported.
 */
export function linkServices(context: MethodContext, { thrift, protobuf, file }: ServicePair): readonly MethodLink[] {
  const known = messagesBySimpleName(file);
  const left = new Set(protobuf.methods);
  const links = methodsOf(thrift).flatMap((method): MethodLink[] => {
    const partner = partnerOf(method, protobuf);
    if (!partner) {
      reportAlone(context, method, protobuf);
      return [];
    }
    left.delete(partner);
    return linkMethod(context, method, partner, known);
  });
  for (const method of left) {
    const reason = untranslatable(method);
    if (reason !== undefined) reportLeftOut(context, method, reason);
    else reportAlone(context, method, thrift);
  }
  return links;
}

function reportAlone(context: MethodContext, method: Method, other: Service): void {
  const message = `method "${method.name}" has no partner in service ${other.fullName}; calls from there cannot reach it`;
  reportLoss(context, method, message);
}

/** Such methods pass between Protobuf peers only. */
function reportLeftOut(context: MethodContext, method: Method, reason: string): void {
  reportLoss(context, method, `method "${method.name}" ${reason}; it is left out of the translation`);
}

/** Unless the author accepts it, on the method or on what it is in. */
function reportLoss(
  { scopes, report }: MethodContext,
  method: Method,
  message: string,
  position: Position = method.position,
): void {
  const { wire, service, rules } = method;
  const { lossy } = { ...scopes.ofService({ wire, fullName: service }).rules, ...rules };
  if (!lossy) report({ severity: "lossy", position, message });
}

function partnerOf({ name, rules }: Method, { methods }: Service): Method | undefined {
  const wanted = rules.name ?? name;
  return (
    methods.find((method) => (method.rules.name ?? method.name) === wanted || method.name === wanted) ??
    methods.find((method) => decapitalized(method.name) === decapitalized(wanted))
  );
}

function decapitalized(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function linkMethod(
  context: MethodContext,
  thrift: Method,
  given: Method,
  known: ReadonlyMap<string, MessageType>,
): MethodLink[] {
  const reason = untranslatable(given);
  if (reason !== undefined) {
    reportLeftOut(context, given, reason);
    return [];
  }
  const oneof = given.rules.oneof ?? thrift.rules.oneof;
  const protobuf: Method =
    oneof === undefined
      ? { ...given, throws: thrownBy(context, thrift, given, known) }
      : { ...given, rules: { ...given.rules, oneof }, throws: [] };
  const link = linkTwins(context, thrift, protobuf);
  if (!link) return [];
  reportBody(context, link, link.request, given.request);
  reportBody(context, link, link.response, given.response);
  return [link];
}

/** What was decided about a message that does not say itself what it stands for. */
function reportBody(context: MethodContext, link: MethodLink, body: BodyLink, message: MessageType | undefined): void {
  const { thrift, protobuf } = link;
  const unwrap =
    thrift.rules.unwrap ?? context.scopes.ofService({ wire: "thrift", fullName: thrift.service }).rules.unwrap;
  if (!message || message.rules.args || unwrap || protobuf.rules.unwrap || (link.oneof && body === link.response))
    return;
  const report = reporterOf(context);
  const mark = `mark ${message.fullName} with (causeway.message_rules).args = true`;
  if (body.kind === "field") {
    const what = body.field.id === 0 && body === link.response ? "result" : `argument "${body.field.name}"`;
    const text = `method "${thrift.name}": its ${what} is paired with ${message.fullName} itself; say so with pb.unwrap = "true", or ${mark} if it holds the ${what} in a field`;
    report("warning", thrift.position, text);
  } else if (body.link.thrift.fields.some(({ id }) => body === link.request || id === 0)) {
    const what = body === link.request ? "arguments" : "result";
    report(
      "warning",
      thrift.position,
      `method "${thrift.name}": its ${what} are paired with the fields of ${message.fullName}; ${mark} to say so`,
    );
  }
}

/** The messages that stand for the exceptions of a method, by simple name; those that cannot be found are reported. */
function thrownBy(
  context: MethodContext,
  thrift: Method,
  protobuf: Method,
  known: ReadonlyMap<string, MessageType>,
): readonly Field[] {
  return thrift.throws.flatMap((field): Field[] => {
    if (!isStructField(field)) return [];
    const { name, rules } = field.type.type;
    const type = known.get(rules.name ?? name);
    if (type) {
      return [
        { ...field, type: { kind: "message", type, delimited: false }, presence: "optional", defaultValue: undefined },
      ];
    }
    const text = `exception "${name}" of method "${thrift.name}" has no message of that name in the file of ${protobuf.service} or its imports; gRPC callers get a status without it`;
    reportLoss(context, thrift, text, field.position);
    return [];
  });
}

/** The messages of a file, then those of its imports, nearest first. */
function messagesBySimpleName(file: SchemaFile): ReadonlyMap<string, MessageType> {
  const known = new Map<string, MessageType>();
  const seen = new Set([file]);
  for (const next of seen) {
    for (const message of next.messages) if (!known.has(message.name)) known.set(message.name, message);
    for (const imported of next.imports) seen.add(imported);
  }
  return known;
}

function reporterOf({ report }: MethodContext) {
  return (severity: Diagnostic["severity"], position: Position, message: string): void =>
    report({ severity, position, message });
}
