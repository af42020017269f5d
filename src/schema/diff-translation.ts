// Which overrides of the translation rules change translated values, or refuse them, although both IDLs stay as they are.
import type { Rules } from "./model.ts";

interface WatchedRule {
  readonly key: keyof Rules;
  /** As authors write it. */
  readonly name: string;
  /** What holds where the rule is not given. */
  readonly absent: string | boolean;
  /** Whether going to this value breaks those who rely on another one. */
  breaks(after: string | number | boolean): boolean;
}

const always = (): boolean => true;
const ERRORS_ON_UNKNOWN: WatchedRule = {
  key: "unknownEnum",
  name: "unknown_enum",
  absent: "pass",
  breaks: (after) => after === "error",
};

/** Types that take fewer values than others with the same twin, also as keys and values of a map. */
const NARROW = /\b(?:i8|i16|uint32|uint64|fixed32|fixed64|float)\b/;

/** What may stand on a field, or on its message for all fields. */
export const FIELD_RULES: readonly WatchedRule[] = [
  { key: "time", name: "time", absent: "none", breaks: always },
  { key: "uuidText", name: "uuid_text", absent: false, breaks: always },
  { key: "bits", name: "bits", absent: false, breaks: (after) => after === false },
  { key: "exact", name: "exact", absent: false, breaks: (after) => after === true },
  { key: "type", name: "type", absent: "none", breaks: (after) => NARROW.test(String(after)) },
  ERRORS_ON_UNKNOWN,
];

export const MESSAGE_RULES: readonly WatchedRule[] = [{ key: "code", name: "code", absent: "UNKNOWN", breaks: always }];

export const ENUM_RULES: readonly WatchedRule[] = [ERRORS_ON_UNKNOWN];

/** A clause for each rule that changed so that it breaks: `changed the rule time from s to ms`. */
export function changedRules(watched: readonly WatchedRule[], before: Rules, after: Rules): readonly string[] {
  return watched.flatMap(({ key, name, absent, breaks }) => {
    const [old, now] = [before[key] ?? absent, after[key] ?? absent];
    return old === now || !breaks(now) ? [] : [`changed the rule ${name} from ${old} to ${now}`];
  });
}
