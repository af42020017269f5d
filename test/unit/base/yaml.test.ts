import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { type Diagnostic, formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { formatYamlPath, parseYaml, unknownName } from "../../../src/base/yaml.ts";

const schema = z.strictObject({
  listeners: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("local"), port: z.int().min(0).max(65_535) }),
        z.strictObject({ kind: z.literal("admin") }),
      ]),
    )
    .default([]),
  upstreams: z
    .record(
      z.string(),
      z.strictObject({
        protocol: z.enum(["thrift-framed", "grpc"]),
        endpoints: z.array(z.string().regex(/:/, { error: "expected HOST:PORT" })).min(1),
        timeoutMs: z.int().positive().default(1_000),
      }),
    )
    .default({}),
});

function parse(text: string) {
  const found: Diagnostic[] = [];
  const result = parseYaml(text, "c.yaml", schema, (diagnostic) => found.push(diagnostic));
  return { result, faults: found.map(formatDiagnostic) };
}

test("a good text becomes a value with its defaults, and knows where everything stands", () => {
  const { result, faults } = parse(`# comment
upstreams:
  orders:
    protocol: grpc
    endpoints:
      - "a:1"
      - b:2
`);
  expect(faults).toEqual([]);
  expect(result?.value).toEqual({
    listeners: [],
    upstreams: { orders: { protocol: "grpc", endpoints: ["a:1", "b:2"], timeoutMs: 1_000 } },
  });
  expect(result?.at(["upstreams", "orders", "protocol"])).toEqual({ file: "c.yaml", line: 4, column: 15 });
  expect(result?.at(["upstreams", "orders", "endpoints", 1])).toEqual({ file: "c.yaml", line: 7, column: 9 });
  expect(result?.at(["upstreams", "orders"])).toEqual({ file: "c.yaml", line: 3, column: 3 });
  expect(result?.at(["upstreams", "orders", "timeoutMs"])).toEqual({ file: "c.yaml", line: 3, column: 3 });
});

test("all faults are reported at once, each with its line, column, path and what was expected", () => {
  const { result, faults } = parse(`listeners:
  - { kind: loca, port: 1 }
  - { kind: local, port: 70000 }
upstreams:
  orders:
    protocol: tcp
    endpoints: ["a:1", "b"]
    timeoutMs: soon
  stock:
    endpoints: []
`);
  expect(result).toBeUndefined();
  expect(faults).toEqual([
    'c.yaml:2:13: error: listeners[0].kind: expected one of local, admin, got "loca"',
    "c.yaml:3:26: error: listeners[1].port: expected at most 65535, got 70000",
    'c.yaml:6:15: error: upstreams.orders.protocol: expected one of thrift-framed, grpc, got "tcp"',
    "c.yaml:7:24: error: upstreams.orders.endpoints[1]: expected HOST:PORT",
    'c.yaml:8:16: error: upstreams.orders.timeoutMs: expected a number, got "soon"',
    "c.yaml:9:3: error: upstreams.stock.protocol: expected one of thrift-framed, grpc, got nothing",
    "c.yaml:10:5: error: upstreams.stock.endpoints: expected at least 1 element, got []",
  ]);
});

test("an unknown key is an error at the key, with the nearest known one", () => {
  const { faults } = parse(`upstreams:
  orders:
    protocol: grpc
    endpoint: ["a:1"]
    endpoints: ["a:1"]
    colour: red
`);
  expect(faults).toEqual([
    "c.yaml:4:5: error: upstreams.orders.endpoint: unknown key, did you mean endpoints?",
    "c.yaml:6:5: error: upstreams.orders.colour: unknown key, expected one of endpoints, protocol, timeoutMs",
  ]);
});

test("text that is no YAML is an error where it stops being one", () => {
  expect(parse("upstreams: {\n").faults).toEqual([expect.stringMatching(/^c\.yaml:2:1: error: .*flow/i)]);
  expect(parse("listeners: []\nlisteners: []\n").faults).toEqual([
    expect.stringMatching(/^c\.yaml:2:1: error: .*unique/),
  ]);
});

test("text that is nested without end is one error, and text that is wrong all over is not an endless list", () => {
  expect(parse(`upstreams: ${"[".repeat(20_000)}`).faults).toEqual([
    expect.stringMatching(/^c\.yaml:1:\d+: error: mappings and lists are nested too deep to be read$/),
  ]);
  expect(parse("a: ]\n".repeat(1_000)).faults.length).toBe(20);
});

test("a mapping as a key is an unknown key, and not a warning of the process", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  expect(parse("{ a: b }: c\n").faults).toEqual([expect.stringContaining("unknown key, expected one of listeners")]);
  expect(warn).not.toHaveBeenCalled();
});

test("a fault inside an alias is found where it was written", () => {
  const { faults } = parse(`upstreams:
  a: &shared { protocol: grpc, endpoints: [x] }
  b: *shared
`);
  expect(faults).toEqual([
    "c.yaml:2:44: error: upstreams.a.endpoints[0]: expected HOST:PORT",
    "c.yaml:2:44: error: upstreams.b.endpoints[0]: expected HOST:PORT",
  ]);
});

test("an alias without its anchor and aliases that grow without bound are errors", () => {
  expect(parse("upstreams: *none\n").faults).toEqual([expect.stringMatching(/^c\.yaml:1:\d+: error: .*none/)]);
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [name, last] of ["ba", "cb", "dc", "ed", "fe"]) {
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${last}`).join(",")}]`);
  }
  expect(parse(bomb.join("\n")).faults).toEqual([expect.stringMatching(/^c\.yaml:1:1: error: .*alias/)]);
});

test.each(["", "# only a comment\n", "---\n"])("the empty text %j is an empty mapping", (text) => {
  expect(parse(text).result?.value).toEqual({ listeners: [], upstreams: {} });
});

test("a text that is no mapping is an error at its beginning", () => {
  expect(parse("- a\n").faults).toEqual(['c.yaml:1:1: error: expected a mapping, got ["a"]']);
});

test("a path is written as people write it", () => {
  expect(formatYamlPath(["upstreams", "my.orders", "endpoints", 0])).toBe('upstreams["my.orders"].endpoints[0]');
});

test.each([
  ["shop.Order", ["shop.Orders", "shop.Inventory"], "unknown service, did you mean shop.Orders?"],
  ["x", ["b", "a"], "unknown service, expected one of a, b"],
  ["nothing.like", ["b", "a"], "unknown service, expected one of a, b"],
  ["nothing.like", [], "unknown service, there is none"],
])("the unknown name %s among %j is: %s", (name, known, message) => {
  expect(unknownName("service", name, known)).toBe(message);
});
