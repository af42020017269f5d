import { expect, test } from "vitest";
import { diffFiles, diffThrift, messagesThrift, summary } from "./diff-fixture.ts";

type Case = readonly [change: string, before: string, after: string, findings: readonly string[]];

const BREAKS: readonly Case[] = [
  [
    "a field is removed",
    "struct S { 1: i32 a 2: i32 b }",
    "struct S { 1: i32 a }",
    ["FIELD_REMOVED (wire, source, bridge) 2:28"],
  ],
  [
    "a union member is removed",
    "union U { 1: i32 a 2: i32 b }",
    "union U { 1: i32 a }",
    ["FIELD_REMOVED (wire, source, bridge) 2:27"],
  ],
  [
    "a field gets another id",
    "struct S { 1: i32 a 2: i32 b }",
    "struct S { 1: i32 a 3: i32 b }",
    ["FIELD_NUMBER (wire, bridge) 2:28"],
  ],
  [
    "a field without an id is put before another",
    "struct S { i32 a }",
    "struct S { i32 z, i32 a }",
    ["FIELD_NUMBER (wire, bridge) 2:23"],
  ],
  [
    "two fields exchange their ids",
    "struct S { 1: i32 a 2: i32 b }",
    "struct S { 2: i32 a 1: i32 b }",
    ["FIELD_NUMBER (wire, bridge) 2:19", "FIELD_NUMBER (wire, bridge) 2:28"],
  ],
  ["a field is renamed", "struct S { 1: i32 a }", "struct S { 1: i32 b }", ["FIELD_NAME (source, bridge) 2:19"]],
  ["i32 becomes i64", "struct S { 1: i32 a }", "struct S { 1: i64 a }", ["FIELD_TYPE (wire, source, bridge) 2:19"]],
  [
    "i16 becomes i32, both int32 in Protobuf",
    "struct S { 1: i16 a }",
    "struct S { 1: i32 a }",
    ["FIELD_TYPE (wire, source) 2:19"],
  ],
  [
    "a list becomes a set",
    "struct S { 1: list<i32> a }",
    "struct S { 1: set<i32> a }",
    ["FIELD_TYPE (wire, source) 2:24"],
  ],
  [
    "an element's type changes",
    "struct S { 1: map<string, list<i32>> a }",
    "struct S { 1: map<string, list<i64>> a }",
    ["FIELD_TYPE (wire, source, bridge) 2:38"],
  ],
  [
    "a map's key changes",
    "struct S { 1: map<i32, string> a }",
    "struct S { 1: map<Key, string> a } struct Key { 1: i32 a }",
    ["FIELD_TYPE (wire, source, bridge) 2:32"],
  ],
  [
    "string becomes binary",
    "struct S { 1: string a }",
    "struct S { 1: binary a }",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 2:22"],
  ],
  [
    "an enum becomes i32",
    "enum E { A = 0 }\nstruct S { 1: E a }",
    "enum E { A = 0 }\nstruct S { 1: i32 a }",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:19"],
  ],
  [
    "an enum becomes one with all its numbers",
    "enum E { A = 0 } enum F { G = 0 H = 1 }\nstruct S { 1: E a }",
    "enum E { A = 0 } enum F { G = 0 H = 1 }\nstruct S { 1: F a }",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:17"],
  ],
  [
    "an enum becomes one without one of its numbers",
    "enum E { A = 0 B = 2 } enum F { G = 0 H = 1 }\nstruct S { 1: E a }",
    "enum E { A = 0 B = 2 } enum F { G = 0 H = 1 }\nstruct S { 1: F a }",
    ["FIELD_TYPE (wire, source, bridge) 3:17"],
  ],
  [
    "a struct becomes one of the same fields",
    "struct A { 1: i32 a } struct B { 1: i32 a }\nstruct S { 1: A a }",
    "struct A { 1: i32 a } struct B { 1: i32 a }\nstruct S { 1: B a }",
    ["FIELD_TYPE_COMPATIBLE (source, bridge) 3:17"],
  ],
  [
    "a struct becomes one of other fields",
    "struct A { 1: i32 a } struct B { 1: string a }\nstruct S { 1: A a }",
    "struct A { 1: i32 a } struct B { 1: string a }\nstruct S { 1: B a }",
    ["FIELD_TYPE (wire, source, bridge) 3:17"],
  ],
  [
    "a field becomes required",
    "struct S { 1: optional i32 a }",
    "struct S { 1: required i32 a }",
    ["FIELD_REQUIRED (wire, source) 2:28"],
  ],
  [
    "a field is no longer required",
    "struct S { 1: required i32 a }",
    "struct S { 1: i32 a }",
    ["FIELD_REQUIRED (wire, source) 2:19"],
  ],
  [
    "a required field is added",
    "struct S { 1: i32 a }",
    "struct S { 1: i32 a 2: required i32 b }",
    ["FIELD_REQUIRED (wire, source) 2:37"],
  ],
  [
    "a field becomes optional",
    "struct S { 1: i32 a }",
    "struct S { 1: optional i32 a }",
    ["FIELD_PRESENCE (source) 2:28"],
  ],
  ["a default changes", "struct S { 1: i32 a = 1 }", "struct S { 1: i32 a = 2 }", ["FIELD_DEFAULT (wire) 2:19"]],
  [
    "a default is added",
    "struct S { 1: optional list<i32> a }",
    "struct S { 1: optional list<i32> a = [1] }",
    ["FIELD_DEFAULT (wire) 2:34"],
  ],
  ["a struct is removed", "struct S {}\nstruct T {}", "struct T {}", ["MESSAGE_REMOVED (source, bridge) 2:8"]],
  [
    "a struct becomes a union",
    "struct S { 1: optional i32 a }",
    "union S { 1: i32 a }",
    ["MESSAGE_UNION (wire, source) 2:7", "FIELD_ONEOF_COMPATIBLE (bridge) 2:18"],
  ],
  [
    "a struct becomes an exception",
    "struct S { 1: i32 a }",
    "exception S { 1: i32 a }",
    ["MESSAGE_KIND (source) 2:11"],
  ],
  ["an enum is removed", "enum E { A = 1 B = 2 }\nstruct S {}", "struct S {}", ["ENUM_REMOVED (source, bridge) 2:6"]],
  [
    "an enum value is removed",
    "enum E { A = 0 B = 1 }",
    "enum E { A = 0 }",
    ["ENUM_VALUE_REMOVED (wire, source, bridge) 2:16"],
  ],
  [
    "an enum value gets another number",
    "enum E { A = 0 B = 1 }",
    "enum E { A = 0 B = 2 }",
    ["ENUM_VALUE_NUMBER (wire, bridge) 2:16"],
  ],
  [
    "an enum value is renamed",
    "enum E { A = 0 B = 1 }",
    "enum E { A = 0 C = 1 }",
    ["ENUM_VALUE_NAME (source, bridge) 2:16"],
  ],
  [
    "an alias is removed",
    "enum E { A = 0 B = 1 C = 1 }",
    "enum E { A = 0 B = 1 }",
    ["ENUM_VALUE_NAME (source, bridge) 2:16"],
  ],
  [
    "two values exchange their numbers",
    "enum E { A = 0 B = 1 C = 2 }",
    "enum E { A = 0 B = 2 C = 1 }",
    ["ENUM_VALUE_NUMBER (wire, bridge) 2:16", "ENUM_VALUE_NUMBER (wire, bridge) 2:22"],
  ],
  [
    "a zero takes the place of the derived one",
    "enum E { A = 1 }",
    "enum E { A = 1 Z = 0 }",
    ["ENUM_VALUE_NAME (bridge) 2:16"],
  ],
  [
    "a value without the prefix gives it to the derived names of all",
    "enum E { E_A = 0 }",
    "enum E { E_A = 0 B = 1 }",
    ["ENUM_VALUE_NAME (bridge) 2:10"],
  ],
  [
    "a service is removed",
    "service A { void f() }\nservice S {}",
    "service S {}",
    ["SERVICE_REMOVED (wire, source, bridge) 2:9"],
  ],
  [
    "a method is removed",
    "service S { void f() void g() }",
    "service S { void f() }",
    ["METHOD_REMOVED (wire, source, bridge) 2:27"],
  ],
  [
    "an argument is removed",
    "service S { void f(1: i32 a, 2: i32 b) }",
    "service S { void f(1: i32 a) }",
    ["FIELD_REMOVED (wire, source, bridge) 2:37"],
  ],
  [
    "an argument is added",
    "service S { void f(1: i32 a) }",
    "service S { void f(1: i32 a, 2: i32 b) }",
    ["ARGUMENT_ADDED (source) 2:37"],
  ],
  [
    "an argument's type changes",
    "service S { void f(1: i32 a) }",
    "service S { void f(1: string a) }",
    ["FIELD_TYPE (wire, source, bridge) 2:30"],
  ],
  [
    "a result's type changes",
    "service S { i32 f() }",
    "service S { string f() }",
    ["FIELD_TYPE (wire, source, bridge) 2:13"],
  ],
  ["a result is added", "service S { void f() }", "service S { i32 f() }", ["METHOD_RESULT (wire, source) 2:13"]],
  [
    "a result is removed",
    "service S { i32 f() }",
    "service S { void f() }",
    ["METHOD_RESULT (wire, source, bridge) 2:18"],
  ],
  [
    "a method becomes oneway",
    "service S { void f() }",
    "service S { oneway void f() }",
    ["METHOD_ONEWAY (wire, source, bridge) 2:25"],
  ],
  [
    "a method is no longer idempotent",
    'service S { void f() (idempotent = "true") }',
    "service S { void f() }",
    ["METHOD_IDEMPOTENT (wire, bridge) 2:18"],
  ],
  [
    "an exception is added",
    "exception X {}\nservice S { void f() }",
    "exception X {}\nservice S { void f() throws (1: X x) }",
    ["THROWS_ADDED (wire, source) 3:35"],
  ],
  [
    "an exception is removed",
    "exception X {}\nservice S { void f() throws (1: X x) }",
    "exception X {}\nservice S { void f() }",
    ["THROWS_REMOVED (wire, source) 3:35"],
  ],
  [
    "an exception's type changes",
    "exception X { 1: i32 a } exception Y { 1: string a }\nservice S { void f() throws (1: X x) }",
    "exception X { 1: i32 a } exception Y { 1: string a }\nservice S { void f() throws (1: Y x) }",
    ["FIELD_TYPE (wire, source) 3:35"],
  ],
  [
    "a base is given up",
    "service B {}\nservice S extends B {}",
    "service B {}\nservice S {}",
    ["SERVICE_EXTENDS (source) 3:9"],
  ],
  [
    "an inherited method is removed",
    "service B { void f() }\nservice S extends B {}",
    "service B {}\nservice S extends B {}",
    ["METHOD_REMOVED (wire, source, bridge) 2:18"],
  ],
  [
    "a method moves to the base, whose name its derived messages have",
    "service B {}\nservice S extends B { void f(1: i32 a) }",
    "service B { void f(1: i32 a) }\nservice S extends B {}",
    ["METHOD_TYPE_COMPATIBLE (bridge) 2:18", "METHOD_TYPE_COMPATIBLE (bridge) 2:18"],
  ],
  ["a constant is removed", "const i32 A = 1\nconst i32 B = 1", "const i32 A = 1", ["CONSTANT_REMOVED (source) 3:11"]],
  ["a constant gets another type", "const i32 A = 1", 'const string A = "1"', ["CONSTANT_TYPE (source) 2:14"]],
  [
    "pb.field changes",
    "struct S { 1: i32 a }",
    'struct S { 1: i32 a (pb.field = "2") }',
    ["FIELD_NUMBER (bridge) 2:19"],
  ],
  [
    "pb.type changes",
    "struct S { 1: i32 a }",
    'struct S { 1: i32 a (pb.type = "sint32") }',
    ["FIELD_TYPE (bridge) 2:19"],
  ],
  [
    "pb.presence is added",
    "struct S { 1: optional list<i32> a }",
    'struct S { 1: optional list<i32> a (pb.presence = "true") }',
    ["FIELD_TYPE (bridge) 2:34"],
  ],
  [
    "pb.unwrap is added",
    "struct A { 1: i32 a }\nservice S { A f(1: A a) }",
    'struct A { 1: i32 a }\nservice S { A f(1: A a) (pb.unwrap = "true") }',
    ["METHOD_TYPE (bridge) 3:15", "METHOD_TYPE (bridge) 3:15"],
  ],
  [
    "pb.unwrap is removed from a service",
    'struct A { 1: i32 a }\nservice S { A f(1: A a) } (pb.unwrap = "true")',
    "struct A { 1: i32 a }\nservice S { A f(1: A a) }",
    ["METHOD_TYPE (bridge) 3:15", "METHOD_TYPE (bridge) 3:15"],
  ],
  [
    "pb.time changes",
    'struct S { 1: i64 a (pb.time = "s") }',
    'struct S { 1: i64 a (pb.time = "ms") }',
    ["TRANSLATION_RULE (bridge) 2:19"],
  ],
  [
    "pb.time is added",
    "struct S { 1: i64 a }",
    'struct S { 1: i64 a (pb.time = "ms") }',
    ["TRANSLATION_RULE (bridge) 2:19"],
  ],
  [
    "pb.code changes",
    'exception X {} (pb.code = "NOT_FOUND")',
    'exception X {} (pb.code = "ABORTED")',
    ["TRANSLATION_RULE (bridge) 2:11"],
  ],
  ["pb.name changes", "struct S { 1: i32 a }", 'struct S { 1: i32 a (pb.name = "b") }', ["FIELD_NAME (bridge) 2:19"]],
  [
    "pb.unknown_enum becomes error",
    "enum E { A = 0 }",
    'enum E { A = 0 } (pb.unknown_enum = "error")',
    ["TRANSLATION_RULE (bridge) 2:6"],
  ],
];

