// What changed between two versions of a message, or of a Thrift argument list: its kind and its fields, by number.
import { compareExtensionRanges, compareReserved, isReserved } from "./diff-reserved.ts";
import { changedRules, FIELD_RULES, MESSAGE_RULES } from "./diff-translation.ts";
import { type Comparison, compareTypes, typeText } from "./diff-type.ts";
import type { Constant, Field, MessageType, Wire } from "./model.ts";

/** Values do not nest deeper on any wire, so types that only meet below it never do. */
const MAX_DEPTH = 64;

/** `field` of a message, or `argument` of a method. */
type FieldWord = "field" | "argument";

/** Judges whether one message's bytes are misread as another's; recursive ones too, and most pairs once. */
export function createMessageJudge(comparison: Omit<Comparison, "messageBreak">, isWireBreak: WireBreak): Comparison {
  const judged = new Map<MessageType, Map<MessageType, string | undefined>>();
  /** Pairs that were found to be the same, if those that were still being compared are. */
  let assumed: (readonly [MessageType, MessageType])[] = [];
  let depth = 0;
  let complete = true;

  function messageBreak(before: MessageType, after: MessageType): string | undefined {
    const partners = judged.get(before) ?? new Map<MessageType, string | undefined>();
    judged.set(before, partners);
    if (partners.has(after)) return partners.get(after);
    if (depth >= MAX_DEPTH) {
      complete = false;
      return undefined;
    }
    partners.set(after, undefined);
    assumed.push([before, after]);
    let reason: string | undefined;
    const report: Comparison["report"] = ({ rule, what }) => {
      // The shortest reason is the one that lies least deep.
      if (isWireBreak(rule) && (reason === undefined || what.length < reason.length)) reason = what;
    };
    depth += 1;
    compareMessages({ ...comparison, report, messageBreak }, before, after);
    depth -= 1;
    partners.set(after, reason);
    if (depth === 0) settle(reason === undefined && complete);
    return reason;
  }

  /** Where the outermost pair is the same, all assumptions hold; otherwise they are judged anew when they are asked for. */
  function settle(holds: boolean): void {
    for (const [before, after] of holds ? [] : assumed) {
      const partners = judged.get(before);
      if (partners?.get(after) === undefined) partners?.delete(after);
    }
    assumed = [];
    complete = true;
  }
  return { ...comparison, messageBreak };
}

type WireBreak = (rule: Parameters<Comparison["report"]>[0]["rule"]) => boolean;

/** Reports what changed between two versions of a message. */
export function compareMessages(comparison: Comparison, before: MessageType, after: MessageType): void {
  compareShapes(comparison, before, after);
  compareFields(comparison, before, after, "field");
  compareReserved(comparison, before, after);
  compareExtensionRanges(comparison, before, after);
  for (const what of changedRules(MESSAGE_RULES, before.rules, after.rules)) {
    comparison.report({
      rule: "TRANSLATION_RULE",
      position: after.position,
      about: before.position,
      what: `${before.shape} "${before.name}" ${what}`,
      advice: "callers in the other language would see another status; keep it",
    });
  }
}

function compareShapes({ report }: Comparison, before: MessageType, after: MessageType): void {
  if (before.shape === after.shape) return;
  const union = before.shape === "union" || after.shape === "union";
  report({
    rule: union ? "MESSAGE_UNION" : "MESSAGE_KIND",
    position: after.position,
    about: before.position,
    what: `"${before.name}" changed from ${before.shape} to ${after.shape}`,
    advice: union ? "a union has exactly one field set; declare a new type instead" : "declare a new type instead",
  });
}

/** Reports what changed between the fields of two messages, or between the arguments of a method. */
export function compareFields(comparison: Comparison, before: MessageType, after: MessageType, word: FieldWord): void {
  const { report } = comparison;
  const named = new Map(after.fields.map((field) => [field.name, field]));
  const numbered = new Map(after.fields.map((field) => [field.id, field]));
  const oneofs = [oneofGroups(before, after), oneofGroups(after, before)] as const;
  const known = new Set<Field>();
  for (const field of before.fields) {
    const renumbered = named.get(field.name);
    const partner = renumbered?.id === field.id ? renumbered : numbered.get(field.id);
    if (renumbered && renumbered !== partner) {
      known.add(renumbered);
      report({
        rule: "FIELD_NUMBER",
        position: renumbered.position,
        about: field.position,
        what: `${word} "${field.name}" changed its ${numberWord(before.wire)} from ${field.id} to ${renumbered.id}`,
        advice: `peers of the other version look for it where it was; give it ${field.id} back`,
      });
    } else if (partner) {
      known.add(partner);
      compareField(comparison, before, after, field, partner, word);
      compareOneofs(comparison, oneofs, field, partner);
    } else {
      reportRemoved(comparison, field, before.wire, word, isReserved(field.id, after.reserved));
    }
  }
  for (const field of after.fields) if (!known.has(field)) reportAdded(comparison, field, word);
}

