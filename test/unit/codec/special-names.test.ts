// Names that JavaScript's objects have of themselves are ordinary names: of fields, map keys, enums and their values, messages,
// services and methods, in every codec and in all that reads and writes IDL.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { explain } from "../../../src/codec/explain.ts";
import { compileInterpreter } from "../../../src/codec/interpret.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import { writeDescriptorSet } from "../../../src/schema/descriptor.ts";
import { loadSchema } from "../../../src/schema/load.ts";
import { applyRules, readOverrides } from "../../../src/schema/overrides.ts";
import { messagesThrift } from "../schema/diff-fixture.ts";
import { complaintsOf, createFindings, derive, inFolder, link, schemaOf } from "../schema/schema-fixture.ts";
import { LIMITS } from "./idl-link.ts";

const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "prototype"];
const each = (line: (name: string, i: number) => string): string => NAMES.map(line).join("\n");

const THRIFT = `namespace * t
enum constructor {
${each((name, i) => `  ${name} = ${i}`)}
}
struct __proto__ {
${each((name, i) => `  ${i + 1}: optional i32 ${name}`)}
}
struct toString {
  1: optional __proto__ __proto__
  2: map<string, __proto__> constructor
  3: map<string, string> hasOwnProperty
  4: optional constructor valueOf
  5: list<constructor> prototype
}
exception valueOf {
  1: optional string __proto__
}
service hasOwnProperty {
${each((name) => `  toString ${name}(1: toString ${name}) throws (1: valueOf valueOf)`)}
}
`;

const PROTO = `syntax = "proto3"; package __proto__.constructor;
message toString {
  message __proto__ { ${each((name, i) => `optional int32 ${name} = ${i + 1};`)} }
  message Holder { enum isPrototypeOf { ${each((name, i) => `${name} = ${i};`)} } }
  __proto__ valueOf = 1;
  map<string, __proto__> constructor = 2;
  Holder.isPrototypeOf hasOwnProperty = 4;
  oneof prototype { string a = 7; int32 toString = 8; }
}
service valueOf {
${each((name) => `  rpc ${name}(toString) returns (toString);`)}
}
`;

/** A value that uses every name; of __proto__ as a field, Proto is the lowerCamelCase. */
const VALUE = {
  Proto: { Proto: 1, constructor: 2, toString: 3, hasOwnProperty: 4, valueOf: 5, prototype: 6 },
  constructor: Object.fromEntries(NAMES.map((name, i) => [name, { prototype: i }])),
  hasOwnProperty: Object.fromEntries(NAMES.map((name) => [name, `${name}!`])),
  valueOf: "CONSTRUCTOR_hasOwnProperty",
  prototype: NAMES.map((name) => `CONSTRUCTOR_${name}`),
};

const CODECS: readonly Codec[] = ["thrift-binary", "thrift-compact", "protobuf", "json", "thrift-json"];

describe("messages", () => {
  const { linked } = link({ "t.thrift": THRIFT });
  const message = linked.schema.messages.get("t.toString")?.find(({ wire }) => wire === "thrift");
  if (!message) throw new Error("t.toString is not there");
  const body = { kind: "whole", link: linked.messageLink(message) } as const;
  const json = JSON.stringify(VALUE);

  test.each(CODECS)("pass through %s and back, in the interpreter and in the engine", (codec) => {
    const losses = { unknownFields: 0, duplicates: 0 };
    for (const compile of [compileInterpreter, compileTranscoder]) {
      const there = compile(body, "json", codec, LIMITS)(Buffer.from(json), losses);
      for (const other of CODECS) {
        const further = compile(body, codec, other, LIMITS)(there, losses);
        const back = compile(body, other, "json", LIMITS)(further, losses);
        expect(JSON.parse(Buffer.from(back).toString())).toEqual(JSON.parse(json));
      }
    }
    expect(losses).toEqual({ unknownFields: 0, duplicates: 0 });
  });

  test("are read by the names as they are, and keep the order of their keys in JSON", () => {
    const again = compileInterpreter(body, "json", "json", LIMITS);
    const named = json.replaceAll('"Proto"', '"__proto__"');
    const losses = { unknownFields: 0, duplicates: 0 };
    expect(Buffer.from(again(Buffer.from(named), losses)).toString()).toBe(json);
    expect(losses.unknownFields).toBe(0);
  });

  test("are explained by these names", () => {
    const losses = { unknownFields: 0, duplicates: 0 };
    const bytes = compileInterpreter(body, "json", "thrift-binary", LIMITS)(Buffer.from(json), losses);
    const paths: string[] = [];
    expect(explain(bytes, "thrift-binary", message, 64, ({ path }) => paths.push(path))).toBeUndefined();
    expect(paths).toEqual(expect.arrayContaining(["__proto__.constructor", "constructor[0].key", "prototype[5]"]));
  });

  test("with a member that is not there are refused as with any other", () => {
    const refuse = { refuseUnknown: true, firstLine: 1 };
    const read = compileInterpreter(body, "json", "protobuf", LIMITS, refuse);
    const run = (text: string) => () => read(Buffer.from(text), { unknownFields: 0, duplicates: 0 });
    expect(run('{"isPrototypeOf":1}')).toThrow(/isPrototypeOf: there is no such field/);
    expect(run('{"valueOf":"toLocaleString"}')).toThrow(/expected a value of t.constructor/);
    expect(run('{"__proto__":{"__proto__":1,"__proto__":2}}')).toThrow(/the field comes twice/);
  });

  test("simplejson has these names", () => {
    const losses = { unknownFields: 0, duplicates: 0 };
    const text = compileInterpreter(body, "json", "thrift-simplejson", LIMITS)(Buffer.from(json), losses);
    expect(Buffer.from(text).toString()).toContain('"__proto__":{"__proto__":1,"constructor":2');
  });
});