test.each(BREAKS)("Thrift: %s", (_, before, after, findings) => {
  expect(diffThrift(before, after)).toEqual(findings);
});

const COMPATIBLE: readonly (readonly [change: string, before: string, after: string])[] = [
  ["an optional field is added", "struct S { 1: i32 a }", "struct S { 1: i32 a 2: optional i32 b 3: i32 c }"],
  ["fields change their order", "struct S { 1: i32 a 2: i32 b }", "struct S { 2: i32 b 1: i32 a }"],
  ["a union member is added", "union U { 1: i32 a }", "union U { 1: i32 a 2: string b }"],
  ["an enum value is added", "enum E { A = 0 }", "enum E { A = 0 B = 1 }"],
  ["an implicit enum number is written out", "enum E { A B }", "enum E { A = 0 B = 1 }"],
  ["an alias is added", "enum E { A = 0 }", "enum E { A = 0 B = 0 }"],
  ["a method and a service are added", "service S {}", "service S { void f() } service T {}"],
  ["a typedef takes the place of its type", "struct S { 1: i64 a }", "typedef i64 Id\nstruct S { 1: Id a }"],
  ["byte is spelled i8", "struct S { 1: byte a }", "struct S { 1: i8 a }"],
  ["a zero default is written out", "struct S { 1: i32 a }", "struct S { 1: i32 a = 0 }"],
  [
    "the default of a field that is always sent changes",
    "struct S { 1: required i32 a = 1 }",
    "struct S { 1: required i32 a = 2 }",
  ],
  ["a constant changes its value", "const i32 A = 1", "const i32 A = 2"],
  [
    "an exception is renamed in throws",
    "exception X {}\nservice S { void f() throws (1: X x) }",
    "exception X {}\nservice S { void f() throws (1: X y) }",
  ],
  ["a service comes to extend another", "service B {}\nservice S {}", "service B { void f() }\nservice S extends B {}"],
  [
    "a base is extended through another",
    "service B {}\nservice S extends B {}",
    "service B {}\nservice C extends B {}\nservice S extends C {}",
  ],
  ["exact is taken away", 'struct S { 1: double a (pb.exact = "true") }', "struct S { 1: double a }"],
  ["bits is given", "struct S { 1: i64 a }", 'struct S { 1: i64 a (pb.bits = "true") }'],
  ["the code that is meant anyway is written out", "exception X {}", 'exception X {} (pb.code = "UNKNOWN")'],
  [
    "docs and other annotations change",
    "/** a */\nstruct S { 1: i32 a }",
    '/** b */\nstruct S { 1: i32 a (x.y = "z") }',
  ],
];