function numberWord(wire: Wire): string {
  return wire === "thrift" ? "id" : "number";
}

function reportRemoved(
  { report }: Comparison,
  { name, id, position }: Field,
  wire: Wire,
  word: FieldWord,
  reserved: boolean,
): void {
  const head = { position, about: position };
  const what = `${word} "${name}" (${id}) was removed`;
  if (reserved) {
    const advice = "code that uses it breaks; keep it, or deprecate it first";
    report({ rule: "FIELD_RESERVED", ...head, what: `${what} and its number reserved`, advice });
  } else report({ rule: "FIELD_REMOVED", ...head, what, advice: removalAdvice(wire, word) });
}

function removalAdvice(wire: Wire, word: FieldWord): string {
  if (wire === "protobuf") return "reserve the number, or keep the field";
  return `keep the ${word}, or leave a comment in its place so that nobody uses the id again`;
}

function reportAdded({ report }: Comparison, { name, id, presence, position }: Field, word: FieldWord): void {
  const what = `${word} "${name}" (${id}) was added`;
  const head = { position, about: position };
  if (presence === "required") {
    const advice = "messages of the old version lack it and are refused; make it optional";
    report({ rule: "FIELD_REQUIRED", ...head, what: `${what} as required`, advice });
  } else if (word === "argument") {
    const advice = "calls in generated code do not pass it; put it in a struct argument, or add a method";
    report({ rule: "ARGUMENT_ADDED", ...head, what, advice });
  }
}

/** Reports what changed between two fields of one number. */
export function compareField(
  comparison: Comparison,
  { wire, rules: messageRules }: { readonly wire: Wire; readonly rules: MessageType["rules"] },
  after: { readonly rules: MessageType["rules"] },
  field: Field,
  partner: Field,
  word: FieldWord,
): void {
  const { report } = comparison;
  const head = { position: partner.position, about: field.position };
  if (field.name !== partner.name) {
    const what = `${word} ${field.id} was renamed from "${field.name}" to "${partner.name}"`;
    const users =
      wire === "protobuf" ? "code and JSON that use the old name break" : "code that uses the old name breaks";
    report({ rule: "FIELD_NAME", ...head, what, advice: `${users}; keep the name` });
  }
  const subject = `${word} "${partner.name}" (${field.id})`;
  const typeChanged = compareFieldType(comparison, wire, field, partner, { subject, other: `a new ${word}` });
  if (!typeChanged && !isMoved(field, partner)) comparePresence(comparison, field, partner, word);
  if (!typeChanged) compareDefaults(comparison, wire, field, partner, word);
  compareOptions(comparison, field, partner);
  const oldRules = { ...messageRules, ...field.rules };
  const newRules = { ...after.rules, ...partner.rules };
  for (const what of changedRules(FIELD_RULES, oldRules, newRules)) {
    const advice = "what is translated would change; keep it, or add a new field";
    report({ rule: "TRANSLATION_RULE", ...head, what: `${subject} ${what}`, advice });
  }
}

/** Reports a change of type; whether there was one. `subject` names what has the type, `other` what to add instead. */
export function compareFieldType(
  comparison: Comparison,
  wire: Wire,
  field: Field,
  partner: Field,
  { subject, other }: { readonly subject: string; readonly other: string },
): boolean {
  const change = compareTypes(comparison, wire, field.type, partner.type);
  if (!change) return false;
  const advice = `keep the type, or add ${other}`;
  comparison.report({
    rule: change.breaks ? "FIELD_TYPE" : "FIELD_TYPE_COMPATIBLE",
    position: partner.position,
    about: field.position,
    what: `${subject} changed its type from ${typesText(wire, field, partner)}, ${change.why}`,
    advice: change.breaks ? advice : `both versions read the bytes, but generated code changes; ${advice}`,
  });
  return true;
}

function typesText(wire: Wire, { type }: Field, { type: now }: Field): string {
  const qualified = typeText(type, wire) === typeText(now, wire);
  const [before, after] = [typeText(type, wire, qualified), typeText(now, wire, qualified)];
  return before === after ? `${before} to another ${after}` : `${before} to ${after}`;
}

/** Whether it entered or left a oneof, which brings presence with it. */
function isMoved(field: Field, partner: Field): boolean {
  return (field.oneof === undefined) !== (partner.oneof === undefined);
}

