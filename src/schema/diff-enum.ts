// What changed between two versions of an enum: its values, by name and by number.
import { compareReserved, isReserved } from "./diff-reserved.ts";
import { changedRules, ENUM_RULES } from "./diff-translation.ts";
import type { Comparison } from "./diff-type.ts";
import type { EnumType, EnumValue } from "./model.ts";

/** Reports what changed between two versions of an enum. New values are no change: every wire carries unknown numbers. */
export function compareEnums(comparison: Comparison, before: EnumType, after: EnumType): void {
  const { report } = comparison;
  const head = { position: after.position, about: before.position };
  if (before.closed !== after.closed) {
    const word = ({ closed }: EnumType): string => (closed ? "closed" : "open");
    const what = `enum "${after.name}" changed from ${word(before)} to ${word(after)}`;
    report({
      rule: "ENUM_CLOSED",
      ...head,
      what,
      advice: `generated code treats unknown numbers differently; keep it ${word(before)}`,
    });
  }
  compareFirstValues({ report }, before, after);
  compareReserved(comparison, before, after);
  const named = new Map(after.values.map((value) => [value.name, value]));
  const kept = new Set(before.values.map(({ name }) => name));
  for (const value of before.values) {
    const partner = named.get(value.name);
    if (!partner) reportMissing({ report }, before, after, value, kept);
    else if (partner.number !== value.number) {
      report({
        rule: "ENUM_VALUE_NUMBER",
        position: partner.position,
        about: value.position,
        what: `"${value.name}" of enum "${after.name}" changed its number from ${value.number} to ${partner.number}`,
        advice: `the other version reads another value; give it ${value.number} back`,
      });
    }
  }
  for (const what of changedRules(ENUM_RULES, before.rules, after.rules)) {
    const advice = "numbers that passed would be refused; keep it";
    report({ rule: "TRANSLATION_RULE", ...head, what: `enum "${after.name}" ${what}`, advice });
  }
}

type Reporter = Pick<Comparison, "report">;

/** What an absent Protobuf field is read as; in Thrift nothing is. */
function compareFirstValues({ report }: Reporter, before: EnumType, after: EnumType): void {
  const [old, now] = [before.values[0], after.values[0]];
  if (before.wire === "thrift" || !old || !now || old.number === now.number) return;
  report({
    rule: "ENUM_FIRST_VALUE",
    position: now.position,
    about: old.position,
    what: `the first value of enum "${after.name}" changed from ${old.number} (${old.name}) to ${now.number} (${now.name})`,
    advice: "absent fields are read as it; keep it first",
  });
}

/** A name that is gone: renamed where its number now has a new name, else removed. */
function reportMissing(
  { report }: Reporter,
  before: EnumType,
  after: EnumType,
  value: EnumValue,
  kept: ReadonlySet<string>,
): void {
  const { name, number, position } = value;
  const same = after.values.filter((each) => each.number === number);
  const renamed = same.find((each) => !kept.has(each.name)) ?? same[0];
  if (renamed) {
    report({
      rule: "ENUM_VALUE_NAME",
      position: renamed.position,
      about: position,
      what: `"${name}" (${number}) of enum "${after.name}" was renamed to "${renamed.name}"`,
      advice: "code that uses the old name breaks; keep the name",
    });
    return;
  }
  const head = { position, about: position };
  const what = `"${name}" (${number}) was removed from enum "${after.name}"`;
  if (isReserved(number, after.reserved)) {
    const advice = "code that uses it breaks; keep it, or deprecate it first";
    report({ rule: "ENUM_VALUE_RESERVED", ...head, what: `${what} and its number reserved`, advice });
    return;
  }
  const otherwise =
    before.wire === "protobuf" ? "reserve the number" : "leave a comment so that nobody uses the number again";
  report({ rule: "ENUM_VALUE_REMOVED", ...head, what, advice: `keep the value, or ${otherwise}` });
}
