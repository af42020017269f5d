import { expect, test } from "vitest";
import { readCleanThrift, readThrift } from "./thrift-fixture.ts";

test.each([
  // Names.
  ["struct A {}\nenum A {}", '2:6 error: the type "A" is already declared in line 1; rename one'],
  ["struct A {}\nservice A {}", '2:9 error: the service "A" is already declared in line 1; rename one'],
  ["const i32 A = 1 const i32 A = 2", '1:27 error: the constant "A" is already declared in line 1; rename one'],
  ["enum E {A, B, A}", '1:15 error: the enum value "A" is already declared in line 1; rename one'],
  ["struct S {1: i32 a\n2: i32 a}", '2:8 error: the field "a" is already declared in line 1; rename one'],
  ["service V {void f() i32 f()}", '1:25 error: the function "f" is already declared in line 1; rename one'],
  [
    "service V {void f()} service W extends V {void f()}",
    '1:48 error: the function "f" is inherited from shop.V and cannot be overridden; rename it',
  ],
  ["struct S {1: T a}", '1:14 error: there is no type "T"'],
  ["struct S {1: x.T a}", '1:14 error: there is no type "x.T"; the file includes nothing'],
  ["struct S {1: slist a}", '1:14 error: there is no type "slist"; slist is no longer part of Thrift, use string'],
  ["struct S {1: float a}", '1:14 error: there is no type "float"; Thrift has double only'],
  ["service V {} struct S {1: V a}", '1:27 error: "V" is a service and cannot be the type of a value'],
  ["typedef A A", '1:9 error: the typedef "A" refers to itself; only structs, unions and exceptions can be recursive'],
  [
    "typedef list<B> A typedef A B",
    '1:27 error: the typedef "A" refers to itself; only structs, unions and exceptions can be recursive',
  ],
  [
    "service A extends B {}\nservice B {}",
    '1:19 error: the service "B" is declared in line 2, not above this one; move its declaration up',
  ],
  [
    "service A extends A {}",
    '1:19 error: the service "A" is declared in line 1, not above this one; move its declaration up',
  ],
  ["service A extends B {}", '1:19 error: there is no service "B" to extend'],
  ["struct B {} service A extends B {}", '1:31 error: "B" is a type and no service'],
  // Ids.
  ["struct S {1: i32 a 1: i32 b}", '1:20 error: the field id 1 already belongs to "a" in line 1; choose another'],
  ["struct S {32768: i32 a}", "1:11 error: the field id 32768 is out of range; expected 1 to 32767"],
  [
    "struct S {0x7fffffffffffffff: i32 a}",
    "1:11 error: the field id 9223372036854775807 is out of range; expected 1 to 32767",
  ],
  // Enums.
  [
    "enum E {A = 2147483648}",
    '1:13 error: the number 2147483648 of "A" is out of range; expected -2147483648 to 2147483647',
  ],
  [
    "enum E {A = 0x7fffffff B}",
    '1:24 error: the number 2147483648 of "B" is out of range; expected -2147483648 to 2147483647',
  ],
  // Unions, exceptions, functions.
  [
    "union U {1: i32 a = 1\n2: i32 b = 2}",
    '2:8 error: a union can have one default, and "a" in line 1 has it; leave this one out',
  ],
  [
    "struct S {} service V {void f() throws (1: S s)}",
    '1:46 error: only exceptions can be thrown, and the type of "s" is none; declare it with "exception"',
  ],
  [
    "exception X {} service V {i32 f() throws (1: X success)}",
    '1:48 error: the name "success" belongs to the result of the function; rename the field',
  ],
  [
    "exception X {} service V {oneway void f() throws (1: X x)}",
    '1:56 error: nobody receives the exceptions of the oneway function "f"; leave "throws" out',
  ],
  // Constants and defaults.
  ["const i32 A = B const i32 B = 1", '1:15 error: "B" is declared in line 1, not above this; move its declaration up'],
  ["const i32 A = E.X\nenum E {X}", '1:15 error: "E.X" is declared in line 2, not above this; move its declaration up'],
  [
    "struct S {1: E e = E.X}\nenum E {X}",
    '1:20 error: "E.X" is declared in line 2, not above this; move its declaration up',
  ],
  ["const i32 A = B", '1:15 error: there is no constant or enum value "B"'],
  ["enum E {X, Y} const E A = E.Z", '1:27 error: the enum "E" has no value "Z"; it has X, Y'],
  ["enum E {X, Y} const i32 A = E.Z", '1:29 error: the enum "E" has no value "Z"; it has X, Y'],
  ["enum E {X} const E A = 4", '1:24 error: no value of the enum "E" has the number 4; it has X'],
  ["enum E {X} const E A = X", '1:24 error: expected a value with its enum, E.X, found "X"'],
  ['enum E {X} const E A = "X"', '1:24 error: expected a value of the enum "E", found a string'],
  ['const i32 A = "1"', "1:15 error: expected an integer for i32, found a string"],
  ["const i32 A = 1.5", "1:15 error: expected an integer for i32, found a decimal"],
  ["const bool A = 'true'", "1:16 error: expected an integer for bool, found a string"],
  ["const string A = true", "1:18 error: expected a string for string, found an integer"],
  ["const double A = '1'", "1:18 error: expected a number for double, found a string"],
  ["const double D = 5 const i32 A = D", "1:34 error: expected an integer for i32, found a decimal"],
  ['const uuid A = "0011"', '1:16 error: expected a uuid such as "00112233-4455-6677-8899-aabbccddeeff", found "0011"'],
  ["const list<i32> A = {1: 2}", "1:21 error: expected […] for a list, found a map"],
  ["const set<i32> A = 1", "1:20 error: expected […] for a set, found an integer"],
  ["const map<i32, i32> A = [1]", "1:25 error: expected {…} for a map, found a list"],
  ["const list<list<i32>> A = [[1], ['x']]", "1:34 error: expected an integer for i32, found a string"],
  [
    "const map<i32,i32> A = {} const map<i32,i32> B = A",
    '1:50 error: expected a map written out, found the name "A"; names can only stand for scalars and enum values',
  ],
  [
    "const list<i32> A = [] const list<i32> B = A",
    '1:44 error: expected a list written out, found the name "A"; names can only stand for scalars and enum values',
  ],
  [
    "struct S {} const S A = {} const S B = A",
    '1:40 error: expected the struct "S" written out, found the name "A"; names can only stand for scalars and enum values',
  ],
  ["const list<i32> A = [] const i32 B = A", '1:38 error: "A" is a list, where a scalar is expected'],
  ['struct S {1: i32 a} const S A = {"b": 1}', '1:34 error: the struct "S" has no field "b"; it has a'],
  ["struct S {1: i32 a} const S A = {1: 1}", '1:34 error: expected the name of a field of "S" in quotes'],
  ['struct S {1: i32 a} const S A = {"a": 1, "a": 2}', '1:33 error: a field of "S" is given twice; keep one'],
  [
    'union U {1: i32 a 2: i32 b} const U A = {"a": 1, "b": 2}',
    '1:41 error: the union "U" holds one field, 2 are given; keep one',
  ],
  ["struct S {} const S A = []", '1:25 error: expected {…} for the struct "S", found a list'],
  ["struct S {1: i32 a = 'x'}", "1:22 error: expected an integer for i32, found a string"],
  // Rules.
  ['struct S {1: i32 a (pb.time = "h")}', '1:21 error: the rule "time" takes s or ms or us or ns, not "h"'],
  ['struct S {1: i32 (pb.field = "1") a (pb.field = "2")}', '1:38 error: the rule "field" is given twice; keep one'],
])("%j is refused", (text, message) => {
  expect(readThrift(text)).toEqual({ file: undefined, found: [message] });
});

