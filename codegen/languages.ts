// The languages that stubs are generated for, one line each.
import { generateGo } from "./go.ts";
import { generateJava } from "./java.ts";
import { generatePhp } from "./php.ts";
import type { Target } from "./target.ts";

/** By the name that `--lang` takes. */
export const LANGUAGES: Readonly<Record<string, Target>> = {
  go: generateGo,
  java: generateJava,
  php: generatePhp,
};
