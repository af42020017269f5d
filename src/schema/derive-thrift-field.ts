// What becomes of a Protobuf field in Thrift: its id, its presence, and the containers that marked messages stand for.
import { readDefaultText } from "./default-text.ts";
import { createNameScope, thriftName } from "./derive-names.ts";
import { type Derivation, derivedHead, type MessageShell, withoutUndefined } from "./derive-parts.ts";
import {
  type Constant,
  type Extension,
  type Field,
  type FieldType,
  fieldsOf,
  isMessageSet,
  type MessageType,
  type Presence,
  type Rules,
  type ThriftScalar,
} from "./model.ts";
import { isPrintable } from "./print-thrift.ts";
import { ownRules } from "./rule-scope.ts";
import {
  canTranslate,
  GROUP,
  isProtoScalar,
  isThriftScalar,
  protoScalarOf,
  readTypeRule,
  thriftScalarOf,
} from "./scalar-pairs.ts";
import { isTime, isWrapper } from "./well-known.ts";

/** A derived struct whose fields are still to come. */
export interface StructDraft {
  readonly given: MessageType;
  /** Of `given`, the ones to derive; undefined: all, its extensions included. */
  readonly fields?: readonly Field[];
  readonly shell: MessageShell;
}

/** A type, and what the field that has it must record. */
interface Derived {
  readonly type: FieldType;
  readonly rules: Rules;
}

const LOWEST_ID = -32_768;
const HIGHEST_ID = 32_767;

/** Derives the fields of a draft, in their order; what has no place in Thrift is reported and left out. */
export function fillStruct(derivation: Derivation, { given, shell, fields }: StructDraft): void {
  const names = createNameScope();
  const ids = new Map<number, Field>();
  const all: readonly (Field | Extension)[] = fields ?? fieldsOf(given);
  for (const field of all) {
    const id = field.rules.field ?? field.id;
    if (isOfMessageSet(derivation, given, field)) continue;
    if ("extendee" in field && !checkExtension(derivation, field, id)) continue;
    const before = ids.get(id);
    ids.set(id, before ?? field);
    if (before) {
      const message = `field "${field.name}" would get the Thrift id ${id}, which "${before.name}" has; give one of them another with (causeway.rules).field`;
      derivation.report("error", field.position, message);
    } else if (checkId(derivation, field, id)) {
      const derived = deriveField(derivation, given, shell.type.shape, field, id);
      if (derived) addField(derivation, { given, shell }, field, { ...derived, name: names.claim(derived.name) });
    }
  }
}

/** Whether the field's type has no translation: it is reported then, and cannot be required. */
function isOfMessageSet({ report, scopes }: Derivation, message: MessageType, field: Field): boolean {
  const type = elementOf(field.type);
  if (type.kind !== "message" || !isMessageSet(type.type)) return false;
  const text = `field "${field.name}" has ${type.type.fullName}, a MessageSet, which has no translation`;
  const { lossy } = { ...scopes.ofMessage(message).rules, ...ownRules(field, message) };
  if (field.presence === "required") report("error", field.position, `${text}, and is required; make it optional`);
  else if (!lossy) report("lossy", field.position, `${text}: it is left out`);
  return true;
}

function elementOf(type: FieldType): FieldType {
  return type.kind === "list" ? type.element : type.kind === "map" ? type.value : type;
}

/** Defaults wait until every struct has its fields, because a struct's default names some. */
function addField(derivation: Derivation, { given: message, shell }: StructDraft, given: Field, derived: Field): void {
  const field = { ...derived };
  shell.add(field);
  if (shell.type.shape === "union") return;
  if (given.defaultValue !== undefined) {
    field.defaultValue = writtenDefault(derivation, message, given, field.type);
  } else if (given.rules.default !== undefined) {
    derivation.later.push(() => {
      field.defaultValue = recordedDefault(derivation, given, field.type);
    });
  }
}

function writtenDefault(
  { scopes, report }: Derivation,
  message: MessageType,
  field: Field,
  type: FieldType,
): Constant | undefined {
  const written = thriftDefault(field.defaultValue, type, {
    ...scopes.ofMessage(message).rules,
    ...ownRules(field, message),
  });
  if (!written) {
    const text = `Thrift cannot write the default of field "${field.name}": it is left out, and an absent field has none`;
    report("lossy", field.position, text);
  }
  return written;
}

const INT64_MAX = 2n ** 63n - 1n;

