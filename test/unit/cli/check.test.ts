import { join } from "node:path";
import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Diagnostic } from "../../../src/base/diagnostic.ts";
import { checkCommand } from "../../../src/cli/check.ts";
import { printLinks } from "../../../src/cli/print-links.ts";
import { printReport } from "../../../src/cli/print-report.ts";
import { createFolder, run } from "./cli-fixture.ts";

const LOSSY = "struct S { 1: optional list<i32> a }";

test("a clean file has no problems and exits 0", async () => {
  const folder = createFolder({ "t.thrift": "struct S { 1: i32 a }" });
  expect(await run(checkCommand, [join(folder, "t.thrift")])).toEqual({
    stdout: "no problems found\n",
    stderr: "",
    exitCode: 0,
  });
});

test("each finding is a line with file, line, column and severity, and the last line counts them", async () => {
  const folder = createFolder({ "t.thrift": LOSSY });
  const { stdout, exitCode } = await run(checkCommand, [join(folder, "t.thrift")]);
  const [finding, summary] = stdout.trim().split("\n");
  expect(finding).toMatch(/\/t\.thrift:1:34: lossy: field "a" \(1\) is optional/);
  expect(summary).toBe("0 errors, 1 lossy item, 0 warnings");
  expect(exitCode).toBe(0);
});

test("--strict exits 1 on anything that is found", async () => {
  const folder = createFolder({ "t.thrift": LOSSY, "clean.thrift": "struct S {}" });
  expect(await run(checkCommand, ["--strict", join(folder, "t.thrift")])).toMatchObject({ exitCode: 1 });
  expect(await run(checkCommand, ["--strict", join(folder, "clean.thrift")])).toMatchObject({ exitCode: 0 });
});

test("an error exits 1, one of a file that cannot be read too", async () => {
  const folder = createFolder({ "t.thrift": "struct S { 1: Nope a }" });
  const { stdout, exitCode } = await run(checkCommand, [join(folder, "t.thrift")]);
  expect(stdout).toContain('t.thrift:1:15: error: there is no type "Nope"');
  expect(exitCode).toBe(1);
  const missing = await run(checkCommand, [join(folder, "missing.thrift")]);
  expect(missing.stdout).toContain("missing.thrift:1:1: error: there is no such file");
  expect(missing.exitCode).toBe(1);
});

test("files of both languages are linked with each other", async () => {
  const folder = createFolder({
    "a.thrift": "namespace * t\nstruct S { 1: i32 a }",
    "b.proto": 'syntax = "proto3"; package t; message S { string a = 1; }',
  });
  const { stdout, exitCode } = await run(checkCommand, [join(folder, "a.thrift"), join(folder, "b.proto")]);
  expect(stdout).toContain(
    'a.thrift:2:19: error: field "a" (1) cannot be translated: i32 and string have nothing in common',
  );
  expect(exitCode).toBe(1);
});

test("--json prints one object for programs", async () => {
  const folder = createFolder({ "t.thrift": LOSSY });
  const { stdout } = await run(checkCommand, ["--json", join(folder, "t.thrift")]);
  expect(JSON.parse(stdout)).toEqual({
    diagnostics: [
      {
        severity: "lossy",
        file: join(folder, "t.thrift"),
        line: 1,
        column: 34,
        message: expect.stringContaining("is optional"),
      },
    ],
    errors: 0,
    lossy: 1,
    warnings: 0,
  });
});

test.each([[[]], [["-c", "causeway.yaml", "t.thrift"]], [["--nope"]]])("wrong usage %j exits 2", async (args) => {
  const { stderr, exitCode } = await run(checkCommand, args);
  expect(stderr).toContain("error: ");
  expect(exitCode).toBe(2);
});

test("--help shows an example", async () => {
  const { stdout } = await run(checkCommand, ["--help"]);
  expect(stdout).toContain("$ causeway check -I idl idl/shop/*.thrift");
});

test("--rules states overrides and packages in a file, with the place of what is wrong there", async () => {
  const folder = createFolder({
    "idl/t.thrift": LOSSY,
    "good.yaml": "rules: { shop.S.a: { lossy: true } }\npackages: { idl/t.thrift: shop }\n",
    "bad.yaml": "rules:\n  t.S.b: { lossy: true }\n  t.S: { code: ABORTED, unwrap: 7 }\n",
    "worse.yaml": "packages: { u.thrift: u }\nrules:\n  t.S.b: { lossy: true }\n",
  });
  const check = (file: string) => run(checkCommand, ["--rules", join(folder, file), join(folder, "idl/t.thrift")]);
  expect(await check("good.yaml")).toMatchObject({ stdout: "no problems found\n", exitCode: 0 });
  const bad = await check("bad.yaml");
  expect(bad.stdout).toContain('bad.yaml:3:33: error: rules["t.S"].unwrap: expected true or false, got 7');
  expect(bad.exitCode).toBe(1);
  const worse = await check("worse.yaml");
  expect(worse.stdout).toMatch(/worse\.yaml:1:1: error: .*\/u\.thrift: unknown Thrift file/);
  expect(worse.stdout).toContain("worse.yaml:3:3: error: t.S.b: unknown name, did you mean t.S.a?");
  expect(worse.exitCode).toBe(1);
  expect((await check("missing.yaml")).stdout).toContain("missing.yaml:1:1: error: cannot be read: ENOENT");
});

