// Values of every kind, in JSON: each is what a method of wires.thrift echoes.

/** The calls of one method, and the values they send. */
export interface Values {
  readonly name: string;
  readonly method: string;
  readonly values: readonly unknown[];
}

const TEXTS = [
  "",
  "plain",
  "多协议微服务中间件 简体 繁體 ，。",
  "emoji 😀 👩‍👩‍👧‍👦 🇩🇪 \u{10ffff}",
  "עברית ‮ العربية i̇ ß \u00ad\u200b\ufeff",
  "\0\x01\b\t\n\f\r\x1f \" \\ / ' < > & % + \x7f\u2028\u2029",
];
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("base64");
const UUIDS = ["AAAAAAAAAAAAAAAAAAAAAA==", "AAECAwQFBgcICQoLDA0ODw==", "/////////////////////w=="];

const SCALARS = {
  truth: true,
  tiny: -128,
  small: 127,
  medium: -32768,
  regular: 2147483647,
  large: "-9223372036854775808",
  real: 0.1,
  text: "一 ✓",
  data: EVERY_BYTE,
  color: "BLUE",
  size: "HUGE",
};
const ZEROS = {
  truth: false,
  tiny: 0,
  small: 0,
  medium: 0,
  regular: 0,
  large: "0",
  real: 0,
  text: "",
  data: "",
  size: "SMALL",
};

/** As deep as this many levels below the first. */
const tree = (depth: number): object =>
  depth === 0 ? { value: "0" } : { value: String(depth), children: [{ value: "-1" }, tree(depth - 1)] };

export const VALUES: readonly Values[] = [
  { name: "bool", method: "echoBool", values: [true, false] },
  { name: "i8", method: "echoByte", values: [-128, -1, 0, 1, 127] },
  { name: "i16", method: "echoI16", values: [-32768, -1, 0, 127, 128, 32767] },
  { name: "i32", method: "echoI32", values: [-(2 ** 31), -1, 0, 65536, 2 ** 31 - 1] },
  {
    name: "i64",
    method: "echoI64",
    values: ["-9223372036854775808", "-1", "0", "4294967296", "9007199254740993", "9223372036854775807"],
  },
  {
    name: "double",
    method: "echoDouble",
    values: [0, -0, 0.1, -5.25, 5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, "Infinity", "-Infinity", "NaN"],
  },
  { name: "string", method: "echoString", values: TEXTS },
  { name: "binary", method: "echoBinary", values: ["", "AA==", EVERY_BYTE] },
  { name: "uuid", method: "echoUuid", values: UUIDS },
  { name: "enum without a zero", method: "echoColor", values: ["RED", "BLUE"] },
  { name: "enum with a number that has no name", method: "echoColor", values: [3, -77, 2147483647] },
  { name: "enum with a zero", method: "echoSize", values: ["SMALL", "BELOW", "HUGE"] },
  { name: "struct of scalars", method: "echoScalars", values: [SCALARS, ZEROS, {}] },
  {
    name: "fields set and unset",
    method: "echoPresence",
    values: [
      { must: 0, color: "RED" },
      { must: 1, may: 0, plain: 0, seven: 0, greeting: "", color: "GREEN", flag: false, scalars: {} },
      { must: -1, may: 7, plain: 7, seven: 7, greeting: "hello", color: "BLUE", flag: true, scalars: SCALARS },
      { must: 1, color: "RED", numbers: [0], moreNumbers: [1, 2], mayColor: "GREEN" },
    ],
  },
  {
    name: "nested structs",
    method: "echoNested",
    values: [{}, { first: { x: 1 }, inner: { at: {}, label: "在" }, last: { at: { x: 1, y: -1 } } }],
  },
  { name: "struct of itself", method: "echoTree", values: [tree(0), tree(20), { twin: { twin: {} } }] },
  { name: "struct without fields", method: "echoNothing", values: [{}] },
  {
    name: "lists",
    method: "echoLists",
    values: [
      {},
      {
        truths: [true, false, true],
        tinies: [-128, 0, 127],
        mediums: [-32768, 32767],
        regulars: [-(2 ** 31), 0, 2 ** 31 - 1],
        larges: ["-9223372036854775808", "0", "9223372036854775807"],
        reals: [0, -0, 5e-324, "NaN", "-Infinity"],
        texts: TEXTS,
        data: ["", EVERY_BYTE],
        colors: ["RED", "GREEN", 99],
        points: [{}, { x: 1, y: 2 }],
        grid: [{ items: [1, 2] }, {}],
        tables: [{ items: { one: 1, "": 0 } }, {}],
        cube: [{ items: [{ items: ["a", ""] }, {}] }, {}],
      },
      { truths: Array(15).fill(true), regulars: Array.from({ length: 1_000 }, (_, i) => i * 7 - 3_000) },
    ],
  },
  {
    name: "sets",
    method: "echoSets",
    values: [{}, { numbers: [3, -1, 0], texts: TEXTS, colors: ["GREEN", "RED"], larges: ["9223372036854775807", "0"] }],
  },
  {
    name: "maps",
    method: "echoMaps",
    values: [
      {},
      {
        texts: Object.fromEntries(TEXTS.map((text, i) => [text, `${i} ${text}`])),
        byNumber: { "-2147483648": "least", 0: "", 2147483647: "most" },
        larges: { "-9223372036854775808": "9223372036854775807", 0: "0" },
        byTruth: { true: "wahr", false: "falsch" },
        byColor: { 1: "HUGE", 4: "SMALL", 99: 98 },
        points: { here: {}, there: { x: -1 } },
        lists: { none: {}, some: { items: [1, 2, 3] } },
        tables: { none: {}, some: { items: { deep: 1 } } },
        reals: { "-32768": -0, 32767: "Infinity" },
        words: { none: {}, some: { items: ["词", "word"] } },
      },
    ],
  },
  {
    name: "map with structs as keys",
    method: "echoKeyed",
    values: [
      {},
      {
        byPoint: [
          { key: { x: 1, y: 2 }, value: "点" },
          { key: {}, value: "" },
        ],
      },
    ],
  },
  {
    name: "union",
    method: "echoChoice",
    values: [
      { truth: false },
      { number: "0" },
      { text: "" },
      { text: "选择" },
      { color: "GREEN" },
      { point: {} },
      { words: { items: ["", "b"] } },
      { words: {} },
      { choice: { choice: { number: "-1" } } },
    ],
  },
  {
    name: "unions in a struct",
    method: "echoChoices",
    values: [{}, { first: { truth: true }, second: { text: "2" }, more: [{ number: "1" }, { point: { y: 1 } }] }],
  },
  {
    name: "uuids in containers",
    method: "echoUuids",
    values: [{}, { one: UUIDS[1], many: UUIDS, names: [{ key: UUIDS[2], value: "名" }], other: UUIDS[0] }],
  },
  { name: "list as the argument", method: "echoList", values: [[], [0, -1, 2 ** 31 - 1]] },
  { name: "set as the argument", method: "echoSet", values: [[], ["", "集"]] },
  { name: "map as the argument", method: "echoMap", values: [{}, { "": {}, 图: { x: 1 } }] },
  { name: "lists of lists as the argument", method: "echoGrid", values: [[], [{ items: ["a", ""] }, {}]] },
];
