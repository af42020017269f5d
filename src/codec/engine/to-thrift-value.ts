// Single values towards Thrift, as both ways through a message write them: scalars, bytes, zeros.
import {
  FAULT_DEPTH, FAULT_ELEMENTS, FAULT_NO_MEMBER, FAULT_RANGE, FAULT_SYNTHETIC_ZERO, FAULT_UNKNOWN_ENUM, FAULT_UUID,
  FLAG_BITS, FLAG_IMPLICIT, FLAG_PACKED, FLAG_SYNTHETIC_ZERO, FLAG_TEXT, FORM_FIXED32, FORM_FIXED64, FORM_INT32,
  FORM_SFIXED32, FORM_SFIXED64, FORM_SINT32, FORM_SINT64, FORM_UINT32, FORM_UINT64, KIND_BOOL, KIND_DOUBLE, KIND_ENUM,
  KIND_FLOAT, KIND_I32, KIND_I64, KIND_INTEGER, KIND_LIST, KIND_MAP, KIND_OCTETS, KIND_STRING, KIND_UUID_TEXT,
  KIND_WRAPPED, NODE_KEY,
} from "../layout";
import { widen } from "./floats";
import { DELIMITED, Protobuf } from "./protobuf";
import { fails, ip, lacksRoom, maxDepth, maxElements, op, readAt, writeAt } from "./registers";
import { formOf, hasFlag, kindOf, names, nodeOf, targetOf, thriftTypeOf } from "./table";
import { copyBytes, textFails } from "./text";
import { I16, I32, I64, I8 } from "./thrift";
import { putUuidBytes } from "./uuid";

const protobuf = changetype<Protobuf>(0);

// How writing one value ends.
export const WRITTEN: u32 = 0;
export const FAILED: u32 = 1;
/** Thrift cannot say it; what was written of it does not count. */
export const UNWRITABLE: u32 = 2;

/** Whether the last value was its type's zero, or a container without elements. */
export let wasZero: bool = false;
@inline export function wrote(isZero: bool): void { wasZero = isZero; }

/** More than the header and value of any scalar of fixed size. */
export const SCALAR_ROOM: usize = 40;

/** Whether an occurrence with this key is what the node stands for. */
@inline export function accepts(node: usize, key: u32): bool {
  const expected = load<u32>(node, NODE_KEY);
  return key == expected || ((key & 7) == DELIMITED && hasFlag(node, FLAG_PACKED) && key >>> 3 == expected >>> 3);
}

/** Notes that a value which cannot be left out cannot be written either. */
export function unwritable(node: usize): u32 {
  fails(kindOf(node) == KIND_ENUM ? FAULT_SYNTHETIC_ZERO : FAULT_NO_MEMBER, ip, 0);
  return FAILED;
}

/** Writes the zero of any value but a message. */
export function zeroValueStatus<T>(node: usize): u32 {
  const thrift = changetype<T>(0);
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  wasZero = true;
  switch (kindOf(node)) {
    case KIND_STRING: thrift.putLength(0); return WRITTEN;
    case KIND_LIST: thrift.putList(thriftTypeOf(targetOf(node)), 0); return WRITTEN;
    case KIND_OCTETS: thrift.putList(I8, 0); return WRITTEN;
    case KIND_MAP: {
      thrift.putMap(thriftTypeOf(nodeOf(targetOf(node), 0)), thriftTypeOf(nodeOf(targetOf(node), 1)), 0);
      return WRITTEN;
    }
    case KIND_WRAPPED: return zeroValueStatus<T>(nodeOf(targetOf(node), 0));
    case KIND_ENUM: return zeroEnumStatus<T>(node);
    default: thrift.putZero(thriftTypeOf(node)); return WRITTEN;
  }
}

function zeroEnumStatus<T>(node: usize): u32 {
  if (hasFlag(node, FLAG_SYNTHETIC_ZERO)) return UNWRITABLE;
  const known = targetOf(node);
  if (!known || names(known, 0)) return putEnum<T>(node, 0);
  fails(FAULT_UNKNOWN_ENUM, ip, 0);
  return FAILED;
}

export function octetsStatus<T>(node: usize, end: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const at = ip, n = protobuf.length(end);
  if (n < 0) return FAILED;
  if (<u32>n > maxElements) { fails(FAULT_ELEMENTS, at, n); return FAILED; }
  if (lacksRoom(SCALAR_ROOM + n)) return FAILED;
  thrift.putHead(node);
  thrift.putList(I8, n);
  copyBytes(n);
  wasZero = n == 0;
  return WRITTEN;
}

