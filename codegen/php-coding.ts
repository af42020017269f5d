// How scalars stand on a wire, in calls of PHP's runtime: the method that writes and reads each, and the checks where the type
// of the API and its coding do not hold the same values.
import type { PhpFile } from "./php-file.ts";
import type { ApiScalar, StubType } from "./stub-model.ts";

type Scalar = StubType & { readonly kind: "scalar" };

/** The methods of reader and writer that are called differently from the coding. */
const METHODS: Readonly<Record<string, string>> = {
  binary: "string",
  int64: "varint",
  uint64: "varint",
  sfixed64: "fixed64",
};

export function methodOf({ coding }: Scalar): string {
  return METHODS[coding] ?? coding;
}

const BITS_63 = 2n ** 63n;
const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  i8: [-128n, 127n],
  i16: [-32768n, 32767n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  i64: [-BITS_63, BITS_63 - 1n],
  u32: [0n, 2n ** 32n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};
const CODING_RANGES: Readonly<Record<string, string>> = {
  i8: "i8",
  i16: "i16",
  i32: "i32",
  i64: "i64",
  int32: "i32",
  sint32: "i32",
  sfixed32: "i32",
  int64: "i64",
  sint64: "i64",
  sfixed64: "i64",
  uint32: "u32",
  fixed32: "u32",
  uint64: "u64",
  fixed64: "u64",
};

/** The bounds that a value has to be held against on its way in or out; undefined when the coding says it all. */
function boundsOf({ api, coding, bits }: Scalar): string | undefined {
  const range = RANGES[api];
  const coded = RANGES[CODING_RANGES[coding] ?? ""];
  if (!range || !coded || (coded[0] >= range[0] && coded[1] <= range[1])) return undefined;
  if (coded[1] - coded[0] < 2n ** 63n || !/64/.test(api)) return `${range[0]}, ${range[1]}`;
  // Both have 64 bits, one a sign.
  return bits ? undefined : "0, PHP_INT_MAX";
}

/** The expression to write for a value in PHP. */
export function scalarToWire(type: Scalar, value: string): string {
  if (type.api === "uuid" && type.coding !== "uuid") {
    const bytes = `$out->uuidBytes(${value})`;
    return type.coding === "string" ? `$out->uuidText(${bytes})` : bytes;
  }
  const bounds = boundsOf(type);
  return bounds === undefined ? value : `$out->in(${value}, ${bounds})`;
}

/** The expression of a value in PHP for what was read of a field, whose name errors have. */
export function scalarFromWire(type: Scalar, field: string): string {
  const read = `$in->${methodOf(type)}()`;
  if (type.api === "uuid" && type.coding !== "uuid") {
    return type.coding === "string" ? `$in->uuidText($in->uuidBytes(${read}))` : `$in->uuidText(${read})`;
  }
  const bounds = boundsOf(type);
  return bounds === undefined ? read : `$in->in(${read}, ${bounds}, '${field}')`;
}

const THRIFT_TYPES: Readonly<Record<string, readonly [name: string, number: number]>> = {
  bool: ["BOOL", 2],
  i8: ["I8", 3],
  double: ["DOUBLE", 4],
  i16: ["I16", 6],
  i32: ["I32", 8],
  i64: ["I64", 10],
  string: ["STRING", 11],
  binary: ["STRING", 11],
  uuid: ["UUID", 16],
};

function thriftTypeOf(type: StubType): readonly [name: string, number: number] {
  switch (type.kind) {
    case "scalar":
      return THRIFT_TYPES[type.coding] ?? ["STRING", 11];
    case "enum":
      return ["I32", 8];
    case "message":
      return ["STRUCT", 12];
    case "list":
      return type.set ? ["SET", 14] : ["LIST", 15];
    case "map":
      return ["MAP", 13];
    case "wrapped":
      return thriftTypeOf(type.inner);
  }
}

/** `ThriftWriter::I32`. */
export function thriftType(file: PhpFile, type: StubType): string {
  return `${file.runtime("ThriftWriter")}::${thriftTypeOf(type)[0]}`;
}

/** What `ThriftReader::field` gives for a field: its type and its id. */
export function thriftKey(type: StubType, id: number): string {
  const key = thriftTypeOf(type)[1] * 0x10000 + (id & 0xffff);
  return `0x${key.toString(16).padStart(6, "0")}`;
}

const FIXED_64: ReadonlySet<string> = new Set(["double", "fixed64", "sfixed64"]);
const FIXED_32: ReadonlySet<string> = new Set(["float", "fixed32", "sfixed32"]);
const LENGTH = 2;
const GROUP = 3;

/** Protobuf's wire type of a value that is not repeated. */
export function wireTypeOf(type: StubType): number {
  if (type.kind === "enum") return 0;
  if (type.kind === "message") return type.delimited ? GROUP : LENGTH;
  if (type.kind !== "scalar" || type.coding === "string" || type.coding === "bytes") return LENGTH;
  return FIXED_64.has(type.coding) ? 1 : FIXED_32.has(type.coding) ? 5 : 0;
}

/** Protobuf's tag of a field: its number times 8, plus the wire type. */
export function protobufTag(id: number, wireType: number): number {
  return id * 8 + wireType;
}

/** Of Thrift lists that are read and written in one go, the method of the runtime. */
export function runOf(type: StubType & { readonly kind: "list" }): string | undefined {
  const { element } = type;
  if (element.kind !== "scalar" || !RUNS.has(element.coding) || boundsOf(element) !== undefined) return undefined;
  return isFloat(element.api) === (element.coding === "double") ? `${element.coding}s` : undefined;
}

const RUNS: ReadonlySet<string> = new Set(["i32", "i64", "double"]);

function isFloat(api: ApiScalar): boolean {
  return api === "float" || api === "double";
}
