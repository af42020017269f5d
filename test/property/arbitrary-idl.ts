// Thrift files and values of their structs at random, and what each official library writes for a value: the judges that the
// codecs are held against. Values are such that each encoding has one form for them: containers of fields are not empty, maps
// have their keys in the order in which JavaScript keeps those of objects.
import { createRequire } from "node:module";
import type { FieldType, MessageType } from "../../src/schema/model.ts";
import type { Random } from "./arbitrary-link.ts";

const ENUM_NUMBERS = [-5, 1, 2, 70_000];
const SCALARS = ["bool", "i8", "i16", "i32", "i64", "double", "string", "binary"] as const;
/** Of maps that are maps in Protobuf too, and of ones that are lists of entries. */
const KEYS = ["bool", "i16", "i32", "i64", "string", "string", "Color", "double", "binary", "Leaf"] as const;

/** A file of the namespace t with the struct Root. */
export function randomThriftFile(random: Random): string {
  const inner = (depth: number): string => {
    const choice = random.below(depth > 0 ? 100 : 60);
    if (choice < 50) return random.pick(SCALARS);
    if (choice < 60) return "Color";
    if (choice < 70) return random.pick(["Leaf", "Pick", "Root"]);
    if (choice < 82) return `list<${inner(depth - 1)}>`;
    if (choice < 88) return `set<${random.pick(["i32", "i64", "string", "Color"])}>`;
    return `map<${random.pick(KEYS)}, ${inner(depth - 1)}>`;
  };
  let id = 0;
  const fields = (): string => {
    const lines = Array.from({ length: 1 + random.below(8) }, () => {
      id += random.chance(85) ? 1 : 1 + random.below(300);
      return `  ${id}: optional ${inner(3)} f${id}`;
    });
    id = 0;
    return lines.join("\n");
  };
  return `namespace * t
enum Color { ${ENUM_NUMBERS.map((number, i) => `C${i} = ${number}`).join(", ")} }
struct Leaf { 1: optional i32 a, 2: optional string b }
union Pick { 1: i32 a, 2: Leaf b, 3: list<string> c }
struct Root {
${fields()}
}
`;
}

/** Integers are bigint, containers arrays, entries pairs, structs pairs of id and value, binary bytes. */
export type Tree =
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | { readonly list: readonly Tree[] }
  | { readonly map: readonly (readonly [Tree, Tree])[] }
  | { readonly fields: readonly (readonly [number, Tree])[] };

const BITS: Readonly<Record<string, number>> = { i8: 8, i16: 16, i32: 32, i64: 64 };

function randomInteger(random: Random, bits: number): bigint {
  return BigInt.asIntN(bits, random.bits(random.pick([1, 7, 8, 14, 31, 32, 33, 63, 64])));
}

function randomText(random: Random): string {
  const parts = ["a", "Z", " ", "\n", '"', "é", "中", "文", "😀", "\u0000"];
  return Array.from({ length: random.pick([0, 1, 3, 20, 130]) }, () => random.pick(parts)).join("");
}

function randomScalar(random: Random, name: string): Tree {
  if (name === "bool") return random.chance(50);
  if (name === "double") return random.pick([0, 1.5, -1e300, Number.NaN, Number.POSITIVE_INFINITY, 5e-324]);
  if (name === "string") return randomText(random);
  if (name === "binary") return Uint8Array.from({ length: random.pick([0, 1, 5, 200]) }, () => random.below(256));
  return randomInteger(random, BITS[name] ?? 64);
}

/** A value of a type; `isField`: it may not be an empty container, which no Protobuf has. */
export function randomTree(random: Random, type: FieldType, depth: number, isField: boolean): Tree {
  const count = (isField ? 1 : 0) + random.below(depth > 0 ? 4 : 1);
  switch (type.kind) {
    case "scalar":
      return randomScalar(random, type.name);
    case "enum":
      return BigInt(random.pick(ENUM_NUMBERS));
    case "message":
      return randomStruct(random, type.type, depth - 1);
    case "list":
      return { list: Array.from({ length: count }, () => randomTree(random, type.element, depth - 1, false)) };
    case "set":
      return { list: distinct(Array.from({ length: count }, () => randomTree(random, type.element, 0, false))) };
    case "map": {
      const keys = distinct(Array.from({ length: count }, () => randomKey(random, type.key)));
      return {
        map: keys.toSorted(inObjectOrder).map((key) => [key, randomTree(random, type.value, depth - 1, false)]),
      };
    }
  }
}

