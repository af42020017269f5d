// What the parts of proto-resolve.ts share: the names in sight, where errors go, and the head of a declaration with its rules.
import type { Position, Report } from "../base/diagnostic.ts";
import type { Declaration, MessageType, Rules } from "./model.ts";
import type { ProtoNode, ProtoOption, ProtoTypeName } from "./proto-document.ts";
import type { ProtoNames } from "./proto-names.ts";
import { parseRules } from "./rules.ts";

/** The extensions of causeway/options.proto, by what they may stand on; Protobuf wants a name for each. */
export const RULES_OPTIONS = {
  file: "(causeway.file_rules)",
  message: "(causeway.message_rules)",
  field: "(causeway.rules)",
  oneof: "(causeway.oneof_rules)",
  enum: "(causeway.enum_rules)",
  value: "(causeway.value_rules)",
  service: "(causeway.service_rules)",
  method: "(causeway.method_rules)",
} as const;

export type RulesTarget = keyof typeof RULES_OPTIONS;

/** The file that is being resolved. */
export interface ProtoContext {
  readonly names: ProtoNames;
  readonly report: Report;
  /** Whether causeway/options.proto is imported. */
  readonly rulesKnown: boolean;
  readonly syntax: string;
}

export function fail(context: ProtoContext, position: Position, message: string): void {
  context.report({ severity: "error", position, message });
}

export function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

export function declarationOf(node: ProtoNode, target: RulesTarget, context: ProtoContext): Declaration {
  const { name, doc, position, options } = node;
  return { name, doc, annotations: options, rules: rulesOf(options, target, position, context), position };
}

const CAUSEWAY_OPTION = /^(\(\.?causeway\.[a-z_]+\))(?:\.(.*))?$/;

export function rulesOf(
  options: readonly ProtoOption[],
  target: RulesTarget,
  position: Position,
  context: ProtoContext,
): Rules {
  const pairs: ProtoOption[] = [];
  for (const [name, value] of options) {
    const match = CAUSEWAY_OPTION.exec(name);
    if (!match) continue;
    const option = match[1]?.replace("(.", "(");
    if (!context.rulesKnown) {
      fail(context, position, `the option ${option} is not known here; import "causeway/options.proto"`);
      return {};
    }
    if (option === RULES_OPTIONS[target]) pairs.push([match[2] ?? "", value]);
    else fail(context, position, `the option ${option} cannot stand here; expected ${RULES_OPTIONS[target]}`);
  }
  return parseRules(pairs, position, context.report);
}

/** The message that a reference means, or undefined after saying that it means none. */
export function messageNamed(
  { text, position }: ProtoTypeName,
  scope: string,
  context: ProtoContext,
): MessageType | undefined {
  const found = context.names.find(text, scope);
  if (typeof found === "string") fail(context, position, found);
  else if ("values" in found) fail(context, position, `"${text}" is an enum; expected a message`);
  else return found;
  return undefined;
}
