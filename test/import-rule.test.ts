// The house's import rule: the table of rows as data, and every edge of the source tree held against it.
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { posix } from "node:path";
import { expect, test } from "vitest";
import { parseAst } from "vitest/node";
import packageJson from "../package.json" with { type: "json" };

/** A place imports only from places with a smaller number; places with the same number never import each other. */
const ROWS: Readonly<Record<string, number>> = {
  "src/base": 1,
  "src/schema": 2,
  "src/codec": 3,
  "src/rpc": 4,
  "src/protocol/thrift": 5,
  "src/protocol/http2": 5,
  "src/protocol/grpc": 5,
  "src/protocol/fastcgi": 5,
  "src/protocol/http": 6,
  "src/governance": 6,
  "src/discovery": 6,
  "src/credentials": 6,
  "src/inbound": 7,
  "src/outbound": 7,
  "src/admin": 7,
  "src/config.ts": 8,
  "src/app": 9,
  "src/cli": 10,
};

/** Stub generators stand beside the rows: they see rows 1 and 2, and only the command line sees them. */
const CODEGEN = "codegen";
const CODEGEN_SEES = 2;
const SEES_CODEGEN = "src/cli";

const SOCKETS = {
  places: ["src/inbound", "src/outbound"],
  modules: [
    ...["net", "tls", "http", "https", "http2", "dgram", "dns", "dns/promises"].flatMap((name) => [
      name,
      `node:${name}`,
    ]),
    ...["hyper-express", "uWebSockets.js", "undici", "ws", "@grpc/grpc-js", "thrift", "@redis/client"],
  ],
  globals: ["fetch", "WebSocket", "EventSource"],
};

const TIMERS = {
  file: "src/base/clock.ts",
  modules: ["timers", "timers/promises", "node:timers", "node:timers/promises"],
  globals: ["setTimeout", "setInterval", "setImmediate", "AbortSignal.timeout"],
};

/** Written in AssemblyScript, which has no way to import anything but itself. */
const NOT_TYPESCRIPT = "src/codec/engine/";

const DEPENDENCIES = new Set([
  ...Object.keys(packageJson.dependencies),
  ...Object.keys(packageJson.optionalDependencies),
]);

/** Every way in which one file breaks the rule, a sentence each. */
function violations(file: string, source: string): string[] {
  const place = placeOf(file);
  if (place === undefined) return ["stands in no row of the table"];
  const atSockets = SOCKETS.places.includes(place);
  const { imports, globals } = scan(file, source);
  const found = imports.map((name) => {
    if (name === undefined) return "imports a name that is computed";
    if (name.startsWith(".")) return violationOfEdge(place, posix.join(posix.dirname(file), name));
    if (SOCKETS.modules.includes(name)) return atSockets ? undefined : `imports ${name} outside ${SOCKETS.places}`;
    if (TIMERS.modules.includes(name)) return `imports ${name}: time comes from ${TIMERS.file}`;
    if (name.startsWith("node:")) return undefined;
    if (builtinModules.includes(name)) return `imports ${name} without node:`;
    const dependency = name.split("/", name.startsWith("@") ? 2 : 1).join("/");
    return DEPENDENCIES.has(dependency) ? undefined : `imports ${dependency}, which is not among the dependencies`;
  });
  for (const name of globals) {
    if (SOCKETS.globals.includes(name) && !atSockets) found.push(`uses ${name} outside ${SOCKETS.places}`);
    if (TIMERS.globals.includes(name) && file !== TIMERS.file)
      found.push(`uses ${name}: time comes from ${TIMERS.file}`);
  }
  return found.filter((text) => text !== undefined);
}

function violationOfEdge(from: string, file: string): string | undefined {
  if (file === "package.json") return undefined;
  const to = placeOf(file);
  if (to === undefined) return `imports ${file}, which stands in no row of the table`;
  if (from === to) return undefined;
  if (to === CODEGEN) return from === SEES_CODEGEN ? undefined : `imports ${CODEGEN}, which only ${SEES_CODEGEN} may`;
  const toRow = ROWS[to]!;
  if (from === CODEGEN)
    return toRow <= CODEGEN_SEES ? undefined : `imports ${to}, but ${CODEGEN} sees rows 1 to ${CODEGEN_SEES}`;
  const fromRow = ROWS[from]!;
  return toRow < fromRow ? undefined : `imports ${to} (row ${toRow}) from ${from} (row ${fromRow})`;
}

