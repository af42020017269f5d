// Integers between an API and a wire that differ in what they can hold: plain conversions where all fits, else checks.
import type { ApiScalar, StubType } from "./stub-model.ts";

interface Range {
  readonly low: bigint;
  readonly high: bigint;
  readonly low64: string;
  readonly high64: string;
}

const bits = (size: bigint): Range => ({
  low: -(2n ** (size - 1n)),
  high: 2n ** (size - 1n) - 1n,
  low64: `math.MinInt${size}`,
  high64: `math.MaxInt${size}`,
});
const U32: Range = { low: 0n, high: 2n ** 32n - 1n, low64: "0", high64: "math.MaxUint32" };
const U64: Range = { low: 0n, high: 2n ** 64n - 1n, low64: "0", high64: "math.MaxInt64" };

const RANGES: Readonly<Record<string, Range>> = {
  i8: bits(8n),
  i16: bits(16n),
  i32: bits(32n),
  i64: bits(64n),
  u32: U32,
  u64: U64,
  int32: bits(32n),
  sint32: bits(32n),
  sfixed32: bits(32n),
  int64: bits(64n),
  sint64: bits(64n),
  sfixed64: bits(64n),
  uint32: U32,
  fixed32: U32,
  uint64: U64,
  fixed64: U64,
};

/** The Go type of an integer of the API or the wire. */
export function goInteger(name: string): string {
  const range = RANGES[name]!;
  if (range === U32) return "uint32";
  if (range === U64) return "uint64";
  return `int${range.high64.slice("math.MaxInt".length)}`;
}

/** Whether a scalar's name is that of an integer. */
export function isInteger(name: string): boolean {
  return name in RANGES;
}

type Scalar = StubType & { readonly kind: "scalar" };

/** An expression of the API as one of the coding's Go type; `uses` says that math is needed. */
export function toWireInteger({ api, coding, bits }: Scalar, value: string, what: string, uses: () => void): string {
  return convert({ from: api, to: coding, value, what, bits, host: "w", uses });
}

/** An expression of the coding's Go type as one of the API. */
export function fromWireInteger({ api, coding, bits }: Scalar, value: string, what: string, uses: () => void): string {
  return convert({ from: coding, to: api, value, what, bits, host: "r", uses });
}

interface Conversion {
  readonly from: ApiScalar | string;
  readonly to: ApiScalar | string;
  readonly value: string;
  readonly what: string;
  readonly bits: boolean;
  readonly host: "w" | "r";
  uses(): void;
}

function convert({ from, to, value, what, bits, host, uses }: Conversion): string {
  const [source, target] = [RANGES[from]!, RANGES[to]!];
  const [sourceType, targetType] = [goInteger(from), goInteger(to)];
  if (sourceType === targetType) return value;
  if (bits || (target.low <= source.low && target.high >= source.high)) return `${targetType}(${value})`;
  if (source === U64) return asType(targetType, "int64", `${host}.Signed(${what}, ${value})`);
  uses();
  const wide = sourceType === "int64" ? value : `int64(${value})`;
  return asType(targetType, "int64", `${host}.In(${what}, ${wide}, ${target.low64}, ${target.high64})`);
}

function asType(wanted: string, is: string, expression: string): string {
  return wanted === is ? expression : `${wanted}(${expression})`;
}
