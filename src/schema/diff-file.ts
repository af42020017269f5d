// What changed about a file itself: where its generated code goes, and its Thrift constants.
import type { Position } from "../base/diagnostic.ts";
import type { FilePair } from "./diff-pairs.ts";
import { type Comparison, compareTypes, typeText } from "./diff-type.ts";
import type { NamedConstant } from "./model.ts";

/** Options of .proto files that name or place generated code. */
const FILE_OPTIONS: readonly string[] = [
  "go_package",
  "java_package",
  "java_outer_classname",
  "java_multiple_files",
  "csharp_namespace",
  "objc_class_prefix",
  "php_class_prefix",
  "php_namespace",
  "php_metadata_namespace",
  "ruby_package",
  "swift_prefix",
];

/** Options whose absence is the same as this value. */
const OPTION_DEFAULTS: Readonly<Record<string, string>> = { java_multiple_files: "false" };

/** Reports what changed between two versions of a file that an author wrote. */
export function compareFiles(comparison: Comparison, pair: FilePair): void {
  if (pair.before.wire === "thrift") {
    compareNamespaces(comparison, pair);
    compareConstants(comparison, pair);
  } else {
    comparePackages(comparison, pair);
    compareOptions(comparison, pair);
  }
}

/** Reports another package of a .proto or a derived file, and the new paths of its services. */
export function comparePackages({ pairs, report }: Comparison, pair: FilePair): void {
  const { before, after, moved } = pair;
  if (!moved || before.package === after.package) return;
  const packages = `${before.package || "none"} to ${after.package || "none"}`;
  const advice = "every generated name has it; keep the package, or add a file";
  report({ rule: "FILE_PACKAGE", ...headOf(pair), what: `the package changed from ${packages}`, advice });
  if (before.wire === "thrift") return;
  for (const service of before.services) {
    const now = pairs.services.get(service);
    if (!now || now.fullName === service.fullName) continue;
    report({
      rule: "SERVICE_PATH",
      position: now.position,
      about: service.position,
      what: `calls of service "${now.name}" go to /${now.fullName}/ instead of /${service.fullName}/`,
      advice: "calls of the other version fail; keep the package",
    });
  }
}

function headOf({ paths }: FilePair): { readonly position: Position; readonly about: Position } {
  const start = (file: string): Position => ({ file, line: 1, column: 1 });
  return { position: start(paths.after), about: start(paths.before) };
}

function compareNamespaces({ report }: Comparison, pair: FilePair): void {
  const { before, after } = pair;
  const [old, now] = [new Map(before.annotations), new Map(after.annotations)];
  for (const language of new Set([...old.keys(), ...now.keys()])) {
    const from = old.get(language) ?? old.get("*");
    const to = now.get(language) ?? now.get("*");
    if (from === to) continue;
    const name = language === "*" ? "of all other languages" : `for ${language}`;
    const what = `the namespace ${name} changed from ${from ?? "none"} to ${to ?? "none"}`;
    report({
      rule: "FILE_NAMESPACE",
      ...headOf(pair),
      what,
      advice: "generated code moves; keep the namespace",
    });
  }
}

function compareOptions({ report }: Comparison, pair: FilePair): void {
  const { before, after } = pair;
  const [old, now] = [new Map(before.annotations), new Map(after.annotations)];
  for (const option of FILE_OPTIONS) {
    const absent = OPTION_DEFAULTS[option] ?? "none";
    const [from, to] = [old.get(option) ?? absent, now.get(option) ?? absent];
    if (from === to) continue;
    const what = `the option ${option} changed from ${from} to ${to}`;
    report({ rule: "FILE_OPTION", ...headOf(pair), what, advice: "generated code moves; keep it as it was" });
  }
}

function compareConstants(comparison: Comparison, { before, after }: FilePair): void {
  const named = new Map(after.constants.map((constant) => [constant.name, constant]));
  for (const constant of before.constants) {
    const { name, position, type } = constant;
    const partner = named.get(name);
    if (!partner) {
      const advice = "code that uses it breaks; keep it";
      comparison.report({
        rule: "CONSTANT_REMOVED",
        position,
        about: position,
        what: `constant "${name}" was removed`,
        advice,
      });
    } else if (compareTypes(comparison, "thrift", type, partner.type))
      reportConstantType(comparison, constant, partner);
  }
}

function reportConstantType({ report }: Comparison, { name, type, position }: NamedConstant, now: NamedConstant): void {
  report({
    rule: "CONSTANT_TYPE",
    position: now.position,
    about: position,
    what: `constant "${name}" changed its type from ${typeText(type, "thrift")} to ${typeText(now.type, "thrift")}`,
    advice: "code that uses it breaks; keep the type, or add a constant",
  });
}