/** A default as Thrift can write it: `bits` makes an unsigned integer a signed one. */
function thriftDefault(value: Constant | undefined, type: FieldType, { bits }: Rules): Constant | undefined {
  if (value?.kind !== "int" || value.value <= INT64_MAX) return value && isPrintable(value, type) ? value : undefined;
  return bits ? { kind: "int", value: BigInt.asIntN(64, value.value) } : undefined;
}

/** An extension comes from a file that knows the message, while the message's twin knows no file that comes later. */
function checkExtension(
  derivation: Derivation,
  { fullName, extendee, type, position }: Extension,
  id: number,
): boolean {
  const element = elementOf(type);
  const known =
    element.kind === "message"
      ? derivation.messageTwin(element.type)
      : element.kind !== "enum" || derivation.enumTwin(element.type);
  const reason = !known
    ? "its type is in a file that the message's own file does not import"
    : id > HIGHEST_ID
      ? `its number ${id} is above ${HIGHEST_ID}, the highest Thrift id; give it one with (causeway.rules).field`
      : undefined;
  if (reason === undefined) return true;
  derivation.report("lossy", position, `extension ${fullName} of ${extendee.fullName} is left out: ${reason}`);
  return false;
}

function checkId(derivation: Derivation, field: Field, id: number): boolean {
  if (id >= LOWEST_ID && id <= HIGHEST_ID) return true;
  const message = `field number ${id} of "${field.name}" is above ${HIGHEST_ID}, the highest Thrift id; give it one with (causeway.rules).field`;
  derivation.report("error", field.position, message);
  return false;
}

function deriveField(
  derivation: Derivation,
  message: MessageType,
  shape: MessageType["shape"],
  field: Field,
  id: number,
): Field | undefined {
  const own = ownRules(field, message);
  const said: Rules = { ...derivation.scopes.ofMessage(message).rules, ...own };
  const derived = typeOf(derivation, { ...field, rules: said }, field.type);
  if (!derived) return undefined;
  const name = thriftName(field.rules.name ?? field.name);
  const success = shape === "result" && id === 0;
  const singular = derived.type.kind === "scalar" || derived.type.kind === "enum";
  const wrapped = field.type.kind === "message" && isContainer(derived.type);
  const rules = withoutUndefined({
    field: id === field.id || shape === "arguments" || success ? undefined : field.id,
    requiredness: field.presence === "implicit" && singular ? "implicit" : undefined,
    oneof: shape === "union" || shape === "result" ? undefined : field.oneof,
    presence: wrapped && field.oneof === undefined ? true : undefined,
  });
  return {
    ...derivedHead({ ...field, rules: own }, name, { ...derived.rules, ...rules }),
    id,
    type: derived.type,
    presence: success ? "required" : presenceOf(derivation, message, shape, field),
    defaultValue: undefined,
    oneof: undefined,
  };
}

function presenceOf(
  { given: { rules } }: Derivation,
  message: MessageType,
  shape: MessageType["shape"],
  field: Field,
): Presence {
  if (shape === "union") return "optional";
  // What a whole message or file says is meant for plain fields; arguments are what they always are.
  const plain = field.oneof === undefined && field.presence === "optional" && shape !== "arguments";
  const former = field.rules.requiredness ?? (plain ? (message.rules.requiredness ?? rules.requiredness) : undefined);
  if (former !== undefined && former !== "implicit") return former;
  if (shape === "arguments") return "default";
  return field.presence === "implicit" ? "default" : field.presence;
}

function recordedDefault(derivation: Derivation, { rules, position }: Field, type: FieldType): Constant | undefined {
  const text = rules.default ?? "";
  const value = readDefaultText(text, type);
  if (value) return value;
  derivation.report("error", position, `the rule default "${text}" is no value of this field's Thrift type`);
  return undefined;
}

function isContainer({ kind }: FieldType): boolean {
  return kind === "list" || kind === "set" || kind === "map";
}

