// Reads the Thrift compact encoding for the interpreter.
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { FAULT_LENGTH, FAULT_VARINT } from "./layout.ts";
import { STOP, type ThriftBody } from "./thrift-binary.ts";
import { FALSE, fromCompact, LONG_LIST, NO_TYPE, TRUE } from "./thrift-compact.ts";
import { type ContainerHeader, type FieldHeader, ThriftReader } from "./thrift-reader.ts";
import type { MessageValue } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Decodes a struct that fills `bytes`, by the rules towards Protobuf. */
export function decodeThriftCompact(
  bytes: Uint8Array,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): MessageValue {
  return new ThriftCompactReader(bytes, session, losses).message(body);
}

class ThriftCompactReader extends ThriftReader {
  /** The value of the bool field whose header was just read. */
  #bool: bigint | undefined;

  protected override field(last: number, path: string): FieldHeader | undefined {
    const byte = this.#u8(path);
    const type = byte & 15;
    if (type === STOP) return undefined;
    const delta = byte >> 4;
    const id = ((delta === 0 ? Number(this.#signed(16, path)) : last + delta) << 16) >> 16;
    this.#bool = type === TRUE ? 1n : type === FALSE ? 0n : undefined;
    return { type: fromCompact(type), id };
  }

  protected override container(type: number, path: string): ContainerHeader {
    const { at } = this;
    const header = this.#header(type, path);
    const least = header.types.reduce((sum, each) => sum + leastSize(each), 0);
    if (header.count * least > this.left) {
      this.session.fail(FAULT_LENGTH, at, path, undefined, BigInt(header.count | 0));
    }
    return header;
  }

  #header(type: number, path: string): ContainerHeader {
    if (type === THRIFT_TYPES.map) {
      const count = this.#size(path);
      if (count === 0) return { types: [], count };
      const types = this.#u8(path);
      return { types: [fromCompact(types >> 4), fromCompact(types & 15)], count };
    }
    const byte = this.#u8(path);
    const isLong = byte >> 4 === LONG_LIST;
    return { types: [fromCompact(byte & 15)], count: isLong ? this.#size(path) : byte >> 4 };
  }

  protected override peekContainer(type: number): ContainerHeader | undefined {
    const { at } = this;
    if (type === THRIFT_TYPES.map) {
      const count = this.#varint("", true);
      if (count === undefined || (BigInt.asUintN(32, count) > 0n && this.left === 0)) return undefined;
    } else if (this.left === 0) return undefined;
    else if ((this.bytes[at] ?? 0) >> 4 === LONG_LIST) {
      // A count that is cut off is found when the list is entered.
      const count = this.bytes[at + 1] ?? 1;
      return { types: [fromCompact((this.bytes[at] ?? 0) & 15)], count };
    }
    this.at = at;
    return this.#header(type, "");
  }

  protected override scalar(type: number, path: string): bigint | Uint8Array {
    switch (type) {
      case THRIFT_TYPES.bool: {
        const value = this.#bool ?? BigInt(this.#u8(path) === TRUE);
        this.#bool = undefined;
        return value;
      }
      case THRIFT_TYPES.i8:
        return BigInt(this.view.getInt8(this.take(1, path)));
      case THRIFT_TYPES.i16:
        return this.#signed(16, path);
      case THRIFT_TYPES.i32:
        return this.#signed(32, path);
      case THRIFT_TYPES.i64:
        return this.#signed(64, path);
      case THRIFT_TYPES.double:
        return this.view.getBigUint64(this.take(8, path), true);
      case THRIFT_TYPES.uuid:
        return this.slice(16, path);
      default:
        return this.#string(path);
    }
  }

  protected override nameOf(type: number): number {
    return type >= NO_TYPE ? type - NO_TYPE : type;
  }

  #string(path: string): Uint8Array {
    const { at } = this;
    const length = this.#size(path);
    if (length > this.left) this.session.fail(FAULT_LENGTH, at, path, undefined, BigInt(length | 0));
    return this.slice(length, path);
  }

  #u8(path: string): number {
    return this.view.getUint8(this.take(1, path));
  }

  #size(path: string): number {
    return Number(BigInt.asUintN(32, this.#varint(path)));
  }

  /** A zigzag varint, of which the lower bits count. */
  #signed(bits: 16 | 32 | 64, path: string): bigint {
    const zigzag = BigInt.asUintN(Math.max(bits, 32), this.#varint(path));
    return BigInt.asIntN(bits, (zigzag >> 1n) ^ -(zigzag & 1n));
  }

  #varint(path: string): bigint;
  #varint(path: string, mayBeCut: true): bigint | undefined;
  #varint(path: string, mayBeCut = false): bigint | undefined {
    const { at } = this;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (mayBeCut && this.left === 0) return undefined;
      const byte = this.#u8(path);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    return mayBeCut ? undefined : this.session.fail(FAULT_VARINT, at, path);
  }
}

/** The fewest bytes that a value of this type takes. */
function leastSize(type: number): number {
  if (type === THRIFT_TYPES.double) return 8;
  return type === THRIFT_TYPES.uuid ? 16 : 1;
}
