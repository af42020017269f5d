import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Diagnostic, formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { createSchema, findMessage, loadSchema, readOptionsProto } from "../../../src/schema/load.ts";
import type { Schema } from "../../../src/schema/model.ts";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

/** A new folder that holds these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-load-"));
  made.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

interface Loaded {
  readonly schema: Schema | undefined;
  /** Without the folder's own path. */
  readonly said: readonly string[];
}

function load(folder: string, paths: readonly string[], includeDirs: readonly string[] = []): Loaded {
  const diagnostics: Diagnostic[] = [];
  const schema = loadSchema(
    paths.map((path) => join(folder, path)),
    { includeDirs: includeDirs.map((path) => join(folder, path)), allowNegativeKeys: false },
    (diagnostic) => diagnostics.push(diagnostic),
  );
  const said = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).replaceAll(`${folder}/`, ""));
  return { schema, said };
}

function pathsOf({ schema }: Loaded, folder: string): readonly string[] | undefined {
  return schema?.files.map(({ path }) => path.replace(`${folder}/`, ""));
}

const proto = (body: string, packageName = "p"): string => `syntax = "proto3"; package ${packageName};\n${body}`;

test("imports are found from the folders above the given file and come before their importers, each once", () => {
  const folder = folderOf({
    "idl/shop/order.proto": proto('import "shop/a.proto"; import "shop/b.proto"; message O { A a = 1; B b = 2; }'),
    "idl/shop/a.proto": proto('import "shop/b.proto"; message A { B b = 1; }'),
    "idl/shop/b.proto": proto("message B {}"),
  });
  const loaded = load(folder, ["idl/shop/order.proto", "idl/shop/b.proto"]);
  expect(loaded.said).toEqual([]);
  expect(pathsOf(loaded, folder)).toEqual(["idl/shop/b.proto", "idl/shop/a.proto", "idl/shop/order.proto"]);
  expect(loaded.schema?.files[0]?.importPath).toBe("shop/b.proto");
  expect(loaded.schema?.messages.get("p.O")?.[0]?.fields.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("import folders come before the folders above the given file, in their order", () => {
  const folder = folderOf({
    "x/main.proto": proto('import "lib.proto"; message M { L l = 1; }'),
    "x/lib.proto": proto("message Wrong {}"),
    "one/lib.proto": proto("message L { int32 first = 1; }"),
    "two/lib.proto": proto("message L { int32 second = 1; }"),
  });
  const loaded = load(folder, ["x/main.proto"], ["one", "two"]);
  expect(loaded.said).toEqual([]);
  expect(loaded.schema?.messages.get("p.L")?.[0]?.fields[0]?.name).toBe("first");
});

test("Thrift includes are found beside the including file first, then in the include folders", () => {
  const folder = folderOf({
    "a/main.thrift": 'include "near.thrift"\ninclude "far.thrift"\nstruct M { 1: near.N n, 2: far.F f }',
    "a/near.thrift": "struct N { 1: i32 here }",
    "lib/near.thrift": "struct N { 1: i32 there }",
    "lib/far.thrift": "struct F {}",
  });
  const loaded = load(folder, ["a/main.thrift"], ["lib"]);
  expect(loaded.said).toEqual([]);
  expect(pathsOf(loaded, folder)).toEqual(["a/near.thrift", "lib/far.thrift", "a/main.thrift"]);
});

test("one file that is reached by two paths and a link is loaded once", () => {
  const folder = folderOf({ "a/x.proto": proto("message X {}"), "b/.keep": "" });
  symlinkSync(join(folder, "a/x.proto"), join(folder, "b/y.proto"));
  const loaded = load(folder, ["a/x.proto", "a/../a/x.proto", "b/y.proto"]);
  expect(loaded.said).toEqual([]);
  expect(loaded.schema?.files).toHaveLength(1);
});

test("well-known types and the causeway options need no files", () => {
  const folder = folderOf({
    "m.proto": proto(`import "google/protobuf/any.proto"; import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto"; import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto"; import "google/protobuf/api.proto";
import "google/protobuf/descriptor.proto"; import "causeway/options.proto";
message M {
  option (causeway.message_rules) = { args: true, name: "m" };
  google.protobuf.Timestamp t = 1 [(causeway.rules).time = "ms", (causeway.rules).field = -1];
  google.protobuf.Value v = 2;
  google.protobuf.Api api = 3;
}
enum E { E_NONE = 0 [(causeway.value_rules).synthetic = true]; }
service S { rpc F(M) returns (M) { option (causeway.method_rules).unwrap = true; } }
`),
  });
  const { schema, said } = load(folder, ["m.proto"]);
  expect(said).toEqual([]);
  const message = schema?.messages.get("p.M")?.[0];
  expect(message?.rules).toEqual({ args: true, name: "m" });
  expect(message?.fields[0]?.rules).toEqual({ time: "ms", field: -1 });
  expect(schema?.enums.get("p.E")?.[0]?.values[0]?.rules).toEqual({ synthetic: true });
  expect(schema?.services.get("p.S")?.[0]?.methods[0]?.rules).toEqual({ unwrap: true });
  expect(schema?.messages.get("google.protobuf.Value")?.[0]?.fields.map(({ name }) => name)).toContain("null_value");
});

test("a rule on the wrong kind of thing, and one that does not exist, are errors", () => {
  const folder = folderOf({
    "m.proto": proto(`import "causeway/options.proto";
message M { option (causeway.rules).args = true;
  int32 a = 1 [(causeway.rules).nope = true]; }`),
  });
  expect(load(folder, ["m.proto"]).said).toEqual([
    "m.proto:3:9: error: the option (causeway.rules) cannot stand here; expected (causeway.message_rules)",
    expect.stringMatching(/^m\.proto:4:9: error: there is no rule "nope"/),
  ]);
});

test("a missing import or include is an error at its place that names the folders tried", () => {
  const folder = folderOf({
    "x/m.proto": proto('import "no/such.proto";'),
    "x/m.thrift": 'include "none.thrift"\n',
  });
  const loaded = load(folder, ["x/m.proto", "x/m.thrift"], ["inc"]);
  expect(loaded.schema).toBeUndefined();
  expect(loaded.said).toHaveLength(2);
  expect(loaded.said[0]).toMatch(
    /^x\/m\.proto:2:8: error: the imported file "no\/such\.proto" is not there; looked in inc, x, /,
  );
  expect(loaded.said[1]).toBe('x/m.thrift:1:9: error: the included file "none.thrift" is not there; looked in x, inc');
});

test("a cycle of imports or of includes is one error with its chain", () => {
  const folder = folderOf({
    "a.proto": proto('import "b.proto";'),
    "b.proto": proto('import "c.proto";'),
    "c.proto": proto('import "b.proto";'),
    "a.thrift": 'include "a.thrift"\n',
  });
  expect(load(folder, ["a.proto"]).said).toEqual([
    "c.proto:2:8: error: files include each other: b.proto -> c.proto -> b.proto",
  ]);
  expect(load(folder, ["a.thrift"]).said).toEqual([
    "a.thrift:1:9: error: files include each other: a.thrift -> a.thrift",
  ]);
});

test("two Thrift includes with one base name are an error", () => {
  const folder = folderOf({
    "m.thrift": 'include "a/x.thrift"\ninclude "b/x.thrift"\n',
    "a/x.thrift": "namespace * a",
    "b/x.thrift": "namespace * b",
  });
  expect(load(folder, ["m.thrift"]).said).toEqual([
    expect.stringMatching(/^m\.thrift:2:9: error: another include has the base name "x"/),
  ]);
});

test("a name that two files of one wire declare is an error with both places; on two wires it is not", () => {
  const folder = folderOf({
    "a.proto": proto("message M {}"),
    "b.proto": proto("\nenum M { A = 0; }"),
    "p.thrift": "struct M {}",
  });
  expect(load(folder, ["a.proto", "b.proto"]).said).toEqual([
    'b.proto:3:6: error: "p.M" is already declared at a.proto:2:9; expected one declaration',
  ]);
  const both = load(folder, ["a.proto", "p.thrift"]);
  expect(both.said).toEqual([]);
  expect(both.schema?.messages.get("p.M")?.map(({ wire }) => wire)).toEqual(["protobuf", "thrift"]);
});

test("Thrift types of one name in one package load; a file that sees both is warned, and looking the name up lists both", () => {
  const folder = folderOf({
    "rail.thrift": "namespace * t\nenum Route { A = 1 }\nstruct Car { 1: Route r }",
    "tram.thrift": "namespace * t\nstruct Route { 1: i32 id }\nstruct Car {}",
    "all.thrift":
      'include "rail.thrift"\ninclude "tram.thrift"\nstruct All { 1: rail.Car a, 2: tram.Car b, 3: tram.Route r }',
  });
  const apart = load(folder, ["rail.thrift", "tram.thrift"]);
  expect(apart.said).toEqual([]);
  const { schema, said } = load(folder, ["all.thrift"]);
  const hint = "give one of the two files another package, or their Protobuf twins cannot be used together";
  expect(said).toEqual([
    `tram.thrift:2:8: warning: "t.Route" is already declared at rail.thrift:2:6; ${hint}`,
    `tram.thrift:3:8: warning: "t.Car" is already declared at rail.thrift:3:8; ${hint}`,
  ]);
  if (!schema) throw new Error("not loaded");
  const found = findMessage(schema, "t.Car");
  expect(typeof found === "string" && found.replaceAll(`${folder}/`, "")).toBe(
    '"t.Car" is ambiguous; expected one of t.Car (thrift) at rail.thrift:3, t.Car (thrift) at tram.thrift:3',
  );
});

test("a service is an address, so two of one name are an error in Thrift too", () => {
  const folder = folderOf({ "a.thrift": "namespace * t\nservice S {}", "b.thrift": "namespace * t\nservice S {}" });
  expect(load(folder, ["a.thrift", "b.thrift"]).said).toEqual([
    'b.thrift:2:9: error: "t.S" is already declared at a.thrift:2:9; expected one declaration',
  ]);
});

test("the package of a Thrift file can be chosen by its path, however it is reached", () => {
  const folder = folderOf({
    "sub/lib.thrift": "namespace java x\nstruct L {}",
    "main.thrift": 'include "sub/lib.thrift"\nstruct M { 1: lib.L l }',
  });
  const packages = new Map([[join(folder, "sub/../sub/lib.thrift"), "chosen.name"]]);
  const said: string[] = [];
  const options = { includeDirs: [], allowNegativeKeys: false, packages };
  const schema = loadSchema([join(folder, "main.thrift")], options, (d) => said.push(d.message));
  expect(said).toEqual([]);
  expect(schema?.messages.has("chosen.name.L")).toBe(true);
  expect(schema?.messages.has("main.M")).toBe(true);
});

test("an import for options alone, or a weak one, may be missing, which is a warning", () => {
  const folder = folderOf({
    "m.proto": 'edition = "2024"; import option "none.proto"; import weak "gone.proto"; message M {}',
  });
  const { schema, said } = load(folder, ["m.proto"]);
  expect(schema?.messages.has("M")).toBe(true);
  expect(said).toEqual([
    expect.stringMatching(/^m\.proto:1:33: warning: the imported file "none\.proto" is not there; looked in /),
    expect.stringMatching(/^m\.proto:1:59: warning: the imported file "gone\.proto" is not there; looked in /),
  ]);
});

test("import paths that lead out of the import folders are refused", () => {
  const folder = folderOf({ "x/m.proto": proto('import "../y.proto";'), "y.proto": proto("") });
  expect(load(folder, ["x/m.proto"]).said).toEqual([
    'x/m.proto:2:8: error: "../y.proto" is no import path; expected one relative to an import folder, with "/" and without ".."',
  ]);
});

test("files that are missing, of unknown kind, too large, no file or no text are errors", () => {
  const folder = folderOf({ "x.txt": "", "folder.proto/x": "", "big.proto": " ".repeat(8 * 1024 * 1024 + 1) });
  writeFileSync(join(folder, "bytes.proto"), Uint8Array.of(0x73, 0xff, 0xfe));
  const { schema, said } = load(folder, ["none.proto", "x.txt", "folder.proto", "big.proto", "bytes.proto"]);
  expect(schema).toBeUndefined();
  expect(said).toEqual([
    "none.proto:1:1: error: there is no such file",
    expect.stringContaining("x.txt:1:1: error: what kind of file this is shows in its extension"),
    'folder.proto:1:1: error: "folder.proto" is not a file',
    'big.proto:1:1: error: "big.proto" has 8388609 bytes; expected at most 8388608',
    "bytes.proto:1:1: error: the file is not valid UTF-8",
  ]);
});

test("a chain of imports that is too long is an error, not an overflow", () => {
  const files = Array.from({ length: 300 }, (_, i) => [`f${i}.proto`, proto(`import "f${i + 1}.proto";`, `p${i}`)]);
  const { said } = load(folderOf(Object.fromEntries(files)), ["f0.proto"]);
  expect(said).toEqual(["f199.proto:2:8: error: files include each other at most 200 deep"]);
});

test("a message is found by its full name, or by its bare name where only one has it", () => {
  const folder = folderOf({
    "a.proto": proto("message M { message In {} } message Only {}", "a"),
    "b.proto": proto("message M {}", "b"),
    "a.thrift": "namespace * a\nstruct M {}",
  });
  const { schema } = load(folder, ["a.proto", "b.proto", "a.thrift"]);
  if (!schema) throw new Error("not loaded");
  expect(findMessage(schema, "Only")).toBe(schema.messages.get("a.Only")?.[0]);
  expect(findMessage(schema, "In")).toBe(schema.messages.get("a.M.In")?.[0]);
  expect(findMessage(schema, "a.M", "thrift")).toBe(schema.messages.get("a.M")?.[1]);
  expect(findMessage(schema, "M")).toBe(
    '"M" is ambiguous; expected one of a.M (protobuf), a.M (thrift), b.M (protobuf)',
  );
  expect(findMessage(schema, "x.only")).toBe('there is no message "x.only"; expected one of a.Only (protobuf)');
  expect(findMessage(schema, "Nope", "thrift")).toBe('there is no message "Nope"; expected one of a.M (thrift)');
  expect(findMessage(createSchema([]), "M")).toBe(
    'there is no message "M"; expected one of none: no message was loaded',
  );
});

test("the text of causeway/options.proto is at hand for those who write it beside derived files", () => {
  expect(readOptionsProto()).toContain("51420");
});
