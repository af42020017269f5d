// The Thrift compact encoding of a struct in the binary encoding, written a second time for the tests, and with every liberty
// that the specification leaves: long headers, either element type of bool, either byte for false, varints longer than needed.
import type { Random } from "./arbitrary-link.ts";

const TYPES: Readonly<Record<number, number>> = {
  2: 1,
  3: 3,
  4: 7,
  6: 4,
  8: 5,
  10: 6,
  11: 8,
  12: 12,
  13: 11,
  14: 10,
  15: 9,
  16: 13,
};

class NotWellFormed extends Error {}

/** Undefined when `bytes` are not one struct, well-formed. */
export function compactOf(random: Random, bytes: Uint8Array): Buffer | undefined {
  const input = Buffer.from(bytes);
  const out: number[] = [];
  let at = 0;

  const take = (n: number) => {
    at += n;
    if (n < 0 || at > input.length) throw new NotWellFormed();
    return input.subarray(at - n, at);
  };
  const varint = (value: bigint) => {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
    if (random.chance(1) && value < 100n) out.push(Number(rest) | 128, 0);
    else out.push(Number(rest));
  };
  const zigzag = (value: bigint) => varint((value << 1n) ^ (value >> 63n));
  const typeOf = (type: number) => (type === 2 && random.chance(30) ? 2 : (TYPES[type] ?? 0));

  function struct(): void {
    let last = 0;
    for (let type = take(1)[0]; type !== 0 && type !== undefined; type = take(1)[0]) {
      const id = take(2).readInt16BE();
      const delta = id - last;
      last = id;
      const compact = type === 2 ? (take(1)[0] === 0 ? 2 : 1) : (TYPES[type] ?? 0);
      if (delta > 0 && delta < 16 && !random.chance(5)) out.push((delta << 4) | compact);
      else {
        out.push(compact);
        zigzag(BigInt(id));
      }
      if (type !== 2) value(type);
    }
    out.push(0);
  }

  function value(type: number | undefined): void {
    switch (type) {
      case 2:
        out.push(take(1)[0] === 0 ? random.pick([0, 2]) : 1);
        return;
      case 3:
        out.push(...take(1));
        return;
      case 4:
        out.push(...Buffer.from(take(8)).reverse());
        return;
      case 6:
        zigzag(BigInt(take(2).readInt16BE()));
        return;
      case 8:
        zigzag(BigInt(take(4).readInt32BE()));
        return;
      case 10:
        zigzag(take(8).readBigInt64BE());
        return;
      case 11: {
        const length = take(4).readInt32BE();
        varint(BigInt(length));
        out.push(...take(length));
        return;
      }
      case 12:
        struct();
        return;
      case 13: {
        const [key, content] = take(2);
        const count = take(4).readInt32BE();
        varint(BigInt(count));
        if (count > 0) out.push((typeOf(key ?? 0) << 4) | typeOf(content ?? 0));
        for (let i = 0; i < count; i++) {
          value(key);
          value(content);
        }
        return;
      }
      case 14:
      case 15: {
        const element = take(1)[0] ?? 0;
        const count = take(4).readInt32BE();
        const isLong = count > 14 || random.chance(3);
        out.push(((isLong ? 15 : count) << 4) | typeOf(element));
        if (isLong) varint(BigInt(count));
        for (let i = 0; i < count; i++) value(element);
        return;
      }
      case 16:
        out.push(...take(16));
        return;
      default:
        throw new NotWellFormed();
    }
  }

  try {
    struct();
  } catch (error) {
    if (error instanceof NotWellFormed) return undefined;
    throw error;
  }
  return at === input.length ? Buffer.from(out) : undefined;
}
