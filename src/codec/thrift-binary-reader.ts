// Reads the Thrift binary encoding for the interpreter.
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { FAULT_LENGTH } from "./layout.ts";
import { FIXED_SIZES, STOP, type ThriftBody } from "./thrift-binary.ts";
import { type ContainerHeader, type FieldHeader, ThriftReader } from "./thrift-reader.ts";
import type { MessageValue } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Decodes a struct that fills `bytes`, by the rules towards Protobuf. */
export function decodeThriftBinary(
  bytes: Uint8Array,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): MessageValue {
  return new ThriftBinaryReader(bytes, session, losses).message(body);
}

class ThriftBinaryReader extends ThriftReader {
  protected override field(_last: number, path: string): FieldHeader | undefined {
    const type = this.#u8(path);
    return type === STOP ? undefined : { type, id: this.view.getInt16(this.take(2, path)) };
  }

  protected override container(type: number, path: string): ContainerHeader {
    const types = this.#types(type, path);
    const least = types.reduce((sum, each) => sum + leastSize(each), 0);
    return { types, count: this.#count(least, path) };
  }

  protected override peekContainer(type: number): ContainerHeader | undefined {
    if (this.left < (type === THRIFT_TYPES.map ? 6 : 5)) return undefined;
    const types = this.#types(type, "");
    return { types, count: this.view.getUint32(this.at) };
  }

  #types(type: number, path: string): readonly number[] {
    return type === THRIFT_TYPES.map ? [this.#u8(path), this.#u8(path)] : [this.#u8(path)];
  }

  protected override scalar(type: number, path: string): bigint | Uint8Array {
    switch (type) {
      case THRIFT_TYPES.bool:
        return BigInt(this.#u8(path));
      case THRIFT_TYPES.i8:
        return BigInt(this.view.getInt8(this.take(1, path)));
      case THRIFT_TYPES.i16:
        return BigInt(this.view.getInt16(this.take(2, path)));
      case THRIFT_TYPES.i32:
        return BigInt(this.view.getInt32(this.take(4, path)));
      case THRIFT_TYPES.i64:
        return this.view.getBigInt64(this.take(8, path));
      case THRIFT_TYPES.double:
        return this.view.getBigUint64(this.take(8, path));
      case THRIFT_TYPES.uuid:
        return this.slice(16, path);
      default:
        return this.slice(this.#count(1, path), path);
    }
  }

  #u8(path: string): number {
    return this.view.getUint8(this.take(1, path));
  }

  /** A count of things that take at least `least` bytes each. */
  #count(least: number, path: string): number {
    const at = this.take(4, path);
    const count = this.view.getUint32(at);
    if (count * least > this.left) this.session.fail(FAULT_LENGTH, at, path, undefined, BigInt(count | 0));
    return count;
  }
}

/** The fewest bytes that a value of this type takes. */
function leastSize(type: number): number {
  if (type === THRIFT_TYPES.string) return 4;
  if (type === THRIFT_TYPES.struct) return 1;
  return FIXED_SIZES.get(type) ?? (type === THRIFT_TYPES.list || type === THRIFT_TYPES.set ? 5 : 6);
}
