// How values and fields are written to a wire and read from it, as Java text over the runtime's Output and Input.
import type { Wire } from "../src/schema/model.ts";
import type { JavaFile } from "./java-file.ts";
import type { JavaNames } from "./java-names.ts";
import { type ScalarCode, scalarCode } from "./java-scalars.ts";
import { boxedType, javaType, unwrapped, zeroOf } from "./java-types.ts";
import type { StubField, StubType } from "./stub-model.ts";

/** What prints the coding of one file's types. */
export interface JavaWire {
  readonly wire: Wire;
  /** `ThriftOutput` or `ProtobufOutput`, and so on. */
  readonly output: string;
  readonly input: string;
  readonly message: string;
  /** The statement that writes a field whose value is there. */
  writeField(field: StubField, value: string): string;
  /** The condition under which a field is written; undefined for always. `nullable`: null means absent. */
  writtenIf(field: StubField, value: string, nullable: boolean): string | undefined;
  /** `case` labels with what they do, which is told to `assign` as an expression; `before` is what came earlier. */
  readCases(field: StubField, before: string, assign: (expression: string) => string): readonly string[];
  /** The loop that reads all fields. */
  readLoop(cases: readonly string[]): void;
}

const PROTO_TYPES: Readonly<Record<string, "VARINT" | "I64" | "I32" | "LEN">> = {
  double: "I64",
  fixed64: "I64",
  sfixed64: "I64",
  float: "I32",
  fixed32: "I32",
  sfixed32: "I32",
  string: "LEN",
  bytes: "LEN",
};
const WIRE_TYPE_NUMBERS = { VARINT: 0, I64: 1, LEN: 2, START: 3, I32: 5 } as const;
const NO_CODE: ScalarCode = { method: undefined, write: () => "", read: () => "null" };