test.each(COMPATIBLE)("Thrift, no break: %s", (_, before, after) => {
  expect(diffThrift(before, after)).toEqual([]);
});

test("a method that moves to its base breaks nobody who speaks Thrift", () => {
  const findings = diffThrift(
    "service B {}\nservice S extends B { i32 f(1: i32 a) }",
    "service B { i32 f(1: i32 a) }\nservice S extends B {}",
  );
  // The derived messages have the name of the service that declares the method.
  expect(findings).toEqual(["METHOD_TYPE_COMPATIBLE (bridge) 2:17", "METHOD_TYPE_COMPATIBLE (bridge) 2:17"]);
});

test("a message says what changed and what to do instead", () => {
  expect(messagesThrift("struct S { 1: i32 a 2: i64 price }", "struct S { 1: string a }")).toEqual([
    'field "a" (1) changed its type from i32 to string, which peers of the other version skip or misread: keep the type, or add a new field',
    'field "price" (2) was removed: keep the field, or leave a comment in its place so that nobody uses the id again',
  ]);
});

test("the reason lies as deep as the types differ, and recursive types end", () => {
  const types = (leaf: string): string =>
    ["A", "B"]
      .map((n) => `struct ${n} { 1: ${n} next 2: ${n}Leaf leaf }\nstruct ${n}Leaf { 1: ${n === "A" ? "i32" : leaf} a }`)
      .join("\n");
  const diff = (leaf: string): readonly string[] =>
    messagesThrift(`${types(leaf)}\nstruct S { 1: A a }`, `${types(leaf)}\nstruct S { 1: B a }`);
  expect(diff("i32")).toEqual([expect.stringContaining("from A to B, which reads the same fields")]);
  expect(diff("i64")).toEqual([
    expect.stringContaining(
      'from A to B, where field "leaf" (2) changed its type from ALeaf to BLeaf, where field "a" (1) changed its type from i32 to i64',
    ),
  ]);
});

