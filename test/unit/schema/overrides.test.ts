import { expect, test } from "vitest";
import { linkSchema } from "../../../src/schema/link-schema.ts";
import type { MessageType, Rules, Schema } from "../../../src/schema/model.ts";
import { applyRules, checkPackages, type Override } from "../../../src/schema/overrides.ts";
import { createFindings, schemaOf, type Texts } from "./schema-fixture.ts";

/** Overrides of which each stands on a line of its own, and its rules from column 20 on. */
function overridesOf(rules: Readonly<Record<string, Rules>>): readonly Override[] {
  return Object.entries(rules).map(([name, own], i) => ({
    name,
    rules: own,
    at: (rule) => ({ file: "c.yaml", line: i + 1, column: rule ? 20 + Object.keys(own).indexOf(rule) : 1 }),
  }));
}

function apply(texts: Texts, rules: Readonly<Record<string, Rules>>): { schema: Schema; found: readonly string[] } {
  const { found, report } = createFindings();
  return { schema: applyRules(schemaOf(texts), overridesOf(rules), report), found };
}

/** What linking says after the overrides. */
function linkWith(texts: Texts, rules: Readonly<Record<string, Rules>>) {
  const { schema, found: wrong } = apply(texts, rules);
  const { found, report } = createFindings();
  return { linked: linkSchema(schema, { pairs: [] }, report), found: [...wrong, ...found], schema };
}

const THRIFT = `namespace * t
enum E { A = 1 }
struct P { 1: optional double x, 2: optional P next, 3: optional E e }
exception X {}
service S { P get(1: i32 id, 2: P p) throws (1: X x) }`;

test("every thing that has a name takes the rules of its name, and nothing else does", () => {
  const { schema, found } = apply(
    { "t.thrift": THRIFT },
    {
      t: { lossy: true },
      "t.P": { exact: true },
      "t.P.x": { lossy: false },
      "t.E": { unknownEnum: "error" },
      "t.E.A": { name: "FIRST" },
      "t.X": { code: "NOT_FOUND" },
      "t.S": { unwrap: true },
      "t.S.get": { unwrap: false },
      "t.S.get.id": { type: "sint32" },
      "t.S.get.success": { lossy: true },
      "t.S.get.x": { name: "y" },
    },
  );
  expect(found).toEqual([]);
  const [file] = schema.files;
  const [p, x] = file?.messages ?? [];
  const [service] = file?.services ?? [];
  const [get] = service?.methods ?? [];
  expect([file, p, p?.fields[0], file?.enums[0], file?.enums[0]?.values[0], x].map((thing) => thing?.rules)).toEqual([
    { lossy: true },
    { exact: true },
    { lossy: false },
    { unknownEnum: "error" },
    { name: "FIRST" },
    { code: "NOT_FOUND" },
  ]);
  expect([service?.rules, get?.rules]).toEqual([{ unwrap: true }, { unwrap: false }]);
  expect(get?.request?.fields.map(({ rules }) => rules)).toEqual([{ type: "sint32" }, {}]);
  expect(get?.response?.fields.map(({ rules }) => rules)).toEqual([{ lossy: true }, { name: "y" }]);
});

test("the things of the new schema refer to each other, and the given schema stays as it is", () => {
  const given = schemaOf({ "t.thrift": THRIFT });
  const schema = applyRules(given, overridesOf({ "t.P": { exact: true } }), () => {});
  const typeOf = (message: MessageType | undefined, i: number): unknown => {
    const type = message?.fields[i]?.type;
    return type?.kind === "message" || type?.kind === "enum" ? type.type : undefined;
  };
  const [file] = schema.files;
  const [p] = file?.messages ?? [];
  expect(typeOf(p, 1)).toBe(p);
  expect(typeOf(p, 2)).toBe(file?.enums[0]);
  expect(p?.fieldsById.get(2)).toBe(p?.fields[1]);
  expect(typeOf(file?.services[0]?.methods[0]?.request, 1)).toBe(p);
  expect(schema.messages.get("t.P")).toEqual([p]);
  expect(given.files[0]?.messages[0]?.rules).toEqual({});
});

test("without overrides the schema is the given one", () => {
  const given = schemaOf({ "t.thrift": THRIFT });
  expect(applyRules(given, [], () => {})).toBe(given);
});

test("a name that nothing has is an error at its place, with the nearest name that something has", () => {
  const { found } = apply(
    { "t.thrift": THRIFT },
    { "t.P.y": { exact: true }, "t.Q": { exact: true }, "u.S": { unwrap: true } },
  );
  expect(found).toEqual([
    "c.yaml:1:1 error: t.P.y: unknown name, did you mean t.P.x?",
    expect.stringMatching(/^c\.yaml:2:1 error: t\.Q: unknown name, did you mean t\.[PEXS]\?$/),
    expect.stringMatching(/^c\.yaml:3:1 error: u\.S: unknown name, did you mean t\.[PEXS]\?$/),
  ]);
});

test("a rule that says nothing about its thing is an error that names what it is for", () => {
  const { found } = apply({ "t.thrift": THRIFT }, { "t.P.x": { lossy: true, code: "ABORTED" }, "t.E": { bits: true } });
  expect(found).toEqual([
    'c.yaml:1:21 error: t.P.x: the rule "code" says nothing about a field; expected a message',
    'c.yaml:2:20 error: t.E: the rule "bits" says nothing about an enum; expected a package or a service or a method or a message or a field',
  ]);
});

test("of annotation, option and config the later wins", () => {
  const texts = (annotation: string, option: string): Texts => ({
    "a.thrift": `namespace * t\nstruct S { 1: optional i64 a ${annotation} }`,
    "b.proto": `syntax = "proto3"; package t; import "causeway/options.proto"; message S { optional uint64 a = 1 ${option}; }`,
  });
  const bitsOf = (annotation: string, option: string, rules: Readonly<Record<string, Rules>>): unknown => {
    const { linked, schema } = linkWith(texts(annotation, option), rules);
    const [type] = schema.messages.get("t.S") ?? [];
    return type && linked.messageLink(type).fields[0]?.value;
  };
  const [yes, no] = ['(pb.bits = "true")', '(pb.bits = "false")'];
  const [on, off] = ["[(causeway.rules).bits = true]", "[(causeway.rules).bits = false]"];
  expect(bitsOf(yes, "", {})).toMatchObject({ bits: true });
  expect(bitsOf(yes, off, {})).toMatchObject({ bits: false });
  expect(bitsOf(no, on, {})).toMatchObject({ bits: true });
  expect(bitsOf(no, off, { "t.S.a": { bits: true } })).toMatchObject({ bits: true });
  expect(bitsOf(yes, on, { "t.S.a": { bits: false } })).toMatchObject({ bits: false });
});

test("a path with a package of its own that no Thrift file has is an error", () => {
  const { found, report } = createFindings();
  const schema = schemaOf({ "t.thrift": THRIFT });
  const path = schema.files[0]?.path ?? "";
  checkPackages(
    schema,
    [path, path.replace("t.thrift", "u.thrift")],
    () => ({ file: "c.yaml", line: 7, column: 3 }),
    report,
  );
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^c\.yaml:7:3 error: .*u\.thrift: unknown Thrift file, did you mean .*\/t\.thrift\?$/);
});
