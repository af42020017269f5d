// What becomes of a Thrift field in Protobuf: its number, its presence, and the messages that stand for containers which
// Protobuf cannot say directly.
import { defaultText } from "./default-text.ts";
import { createNameScope, jsonKeyOf, type NameScope, pascalOf } from "./derive-names.ts";
import { createShell, type Derivation, type MessageShell, protoHead, withoutUndefined } from "./derive-parts.ts";
import type { Field, FieldType, MessageType, Presence, ProtoScalar, Rules, ThriftScalar } from "./model.ts";
import {
  canTranslate,
  GROUP,
  isPackable,
  isProtoScalar,
  isThriftScalar,
  protoScalarOf,
  readTypeRule,
  thriftScalarOf,
  translationsOf,
} from "./scalar-pairs.ts";
import { timestampType, wrapperType } from "./well-known.ts";

/** A derived message whose fields are still to come. */
export interface MessageDraft {
  readonly given: MessageType;
  /** Of `given`, the ones to derive. */
  readonly fields: readonly Field[];
  readonly shell: MessageShell;
  /** What is declared inside it, at any depth. */
  readonly nested: MessageType[];
}

/** Where a derived field stands: the message it belongs to and the names that are taken there. */
interface Place {
  readonly shell: MessageShell;
  readonly names: NameScope;
  readonly nested: MessageType[];
}

/** A type, and what the field that has it must record. */
interface Derived {
  readonly type: FieldType;
  readonly rules: Rules;
}

/** The oneof that a union's members are in. */
export const UNION_ONEOF = "value";

const HIGHEST_NUMBER = 536_870_911;
const FIRST_INTERNAL = 19_000;
const LAST_INTERNAL = 19_999;
const INTERNAL_SHIFT = 100_000;
/** Thrift id 0 becomes this, -1 the next. */
const LOW_ID_BASE = 65_536;
/** Keys that a Protobuf map can have. */
const MAP_KEYS: ReadonlySet<ThriftScalar> = new Set<ThriftScalar>(["bool", "i8", "i16", "i32", "i64", "string"]);

/** Derives the fields of a draft, in their order; what has no place in Protobuf is reported and left out. */
export function fillMessage(derivation: Derivation, { given, fields, shell, nested }: MessageDraft): void {
  const fieldNames = fieldNamesOf(derivation, fields);
  const names = createNameScope();
  for (const name of fieldNames.values()) names.claim(name);
  // protoc declares a message of this name for each map.
  for (const [{ type }, name] of fieldNames) if (isProtoMap(type)) names.claim(`${pascalOf(name)}Entry`);
  const oneof = given.shape === "union" ? names.claim(UNION_ONEOF) : undefined;
  // A time that is said of all would make every i64 one.
  const { time: _, ...around } = derivation.scopes.ofMessage(given).rules;
  const place: Place = { shell, names, nested };

  const numbers = new Map<number, Field>();
  for (const [field, name] of fieldNames) {
    const number = protoNumberOf(field);
    const before = numbers.get(number);
    numbers.set(number, before ?? field);
    if (before) {
      const message = `field "${field.name}" would get the Protobuf number ${number}, which "${before.name}" has; give one of them another with pb.field`;
      derivation.report("error", field.position, message);
    } else if (checkNumber(derivation, field, number)) {
      const derived = deriveField(derivation, place, given, field, { name, number, oneof, around });
      if (derived) shell.add(derived);
    }
  }
}

/** Protobuf forbids two fields of one JSON name: the later one gets its number behind its name. */
function fieldNamesOf(derivation: Derivation, fields: readonly Field[]): ReadonlyMap<Field, string> {
  const keys = new Set<string>();
  const names = new Map<Field, string>();
  for (const field of fields) {
    const former = field.rules.name ?? field.name;
    let name = former;
    if (keys.has(jsonKeyOf(name))) name = `${former}_${protoNumberOf(field)}`;
    if (keys.has(jsonKeyOf(name))) {
      derivation.report("error", field.position, `the name "${former}" clashes with another field in JSON; rename it`);
      continue;
    }
    keys.add(jsonKeyOf(name));
    names.set(field, name);
  }
  return names;
}

