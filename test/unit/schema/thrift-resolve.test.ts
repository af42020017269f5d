import { expect, test } from "vitest";
import { methodsOf } from "../../../src/schema/model.ts";
import { printFields, printType, readCleanThrift, readThrift } from "./thrift-fixture.ts";

test("structs, unions and exceptions become message types with their fields by id", () => {
  const file = readCleanThrift(`
    namespace * acme.shop
    struct Order { 3: required i64 id; 1: optional list<Line> lines, 2: map<string, set<Color>> tags (a = "b", c) }
    struct Line { 1: uuid sku }
    union Pay { 1: string card; 2: optional Order order }
    exception Broken { 1: i32 code } (pb.code = "NOT_FOUND")
    enum Color { RED }
  `);
  expect(file.messages.map(({ fullName, shape, wire }) => [fullName, shape, wire])).toEqual([
    ["acme.shop.Order", "struct", "thrift"],
    ["acme.shop.Line", "struct", "thrift"],
    ["acme.shop.Pay", "union", "thrift"],
    ["acme.shop.Broken", "exception", "thrift"],
  ]);
  const [order, line, pay, broken] = file.messages;
  expect(printFields(order!)).toEqual([
    "3: required i64 id",
    "1: optional list<Line> lines",
    "2: default map<string, set<Color>> tags",
  ]);
  expect(order?.fieldsById.get(2)).toBe(order?.fields[2]);
  expect(order?.fields[2]?.annotations).toEqual([
    ["a", "b"],
    ["c", "1"],
  ]);
  expect(order?.fields[2]?.position).toEqual({ file: "idl/shop.thrift", line: 3, column: 97 });
  expect(order?.fields[1]?.type).toEqual({
    kind: "list",
    element: { kind: "message", type: line, delimited: false },
    packed: false,
  });
  expect(printFields(pay!)).toEqual(["1: optional string card", "2: optional Order order"]);
  expect(broken?.rules).toEqual({ code: "NOT_FOUND" });
});

test("a recursive struct is one object", () => {
  const [node] = readCleanThrift("struct Node {1: optional Node next 2: list<Node> all}").messages;
  expect(node?.fields[0]?.type).toEqual({ kind: "message", type: node, delimited: false });
});

test("enum values count on from the one before, and the first of a number stands for it", () => {
  const { enums } = readCleanThrift("enum E {A B = 5, C D = -0x2 F G = 5} (x)");
  expect(enums[0]?.values.map(({ name, number }) => [name, number])).toEqual([
    ["A", 0],
    ["B", 5],
    ["C", 6],
    ["D", -2],
    ["F", -1],
    ["G", 5],
  ]);
  expect(enums[0]?.valuesByNumber.get(5)?.name).toBe("B");
  expect(enums[0]).toMatchObject({ closed: false, wire: "thrift", fullName: "shop.E", annotations: [["x", "1"]] });
});

test("the package is the setting, else the namespace for all, else the first, else the base name", () => {
  const named = (text: string, path?: string): string => readCleanThrift(text, {}, path).package;
  expect(named("namespace java a.b namespace * c.d namespace go e")).toBe("c.d");
  expect(named("namespace java a.b namespace go e")).toBe("a.b");
  expect(named("")).toBe("shop");
  expect(named("", "x/my-shop.v1.thrift")).toBe("my_shop.v1");
  expect(named("", "1.thrift")).toBe("_1");
  const packageOf = (path: string): string => `set.for.${path.length}`;
  expect(readThrift("namespace * a", {}, { allowNegativeKeys: false, packageOf }).file?.package).toBe("set.for.15");
  expect(
    readThrift("struct S {}", {}, { allowNegativeKeys: false, packageOf: () => "" }).file?.messages[0]?.fullName,
  ).toBe("S");
});

test("namespaces become the file's annotations, and their pb. annotations its rules", () => {
  const file = readCleanThrift('/** Shop. */ namespace java a.b (pb.lossy = "true") namespace * c');
  expect(file.annotations).toEqual([
    ["java", "a.b"],
    ["*", "c"],
  ]);
  expect(file).toMatchObject({ rules: { lossy: true }, doc: "Shop.", wire: "thrift", syntax: undefined, imports: [] });
});

