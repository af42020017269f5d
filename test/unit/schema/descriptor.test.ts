import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";
import { afterAll, expect, test } from "vitest";
import { type Diagnostic, formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { parseDescriptorSet, writeDescriptorSet, writeFileDescriptor } from "../../../src/schema/descriptor.ts";
import { loadSchema, readOptionsProto } from "../../../src/schema/load.ts";
import type { Annotations, Declaration, Field, FieldType, Schema, SchemaFile } from "../../../src/schema/model.ts";

const folder = mkdtempSync(join(tmpdir(), "causeway-descriptor-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hasProtoc = spawnSync("protoc", ["--version"]).status === 0;
const require = createRequire(import.meta.url);
const idl = join(import.meta.dirname, "../../../idl");

/** Files that between them say everything the language can say but editions, which Debian's protoc does not know. */
const TEXTS: Readonly<Record<string, string>> = {
  "three.proto": `syntax = "proto3";
package three;
import public "google/protobuf/timestamp.proto";
import "two.proto";
option java_package = "com.three";
option java_multiple_files = true;
option optimize_for = CODE_SIZE;
message M {
  int32 a_b = 1 [deprecated = true];
  optional string maybe = 2;
  optional E maybe_kind = 3 [json_name = "kindMaybe"];
  oneof pick { bytes raw = 4; Inner inner = 5; }
  repeated int64 many = 6;
  repeated E kinds = 7 [packed = false];
  map<string, Inner> by_name = 8;
  map<sint32, double> by_number_x = 9 [deprecated = true];
  google.protobuf.Timestamp at = 10 [jstype = JS_NORMAL];
  two.Old old = 12;
  oneof other { int32 last = 536870911; }
  reserved 20, 30 to 40, 1000 to 536870910;
  reserved "gone", "away";
  message Inner { option deprecated = true; enum Deep { DEEP = 0; } Deep deep = 1; }
}
enum E { reserved -9 to -7, 40 to max; reserved "PAST"; option allow_alias = true; ZERO = 0; MINUS = -5; NULL = 0 [deprecated = true]; }
service S {
  option deprecated = true;
  rpc One(M) returns (M.Inner);
  rpc Two(stream M) returns (stream M) { option idempotency_level = NO_SIDE_EFFECTS; }
}
`,
  "two.proto": `syntax = "proto2";
package two;
message Old {
  required int64 low = 1 [default = -9223372036854775808];
  optional uint64 high = 2 [default = 18446744073709551615];
  optional string text = 3 [default = "a\\"b\\n\\303\\251"];
  optional bytes raw = 4 [default = "\\000\\x7f'\\"\\\\\\377z"];
  optional Kind kind = 5 [default = B];
  optional float f = 6 [default = 0.1];
  optional double d = 7 [default = 1e300];
  optional double nan = 8 [default = nan];
  optional float inf = 9 [default = -inf];
  optional bool yes = 10 [default = true];
  repeated int32 packed = 11 [packed = true];
  repeated int32 plain = 12;
  repeated group Item = 13 { required string sku = 1; optional group Deep = 2 { } }
  extensions 50, 100 to 200;
  extensions 1000 to max;
  oneof pick { group Part = 14 { optional int32 a = 1; extensions 5 to 6; } }
  enum Kind { A = 1; B = 2; }
  extend Old { optional string inside = 101; }
}
extend Old { repeated Old outside = 100; }
`,
  "rules.proto": `syntax = "proto3";
package custom;
import "causeway/options.proto";
import "google/protobuf/descriptor.proto";
option (causeway.file_rules).requiredness = "default";
message Setting {
  string get = 1;
  repeated Setting more = 2;
  repeated sint64 numbers = 3;
  Level level = 4;
  double ratio = 5;
  fixed32 fixed = 6;
}
enum Level { LOW = 0; HIGH = 3; }
extend google.protobuf.MethodOptions { Setting setting = 50001; repeated string tag = 50002; }
extend google.protobuf.FieldOptions { bool secret = 50003; uint64 exact = 50004; }
extend google.protobuf.OneofOptions { string why = 50005; }
message M {
  option (causeway.message_rules) = { args: true name: "m" };
  uint64 a = 1 [(causeway.rules).bits = true, (causeway.rules).field = -7, (secret) = true, (exact) = 18446744073709551615];
  oneof pick { option (why) = "because"; int32 one = 2; }
}
enum E { E_NONE = 0 [(causeway.value_rules).synthetic = true]; }
service S {
  rpc F(M) returns (M) {
    option (causeway.method_rules).unwrap = true;
    option (setting) = { get: "/x" more { get: "/y" numbers: [1, -2] } more { get: "/z" level: HIGH } ratio: 0.5 fixed: 7 };
    option (custom.tag) = "one";
    option (.custom.tag) = "two";
  }
}
`,
};
/** The same for editions. */
const EDITION = `edition = "2023";
package ed;
option features.field_presence = IMPLICIT;
message M {
  int32 a = 1 [features.field_presence = LEGACY_REQUIRED];
  int32 b = 2;
  repeated int32 c = 3 [features.repeated_field_encoding = EXPANDED];
  M d = 4 [features.message_encoding = DELIMITED];
  int32 e = 5 [features.field_presence = EXPLICIT, default = 7];
}
enum E { option features.enum_type = CLOSED; ONE = 1; reserved two, THREE; }
`;
const NEXT_EDITION = `edition = "2024";
package next;
import option "google/protobuf/descriptor.proto";
export message M {
  export message Seen { reserved 3 to 5; }
  message Hidden {}
  extensions 10 to 20 [verification = UNVERIFIED];
  extensions 30 to 40 [declaration = { number: 30, full_name: ".next.thirty", type: "int32" }];
}
local enum E { ZERO = 0; }
`;
writeFileSync(join(folder, "edition.proto"), EDITION);
writeFileSync(join(folder, "next-edition.proto"), NEXT_EDITION);
for (const [path, text] of Object.entries(TEXTS)) writeFileSync(join(folder, path), text);

function load(paths: readonly string[], includeDirs: readonly string[] = [folder, idl]): Schema {
  const said: string[] = [];
  const schema = loadSchema(paths, { includeDirs, allowNegativeKeys: false }, (d) => said.push(formatDiagnostic(d)));
  expect(said).toEqual([]);
  if (!schema) throw new Error("the files have faults");
  return schema;
}

function lastOf({ files }: Schema): SchemaFile {
  const file = files.at(-1);
  if (!file) throw new Error("no file");
  return file;
}

/** descriptor.proto and the extensions of these tests, so that custom options decode too. */
function createDescriptorRoot(): protobuf.Root {
  const root = protobuf.Root.fromJSON(require("protobufjs/google/protobuf/descriptor.json"));
  protobuf.parse(readOptionsProto(), root, { keepCase: true });
  protobuf.parse(TEXTS["rules.proto"] ?? "", root, { keepCase: true });
  root.resolveAll();
  return root;
}
const root = createDescriptorRoot();

/** What the model has no room for; see writeFileDescriptor. */
const LEFT_OUT = new Set(["sourceCodeInfo"]);

/** A decoded descriptor that compares by meaning: nothing that is left out, and nested types in order of name. */
function comparable(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) {
    const elements = value.map((element) => comparable(element));
    if (name !== "nestedType") return elements;
    return elements.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !LEFT_OUT.has(key));
  return Object.fromEntries(entries.map(([key, inner]) => [key, comparable(inner, key)]));
}

function decode(bytes: Uint8Array): unknown {
  const type = root.lookupType("google.protobuf.FileDescriptorProto");
  return comparable(type.toObject(type.decode(bytes), { enums: String, longs: String, bytes: String }));
}

/** The FileDescriptorProto that protoc makes of `path`, the last file of the set. */
function protoc(path: string, includeDirs: readonly string[]): Uint8Array {
  const out = join(folder, "protoc.binpb");
  const args = [...includeDirs.map((dir) => `-I${dir}`), `--descriptor_set_out=${out}`, path];
  const run = spawnSync("protoc", args, { encoding: "utf8" });
  expect(run.stderr).toBe("");
  const reader = protobuf.Reader.create(readFileSync(out));
  reader.uint32();
  return reader.bytes();
}

const packaged = dirname(dirname(dirname(require.resolve("protobufjs/google/protobuf/descriptor.proto"))));
const CASES: readonly (readonly [path: string, includeDirs: readonly string[]])[] = [
  ["three.proto", [folder]],
  ["two.proto", [folder]],
  ["rules.proto", [folder, idl]],
  ["causeway/options.proto", [idl]],
  ["shop/orders.proto", [idl]],
  ["shop/customer.proto", [idl]],
  ["google/protobuf/api.proto", [packaged]],
  ["google/protobuf/type.proto", [packaged]],
];

for (const [path, includeDirs] of CASES) {
  test(`the descriptor of ${path} means what protoc's does`, (context) => {
    context.skip(!hasProtoc, "needs protoc: apt-get install protobuf-compiler");
    const file = lastOf(load([join(includeDirs[0] ?? "", path)], includeDirs));
    expect(decode(writeFileDescriptor(file))).toEqual(decode(protoc(path, includeDirs)));
  });
}

test("the oneof of a proto3 optional takes a name that is free", () => {
  writeFileSync(join(folder, "free.proto"), 'syntax = "proto3"; message M { optional int32 a = 1; int32 _a = 2; }');
  expect(decode(writeFileDescriptor(lastOf(load([join(folder, "free.proto")]))))).toMatchObject({
    messageType: [{ oneofDecl: [{ name: "X_a" }] }],
  });
});

/** A type by its names, so that two models compare without their cycles. */
function shown(type: FieldType): string {
  if (type.kind === "list") return `list<${shown(type.element)}> ${type.packed}`;
  if (type.kind === "map") return `map<${shown(type.key)},${shown(type.value)}>`;
  if (type.kind === "scalar") return type.name;
  return "type" in type ? `${type.type.fullName} ${type.kind === "message" && type.delimited}` : type.kind;
}

/** Options by the full names of their extensions, in order of name; the rules are compared as rules. */
function options(annotations: Annotations): readonly (readonly [string, string])[] {
  const named = annotations.map(([key, value]): [string, string] => [
    key.replace("(.", "(").replace(/^\((setting|secret|exact|why)\)/, "(custom.$1)"),
    value,
  ]);
  return named.filter(([key]) => !key.startsWith("(causeway.")).sort(([a], [b]) => a.localeCompare(b));
}

/** All that a file says but positions and docs, without the cycles of the model. */
function said(file: SchemaFile): unknown {
  const own = ({ name, annotations, rules }: Declaration) => ({ name, rules, options: options(annotations) });
  const field = (each: Field) => ({
    ...own(each),
    ...{ id: each.id, presence: each.presence, oneof: each.oneof, default: each.defaultValue, type: shown(each.type) },
  });
  return {
    ...{ package: file.package, syntax: file.syntax, rules: file.rules, options: options(file.annotations) },
    imports: file.imports.map(({ importPath }) => importPath),
    public: file.publicImports?.map(({ importPath }) => importPath),
    messages: file.messages.map((type) => ({
      ...own(type),
      ...{ path: type.fullName, reserved: type.reserved, visibility: type.visibility },
      ranges: type.extensionRanges?.map((range) => ({ ...range, annotations: options(range.annotations) })),
      fields: type.fields.map(field),
      extensions: type.extensions?.map(({ fullName }) => fullName),
      oneofs: type.oneofs?.map(own),
    })),
    enums: file.enums.map((type) => ({
      ...own(type),
      ...{ path: type.fullName, closed: type.closed, reserved: type.reserved, visibility: type.visibility },
      values: type.values.map((value) => ({ ...own(value), number: value.number })),
    })),
    extensions: file.extensions?.map((each) => ({ ...field(each), path: each.fullName, of: each.extendee.fullName })),
    services: file.services.map((service) => ({
      ...own(service),
      methods: service.methods.map((method) => ({
        ...own(method),
        ...{ streaming: method.streaming, idempotent: method.idempotent },
        ...{ request: method.request?.fullName, response: method.response?.fullName },
      })),
    })),
  };
}

test("a schema written as a descriptor set and read again says the same", () => {
  for (const path of [...Object.keys(TEXTS), "edition.proto", "next-edition.proto"]) {
    const written = load([join(folder, path)]);
    const out = join(folder, "again.binpb");
    writeFileSync(out, writeDescriptorSet(written.files));
    const read = load([out], []);
    const own = read.files.find(({ importPath }) => importPath === path);
    expect(own && said(own)).toEqual(said(lastOf(written)));
  }
});

test("a set of protoc's with source info gives positions and docs", (context) => {
  context.skip(!hasProtoc, "needs protoc: apt-get install protobuf-compiler");
  const out = join(folder, "info.binpb");
  writeFileSync(join(folder, "info.proto"), 'syntax = "proto3";\n// Of M.\nmessage M {\n  int32 a = 1; // Of a.\n}\n');
  const args = [`-I${folder}`, "--include_source_info", `--descriptor_set_out=${out}`, "info.proto"];
  expect(spawnSync("protoc", args).status).toBe(0);
  const [message] = lastOf(load([out])).messages;
  expect(message?.doc).toBe("Of M.");
  expect(message?.position).toEqual({ file: `${out}(info.proto)`, line: 3, column: 9 });
  expect(message?.fields[0]?.doc).toBe("Of a.");
});

test("a set that lacks an import, and bytes that are no set, are errors", () => {
  const three = load([join(folder, "three.proto")]);
  const out = join(folder, "alone.binpb");
  writeFileSync(out, writeDescriptorSet([lastOf(three)]));
  const said: string[] = [];
  const options = { includeDirs: [], allowNegativeKeys: false };
  // The folder above the set holds two.proto, so look from elsewhere.
  const elsewhere = mkdtempSync(join(tmpdir(), "causeway-elsewhere-"));
  writeFileSync(join(elsewhere, "alone.binpb"), readFileSync(out));
  expect(loadSchema([join(elsewhere, "alone.binpb")], options, (d) => said.push(d.message))).toBeUndefined();
  rmSync(elsewhere, { recursive: true });
  expect(said).toEqual([expect.stringContaining('the imported file "two.proto" is not there')]);
  expect(said[0]).toContain("--include_imports");

  for (const bytes of [new Uint8Array(0), Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f), Buffer.from("syntax")]) {
    const diagnostics: Diagnostic[] = [];
    expect(parseDescriptorSet("x.binpb", bytes, (d) => diagnostics.push(d))).toBeUndefined();
    expect(diagnostics.map(({ message }) => message)).toEqual([expect.stringContaining("no FileDescriptorSet")]);
  }
});

test("mutated sets never throw", () => {
  const bytes = writeDescriptorSet(load([join(folder, "three.proto")]).files);
  for (let at = 0; at < bytes.length; at += 3) {
    const mutated = bytes.slice();
    mutated[at] = (mutated[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(join(folder, "mutated.binpb"), mutated);
    let errors = 0;
    const schema = loadSchema(
      [join(folder, "mutated.binpb")],
      { includeDirs: [], allowNegativeKeys: false },
      ({ severity }) => {
        if (severity === "error") errors++;
      },
    );
    expect(schema === undefined).toBe(errors > 0);
  }
});

test("a Thrift file has no descriptor", () => {
  writeFileSync(join(folder, "t.thrift"), "struct S {}");
  expect(() => writeFileDescriptor(lastOf(load([join(folder, "t.thrift")])))).toThrow("is no Protobuf file");
});