function protoNumberOf({ id, rules }: Field): number {
  if (rules.field !== undefined) return rules.field;
  if (id <= 0) return LOW_ID_BASE - id;
  return isInternal(id) ? id + INTERNAL_SHIFT : id;
}

function isInternal(number: number): boolean {
  return number >= FIRST_INTERNAL && number <= LAST_INTERNAL;
}

function checkNumber(derivation: Derivation, field: Field, number: number): boolean {
  if (number >= 1 && number <= HIGHEST_NUMBER && !isInternal(number)) return true;
  const message = `field "${field.name}" cannot have the Protobuf number ${number}; give it one from 1 to ${HIGHEST_NUMBER} outside ${FIRST_INTERNAL} to ${LAST_INTERNAL} with pb.field`;
  derivation.report("error", field.position, message);
  return false;
}

/** What is known of a field before its type. */
interface Wanted {
  readonly name: string;
  readonly number: number;
  readonly oneof: string | undefined;
  /** What is said of everything in its message. */
  readonly around: Rules;
}

function deriveField(
  derivation: Derivation,
  place: Place,
  given: MessageType,
  field: Field,
  { name, number, oneof, around }: Wanted,
): Field | undefined {
  const member = oneof ?? field.rules.oneof;
  const said: Rules = { ...around, ...field.rules };
  const wraps = isContainer(field.type) && (member !== undefined || said.presence || said.wrap);
  const origin = { field: { ...field, rules: said }, name };
  const derived = wraps
    ? wrapperOf(derivation, place, origin, field.type)
    : typeOf(derivation, place, origin, field.type);
  if (!derived) return undefined;

  const presence = presenceOf(derivation, given, field, derived.type, member);
  const rules = withoutUndefined({
    field: number === field.id ? undefined : field.id,
    requiredness: field.presence === thriftPresence(given, presence) ? undefined : field.presence,
    default: defaultText(field.defaultValue, field.type),
  });
  if (field.defaultValue && rules.default === undefined) {
    const message = `the default of field "${field.name}" holds bytes that are no text; the derived file is without it`;
    derivation.report("lossy", field.position, message);
  }
  return {
    ...protoHead(field, name, { ...derived.rules, ...rules }),
    id: number,
    type: derived.type,
    presence,
    defaultValue: undefined,
    oneof: member,
  };
}

function presenceOf(
  { given: { rules } }: Derivation,
  message: MessageType,
  field: Field,
  type: FieldType,
  oneof: string | undefined,
): Presence {
  if (isRepeated(type)) return "implicit";
  if (type.kind === "message" || oneof !== undefined) return "optional";
  const former = field.rules.requiredness ?? message.rules.requiredness ?? rules.requiredness;
  return former === "implicit" ? "implicit" : "optional";
}

/** What the way back would make of a presence when nothing is recorded. */
function thriftPresence({ shape }: MessageType, presence: Presence): Presence {
  if (shape === "union") return "optional";
  if (shape === "result") return "required";
  return presence === "implicit" || shape === "arguments" ? "default" : "optional";
}

/** The Thrift field that a derived type is for, and the name to build names from. */
interface Origin {
  readonly field: Field;
  readonly name: string;
}

function isContainer({ kind }: FieldType): boolean {
  return kind === "list" || kind === "set" || kind === "map";
}

function isRepeated({ kind }: FieldType): boolean {
  return kind === "list" || kind === "map";
}

/** The Protobuf type of a Thrift type where `repeated` and maps may stand. */
function typeOf(
  derivation: Derivation,
  place: Place,
  origin: Origin,
  type: FieldType,
  wanted?: string,
): Derived | undefined {
  switch (type.kind) {
    case "list":
    case "set":
      return listOf(derivation, place, origin, type);
    case "map":
      return mapOf(derivation, place, origin, type);
    default:
      return singleOf(derivation, origin, type, wanted ?? readTypeRule(origin.field.rules.type).element);
  }
}

