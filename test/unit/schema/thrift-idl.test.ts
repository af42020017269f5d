import { expect, test } from "vitest";
import { parseThriftIdl } from "../../../src/schema/thrift-idl.ts";
import { readThrift } from "./thrift-fixture.ts";

test.each([
  ["an empty file", ""],
  ["a byte order mark", "\uFEFFstruct A {}"],
  ["all kinds of comments", "// a\n# b\n/* c */ /** d */ /**/ /***/ struct A {} // no line break at the end"],
  ["all headers", 'cpp_include "a.h"\nnamespace * a.b\nnamespace go a (x = "1")\nnamespace py.twisted a'],
  ["tabs and carriage returns", "struct\tA\r\n{\r\n1:i32\ta\r\n}\r\n"],
  [
    "every base type",
    "struct A {1: bool a 2: byte b 3: i8 c 4: i16 d 5: i32 e 6: i64 f 7: double g 8: string h 9: binary i 10: uuid j}",
  ],
  [
    "cpp_type before and after",
    'typedef map cpp_type "m" <i32, i32> M typedef list<i32> cpp_type "l" L typedef set cpp_type \'s\' <i32> S',
  ],
  [
    "annotations on everything",
    "typedef i32 (a) T (a)\nenum E {A (a)} (a)\nstruct S {1: list<i32 (a)> (a) x (a)} (a)\nservice V {i32 (a) f(1: i32 x (a)) throws () (a)} (a)",
  ],
  ["annotation values and separators", "struct S {} (a, b = 'x'; c.d = \"\" e)"],
  ["a repeated annotation", 'struct S {} (a = "1", a = "2")'],
  ["fields with every separator", "struct S {1: i32 a, 2: i32 b; 3: i32 c 4: i32 d}"],
  [
    "references and xsd words",
    "struct S xsd_all {1: optional S & a xsd_optional xsd_nillable xsd_attrs {1: string x} (a)}",
  ],
  [
    "keywords as names of fields",
    "struct S {1: i32 list 2: i32 map 3: i32 required 4: i32 service 5: required i32 optional 6: i32 string 7: i32 namespace}",
  ],
  [
    "reserved words of other languages",
    "struct class {1: i32 def 2: i32 return} enum from {end, next} service self {void import(1: i32 default)}",
  ],
  ["uuid as a name of one's own", "typedef string uuid struct S {1: uuid uuid} service V {uuid uuid(1: uuid uuid)}"],
  ["typedef and const with a separator", "typedef i32 A, typedef i32 B; const i32 C = 1, const i32 D = 2;"],
  [
    "decimal, hex and signed integers",
    "const i64 A = 010 const i64 B = -0x10 const i64 C = +7 const i64 D = -9223372036854775808 const i64 E = 0x7fffffffffffffff",
  ],
  [
    "decimals",
    "const double A = .5 const double B = 1e5 const double C = -.5e-3 const double D = +1.25E+2 const double E = 3",
  ],
  ["true and false as integers", "const bool A = true const bool B = 7 const i32 C = false enum E {A = true}"],
  ["string escapes in both quotes", `const string A = "\\r\\n\\t\\"\\'\\\\'" const string B = '"\\''`],
  [
    "constants without separators",
    'const list<i32> A = [1 2, 3; 4] const map<string, i32> B = {"a": 1 "b": 2, "c": 3;}',
  ],
  [
    "an empty enum, struct, union, exception and service",
    "enum E {} struct S {} union U {} exception X {} service V {}",
  ],
  [
    "functions of every kind",
    "exception X {} service V {void a(), oneway void b(1: i32 x); async void c() i32 d() throws (1: X x) list<i32> e()}",
  ],
  ["structs that refer to themselves and ahead", "struct A {1: optional A a 2: list<B> b} struct B {1: A a}"],
])("%s is accepted", (_what, text) => {
  const { file, found } = readThrift(text);
  expect(found.filter((each) => each.includes(" error: "))).toEqual([]);
  expect(file).toBeDefined();
});

