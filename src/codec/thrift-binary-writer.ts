// Writes the Thrift binary encoding for the interpreter.
import type { FieldLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import { FIXED_SIZES, type ThriftBody } from "./thrift-binary.ts";
import { createConstantSession, ThriftWriter } from "./thrift-writer.ts";
import type { MessageValue, Value } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Encodes a message as a struct, by the rules towards Thrift. */
export function encodeThriftBinary(
  message: MessageValue,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): Uint8Array {
  return new ThriftBinaryWriter(session, losses).message(message, body);
}

/** One field with its header. The value must fit. */
export function encodeThriftField(field: FieldLink, value: Value): Uint8Array {
  return new ThriftBinaryWriter(...createConstantSession()).wholeField(field, value);
}

class ThriftBinaryWriter extends ThriftWriter {
  protected override field(type: number, id: number, _last: number, content: Uint8Array): void {
    this.out.u8(type);
    this.out.u16(id & 0xffff);
    this.out.raw(content);
  }

  protected override list(element: number, count: number): void {
    this.out.u8(element);
    this.out.u32(count);
  }

  protected override map(key: number, value: number, count: number): void {
    this.out.u8(key);
    this.out.u8(value);
    this.out.u32(count);
  }

  protected override scalar(value: bigint | Uint8Array, type: number): void {
    if (value instanceof Uint8Array) {
      if (type !== THRIFT_TYPES.uuid) this.out.u32(value.length);
      this.out.raw(value);
      return;
    }
    const size = FIXED_SIZES.get(type);
    if (size === 1) this.out.u8(Number(BigInt.asUintN(8, value)));
    else if (size === 2) this.out.u16(Number(BigInt.asUintN(16, value)));
    else if (size === 4) this.out.u32(Number(BigInt.asUintN(32, value)));
    else this.out.u64(BigInt.asUintN(64, value));
  }
}
