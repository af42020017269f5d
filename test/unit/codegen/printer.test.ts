import { expect, test } from "vitest";
import { createNameScope, pascalCase, upperSnakeCase, wordsOf } from "../../../codegen/names.ts";
import { createImports, createPrinter, docLines } from "../../../codegen/printer.ts";
import type { Diagnostic } from "../../../src/base/diagnostic.ts";

const given = { name: "type", doc: undefined, deprecated: false, position: { file: "a.thrift", line: 3, column: 7 } };

test("blocks are indented, and blank lines stand neither twice nor at the ends of a block", () => {
  const printer = createPrinter("\t");
  printer.print("a", "", "");
  printer.block("if b {", () => printer.print("", "c\nd", ""), "}");
  expect(printer.text()).toBe("a\n\nif b {\n\tc\n\td\n}\n");
});

test("columns are as wide as their widest cell, in characters", () => {
  const printer = createPrinter("  ");
  printer.columns([
    ["a", "b", "c"],
    ["变量", "long", "d"],
  ]);
  expect(printer.text()).toBe("a  b    c\n变量 long d\n");
});

test("what is known only at the end stands where it was asked for", () => {
  const printer = createPrinter("  ");
  const imports = createImports((path) => path.slice(path.lastIndexOf("/") + 1));
  printer.later(() => [...imports.used].map(([path, name]) => `${name} ${path}`));
  printer.print(`${imports.use("x/wire")} ${imports.use("y/wire")} ${imports.use("x/wire")}`);
  expect(printer.text()).toBe("wire x/wire\nwire2 y/wire\nwire wire2 wire\n");
});

test("a doc comment loses what is empty at its ends", () => {
  expect(docLines("\n  a  \n\nb\n\n")).toEqual(["  a", "", "b"]);
  expect(docLines(undefined)).toEqual([]);
});

test("a name that is a keyword or taken gets the suffix, and is listed with its place", () => {
  const found: Diagnostic[] = [];
  const scope = createNameScope({
    language: "Go",
    keywords: new Set(["type"]),
    suffix: "_",
    report: (diagnostic) => void found.push(diagnostic),
  });
  scope.reserve("taken");
  expect([scope.claim("type", given), scope.claim("taken", given), scope.claim("free", given)]).toEqual([
    "type_",
    "taken_",
    "free",
  ]);
  expect(scope.claim("type", given)).toBe("type__");
  expect(found.map(({ message }) => message)).toEqual([
    '"type" is named type_ in Go, because type is a word of Go',
    '"type" is named taken_ in Go, because taken is taken',
    '"type" is named type__ in Go, because type is a word of Go',
  ]);
  expect(found[0]?.position).toEqual(given.position);
});

test("words are told apart by case, underscores and everything else that is no letter", () => {
  expect(wordsOf("HTTPServer_2.fooBar")).toEqual(["HTTP", "Server", "2", "foo", "Bar"]);
  expect([pascalCase("order_id"), upperSnakeCase("orderId")]).toEqual(["OrderId", "ORDER_ID"]);
});
