// The languages that stubs are generated for, one line each.
import { generatePhp } from "./php.ts";
import type { Target } from "./target.ts";

/** By the name that `--lang` takes. */
export const LANGUAGES: Readonly<Record<string, Target>> = { php: generatePhp };
