import fc from "fast-check";
import { expect, test } from "vitest";
import { readProto } from "./proto-text.ts";

/** Each wrong text with all that is said about it. */
const WRONG: readonly (readonly [rule: string, text: string, ...said: string[]])[] = [
  [
    "field number 0",
    `syntax = "proto3";\nmessage M {\n  int32 a = 0;\n}`,
    "3:13 field number 0 is out of range; expected 1 to 536870911",
  ],
  [
    "a field number above the largest",
    `syntax = "proto3"; message M { int32 a = 536870912; }`,
    "1:42 field number 536870912 is out of range; expected 1 to 536870911",
  ],
  [
    "a number that Protobuf keeps",
    `syntax = "proto3"; message M { int32 a = 19500; }`,
    "1:42 field number 19500 is reserved; Protobuf keeps 19000 to 19999 for itself",
  ],
  [
    "a field number used twice",
    `syntax = "proto3"; message M {\n  int32 a = 1;\n  int32 b = 1; }`,
    '3:13 field number 1 is already used by "a"',
  ],
  [
    "a name used twice",
    `syntax = "proto3"; package p; message M {\n  int32 a = 1;\n  int32 a = 2; }\nmessage M {}`,
    '3:9 "p.M.a" is already declared at line 2, column 9',
    '4:9 "p.M" is already declared at line 1, column 39',
  ],
  [
    "reserved numbers and names",
    `syntax = "proto3"; message M {\n  reserved 2, 5 to 7;\n  reserved "x";\n  int32 a = 6;\n  int32 x = 1; }`,
    "4:13 field number 6 is reserved at line 2",
    '5:9 the field name "x" is reserved at line 3',
  ],
  [
    "a field in an extension range",
    `syntax = "proto2"; message M { extensions 10 to 20; optional int32 a = 11; }`,
    "1:72 field number 11 is in an extension range at line 1",
  ],
  [
    "an enum of proto3 that does not begin with 0",
    `syntax = "proto3"; enum E { A = 1; }`,
    "1:33 the first value of an open enum is its default and must be 0, not 1",
  ],
  [
    "an enum number used twice",
    `syntax = "proto3"; enum E { A = 0; B = 0; }`,
    '1:40 0 is already the number of "A"; expected another, or option allow_alias',
  ],
  [
    "an enum value named as one beside its enum",
    `syntax = "proto3"; enum E { A = 0; } enum F { A = 0; }`,
    `1:47 "A" is already declared at line 1, column 29; an enum's values share the names of the scope around the enum`,
  ],
  [
    "an enum number beyond 32 bits",
    `syntax = "proto3"; enum E { A = 0; B = 2147483648; }`,
    "1:40 enum number 2147483648 is out of range; expected -2147483648 to 2147483647",
  ],
  ["an empty enum", `syntax = "proto3"; enum E {}`, '1:25 the enum "E" is empty; expected at least one value'],
  [
    "an empty oneof",
    `syntax = "proto3"; message M { oneof o {} }`,
    '1:38 the oneof "o" is empty; expected at least one field',
  ],
  [
    "two fields with one JSON name",
    `syntax = "proto3"; message M { int32 foo_bar = 1; int32 fooBar = 2; }`,
    '1:57 "fooBar" and "foo_bar" have the same JSON name "fooBar"; expected different ones',
  ],
  [
    "an unknown type",
    `syntax = "proto3"; message M { Nope a = 1; }`,
    '1:32 there is no type "Nope" here; expected one of this file or of its imports',
  ],
  [
    "a type that the nearer scope hides",
    `syntax = "proto3"; package a; message T {} message a { a.T t = 1; }`,
    '1:56 there is no type "a.T" here; expected one of this file or of its imports: "a" is "a.a" here; begin with a dot to name it from the root',
  ],
  [
    "a map key that cannot be one",
    `syntax = "proto3"; message M { map<double, int32> m = 1; }`,
    '1:36 a map key cannot be "double"; expected an integer type, bool or string',
  ],
  [
    "a method on an enum",
    `syntax = "proto3"; enum E { A = 0; } service S { rpc F(E) returns (E); }`,
    '1:56 "E" is an enum; expected a message',
    '1:68 "E" is an enum; expected a message',
  ],
  [
    "a group in proto3",
    `syntax = "proto3"; message M { repeated group G = 1 { repeated int32 a = 1; } }`,
    '1:47 "g" cannot be a group; groups are proto2',
  ],
  [
    "a default in proto3",
    `syntax = "proto3"; message M { int32 a = 1 [default = 2]; }`,
    '1:38 the field "a" has a default; proto3 has none',
  ],
  [
    "a default that does not fit",
    `syntax = "proto2"; message M { optional uint32 a = 1 [default = 4294967296]; }`,
    '1:48 the default of "a" must be an integer from 0 to 4294967295',
  ],
  [
    "packed text",
    `syntax = "proto2"; message M { repeated string a = 1 [packed = true]; }`,
    '1:48 "a" cannot be packed; only numbers, bools and enums can',
  ],
  [
    "a proto2 field without label",
    `message M { int32 a = 1; }`,
    '1:19 the field "a" has no label; expected "optional", "required" or "repeated" in proto2',
  ],
  [
    "a required field in proto3",
    `syntax = "proto3"; message M { required int32 a = 1; }`,
    '1:47 the field "a" cannot be "required"; that is proto2',
  ],
  ["a missing semicolon", `syntax = "proto3"; message M {\n  int32 a = 1\n}`, '3:1 unexpected "}"; expected ";"'],
  ["a missing brace", `syntax = "proto3";\nmessage M {\n  int32 a = 1;\n`, '4:1 the file ends here; expected "}"'],
  ["a missing number", `syntax = "proto3"; message M { int32 a; }`, '1:39 unexpected ";"; expected "="'],
  [
    "a word for a number",
    `syntax = "proto3"; message M { int32 a = x; }`,
    '1:42 unexpected "x"; expected a field number',
  ],
  [
    "an octal number with an 8",
    `syntax = "proto3"; message M { int32 a = 08; }`,
    '1:42 unexpected "08"; expected a field number',
  ],
  [
    "a statement that does not exist",
    `syntax = "proto3";\n  struct M {}`,
    '2:3 unexpected "struct"; expected "message", "enum", "service", "extend", "import", "option" or "package"',
  ],
  ["an unknown syntax", `syntax = "proto4";`, '1:10 unexpected "proto4"; expected "proto2" or "proto3"'],
  [
    "an unknown edition",
    `edition = "1999";`,
    '1:11 unexpected "1999"; expected "2023" or "2024" or "2026" or "UNSTABLE"',
  ],
  ["a string without end", `syntax = "proto3;\nmessage M {}`, "1:10 this string has no closing quote on its line"],
  ["a comment without end", `syntax = "proto3"; /* message M {}`, '1:20 this comment is never closed; expected "*/"'],
  [
    "an option without a value",
    `syntax = "proto3"; message M {\n  int32 a = 1 [deprecated = ];\n}`,
    '2:29 unexpected "]"; expected a valid value',
  ],
  [
    "rules without their import",
    `syntax = "proto3"; message M { int32 a = 1 [(causeway.rules).bits = true]; }`,
    '1:38 the option (causeway.rules) is not known here; import "causeway/options.proto"',
  ],
  [
    "a group in a oneof of proto3",
    `syntax = "proto3"; message M { oneof o { group G = 1 {} } }`,
    '1:48 "g" cannot be a group; groups are proto2',
  ],
  [
    "a label in a oneof",
    `syntax = "proto3"; message M { oneof o { repeated int32 a = 1; } }`,
    `1:42 unexpected "repeated"; expected a type: the fields of a oneof have no label`,
  ],
  [
    "ranges that overlap",
    `syntax = "proto3"; message M { reserved 5 to 9,\n 1 to 6; }`,
    "1:41 the range 5 to 9 overlaps 1 to 6 at line 2",
  ],
  [
    "a range that ends before it begins",
    `message M { extensions 9 to 5; }`,
    "1:24 the range 9 to 5 ends before it begins",
  ],
  [
    "a name reserved twice",
    `syntax = "proto3"; message M { reserved "a",\n"a"; }`,
    '2:1 the name "a" is already reserved at line 1',
  ],
  [
    "a reserved name without quotes",
    `syntax = "proto3"; message M { reserved a; }`,
    '1:41 unexpected "a"; expected a number, or a name in quotes',
  ],
  [
    "a reserved name in quotes in an edition",
    `edition = "2023"; message M { reserved "a"; }`,
    '1:40 unexpected "a"; expected a number, or a name without quotes as in editions',
  ],
  [
    "a map in a oneof",
    `syntax = "proto3"; message M { oneof o { map<int32, int32> m = 1; } }`,
    '1:60 the map "m" cannot be in a oneof; maps are repeated',
  ],
  [
    "a map as an extension",
    `message M { extensions 1; } extend M { map<int32, int32> m = 1; }`,
    '1:58 the map "m" cannot be an extension',
  ],
  [
    "a required extension",
    `message M { extensions 1; } extend M { required int32 m = 1; }`,
    '1:55 the extension "m" cannot be "required"',
  ],
  [
    "an extension of a number that is not for extensions",
    `message M { extensions 1, 5 to 7; } extend M { optional int32 m = 4; }`,
    "1:63 M leaves the number 4 to no extension; its ranges are 1, 5 to 7",
  ],
  [
    "two extensions of one number",
    `message M { extensions 1; } extend M { optional int32 a = 1;\noptional int32 b = 1; }`,
    '2:16 number 1 of M is already used by "a" at t.proto:1',
  ],
  [
    "a group that begins with a small letter",
    `message M { optional group g = 1 {} }`,
    '1:28 "M.g" is already declared at line 1, column 28',
    '1:28 the group "g" names a message; expected a capital letter first',
  ],
  [
    "an import of options before edition 2024",
    `edition = "2023"; import option "x.proto";`,
    '1:26 unexpected "option"; expected the path in quotes; "import option" begins with edition 2024',
  ],
  [
    "an escape that does not exist",
    `option a = "x\\q";`,
    "1:14 after a backslash expected one of a b f n r t v ? ' \" \\, octal digits, x and hex digits, u, U",
  ],
  [
    "a character outside strings and comments",
    `message \u00e9 {}`,
    "1:9 the character U+00E9 can only stand in strings and comments",
  ],
  [
    "a number that runs into a word",
    `message M { optional int32 a = 1x; }`,
    '1:32 unexpected "1x"; expected a field number',
  ],
  [
    "two defaults",
    `message M { optional int32 a = 1 [default = 1, default = 2]; }`,
    '1:48 unexpected "default"; expected one default',
  ],
  ["a negative word in an option", `option a = -b;`, '1:13 unexpected "b"; expected a number'],
  [
    "an aggregate without end",
    `option (a) = { b: 1`,
    "1:20 the file ends here; expected the name of a field, or a closing bracket",
  ],
];