/** What no two of are equal; of doubles none is NaN. */
function randomKey(random: Random, type: FieldType): Tree {
  const key = randomTree(random, type, 0, false);
  if (typeof key === "string") return `k${key}`;
  return typeof key === "number" ? random.below(1_000) / 8 : key;
}

function distinct(trees: readonly Tree[]): Tree[] {
  const seen = new Map(trees.map((tree) => [showTree(tree), tree]));
  return [...seen.values()];
}

function showTree(tree: Tree): string {
  return JSON.stringify(tree, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)) ?? "";
}

/** Numbers that are indexes of arrays come first and ascend. */
function inObjectOrder(a: Tree, b: Tree): number {
  if (typeof a !== "bigint" || typeof b !== "bigint") return 0;
  if (a < 0n !== b < 0n) return a < 0n ? 1 : -1;
  return a < b ? -1 : 1;
}

export function randomStruct(random: Random, type: MessageType, depth: number): Tree {
  const [...fields] = type.fields;
  const chosen =
    type.shape === "union" ? [random.pick(fields)] : fields.filter(() => random.chance(depth < 0 ? 10 : 75));
  return { fields: chosen.map((field) => [field.id, randomTree(random, field.type, depth, type.shape !== "union")]) };
}

/** A value as the Protobuf JSON mapping of the derived type has it, enums as numbers. */
export function jsonOf(type: FieldType, tree: Tree, isInside = false): unknown {
  if (typeof tree === "bigint") return type.kind === "scalar" && type.name === "i64" ? String(tree) : Number(tree);
  if (tree instanceof Uint8Array) return Buffer.from(tree).toString("base64");
  if (typeof tree === "number") return Number.isFinite(tree) ? tree : String(tree);
  if (typeof tree !== "object") return tree;
  if ("fields" in tree) return type.kind === "message" ? jsonOfStruct(type.type, tree) : undefined;
  const content = contentOf(type, tree);
  return isInside ? { items: content } : content;
}

function contentOf(type: FieldType, tree: Tree): unknown {
  if (typeof tree !== "object" || tree instanceof Uint8Array || "fields" in tree) return undefined;
  if ("list" in tree) {
    const element = type.kind === "list" || type.kind === "set" ? type.element : type;
    return tree.list.map((item) => jsonOf(element, item, true));
  }
  if (type.kind !== "map") return undefined;
  const { key: keyType, value: valueType } = type;
  const isMap = keyType.kind === "enum" || (keyType.kind === "scalar" && !["double", "binary"].includes(keyType.name));
  const entries = tree.map.map(([key, value]) => [jsonOf(keyType, key, true), jsonOf(valueType, value, true)] as const);
  return isMap ? Object.fromEntries(entries) : entries.map(([key, value]) => ({ key, value }));
}

/** The members of a struct that is `tree`. */
export function jsonOfStruct(type: MessageType, tree: Tree): Record<string, unknown> {
  if (typeof tree !== "object" || !("fields" in tree)) throw new TypeError("expected a struct");
  const members = tree.fields.flatMap(([id, value]) => {
    const field = type.fieldsById.get(id);
    return field ? [[field.name, jsonOf(field.type, value, type.shape === "union")]] : [];
  });
  return Object.fromEntries(members);
}

// npm thrift's protocols, as its generated code uses them; @types/thrift declares only some of this.
type Verb =
  | `write${"Struct" | "Field" | "List" | "Set" | "Map"}${"Begin" | "End"}`
  | `write${"FieldStop" | "Bool" | "Byte" | "I16" | "I32" | "I64" | "Double" | "String" | "Binary"}`;
