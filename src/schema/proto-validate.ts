// What can be said against a .proto document without knowing any other file: names and numbers used twice, reserved or
// out of range, and what the syntax or edition forbids a field to be.
import type { Position, Report } from "../base/diagnostic.ts";
import type { NumberRange } from "./model.ts";
import type {
  ProtoDocument,
  ProtoEnum,
  ProtoField,
  ProtoMessage,
  ProtoNode,
  ProtoOption,
  ProtoRange,
  ProtoReservedName,
} from "./proto-document.ts";

const MAX_FIELD_NUMBER = 536_870_911;
/** In a MessageSet a number is a value, not part of a key. */
const MAX_MESSAGE_SET_NUMBER = 2_147_483_646;
const FIRST_INTERNAL_NUMBER = 19_000;
const LAST_INTERNAL_NUMBER = 19_999;
const MIN_INT32 = -2_147_483_648;
const MAX_INT32 = 2_147_483_647;

const MAP_KEYS: ReadonlySet<string> = new Set(
  "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string".split(" "),
);

/** The last value of an option, the one that counts for options that take one value. */
export function optionOf(node: { readonly options: readonly ProtoOption[] }, name: string): string | undefined {
  return node.options.findLast(([key]) => key === name)?.[1];
}

/** The lowerCamelCase name that the Protobuf JSON mapping gives a field. */
export function jsonNameOf(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

/** Reports every error that the document shows by itself. */
export function checkProtoDocument(document: ProtoDocument, report: Report): void {
  const context: Context = {
    document,
    report,
    fail: (position, message) => report({ severity: "error", position, message }),
  };
  checkUniqueNames(document, context.fail);
  for (const message of document.messages) checkMessage(message, context);
  for (const declared of document.enums) checkEnum(declared, context.fail);
  checkFields(document.extensions, context);
}

type Fail = (position: Position, message: string) => void;

interface Context {
  readonly document: ProtoDocument;
  readonly report: Report;
  readonly fail: Fail;
}

/** One namespace per scope; an enum's values stand beside the enum, as in C++. */
function checkUniqueNames(document: ProtoDocument, fail: Fail): void {
  const createClaim = (scope: string) => {
    const seen = new Map<string, Position>();
    return ({ name, position }: ProtoNode, value = false): void => {
      const before = seen.get(name);
      seen.set(name, before ?? position);
      if (before === undefined) return;
      const hint = value ? "; an enum's values share the names of the scope around the enum" : "";
      const fullName = scope === "" ? name : `${scope}.${name}`;
      fail(position, `"${fullName}" is already declared at line ${before.line}, column ${before.column}${hint}`);
    };
  };
  const claimScope = (scope: string, node: ScopeNode, claim: ReturnType<typeof createClaim>): void => {
    for (const extension of node.extensions) claim(extension);
    for (const declared of node.enums) {
      claim(declared);
      for (const value of declared.values) claim(value, true);
    }
    for (const message of node.messages) {
      claim(message);
      const inner = scope === "" ? message.name : `${scope}.${message.name}`;
      const claimInside = createClaim(inner);
      for (const member of [...message.fields, ...message.oneofs]) claimInside(member);
      claimScope(inner, message, claimInside);
    }
  };
  const claim = createClaim(document.package);
  claimScope(document.package, document, claim);
  for (const service of document.services) {
    claim(service);
    const claimMethod = createClaim(document.package === "" ? service.name : `${document.package}.${service.name}`);
    for (const method of service.methods) claimMethod(method);
  }
}

interface ScopeNode {
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly extensions: readonly ProtoField[];
}

function checkMessage(message: ProtoMessage, context: Context): void {
  const { document, fail } = context;
  checkExtensionRanges(message, fail);
  checkNumbersOnce(message.fields, fail);
  checkReserved(message.fields, message, "field", fail);
  const extensionRanges = indexRanges(message.extensionRanges, fail);
  for (const field of message.fields) {
    const range = extensionRanges.find(field.number);
    if (range) fail(field.numberPosition, `field number ${field.number} is in an extension range${placeOf(range)}`);
  }
  checkFields(message.fields, context);
  checkFields(message.extensions, context);
  if (document.syntax === "proto3") {
    for (const { position } of message.extensionRanges) fail(position, "proto3 has no extension ranges");
  }
  const used = new Set(message.fields.map(({ oneof }) => oneof));
  for (const { name, position } of message.oneofs) {
    if (!used.has(name)) fail(position, `the oneof "${name}" is empty; expected at least one field`);
  }
  checkJsonNames(message, context);
  for (const inner of message.messages) checkMessage(inner, context);
  for (const declared of message.enums) checkEnum(declared, fail);
}

/** A MessageSet has extensions only, and room for more of them. */
function checkExtensionRanges(message: ProtoMessage, fail: Fail): void {
  const isSet = isMessageSetNode(message);
  const [field] = message.fields;
  if (isSet && field) fail(field.position, `"${message.name}" is a MessageSet, which has extensions instead of fields`);
  if (isSet && message.extensionRanges.length === 0) {
    fail(
      message.position,
      `"${message.name}" is a MessageSet without extension ranges; expected "extensions 4 to max"`,
    );
  }
  const highest = isSet ? MAX_MESSAGE_SET_NUMBER : MAX_FIELD_NUMBER;
  for (const { from, to, position } of message.extensionRanges) {
    if (from < 1 || to > highest) {
      fail(position, `the extension range ${from} to ${to} is out of range; expected 1 to ${highest}`);
    }
  }
}

/** Whether the message has the wire format that Protobuf took over from its predecessor. */
function isMessageSetNode(message: ProtoMessage): boolean {
  return optionOf(message, "message_set_wire_format") === "true";
}

/** The ranges of extensions as they are meant: `max` of a MessageSet is higher than that of other messages. */
export function extensionRangesOf(message: ProtoMessage): ProtoMessage["extensionRanges"] {
  if (!isMessageSetNode(message)) return message.extensionRanges;
  return message.extensionRanges.map((range) =>
    range.to === MAX_FIELD_NUMBER ? { ...range, to: MAX_MESSAGE_SET_NUMBER } : range,
  );
}

function checkFields(fields: readonly ProtoField[], { document, fail }: Context): void {
  for (const field of fields) {
    checkFieldNumber(field, fail);
    checkShape(field, document.syntax, fail);
  }
}

function checkFieldNumber({ number, numberPosition, extendee }: ProtoField, fail: Fail): void {
  // Which message an extension is of shows later; its ranges bound it.
  const highest = extendee === undefined ? MAX_FIELD_NUMBER : MAX_MESSAGE_SET_NUMBER;
  if (!(number >= 1 && number <= highest)) {
    fail(numberPosition, `field number ${number} is out of range; expected 1 to ${highest}`);
  } else if (number >= FIRST_INTERNAL_NUMBER && number <= LAST_INTERNAL_NUMBER) {
    const range = `${FIRST_INTERNAL_NUMBER} to ${LAST_INTERNAL_NUMBER}`;
    fail(numberPosition, `field number ${number} is reserved; Protobuf keeps ${range} for itself`);
  }
}

/** What the syntax or edition of the file forbids a field to be. */
function checkShape(field: ProtoField, syntax: string, fail: Fail): void {
  const { name, keyType, label, position } = field;
  if (keyType && !MAP_KEYS.has(keyType.text)) {
    fail(keyType.position, `a map key cannot be "${keyType.text}"; expected an integer type, bool or string`);
  }
  const alone = field.keyType === undefined && field.oneof === undefined;
  if (keyType && field.oneof) fail(position, `the map "${name}" cannot be in a oneof; maps are repeated`);
  if (keyType && field.extendee) fail(position, `the map "${name}" cannot be an extension`);
  if (field.extendee && label === "required") fail(position, `the extension "${name}" cannot be "required"`);
  if (keyType && label !== undefined) fail(position, `the map "${name}" has a label; maps take none`);
  else if (syntax === "proto2" && alone && label === undefined) {
    fail(position, `the field "${name}" has no label; expected "optional", "required" or "repeated" in proto2`);
  } else if (syntax !== "proto2" && label === "required") {
    fail(position, `the field "${name}" cannot be "required"; that is proto2`);
  } else if (syntax !== "proto2" && syntax !== "proto3" && label === "optional") {
    fail(position, `the field "${name}" cannot be "optional"; editions say features.field_presence`);
  }
  if (field.group && syntax !== "proto2") fail(position, `"${name}" cannot be a group; groups are proto2`);
  if (field.group && !/(?:^|\.)[A-Z]\w*$/.test(field.type.text)) {
    fail(position, `the group "${field.type.text}" names a message; expected a capital letter first`);
  }
  if (field.defaultValue && syntax === "proto3") fail(position, `the field "${name}" has a default; proto3 has none`);
}

function checkNumbersOnce(fields: readonly ProtoField[], fail: Fail): void {
  const seen = new Map<number, ProtoField>();
  for (const field of fields) {
    const before = seen.get(field.number);
    if (before === undefined) seen.set(field.number, field);
    else fail(field.numberPosition, `field number ${field.number} is already used by "${before.name}"`);
  }
}

interface Numbered extends ProtoNode {
  readonly number: number;
  readonly numberPosition: Position;
}

interface Reserving {
  readonly reservedRanges: readonly ProtoRange[];
  readonly reservedNames: readonly ProtoReservedName[];
}

function checkReserved(members: readonly Numbered[], owner: Reserving, what: string, fail: Fail): void {
  const ranges = indexRanges(owner.reservedRanges, fail);
  const names = new Map<string, ProtoReservedName>();
  for (const reserved of owner.reservedNames) {
    const before = names.get(reserved.name);
    if (before) fail(reserved.position, `the name "${reserved.name}" is already reserved${placeOf(before)}`);
    names.set(reserved.name, reserved);
  }
  for (const { name, number, position, numberPosition } of members) {
    const range = ranges.find(number);
    if (range) fail(numberPosition, `${what} number ${number} is reserved${placeOf(range)}`);
    const reserved = names.get(name);
    if (reserved) fail(position, `the ${what} name "${name}" is reserved${placeOf(reserved)}`);
  }
}

/** The ranges in order, so that looking a number up takes no walk over them; faulty and overlapping ones are reported. */
function indexRanges(ranges: readonly ProtoRange[], fail: Fail): { find(number: number): ProtoRange | undefined } {
  const sorted = ranges
    .filter(({ from, to, position }) => {
      if (to < from) fail(position, `the range ${from} to ${to} ends before it begins`);
      return from <= to;
    })
    .sort((a, b) => a.from - b.from);
  sorted.forEach(({ from, to, position }, i) => {
    const before = sorted[i - 1];
    if (before && before.to >= from) {
      fail(position, `the range ${from} to ${to} overlaps ${before.from} to ${before.to}${placeOf(before)}`);
    }
  });
  return { find: (number) => findRange(sorted, number) };
}

/** The one of these ranges, which are in order, that holds `number`. */
export function findRange<T extends NumberRange>(sorted: readonly T[], number: number): T | undefined {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle]?.from ?? 0) <= number) low = middle;
    else high = middle - 1;
  }
  const range = sorted[low];
  return range && number >= range.from && number <= range.to ? range : undefined;
}

