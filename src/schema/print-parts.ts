// What the printers of both languages share: the order of a file, and rules as text.
import type { Declaration, Rules } from "./model.ts";
import { RULE_NAMES } from "./rules.ts";

/** Each rule that is set, under the name that authors write. */
export function ruleEntries(rules: Rules): readonly (readonly [name: string, value: string | number | boolean])[] {
  const entries: [string, string | number | boolean][] = [];
  for (const [key, name] of RULE_NAMES) {
    const value = rules[key];
    if (value !== undefined) entries.push([name, value]);
  }
  return entries;
}

/** As their author ordered them; what has no place of its own keeps its place in the list. */
export function inFileOrder<T extends Declaration>(declarations: readonly T[]): readonly T[] {
  return [...declarations].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}

/** `text` with every line that is not empty moved right by two spaces. */
export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** The value that more than half of `items` have, if there are two items or more: then one word can say it for all. */
export function commonOf<T, V>(items: readonly T[], pick: (item: T) => V): V | undefined {
  if (items.length < 2) return undefined;
  const counts = new Map<V, number>();
  for (const item of items) counts.set(pick(item), (counts.get(pick(item)) ?? 0) + 1);
  return [...counts].find(([, count]) => count * 2 > items.length)?.[0];
}

/** Blocks and what has documentation stand apart by an empty line; one-liners follow each other. */
export function spread(texts: readonly string[]): string {
  return texts
    .map((text, i) => (i === 0 ? "" : isTall(text) || isTall(texts[i - 1] ?? "") ? "\n\n" : "\n") + text)
    .join("");
}

function isTall(text: string): boolean {
  return text.includes("\n");
}