/** The Protobuf type of an element, key or value, which cannot be repeated itself. */
function innerTypeOf(
  derivation: Derivation,
  place: Place,
  origin: Origin,
  type: FieldType,
  wanted?: string,
): Derived | undefined {
  return isContainer(type) && !isOctets(type, wanted)
    ? wrapperOf(derivation, place, origin, type)
    : typeOf(derivation, place, origin, type, wanted);
}

function singleOf(derivation: Derivation, { field }: Origin, type: FieldType, wanted?: string): Derived | undefined {
  if (type.kind === "enum") {
    const twin = derivation.enumTwin(type.type);
    return twin && { type: { kind: "enum", type: twin }, rules: {} };
  }
  if (type.kind === "message") {
    const twin = derivation.messageTwin(type.type);
    return twin && { type: { kind: "message", type: twin, delimited: wanted === GROUP }, rules: {} };
  }
  if (type.kind !== "scalar" || !isThriftScalar(type.name)) return undefined;
  const name = scalarOf(derivation, field, type.name, wanted);
  const known = wellKnownOf(derivation, field, type.name, name);
  if (known) return known;
  return { type: { kind: "scalar", name }, rules: thriftScalarOf(name) === type.name ? {} : { type: type.name } };
}

/** A time counted by an i64, or a scalar in a message of its own, when the author says so. */
function wellKnownOf(
  { loaded, used }: Derivation,
  { rules }: Field,
  thrift: ThriftScalar,
  protobuf: ProtoScalar,
): Derived | undefined {
  const time = rules.time !== undefined && thrift === "i64" ? timestampType(loaded) : undefined;
  const known = time ?? (rules.unwrap ? wrapperType(protobuf, loaded) : undefined);
  if (!known) return undefined;
  used.add(known.file);
  const former = thriftScalarOf(protobuf) === thrift ? {} : { type: thrift };
  return {
    type: { kind: "message", type: known.type, delimited: false },
    rules: time ? {} : { ...former, unwrap: true },
  };
}

function scalarOf(
  derivation: Derivation,
  { rules, position }: Field,
  thrift: ThriftScalar,
  wanted?: string,
): ProtoScalar {
  if (wanted !== undefined && wanted !== thrift) {
    if (isProtoScalar(wanted) && canTranslate(thrift, wanted)) return wanted;
    const message = `pb.type "${wanted}" cannot stand for ${thrift}; expected ${translationsOf(thrift).join(", ")}`;
    derivation.report("error", position, message);
  }
  return thrift === "uuid" && rules.uuidText ? "string" : protoScalarOf(thrift);
}

/** list<i8> may be bytes, when the author says so. */
function isOctets(type: FieldType, wanted: string | undefined): boolean {
  return wanted === "bytes" && type.kind === "list" && type.element.kind === "scalar" && type.element.name === "i8";
}

function listOf(
  derivation: Derivation,
  place: Place,
  origin: Origin,
  type: FieldType & { readonly kind: "list" | "set" },
): Derived | undefined {
  if (isOctets(type, origin.field.rules.type))
    return { type: { kind: "scalar", name: "bytes" }, rules: { type: "i8" } };
  const wanted = readTypeRule(origin.field.rules.type).element;
  const element = innerTypeOf(derivation, place, origin, type.element, wanted);
  if (!element) return undefined;
  const packed =
    element.type.kind === "enum" || (element.type.kind === "scalar" && isPackable(element.type.name as ProtoScalar));
  return {
    type: { kind: "list", element: element.type, packed },
    rules: type.kind === "set" ? { ...element.rules, set: true } : element.rules,
  };
}

