// The parts that both directions of derivation share: twins, types that may be recursive, and which rules travel along.
import type { Diagnostic, Position, Report } from "../base/diagnostic.ts";
import { thriftName } from "./derive-names.ts";
import {
  type Annotations,
  type Declaration,
  type EnumType,
  type EnumValue,
  type Field,
  isMessageSet,
  type MessageType,
  type Method,
  type Rules,
  type SchemaFile,
  type Service,
} from "./model.ts";
import { createRuleScopes, type RuleScopes } from "./rule-scope.ts";

/** A derived file, and what in it stands for what of the given one. */
export interface Twin {
  readonly given: SchemaFile;
  readonly file: SchemaFile;
  /** Arguments and results of Thrift methods included. */
  readonly messages: ReadonlyMap<MessageType, MessageType>;
  readonly enums: ReadonlyMap<EnumType, EnumType>;
  /** By the given service. */
  readonly services: ReadonlyMap<Service, ServiceTwin>;
}

export interface ServiceTwin {
  readonly derived: Service;
  /** In the order of `derived`, inherited methods included; methods that have no twin are left out. */
  readonly methods: readonly MethodTwin[];
}

export interface MethodTwin {
  readonly given: Method;
  readonly derived: Method;
}

/** The twins of the files that were derived before, which must hold those of all imports. */
export type Twins = ReadonlyMap<SchemaFile, Twin>;

/** What one file's derivation looks up and leaves behind. */
export interface Derivation {
  readonly given: SchemaFile;
  /** What is said around the things of this file. */
  readonly scopes: RuleScopes;
  /** The twin of a message or enum of this file or of any derived before it; undefined when it has none. */
  messageTwin(type: MessageType): MessageType | undefined;
  enumTwin(type: EnumType): EnumType | undefined;
  readonly messages: Map<MessageType, MessageType>;
  readonly enums: Map<EnumType, EnumType>;
  /** The given files of earlier derivations. */
  readonly loaded: Iterable<SchemaFile>;
  /** The files that something here refers to, derived or well known, in the order of first use. */
  readonly used: Set<SchemaFile>;
  /** What can be done only when every message of the file has its fields. */
  readonly later: (() => void)[];
  report(severity: Diagnostic["severity"], position: Position, message: string): void;
}

/** An empty derivation of `given`. */
export function startDerivation(given: SchemaFile, twins: Twins, report: Report): Derivation {
  const messages = new Map<MessageType, MessageType>();
  const enums = new Map<EnumType, EnumType>();
  const used = new Set<SchemaFile>();
  const others = [...twins.values()];
  const lookUp = <T>(own: ReadonlyMap<T, T>, kind: "messages" | "enums", type: T): T | undefined => {
    const found = own.get(type);
    if (found) return found;
    for (const twin of others) {
      const other = (twin[kind] as ReadonlyMap<unknown, T>).get(type);
      if (other) {
        used.add(twin.file);
        return other;
      }
    }
    return undefined;
  };
  return {
    given,
    scopes: createRuleScopes([given]),
    messages,
    enums,
    loaded: [...twins.keys()],
    used,
    later: [],
    messageTwin: (type) => lookUp(messages, "messages", type),
    enumTwin: (type) => lookUp(enums, "enums", type),
    report: (severity, position, message) => report({ severity, position, message }),
  };
}

/** A message whose fields are still to come, so that types can refer to each other. */
export interface MessageShell {
  readonly type: MessageType;
  add(field: Field): void;
}

/** A message without fields; everything else about it is final. */
export function createShell(head: Omit<MessageType, "fields" | "fieldsById">): MessageShell {
  const fields: Field[] = [];
  const fieldsById = new Map<number, Field>();
  return {
    type: { ...head, fields, fieldsById },
    add(field) {
      fields.push(field);
      if (!fieldsById.has(field.id)) fieldsById.set(field.id, field);
    },
  };
}

/** An enum from its values. */
export function enumOf(head: Omit<EnumType, "valuesByNumber">): EnumType {
  const valuesByNumber = new Map<number, EnumValue>();
  for (const value of head.values) if (!valuesByNumber.has(value.number)) valuesByNumber.set(value.number, value);
  return { ...head, valuesByNumber };
}

/** The full name of something declared in a file or message. */
export function qualify(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

/** What a derived thing has of the one it stands for, under `name`: its `own` name is recorded where they differ. */
export function derivedHead(given: Declaration, name: string, rules: Rules = {}, own = given.name): Declaration {
  const former = name === own || name === given.rules.name ? {} : { name: own };
  return {
    name,
    doc: given.doc,
    annotations: deprecation(given.annotations),
    rules: { ...travelling(given.rules), ...former, ...rules },
    position: given.position,
  };
}

/** Like derivedHead for Protobuf, where a name that the author chose for it is not the one that the way back would choose. */
export function protoHead(given: Declaration, name: string, rules: Rules = {}): Declaration {
  const isChosen = name === given.rules.name && thriftName(name) !== given.name;
  return derivedHead(given, name, isChosen ? { ...rules, name: given.name } : rules);
}

/** Of all that an author may annotate, both languages know this one. */
function deprecation(annotations: Annotations): Annotations {
  const value = annotations.find(([key]) => key === "deprecated")?.[1];
  return value === undefined || value === "false" ? [] : [["deprecated", "true"]];
}

/** The overrides that mean the same on either side of a pair. */
export function travelling(rules: Rules): Rules {
  const { bits, exact, lossy, presence, time, uuidText, unknownEnum, code } = rules;
  return withoutUndefined({ bits, exact, lossy, presence, time, uuidText, unknownEnum, code });
}

/** Rules without the ones that are not set. */
export function withoutUndefined(rules: { readonly [K in keyof Rules]: Rules[K] | undefined }): Rules {
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)) as Rules;
}

/** Why a Protobuf method can have no partner in Thrift; undefined when it can. */
export function untranslatable({ streaming, request, response }: Method): string | undefined {
  if (streaming !== "none") return "is streaming, which Thrift has no way to say";
  const set = [request, response].find((type) => type && isMessageSet(type));
  return set && `has ${set.fullName}, a MessageSet, which has no translation`;
}
