// What was linked with what, as plain data for people and programs: the pairs of a linked schema, field by field.
import type { FieldLink, LinkedSchema, MessageLink, MethodLink, ValueLink } from "./link.ts";
import {
  type EnumType,
  type Field,
  type FieldType,
  fieldsOf,
  type MessageType,
  type Method,
  type Wire,
} from "./model.ts";

/** One side of a pair of fields. */
export interface FieldSide {
  /** Thrift id or Protobuf number. */
  readonly id: number;
  readonly name: string;
  readonly presence: Field["presence"];
  /** As the IDL of that side writes it. */
  readonly type: string;
}

/** Two fields that stand for each other; one that has no partner, or cannot be translated to it, has one side only. */
export interface FieldPair {
  readonly thrift: FieldSide | null;
  readonly protobuf: FieldSide | null;
  /** What is special about how values stand for each other, such as `bits` or `i64 of ms`. */
  readonly notes: readonly string[];
}

/** Two types, by their full names. */
export interface TypePair {
  readonly thrift: string;
  readonly protobuf: string;
  /** The side that was derived from the other; null where both were given. */
  readonly derived: "thrift" | "protobuf" | null;
}

export interface MessagePair extends TypePair {
  readonly shape: MessageType["shape"];
  readonly fields: readonly FieldPair[];
}

export interface EnumPair extends TypePair {
  readonly unknown: "pass" | "error";
  /** Whether 0 is only there because proto3 wants one. */
  readonly syntheticZero: boolean;
  /** Names of values whose numbers the other side does not name. */
  readonly onlyThrift: readonly string[];
  readonly onlyProtobuf: readonly string[];
}

export interface MethodPair {
  /** `package.Service.method` */
  readonly thrift: string;
  readonly protobuf: string;
  /** The struct that corresponds to the request: the arguments, or the type of the one argument. */
  readonly request: { readonly thrift: string; readonly protobuf: string };
  readonly response: { readonly thrift: string; readonly protobuf: string };
  readonly exceptions: readonly { readonly id: number; readonly thrift: string; readonly protobuf: string }[];
  readonly oneway: boolean;
}

/** A method whose calls are never translated. */
export interface OpaqueMethod {
  readonly wire: Wire;
  readonly method: string;
  readonly reason: "streaming" | "no partner" | "not loaded";
}

export interface LinkReport {
  readonly messages: readonly MessagePair[];
  readonly enums: readonly EnumPair[];
  readonly methods: readonly MethodPair[];
  readonly opaque: readonly OpaqueMethod[];
}

/** Everything that was linked, in the order of the files; arguments and results are among the messages. */
export function reportLinks({ schema, methods, links }: LinkedSchema): LinkReport {
  const order = new Map(schema.files.map(({ path }, i) => [path, i]));
  const placeOf = ({ thrift: { position } }: MessageLink): readonly number[] => [
    order.get(position.file) ?? order.size,
    position.line,
    position.column,
  ];
  const sorted = links.map((link) => ({ link, place: placeOf(link) }));
  sorted.sort((a, b) => a.place.reduce((sum, part, i) => sum || part - (b.place[i] ?? 0), 0));
  const all = schema.files.flatMap(({ services }) => services).flatMap((service) => service.methods);
  return {
    messages: sorted.map(({ link }) => messagePair(link)),
    enums: enumPairs(links),
    methods: [...new Set(all.flatMap((method) => methods.get(method) ?? []))].map(methodPair),
    opaque: all.filter((method) => !methods.has(method)).map(opaqueMethod),
  };
}

/** Derived things keep the position of what they stand for. */
function derivedSide(thrift: MessageType | EnumType, protobuf: MessageType | EnumType): TypePair["derived"] {
  const [a, b] = [thrift.position, protobuf.position];
  if (a.file !== b.file || a.line !== b.line || a.column !== b.column) return null;
  return a.file.endsWith(".thrift") ? "protobuf" : "thrift";
}

function messagePair(link: MessageLink): MessagePair {
  const { thrift, protobuf, fields } = link;
  const linked = new Set<Field>(fields.flatMap((field) => [field.thrift, field.protobuf]));
  const pairs = fields.map((field) => ({ id: field.thrift.id, pair: fieldPair(field) }));
  // The exceptions of a result travel apart from the response.
  const own = thrift.shape === "result" && !link.union ? thrift.fields.filter(({ id }) => id === 0) : thrift.fields;
  for (const field of own) {
    if (!linked.has(field))
      pairs.push({ id: field.id, pair: { thrift: sideOf(field, "thrift"), protobuf: null, notes: [] } });
  }
  for (const field of fieldsOf(protobuf)) {
    if (!linked.has(field))
      pairs.push({ id: field.id, pair: { thrift: null, protobuf: sideOf(field, "protobuf"), notes: [] } });
  }
  return {
    thrift: thrift.fullName,
    protobuf: protobuf.fullName,
    derived: derivedSide(thrift, protobuf),
    shape: thrift.shape,
    fields: pairs.sort((a, b) => a.id - b.id).map(({ pair }) => pair),
  };
}