function comparePresence({ report }: Comparison, field: Field, partner: Field, word: FieldWord): void {
  if (field.presence === partner.presence) return;
  const required = field.presence === "required" || partner.presence === "required";
  const what = `${word} "${partner.name}" (${field.id}) changed from ${field.presence} to ${partner.presence}`;
  report({
    rule: required ? "FIELD_REQUIRED" : "FIELD_PRESENCE",
    position: partner.position,
    about: field.position,
    what: what.replaceAll("implicit", "implicit presence"),
    advice: required
      ? `the ${field.presence === "required" ? "old" : "new"} version refuses messages without it; keep it ${field.presence}`
      : "generated code tells absent from zero in one version only; keep it as it was",
  });
}

function compareDefaults({ report }: Comparison, wire: Wire, field: Field, partner: Field, word: FieldWord): void {
  // Who must send a value never leaves it to the reader.
  if (field.presence === "required" && partner.presence === "required") return;
  const [before, after] = [defaultText(wire, field), defaultText(wire, partner)];
  if (before === after) return;
  report({
    rule: "FIELD_DEFAULT",
    position: partner.position,
    about: field.position,
    what: `${word} "${partner.name}" (${field.id}) changed its default from ${before} to ${after}`,
    advice: "an absent value means another to either version; keep the default, or add a new field",
  });
}

/** What an absent field is read as. An explicit zero is the same as none, but for Thrift's optional fields. */
function defaultText(wire: Wire, { defaultValue, presence, type }: Field): string {
  const text = defaultValue === undefined ? "none" : constantText(defaultValue);
  if (wire === "thrift" && presence === "optional") return text;
  const zeros = type.kind === "enum" ? [String(type.type.values[0]?.number)] : ['""', "0", "false", "[]", "{}"];
  return zeros.includes(text) && (wire === "protobuf" || type.kind !== "enum") ? "none" : text;
}

function constantText(constant: Constant): string {
  switch (constant.kind) {
    case "bool":
    case "int":
      return String(constant.value);
    case "double":
      return Object.is(constant.value, -0) ? "-0" : String(constant.value);
    case "string":
      return JSON.stringify(constant.value);
    case "bytes":
      return constant.value.length === 0 ? '""' : `0x${Buffer.from(constant.value).toString("hex")}`;
    case "list":
      return `[${constant.values.map(constantText).join(", ")}]`;
    case "map":
      return `{${constant.entries.map((entry) => entry.map(constantText).join(": ")).join(", ")}}`;
  }
}

/** Options of .proto fields that change what is generated, or JSON. */
const FIELD_OPTIONS: readonly string[] = ["json_name", "jstype", "ctype"];

function compareOptions({ report }: Comparison, field: Field, partner: Field): void {
  for (const option of FIELD_OPTIONS) {
    const [before, after] = [optionText(field, option), optionText(partner, option)];
    if (before === after) continue;
    report({
      rule: "FIELD_OPTION",
      position: partner.position,
      about: field.position,
      what: `field "${partner.name}" (${field.id}) changed its option ${option} from ${before} to ${after}`,
      advice: "keep it as it was",
    });
  }
}

function optionText({ annotations }: Field, option: string): string {
  return annotations.findLast(([name]) => name === option)?.[1] ?? "none";
}

/** The members of each oneof that both versions have, as one text; a reader keeps only one of them. */
function oneofGroups(message: MessageType, other: MessageType): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const { oneof, id } of message.fields) {
    if (oneof === undefined || !other.fieldsById.has(id)) continue;
    groups.set(oneof, `${groups.get(oneof) ?? ""} ${id}`);
  }
  return new Map([...groups].map(([oneof, ids]) => [oneof, ids.trim().split(" ").sort().join(" ")]));
}

function compareOneofs(
  { report }: Comparison,
  [before, after]: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>],
  field: Field,
  partner: Field,
): void {
  if (field.oneof === partner.oneof) return;
  // Alone in a oneof, a field is as free as outside.
  const membersBefore = before.get(field.oneof ?? "") ?? String(field.id);
  const membersAfter = after.get(partner.oneof ?? "") ?? String(field.id);
  const breaks = membersBefore !== membersAfter;
  const name = (oneof: string | undefined): string => (oneof === undefined ? "no oneof" : `the oneof "${oneof}"`);
  report({
    rule: breaks ? "FIELD_ONEOF" : "FIELD_ONEOF_COMPATIBLE",
    position: partner.position,
    about: field.position,
    what: `field "${partner.name}" (${field.id}) moved from ${name(field.oneof)} to ${name(partner.oneof)}`,
    advice: breaks
      ? "a reader keeps only one of the members of a oneof, and the other version sends several; keep it where it was, or add a new field"
      : "generated code changes; keep it where it was",
  });
}