test.each(WRONG)("%s is an error at its place", (_rule, text, ...said) => {
  const read = readProto(text);
  expect(read.said).toEqual(said);
  expect(read.file).toBeUndefined();
});

test("two proto2 fields with one JSON name are only warned about", () => {
  const { file, diagnostics } = readProto(
    `syntax = "proto2"; message M { optional int32 foo_bar = 1; optional int32 fooBar = 2; }`,
  );
  expect(file).toBeDefined();
  expect(diagnostics.map(({ severity }) => severity)).toEqual(["warning"]);
});

test("messages nest 32 deep and no deeper", () => {
  const nested = (depth: number): string => `syntax = "proto3"; ${"message M {".repeat(depth)}${"}".repeat(depth)}`;
  expect(readProto(nested(31)).said).toEqual([]);
  expect(readProto(nested(33)).said).toEqual([expect.stringContaining("messages nest at most 32 deep")]);
  expect(readProto(nested(200_000)).said).toEqual([expect.stringContaining("messages nest at most 32 deep")]);
});

test("options nest 32 deep and no deeper, and brackets without end are an error, however many", () => {
  const nested = (depth: number): string =>
    `syntax = "proto3"; option (x) = {${"a {".repeat(depth)}${"}".repeat(depth)}};`;
  expect(readProto(nested(31)).said).toEqual([]);
  expect(readProto(nested(32)).said).toEqual([expect.stringContaining("an option that nests at most 32 deep")]);
  for (const open of ["{", "[", "(", "{ a <", "{ a: ["]) {
    expect(readProto(`syntax = "proto3"; option (x) = ${open.repeat(300_000)}`).said).toHaveLength(1);
  }
});

