// The IDL that the official projects test their own compilers with: it loads, and its twins are accepted by the compilers of the
// other language. Go's modules carry most of it; CAUSEWAY_PROTOBUF may name a checkout of Protobuf's repository, for the rest.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Diagnostic, formatDiagnostic } from "../../src/base/diagnostic.ts";
import { deriveSchema, type Twins } from "../../src/schema/derive.ts";
import { loadSchema, readOptionsProto } from "../../src/schema/load.ts";
import { printProto } from "../../src/schema/print-proto.ts";
import { printThrift } from "../../src/schema/print-thrift.ts";
import { ROOT } from "../../tools/build-cache.ts";
import { runProgram } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";

const TOOLS: readonly Tool[] = ["go", "thrift", "protoc"];
const missing = whatIsMissing(TOOLS);
const SLOW = { timeout: 300_000 };
let out = "";

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), "causeway-corpus-"));
  mkdirSync(join(out, "causeway"));
  writeFileSync(join(out, "causeway/options.proto"), readOptionsProto());
});

afterAll(() => rmSync(out, { recursive: true }));

/** The folder of a Go module that the interop programs use. */
async function folderOf(module: string): Promise<string> {
  const cwd = join(ROOT, "test/interop/go");
  const said = await runProgram("go", ["mod", "download", "-json", module], { cwd });
  const { Dir } = JSON.parse(said) as { readonly Dir: string };
  return Dir;
}

function filesBelow(folder: string, extension: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
}

interface Read {
  readonly twins: Twins | undefined;
  /** Errors of loading, and of deriving. */
  readonly refused: readonly Diagnostic[];
  readonly excluded: readonly Diagnostic[];
}

function read(path: string, includeDirs: readonly string[]): Read {
  const collect = (into: Diagnostic[]) => (diagnostic: Diagnostic) => {
    if (diagnostic.severity === "error") into.push(diagnostic);
  };
  const refused: Diagnostic[] = [];
  const excluded: Diagnostic[] = [];
  const schema = loadSchema([path], { includeDirs, allowNegativeKeys: false }, collect(refused));
  return { twins: schema && deriveSchema(schema, collect(excluded)), refused, excluded };
}

/** What a compiler says against the twins of a file, "" when nothing. */
function complaintOf(twins: Twins, compiler: "thrift" | "protoc"): string {
  const files = [...twins.values()].map(({ file }) => file);
  for (const file of files)
    writeFileSync(join(out, file.path), compiler === "thrift" ? printThrift(file) : printProto(file));
  const last = files.at(-1);
  if (!last) return "";
  return compile(compiler, compiler === "thrift" ? ["-r"] : ["-I", "."], last.path, out);
}

function compile(compiler: "thrift" | "protoc", args: readonly string[], path: string, cwd: string): string {
  const target = compiler === "thrift" ? ["--gen", "json", "-out", out] : [`--descriptor_set_out=${join(out, "set")}`];
  const { status, stdout, stderr } = spawnSync(compiler, [...args, ...target, path], { cwd, encoding: "utf8" });
  return status === 0 ? "" : `${path}: ${stdout}${stderr}`;
}

/** Of the files that load, what the Thrift compiler says against twins, and what was left out for another reason than the listed ones. */
function checkProtos(paths: readonly string[], includeDirs: readonly string[]) {
  const faults: string[] = [];
  for (const path of paths) {
    const { twins, refused, excluded } = read(path, includeDirs);
    faults.push(...refused.map(formatDiagnostic));
    faults.push(
      ...excluded.map(formatDiagnostic).filter((line) => !/is above 32767, the highest Thrift id/.test(line)),
    );
    const complaint = twins ? complaintOf(twins, "thrift") : "";
    if (complaint !== "") faults.push(complaint);
  }
  return faults;
}

test(
  "Apache Thrift's own files load where the compiler takes them, and else have an error with its place",
  SLOW,
  async ({ skip }) => {
    skip(missing !== undefined, missing);
    const folder = await folderOf("github.com/apache/thrift");
    const paths = filesBelow(folder, ".thrift");
    expect(paths.length).toBeGreaterThan(150);
    const faults: string[] = [];
    for (const path of paths) {
      const { twins, refused } = read(path, []);
      const compiles = compile("thrift", ["-r"], path, dirname(path)) === "";
      if (compiles && !twins) faults.push(...refused.map(formatDiagnostic));
      if (!twins && !refused.some(({ position: { line, column } }) => line > 0 && column > 0)) faults.push(path);
      const complaint = twins ? complaintOf(twins, "protoc") : "";
      if (complaint !== "") faults.push(complaint);
    }
    expect(faults).toEqual([]);
  },
);

test("the test protos of Protobuf's library for Go load, and their twins compile", SLOW, async ({ skip }) => {
  skip(missing !== undefined, missing);
  const folder = await folderOf("google.golang.org/protobuf");
  const paths = filesBelow(folder, ".proto");
  expect(paths.length).toBeGreaterThan(100);
  expect(checkProtos(paths, [folder, join(folder, "src")])).toEqual([]);
});

const repository = process.env["CAUSEWAY_PROTOBUF"];
if (repository !== undefined) {
  test(
    "all unittest and test_messages protos of Protobuf's repository load, and their twins compile",
    SLOW,
    ({ skip }) => {
      skip(missing !== undefined, missing);
      const paths = filesBelow(repository, ".proto").filter((path) => /\/(unittest|test_messages_)[^/]*$/.test(path));
      expect(paths.length).toBeGreaterThan(90);
      const named = checkProtos(paths, [join(repository, "src"), repository]);
      expect(named.map((fault) => relative(repository, fault))).toEqual([]);
    },
  );
}
