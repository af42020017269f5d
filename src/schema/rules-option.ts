// The overrides as a config writes them, and as `--rules FILE` does.
import { z } from "zod";
import type { Rules } from "./model.ts";
import { RULE_NAMES, readRule } from "./rules.ts";

/** One rule's value: what it takes is said in the words of that rule. */
function ruleOption(name: string) {
  return z.unknown().transform((value, context): Rules => {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    const read = isPlain ? readRule(name, String(value)) : { expected: "one value" };
    if (!("expected" in read)) return read;
    context.addIssue({ code: "custom", message: `expected ${read.expected}, got ${JSON.stringify(value)}` });
    return z.NEVER;
  });
}

const rules = z
  .strictObject(Object.fromEntries([...RULE_NAMES.values()].map((name) => [name, ruleOption(name).optional()])))
  .transform((each): Rules => Object.assign({}, ...Object.values(each)));

/** Rules by the full names of the things they are for. */
export const rulesOption = z
  .record(z.string().min(1), rules)
  .describe("overrides of the translation by full name: package, message, field, enum, service or method");

/** Packages by the paths of Thrift files. */
export const packagesOption = z
  .record(z.string().min(1), z.string().regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/, "expected a package such as shop.v1"))
  .describe("packages of Thrift files by their paths, instead of what their namespaces say");