test("what could take quadratic time does not: a hundred thousand of anything is read or refused", () => {
  const many = (text: (i: number) => string, count = 100_000): string =>
    Array.from({ length: count }, (_, i) => text(i)).join("");
  expect(readProto("/**/".repeat(2_000_000)).said).toEqual([]);
  expect(readProto(`message M { ${many((i) => `optional int32 f${i} = ${i + 20_000};`)} }`).said).toEqual([]);
  const reserved = `reserved ${many((i) => `${2 * i + 20_001},`, 40_000)} 1;`;
  expect(
    readProto(`message M { ${reserved} ${many((i) => `optional int32 f${i} = ${2 * i + 20_000};`, 40_000)} }`).said,
  ).toEqual([]);
  expect(readProto(`message M { ${many((i) => `oneof o${i} { M f${i} = ${i + 20_000}; }`, 60_000)} }`).said).toEqual(
    [],
  );
  const unknown = readProto(`message M { ${many((i) => `optional T${i} f${i} = ${i + 20_000};`)} }`).said;
  expect(unknown).toHaveLength(100);
});

test("a file that is too large is refused before it is read, and one that declares too much where it does", () => {
  const values = (count: number): string => `syntax = "proto3"; option (a) = { ${"b: 1 ".repeat(count)} };`;
  expect(readProto(values(199_000)).said).toEqual([]);
  expect(readProto(values(200_000)).said).toEqual([
    "1:1000030 a file has at most 200000 declarations and option values",
  ]);
  expect(readProto(" ".repeat(8 * 1024 * 1024 + 1)).said).toEqual([
    "1:1 the file has 8388609 characters; expected at most 8388608",
  ]);
});