test.each([
  ["struct A {", '1:11 error: expected a field or "}", found the end of the file'],
  ["\n  struct", "2:9 error: expected the struct's name, found the end of the file"],
  ["struct list {}", '1:8 error: expected the struct\'s name, found the keyword "list"; a keyword cannot be one'],
  ["struct a.b {}", '1:8 error: expected the struct\'s name without a dot, found "a.b"'],
  [
    "struct A {};",
    '1:12 error: expected a definition: typedef, const, enum, struct, union, exception or service, found ";"; a struct takes no separator after it',
  ],
  [
    "typedef i32 A,,",
    '1:15 error: expected a definition: typedef, const, enum, struct, union, exception or service, found ","; one separator is enough',
  ],
  [
    'include "a.thrift";',
    '1:19 error: expected a header or definition, found ";"; a header takes no separator after it',
  ],
  ["include a.thrift", '1:9 error: expected the path of the include in quotes, found "a.thrift"'],
  [
    'struct A {}\ninclude "a.thrift"',
    '2:1 error: expected a definition: typedef, const, enum, struct, union, exception or service, found the keyword "include"; include must stand before all definitions',
  ],
  ["namespace * a (x)", '1:15 error: expected a header or definition, found "("'],
  ["namespace 1 a", '1:11 error: expected a language or * after namespace, found "1"'],
  ["php_namespace a", '1:1 error: expected a header or definition, found "php_namespace"; write namespace php NAME'],
  [
    'package "a.b"',
    '1:1 error: expected a header or definition, found "package"; packages belong to fbthrift, Apache Thrift has namespaces',
  ],
  [
    "senum A {}",
    '1:1 error: expected a header or definition, found "senum"; senum is no longer part of Thrift, use string',
  ],
  [
    "interaction A {}",
    '1:1 error: expected a header or definition, found "interaction"; interactions belong to fbthrift',
  ],
  [
    "@Deprecated{}\nstruct A {}",
    '1:1 error: unexpected "@"; structured annotations (@Name) belong to fbthrift, Apache Thrift writes (key = "value") after the declaration',
  ],
  [
    "service A {stream<i32> f()}",
    '1:18 error: expected a name, found "<"; "stream" takes no <…>, only list, set and map do (stream<> and sink<> belong to fbthrift)',
  ],
  ["struct A {1: void a}", '1:14 error: expected a type, found the keyword "void"; only a function can be void'],
  ["struct A {1 i32 a}", '1:13 error: expected ":" after the field id, found the keyword "i32"'],
  [
    "struct A {1: i32 a,, 2: i32 b}",
    '1:20 error: expected a field or "}", found ","; one separator after a field is enough',
  ],
  ["struct A {1: i32 true}", '1:18 error: expected the field\'s name, found "true"'],
  [
    "struct A {1: i32 cpp_type}",
    '1:18 error: expected the field\'s name, found the keyword "cpp_type"; a keyword cannot be one',
  ],
  [
    "struct A {1: i32 xsd_all}",
    '1:18 error: expected the field\'s name, found the keyword "xsd_all"; a keyword cannot be one',
  ],
  ["struct A {1: i32 a.b}", '1:18 error: expected the field\'s name without a dot, found "a.b"'],
  ["struct A {1: list i32 a}", '1:19 error: expected "<" after "list", found the keyword "i32"'],
  ["struct A {1: list<i32 a}", '1:23 error: expected ">" after the element type of the list, found "a"'],
  ["struct A {1: map<i32> a}", '1:21 error: expected "," after the key type of the map, found ">"'],
  ["struct B {} struct A {1: B (a) x}", '1:28 error: expected the field\'s name, found "("'],
  [
    'struct A {} (list = "x")',
    '1:14 error: expected an annotation key or ")", found the keyword "list"; a keyword cannot be one',
  ],
  ["struct A {} (a = 1)", '1:18 error: expected the annotation\'s value in quotes, found "1"'],
  [
    "enum E {list}",
    '1:9 error: expected the name of an enum value or "}", found the keyword "list"; a keyword cannot be one',
  ],
  ["enum E {A = B}", '1:13 error: expected an integer as the enum value\'s number, found "B"'],
  [
    "service A {i32 list()}",
    '1:16 error: expected the function\'s name, found the keyword "list"; a keyword cannot be one',
  ],
  ["service A extends {}", '1:19 error: expected the name of the service that it extends, found "{"'],
  ["service A", '1:10 error: expected "{" after the service\'s name (or "extends"), found the end of the file'],
  ["service A {", '1:12 error: expected a function or "}", found the end of the file'],
  ["const i32 A", '1:12 error: expected "=" after the constant\'s name, found the end of the file'],
  ["const i32 A = ", "1:15 error: expected a constant: a number, a string, a name, [ or {, found the end of the file"],
  ["const list<i32> A = [,]", '1:22 error: expected a constant or "]", found ","'],
  ["const map<i32, i32> A = {1}", '1:27 error: expected ":" after the key of a map constant, found "}"'],
  [
    "const double A = 3.",
    '1:18 error: "3." is no number; expected digits, 0x and hex digits, or a decimal such as 1.5e3',
  ],
  ["const i32 A = 1e", '1:15 error: "1e" is no number; expected digits, 0x and hex digits, or a decimal such as 1.5e3'],
  [
    "const i32 A = 0xZ",
    '1:15 error: "0x" is no number; expected digits, 0x and hex digits, or a decimal such as 1.5e3',
  ],
  ["const i32 A = -", '1:15 error: unexpected "-"; expected digits with it'],
  [
    "const i64 A = 9223372036854775808",
    '1:15 error: the integer "9223372036854775808" is out of range; expected -9223372036854775808 to 9223372036854775807',
  ],
  [
    "const i64 A = -0x8000000000000000",
    '1:15 error: the integer "-0x8000000000000000" is out of range; expected -9223372036854775808 to 9223372036854775807',
  ],
  [
    "const i64 A = 0xFFFFFFFFFFFFFFFF",
    '1:15 error: the integer "0xFFFFFFFFFFFFFFFF" is out of range; expected -9223372036854775808 to 9223372036854775807',
  ],
  ['const string A = "a', '1:18 error: this string has no end; expected " before the end of the file'],
  [
    'const string A = "a\nb"',
    '1:18 error: this string has no end; expected " on the same line, and \\n for a line break',
  ],
  [
    'const string A = "a\\x41"',
    "1:20 error: after a backslash expected one of r n t \" ' \\, not \\x; write \\\\ for a backslash",
  ],
  ['const string A = "\\', "1:19 error: after a backslash expected one of r n t \" ' \\; write \\\\ for a backslash"],
  ["struct A {}\n /* open", '2:2 error: this comment has no end; expected "*/" before the end of the file'],
  ["/** open\n\n*", '1:1 error: this comment has no end; expected "*/" before the end of the file'],
  ["struct A {} \u{1F600}", '1:13 error: unexpected "\u{1F600}"'],
  ["struct A {}\n\u0007", "2:1 error: unexpected character U+0007"],
  ["struct A {} \uFEFF", "1:13 error: unexpected character U+FEFF"],
  ["struct A {} / x", '1:13 error: unexpected "/"; a comment begins with // or /*'],
])("%j is refused where it goes wrong", (text, message) => {
  expect(readThrift(text)).toEqual({ file: undefined, found: [message] });
});

