import { expect, test } from "vitest";
import type { Diagnostic } from "../../../src/base/diagnostic.ts";
import type { Rules } from "../../../src/schema/model.ts";
import { parseRules, type RulePair } from "../../../src/schema/rules.ts";

const position = { file: "a.thrift", line: 3, column: 5 };

function read(pairs: readonly RulePair[]): { rules: Rules; found: readonly Diagnostic[] } {
  const found: Diagnostic[] = [];
  return { rules: parseRules(pairs, position, (diagnostic) => found.push(diagnostic)), found };
}

test("every rule is read by its written name", () => {
  const { rules, found } = read([
    ["field", "100001"],
    ["bits", "1"],
    ["exact", "true"],
    ["lossy", "0"],
    ["presence", "false"],
    ["set", "true"],
    ["wrap", "true"],
    ["unwrap", "true"],
    ["time", "ms"],
    ["uuid_text", "true"],
    ["unknown_enum", "error"],
    ["type", "uint32"],
    ["code", "NOT_FOUND"],
    ["args", "true"],
    ["name", "from"],
    ["synthetic", "true"],
  ]);
  expect(found).toEqual([]);
  expect(rules).toEqual({
    field: 100_001,
    bits: true,
    exact: true,
    lossy: false,
    presence: false,
    set: true,
    wrap: true,
    unwrap: true,
    time: "ms",
    uuidText: true,
    unknownEnum: "error",
    type: "uint32",
    code: "NOT_FOUND",
    args: true,
    name: "from",
    synthetic: true,
  });
});

test.each([
  ["field", "536870912", "an integer from -32768 to 536870911"],
  ["field", "-32769", "an integer from -32768 to 536870911"],
  ["field", "1.5", "an integer from -32768 to 536870911"],
  ["bits", "yes", "true or false"],
  ["time", "hours", "s or ms or us or ns"],
  ["unknown_enum", "ignore", "pass or error"],
  ["name", "", "a name"],
])("the rule %s does not take %j", (name, value, expected) => {
  const { rules, found } = read([[name, value]]);
  expect(rules).toEqual({});
  expect(found).toEqual([
    { severity: "error", position, message: `the rule "${name}" takes ${expected}, not ${JSON.stringify(value)}` },
  ]);
});

test.each([
  [
    "code",
    "OK",
    /^the rule "code" takes the name or number of a gRPC status code \(CANCELLED, .*UNAUTHENTICATED\), not "OK"$/,
  ],
  ["code", "0", /^the rule "code" takes the name or number of a gRPC status code /],
  ["type", "toString", /^the rule "type" takes a scalar type \(bool, i8, .*bytes\) or group, not "toString"$/],
  ["feild", "1", /^there is no rule "feild"; the rules are field, bits, .*, prefix$/],
  ["uuidText", "true", /^there is no rule "uuidText"; /],
  ["constructor", "true", /^there is no rule "constructor"; /],
])("the pair %s = %j is refused with what would do", (name, value, message) => {
  const { rules, found } = read([[name, value]]);
  expect(rules).toEqual({});
  expect(found.map((diagnostic) => diagnostic.message)).toEqual([expect.stringMatching(message)]);
});

test("a status code may be given by its number", () => {
  expect(read([["code", "5"]])).toEqual({ rules: { code: "NOT_FOUND" }, found: [] });
});

test("a rule given twice keeps its first value and is an error where the second stands", () => {
  const second = { file: "a.thrift", line: 3, column: 20 };
  const { rules, found } = read([
    ["field", "1"],
    ["field", "2", second],
  ]);
  expect(rules).toEqual({ field: 1 });
  expect(found).toEqual([
    { severity: "error", position: second, message: 'the rule "field" is given twice; keep one' },
  ]);
});
