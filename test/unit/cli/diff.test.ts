import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diffCommand } from "../../../src/cli/diff.ts";
import { createFolder, run } from "./cli-fixture.ts";

const OLD = "struct S { 1: i32 a 2: i32 b }";
const NEW = "struct S { 1: i32 a }";

test("two versions without a break say so and exit 0", async () => {
  const folder = createFolder({ "old.thrift": NEW, "new.thrift": OLD });
  expect(await run(diffCommand, [join(folder, "old.thrift"), join(folder, "new.thrift")])).toEqual({
    stdout: "nothing breaks\n",
    stderr: "",
    exitCode: 0,
  });
});

test("each break is a line with its place, rule and kinds, the last line counts them, and the exit code is 1", async () => {
  const folder = createFolder({ "old.thrift": OLD, "new.thrift": "struct S { 1: i32 c }" });
  const { stdout, stderr, exitCode } = await run(diffCommand, [join(folder, "old.thrift"), join(folder, "new.thrift")]);
  expect(stdout.replaceAll(`${folder}/`, "").split("\n")).toEqual([
    'new.thrift:1:19: FIELD_NAME (source, bridge): field 1 was renamed from "a" to "c": code that uses the old name breaks; keep the name',
    'old.thrift:1:28: FIELD_REMOVED (wire, source, bridge): field "b" (2) was removed: keep the field, or leave a comment in its place so that nobody uses the id again',
    "2 breaks: 1 of the wire, 2 of the source, 2 of the bridge",
    "",
  ]);
  expect(stderr).toBe("");
  expect(exitCode).toBe(1);
});

test("--against leaves out what breaks something else, and may be given again", async () => {
  const folder = createFolder({ "old.thrift": "const i32 A = 1", "new.thrift": "" });
  const files = [join(folder, "old.thrift"), join(folder, "new.thrift")];
  expect(await run(diffCommand, ["--against", "wire", ...files])).toMatchObject({
    stdout: "nothing breaks\n",
    exitCode: 0,
  });
  const both = await run(diffCommand, ["--against", "wire", "--against", "source", ...files]);
  expect(both).toMatchObject({ stdout: expect.stringContaining("CONSTANT_REMOVED (source)"), exitCode: 1 });
});

test("--json prints one object for programs", async () => {
  const folder = createFolder({
    "old.proto": 'syntax = "proto3"; message M { int32 a = 1; }',
    "new.proto": 'syntax = "proto3"; message M { sint32 a = 1; }',
  });
  const { stdout, exitCode } = await run(diffCommand, ["--json", join(folder, "old.proto"), join(folder, "new.proto")]);
  expect(JSON.parse(stdout)).toEqual({
    findings: [
      {
        rule: "FIELD_TYPE",
        breaks: ["wire", "source"],
        file: join(folder, "new.proto"),
        line: 1,
        column: 39,
        message: expect.stringContaining("from int32 to sint32"),
      },
    ],
    wire: 1,
    source: 1,
    bridge: 0,
  });
  expect(exitCode).toBe(1);
});

test("files of two folders are paired by their paths inside, and find each other from there", async () => {
  const folder = createFolder({
    "old/a/t.proto": 'syntax = "proto3"; package t; import "b/u.proto"; message M { U u = 1; }',
    "old/b/u.proto": 'syntax = "proto3"; package t; message U { int32 a = 1; }',
    "old/gone.thrift": "",
    "new/a/t.proto": 'syntax = "proto3"; package t; import "b/u.proto"; message M { U u = 1; }',
    "new/b/u.proto": 'syntax = "proto3"; package t; message U { string a = 1; }',
    "new/more.thrift": OLD,
    "new/notes.md": "",
  });
  const { stdout } = await run(diffCommand, [join(folder, "old"), join(folder, "new")]);
  expect(
    stdout
      .replaceAll(`${folder}/`, "")
      .split("\n")
      .map((line) => line.replace(/\).*/, ")")),
  ).toEqual([
    "new/b/u.proto:1:50: FIELD_TYPE (wire, source, bridge)",
    "old/gone.thrift:1:1: FILE_REMOVED (source)",
    "2 breaks: 1 of the wire, 2 of the source, 1 of the bridge",
    "",
  ]);
});