describe("IDL", () => {
  test.each([
    ["Thrift", { "t.thrift": THRIFT }, "t.proto"],
    ["Protobuf", { "p.proto": PROTO }, "p.thrift"],
  ])("of %s derives without a finding, and there and back has the same names", (_language, texts, twin) => {
    const { texts: twins, found } = derive(texts);
    expect(found).toEqual([]);
    const again = derive({ [twin]: twins[twin] ?? "" });
    expect(again.found).toEqual([]);
    const back = again.texts[Object.keys(texts)[0] ?? ""] ?? "";
    for (const name of NAMES) expect(back).toMatch(new RegExp(`\\b${name}\\b`));
    if ("t.thrift" in texts) expect(back).toBe(derive({ "t.proto": twins["t.proto"] ?? "" }).texts["t.thrift"]);
  });

  test("the compilers of both languages take what was derived", (context) => {
    const complaints = [
      complaintsOf("protoc", derive({ "t.thrift": THRIFT }).texts),
      complaintsOf("thrift", derive({ "p.proto": PROTO }).texts),
    ];
    if (complaints.includes(undefined)) return context.skip("needs protoc and thrift: npm run setup");
    expect(complaints).toEqual(["", ""]);
  });

  test("comes out of a binary descriptor set as it went in, and a version of itself breaks nothing", () => {
    const schema = schemaOf({ "p.proto": PROTO });
    inFolder({}, (folder) => {
      const path = join(folder, "p.binpb");
      writeFileSync(path, writeDescriptorSet(schema.files));
      const { found, report } = createFindings();
      const read = loadSchema([path], { includeDirs: [], allowNegativeKeys: false }, report);
      expect(found).toEqual([]);
      expect([...(read?.messages.keys() ?? [])]).toEqual([...schema.messages.keys()]);
      const [before] = schema.messages.get("__proto__.constructor.toString.__proto__") ?? [];
      const [after] = read?.messages.get("__proto__.constructor.toString.__proto__") ?? [];
      expect(after?.fields.map(({ name, id }) => [name, id])).toEqual(before?.fields.map(({ name, id }) => [name, id]));
      const service = read?.services.get("__proto__.constructor.valueOf")?.[0];
      expect(service?.methods.map(({ name }) => name)).toEqual(NAMES);
    });
  });

  test("differs where it differs: a field, a value and a method of these names that go are found, and nothing else", () => {
    const body = THRIFT.replace("namespace * t\n", "");
    expect(messagesThrift(body, body)).toEqual([]);
    const less = body
      .replace("  2: optional i32 constructor\n", "")
      .replace("  valueOf = 4\n", "")
      .replace(/ {2}toString prototype\(.*\n/, "");
    expect(messagesThrift(body, less)).toEqual([
      expect.stringContaining('"valueOf" (4) was removed from enum "constructor"'),
      expect.stringContaining('field "constructor" (2) was removed'),
      expect.stringContaining('method "prototype" was removed from service "hasOwnProperty"'),
    ]);
  });

  test("takes rules by these names", () => {
    const { found, report } = createFindings();
    const at = () => ({ file: "rules.yaml", line: 1, column: 1 });
    const rules = Object.fromEntries([["t.__proto__.__proto__", { field: 77 }]]);
    const schema = applyRules(schemaOf({ "t.thrift": THRIFT }), readOverrides(rules, ["rules"], at), report);
    expect(found).toEqual([]);
    expect(schema.messages.get("t.__proto__")?.[0]?.fields[0]?.rules.field).toBe(77);
    applyRules(schema, readOverrides({ "t.isPrototypeOf": { lossy: true } }, ["rules"], at), report);
    expect(found).toHaveLength(1);
  });
});