function fieldPair({ thrift, protobuf, value }: FieldLink): FieldPair {
  return {
    thrift: sideOf(thrift, "thrift"),
    protobuf: sideOf(protobuf, "protobuf"),
    notes: [...new Set(notesOf(value))],
  };
}

function sideOf({ id, name, presence, type, oneof }: Field, wire: Wire): FieldSide {
  const text = typeText(type, wire);
  return { id, name, presence, type: oneof === undefined ? text : `${text} in oneof ${oneof}` };
}

/** A type as its IDL writes it. */
function typeText(type: FieldType, wire: Wire): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
      return type.type.fullName;
    case "message":
      return type.delimited ? `group ${type.type.fullName}` : type.type.fullName;
    case "list":
      return wire === "protobuf" ? `repeated ${typeText(type.element, wire)}` : `list<${typeText(type.element, wire)}>`;
    case "set":
      return `set<${typeText(type.element, wire)}>`;
    case "map":
      return `map<${typeText(type.key, wire)}, ${typeText(type.value, wire)}>`;
  }
}

/** What a reader could not tell from the two types. */
function notesOf(value: ValueLink): readonly string[] {
  switch (value.kind) {
    case "scalar":
      return [
        ...(value.bits ? ["bits"] : []),
        ...(value.exact && value.protobuf === "float" ? ["exact"] : []),
        ...(value.uuidText ? ["uuid as text"] : []),
      ];
    case "enum":
      return [
        ...(value.syntheticZero ? ["0 is not set"] : []),
        ...(value.unknown === "error" ? ["unknown numbers are errors"] : []),
      ];
    case "message":
      return value.delimited ? ["group"] : [];
    case "list":
      return [...(value.set ? ["set"] : []), ...(value.packed ? ["packed"] : []), ...notesOf(value.element)];
    case "map":
      return [...notesOf(value.key), ...notesOf(value.value)];
    case "wrapped":
      return [`wrapped in ${value.message.fullName}`, ...notesOf(value.inner)];
    case "octets":
      return ["list<i8> as bytes"];
    case "time":
      return [`i64 counts ${value.unit}`];
  }
}

function enumPairs(links: readonly MessageLink[]): readonly EnumPair[] {
  const pairs = new Map<string, EnumPair>();
  const visit = (value: ValueLink): void => {
    if (value.kind === "list") visit(value.element);
    else if (value.kind === "wrapped") visit(value.inner);
    else if (value.kind === "map") {
      visit(value.key);
      visit(value.value);
    } else if (value.kind === "enum") {
      const pair = enumPair(value);
      pairs.set(JSON.stringify(pair), pair);
    }
  };
  for (const { fields } of links) for (const { value } of fields) visit(value);
  return [...pairs.values()];
}

function enumPair({ thrift, protobuf, unknown, syntheticZero }: ValueLink & { readonly kind: "enum" }): EnumPair {
  const only = (own: EnumType, other: EnumType): readonly string[] =>
    own.values.filter(({ number }) => !other.valuesByNumber.has(number)).map(({ name }) => name);
  return {
    thrift: thrift.fullName,
    protobuf: protobuf.fullName,
    derived: derivedSide(thrift, protobuf),
    unknown,
    syntheticZero,
    onlyThrift: only(thrift, protobuf),
    onlyProtobuf: only(protobuf, thrift),
  };
}

function methodPair({ thrift, protobuf, request, response, exceptions }: MethodLink): MethodPair {
  const bodies = ({ link }: MethodLink["request"]) => ({
    thrift: link.thrift.fullName,
    protobuf: link.protobuf.fullName,
  });
  return {
    thrift: `${thrift.service}.${thrift.name}`,
    protobuf: `${protobuf.service}.${protobuf.name}`,
    request: bodies(request),
    response: bodies(response),
    exceptions: [...exceptions].map(([id, body]) => ({ id, ...bodies(body) })),
    oneway: thrift.oneway,
  };
}

function opaqueMethod({ wire, service, name, streaming, request }: Method): OpaqueMethod {
  const reason = request === undefined ? "not loaded" : streaming === "none" ? "no partner" : "streaming";
  return { wire, method: `${service}.${name}`, reason };
}