/** The wire of a file. What no rule makes is told to `unsupported`. */
export function createJavaWire(
  file: JavaFile,
  names: JavaNames,
  wire: Wire,
  unsupported: (field: StubField, type: StubType) => void,
): JavaWire {
  const prefix = wire === "thrift" ? "Thrift" : "Protobuf";
  const runtime = (name: string): string => file.jdk(`causeway.${prefix}${name}`);
  let current: StubField | undefined;

  function codeOf(type: Extract<StubType, { kind: "scalar" }>): ScalarCode {
    const code = scalarCode(file, wire, type);
    if (code) return code;
    if (current) unsupported(current, type);
    return NO_CODE;
  }

  const thriftType = (name: string): string =>
    name === "UUID" ? `${file.jdk("causeway.ThriftType")}.UUID` : file.constant("causeway.ThriftType", name);
  const protoType = (name: string): string => file.constant("causeway.ProtobufOutput", name);
  const typeOf = (type: StubType): string =>
    wire === "thrift" ? thriftType(thriftTypeName(type)) : protoType(protoTypeName(type));

  /** Names of lambda parameters, another at each depth. */
  const nth = (name: string, depth: number): string => (depth === 1 ? name : `${name}${depth}`);

  /** What writes one value, as a lambda or a method reference. */
  function writer(type: StubType, depth: number): string {
    if (type.kind === "scalar") {
      const { method } = codeOf(type);
      if (method !== undefined) return `${runtime("Output")}::${method}`;
    }
    if (type.kind === "message" && !type.delimited)
      return `${runtime("Output")}::${wire === "thrift" ? "struct" : "message"}`;
    const [o, v] = [nth("o", depth), nth("v", depth)];
    return `(${o}, ${v}) -> ${writeValue(type, o, v, depth + 1)}`;
  }

  function writeValue(type: StubType, out: string, value: string, depth: number): string {
    switch (type.kind) {
      case "scalar":
        return codeOf(type).write(out, value);
      case "enum":
        return `${out}.${wire === "thrift" ? "i32" : "int32"}(${value}.number())`;
      case "message":
        return `${out}.${wire === "thrift" ? "struct" : "message"}(${value})`;
      case "list":
        return `${out}.list(${typeOf(type.element)}, ${value}, ${writer(type.element, depth)})`;
      case "map": {
        const key = writer(type.key, depth);
        return `${out}.map(${typeOf(type.key)}, ${typeOf(type.value)}, ${value}, ${key}, ${writer(type.value, depth)})`;
      }
      case "wrapped": {
        const [o, v] = [nth("o", depth), nth("v", depth)];
        return `${out}.wrapped(${value}, (${o}, ${v}) -> { ${writeNumbered(1, type.inner, o, v, depth + 1)}; })`;
      }
    }
  }

  /** The statement that writes a Protobuf field, containers included. */
  function writeNumbered(id: number, type: StubType, out: string, value: string, depth: number): string {
    if (type.kind === "list") {
      if (type.packed) return `${out}.packed(${id}, ${value}, ${writer(type.element, depth)})`;
      const v = nth("v", depth);
      const each = `for (${javaType(file, names, type.element)} ${v} : ${value})`;
      return `${each} ${writeNumbered(id, type.element, out, v, depth + 1)}`;
    }
    if (type.kind === "map") {
      const key = `${typeOf(type.key)}, ${writer(type.key, depth)}`;
      return `${out}.map(${id}, ${value}, ${key}, ${typeOf(type.value)}, ${writer(type.value, depth)})`;
    }
    if (type.kind === "message" && type.delimited) {
      return `${out}.field(${id}, ${protoType("START")}).group(${id}, ${value})`;
    }
    return writeValue(type, `${out}.field(${id}, ${typeOf(type)})`, value, depth);
  }

  /** What reads one value from a container, as a lambda or a method reference. */
  function reader(type: StubType, depth: number): string {
    if (type.kind === "scalar") {
      const { method } = codeOf(type);
      if (method !== undefined) return `${runtime("Input")}::${method}`;
    }
    const i = nth("i", depth);
    return `${i} -> ${readElement(type, i, depth + 1)}`;
  }

  function readElement(type: StubType, i: string, depth: number): string {
    if (wire === "thrift") return readThrift(type, i, depth);
    if (type.kind === "enum" && type.syntheticZero) return `${boxedType(file, names, type)}.of(${i}.nonZero())`;
    const value = readProtobuf(type, i, "null", depth);
    return type.kind === "message" && type.type.kind === "union" ? `${i}.present(${value})` : value;
  }

  function readThrift(type: StubType, i: string, depth: number): string {
    switch (type.kind) {
      case "scalar":
        return codeOf(type).read(i);
      case "enum":
        return `${boxedType(file, names, type)}.of(${i}.i32())`;
      case "message":
        return `${i}.struct(${boxedType(file, names, type)}::read)`;
      case "list":
        return `${i}.${type.set ? "set" : "list"}(${typeOf(type.element)}, ${reader(type.element, depth)})`;
      case "map": {
        const key = reader(type.key, depth);
        return `${i}.map(${typeOf(type.key)}, ${typeOf(type.value)}, ${key}, ${reader(type.value, depth)})`;
      }
      case "wrapped":
        return readThrift(type.inner, i, depth);
    }
  }

  function readProtobuf(type: StubType, i: string, before: string, depth: number): string {
    switch (type.kind) {
      case "scalar":
        return codeOf(type).read(i);
      case "enum":
        return `${boxedType(file, names, type)}.of(${i}.int32())`;
      case "message":
        return `${i}.message(${before}, ${boxedType(file, names, type)}::merge)`;
      case "wrapped": {
        const [w, t, a] = [nth("w", depth), nth("t", depth), nth("a", depth)];
        const cases = numberedCases(1, type.inner, w, a, depth + 1).map(([tag, value]) => `case ${tag} -> ${value};`);
        const empty = boxedType(file, names, type.inner);
        const zero = zeroOf(file, names, type.inner).replace(/\.of\(\)$/, `.${typeArguments(empty)}of()`);
        return `${i}.wrapped(${zero}, (${w}, ${t}, ${a}) -> switch (${t}) { ${cases.join(" ")} default -> ${w}.skipped(${t}, ${a}); })`;
      }
      default:
        throw new Error("a container of Protobuf is a field");
    }
  }

  /** Tags of a Protobuf field, each with the expression of its new value. */
  function numberedCases(id: number, type: StubType, i: string, before: string, depth: number): [string, string][] {
    const tag = (name: keyof typeof WIRE_TYPE_NUMBERS): string => String(id * 8 + WIRE_TYPE_NUMBERS[name]);
    if (type.kind === "list") {
      const { element } = type;
      if (element.kind === "message" && element.delimited) {
        const merge = `${boxedType(file, names, element)}::merge`;
        return [[tag("START"), `${i}.add(${before}, ${i}.group(${tag("START")}, null, ${merge}))`]];
      }
      const own = protoTypeName(element);
      const one: [string, string] = [tag(own), `${i}.add(${before}, ${readElement(element, i, depth)})`];
      return own === "LEN" ? [one] : [one, [tag("LEN"), `${i}.packed(${before}, ${reader(element, depth)})`]];
    }
    if (type.kind === "map") {
      const key = `${typeOf(type.key)}, ${reader(type.key, depth)}`;
      return [[tag("LEN"), `${i}.entry(${before}, ${key}, ${typeOf(type.value)}, ${reader(type.value, depth)})`]];
    }
    if (type.kind === "message" && type.delimited) {
      const merge = `${boxedType(file, names, type)}::merge`;
      return [[tag("START"), `${i}.group(${tag("START")}, ${before}, ${merge})`]];
    }
    return [[tag(protoTypeName(type)), readProtobuf(type, i, before, depth)]];
  }

  return {
    wire,
    get output() {
      return runtime("Output");
    },
    get input() {
      return runtime("Input");
    },
    get message() {
      return runtime("Message");
    },
    writeField(field, value) {
      current = field;
      if (wire === "protobuf") return `${writeNumbered(field.id, field.type, "out", value, 1)};`;
      return `${writeValue(field.type, `out.field(${typeOf(field.type)}, ${field.id})`, value, 1)};`;
    },
    writtenIf(field, value, nullable) {
      const { type, write } = field;
      const inner = unwrapped(type);
      const set = nullable ? [`${value} != null`] : [];
      if (inner.kind === "message" && inner.type.thriftUnion && wire === "thrift") {
        set.push(`${value}.${names.fields.get(inner.type.oneofs[0]!)}() != null`);
      }
      if (inner.kind === "enum" && inner.syntheticZero) set.push(`${value}.number() != 0`);
      else if (write === "nonzero" && !nullable) set.push(...nonZero(type, value));
      return set.length > 0 ? set.join(" && ") : undefined;
    },
    readCases(field, before, assign) {
      current = field;
      const { id, type } = field;
      if (wire === "thrift") {
        const label = `${typeOf(type)} | ${id < 0 ? `0x${(id & 0xffff).toString(16)}` : id}`;
        return [`case ${label} -> ${assign(readThrift(type, "in", 1))};`];
      }
      if (type.kind === "enum" && type.syntheticZero) {
        const own = boxedType(file, names, type);
        const body = `int n = in.int32(); if (n != 0) ${assign(`${own}.of(n)`)};`;
        return [`case ${id * 8} -> { ${body} }`];
      }
      return numberedCases(id, type, "in", before, 1).map(([tag, value]) => `case ${tag} -> ${assign(value)};`);
    },
    readLoop(cases) {
      const [name, call, end] = wire === "thrift" ? ["field", "field()", thriftType("STOP")] : ["tag", "tag()", "0"];
      if (cases.length === 0) {
        file.print(`for (int ${name} = in.${call}; ${name} != ${end}; ${name} = in.${call}) in.skip(${name});`);
        return;
      }
      file.block(
        `for (int ${name} = in.${call}; ${name} != ${end}; ${name} = in.${call}) {`,
        () => file.block(`switch (${name}) {`, () => file.print(...cases, `default -> in.skip(${name});`), "}"),
        "}",
      );
    },
  };
}

