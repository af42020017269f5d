// What changed between two versions of a schema, and whom that breaks. A version and its derived twin are compared by the
// same rules: what a change does to the twin is what it does to those across the bridge.
import type { Position } from "../base/diagnostic.ts";
import { deriveSchema } from "./derive.ts";
import { compareEnums } from "./diff-enum.ts";
import { compareFiles, comparePackages } from "./diff-file.ts";
import { compareField, compareMessages, createMessageJudge } from "./diff-message.ts";
import { type Files, type PathPair, pairDeclarations, pairFiles, pairTwins } from "./diff-pairs.ts";
import { BREAK_KINDS, type BreakKind, type Change, DIFF_RULES, type DiffRule, type DiffRuleId } from "./diff-rules.ts";
import { createServiceComparer } from "./diff-service.ts";
import type { Comparison } from "./diff-type.ts";
import type { MessageType, Schema, SchemaFile } from "./model.ts";

export type { PathPair } from "./diff-pairs.ts";
export { BREAK_KINDS, type BreakKind, DIFF_RULES, type DiffRule, type DiffRuleId } from "./diff-rules.ts";

/** One change that breaks something. */
export interface Finding {
  readonly rule: DiffRuleId;
  /** What it breaks, in the order of BREAK_KINDS; never empty. */
  readonly breaks: readonly BreakKind[];
  /** In the new version, or in the old one for what is gone. */
  readonly position: Position;
  /** What changed and what to do instead, one sentence without a full stop. */
  readonly message: string;
}

/**
 * Every change from one version of a schema to the next that breaks the wire, the source of stubs or the bridge: by file
 * and line those in the new version, then those gone from the old one. `paths` names the files that are two versions of
 * each other; what they include or import is compared with them. Compatible changes, such as a new optional field, enum
 * value, method or service, are no findings.
 */
export function diffSchemas(before: Schema, after: Schema, paths: readonly PathPair[]): readonly Finding[] {
  const { files, removed } = pairFiles(before, after, paths);
  const given: Files = { pairs: files, removed, before: before.files, after: after.files };
  const changes: Change[] = [];
  for (const { path } of removed) changes.push(fileRemoved(path));
  compareDeclarations(given, "given", (change) => changes.push(change));
  const twins: Change[] = [];
  compareDeclarations(twinsOf(before, after, given), "derived", (change) => twins.push(change));
  return inOrder(merge(changes, twins), after);
}

function fileRemoved(path: string): Change {
  const position: Position = { file: path, line: 1, column: 1 };
  const advice = "files that include or import it break; keep it, if only to include what took its place";
  return { rule: "FILE_REMOVED", position, about: position, what: "the file was removed", advice };
}

/** The derived twins of both versions. What cannot be derived has none: `causeway check` tells of it. */
function twinsOf(before: Schema, after: Schema, { pairs, removed }: Files): Files {
  const ignore = (): void => {};
  const twins = { before: deriveSchema(before, ignore), after: deriveSchema(after, ignore) };
  const twinOf = (file: SchemaFile, version: "before" | "after"): SchemaFile | undefined =>
    twins[version].get(file)?.file;
  return {
    pairs: pairTwins(pairs, twinOf),
    removed: removed.flatMap((file) => twinOf(file, "before") ?? []),
    before: [...twins.before.values()].map(({ file }) => file),
    after: [...twins.after.values()].map(({ file }) => file),
  };
}

function compareDeclarations(files: Files, origin: "given" | "derived", report: Comparison["report"]): void {
  const pairs = pairDeclarations(files);
  const prefixed: Comparison["report"] =
    origin === "given" ? report : (change) => report({ ...change, what: `in the derived twin, ${change.what}` });
  const comparison = createMessageJudge({ pairs, report: prefixed }, (rule) => breaksOf(rule).includes("wire"));
  for (const pair of files.pairs) {
    const compare = origin === "given" ? compareFiles : comparePackages;
    compare(comparison, pair);
  }
  reportRemoved(comparison);
  for (const [before, after] of pairs.messages) compareMessages(comparison, before, after);
  for (const [before, after] of pairs.enums) compareEnums(comparison, before, after);
  for (const [before, after] of pairs.extensions) {
    compareField(comparison, before.extendee, after.extendee, before, after, "field");
  }
  const compareServices = createServiceComparer(comparison);
  for (const [before, after] of pairs.services) compareServices(before, after);
}

function reportRemoved({ pairs: { removed }, report }: Comparison): void {
  const messages = new Set(removed.messages);
  const gone = (rule: DiffRuleId, what: string, thing: Removed, advice: string): void => {
    const { position, parent } = thing;
    const implied = parent !== undefined && messages.has(parent);
    report({ rule, position, about: position, what: `${what} was removed`, advice, implied });
  };
  const use = "code that uses it breaks; keep it, or deprecate it first";
  for (const message of removed.messages) {
    const { shape, name, rules } = message;
    // Of what stands for arguments, results and containers, the methods and fields tell.
    if (!rules.args && !rules.wrap) gone("MESSAGE_REMOVED", `${shape} "${name}"`, message, use);
  }
  for (const type of removed.enums) gone("ENUM_REMOVED", `enum "${type.name}"`, type, use);
  for (const service of removed.services) {
    gone("SERVICE_REMOVED", `service "${service.name}"`, service, "old callers fail; keep it until nobody calls it");
  }
  for (const extension of removed.extensions) {
    const what = `extension "${extension.name}" of ${extension.extendee.fullName}`;
    gone("EXTENSION_REMOVED", what, extension, "reserve the number, or keep the extension");
  }
}

interface Removed {
  readonly position: Position;
  readonly parent?: MessageType | undefined;
}

function breaksOf(rule: DiffRuleId): readonly BreakKind[] {
  return DIFF_RULES[rule].breaks;
}

/** A change of a twin belongs to the change of the given file that caused it, where there is one. */
function merge(given: readonly Change[], twins: readonly Change[]): Finding[] {
  const caused = new Set(twins.map(causeOf));
  const known = new Set(given.map(causeOf));
  const own = told(given).map((change) => {
    const breaks = new Set<BreakKind>(breaksOf(change.rule));
    if (caused.has(causeOf(change))) breaks.add("bridge");
    return findingOf(change, breaks);
  });
  const rest = told(twins).filter((change) => !known.has(causeOf(change)));
  return [...own, ...rest.map((change) => findingOf(change, new Set(["bridge"])))];
}

function told(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ implied }) => !implied);
}

function causeOf({ rule, about: { file, line, column } }: Change): string {
  const { aspect }: DiffRule = DIFF_RULES[rule];
  return `${aspect} ${file}:${line}:${column}`;
}

function findingOf({ rule, position, what, advice }: Change, breaks: ReadonlySet<BreakKind>): Finding {
  return { rule, breaks: BREAK_KINDS.filter((kind) => breaks.has(kind)), position, message: `${what}: ${advice}` };
}

/** By file, line and column; first what is in the new version, then what is gone from the old one. */
function inOrder(findings: readonly Finding[], after: Schema): readonly Finding[] {
  const files = new Set(after.files.map(({ path }) => path));
  const isGone = ({ position }: Finding): number => (files.has(position.file) ? 0 : 1);
  return findings.toSorted((a, b) => isGone(a) - isGone(b) || byPlace(a.position, b.position));
}

function byPlace(a: Position, b: Position): number {
  return (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column;
}
