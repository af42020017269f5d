import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BREAK_KINDS, DIFF_RULES, diffSchemas, type Finding, type PathPair } from "../../../src/schema/diff.ts";
import { loadSchema } from "../../../src/schema/load.ts";
import type { Schema, SchemaFile } from "../../../src/schema/model.ts";
import { createSchema } from "../../../src/schema/schema.ts";
import { diffFiles, summary } from "./diff-fixture.ts";
import { builtinProto, readProto } from "./proto-text.ts";
import { readThrift } from "./thrift-fixture.ts";

const IDL = readdirSync("idl", { recursive: true, encoding: "utf8" }).filter((path) => /\.(thrift|proto)$/.test(path));

function load(paths: readonly string[]): Schema {
  const schema = loadSchema(paths, { includeDirs: ["idl"], allowNegativeKeys: false }, () => {});
  if (!schema) throw new Error(`${paths.join(", ")} has errors`);
  return schema;
}

test.each(IDL)("nothing breaks between idl/%s and itself", (path) => {
  const file = join("idl", path);
  expect(diffSchemas(load([file]), load([file]), [[file, file]])).toEqual([]);
});

test("nothing breaks between all files and themselves", () => {
  const files = IDL.map((path) => join("idl", path));
  const paths = files.map((file): PathPair => [file, file]);
  expect(diffSchemas(load(files), load(files), paths)).toEqual([]);
});

test("a .thrift file without namespaces may have another file name, although its package is that name", () => {
  const text = "enum E { A = 0 }\nexception X {}\nstruct S { 1: E e }\nservice T { S f(1: S s) throws (1: X x) }";
  const [before] = createdFrom(text, "idl/old.thrift").files;
  const [after] = createdFrom(text.replace("1: E e", "1: i32 e"), "idl/new.thrift").files;
  if (!before || !after) throw new Error("expected files");
  const findings = diffSchemas(createSchema([before]), createSchema([after]), [[before.path, after.path]]);
  expect(findings.map(summary)).toEqual(["FIELD_TYPE_COMPATIBLE (source, bridge) 3:19"]);
});

function createdFrom(text: string, path: string): Schema {
  const { file } = readThrift(text, {}, { allowNegativeKeys: false }, path);
  return createSchema(file ? [file] : []);
}

test("findings are in the order of files and lines, those about what is gone last", () => {
  const before = {
    "b.thrift": "struct S { 1: i32 a 2: i32 b }",
    "a.thrift": "const i32 C = 1\nstruct T { 1: i32 a }\nstruct S { 1: i32 a }",
  };
  const after = {
    "b.thrift": "struct S { 1: i64 a 2: i64 b }",
    "a.thrift": "struct T { 1: i64 a }\nstruct S { 1: i64 a }",
  };
  const places = diffFiles(before, after).map(({ position: { file, line, column } }) => `${file}:${line}:${column}`);
  expect(places).toEqual(["a.thrift:1:19", "a.thrift:2:19", "b.thrift:1:19", "b.thrift:1:28", "a.thrift:1:11"]);
});

test("each rule has an upper-case name, breaks something, and says so in one sentence", () => {
  for (const [name, { breaks, says }] of Object.entries(DIFF_RULES)) {
    expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(breaks.length).toBeGreaterThan(0);
    expect(says).toMatch(/^[A-Z].*[^.]\.$/);
  }
});

const TOKENS = /[A-Za-z_][\w.]*|\d+|"[^"]*"|\s+|[^\w\s]/g;
const KINDS = readFileSync("idl/kinds/kinds.thrift", "utf8");
const ORDERS = readFileSync("idl/shop/orders.proto", "utf8");
const CUSTOMER = readFileSync("idl/shop/customer.proto", "utf8");

/** One edit: the token at a place in the text is removed, or takes the place of another. */
const EDITS = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom("remove", "copy")), { minLength: 1, maxLength: 4 });

function edited(text: string, edits: readonly (readonly [number, number, string])[]): string {
  const tokens = text.match(TOKENS) ?? [];
  for (const [from, to, kind] of edits) {
    tokens[to % tokens.length] = kind === "remove" ? "" : (tokens[from % tokens.length] ?? "");
  }
  return tokens.join("");
}

function checkBothWays(before: SchemaFile, after: SchemaFile): void {
  const [old, now] = [schemaOf(before), schemaOf(after)];
  const paths: readonly PathPair[] = [[before.path, after.path]];
  for (const findings of [diffSchemas(old, now, paths), diffSchemas(now, old, paths)]) findings.forEach(checkFinding);
  expect(diffSchemas(now, schemaOf(after), paths)).toEqual([]);
}

function schemaOf(file: SchemaFile): Schema {
  const imports = file.imports.flatMap((imported) => [...imported.imports, imported]);
  return createSchema([...new Set([...imports, file])]);
}

function checkFinding({ rule, breaks, message, position }: Finding): void {
  expect(Object.keys(DIFF_RULES)).toContain(rule);
  expect(breaks).toEqual(BREAK_KINDS.filter((kind) => breaks.includes(kind)));
  expect(breaks).not.toHaveLength(0);
  expect(message).not.toMatch(/undefined|\[object|\.$/);
  expect(position.line).toBeGreaterThan(0);
}

test("whatever is edited in a .thrift file, the versions can be compared both ways", () => {
  const before = readThrift(KINDS).file;
  if (!before) throw new Error("the file has errors");
  let read = 0;
  fc.assert(
    fc.property(EDITS, (edits) => {
      const { file } = readThrift(edited(KINDS, edits));
      if (!file) return;
      read += 1;
      checkBothWays(before, file);
    }),
    { numRuns: 300 },
  );
  expect(read).toBeGreaterThan(20);
});

test("whatever is edited in a .proto file, the versions can be compared both ways", () => {
  const timestamp = builtinProto("google/protobuf/timestamp.proto");
  const customer = readProto(CUSTOMER, { "google/protobuf/timestamp.proto": timestamp }).file;
  if (!customer) throw new Error("the file has errors");
  const imports = {
    "google/protobuf/timestamp.proto": timestamp,
    "shop/customer.proto": { ...customer, path: "shop/customer.proto", importPath: "shop/customer.proto" },
  };
  const before = readProto(ORDERS, imports).file;
  if (!before) throw new Error("the file has errors");
  let read = 0;
  fc.assert(
    fc.property(EDITS, (edits) => {
      const { file } = readProto(edited(ORDERS, edits), imports);
      if (!file) return;
      read += 1;
      checkBothWays(before, file);
    }),
    { numRuns: 300 },
  );
  expect(read).toBeGreaterThan(20);
});