/** The key of ROWS that a file stands in, or CODEGEN. */
function placeOf(file: string): string | undefined {
  return [CODEGEN, ...Object.keys(ROWS)].find((place) => file === place || file.startsWith(`${place}/`));
}

interface Scan {
  /** The names that are imported, types and dynamic ones included; undefined for one that is not a literal. */
  readonly imports: (string | undefined)[];
  /** Names that are used and may be globals, as `name` or `Object.name`. */
  readonly globals: Set<string>;
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function scan(file: string, source: string): Scan {
  const result: Scan = { imports: [], globals: new Set() };
  visit(parseAst(source, { lang: "ts" }, file), result);
  return result;
}

function visit(node: unknown, { imports, globals }: Scan): void {
  if (Array.isArray(node)) for (const child of node) visit(child, { imports, globals });
  if (!isNode(node)) return;
  if (node.type.startsWith("Import") || node.type.startsWith("Export") || node.type === "TSImportType") {
    if (isNode(node["source"])) imports.push(textOf(node["source"]));
  } else if (node.type === "TSExternalModuleReference") imports.push(textOf(node["expression"]));
  else if (node.type === "CallExpression" && nameOf(node["callee"]) === "require") {
    imports.push(Array.isArray(node["arguments"]) ? textOf(node["arguments"][0]) : undefined);
  } else if (node.type === "Identifier" && typeof node["name"] === "string") globals.add(node["name"]);
  else if (node.type === "MemberExpression") {
    const object = nameOf(node["object"]);
    const property = node["computed"] ? textOf(node["property"]) : nameOf(node["property"]);
    if (property !== undefined)
      globals.add(/^(globalThis|global)$/.test(object ?? "") ? property : `${object}.${property}`);
  }
  for (const [key, child] of Object.entries(node)) {
    const isName = (key === "property" || key === "key") && node["computed"] !== true;
    if (!isName || !isNode(child) || child.type !== "Identifier") visit(child, { imports, globals });
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? String(node["name"]) : undefined;
}

function textOf(node: unknown): string | undefined {
  return isNode(node) && typeof node["value"] === "string" ? node["value"] : undefined;
}

const sources = ["src", "codegen"].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => posix.join(root, name.replaceAll("\\", "/")))
    .filter((file) => file.endsWith(".ts") && !file.startsWith(NOT_TYPESCRIPT)),
);

test("every file of the source tree keeps the import rule", () => {
  const found = sources.flatMap((file) =>
    violations(file, readFileSync(file, "utf8")).map((text) => `${file} ${text}`),
  );
  expect(found).toEqual([]);
  expect(sources.length).toBeGreaterThan(10);
});

/** Files that import each other, directly or by way of others, types too: each circle once, by the files it goes through. */
function circles(importsOf: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  function visitFile(file: string, way: readonly string[]): void {
    const back = way.indexOf(file);
    if (back >= 0) found.push([...way.slice(back), file].join(" → "));
    if (back >= 0 || done.has(file)) return;
    for (const next of importsOf.get(file) ?? []) visitFile(next, [...way, file]);
    done.add(file);
  }
  for (const file of importsOf.keys()) visitFile(file, []);
  return found;
}

/** The files that a source imports. */
function filesImportedBy(file: string): string[] {
  const { imports } = scan(file, readFileSync(file, "utf8"));
  return imports.flatMap((name) => (name?.startsWith(".") ? [posix.join(posix.dirname(file), name)] : []));
}

test("no file imports one that imports it back", () => {
  expect(circles(new Map(sources.map((file) => [file, filesImportedBy(file)])))).toEqual([]);
});

test("a circle of files is caught, whichever of them is looked at first", () => {
  const edges = { "a.ts": ["b.ts"], "b.ts": ["c.ts", "d.ts"], "c.ts": ["b.ts"], "d.ts": [] };
  expect(circles(new Map(Object.entries(edges)))).toEqual(["b.ts → c.ts → b.ts"]);
});

