// Names in the customs of a target language: cases, keywords, and scopes in which a name is given once.
import type { Report } from "../src/base/diagnostic.ts";
import type { StubNamed } from "./stub-model.ts";

/** Gives each name once. */
export interface NameScope {
  /** `wanted`, or it with the suffix as often as it takes to be no keyword and new here; a change is reported. */
  claim(wanted: string, given: StubNamed): string;
  /** Takes names that nothing of the IDL may have. */
  reserve(...names: readonly string[]): void;
}

export interface NameRules {
  /** The language, as people say it. */
  readonly language: string;
  /** What is no name there. */
  readonly keywords: ReadonlySet<string>;
  /** The customary one. */
  readonly suffix: string;
  /** Names with the same key count as the same; by default a name is its own. */
  readonly keyOf?: (name: string) => string;
  readonly report: Report;
}

/** An empty scope. */
export function createNameScope({ language, keywords, suffix, keyOf = (name) => name, report }: NameRules): NameScope {
  const taken = new Set<string>();
  return {
    claim(wanted, { name: given, position }) {
      let name = wanted;
      while (taken.has(keyOf(name)) || keywords.has(name)) name += suffix;
      taken.add(keyOf(name));
      if (name !== wanted) {
        const why = keywords.has(wanted) ? `${wanted} is a word of ${language}` : `${wanted} is taken`;
        report({
          severity: "warning",
          position,
          message: `"${given}" is named ${name} in ${language}, because ${why}`,
        });
      }
      return name;
    },
    reserve(...names) {
      for (const name of names) taken.add(keyOf(name));
    },
  };
}

/** The words of a name in any case: `HTTP`, `Server`, `2` of `HTTPServer_2`. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
}

/** `HttpServer` of `HTTP_SERVER`, `httpServer` and `HTTPServer`. */
export function pascalCase(name: string): string {
  return wordsOf(name)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join("");
}

/** `httpServer`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** `HTTP_SERVER`. */
export function upperSnakeCase(name: string): string {
  return wordsOf(name).join("_").toUpperCase();
}