function typeOf(derivation: Derivation, field: Field, type: FieldType): Derived | undefined {
  const { element: former, key: formerKey, value: formerValue } = readTypeRule(field.rules.type);
  switch (type.kind) {
    case "set":
      return undefined;
    case "list": {
      const entries = type.element.kind === "message" ? entriesOf(derivation, type.element.type) : undefined;
      if (entries) return entries;
      const element = innerTypeOf(derivation, field, type.element, former);
      if (!element) return undefined;
      if (field.rules.set) return { type: { kind: "set", element: element.type }, rules: element.rules };
      return { type: { kind: "list", element: element.type, packed: false }, rules: element.rules };
    }
    case "map": {
      const key = innerTypeOf(derivation, field, type.key, formerKey);
      const value = innerTypeOf(derivation, field, type.value, formerValue);
      if (!key || !value) return undefined;
      const differs = key.rules.type !== undefined || value.rules.type !== undefined;
      const rules: Rules = differs ? { type: `map<${formerOf(type.key)},${formerOf(type.value)}>` } : {};
      return { type: { kind: "map", key: key.type, value: value.type }, rules };
    }
    default:
      return innerTypeOf(derivation, field, type, former);
  }
}

function innerTypeOf(
  derivation: Derivation,
  field: Field,
  type: FieldType,
  former: string | undefined,
): Derived | undefined {
  if (type.kind === "enum") {
    const twin = derivation.enumTwin(type.type);
    return twin && { type: { kind: "enum", type: twin }, rules: {} };
  }
  if (type.kind === "message") {
    const derived = messageTypeOf(derivation, field, type.type);
    return derived && type.delimited ? { ...derived, rules: { ...derived.rules, type: GROUP } } : derived;
  }
  if (type.kind !== "scalar" || !isProtoScalar(type.name)) return undefined;
  if (type.name === "bytes" && former === "i8") {
    const element: FieldType = { kind: "scalar", name: "i8" };
    return { type: { kind: "list", element, packed: false }, rules: { type: "bytes" } };
  }
  const name = scalarOf(derivation, field, thriftScalarOf(type.name), type.name, former);
  return { type: { kind: "scalar", name }, rules: protoScalarOf(name) === type.name ? {} : { type: type.name } };
}

function scalarOf(
  derivation: Derivation,
  { position }: Field,
  natural: ThriftScalar,
  protobuf: string,
  former: string | undefined,
): ThriftScalar {
  if (former === undefined || former === protobuf) return natural;
  if (isThriftScalar(former) && isProtoScalar(protobuf) && canTranslate(former, protobuf)) return former;
  if (isThriftScalar(former) || isProtoScalar(former)) {
    derivation.report(
      "error",
      position,
      `the rule type "${former}" names no Thrift type that can stand for ${protobuf}`,
    );
  }
  return natural;
}

function messageTypeOf(derivation: Derivation, field: Field, type: MessageType): Derived | undefined {
  const { rules, position } = field;
  const inner = wrappedOf(derivation, type);
  if (inner) return inner;
  if (rules.time !== undefined && isTime(type))
    return { type: { kind: "scalar", name: "i64" }, rules: { time: rules.time } };
  const [value] = type.fields;
  if (rules.unwrap && isWrapper(type) && value) {
    const scalar = innerTypeOf(derivation, field, value.type, readTypeRule(rules.type).element);
    return scalar && { type: scalar.type, rules: { ...scalar.rules, unwrap: true } };
  }
  const twin = derivation.messageTwin(type);
  if (twin) return { type: { kind: "message", type: twin, delimited: false }, rules: {} };
  derivation.report("error", position, `the type ${type.fullName} of "${field.name}" has no Thrift twin`);
  return undefined;
}

/** The container that a marked message with the one field 1 stands for. */
function wrappedOf(derivation: Derivation, { rules, fields }: MessageType): Derived | undefined {
  const [items] = fields;
  if (!rules.wrap || fields.length !== 1 || items?.id !== 1) return undefined;
  return typeOf(derivation, items, items.type);
}

/** The map that repeated entries with key and value stand for. */
function entriesOf(derivation: Derivation, { rules, fields, fieldsById }: MessageType): Derived | undefined {
  const key = fieldsById.get(1);
  const value = fieldsById.get(2);
  if (!rules.wrap || fields.length !== 2 || !key || !value) return undefined;
  const keyType = typeOf(derivation, key, key.type);
  const valueType = typeOf(derivation, value, value.type);
  if (!keyType || !valueType) return undefined;
  return { type: { kind: "map", key: keyType.type, value: valueType.type }, rules: {} };
}

/** How a key or value stands in the `type` rule of its map. */
function formerOf(type: FieldType): string {
  if (type.kind === "scalar") return type.name;
  return type.kind === "message" || type.kind === "enum" ? type.type.name : "";
}
