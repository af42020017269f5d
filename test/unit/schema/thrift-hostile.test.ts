// Text that nobody wrote on purpose, or on purpose to do harm: the reader answers or refuses, and never throws or hangs.
import fc from "fast-check";
import { expect, test } from "vitest";
import { readThrift } from "./thrift-fixture.ts";

const VALID = `/** Shop. */
namespace * acme.shop
typedef map<string, list<Line>> Lines // comment
enum Color { RED = 1, BLUE = 0x10; GREEN } (a = "b")
const i64 BIG = -9223372036854775808
const map<string, Color> NAMES = {"red": Color.RED, 'blue': Color.BLUE}
struct Order {
  1: required i64 (pb.time = "ms") id = BIG,
  2: optional Lines lines = {} (pb.presence = "true");
  -3: Color color = Color.GREEN
  double price = 1.5e3
}
struct Line { 1: uuid sku, 2: set<binary> many, 3: optional Order & order xsd_optional }
union Pay { 1: string card = "x\\n" 2: Order order }
exception Broken { 1: i32 code } (rpc.code = "NOT_FOUND")
service Base { void ping() }
service Orders extends Base {
  Order find(1: string name, 2: i32 limit = 10) throws (1: Broken broken) (idempotent)
  oneway void forget(1: list<string> names)
}
`;

const WORDS = VALID.split(/(\s+|[^\w.]|\b)/).filter((word) => word.trim() !== "");

function expectAnswer(text: string): void {
  const { file, found } = readThrift(text);
  expect(file !== undefined).toBe(!found.some((each) => each.includes(" error: ")));
  for (const each of found) expect(each).toMatch(/^[1-9][0-9]*:[1-9][0-9]* (?:error|warning): ./s);
}

test("the text that is mutated is itself accepted", () => {
  const { file } = readThrift(VALID);
  expect(file?.services).toHaveLength(2);
});

test("any text is read or refused with a position", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => expectAnswer(text)),
    { numRuns: 500 },
  );
});

test("any sequence of the grammar's words is read or refused with a position", () => {
  const words = fc.array(fc.constantFrom(...WORDS), { maxLength: 60 });
  fc.assert(
    fc.property(words, (all) => expectAnswer(all.join(" "))),
    { numRuns: 1000 },
  );
});

test("a valid file that lost, gained or swapped a piece is read or refused with a position", () => {
  const edit = fc.record({
    at: fc.nat(VALID.length),
    remove: fc.nat(12),
    insert: fc.oneof(fc.constant(""), fc.constantFrom(...WORDS), fc.string({ maxLength: 4 })),
  });
  const mutate = (text: string, { at, remove, insert }: { at: number; remove: number; insert: string }): string =>
    text.slice(0, at) + insert + text.slice(at + remove);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => expectAnswer(edits.reduce(mutate, VALID))),
    { numRuns: 2000 },
  );
});

test("every prefix of a valid file is read or refused with a position", () => {
  for (let end = 0; end < VALID.length; end += 1) expectAnswer(VALID.slice(0, end));
});

test("a megabyte of random words is answered", () => {
  let state = 42;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const parts: string[] = [];
  for (let size = 0; size < 2 ** 20; ) {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? "";
    parts.push(word);
    size += word.length + 1;
  }
  expectAnswer(parts.join(" "));
  expectAnswer(`const list<string> A = [${parts.map((word) => JSON.stringify(word)).join(" ")}]`);
  expectAnswer(`service A {} (${parts.filter((word) => /^[A-Z]\w*$/.test(word)).join(" ")})`);
});

const MANY = 2 ** 20;

test.each([
  ["a name of a million dots", `struct ${"a.".repeat(MANY)}b {}`],
  ["an integer of a million digits", `const i64 A = ${"1".repeat(MANY)}`],
  ["a number of a million zeros that is none", `const double A = ${"0".repeat(MANY)}.5x`],
  ["a comment of a million stars", `/**${"*".repeat(MANY)}x*/ struct A {}`],
  ["a million blanks on one line", `struct A {${" ;".repeat(MANY)}}`],
  ["a million open types", `struct A {1: ${"list<".repeat(MANY / 4)}`],
  ["a million open constants", `const i32 A = ${"[".repeat(MANY)}`],
  ["a million open maps", `const i32 A = ${"{".repeat(MANY)}`],
  ["a million open comments", `/*${"/".repeat(MANY)}`],
  ["nested xsd_attrs", `struct A {${"1: i32 a xsd_attrs {".repeat(MANY / 16)}`],
  ["a chain of typedefs, each ahead", Array.from({ length: 20_000 }, (_, i) => `typedef T${i + 1} T${i}`).join("\n")],
  [
    "typedefs that nest and refer ahead",
    Array.from({ length: 99 }, (_, i) => `typedef ${"list<".repeat(60)}T${i + 1}${">".repeat(60)} T${i}`).join("\n"),
  ],
  [
    "a chain of services",
    `service S0 {}\n${Array.from({ length: 20_000 }, (_, i) => `service S${i + 1} extends S${i} {}`).join("\n")}`,
  ],
])("%s is answered", (_what, text) => {
  expectAnswer(text);
});