/** Descriptors know no places; then there is nothing to point at. */
function placeOf({ position }: { readonly position: Position }): string {
  return position.line === 1 && position.column === 1 ? "" : ` at line ${position.line}`;
}

/** Two fields with one JSON name: an error in proto3 and editions; in proto2 only when an author gave the name. */
function checkJsonNames(message: ProtoMessage, { document, fail, report }: Context): void {
  if (optionOf(message, "deprecated_legacy_json_field_conflicts") === "true") return;
  const legacy = [message, document].some((node) => optionOf(node, "features.json_format") === "LEGACY_BEST_EFFORT");
  const lenient = document.syntax === "proto2" || legacy;
  const seen = new Map<string, ProtoField>();
  for (const field of message.fields) {
    const custom = optionOf(field, "json_name");
    const jsonName = custom ?? jsonNameOf(field.name);
    const before = seen.get(jsonName);
    if (before === undefined) {
      seen.set(jsonName, field);
      continue;
    }
    // A name used twice is reported as that.
    if (field.name === before.name) continue;
    const text = `"${field.name}" and "${before.name}" have the same JSON name "${jsonName}"`;
    if (lenient && custom === undefined && optionOf(before, "json_name") === undefined) {
      report({ severity: "warning", position: field.position, message: text });
    } else fail(field.position, `${text}; expected different ones`);
  }
}

function checkEnum(declared: ProtoEnum, fail: Fail): void {
  if (declared.values.length === 0) {
    fail(declared.position, `the enum "${declared.name}" is empty; expected at least one value`);
  }
  checkReserved(declared.values, declared, "enum", fail);
  const seen = new Map<number, string>();
  for (const { name, number, numberPosition } of declared.values) {
    const before = seen.get(number);
    if (number < MIN_INT32 || number > MAX_INT32) {
      fail(numberPosition, `enum number ${number} is out of range; expected ${MIN_INT32} to ${MAX_INT32}`);
    }
    if (before === undefined) seen.set(number, name);
    else if (optionOf(declared, "allow_alias") !== "true") {
      fail(numberPosition, `${number} is already the number of "${before}"; expected another, or option allow_alias`);
    }
  }
}
