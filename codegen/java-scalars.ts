// How a scalar of the API is written in each coding, and read back: the calls of the runtime, with a check where one side
// holds more than the other.
import type { ProtoScalar, ThriftScalar, Wire } from "../src/schema/model.ts";
import type { JavaFile } from "./java-file.ts";
import type { ApiScalar, StubType } from "./stub-model.ts";

type Scalar = Extract<StubType, { kind: "scalar" }>;
type Coding = ThriftScalar | ProtoScalar;

/** A way to write and to read a value, as Java text. */
export interface ScalarCode {
  /** The statement that writes `value` to `out`. */
  write(out: string, value: string): string;
  /** The expression that reads from `input`, of exactly the Java type of the API. */
  read(input: string): string;
  /** The runtime's own method, where nothing is converted: it can be named by a reference. */
  readonly method: string | undefined;
}

type Range = "i8" | "i16" | "i32" | "u32" | "i64" | "u64";

const BOUNDS: Readonly<Record<"i8" | "i16" | "i32" | "u32", readonly [least: string, most: string]>> = {
  i8: ["Byte.MIN_VALUE", "Byte.MAX_VALUE"],
  i16: ["Short.MIN_VALUE", "Short.MAX_VALUE"],
  i32: ["Integer.MIN_VALUE", "Integer.MAX_VALUE"],
  u32: ["0", "0xffffffffL"],
};

/** The method of the runtime for an integer's coding, and what it can hold. */
const INTEGERS: Readonly<Partial<Record<Coding, readonly [method: string, range: Range]>>> = {
  i8: ["i8", "i8"],
  i16: ["i16", "i16"],
  i32: ["i32", "i32"],
  i64: ["i64", "i64"],
  int32: ["int32", "i32"],
  sint32: ["sint32", "i32"],
  sfixed32: ["fixed32", "i32"],
  uint32: ["uint32", "u32"],
  fixed32: ["fixed32", "u32"],
  int64: ["int64", "i64"],
  sint64: ["sint64", "i64"],
  sfixed64: ["fixed64", "i64"],
  uint64: ["int64", "u64"],
  fixed64: ["fixed64", "u64"],
};

const WIDTH: Readonly<Record<Range, number>> = { i8: 8, i16: 16, i32: 32, u32: 32, i64: 64, u64: 64 };

/** The code of a scalar; undefined for a pair that no rule makes. */
export function scalarCode(file: JavaFile, wire: Wire, { api, coding, bits }: Scalar): ScalarCode | undefined {
  const integer = INTEGERS[coding];
  if (integer && isInteger(api)) return integerCode(file, wire, api, integer, bits);
  const plain = plainMethod(wire, api, coding);
  if (plain !== undefined) return direct(plain);
  const isText = coding === "string" || coding === "binary" || coding === "bytes";
  if (api === "string" && isText) return direct("string");
  if (api === "bytes" && isText) return direct(wire === "thrift" ? "binary" : "bytes");
  if (api === "float" && coding === "double") {
    return { method: undefined, write: (out, v) => `${out}.f64(${v})`, read: (i) => `${i}.toFloat(${i}.f64())` };
  }
  if (api === "double" && coding === "float") {
    const output = file.jdk("causeway.Output");
    return {
      method: undefined,
      write: (out, v) => `${out}.f32(${output}.toFloat(${v}))`,
      read: (i) => `(double) ${i}.f32()`,
    };
  }
  if (api === "uuid" && coding === "string" && wire === "protobuf") {
    return { method: undefined, write: (out, v) => `${out}.string(${v}.toString())`, read: (i) => `${i}.uuidText()` };
  }
  return undefined;
}

function plainMethod(wire: Wire, api: ApiScalar, coding: Coding): string | undefined {
  if (api === "bool" && coding === "bool") return "bool";
  if (api === "double" && coding === "double") return "f64";
  if (api === "float" && coding === "float") return "f32";
  if (api !== "uuid") return undefined;
  return coding === (wire === "thrift" ? "uuid" : "bytes") ? "uuid" : undefined;
}

function direct(method: string): ScalarCode {
  return { method, write: (out, v) => `${out}.${method}(${v})`, read: (i) => `${i}.${method}()` };
}

function isInteger(api: ApiScalar): api is Range {
  return api in WIDTH;
}

function integerCode(
  file: JavaFile,
  wire: Wire,
  api: Range,
  [method, range]: readonly [string, Range],
  bits: boolean,
): ScalarCode {
  // Of uint32 the runtime reads the bits as of int32.
  const reader = wire === "protobuf" && method === "uint32" ? "int32" : method;
  if (api === range) {
    const same = reader === method ? method : undefined;
    return { method: same, write: (out, v) => `${out}.${method}(${v})`, read: (i) => `${i}.${reader}()` };
  }
  const output = () => file.jdk("causeway.Output");
  const write = (out: string, v: string): string => {
    const wide = api === "u32" ? `Integer.toUnsignedLong(${v})` : v;
    if (range === "i64" || range === "u64") {
      const fits = api === "u32" || bits || (range === "i64" && api !== "u64");
      return `${out}.${method}(${fits ? wide : `${output()}.unsigned(${wide})`})`;
    }
    if (range === "i32" && (api === "i8" || api === "i16")) return `${out}.${method}(${v})`;
    const [least, most] = BOUNDS[range];
    const cast = range === "i8" ? "(byte) " : range === "i16" ? "(short) " : "";
    return `${out}.${method}(${cast}${output()}.fit(${wide}, ${least}, ${most}, "${range}"))`;
  };
  const read = (i: string): string => {
    const raw = `${i}.${reader}()`;
    const wide = range === "u32" ? `Integer.toUnsignedLong(${raw})` : raw;
    if (api === "i64" || api === "u64") {
      if (range === "u32") return wide;
      if (range === "i64" || range === "u64") return bits ? raw : `${i}.unsigned(${raw})`;
      return api === "i64" ? `(long) ${raw}` : `${i}.unsigned(${raw})`;
    }
    const [least, most] = BOUNDS[api];
    const cast = api === "i8" ? "(byte) " : api === "i16" ? "(short) " : "";
    return `${cast}${i}.fit(${wide}, ${least}, ${most}, "${api}")`;
  };
  return { method: undefined, write, read };
}