function mapOf(
  derivation: Derivation,
  place: Place,
  origin: Origin,
  type: FieldType & { readonly kind: "map" },
): Derived | undefined {
  const { key: keyType } = type;
  const wanted = readTypeRule(origin.field.rules.type);
  if (!isProtoMap(type)) return entriesOf(derivation, place, origin, type);
  // A map's keys cannot be enums; int32 has the same bytes.
  const key: Derived | undefined =
    keyType.kind === "enum"
      ? { type: { kind: "scalar", name: "int32" }, rules: {} }
      : singleOf(derivation, origin, keyType, wanted.key);
  const value = innerTypeOf(
    derivation,
    place,
    origin,
    type.value,
    wanted.value === "bytes" ? undefined : scalarName(wanted.value),
  );
  if (!key || !value) return undefined;
  const former = key.rules.type !== undefined || value.rules.type !== undefined;
  return {
    type: { kind: "map", key: key.type, value: value.type },
    rules: former ? { type: `map<${formerOf(key)},${formerOf(value)}>` } : {},
  };
}

function isProtoMap(type: FieldType): boolean {
  if (type.kind !== "map") return false;
  return type.key.kind === "enum" || (type.key.kind === "scalar" && MAP_KEYS.has(type.key.name as ThriftScalar));
}

function scalarName(name: string | undefined): string | undefined {
  return name !== undefined && isProtoScalar(name) ? name : undefined;
}

/** How a key or value stands in the `type` rule of its map. */
function formerOf({ type, rules }: Derived): string {
  if (rules.type !== undefined) return rules.type;
  if (type.kind === "scalar" && isProtoScalar(type.name)) return thriftScalarOf(type.name);
  return type.kind === "message" || type.kind === "enum" ? type.type.name : "";
}

/** `message <Field>Entry { K key = 1; V value = 2; }`, for keys that Protobuf's maps cannot have. */
function entriesOf(
  derivation: Derivation,
  place: Place,
  origin: Origin,
  { key, value }: FieldType & { readonly kind: "map" },
): Derived | undefined {
  const entry = nest(place, origin, "Entry");
  const wanted = readTypeRule(origin.field.rules.type);
  const keyType = innerTypeOf(derivation, entry, { ...origin, name: "key" }, key, scalarName(wanted.key));
  const valueType = innerTypeOf(derivation, entry, { ...origin, name: "value" }, value, scalarName(wanted.value));
  if (!keyType || !valueType) return undefined;
  addMember(entry, origin, "key", 1, keyType);
  addMember(entry, origin, "value", 2, valueType);
  return {
    type: { kind: "list", element: { kind: "message", type: entry.shell.type, delimited: false }, packed: false },
    rules: {},
  };
}

const WRAPPER_SUFFIXES: Readonly<Record<string, string>> = { list: "List", set: "Set", map: "Map" };

/** `message <Field>List { repeated T items = 1; }`, for a container where Protobuf takes one value. */
function wrapperOf(derivation: Derivation, place: Place, origin: Origin, type: FieldType): Derived | undefined {
  const wrapper = nest(place, origin, WRAPPER_SUFFIXES[type.kind] ?? "");
  const items = typeOf(derivation, wrapper, { ...origin, name: "items" }, type);
  if (!items) return undefined;
  addMember(wrapper, origin, "items", 1, items);
  return { type: { kind: "message", type: wrapper.shell.type, delimited: false }, rules: {} };
}

/** A message inside `place` that stands for a container of the field. */
function nest(place: Place, { field, name }: Origin, suffix: string): Place {
  const parent = place.shell.type;
  const free = place.names.claim(`${pascalOf(name)}${suffix}`);
  const shell = createShell({
    name: free,
    doc: undefined,
    annotations: [],
    rules: { wrap: true },
    position: field.position,
    wire: "protobuf",
    fullName: `${parent.fullName}.${free}`,
    shape: "message",
    parent,
  });
  place.nested.push(shell.type);
  const names = createNameScope();
  for (const taken of ["items", "key", "value", "ItemsEntry"]) names.claim(taken);
  return { shell, names, nested: place.nested };
}

function addMember({ shell }: Place, { field }: Origin, name: string, id: number, { type, rules }: Derived): void {
  shell.add({
    name,
    doc: undefined,
    annotations: [],
    rules,
    position: field.position,
    id,
    type,
    presence: type.kind === "message" ? "optional" : "implicit",
    defaultValue: undefined,
    oneof: undefined,
  });
}