/** Translates the scalar at `ip`. */
export function scalarStatus<T>(node: usize, end: usize): u32 {
  const thrift = changetype<T>(0);
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  switch (kindOf(node)) {
    case KIND_I32: {
      const value = <i32>protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      thrift.putHead(node);
      thrift.putI32(value);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_I64: {
      const value = <i64>protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      thrift.putHead(node);
      thrift.putI64(value);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_STRING: {
      const n = protobuf.length(end);
      if (n < 0 || lacksRoom(SCALAR_ROOM + n)) return FAILED;
      thrift.putHead(node);
      thrift.putLength(n);
      wasZero = n == 0;
      if (!hasFlag(node, FLAG_TEXT)) copyBytes(n);
      else if (textFails(n)) return FAILED;
      return WRITTEN;
    }
    case KIND_BOOL: {
      const value = protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      thrift.putHead(node);
      thrift.putBool(value != 0);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_DOUBLE: {
      if (protobuf.lacks(8, end)) return FAILED;
      const bits = load<u64>(ip);
      readAt(ip + 8);
      thrift.putHead(node);
      thrift.putBits(bits);
      wasZero = bits == 0;
      return WRITTEN;
    }
    case KIND_FLOAT: {
      if (protobuf.lacks(4, end)) return FAILED;
      const bits = load<u32>(ip);
      readAt(ip + 4);
      thrift.putHead(node);
      thrift.putBits(widen(bits));
      wasZero = bits == 0;
      return WRITTEN;
    }
    case KIND_INTEGER: return integerStatus<T>(node, end);
    case KIND_ENUM: return enumStatus<T>(node, end);
    default: return uuidStatus<T>(node, end);
  }
}

function integerStatus<T>(node: usize, end: usize): u32 {
  const thrift = changetype<T>(0);
  const at = ip, form = formOf(node);
  let raw: u64;
  if (form < FORM_FIXED32) {
    raw = protobuf.varint(end);
    if (protobuf.failed()) return FAILED;
  } else if (form == FORM_FIXED64 || form == FORM_SFIXED64) {
    if (protobuf.lacks(8, end)) return FAILED;
    raw = load<u64>(ip);
    readAt(ip + 8);
  } else {
    if (protobuf.lacks(4, end)) return FAILED;
    raw = load<u32>(ip);
    readAt(ip + 4);
  }
  let value: i64 = 0;
  switch (form) {
    case FORM_INT32: case FORM_SFIXED32: value = <i64><i32>raw; break;
    case FORM_UINT32: case FORM_FIXED32: value = <i64><u32>raw; break;
    case FORM_SINT32: value = <i64>((<i32>(<u32>raw >>> 1)) ^ -<i32>(<u32>raw & 1)); break;
    case FORM_SINT64: value = <i64>(raw >>> 1) ^ -<i64>(raw & 1); break;
    default: value = <i64>raw;
  }
  const type = thriftTypeOf(node);
  const isAboveSigned = value < 0 && (form == FORM_UINT64 || form == FORM_FIXED64);
  const fits = isAboveSigned ? type == I64 && hasFlag(node, FLAG_BITS)
    : type == I64 || value == (type == I32 ? <i64><i32>value : type == I16 ? <i64><i16>value : <i64><i8>value);
  if (!fits) { fails(FAULT_RANGE, at, value); return FAILED; }
  thrift.putHead(node);
  thrift.putInteger(type, value);
  wasZero = value == 0;
  return WRITTEN;
}

function enumStatus<T>(node: usize, end: usize): u32 {
  const at = ip, value = <i32>protobuf.varint(end), known = targetOf(node);
  if (protobuf.failed()) return FAILED;
  wasZero = value == 0;
  // Without presence a zero is rolled back by the caller: as good as absent.
  if (wasZero) return hasFlag(node, FLAG_IMPLICIT) ? WRITTEN : zeroEnumStatus<T>(node);
  if (known && !names(known, value)) { fails(FAULT_UNKNOWN_ENUM, at, value); return FAILED; }
  return putEnum<T>(node, value);
}

function putEnum<T>(node: usize, value: i32): u32 {
  const thrift = changetype<T>(0);
  thrift.putHead(node);
  thrift.putI32(value);
  return WRITTEN;
}

function uuidStatus<T>(node: usize, end: usize): u32 {
  const thrift = changetype<T>(0);
  const at = ip, n = protobuf.length(end), isText = kindOf(node) == KIND_UUID_TEXT;
  if (n < 0) return FAILED;
  wasZero = n == 0;
  // Rolled back by the caller: as good as absent.
  if (wasZero && hasFlag(node, FLAG_IMPLICIT)) return WRITTEN;
  thrift.putHead(node);
  if (n != (isText ? 36 : 16)) { fails(FAULT_UUID, at, n); return FAILED; }
  if (!isText) copyBytes(16);
  else if (!putUuidBytes()) { fails(FAULT_UUID, at, n); return FAILED; }
  return WRITTEN;
}