test.each([
  ["a row above", "src/codec/a.ts", 'import { b } from "../schema/b.ts";'],
  ["its own folder", "src/codec/a.ts", 'import { b } from "./b.ts"; export * from "./c.ts";'],
  ["Node and a dependency", "src/schema/a.ts", 'import fs from "node:fs"; import { parse } from "protobufjs/ext.js";'],
  ["a socket module at a socket", "src/inbound/a.ts", 'import net from "node:net"; fetch("");'],
  ["timers in the clock", "src/base/clock.ts", "setTimeout(() => {}, 1);"],
  ["codegen from the command line", "src/cli/a.ts", 'import type { Target } from "../../codegen/target.ts";'],
  ["the schema from codegen", "codegen/go.ts", 'import type { Schema } from "../src/schema/model.ts";'],
  ["a member that is called like a global", "src/rpc/a.ts", "cache.fetch(1); const x = { setTimeout: 1 };"],
  ["what only looks like an import", "src/base/a.ts", '// import "node:net"\nconst text = `import "../cli/main.ts"`;'],
])("%s is allowed", (_, file, source) => {
  expect(violations(file, source)).toEqual([]);
});

test.each([
  [
    "a row below",
    "src/base/a.ts",
    'import { b } from "../schema/b.ts";',
    "imports src/schema (row 2) from src/base (row 1)",
  ],
  ["only a type of a row below", "src/rpc/a.ts", 'import type { B } from "../app/app.ts";', "imports src/app (row 9)"],
  ["a type written in place", "src/rpc/a.ts", 'type B = import("../app/app.ts").B;', "imports src/app (row 9)"],
  ["a re-export", "src/rpc/a.ts", 'export { b } from "../config.ts";', "imports src/config.ts (row 8)"],
  ["a re-export of all", "src/rpc/a.ts", 'export * from "../config.ts";', "imports src/config.ts (row 8)"],
  ["a dynamic import", "src/rpc/a.ts", 'await import("../config.ts");', "imports src/config.ts (row 8)"],
  ["an import for its effect", "src/rpc/a.ts", 'import "../config.ts";', "imports src/config.ts (row 8)"],
  ["a computed import", "src/rpc/a.ts", "await import(name);", "imports a name that is computed"],
  [
    "a folder on its own row",
    "src/inbound/a.ts",
    'import "../outbound/b.ts";',
    "imports src/outbound (row 7) from src/inbound (row 7)",
  ],
  [
    "a protocol on its own row",
    "src/protocol/grpc/a.ts",
    'import "../http2/b.ts";',
    "imports src/protocol/http2 (row 5)",
  ],
  [
    "codegen from elsewhere",
    "src/app/a.ts",
    'import "../../codegen/go.ts";',
    "imports codegen, which only src/cli may",
  ],
  [
    "more than the schema from codegen",
    "codegen/go.ts",
    'import "../src/codec/codec.ts";',
    "imports src/codec, but codegen sees rows 1 to 2",
  ],
  ["a file in no row", "src/rpc/a.ts", 'import "../../test/b.ts";', "imports test/b.ts, which stands in no row"],
  ["a folder that is not in the table", "src/misc/a.ts", "", "stands in no row of the table"],
  [
    "a socket module elsewhere",
    "src/protocol/grpc/a.ts",
    'import http2 from "node:http2";',
    "imports node:http2 outside",
  ],
  [
    "a type of a socket module elsewhere",
    "src/admin/a.ts",
    'import type { Server } from "node:http";',
    "imports node:http outside",
  ],
  ["a required socket module", "src/rpc/a.ts", 'require("undici");', "imports undici outside"],
  ["fetch elsewhere", "src/discovery/a.ts", 'await fetch("http://a");', "uses fetch outside"],
  ["fetch by way of globalThis", "src/discovery/a.ts", "const get = globalThis.fetch;", "uses fetch outside"],
  ["a timer", "src/governance/a.ts", "setTimeout(() => {}, 1);", "uses setTimeout: time comes from src/base/clock.ts"],
  ["a timer at a socket", "src/outbound/a.ts", "setInterval(() => {}, 1);", "uses setInterval: time comes from"],
  ["the end of a turn", "src/outbound/a.ts", "setImmediate(() => {});", "uses setImmediate: time comes from"],
  ["a timer in disguise", "src/outbound/a.ts", "AbortSignal.timeout(5);", "uses AbortSignal.timeout: time comes from"],
  [
    "a timer module",
    "src/app/a.ts",
    'import { setTimeout as sleep } from "node:timers/promises";',
    "imports node:timers/promises",
  ],
  [
    "a development dependency",
    "src/cli/a.ts",
    'import { test } from "vitest";',
    "imports vitest, which is not among the dependencies",
  ],
  ["a module of Node without its prefix", "src/cli/a.ts", 'import fs from "fs";', "imports fs without node:"],
])("%s is caught", (_, file, source, expected) => {
  expect(violations(file, source).join("; ")).toContain(expected);
});