const LINKED = {
  "a.thrift":
    'namespace * t\nstruct S { 1: required i64 id, 12: i32 mine }\nservice V { S get(1: S s) (pb.unwrap = "true") }',
  "b.proto":
    'syntax = "proto3"; package t; message S { int64 number = 1; } service V { rpc Get(S) returns (S); rpc All(S) returns (stream S); }',
};

test("--links shows what was linked with what in columns, before the findings", async () => {
  const folder = createFolder(LINKED);
  const args = ["--links", join(folder, "a.thrift"), join(folder, "b.proto")];
  const { stdout, exitCode } = await run(checkCommand, args);
  const [links] = stdout.split(/^.*: lossy: /m);
  expect(links?.replace(/\S*$/, "")).toBe(`struct t.S <-> t.S
   1  id    required i64  <->  1  number  int64
  12  mine  i32           <->  -                 not linked

method t.V.get <-> t.V.Get
  request   t.S  <->  t.S
  response  t.S  <->  t.S

methods that are never translated
  protobuf  t.V.All  streaming

`);
  expect(stdout).toContain('lossy: field "mine" (12) has no partner');
  expect(exitCode).toBe(0);
});

test("--links with --json is part of the one object, and works for a config", async () => {
  const folder = createFolder({ ...LINKED, "c.yaml": "schema: { files: [a.thrift, b.proto] }\n" });
  const { stdout } = await run(checkCommand, ["--links", "--json", "-c", join(folder, "c.yaml")]);
  const { links, lossy } = JSON.parse(stdout);
  expect(links.messages[0]).toMatchObject({ thrift: "t.S", protobuf: "t.S", derived: null });
  expect(links.methods).toHaveLength(1);
  expect(links.opaque).toEqual([{ wire: "protobuf", method: "t.V.All", reason: "streaming" }]);
  expect(lossy).toBe(2);
});

test("a strict config reports what linking finds beside what loading warns of", async () => {
  const folder = createFolder({
    "t.thrift": "namespace * t\nstruct S { 1: optional list<i32> a }\nservice V { void get(optional i32 b) }",
    "c.yaml": "schema: { files: [t.thrift], strict: true }\n",
  });
  const { stdout, exitCode } = await run(checkCommand, ["-c", join(folder, "c.yaml")]);
  expect(stdout).toContain("an empty one arrives as absent");
  expect(stdout).toContain("t.thrift:3:");
  expect(exitCode).toBe(1);
});

test("the overrides of a config are checked and applied", async () => {
  const config = (rules: string): string => `schema:\n  files: [t.thrift]\n  rules: ${rules}\n`;
  const folder = createFolder({
    "t.thrift": LOSSY,
    "none.yaml": config("{}"),
    "good.yaml": config("{ t.S.a: { presence: true } }"),
    "bad.yaml": config("{ t.S.b: { presence: true } }"),
  });
  const check = (file: string) => run(checkCommand, ["-c", join(folder, file)]);
  expect((await check("none.yaml")).stdout).toContain("lossy: field");
  expect((await check("good.yaml")).stdout).toBe("no problems found\n");
  const bad = await check("bad.yaml");
  expect(bad.stdout).toContain("bad.yaml:3:12: error: t.S.b: unknown name, did you mean t.S.a?");
  expect(bad.exitCode).toBe(1);
});

const DIAGNOSTIC: Diagnostic = {
  severity: "error",
  position: { file: "a.thrift", line: 1, column: 2 },
  message: "no: error: $&",
};

function collected(isTTY: boolean): { stream: Writable & { isTTY: boolean }; text(): string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY }), text: () => text };
}

test("colours are used on a terminal only", () => {
  vi.stubEnv("FORCE_COLOR", "1");
  vi.stubEnv("NO_COLOR", undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  const plain = collected(false);
  expect(printReport([DIAGNOSTIC], { strict: false, json: false }, plain.stream)).toBe(1);
  expect(plain.text()).toBe("a.thrift:1:2: error: no: error: $&\n1 error, 0 lossy items, 0 warnings\n");
  const terminal = collected(true);
  printReport([DIAGNOSTIC], { strict: false, json: false }, terminal.stream);
  expect(terminal.text()).toContain("a.thrift:1:2: \u001b[31merror\u001b[39m: no: error: $&\n");
  expect(stripVTControlCharacters(terminal.text())).toBe(plain.text());
  const report = {
    messages: [],
    enums: [],
    methods: [],
    opaque: [{ wire: "thrift", method: "t.V.a", reason: "no partner" }],
  } as const;
  const [plainLinks, terminalLinks] = [collected(false), collected(true)];
  printLinks(report, plainLinks.stream);
  printLinks(report, terminalLinks.stream);
  expect(terminalLinks.text()).toContain("\u001b[33mthrift  t.V.a  no partner\u001b[39m");
  expect(stripVTControlCharacters(terminalLinks.text())).toBe(plainLinks.text());
});