test.each([
  [
    "union U {1: required i32 a}",
    '1:26 warning: "required" on "a" is ignored: the members of a union are optional; leave it out',
  ],
  [
    "service V {void f(1: optional i32 a)}",
    '1:35 warning: "optional" on "a" is ignored: arguments are always sent; leave it out',
  ],
  ["service V {oneway i32 f()}", '1:19 warning: nobody receives the result of the oneway function "f"; make it void'],
  ["const i8 A = 255", "1:14 warning: 255 is outside the range of i8 (-128 to 127) and stands for -1; write that"],
  [
    "struct S {1: i16 a = 65536}",
    "1:22 warning: 65536 is outside the range of i16 (-32768 to 32767) and stands for 0; write that",
  ],
  [
    "const i32 A = 2147483648",
    "1:15 warning: 2147483648 is outside the range of i32 (-2147483648 to 2147483647) and stands for -2147483648; write that",
  ],
  [
    "enum E {X} enum F {X} const E A = F.X",
    '1:35 warning: "F.X" stands for E.X, because that enum is expected here; write that',
  ],
  ['struct S {1: list<i64 (pb.time = "s")> a}', '1:24 warning: "pb.time" has no effect here; write it on the field'],
  [
    'typedef i64 (pb.time = "s") T (pb.time = "s")',
    '1:32 warning: "pb.time" has no effect here; write it on the field|1:14 warning: "pb.time" has no effect here; write it on the field',
  ],
  [
    "struct S {i32 a}",
    "1:15 warning: a field has no id and so -1, -2, … by their order, which changes with every field put in between; write positive ids",
  ],
])("%j is accepted with a warning", (text, messages) => {
  const { file, found } = readThrift(text);
  expect(file).toBeDefined();
  expect(found.join("|")).toBe(messages);
});

test("all errors of a file are reported, not just the first", () => {
  const { file, found } = readThrift("struct S {1: T a\n2: U b\n2: i32 c = 'x'}\nconst i32 A = B");
  expect(file).toBeUndefined();
  expect(found.map((each) => each.split(" ")[0])).toEqual(["1:14", "2:4", "3:1", "4:15"]);
});

