import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { idlCommand } from "../../../src/cli/idl.ts";
import { readOptionsProto } from "../../../src/schema/load.ts";
import { createFolder, run } from "./cli-fixture.ts";

test("the twin of a Thrift file is printed as .proto", async () => {
  const folder = createFolder({ "t.thrift": "namespace * t\nstruct S { 1: optional i32 a }\n" });
  const { stdout, stderr, exitCode } = await run(idlCommand, [join(folder, "t.thrift"), "--to", "proto"]);
  expect(stdout).toBe('syntax = "proto3";\n\npackage t;\n\nmessage S {\n  optional int32 a = 1;\n}\n');
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});

test("the twin of a .proto file is printed as Thrift, imports found by -I", async () => {
  const folder = createFolder({
    "a/t.proto": 'syntax = "proto3"; package t; import "u.proto"; message M { optional U u = 1; }',
    "b/u.proto": 'syntax = "proto3"; package t; message U {}',
  });
  const { stdout, exitCode } = await run(idlCommand, [
    join(folder, "a/t.proto"),
    "--to",
    "thrift",
    "-I",
    join(folder, "b"),
  ]);
  expect(stdout).toBe('include "u.thrift"\n\nnamespace * t\n\nstruct M {\n  1: optional u.U u\n}\n');
  expect(exitCode).toBe(0);
});

test("--out writes the twin, those of its imports, and options.proto where one needs it", async () => {
  const folder = createFolder({
    "base.thrift": "namespace * b\nstruct B { 1: optional i32 a }",
    "t.thrift": 'include "base.thrift"\nnamespace * t\nstruct S { 1: required base.B b }',
  });
  const out = join(folder, "gen/idl");
  const { stdout, exitCode } = await run(idlCommand, [join(folder, "t.thrift"), "--to", "proto", "--out", out]);
  expect(exitCode).toBe(0);
  expect(stdout.trim().split("\n")).toEqual(
    ["base.proto", "t.proto", "causeway/options.proto"].map((name) => join(out, name)),
  );
  expect(readFileSync(join(out, "t.proto"), "utf8")).toContain('import "base.proto";');
  expect(readFileSync(join(out, "causeway/options.proto"), "utf8")).toBe(readOptionsProto());
});

test("--out leaves options.proto out where nothing needs it", async () => {
  const folder = createFolder({ "t.thrift": "namespace * t\nstruct S { 1: optional i32 a }" });
  await run(idlCommand, [join(folder, "t.thrift"), "--to", "proto", "--out", join(folder, "gen")]);
  expect(readdirSync(join(folder, "gen"))).toEqual(["t.proto"]);
});

test("what cannot be said in the other language is reported on standard error", async () => {
  const folder = createFolder({
    "t.proto": 'syntax = "proto3"; package t; message M {}\nservice S { rpc A(stream M) returns (M); }',
  });
  const { stdout, stderr, exitCode } = await run(idlCommand, [join(folder, "t.proto"), "--to", "thrift"]);
  expect(stderr).toContain('t.proto:2:17: lossy: method "A" is streaming');
  expect(stdout).toContain("service S {}");
  expect(exitCode).toBe(0);
});

test("an error writes nothing and exits 1", async () => {
  const folder = createFolder({
    "t.proto": 'syntax = "proto3"; package t; message M { int32 a = 40000; }',
    "u.thrift": "struct S {",
  });
  const out = join(folder, "gen");
  const { stdout, stderr, exitCode } = await run(idlCommand, [join(folder, "t.proto"), "--to", "thrift", "--out", out]);
  expect(stderr).toContain("t.proto:1:49: error: field number 40000");
  expect({ stdout, exitCode, written: existsSync(out) }).toEqual({ stdout: "", exitCode: 1, written: false });
  expect(await run(idlCommand, [join(folder, "u.thrift"), "--to", "proto"])).toMatchObject({ stdout: "", exitCode: 1 });
});

test("a file that is of the language already is an error", async () => {
  const folder = createFolder({ "t.thrift": "struct S {}" });
  const { stderr, exitCode } = await run(idlCommand, [join(folder, "t.thrift"), "--to", "thrift"]);
  expect(stderr).toContain("t.thrift:1:1: error: the file is thrift already; expected the other language");
  expect(exitCode).toBe(1);
});

test.each([
  [["t.thrift"], "required option '--to <language>'"],
  [["t.thrift", "--to", "xml"], "Allowed choices are proto, thrift"],
  [["--to", "proto"], "missing required argument 'file'"],
])("wrong usage %j exits 2 and says what is wrong", async (args, message) => {
  const { stderr, exitCode } = await run(idlCommand, args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
});

test("--help shows an example", async () => {
  const { stdout, exitCode } = await run(idlCommand, ["--help"]);
  expect(stdout).toContain("$ causeway idl idl/shop/inventory.thrift --to proto");
  expect(exitCode).toBe(0);
});

test("--rules states overrides and the package in a file", async () => {
  const folder = createFolder({
    "t.thrift": "namespace * t\nstruct S { 1: optional i64 at }\n",
    "rules.yaml": "rules: { shop.v1.S.at: { time: ms } }\npackages: { t.thrift: shop.v1 }\n",
    "bad.yaml": "rules: { t.S.on: { time: ms } }\n",
  });
  const derive = (rules: string) =>
    run(idlCommand, [join(folder, "t.thrift"), "--to", "proto", "--rules", join(folder, rules)]);
  const { stdout } = await derive("rules.yaml");
  expect(stdout).toContain("package shop.v1;");
  expect(stdout).toContain('.google.protobuf.Timestamp at = 1 [(causeway.rules).time = "ms"];');
  const bad = await derive("bad.yaml");
  expect(bad).toMatchObject({ stdout: "", exitCode: 1 });
  expect(bad.stderr).toContain("bad.yaml:1:10: error: t.S.on: unknown name, did you mean t.S.at?");
});
