import { expect, test } from "vitest";
import { type Field, type FieldType, fieldsOf, type MessageType, type SchemaFile } from "../../../src/schema/model.ts";
import { builtinProto, protoFile, readProto } from "./proto-text.ts";

function message(file: SchemaFile, fullName: string): MessageType {
  const found = file.messages.find((candidate) => candidate.fullName === fullName);
  if (!found) throw new Error(`no ${fullName} among ${file.messages.map((candidate) => candidate.fullName)}`);
  return found;
}

function field(file: SchemaFile, fullName: string, name: string): Field {
  const found = message(file, fullName).fields.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no ${name} in ${fullName}`);
  return found;
}

/** `list<int32,packed>`, `map<string,a.B>` and so on. */
function shown(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enum":
      return type.type.fullName;
    case "message":
      return type.type.fullName + (type.delimited ? " delimited" : "");
    case "list":
      return `list<${shown(type.element)}${type.packed ? ",packed" : ""}>`;
    case "set":
      return `set<${shown(type.element)}>`;
    case "map":
      return `map<${shown(type.key)},${shown(type.value)}>`;
  }
}

test("proto3 fields have their types, numbers, presence and packing", () => {
  const file = protoFile(`syntax = "proto3";
package a.b;
message M {
  int32 plain = 1;
  optional int32 maybe = 2;
  N inner = 3;
  repeated sint64 many = 4;
  repeated sint64 unpacked = 5 [packed = false];
  repeated string texts = 6;
  map<string, N> by_name = 7;
  oneof choice { bytes raw = 8; E kind = 9; }
  message N {}
}
enum E { E_ZERO = 0; E_MINUS = -1; E_HEX = 0x10; }
`);
  expect(file.package).toBe("a.b");
  expect(file.syntax).toBe("proto3");
  expect(
    message(file, "a.b.M").fields.map((f) => [f.name, f.id, f.presence, f.oneof, shown(f.type)].join(" ")),
  ).toEqual([
    "plain 1 implicit  int32",
    "maybe 2 optional  int32",
    "inner 3 optional  a.b.M.N",
    "many 4 implicit  list<sint64,packed>",
    "unpacked 5 implicit  list<sint64>",
    "texts 6 implicit  list<string>",
    "by_name 7 implicit  map<string,a.b.M.N>",
    "raw 8 optional choice bytes",
    "kind 9 optional choice a.b.E",
  ]);
  expect(message(file, "a.b.M.N").parent).toBe(message(file, "a.b.M"));
  expect(message(file, "a.b.M").fieldsById.get(4)?.name).toBe("many");
  expect(file.enums[0]?.values.map(({ name, number }) => [name, number])).toEqual([
    ["E_ZERO", 0],
    ["E_MINUS", -1],
    ["E_HEX", 16],
  ]);
  expect(file.enums[0]?.closed).toBe(false);
});

test("proto2 has required fields, groups, closed enums, exact defaults, and packs only when told", () => {
  const file = protoFile(`syntax = "proto2";
message M {
  required int64 id = 1 [default = 9223372036854775807];
  optional uint64 mask = 2 [default = 0xFFFFFFFFFFFFFFFF, deprecated = true];
  optional string text = 3 [default = "caf\\303\\251 \\x41" "\\n"];
  optional bytes raw = 4 [default = '\\000\\377'];
  optional E kind = 5 [default = TWO];
  optional double low = 6 [default = -inf];
  optional bool on = 7 [default = true];
  optional sint32 less = 8 [default = -7];
  repeated int32 a = 9;
  repeated int32 b = 10 [packed = true];
  repeated group Item = 11 { optional string sku = 1; }
  enum E { ONE = 1; TWO = 2; }
}`);
  const defaultOf = (name: string): unknown => field(file, "M", name).defaultValue?.["value" as never];
  expect(field(file, "M", "id").presence).toBe("required");
  expect(defaultOf("id")).toBe(9223372036854775807n);
  expect(defaultOf("mask")).toBe(0xffffffffffffffffn);
  expect(field(file, "M", "mask").annotations).toEqual([["deprecated", "true"]]);
  expect(defaultOf("text")).toBe("café A\n");
  expect(defaultOf("raw")).toEqual(Uint8Array.of(0, 255));
  expect(defaultOf("kind")).toBe(2n);
  expect(defaultOf("low")).toBe(Number.NEGATIVE_INFINITY);
  expect(defaultOf("on")).toBe(true);
  expect(defaultOf("less")).toBe(-7n);
  expect(shown(field(file, "M", "a").type)).toBe("list<int32>");
  expect(shown(field(file, "M", "b").type)).toBe("list<int32,packed>");
  expect(shown(field(file, "M", "item").type)).toBe("list<M.Item delimited>");
  expect(file.enums[0]?.closed).toBe(true);
});

test("editions take presence, packing, closed enums and delimited messages from features, the inner ones first", () => {
  const file = protoFile(`edition = "2023";
package e;
option features.field_presence = IMPLICIT;
message M {
  int32 implicit = 1;
  int32 explicit = 2 [features.field_presence = EXPLICIT];
  int32 required = 3 [features.field_presence = LEGACY_REQUIRED];
  repeated int32 packed = 4;
  repeated int32 expanded = 5 [features.repeated_field_encoding = EXPANDED];
  M inner = 6 [features = { message_encoding: DELIMITED }];
}
enum Closed { option features.enum_type = CLOSED; ONE = 1; }
`);
  expect(message(file, "e.M").fields.map((f) => `${f.name} ${f.presence} ${shown(f.type)}`)).toEqual([
    "implicit implicit int32",
    "explicit optional int32",
    "required required int32",
    "packed implicit list<int32,packed>",
    "expanded implicit list<int32>",
    "inner optional e.M delimited",
  ]);
  expect(file.enums[0]?.closed).toBe(true);
});

test("services have methods with their streaming and idempotence", () => {
  const file = protoFile(`syntax = "proto3";
package s;
message M {}
service S {
  option deprecated = true;
  // Plain.
  rpc Plain(M) returns (.s.M);
  rpc Up(stream M) returns (M) {}
  rpc Down(M) returns (stream s.M) { option idempotency_level = IDEMPOTENT; }
  rpc Both(stream M) returns (stream M) { option idempotency_level = NO_SIDE_EFFECTS; }
}`);
  const [service] = file.services;
  expect(service?.fullName).toBe("s.S");
  expect(service?.annotations).toEqual([["deprecated", "true"]]);
  expect(service?.methods.map((m) => `${m.service}/${m.name} ${m.streaming} ${m.idempotent}`)).toEqual([
    "s.S/Plain none false",
    "s.S/Up client false",
    "s.S/Down server true",
    "s.S/Both bidi true",
  ]);
  expect(service?.methods[0]?.request).toBe(file.messages[0]);
  expect(service?.methods[0]?.doc).toBe("Plain.");
});

test("docs are the comment above, else the one behind, and never one that a blank line parts", () => {
  const file = protoFile(`// Of the file.
syntax = "proto3";

// Of nobody.

/**
 * Of the message,
 *   two lines.
 */
message M {
  int32 a = 1; // behind a
  // Above b,
  // in two lines.
  int32 b = 2; // behind b
  int32 c = 3;
}
enum E { // behind E
  Z = 0; /* behind Z */
}`);
  expect(file.doc).toBe("Of the file.");
  expect(message(file, "M").doc).toBe("Of the message,\n  two lines.");
  expect(message(file, "M").fields.map(({ doc }) => doc)).toEqual(["behind a", "Above b,\nin two lines.", undefined]);
  expect(file.enums[0]?.doc).toBe("behind E");
  expect(file.enums[0]?.values[0]?.doc).toBe("behind Z");
});

test("declarations stand at the line and column of their names, whatever comments and line breaks are around", () => {
  const file = protoFile(`syntax = "proto3"; /* message M {
*/ message
  M { map <string ,
      int32> m = 1; }`);
  expect(file.messages[0]?.position).toEqual({ file: "t.proto", line: 3, column: 3 });
  expect(file.messages[0]?.fields[0]?.position).toEqual({ file: "t.proto", line: 4, column: 14 });
});

test("options are kept as dotted names and printed values, aggregates flattened, repeated ones kept", () => {
  const file = protoFile(`syntax = "proto3";
option java_package = "com.x";
package p;
option (my.file) = { a: 1 b { c: "x" } b { c: "y" } list: [true, false] };
message M { int32 f = 1 [json_name = "g", (my.f).deep.er = 2]; }`);
  expect(file.annotations).toEqual([
    ["java_package", "com.x"],
    ["(my.file).a", "1"],
    ["(my.file).b.c", "x"],
    ["(my.file).b.c", "y"],
    ["(my.file).list", "true"],
    ["(my.file).list", "false"],
  ]);
  expect(field(file, "p.M", "f").annotations).toEqual([
    ["json_name", "g"],
    ["(my.f).deep.er", "2"],
  ]);
});

test("extensions are kept apart from the fields of the message they extend", () => {
  const file = protoFile(`syntax = "proto2";
package x;
message Base { extensions 100 to max; }
extend Base { optional int32 top = 100; }
message Holder { extend Base { repeated string inner = 101; } }`);
  expect(file.extensions?.map((e) => [e.fullName, e.extendee.fullName, e.id, e.parent?.name])).toEqual([
    ["x.top", "x.Base", 100, undefined],
    ["x.Holder.inner", "x.Base", 101, "Holder"],
  ]);
  expect(message(file, "x.Base").fields).toEqual([]);
});

test("a reference means the type of the innermost scope that knows its first part", () => {
  const file = protoFile(`syntax = "proto3";
package a.b;
message T {}
message Outer {
  message T {}
  T near = 1;
  b.T far = 2;
  .a.b.T root = 3;
  Outer.T same = 4;
}`);
  expect(message(file, "a.b.Outer").fields.map((f) => shown(f.type))).toEqual([
    "a.b.Outer.T",
    "a.b.T",
    "a.b.T",
    "a.b.Outer.T",
  ]);
});

test("imports give their types, and public imports those of others", () => {
  const time = builtinProto("google/protobuf/timestamp.proto");
  const middle = protoFile(`syntax = "proto3"; import public "time.proto"; message Mid {}`, { "time.proto": time });
  const file = protoFile(
    `syntax = "proto3"; import "middle.proto"; message M { google.protobuf.Timestamp t = 1; Mid m = 2; }`,
    { "middle.proto": middle },
  );
  expect(shown(field(file, "M", "t").type)).toBe("google.protobuf.Timestamp");
  const hidden = protoFile(`syntax = "proto3"; import "time.proto"; message Mid {}`, { "time.proto": time });
  const { said } = readProto(
    `syntax = "proto3"; import "middle.proto"; message M { google.protobuf.Timestamp t = 1; }`,
    {
      "middle.proto": { ...hidden, path: "middle.proto" },
    },
  );
  expect(said).toEqual([
    '1:55 there is no type "google.protobuf.Timestamp" here; it is in "google/protobuf/timestamp.proto", which is not imported',
  ]);
});

test("proto3 text begins with a byte order mark, too, and columns stay right", () => {
  expect(readProto(`\uFEFFsyntax = "proto3"; message M { int32 a = 0; }`).said).toEqual([
    "1:43 field number 0 is out of range; expected 1 to 536870911",
  ]);
});

test("integers in options are exact, in decimal, octal and hexadecimal", () => {
  const file = protoFile(`option (a) = 18446744073709551615; option (b) = -9223372036854775808; option (c) = 0x10;
option (d) = 017; option (e) = 1.50; option (f) = -inf; option (g) = 1e3;`);
  expect(file.annotations.map(([, value]) => value)).toEqual([
    ...["18446744073709551615", "-9223372036854775808", "16", "15", "1.5", "-inf", "1000"],
  ]);
});

test("aggregates take every form of the text format", () => {
  const file = protoFile(`option (o) = {
    a: 'one' "two", b < c: - 5; >  // a comment
    list [ { x: 1 }, < x: 2 > ] none: [] empty {}
    [pkg.ext] { y: true } [type.googleapis.com/pkg.Any] { z: WORD }
    text: "\\u00e9\\U0001F600\\ud83d\\ude00\\101\\x42\\?"
  };`);
  expect(file.annotations).toEqual([
    ["(o).a", "onetwo"],
    ["(o).b.c", "-5"],
    ["(o).list.x", "1"],
    ["(o).list.x", "2"],
    ["(o).empty", "{}"],
    ["(o).(pkg.ext).y", "true"],
    ["(o).[type.googleapis.com/pkg.Any].z", "WORD"],
    ["(o).text", "é😀😀AB?"],
  ]);
});

test("groups stand in messages, oneofs, extensions and groups, and hold all that messages do", () => {
  const file = protoFile(`message M {
    oneof pick { group One = 1 { oneof inner { group Two = 1 { extensions 5 to 9; } } reserved 7; } }
    extensions 100;
  }
  extend M { repeated group Ext = 100 { optional int32 a = 1; } }`);
  expect(file.messages.map(({ fullName }) => fullName)).toEqual(["M", "M.One", "M.One.Two", "Ext"]);
  expect(field(file, "M", "one").oneof).toBe("pick");
  expect(shown(field(file, "M.One", "two").type)).toBe("M.One.Two delimited");
  expect(message(file, "M.One.Two").extensionRanges).toEqual([{ from: 5, to: 9, annotations: [] }]);
  expect(shown(file.extensions?.[0]?.type ?? expect.fail())).toBe("list<Ext delimited>");
});

test("reserved numbers and names and extension ranges with their options are kept", () => {
  const file = protoFile(`message M {
    reserved 2, 5 to 7; reserved "a", "b";
    extensions 100, 200 to max [verification = UNVERIFIED];
  }
  enum E { A = 1; reserved -5 to -3, 9 to max; reserved "B"; }`);
  expect(message(file, "M").reserved).toEqual({
    ranges: [
      { from: 2, to: 2 },
      { from: 5, to: 7 },
    ],
    names: ["a", "b"],
  });
  expect(message(file, "M").extensionRanges).toEqual([
    { from: 100, to: 100, annotations: [["verification", "UNVERIFIED"]] },
    { from: 200, to: 536870911, annotations: [["verification", "UNVERIFIED"]] },
  ]);
  expect(file.enums[0]?.reserved).toEqual({
    ranges: [
      { from: -5, to: -3 },
      { from: 9, to: 2147483647 },
    ],
    names: ["B"],
  });
  expect(protoFile('edition = "2023"; message M { reserved a, b; }').messages[0]?.reserved?.names).toEqual(["a", "b"]);
});

test("a message knows the extensions of it in every file, by their number too, but not those of options", () => {
  const base = protoFile("package x; message Base { extensions 100 to max; optional int32 own = 1; }");
  const file = protoFile(`import "base.proto"; extend x.Base { optional string far = 100; }`, { "base.proto": base });
  const type = message(base, "x.Base");
  expect(type.extensions).toEqual(file.extensions);
  expect(type.fieldsById.get(100)).toBe(file.extensions?.[0]);
  expect(fieldsOf(type).map(({ name }) => name)).toEqual(["own", "far"]);
});

test("keywords and names of object properties are names like others", () => {
  const file = protoFile(`message message { optional message message = 1; optional string.x option_ = 2;
    optional int32 enum = 3; optional int32 to = 4; optional int32 __proto__ = 5; optional int32 constructor = 6; }
  message string { message x {} }
  enum enum { option = 0; reserved = 1; toString = 2; hasOwnProperty = 3 [deprecated = true]; }
  message local { optional local export = 1; optional group Group = 2 {} }`);
  expect(message(file, "message").fields.map(({ name }) => name)).toEqual([
    ...["message", "option_", "enum", "to", "__proto__", "constructor"],
  ]);
  expect(file.enums[0]?.values.map(({ name }) => name)).toEqual(["option", "reserved", "toString", "hasOwnProperty"]);
  expect(file.enums[0]?.values[3]?.annotations).toEqual([["deprecated", "true"]]);
});

test("edition 2024 hides nested and local types from other files, and knows imports for options alone", () => {
  const lib = protoFile(`edition = "2024"; package lib;
    message Open { message Inner {} export message Shown {} }
    local message Closed {} local enum Kind { ZERO = 0; }`);
  const use = (type: string): readonly string[] =>
    readProto(`syntax = "proto3"; import "lib.proto"; message M { ${type} a = 1; }`, { "lib.proto": lib }).said;
  expect(use("lib.Open")).toEqual([]);
  expect(use("lib.Open.Shown")).toEqual([]);
  for (const type of ["lib.Open.Inner", "lib.Closed", "lib.Kind"]) {
    expect(use(type)).toEqual([`1:52 "${type}" is local to "t.proto"; export it there to refer to it here`]);
  }
  const text = 'edition = "2024"; import option "lib.proto"; message M {}';
  const file = protoFile(text, { "lib.proto": lib });
  expect([file.imports, file.optionImports]).toEqual([[], [lib]]);
  expect(message(lib, "lib.Closed").visibility).toBe("local");
});

test("an option that Protobuf does not have is warned about where it stands", () => {
  const { file, said } = readProto(`option java_pakage = "x";
    message M { option deprected = true; optional int32 a = 1 [(custom).x = 1, jsonname = "b", features.x = 1]; }`);
  expect(file).toBeDefined();
  const hint = "one that is declared as an extension stands in parentheses";
  expect(said).toEqual([
    `2:13 there is no message option "deprected"; ${hint}`,
    `2:57 there is no field option "jsonname"; ${hint}`,
    `1:1 there is no file option "java_pakage"; ${hint}`,
  ]);
});

test("the edition UNSTABLE has integers of fixed width, and words of its own for the others", () => {
  const text = (field: string) => `edition = "UNSTABLE"; message M { ${field} }`;
  const words =
    "int32 a = 1; int64 b = 2; uint32 c = 3; uint64 d = 4; varint32 e = 5; uvarint64 f = 6; zigzag32 g = 7; map<int32, zigzag64> h = 8;";
  expect(protoFile(text(words)).messages[0]?.fields.map(({ type }) => type)).toMatchObject([
    { name: "sfixed32" },
    { name: "sfixed64" },
    { name: "fixed32" },
    { name: "fixed64" },
    { name: "int32" },
    { name: "uint64" },
    { name: "sint32" },
    { key: { name: "sfixed32" }, value: { name: "sint64" } },
  ]);
  expect(readProto(text("sint32 a = 1;")).said).toEqual([
    '1:35 unexpected "sint32"; expected another type: the edition UNSTABLE has no sint32',
  ]);
});