test("a method has its arguments, and a result with success and exceptions, as messages", () => {
  const { services } = readCleanThrift(`
    namespace * acme
    exception NotFound {} exception Gone {}
    service Orders {
      /** Finds one. */
      i64 find(1: required string name, 2: i32 limit = 10) throws (1: NotFound missing, 5: Gone gone) (pb.unwrap = "true")
      void clear()
    }
  `);
  const [find, clear] = services[0]?.methods ?? [];
  expect(find).toMatchObject({
    name: "find",
    wire: "thrift",
    service: "acme.Orders",
    doc: "Finds one.",
    oneway: false,
    streaming: "none",
    idempotent: false,
    rules: { unwrap: true },
    request: { fullName: "acme.Orders_find_args", name: "Orders_find_args", shape: "arguments" },
    response: { fullName: "acme.Orders_find_result", name: "Orders_find_result", shape: "result" },
  });
  expect(printFields(find!.request!)).toEqual(["1: required string name", "2: default i32 limit"]);
  expect(find?.request?.fields[1]?.defaultValue).toEqual({ kind: "int", value: 10n });
  expect(printFields(find!.response!)).toEqual([
    "0: required i64 success",
    "1: optional NotFound missing",
    "5: optional Gone gone",
  ]);
  expect(find?.throws).toEqual([find?.response?.fieldsById.get(1), find?.response?.fieldsById.get(5)]);
  expect(printFields(clear!.request!)).toEqual([]);
  expect(printFields(clear!.response!)).toEqual([]);
});

test("a oneway method's result has no fields", () => {
  const [method] = readCleanThrift("service S {oneway void f(1: i32 a) (a)}").services[0]?.methods ?? [];
  expect(method).toMatchObject({ oneway: true, throws: [], annotations: [["a", "1"]] });
  expect(method?.response?.fields).toEqual([]);
  expect(readCleanThrift("service S {async void f()}").services[0]?.methods[0]?.oneway).toBe(true);
});

test.each([
  ["(idempotent)", true],
  ['(idempotent = "")', true],
  ['(pb.idempotent = "true")', true],
  ['(idempotent = "false")', false],
  ['(pb.idempotent = "0")', false],
  ["", false],
])("a function with %j is idempotent: %s", (annotations, idempotent) => {
  expect(readCleanThrift(`service S {void f() ${annotations}}`).services[0]?.methods[0]?.idempotent).toBe(idempotent);
});

test("a service inherits the methods of its base, also across files", () => {
  const base = readCleanThrift("namespace * base service Base {void ping()}", {}, "base.thrift");
  const { services } = readCleanThrift(
    'include "base.thrift" service Mid extends base.Base {void a()} service Top extends Mid {void b()}',
    {
      "base.thrift": base,
    },
  );
  expect(methodsOf(services[1]!).map(({ name, service }) => [service, name])).toEqual([
    ["base.Base", "ping"],
    ["shop.Mid", "a"],
    ["shop.Top", "b"],
  ]);
});

test("typedefs resolve away, in any order and across files", () => {
  const types = readCleanThrift("typedef list<Id> Ids typedef i64 Id enum E {A}", {}, "idl/types.v1.thrift");
  const file = readCleanThrift(
    'include "types.v1.thrift" typedef map<string, Local> M typedef types.v1.Ids Local struct S {1: M m 2: types.v1.E e}',
    { "types.v1.thrift": types },
  );
  expect(printFields(file.messages[0]!)).toEqual(["1: default map<string, list<i64>> m", "2: default E e"]);
  expect(file.imports).toEqual([types]);
});

test("a typedef named uuid hides the base type", () => {
  const file = readCleanThrift("struct S {1: uuid a} typedef string uuid");
  expect(printFields(file.messages[0]!)).toEqual(["1: default string a"]);
});

test("constants hold exact values, names resolved", () => {
  const shared = readCleanThrift("enum E {A = 3} const i64 BIG = 9007199254740993", {}, "shared.thrift");
  const { constants } = readCleanThrift(
    `include "shared.thrift"
    enum Color {RED = 1, BLUE = 2}
    struct Point {1: double x 2: Color color 3: list<i32> all}
    const bool YES = true
    const bool SEVEN = 7
    const i64 BIG = shared.BIG
    const double THREE = 3
    const double AGAIN = THREE
    const string TEXT = 'a"b'
    const binary BYTES = "é"
    const uuid ID = "{00112233-4455-6677-8899-AABBCCDDEEFF}"
    const Color FAVOURITE = Color.BLUE
    const Color BY_NUMBER = 1
    const i32 AS_NUMBER = Color.BLUE
    const shared.E OTHER = shared.E.A
    const list<i64> LIST = [1, BIG]
    const set<i32> NOTHING = {}
    const map<string, Point> POINTS = {TEXT: {"x": 1, "color": Color.RED, "all": [1, 2]}}
    `,
    { "shared.thrift": shared },
  );
  const int = (value: bigint) => ({ kind: "int", value });
  expect(Object.fromEntries(constants.map(({ name, value }) => [name, value]))).toEqual({
    YES: { kind: "bool", value: true },
    SEVEN: { kind: "bool", value: true },
    BIG: int(9007199254740993n),
    THREE: { kind: "double", value: 3 },
    AGAIN: { kind: "double", value: 3 },
    TEXT: { kind: "string", value: 'a"b' },
    BYTES: { kind: "bytes", value: new Uint8Array([0xc3, 0xa9]) },
    ID: {
      kind: "bytes",
      value: new Uint8Array([
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
      ]),
    },
    FAVOURITE: int(2n),
    BY_NUMBER: int(1n),
    AS_NUMBER: int(2n),
    OTHER: int(3n),
    LIST: { kind: "list", values: [int(1n), int(9007199254740993n)] },
    NOTHING: { kind: "list", values: [] },
    POINTS: {
      kind: "map",
      entries: [
        [
          { kind: "string", value: 'a"b' },
          {
            kind: "map",
            entries: [
              [
                { kind: "string", value: "x" },
                { kind: "double", value: 1 },
              ],
              [{ kind: "string", value: "color" }, int(1n)],
              [
                { kind: "string", value: "all" },
                { kind: "list", values: [int(1n), int(2n)] },
              ],
            ],
          },
        ],
      ],
    },
  });
  expect(constants.map(({ type }) => printType(type)).at(-1)).toBe("map<string, Point>");
});