test("what is found the same only while its holder is being compared is judged again for itself", () => {
  const types = (leaf: string): string =>
    `struct A { 1: B b 2: i32 x } struct B { 1: A a }\nstruct C { 1: D b 2: ${leaf} x } struct D { 1: C a }`;
  const before = `${types("i64")}\nstruct S { 1: A a\n2: B b }`;
  const after = `${types("i64")}\nstruct S { 1: C a\n2: D b }`;
  expect(diffThrift(before, after)).toEqual([
    "FIELD_TYPE (wire, source, bridge) 4:17",
    "FIELD_TYPE (wire, source, bridge) 5:6",
  ]);
});

test("types that are renamed in a chain of thousands are compared without end of the stack", () => {
  const chain = (name: string): string =>
    Array.from({ length: 3_000 }, (_, i) => `struct ${name}${i} { 1: ${name}${i + 1} next }`).join("\n");
  const types = `${chain("A")}\n${chain("B")}\nstruct A3000 {} struct B3000 {}`;
  const findings = diffThrift(`${types}\nstruct S { 1: A0 a }`, `${types}\nstruct S { 1: B0 a }`);
  expect(findings).toEqual(["FIELD_TYPE_COMPATIBLE (source, bridge) 6003:18"]);
});

test("namespaces are compared per language, and * stands for those without one", () => {
  const diff = (before: string, after: string): readonly string[] =>
    diffFiles({ "t.thrift": before }, { "t.thrift": after }).map(
      ({ rule, breaks, message }) => `${rule} (${breaks}) ${message}`,
    );
  expect(diff("namespace * a\nnamespace java b", "namespace * a\nnamespace java c")).toEqual([
    "FILE_NAMESPACE (source) the namespace for java changed from b to c: generated code moves; keep the namespace",
  ]);
  expect(diff("namespace * a", "namespace * a\nnamespace java a")).toEqual([]);
  expect(diff("namespace * a\nservice S {}", "namespace * b\nservice S {}")).toEqual([
    "FILE_NAMESPACE (source) the namespace of all other languages changed from a to b: generated code moves; keep the namespace",
    "FILE_PACKAGE (bridge) in the derived twin, the package changed from a to b: every generated name has it; keep the package, or add a file",
    'SERVICE_PATH (bridge) in the derived twin, calls of service "S" go to /b.S/ instead of /a.S/: calls of the other version fail; keep the package',
  ]);
});