test("types, constants and xsd_attrs nest at most 64 levels deep", () => {
  const nested = (open: string, inner: string, close: string, levels: number): string =>
    open.repeat(levels) + inner + close.repeat(levels);
  expect(readThrift(`struct A {1: ${nested("list<", "i32", ">", 63)} a}`).found).toEqual([]);
  expect(readThrift(`struct A {1: ${nested("list<", "i32", ">", 64)} a}`).found).toEqual([
    "1:334 error: types nest more than 64 levels deep; declare a typedef or a struct in between",
  ]);
  expect(readThrift(`const i32 A = ${nested("[", "1", "]", 64)}`).found).toEqual([
    "1:79 error: constants nest more than 64 levels deep; write a flatter value",
  ]);
  expect(readThrift(`struct A {${nested("1: i32 a xsd_attrs {", "", "}", 64)}}`).found).toEqual([
    "1:1291 error: xsd_attrs nest more than 64 levels deep; write a flatter list",
  ]);
});

test("columns count UTF-16 units from 1, after a byte order mark", () => {
  expect(readThrift("\uFEFF@").found[0]).toMatch(/^1:1 error/);
  expect(readThrift("/* \u{1F600}\n\u{1F600} */ @").found[0]).toMatch(/^2:7 error/);
});

test("includes and namespaces keep their order and places", () => {
  const document = parseThriftIdl(
    "a.thrift",
    'include "x/y.thrift"\ncpp_include "z.h"\nnamespace java a.b (k = "v")\n  namespace * c\ninclude \'w.thrift\'',
    () => expect.unreachable(),
  );
  const at = (line: number, column: number) => ({ file: "a.thrift", line, column });
  expect(document?.includes).toEqual([
    { path: "x/y.thrift", position: at(1, 9) },
    { path: "w.thrift", position: at(5, 9) },
  ]);
  expect(document?.namespaces).toEqual([
    { scope: "java", name: "a.b", annotations: [{ key: "k", value: "v", position: at(3, 21) }], position: at(3, 1) },
    { scope: "*", name: "c", annotations: [], position: at(4, 3) },
  ]);
});

test("a doc comment belongs to what follows it, without its stars and indent", () => {
  const document = parseThriftIdl(
    "a.thrift",
    `/** The file. */
namespace * a
/**
 * An order.
 *
 *   - indented
 */
struct Order {
  /** Its number. */ 1: i32 id,
  /* no doc */ 2: i32 a
  /**
     plain
       text
  */
  3: i32 b
}
/******** a banner ********/
/** One of
  * two. **/
enum E { /** first */ A }
`,
    () => expect.unreachable(),
  );
  expect(document?.doc).toBe("The file.");
  const [order, e] = document?.definitions ?? [];
  expect(order?.doc).toBe("An order.\n\n  - indented");
  expect(order?.kind === "struct" && order.fields.map(({ doc }) => doc)).toEqual([
    "Its number.",
    undefined,
    "plain\n  text",
  ]);
  expect(e?.doc).toBe("One of\ntwo.");
  expect(e?.kind === "enum" && e.values[0]?.doc).toBe("first");
});
