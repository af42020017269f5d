import { join } from "node:path";
import { expect, test } from "vitest";
import { buildStubModel } from "../../../codegen/build-stub-model.ts";
import type { StubField, StubModel } from "../../../codegen/stub-model.ts";
import { type Diagnostic, formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { loadSchema } from "../../../src/schema/load.ts";
import type { Wire } from "../../../src/schema/model.ts";
import { createFolder } from "../cli/cli-fixture.ts";

interface Built {
  readonly model: StubModel | undefined;
  readonly problems: readonly string[];
}

function build(files: Readonly<Record<string, string>>, wire?: Wire): Built {
  const folder = createFolder(files);
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void found.push(diagnostic);
  const paths = Object.keys(files).map((name) => join(folder, name));
  const schema = loadSchema(paths, { includeDirs: [], allowNegativeKeys: false }, report);
  const model = schema && buildStubModel(schema, wire, report);
  return { model, problems: found.map((each) => formatDiagnostic(each).replaceAll(`${folder}/`, "")) };
}

/** The fields of the first message, each as name, id, what is written and what absent means. */
function fieldsOf({ model }: Built): readonly (readonly unknown[])[] {
  const fields: readonly StubField[] = model?.files.at(-1)?.messages[0]?.fields ?? [];
  return fields.map(({ name, id, write, absent, optional }) => [name, id, write, absent, optional]);
}

const PRESENCE = "struct S { 1: required i32 a, 2: optional i32 b, 3: i32 c = 7, 4: list<i32> d }";

test("on Thrift's own wire default and required fields are always written, and only required ones are missed", () => {
  expect(fieldsOf(build({ "t.thrift": PRESENCE }))).toEqual([
    ["a", 1, "always", "error", false],
    ["b", 2, "present", "keep", true],
    ["c", 3, "always", "keep", false],
    ["d", 4, "always", "keep", false],
  ]);
});

test("on Protobuf Thrift's fields have the numbers and the presence of the derived twin, and an absent list is an empty one", () => {
  expect(fieldsOf(build({ "t.thrift": PRESENCE }, "protobuf"))).toEqual([
    ["a", 1, "always", "error", false],
    ["b", 2, "present", "keep", true],
    ["c", 3, "always", "keep", false],
    ["d", 4, "nonzero", "zero", false],
  ]);
});

const PROTO =
  'syntax = "proto3"; package p; message M { int32 a = 1; optional uint64 b = 2; M c = 3; repeated string d = 4; }';

test("on Protobuf's own wire implicit fields are written unless they are zero, and on Thrift always", () => {
  expect(fieldsOf(build({ "t.proto": PROTO }))).toEqual([
    ["a", 1, "nonzero", "keep", false],
    ["b", 2, "present", "keep", true],
    ["c", 3, "present", "keep", true],
    ["d", 4, "nonzero", "keep", false],
  ]);
  expect(fieldsOf(build({ "t.proto": PROTO }, "thrift")).map(([, , write]) => write)).toEqual([
    "always",
    "present",
    "present",
    "always",
  ]);
});

test("the API keeps the types of its author while the coding is the wire's", () => {
  const { model } = build({ "t.proto": PROTO }, "thrift");
  expect(model?.files[0]?.messages[0]?.fields[1]?.type).toEqual({
    kind: "scalar",
    api: "u64",
    coding: "i64",
    bits: false,
  });
});

test("two IDLs of one service are not taken for each other's partners: neither loses a field to the other", () => {
  const { model, problems } = build(
    { "a.thrift": "namespace * p\nstruct M { 9: i32 only }", "b.proto": PROTO },
    "protobuf",
  );
  expect(problems).toEqual([]);
  expect(model?.files.map(({ messages }) => messages[0]?.fields.length)).toEqual([1, 4]);
});

const SERVICE = `namespace * t
struct A { 1: i32 a }
exception E { 1: string why } (pb.code = "NOT_FOUND")
service Base { void ping() }
service S extends Base { A get(1: i32 id, 3: A a) throws (2: E e), A lone(1: A a) (pb.unwrap = "true"), oneway void note(1: string s) }`;

test("a method's exceptions are fields of Thrift's result, and details on Protobuf", () => {
  const own = build({ "t.thrift": SERVICE }).model?.files[0]?.services[1];
  expect(own?.methods.map(({ name }) => name)).toEqual(["ping", "get", "lone", "note"]);
  expect(own?.methods[1]).toMatchObject({ exceptions: "fields", throws: [{ id: 2, type: { code: "NOT_FOUND" } }] });
  const other = build({ "t.thrift": SERVICE }, "protobuf").model?.files[0]?.services[1];
  expect(other?.wireName).toBe("t.S");
  expect(other?.methods[1]).toMatchObject({ exceptions: "details", response: { kind: "fields", fields: [{ id: 1 }] } });
  expect(other?.methods[2]).toMatchObject({ request: { kind: "bare" }, response: { kind: "bare" } });
});

test("streaming methods are left out and listed", () => {
  const text =
    'syntax = "proto3"; package p; message M {} service S { rpc A(stream M) returns (M); rpc B(M) returns (M); }';
  const { model, problems } = build({ "t.proto": text });
  expect(model?.files[0]?.services[0]?.methods.map(({ name }) => name)).toEqual(["B"]);
  expect(problems).toEqual([
    't.proto:1:60: warning: method "A" of p.S is streaming, and is left out of the stubs: only gRPC and Connect carry streams',
  ]);
});

test("a rule that stubs cannot follow on the other wire is an error at its field, and there is no model", () => {
  const { model, problems } = build({ "t.thrift": 'struct S { 1: i64 at (pb.time = "ms") }' }, "protobuf");
  expect(model).toBeUndefined();
  expect(problems.join()).toMatch(/^t\.thrift:1:19: error: field "at" is overridden by a rule \(time\).*--wire thrift/);
});

test("of what Protobuf brings along only what is used is in the model", () => {
  const text =
    'syntax = "proto3"; package p; import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; message M { google.protobuf.Duration d = 1; }';
  expect(build({ "t.proto": text }).model?.files.map(({ source }) => source)).toEqual([
    "google/protobuf/duration.proto",
    "t.proto",
  ]);
});
