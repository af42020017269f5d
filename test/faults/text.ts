// Texts that are nearly right, and what must be said of them.
import { expect } from "vitest";
import type { Diagnostic } from "../../src/base/diagnostic.ts";
import { expectClear } from "./clear.ts";
import type { Mutation } from "./mutate.ts";

/** Words of the languages, and words that are nearly theirs: a bit that flips in a name says little. */
const WORDS: readonly string[] =
  `{ } < > ( ) [ ] , ; : = == " ' \\ / /* */ // # - + . .. @ & % \0 \u{feff} \n \r\t é 😀 0 -1 1e999 0x 0xffffffffffffffffff
   99999999999999999999 2147483648 32768 536870912 19000 required optional repeated oneof map list<set<map<i8,i8>>> struct union
   exception enum service message extend extensions reserved import include namespace typedef const syntax edition group
   returns rpc stream throws oneway extends void bool i64 int32 string default true null ~ --- !!binary &a *a <<: | >-
   google.protobuf.Timestamp (pb.code="NOT_FOUND") [packed=true] option(causeway.rules).field=0; 127.0.0.1:0 unix:`
    .split(/(?<=\S) +|\n +/)
    .filter((word) => word !== "");

/** Bytes as they were mutated, or else with whole words and lines moved about. */
export function mutatedText({ bytes, random }: Mutation, original: Buffer): Buffer {
  if (random.chance(40)) return bytes;
  const text = original.toString("utf8");
  const parts = random.chance(25) ? text.split(/(?<=\n)/) : text.split(/(?<=\s)|\b/);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(parts.length);
    const other = random.below(parts.length);
    switch (random.below(4)) {
      case 0:
        parts.splice(at, 0, random.pick(WORDS));
        break;
      case 1:
        parts[at] = random.pick(WORDS);
        break;
      case 2:
        parts.splice(at, 1 + random.below(3));
        break;
      default:
        parts.splice(at, 0, ...parts.slice(other, other + random.below(20)));
    }
  }
  return Buffer.from(parts.join(""));
}

/** Holds what was reported to being of use. */
export function checkDiagnostics(diagnostics: readonly Diagnostic[], usable: boolean): void {
  for (const { position, message } of diagnostics) {
    expect(position.file).not.toBe("");
    expect(Number.isSafeInteger(position.line) && position.line >= 1).toBe(true);
    expect(Number.isSafeInteger(position.column) && position.column >= 1).toBe(true);
    expectClear(message);
  }
  const failed = diagnostics.some(({ severity }) => severity === "error");
  if (failed === usable) throw new Error(usable ? "usable in spite of an error" : "of no use, and no error says why");
}
