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

/** What an option may stand on. */
export type RulesTarget = keyof typeof RULES_OPTIONS;

/** The options of google/protobuf/descriptor.proto; all others stand in parentheses. */
const STANDARD_OPTIONS: Readonly<Record<RulesTarget, ReadonlySet<string>>> = {
  file: words(
    "java_package java_outer_classname java_multiple_files java_generate_equals_and_hash java_string_check_utf8 " +
      "java_generic_services optimize_for go_package cc_generic_services cc_enable_arenas py_generic_services " +
      "php_generic_services php_class_prefix php_namespace php_metadata_namespace objc_class_prefix csharp_namespace " +
      "swift_prefix ruby_package",
  ),
  message: words(
    "message_set_wire_format no_standard_descriptor_accessor map_entry deprecated_legacy_json_field_conflicts",
  ),
  field: words(
    "ctype packed jstype lazy unverified_lazy weak debug_redact retention targets edition_defaults feature_support json_name",
  ),
  oneof: words(""),
  enum: words("allow_alias deprecated_legacy_json_field_conflicts"),
  value: words("debug_redact feature_support"),
  service: words(""),
  method: words("idempotency_level"),
};

function words(text: string): ReadonlySet<string> {
  return new Set(["features", "deprecated", ...text.split(" ")]);
}

/** The file that is being resolved. */
export interface ProtoContext {
  readonly names: ProtoNames;
  readonly report: Report;
  /** Whether causeway/options.proto is imported. */
  readonly rulesKnown: boolean;
  readonly syntax: string;
}

/** Reports an error. */
export function fail(context: ProtoContext, position: Position, message: string): void {
  context.report({ severity: "error", position, message });
}

/** The full name of what is declared in a package or message. */
export function join(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

/** What every named thing has; its options are checked by name. */
export function declarationOf(node: ProtoNode, target: RulesTarget, context: ProtoContext): Declaration {
  const { name, doc, position, options } = node;
  return { name, doc, annotations: options, rules: rulesOf(options, target, position, context), position };
}

const CAUSEWAY_OPTION = /^(\(\.?causeway\.[a-z_]+\))(?:\.(.*))?$/;

/** The rules that the options of one thing state. An option that is neither standard nor in parentheses is warned about. */
export function rulesOf(
  options: readonly ProtoOption[],
  target: RulesTarget,
  position: Position,
  context: ProtoContext,
): Rules {
  const pairs: ProtoOption[] = [];
  for (const [name, value] of options) {
    if (!name.startsWith("(")) checkStandardOption(name, target, position, context);
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

function checkStandardOption(name: string, target: RulesTarget, position: Position, { report }: ProtoContext): void {
  const [first = ""] = name.split(".", 1);
  if (STANDARD_OPTIONS[target].has(first)) return;
  const what = target === "value" ? "enum value" : target;
  const message = `there is no ${what} option "${first}"; one that is declared as an extension stands in parentheses`;
  report({ severity: "warning", position, message });
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