test("a constant that is wrong is not reported again where it is used", () => {
  expect(readThrift("const i32 A = 'x' const i32 B = A struct S {1: i32 a = B}").found).toEqual([
    "1:15 error: expected an integer for i32, found a string",
  ]);
});

test("an include is referred to by its base name, and by nothing else", () => {
  const common = readCleanThrift("struct Id {} service V {} const i32 N = 1", {}, "common.thrift");
  const read = (text: string) => readThrift(`include "common.thrift" ${text}`, { "common.thrift": common }).found;
  expect(read("struct S {1: common.Id a = {} 2: i32 b = common.N} service W extends common.V {}")).toEqual([]);
  expect(read("struct S {1: Id a}")).toEqual(['1:38 error: there is no type "Id"; write common.Id']);
  expect(read("struct S {1: common.Ib a}")).toEqual([
    '1:38 error: there is no type "common.Ib"; the include "common" does not declare it',
  ]);
  expect(read("struct S {1: other.Id a}")).toEqual([
    '1:38 error: there is no type "other.Id"; the file includes "common"',
  ]);
  expect(read("const i32 A = N")).toEqual(['1:39 error: there is no constant or enum value "N"; write common.N']);
  expect(read("service W extends V {}")).toEqual(['1:43 error: there is no service "V" to extend; write common.V']);
});

test("an enum value of an include is named by the include, and understood without", () => {
  const colors = readCleanThrift("enum Color {RED}", {}, "colors.thrift");
  const read = (value: string) =>
    readThrift(`include "colors.thrift" const colors.Color A = ${value}`, { "colors.thrift": colors }).found;
  expect(read("colors.Color.RED")).toEqual([]);
  expect(read("Color.RED")).toEqual([
    '1:48 warning: "Color.RED" stands for colors.Color.RED, because that enum is expected here; write that',
  ]);
  expect(read("RED")).toEqual(['1:48 error: expected a value with its enum, colors.Color.RED, found "RED"']);
});

test("what an include includes is not visible through it", () => {
  const far = readCleanThrift("struct Id {}", {}, "far.thrift");
  const near = readCleanThrift('include "far.thrift" struct S {1: far.Id a}', { "far.thrift": far }, "near.thrift");
  expect(readThrift('include "near.thrift" struct T {1: near.far.Id a}', { "near.thrift": near }).found).toEqual([
    '1:36 error: there is no type "near.far.Id"; the include "near" does not declare it',
  ]);
});

test("two includes of one base name are an error, the same file twice is not", () => {
  const one = readCleanThrift("", {}, "a/x.thrift");
  const two = readCleanThrift("", {}, "b/x.thrift");
  const text = 'include "a/x.thrift"\ninclude "b/x.thrift"';
  expect(readThrift(text, { "a/x.thrift": one, "b/x.thrift": two }).found).toEqual([
    '2:9 error: another include has the base name "x" too, by which both would be referred to; rename one of the files',
  ]);
  const { file, found } = readThrift(text, { "a/x.thrift": one, "b/x.thrift": one });
  expect(found).toEqual([]);
  expect(file?.imports).toEqual([one]);
});

test("an include that is missing or no Thrift file is the only thing reported", () => {
  expect(readThrift('include "x.thrift" struct S {1: x.A a}').found).toEqual([
    '1:9 error: the include "x.thrift" was not loaded',
  ]);
  const proto = { ...readCleanThrift(""), wire: "protobuf" as const };
  expect(readThrift('include "x.proto" struct S {1: x.A a}', { "x.proto": proto }).found).toEqual([
    '1:9 error: the include "x.proto" is no Thrift file; a .thrift file can only include .thrift files',
  ]);
});

test("types made of typedefs are bounded in depth and in size", () => {
  const chain = (name: (i: number) => string, count: number): string =>
    Array.from({ length: count }, (_, i) => `typedef ${name(i)} T${i + 1}`).join("\n");
  expect(readThrift(`typedef i32 T0\n${chain((i) => `list<T${i}>`, 31)}`).found).toEqual([]);
  expect(readThrift(`typedef i32 T0\n${chain((i) => `list<T${i}>`, 40)}`).found).toEqual([
    "33:9 error: with its typedefs this type nests more than 64 levels deep; put a struct in between",
  ]);
  expect(readThrift(`typedef i32 T0\n${chain((i) => `map<T${i}, T${i}>`, 40)}`).found).toEqual([
    "11:9 error: with its typedefs written out this type has more than 1024 parts; put a struct in between",
  ]);
});

test("services extend each other at most 64 levels deep", () => {
  const services = Array.from({ length: 65 }, (_, i) => `service S${i + 1} extends S${i} {}`).join("\n");
  expect(readThrift(`service S0 {}\n${services}`).found[0]).toBe(
    "65:21 error: services extend each other more than 64 levels deep; extend one further up",
  );
});