test("a file that another path led to first is still the one that was named", async () => {
  const folder = createFolder({
    "old/a.thrift": 'include "c.thrift"',
    "old/c.thrift": OLD,
    "new/a.thrift": 'include "c.thrift"',
    "new/c.thrift": NEW,
  });
  symlinkSync(join(folder, "new"), join(folder, "link"));
  const args = ["-I", join(folder, "link"), join(folder, "old"), join(folder, "new")];
  const { stdout } = await run(diffCommand, args);
  expect(stdout).toContain("1 break: ");
  expect(stdout).not.toContain("FILE_REMOVED");
});

test("includes are looked for with -I, those of the old version with --old-include where it is given", async () => {
  const folder = createFolder({
    "old.thrift": 'include "c.thrift"\nstruct T { 1: c.S s }',
    "new.thrift": 'include "c.thrift"\nstruct T { 1: c.S s }',
    "before/c.thrift": OLD,
    "after/c.thrift": NEW,
  });
  const files = [join(folder, "old.thrift"), join(folder, "new.thrift")];
  const after = ["-I", join(folder, "after")];
  expect(await run(diffCommand, [...after, ...files])).toMatchObject({ stdout: "nothing breaks\n", exitCode: 0 });
  const { stdout } = await run(diffCommand, [...after, "--old-include", join(folder, "before"), ...files]);
  expect(stdout).toContain("before/c.thrift:1:28: FIELD_REMOVED");
});

test("--allow-neg-keys takes ids as they are written", async () => {
  const folder = createFolder({ "old.thrift": "struct S { -5: i32 a }", "new.thrift": "struct S { -6: i32 a }" });
  const files = [join(folder, "old.thrift"), join(folder, "new.thrift")];
  expect(await run(diffCommand, files)).toMatchObject({ exitCode: 0 });
  const { stdout, exitCode } = await run(diffCommand, ["--allow-neg-keys", ...files]);
  expect(stdout).toContain("changed its id from -5 to -6");
  expect(exitCode).toBe(1);
});

test("wrong IDL exits 1 with what is wrong, in both versions", async () => {
  const folder = createFolder({ "old.thrift": "struct S {", "new.thrift": "struct S { 1: Nope a }" });
  const { stdout, stderr, exitCode } = await run(diffCommand, [join(folder, "old.thrift"), join(folder, "new.thrift")]);
  expect(stdout).toBe("");
  expect(stderr).toContain("old.thrift:1:11: error: ");
  expect(stderr).toContain('new.thrift:1:15: error: there is no type "Nope"');
  expect(exitCode).toBe(1);
  const missing = await run(diffCommand, [join(folder, "old.thrift"), join(folder, "missing.thrift")]);
  expect(missing).toMatchObject({
    stderr: expect.stringContaining("missing.thrift:1:1: error: there is no such file"),
    exitCode: 1,
  });
});

test("wrong usage exits 2 and says what is expected", async () => {
  const folder = createFolder({ "a.thrift": "", "b.proto": "", "c.txt": "", "d/t.txt": "" });
  const path = (name: string): string => join(folder, name);
  const cases: readonly (readonly [args: readonly string[], said: string])[] = [
    [[], "name two versions, OLD and NEW"],
    [[path("a.thrift")], "name two versions, OLD and NEW"],
    [[path("a.thrift"), path("b.proto")], "are of two languages"],
    [[path("a.thrift"), path("c.txt")], "is neither a .thrift nor a .proto file"],
    [[path("a.thrift"), path("d")], "d is a folder and the other is not; name two files or two folders"],
    [[folder, path("d")], "there is no .thrift or .proto file in"],
    [["--against", "nothing", path("a.thrift"), path("a.thrift")], "Allowed choices are wire, source, bridge."],
    [["--nope"], "unknown option '--nope'"],
  ];
  for (const [args, said] of cases) {
    const { stderr, exitCode } = await run(diffCommand, args);
    expect(stderr).toContain(said);
    expect(exitCode).toBe(2);
  }
});

test("--rules lists every rule with what it breaks, and needs no files", async () => {
  const { stdout, exitCode } = await run(diffCommand, ["--rules"]);
  expect(stdout).toContain("\nFIELD_NUMBER (wire): A field keeps its number");
  expect(stdout.trim().split("\n").length).toBeGreaterThan(30);
  expect(exitCode).toBe(0);
  const { rules } = JSON.parse((await run(diffCommand, ["--rules", "--json"])).stdout);
  expect(rules).toContainEqual({ rule: "FIELD_NUMBER", breaks: ["wire"], says: expect.any(String) });
});

test("--help shows an example", async () => {
  const { stdout } = await run(diffCommand, ["--help"]);
  expect(stdout).toContain("$ causeway diff old/order.thrift order.thrift");
});
