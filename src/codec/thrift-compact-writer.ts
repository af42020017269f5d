// Writes the Thrift compact encoding for the interpreter.
import type { FieldLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import type { ThriftBody } from "./thrift-binary.ts";
import { FALSE, LONG_LIST, TRUE, toCompact } from "./thrift-compact.ts";
import { createConstantSession, ThriftWriter } from "./thrift-writer.ts";
import type { MessageValue, Value } from "./value.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** Encodes a message as a struct, by the rules towards Thrift. */
export function encodeThriftCompact(
  message: MessageValue,
  body: ThriftBody,
  session: Session,
  losses: Losses,
): Uint8Array {
  return new ThriftCompactWriter(session, losses).message(message, body);
}

/** The value of a field, as it stands behind the field's header; of a bool, as an element stands. It must fit. */
export function encodeCompactValue(field: FieldLink, value: Value): Uint8Array {
  return new ThriftCompactWriter(...createConstantSession()).content(field, value);
}

class ThriftCompactWriter extends ThriftWriter {
  protected override field(type: number, id: number, last: number, content: Uint8Array): void {
    const isBool = type === THRIFT_TYPES.bool;
    const compactType = isBool ? (content[0] ?? FALSE) : toCompact(type);
    const delta = id - last;
    if (delta > 0 && delta < 16) this.out.u8((delta << 4) | compactType);
    else {
      this.out.u8(compactType);
      this.#signed(BigInt(id));
    }
    if (!isBool) this.out.raw(content);
  }

  protected override list(element: number, count: number): void {
    this.out.u8((Math.min(count, LONG_LIST) << 4) | toCompact(element));
    if (count >= LONG_LIST) this.#varint(BigInt(count));
  }

  protected override map(key: number, value: number, count: number): void {
    this.#varint(BigInt(count));
    if (count > 0) this.out.u8((toCompact(key) << 4) | toCompact(value));
  }

  protected override scalar(value: bigint | Uint8Array, type: number): void {
    if (value instanceof Uint8Array) {
      if (type !== THRIFT_TYPES.uuid) this.#varint(BigInt(value.length));
      this.out.raw(value);
    } else if (type === THRIFT_TYPES.bool) this.out.u8(value === 0n ? FALSE : TRUE);
    else if (type === THRIFT_TYPES.i8) this.out.u8(Number(BigInt.asUintN(8, value)));
    else if (type === THRIFT_TYPES.double) this.out.u64(value, true);
    else this.#signed(value);
  }

  #signed(value: bigint): void {
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  #varint(value: bigint): void {
    let rest = value;
    for (; rest > 127n; rest >>= 7n) this.out.u8(Number((rest & 127n) | 128n));
    this.out.u8(Number(rest));
  }
}
