// YAML text to a checked value, with every fault at its line and column. What the text may say is its schema's business.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLParseError,
} from "yaml";
import { z } from "zod";
import type { Position, Report } from "./diagnostic.ts";

/** Keys and indexes from the top of a document to a value. */
export type YamlPath = readonly (string | number)[];

/** A value that was read, and where its parts stand. */
export interface YamlValue<T> {
  readonly value: T;
  /** Where the value of `path` begins; the nearest thing around it when the text does not have it. */
  at(path: YamlPath): Position;
}

/**
 * Reads YAML 1.2 by a schema; undefined after an error, and all errors are reported. `file` is only for the positions. An
 * empty text is an empty mapping.
 */
export function parseYaml<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  report: Report,
): YamlValue<T> | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "error" });
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const fail = (offset: number, message: string) =>
    report({ severity: "error", position: positionOf(offset), message });

  if (document.errors.length > 0) {
    reportSyntax(document.errors, fail);
    return undefined;
  }
  let input: unknown;
  try {
    input = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (error) {
    // An alias without its anchor, or aliases of aliases that would grow without bound.
    fail(0, error instanceof Error ? error.message : String(error));
    return undefined;
  }

  const knownKeys = new Map<string, readonly string[]>();
  const result = schema.safeParse(input, {
    error(issue) {
      if (issue.code !== "unrecognized_keys" || !(issue.inst instanceof z.ZodObject)) return expectation(issue);
      knownKeys.set(JSON.stringify(issue.path ?? []), Object.keys(issue.inst.shape));
      return undefined;
    },
  });
  if (result.success) return { value: result.data, at: (path) => positionOf(offsetOf(document, path, "value")) };
  for (const issue of result.error.issues) {
    const path = issue.path.filter((key) => typeof key !== "symbol");
    if (issue.code !== "unrecognized_keys") {
      fail(offsetOf(document, path, "value"), named(path, issue.message));
      continue;
    }
    const known = knownKeys.get(JSON.stringify(path)) ?? [];
    for (const key of issue.keys) {
      const keyPath = [...path, key];
      fail(offsetOf(document, keyPath, "key"), named(keyPath, unknownName("key", key, known)));
    }
  }
  return undefined;
}

const MAX_ALIASES = 100;

/** The library's message without the place, which we say in our own form, and without the excerpt below it. */
function withoutPosition(message: string): string {
  return (message.split("\n", 1)[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
}

/** One wrong character can make everything behind it wrong; nobody reads more than this of it. */
const MAX_SYNTAX_FAULTS = 20;

function reportSyntax(errors: readonly YAMLParseError[], fail: (offset: number, message: string) => void): void {
  const tooDeep = errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (tooDeep) {
    fail(tooDeep.pos[0], "mappings and lists are nested too deep to be read");
    return;
  }
  for (const { pos, message } of errors.slice(0, MAX_SYNTAX_FAULTS)) fail(pos[0], withoutPosition(message));
}

/** The pairs of mappings by their keys: in a large config many places may be asked for. */
const pairsByKey = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

function pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const known = pairsByKey.get(map);
  if (known) return known;
  const pairs = new Map<string, Pair>();
  for (const pair of map.items) if (isScalar(pair.key)) pairs.set(String(pair.key.value), pair);
  pairsByKey.set(map, pairs);
  return pairs;
}

/** Where the value of a path begins, or its key; the nearest thing around it when the text does not have it. */
function offsetOf(document: Document.Parsed, path: YamlPath, part: "key" | "value"): number {
  let node: Node | null | undefined = document.contents;
  let offset = 0;
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isCollection(node)) break;
    const pair = isMap(node) ? pairsOf(node).get(String(key)) : undefined;
    const found: unknown = isMap(node) ? pair?.value : node.get(key, true);
    const next: Node | undefined = isNode(found) ? found : undefined;
    const keyOffset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    if (keyOffset === undefined && !next) break;
    // A mapping or list is best pointed at by its key; a scalar, an alias or a list's element by itself.
    const byKey = isCollection(next) || !next || (part === "key" && depth === path.length - 1);
    offset = (byKey ? keyOffset : undefined) ?? next?.range?.[0] ?? keyOffset ?? offset;
    node = next;
  }
  return offset;
}

/** A path as people write it: `upstreams.orders.endpoints[0]`. */
export function formatYamlPath(path: YamlPath): string {
  return path
    .map((key, i) =>
      typeof key === "number"
        ? `[${key}]`
        : /^[\w-]+$/.test(key)
          ? `${i === 0 ? "" : "."}${key}`
          : `[${JSON.stringify(key)}]`,
    )
    .join("");
}

/** `unknown service, did you mean shop.Orders?`, or the known names when none is near. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate, limit) }))
    .filter(({ distance }) => distance <= limit && distance < name.length)
    .sort((a, b) => a.distance - b.distance)[0];
  if (near) return `unknown ${what}, did you mean ${near.candidate}?`;
  if (known.length === 0) return `unknown ${what}, there is none`;
  const shown = known.toSorted().slice(0, 20).join(", ");
  return `unknown ${what}, expected ${known.length === 1 ? "" : "one of "}${shown}${known.length > 20 ? ", …" : ""}`;
}

function named(path: YamlPath, message: string): string {
  return path.length === 0 ? message : `${formatYamlPath(path)}: ${message}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** What a schema expected, in the words of someone who writes YAML; undefined leaves it to the schema library. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  const got = `, got ${show(issue.input)}`;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}${got}`;
    case "invalid_value":
      return `expected ${oneOf(issue.values)}${got}`;
    case "too_small":
    case "too_big": {
      const [bound, word] =
        issue.code === "too_small"
          ? [issue.minimum, issue.inclusive === false ? "more than" : "at least"]
          : [issue.maximum, issue.inclusive === false ? "less than" : "at most"];
      const noun = issue.origin === "array" ? " element" : issue.origin === "string" ? " character" : "";
      const unit = noun === "" || bound === 1 ? noun : `${noun}s`;
      return `expected ${word} ${bound}${unit}${got}`;
    }
    case "invalid_union": {
      const options = "options" in issue && Array.isArray(issue["options"]) ? issue["options"] : [];
      const { discriminator } = issue;
      if (options.length === 0 || typeof discriminator !== "string") return undefined;
      const input: unknown = issue.input;
      return `expected ${oneOf(options)}, got ${show(
        typeof input === "object" && input !== null ? Reflect.get(input, discriminator) : input,
      )}`;
    }
    default:
      return undefined;
  }
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(", ")}`;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Levenshtein's distance; anything above `limit` is `limit + 1`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
