// What all declarations of the model share, from Thrift annotations: name, doc, annotations, rules.
import type { Position, Report } from "../base/diagnostic.ts";
import type { Declaration, Rules } from "./model.ts";
import { parseRules, type RulePair } from "./rules.ts";
import { quote } from "./thrift-lexer.ts";
import type { AnnotationNode, FunctionNode, NamedNode, TypeNode } from "./thrift-syntax.ts";

const PREFIX = "pb.";
/** Says what a method does and not how it is translated, so it is no rule. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["idempotent", "pb.idempotent"]);

/** The model's side of `node`. `type` is a field's or result's own type: its `pb.` annotations count as the field's. */
export function declare(node: NamedNode, report: Report, type?: TypeNode): Declaration {
  const annotations = [
    ...(type?.annotations ?? []),
    ...("shape" in node && node.shape === "exception" ? withCode(node.annotations) : node.annotations),
  ];
  return {
    name: node.name,
    doc: node.doc,
    annotations: node.annotations.map(({ key, value }) => [key, value] as const),
    rules: readRules(annotations, node.position, report),
    position: node.position,
  };
}

/** A declaration that nobody wrote: arguments, results and their parts. */
export function declareSynthetic(name: string, position: Position, rules: Rules = {}): Declaration {
  return { name, doc: undefined, annotations: [], rules, position };
}

/** The rules among annotations: those named `pb.NAME`. */
export function readRules(annotations: readonly AnnotationNode[], position: Position, report: Report): Rules {
  const pairs: RulePair[] = [];
  for (const { key, value, position: where } of annotations) {
    if (key.startsWith(PREFIX) && !IDEMPOTENT.has(key)) pairs.push([key.slice(PREFIX.length), value, where]);
  }
  return parseRules(pairs, position, report);
}

/** On exceptions `rpc.code` stands for `pb.code` where that is missing. */
function withCode(annotations: readonly AnnotationNode[]): readonly AnnotationNode[] {
  if (annotations.some(({ key }) => key === "pb.code")) return annotations;
  return annotations.map((each) => (each.key === "rpc.code" ? { ...each, key: "pb.code" } : each));
}

/** Whether the annotations of a function say that running it twice is the same as once. */
export function isIdempotent({ annotations }: FunctionNode): boolean {
  const last = annotations.findLast(({ key }) => IDEMPOTENT.has(key));
  return last !== undefined && last.value !== "false" && last.value !== "0";
}

/** Warns of `pb.` annotations where nothing reads them: on elements, keys and values, typedefs and constants. */
export function warnUnreadRules(type: TypeNode, report: Report): void {
  warnUnread(type.annotations, report);
  warnUnreadInside(type, report);
}

/** Like warnUnreadRules for the types inside `type`, whose own annotations are read as those of its field. */
export function warnUnreadInside(type: TypeNode, report: Report): void {
  if (type.kind === "map") {
    warnUnreadRules(type.key, report);
    warnUnreadRules(type.value, report);
  } else if (type.kind === "list" || type.kind === "set") {
    warnUnreadRules(type.element, report);
  }
}

/** Warns of `pb.` annotations among these, which nothing reads. */
export function warnUnread(annotations: readonly AnnotationNode[], report: Report): void {
  for (const { key, position } of annotations) {
    if (!key.startsWith(PREFIX)) continue;
    report({ severity: "warning", position, message: `${quote(key)} has no effect here; write it on the field` });
  }
}