test("what moves to another file of its namespace is not removed", () => {
  const before = {
    "a.thrift": "namespace * t\nstruct A { 1: i32 a }\nstruct B { 1: A a }",
    "b.thrift": "namespace * t",
  };
  const after = {
    "a.thrift": 'include "b.thrift"\nnamespace * t\nstruct B { 1: b.A a }',
    "b.thrift": "namespace * t\nstruct A { 1: i64 a }",
  };
  expect(diffFiles(before, after).map(summary)).toEqual(["FIELD_TYPE (wire, source, bridge) 2:19"]);
});

test("a file that is gone is told once, and what it declared too", () => {
  const findings = diffFiles({ "a.thrift": "namespace * t\nservice S {}", "b.thrift": "" }, { "b.thrift": "" });
  expect(findings.map(summary)).toEqual(["FILE_REMOVED (source) 1:1", "SERVICE_REMOVED (wire, source, bridge) 2:9"]);
});

test("what a file includes is compared with it", () => {
  const texts = (type: string) => ({
    "t.thrift": 'include "c.thrift"\nstruct S { 1: c.C c }',
    "c.thrift": `namespace * c\nstruct C { 1: ${type} a }`,
  });
  const [finding, ...others] = diffFiles(texts("i32"), texts("i64"));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ rule: "FIELD_TYPE", position: { file: "c.thrift", line: 2, column: 19 } });
});
