// The overrides that the config states for IDL that cannot be edited: rules by the full names of the things they are for.
import { resolve } from "node:path";
import type { Position, Report } from "../base/diagnostic.ts";
import { unknownName, type YamlPath } from "../base/yaml.ts";
import type { Field, MessageType, Method, Rules, Schema, Service } from "./model.ts";
import { type Ruled, withOverrides } from "./rewrite.ts";
import { RULE_NAMES } from "./rules.ts";

/** The rules of everything that has one full name. */
export interface Override {
  /**
   * A package, `package.Message`, `.field` of it, `package.Enum`, `.VALUE` of it, `package.Service`, `.method` of it, and
   * `.argument`, `.exception` or `.success` of that.
   */
  readonly name: string;
  readonly rules: Rules;
  /** Where the name stands, or one of its rules. */
  at(rule?: keyof Rules): Position;
}

/** The overrides that stand at `path` of a YAML file, of which `at` knows the places. */
export function readOverrides(
  rules: Readonly<Record<string, Rules>>,
  path: YamlPath,
  at: (path: YamlPath) => Position,
): readonly Override[] {
  return Object.entries(rules).map(([name, own]) => ({
    name,
    rules: own,
    at: (rule) => at([...path, name, ...(rule === undefined ? [] : [RULE_NAMES.get(rule) ?? rule])]),
  }));
}

/** Reports each of the paths with a package of its own that no loaded Thrift file has, at its place. */
export function checkPackages(
  { files }: Schema,
  paths: readonly string[],
  at: (path: string) => Position,
  report: Report,
): void {
  const known = files.filter(({ wire }) => wire === "thrift").map(({ path }) => path);
  const resolved = new Set(known.map((path) => resolve(path)));
  for (const path of paths) {
    if (resolved.has(resolve(path))) continue;
    report({ severity: "error", position: at(path), message: `${path}: ${unknownName("Thrift file", path, known)}` });
  }
}

type Kind = "package" | "message" | "field" | "enum" | "enum value" | "service" | "method";

interface Target {
  readonly kind: Kind;
  readonly thing: Ruled;
}

const ON_ALL: readonly Kind[] = ["package", "message", "field", "enum", "enum value", "service", "method"];
/** What is said of all fields inside. */
const ON_FIELDS: readonly Kind[] = ["package", "service", "method", "message", "field"];

/** What each rule can be said of. */
const KINDS: { readonly [K in keyof Rules]-?: readonly Kind[] } = {
  field: ["field", "method"],
  bits: ON_FIELDS,
  exact: ON_FIELDS,
  lossy: ON_ALL,
  presence: ON_FIELDS,
  set: ["field"],
  wrap: ["message", "field"],
  unwrap: ["package", "service", "method", "message", "field"],
  time: ON_FIELDS,
  uuidText: ON_FIELDS,
  unknownEnum: [...ON_FIELDS, "enum"],
  type: ["field"],
  code: ["message"],
  args: ["message"],
  name: ["message", "field", "enum", "enum value", "service", "method"],
  synthetic: ["enum value"],
  requiredness: ["package", "message", "field"],
  default: ["field"],
  oneof: ["field", "message", "method"],
  oneway: ["method"],
  throws: ["method"],
  prefix: ["enum"],
};

/**
 * `schema` with the rules that `overrides` state, which win over annotations and options, on either wire where a name
 * stands on both. A name that nothing has and a rule that says nothing about its thing are errors, and are left out.
 */
export function applyRules(schema: Schema, overrides: readonly Override[], report: Report): Schema {
  if (overrides.length === 0) return schema;
  const targets = targetsOf(schema);
  const chosen = new Map<Ruled, Rules>();
  for (const { name, rules, at } of overrides) {
    const fail = (message: string, rule?: keyof Rules): void =>
      report({ severity: "error", position: at(rule), message: `${name}: ${message}` });
    const named = targets.get(name);
    if (!named) {
      fail(unknownName("name", name, near(name, targets)));
      continue;
    }
    for (const rule of Object.keys(rules) as (keyof Rules)[]) {
      const fitting = named.filter(({ kind }) => KINDS[rule].includes(kind));
      if (fitting.length === 0) {
        const expected = KINDS[rule].map(withArticle).join(" or ");
        fail(
          `the rule "${RULE_NAMES.get(rule)}" says nothing about ${withArticle(named[0]?.kind ?? "field")}; expected ${expected}`,
          rule,
        );
      }
      for (const { thing } of fitting) chosen.set(thing, { ...chosen.get(thing), [rule]: rules[rule] });
    }
  }
  return withOverrides(schema, chosen);
}

function withArticle(kind: Kind): string {
  return kind.startsWith("enum") ? `an ${kind}` : `a ${kind}`;
}

function targetsOf({ files }: Schema): ReadonlyMap<string, readonly Target[]> {
  const targets = new Map<string, Target[]>();
  const add = (name: string, kind: Kind, thing: Ruled): void => {
    const same = targets.get(name);
    if (same) same.push({ kind, thing });
    else targets.set(name, [{ kind, thing }]);
  };
  for (const file of files) {
    if (file.package !== "") add(file.package, "package", file);
    for (const message of file.messages) addMessage(message, add);
    for (const type of file.enums) {
      add(type.fullName, "enum", type);
      for (const value of type.values) add(`${type.fullName}.${value.name}`, "enum value", value);
    }
    for (const field of file.extensions ?? []) add(field.fullName, "field", field);
    for (const service of file.services) addService(service, add);
  }
  return targets;
}

type Add = (name: string, kind: Kind, thing: Ruled) => void;

function addMessage(message: MessageType, add: Add): void {
  add(message.fullName, "message", message);
  for (const field of message.fields) add(`${message.fullName}.${field.name}`, "field", field);
}

function addService(service: Service, add: Add): void {
  add(service.fullName, "service", service);
  for (const method of service.methods) {
    const name = `${service.fullName}.${method.name}`;
    add(name, "method", method);
    for (const field of partsOf(method)) add(`${name}.${field.name}`, "field", field);
  }
}

/** Protobuf's requests and responses are messages of their own. */
function partsOf({ wire, request, response }: Method): readonly Field[] {
  return wire === "thrift" ? [...(request?.fields ?? []), ...(response?.fields ?? [])] : [];
}

/** The names in the same message, enum or service, if there is one; else those of all things that hold others. */
function near(name: string, targets: ReadonlyMap<string, readonly Target[]>): readonly string[] {
  const scope = `${name.slice(0, name.lastIndexOf("."))}.`;
  const inside = [...targets.keys()].filter((known) => known.startsWith(scope));
  return inside.length > 0 ? inside : [...targets.keys()];
}
