// Reads the overrides of the translation rules, the same words wherever an author writes them: Thrift annotations,
// Protobuf options, the config. Whether a rule fits the thing it stands on is link.ts's to say.
import type { Position, Report } from "../base/diagnostic.ts";
import { CODE_NUMBERS, codeOfNumber } from "../base/errors.ts";
import type { ProtoScalar, Rules, ThriftScalar } from "./model.ts";
import { GROUP } from "./scalar-pairs.ts";

/** One rule as written: its name without `pb.`, its printed value, and where, when that is known more exactly. */
export type RulePair = readonly [name: string, value: string, position?: Position];

const SCALARS = {
  bool: true,
  i8: true,
  i16: true,
  i32: true,
  i64: true,
  double: true,
  string: true,
  binary: true,
  uuid: true,
  float: true,
  int32: true,
  int64: true,
  uint32: true,
  uint64: true,
  sint32: true,
  sint64: true,
  fixed32: true,
  fixed64: true,
  sfixed32: true,
  sfixed64: true,
  bytes: true,
} as const satisfies Record<ThriftScalar | ProtoScalar, true>;

/** Thrift ids reach down to -32768, Protobuf numbers up to 2^29 - 1. */
const LOWEST_FIELD = -32_768;
const HIGHEST_FIELD = 536_870_911;

type Wrong = { readonly expected: string };
type Reader<T> = (value: string) => T | Wrong;

/** What each rule's value must be. A rule added to the model does not compile without its row here. */
const READERS: { readonly [K in keyof Rules]-?: readonly [name: string, read: Reader<NonNullable<Rules[K]>>] } = {
  field: ["field", readField],
  bits: ["bits", readFlag],
  exact: ["exact", readFlag],
  lossy: ["lossy", readFlag],
  presence: ["presence", readFlag],
  set: ["set", readFlag],
  wrap: ["wrap", readFlag],
  unwrap: ["unwrap", readFlag],
  time: ["time", oneOf(["s", "ms", "us", "ns"])],
  uuidText: ["uuid_text", readFlag],
  unknownEnum: ["unknown_enum", oneOf(["pass", "error"])],
  type: ["type", readType],
  code: ["code", readCode],
  args: ["args", readFlag],
  name: ["name", readName],
  requiredness: ["requiredness", oneOf(["required", "optional", "default", "implicit"])],
  default: ["default", (value) => value],
  oneof: ["oneof", readName],
  oneway: ["oneway", readFlag],
  throws: ["throws", (value) => value],
  synthetic: ["synthetic", readFlag],
  prefix: ["prefix", readName],
};

/** The name that authors write for each rule. */
export const RULE_NAMES: ReadonlyMap<keyof Rules, string> = new Map(
  Object.entries(READERS).map(([key, [name]]) => [key as keyof Rules, name]),
);

const RULES_BY_NAME: ReadonlyMap<string, readonly [key: string, read: Reader<unknown>]> = new Map(
  Object.entries(READERS).map(([key, [name, read]]) => [name, [key, read]]),
);

/**
 * The rules that `pairs` state; names come without the prefix `pb.`. A name that is no rule, a value that the rule does
 * not take and a rule given twice are errors at the pair's own position, else at `position`, and are left out.
 */
export function parseRules(pairs: Iterable<RulePair>, position: Position, report: Report): Rules {
  const rules: Record<string, unknown> = {};
  for (const [name, value, where = position] of pairs) {
    const fail = (message: string): void => report({ severity: "error", position: where, message });
    const rule = RULES_BY_NAME.get(name);
    if (rule === undefined) {
      fail(`there is no rule "${name}"; the rules are ${[...RULES_BY_NAME.keys()].join(", ")}`);
      continue;
    }
    const [key, read] = rule;
    if (Object.hasOwn(rules, key)) {
      fail(`the rule "${name}" is given twice; keep one`);
      continue;
    }
    const result = read(value);
    if (isWrong(result)) fail(`the rule "${name}" takes ${result.expected}, not ${JSON.stringify(value)}`);
    else rules[key] = result;
  }
  return rules;
}

/** One rule from the text of its value; `expected` says in a few words what the rule takes when it is not this. */
export function readRule(name: string, value: string): Rules | { readonly expected: string } {
  const rule = RULES_BY_NAME.get(name);
  if (rule === undefined) return { expected: "the name of a rule" };
  const [key, read] = rule;
  const result = read(value);
  return isWrong(result) ? result : { [key]: result };
}

function isWrong(result: unknown): result is Wrong {
  return typeof result === "object";
}

function readFlag(value: string): boolean | Wrong {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  return { expected: "true or false" };
}

function readField(value: string): number | Wrong {
  const number = /^-?[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= LOWEST_FIELD && number <= HIGHEST_FIELD) return number;
  return { expected: `an integer from ${LOWEST_FIELD} to ${HIGHEST_FIELD}` };
}

function readName(value: string): string | Wrong {
  return value === "" ? { expected: "a name" } : value;
}

function readType(value: string): string | Wrong {
  const key = /^map<(\w+),[\w.]+>$/.exec(value)?.[1];
  if (Object.hasOwn(SCALARS, key ?? value) || value === GROUP) return value;
  return { expected: `a scalar type (${Object.keys(SCALARS).join(", ")}) or ${GROUP}` };
}

function readCode(value: string): string | Wrong {
  if (Object.hasOwn(CODE_NUMBERS, value)) return value;
  const code = /^[0-9]{1,2}$/.test(value) ? codeOfNumber(Number(value)) : undefined;
  return code ?? { expected: `the name or number of a gRPC status code (${Object.keys(CODE_NUMBERS).join(", ")})` };
}

function oneOf<T extends string>(words: readonly T[]): Reader<T> {
  return (value) => words.find((word) => word === value) ?? { expected: words.join(" or ") };
}
