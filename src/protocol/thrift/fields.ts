// The fields of one struct, by id and type and bounds, without decoding their values.
import { RpcError } from "../../base/errors.ts";
import { COMPACT_TYPE, CompactWalker } from "./compact-walker.ts";
import { StructWalker, TYPE } from "./struct-walker.ts";
import { varintEnd, varintValue } from "./varint.ts";

/** What is done with a field; `type` is the encoding's own. Returns whether to go on to the next. */
export type VisitField = (id: number, type: number, start: number, end: number) => boolean;

/**
 * Calls `visit` with the id, type and bounds of each field of the binary struct at `offset` until it returns false.
 * Throws a RpcError INVALID_ARGUMENT when the struct is malformed or cut short.
 */
export function eachField(bytes: Uint8Array, offset: number, maxDepth: number, visit: VisitField): void {
  const walker = new StructWalker({ maxMessageBytes: bytes.length, maxDepth });
  for (let at = offset; ; ) {
    const type = bytes[at];
    if (type === TYPE.STOP) return;
    if (type === undefined || at + 3 > bytes.length) throw cutShort(bytes);
    const start = at + 3;
    walker.begin(start, type);
    if (!walker.resume(bytes)) throw cutShort(bytes);
    at = walker.position;
    if (!visit(((bytes[start - 2]! << 24) >> 16) | bytes[start - 1]!, type, start, at)) return;
  }
}

/** The same for a compact struct. */
export function eachCompactField(bytes: Uint8Array, offset: number, maxDepth: number, visit: VisitField): void {
  const walker = new CompactWalker({ maxMessageBytes: bytes.length, maxDepth });
  let id = 0;
  for (let at = offset; ; ) {
    const head = bytes[at];
    if (head === undefined) throw cutShort(bytes);
    if (head === COMPACT_TYPE.STOP) return;
    let start = at + 1;
    if (head > 0x0f) {
      id += head >> 4;
    } else {
      const end = varintEnd(bytes, start);
      if (end === undefined) throw cutShort(bytes);
      const zigzag = varintValue(bytes, start, end);
      id = (((zigzag >>> 1) ^ -(zigzag & 1)) << 16) >> 16;
      start = end;
    }
    const type = head & 0x0f;
    if (type === COMPACT_TYPE.TRUE || type === COMPACT_TYPE.FALSE) {
      at = start;
    } else {
      walker.begin(start, type);
      if (!walker.resume(bytes)) throw cutShort(bytes);
      at = walker.position;
    }
    if (!visit(id, type, start, at)) return;
  }
}

function cutShort(bytes: Uint8Array): RpcError {
  return new RpcError("INVALID_ARGUMENT", `the message ends at byte ${bytes.length}, inside its struct`);
}