test("names have at most 255 characters, dotted ones 512", () => {
  const name = "n".repeat(255);
  expect(readProto(`syntax = "proto3"; package a.${name}; message ${name} {}`).said).toEqual([]);
  expect(readProto(`syntax = "proto3"; message ${name}n {}`).said).toEqual(["1:28 a name has at most 255 characters"]);
  expect(readProto(`syntax = "proto3"; package a.${name}.${name};`).said).toEqual([
    "1:28 a dotted name has at most 512 characters",
  ]);
});

const SEED = `syntax = "proto2";
// A comment.
package a.b;
import "x.proto";
option java_package = "com.x";
message M {
  required int64 id = 1 [default = 5, (o).p = "q"];
  optional group G = 2 { repeated string s = 1; }
  oneof o { string t = 3; M m = 4; group H = 13 { optional int32 h = 1; } }
  map<string, .a.b.E> e = 5;
  reserved 7 to 9, 12; reserved "z";
  extensions 100 to max;
  extend M { optional int32 ext = 100; }
}
enum E { option allow_alias = true; Z = 0; Y = -1; X = 0 [deprecated = true]; }
service S { rpc F(M) returns (stream M) { option (h) = { get: "/v1" list: [1, 2] inner { a: 1 } x < y: -1 > [a.b/c.D] {} }; } }
`;

test("mutated text never throws, and what is refused is said with a place", () => {
  const pieces = fc.constantFrom(
    ..."{}()[]<>;:=,.\"'/\\* \n-0_",
    "message",
    "__proto__",
    "group",
    "to",
    "max",
    "//",
    "1e9",
  );
  const edit = fc.tuple(fc.nat(SEED.length), fc.nat(12), fc.oneof(pieces, fc.string({ maxLength: 3 })));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = SEED;
      for (const [at, cut, piece] of edits) text = text.slice(0, at) + piece + text.slice(at + cut);
      const { file, diagnostics } = readProto(text);
      if (file) return;
      expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
      for (const { position } of diagnostics) {
        expect(position.line).toBeGreaterThan(0);
        expect(position.line).toBeLessThanOrEqual(text.split("\n").length);
        expect(position.column).toBeGreaterThan(0);
      }
    }),
    { numRuns: 2_000 },
  );
});
