// The integers of the Protobuf language: decimal, octal and hexadecimal.

const INTEGER = /^-?(?:0[xX][0-9a-fA-F]+|[0-9]+)$/;

/** The integer that a decimal, octal (`0` first) or hexadecimal word stands for; NaN for anything else. */
export function parseProtoInteger(word: string): number {
  const exact = parseProtoBigint(word);
  return exact === undefined ? Number.NaN : Number(exact);
}

/** As parseProtoInteger, exact at any size; undefined for anything else, and beyond 64 digits. */
export function parseProtoBigint(word: string): bigint | undefined {
  if (!INTEGER.test(word) || word.length > 64) return undefined;
  const negative = word.startsWith("-");
  const digits = negative ? word.slice(1) : word;
  const octal = /^0[0-7]+$/.test(digits);
  if (!octal && /^0[0-9]/.test(digits)) return undefined;
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  return negative ? -value : value;
}