type Protocol = Record<Verb, (...values: unknown[]) => unknown> & { flush(): void };
interface Library {
  readonly TBufferedTransport: new (buffer: undefined, flushed: (bytes: Buffer) => void) => object;
  readonly TBinaryProtocol: new (transport: object) => Protocol;
  readonly TCompactProtocol: new (transport: object) => Protocol;
  readonly Int64: new (bytes: Buffer) => object;
  readonly Thrift: { readonly Type: Readonly<Record<string, number>> };
}
const thrift: Library = createRequire(import.meta.url)("thrift");

const TYPES: Readonly<Record<string, string>> = {
  ...{
    bool: "BOOL",
    i8: "BYTE",
    i16: "I16",
    i32: "I32",
    i64: "I64",
    double: "DOUBLE",
    string: "STRING",
    binary: "STRING",
  },
  ...{ enum: "I32", message: "STRUCT", list: "LIST", set: "SET", map: "MAP" },
};

function typeOf(type: FieldType): number {
  return thrift.Thrift.Type[TYPES[type.kind === "scalar" ? type.name : type.kind] ?? ""] ?? 0;
}

/** The bytes of a struct as Apache Thrift's library for Node writes them. */
export function apacheThrift(codec: "thrift-binary" | "thrift-compact", type: MessageType, tree: Tree): Buffer {
  const pieces: Buffer[] = [];
  const transport = new thrift.TBufferedTransport(undefined, (bytes) => void pieces.push(Buffer.from(bytes)));
  const Protocol = codec === "thrift-binary" ? thrift.TBinaryProtocol : thrift.TCompactProtocol;
  const protocol = new Protocol(transport);
  writeStruct(protocol, type, tree);
  protocol.flush();
  return Buffer.concat(pieces);
}

function writeStruct(protocol: Protocol, type: MessageType, tree: Tree): void {
  if (typeof tree !== "object" || !("fields" in tree)) throw new TypeError("expected a struct");
  protocol.writeStructBegin(type.name);
  for (const [id, value] of tree.fields) {
    const field = type.fieldsById.get(id);
    if (!field) continue;
    protocol.writeFieldBegin(field.name, typeOf(field.type), id);
    writeValue(protocol, field.type, value);
    protocol.writeFieldEnd();
  }
  protocol.writeFieldStop();
  protocol.writeStructEnd();
}

function writeValue(protocol: Protocol, type: FieldType, tree: Tree): void {
  if (type.kind === "message") writeStruct(protocol, type.type, tree);
  else if (tree instanceof Uint8Array) protocol.writeBinary(Buffer.from(tree));
  else if (typeof tree === "object" && "list" in tree && (type.kind === "list" || type.kind === "set")) {
    const kind = type.kind === "list" ? "List" : "Set";
    protocol[`write${kind}Begin`](typeOf(type.element), tree.list.length);
    for (const item of tree.list) writeValue(protocol, type.element, item);
    protocol[`write${kind}End`]();
  } else if (typeof tree === "object" && "map" in tree && type.kind === "map") {
    protocol.writeMapBegin(typeOf(type.key), typeOf(type.value), tree.map.length);
    for (const [key, value] of tree.map) {
      writeValue(protocol, type.key, key);
      writeValue(protocol, type.value, value);
    }
    protocol.writeMapEnd();
  } else if (typeof tree === "bigint") writeInteger(protocol, type, tree);
  else if (typeof tree === "string") protocol.writeString(tree);
  else if (typeof tree === "boolean") protocol.writeBool(tree);
  else protocol.writeDouble(tree);
}

function writeInteger(protocol: Protocol, type: FieldType, value: bigint): void {
  const name = type.kind === "scalar" ? type.name : "i32";
  if (name === "i8") protocol.writeByte(Number(value));
  else if (name === "i16") protocol.writeI16(Number(value));
  else if (name === "i32") protocol.writeI32(Number(value));
  else {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    protocol.writeI64(new thrift.Int64(bytes));
  }
}