/** `<Integer>` of `List<Integer>`. */
function typeArguments(type: string): string {
  return type.slice(type.indexOf("<"));
}

function nonZero(type: StubType, value: string): readonly string[] {
  if (type.kind === "enum") return [`${value}.number() != 0`];
  if (type.kind !== "scalar") return [];
  switch (type.api) {
    case "bool":
      return [value];
    case "string":
    case "bytes":
      return [`!${value}.isEmpty()`];
    case "float":
      return [`Float.floatToRawIntBits(${value}) != 0`];
    case "double":
      return [`Double.doubleToRawLongBits(${value}) != 0`];
    case "uuid":
      return [];
    default:
      return [`${value} != 0`];
  }
}

function thriftTypeName(type: StubType): string {
  switch (type.kind) {
    case "scalar":
      return type.coding === "binary" ? "STRING" : type.coding.toUpperCase();
    case "enum":
      return "I32";
    case "message":
      return "STRUCT";
    case "list":
      return type.set ? "SET" : "LIST";
    case "map":
      return "MAP";
    case "wrapped":
      return thriftTypeName(type.inner);
  }
}

function protoTypeName(type: StubType): "VARINT" | "I64" | "I32" | "LEN" {
  if (type.kind === "scalar") return PROTO_TYPES[type.coding] ?? "VARINT";
  return type.kind === "enum" ? "VARINT" : "LEN";
}
