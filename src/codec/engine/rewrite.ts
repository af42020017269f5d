// From one encoding of Thrift to another, without a table: types and ids are in the bytes, so that all fields pass, also those
// that no IDL names.
import { FAULT_ELEMENTS, FAULT_DEPTH, FAULT_TRAILING, FAULT_TYPE } from "../layout";
import { fails, inputEnd, ip, lacksRoom, maxDepth, maxElements, overflows } from "./registers";
import {
  BOOL, BROKEN, DOUBLE, elementType, I16, I32, I64, I8, LIST, MAP, SET, STRING, STRUCT, UUID, valueType,
} from "./thrift";
import { copyBytes } from "./text";

/** More than a header and a value of fixed size. */
const ROOM: usize = 40;

/** Rewrites the struct that fills the input from the encoding `R` in the encoding `W`; true with a fault noted. */
export function rewriteFails<R, W>(): bool {
  changetype<R>(0).begin();
  changetype<W>(0).begin();
  if (structFails<R, W>(1)) return true;
  return ip != inputEnd ? fails(FAULT_TRAILING, ip, inputEnd - ip) : overflows();
}

function structFails<R, W>(depth: u32): bool {
  const reader = changetype<R>(0), writer = changetype<W>(0);
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const outer = writer.last();
  writer.follow(0);
  let last: u32 = 0;
  while (true) {
    const header = reader.field(last);
    if (header == BROKEN || lacksRoom(ROOM)) return true;
    if (!header) break;
    last = header & 0xffff;
    const type = <u8>(header >> 16);
    writer.putField(type, last);
    if (valueFails<R, W>(type, depth)) return true;
  }
  writer.putStop();
  writer.follow(outer);
  return false;
}

function valueFails<R, W>(type: u8, depth: u32): bool {
  const reader = changetype<R>(0), writer = changetype<W>(0);
  if (lacksRoom(ROOM)) return true;
  switch (type) {
    case BOOL:
      if (reader.lacksBool()) return true;
      writer.putBool(reader.bool());
      return false;
    case I8: case I16: case I32: case I64: {
      if (reader.lacksInteger(type)) return true;
      const value = reader.integer(type);
      if (reader.failed()) return true;
      writer.putInteger(type, value);
      return false;
    }
    case DOUBLE:
      if (reader.lacks(8)) return true;
      writer.putBits(reader.bits());
      return false;
    case STRING: {
      const n = reader.length();
      if (n < 0 || lacksRoom(ROOM + n)) return true;
      writer.putLength(n);
      copyBytes(n);
      return false;
    }
    case UUID:
      if (reader.lacks(16)) return true;
      copyBytes(16);
      return false;
    case STRUCT: return structFails<R, W>(depth + 1);
    case LIST: case SET: return listFails<R, W>(depth + 1);
    case MAP: return mapFails<R, W>(depth + 1);
    default: return fails(FAULT_TYPE, ip, reader.nameOf(type));
  }
}

function listFails<R, W>(depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const at = ip, n = changetype<R>(0).list(), type = elementType;
  if (n < 0) return true;
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  // Of an empty list the type may be none.
  changetype<W>(0).putList(type > UUID ? 0 : type, n);
  for (let i = 0; i < n; i++) if (valueFails<R, W>(type, depth)) return true;
  return false;
}

function mapFails<R, W>(depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const at = ip, n = changetype<R>(0).map(), key = elementType, value = valueType;
  if (n < 0) return true;
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  changetype<W>(0).putMap(key, value, n);
  for (let i = 0; i < n; i++) if (valueFails<R, W>(key, depth) || valueFails<R, W>(value, depth)) return true;
  return false;
}