test("defaults see the constants above them", () => {
  const file = readCleanThrift(
    'const i32 N = 5 struct S {1: i32 a = N 2: string b = "x" 3: T t = {"c": 1}} struct T {1: i8 c}',
  );
  expect(file.messages[0]?.fields.map(({ defaultValue }) => defaultValue)).toEqual([
    { kind: "int", value: 5n },
    { kind: "string", value: "x" },
    {
      kind: "map",
      entries: [
        [
          { kind: "string", value: "c" },
          { kind: "int", value: 1n },
        ],
      ],
    },
  ]);
});

test("fields without an id count down from -1 in each list, with one warning for the file", () => {
  const { file, found } = readThrift("struct S {i32 a 7: i32 b i32 c}\nservice V {void f(i32 x, i32 y)}");
  expect(printFields(file!.messages[0]!)).toEqual(["-1: default i32 a", "7: default i32 b", "-2: default i32 c"]);
  expect(printFields(file!.services[0]!.methods[0]!.request!)).toEqual(["-1: default i32 x", "-2: default i32 y"]);
  expect(found).toEqual([
    "1:15 warning: 4 fields of this file, this one first, have no id and so -1, -2, … by their order, which changes with every field put in between; write positive ids",
  ]);
});

test("explicit ids of 0 and below are renumbered with a warning, or kept by choice", () => {
  const text = "struct S {0: i32 a, -5: i32 b, 1: i32 c}";
  const renumbered = readThrift(text);
  expect(printFields(renumbered.file!.messages[0]!)).toEqual([
    "-1: default i32 a",
    "-2: default i32 b",
    "1: default i32 c",
  ]);
  expect(renumbered.found).toEqual([
    '1:11 warning: the Thrift compiler discards the field id 0 and gives "a" the id -1; write a positive id, or set allow_neg_keys if the peers were compiled with --allow-neg-keys',
    '1:21 warning: the Thrift compiler discards the field id -5 and gives "b" the id -2; write a positive id, or set allow_neg_keys if the peers were compiled with --allow-neg-keys',
  ]);
  const kept = readThrift(`${text} struct T {-3: i32 a i32 b}`, {}, { allowNegativeKeys: true });
  expect(kept.file?.messages.map(printFields)).toEqual([
    ["0: default i32 a", "-5: default i32 b", "1: default i32 c"],
    ["-3: default i32 a", "-4: default i32 b"],
  ]);
});

test("rules are read from pb. annotations on every declaration, a field's type included", () => {
  const file = readCleanThrift(`
    enum E {A (pb.name = "a")} (pb.unknown_enum = "error")
    struct S {
      1: i64 (pb.time = "ms") at (pb.field = "7")
      2: list<i32> (pb.presence = "1") many (cpp.type = "x", rpc.code = "404")
    } (pb.args = "true")
    exception X {} (rpc.code = "ABORTED")
    exception Y {} (rpc.code = "ABORTED", pb.code = "NOT_FOUND")
    service V {i64 (pb.time = "s") f() (pb.unwrap = "false")} (pb.unwrap = "true")
  `);
  expect(file.enums[0]).toMatchObject({ rules: { unknownEnum: "error" }, values: [{ rules: { name: "a" } }] });
  expect(file.messages.map(({ rules }) => rules)).toEqual([{ args: true }, { code: "ABORTED" }, { code: "NOT_FOUND" }]);
  expect(file.messages[0]?.fields.map(({ rules }) => rules)).toEqual([{ time: "ms", field: 7 }, { presence: true }]);
  expect(file.messages[0]?.fields[1]?.annotations).toEqual([
    ["cpp.type", "x"],
    ["rpc.code", "404"],
  ]);
  expect(file.services[0]?.rules).toEqual({ unwrap: true });
  expect(file.services[0]?.methods[0]?.rules).toEqual({ unwrap: false });
  expect(file.services[0]?.methods[0]?.response?.fields[0]?.rules).toEqual({ time: "s" });
});
