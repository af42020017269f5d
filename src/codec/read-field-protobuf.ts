// A field by its path in Protobuf's encoding. Occurrences of one message merge, so the last occurrence of the field in any
// of them counts.
import type { Field } from "../schema/model.ts";
import { integerText, MAX_VALUE_BYTES, textAt } from "./field-text.ts";

const MAX_DEPTH = 64;
const WIRE = { VARINT: 0, I64: 1, LEN: 2, START: 3, END: 4, I32: 5 } as const;

/** See FindField. */
export function findInProtobuf(bytes: Uint8Array, path: readonly Field[]): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a varint of more than 10 bytes");
  }

  /** Of keys and lengths, which have 32 bits. */
  function shortVarint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 36; factor *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError("a number of more than 32 bits");
  }

  function lengthWithin(end: number): number {
    const length = shortVarint();
    if (length > end - at) throw new RangeError("a length beyond the end");
    return length;
  }

  function skip(wire: number, number: number, end: number, depth: number): void {
    if (wire === WIRE.VARINT) while (view.getUint8(at++) >= 128);
    else if (wire === WIRE.I64) at += 8;
    else if (wire === WIRE.I32) at += 4;
    else if (wire === WIRE.LEN) {
      const length = lengthWithin(end);
      at += length;
    } else if (wire === WIRE.START && depth < MAX_DEPTH) {
      for (;;) {
        const key = shortVarint();
        if ((key & 7) === WIRE.END && key >>> 3 === number) return;
        skip(key & 7, key >>> 3, end, depth + 1);
      }
    } else throw new RangeError("no such wire type");
  }

  function textOfValue(field: Field, wire: number, end: number): string | undefined {
    const name = field.type.kind === "scalar" ? field.type.name : "int32";
    if (wire === WIRE.LEN) {
      const length = lengthWithin(end);
      at += length;
      return name === "string" && length <= MAX_VALUE_BYTES ? textAt(bytes, at - length, at) : undefined;
    }
    if (wire === WIRE.I32 || wire === WIRE.I64) {
      const size = wire === WIRE.I32 ? 4 : 8;
      at += size;
      const signed = size === 4 ? BigInt(view.getInt32(at - 4, true)) : view.getBigInt64(at - 8, true);
      return integerText(field, name.startsWith("s") ? signed : BigInt.asUintN(size * 8, signed));
    }
    const value = varint();
    const bits = name.endsWith("64") ? 64 : 32;
    if (name.startsWith("sint")) return integerText(field, (value >> 1n) ^ -(value & 1n));
    if (name.startsWith("uint")) return integerText(field, BigInt.asUintN(bits, value));
    return integerText(field, name === "bool" ? value : BigInt.asIntN(bits, value));
  }

  function find(step: number, end: number): string | undefined {
    const field = path[step]!;
    const isLast = step === path.length - 1;
    let found: string | undefined;
    while (at < end) {
      const key = shortVarint();
      const [wire, number] = [key & 7, Math.floor(key / 8)];
      if (number !== field.id || wire === WIRE.START || (!isLast && wire !== WIRE.LEN)) skip(wire, number, end, 0);
      else if (isLast) found = textOfValue(field, wire, end);
      else {
        const length = lengthWithin(end);
        found = find(step + 1, at + length) ?? found;
      }
    }
    if (at > end) throw new RangeError("a field beyond the end");
    return found;
  }

  return find(0, bytes.length);
}
