// The walk from Protobuf to Thrift. Fields of one message may interleave, repeat and come in pieces, so each level takes
// two passes: one notes where the occurrences of each field stand, one writes the fields in the order of their Thrift ids.
import {
  ABSENT_ERROR, ABSENT_OMIT, FAULT_DEPTH, FAULT_ELEMENTS, FAULT_GROUP, FAULT_MEMBERS, FAULT_MISSING, FAULT_NO_MEMBER, FAULT_RANGE,
  FAULT_SYNTHETIC_ZERO, FAULT_TIME, FAULT_UNKNOWN_ENUM, FAULT_UUID, FLAG_IMPLICIT, FLAG_OMIT_UNWRITABLE, FLAG_PACKED, FLAG_SET,
  FLAG_BITS, FLAG_SYNTHETIC_ZERO, FLAG_TEXT,
  FORM_FIXED32, FORM_FIXED64, FORM_INT32, FORM_INT64, FORM_SFIXED32, FORM_SFIXED64, FORM_SINT32, FORM_SINT64, FORM_UINT32, FORM_UINT64,
  KIND_BOOL, KIND_DOUBLE, KIND_ENUM, KIND_FLOAT, KIND_I32, KIND_I64, KIND_INTEGER, KIND_LIST, KIND_MAP, KIND_MESSAGE, KIND_OCTETS,
  KIND_STRING, KIND_TIME, KIND_UUID, KIND_UUID_TEXT, KIND_WRAPPED,
  MESSAGE_IS_UNION, MESSAGE_NODES, MESSAGE_ONEOF_COUNT, NODE_ABSENT, NODE_KEY, NODE_ONEOF, NODE_SIZE,
} from "../layout";
import { distinct } from "./distinct";
import { widen } from "./floats";
import { DELIMITED, FIXED32, FIXED64, GROUP, GROUP_END, Protobuf } from "./protobuf";
import {
  countUnknown, fails, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, overflows, push, readAt, sp, stackAt, traced, writeAt,
} from "./registers";
import { countOf, find, formOf, hasFlag, idOf, indexOf, kindOf, names, nodeOf, putHead, targetOf, thriftTypeOf } from "./table";
import { copyBytes, textFails } from "./text";
import { fixedSize, I8, ThriftBinary } from "./thrift-binary";
import { joined, joinFails } from "./time";
import { putUuidBytes } from "./uuid";

const thrift = changetype<ThriftBinary>(0), protobuf = changetype<Protobuf>(0);

// How writing one value ends.
const WRITTEN: u32 = 0;
const FAILED: u32 = 1;
/** Thrift cannot say it; what was written of it does not count. */
const UNWRITABLE: u32 = 2;

/** Whether the last value was its type's zero, or a container without elements. */
let wasZero: bool = false;

/** More than the header and value of any scalar of fixed size. */
const SCALAR_ROOM: usize = 40;

// A level's frame: a slot for each field, then for each oneof the address of the slot of the member that came last. A slot is
// zero when the field did not come. A field of which the last occurrence counts: where its value begins. Any other: a chain of
// runs, each a stretch of input that holds nothing but occurrences of this field, tags included. The first run is the slot.
const SLOT_SHIFT: u32 = 4;
const RUN_START: usize = 0;
const RUN_END: usize = 4;
const RUN_NEXT: usize = 8;
/** In the slot only: the last run of the chain. */
const RUN_LAST: usize = 12;
const RUN_SIZE: usize = 12;

/** Translates the message that fills the input; true with a fault noted. */
export function toThriftFails(message: usize): bool {
  const frame = open(message);
  if (!frame || scanFails(message, frame, inputEnd, 1)) return true;
  const status = messageStatus(message, frame, 1);
  if (status == UNWRITABLE) fails(FAULT_NO_MEMBER, ip, 0);
  return status != WRITTEN || overflows();
}

/** As `toThriftFails`, as the only field of a struct. */
export function fieldToThriftFails(message: usize, header: u32, node: u32): bool {
  thrift.put8(<u8>(header >>> 16));
  thrift.put16(<u16>header);
  if (toThriftFails(message)) return traced(node, -1);
  if (lacksRoom(1)) return true;
  thrift.put8(0);
  return overflows();
}

/** A frame for one level, with nothing in it; zero with a fault noted. */
function open(message: usize): usize {
  const size = <usize>((countOf(message) << SLOT_SHIFT) + (load<u32>(message, MESSAGE_ONEOF_COUNT) << 2) + 15) & ~15;
  const frame = push(size == 0 ? 16 : size);
  if (frame) for (let at = frame, end = frame + size; at < end; at += 16) { store<u64>(at, 0); store<u64>(at, 0, 8); }
  return frame;
}

/** The first pass: notes the occurrences of all fields from `ip` to `end`, or up to the tag that ends a group. */
function scanFails(message: usize, frame: usize, end: usize, depth: u32, group: bool = false): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  while (ip < end) {
    const at = ip, key = protobuf.key(end);
    if (!key) return true;
    const node = find(message, key >>> 3);
    if (!node || !accepts(node, key)) {
      if (group && (key & 7) == GROUP_END) return false;
      countUnknown();
      if (protobuf.skipFails(key, end, depth)) return true;
      continue;
    }
    const slot = frame + (indexOf(node) << SLOT_SHIFT), value = ip;
    if (protobuf.skipFails(key, end, depth)) return true;
    if (load<u32>(node, NODE_ONEOF)) replaceMember(message, frame, node, slot);
    const kind = kindOf(node);
    if (kind < KIND_MESSAGE || kind == KIND_OCTETS) store<u32>(slot, <u32>value);
    else if (noteRunFails(slot, at)) return true;
  }
  return false;
}

@inline function accepts(node: usize, key: u32): bool {
  const expected = load<u32>(node, NODE_KEY);
  return key == expected || ((key & 7) == DELIMITED && hasFlag(node, FLAG_PACKED) && key >>> 3 == expected >>> 3);
}

/** The occurrence from `at` to `ip` joins the field's last run when it follows it, or begins another. */
function noteRunFails(slot: usize, at: usize): bool {
  if (!load<u32>(slot)) {
    store<u32>(slot, <u32>at, RUN_START);
    store<u32>(slot, <u32>ip, RUN_END);
    store<u32>(slot, 0, RUN_NEXT);
    store<u32>(slot, <u32>slot, RUN_LAST);
    return false;
  }
  const last = <usize>load<u32>(slot, RUN_LAST);
  if (load<u32>(last, RUN_END) == <u32>at) { store<u32>(last, <u32>ip, RUN_END); return false; }
  const run = push(RUN_SIZE);
  if (!run) return true;
  store<u32>(run, <u32>at, RUN_START);
  store<u32>(run, <u32>ip, RUN_END);
  store<u32>(run, 0, RUN_NEXT);
  store<u32>(last, <u32>run, RUN_NEXT);
  store<u32>(slot, <u32>run, RUN_LAST);
  return false;
}

/** Of a oneof the last member wins: forgets the one that came before. */
function replaceMember(message: usize, frame: usize, node: usize, slot: usize): void {
  const member = frame + (countOf(message) << SLOT_SHIFT) + (load<u32>(node, NODE_ONEOF) - 1 << 2), before = <usize>load<u32>(member);
  if (before && before != slot) store<u32>(before, 0);
  store<u32>(member, <u32>slot);
}

/** Notes the fields of the one piece of a message that stands at `ip`, behind its key. */
function pieceFails(message: usize, frame: usize, key: u32, end: usize, depth: u32): bool {
  if ((key & 7) == GROUP) return scanFails(message, frame, end, depth, true);
  const n = protobuf.length(end);
  return n < 0 || scanFails(message, frame, ip + n, depth);
}

/** Notes the fields of all pieces of a message: they merge. */
function gatherFails(message: usize, frame: usize, slot: usize, depth: u32): bool {
  for (let run = slot; run; run = load<u32>(run, RUN_NEXT)) {
    readAt(load<u32>(run, RUN_START));
    const end = <usize>load<u32>(run, RUN_END);
    while (ip < end) if (pieceFails(message, frame, protobuf.key(end), end, depth)) return true;
  }
  return false;
}

/** The second pass: writes the fields that came, and what stands for those that did not. */
function messageStatus(message: usize, frame: usize, depth: u32): u32 {
  let members = 0, node = <usize>load<u32>(message, MESSAGE_NODES);
  for (let slot = frame, end = frame + (countOf(message) << SLOT_SHIFT); slot < end; slot += 1 << SLOT_SHIFT, node += NODE_SIZE) {
    if (load<u32>(slot)) {
      const from = op, status = valueStatus(node, slot, depth);
      if (status == FAILED) { traced(idOf(node), -1); return FAILED; }
      const isAbsent = wasZero && hasFlag(node, FLAG_IMPLICIT);
      if (status == WRITTEN && !isAbsent) { members++; continue; }
      writeAt(from);
      if (!isAbsent) {
        if (hasFlag(node, FLAG_OMIT_UNWRITABLE)) continue;
        unwritable(node);
        traced(idOf(node), -1);
        return FAILED;
      }
    }
    const absent = <usize>load<u32>(node, NODE_ABSENT);
    if (absent == ABSENT_OMIT) continue;
    if (absent == ABSENT_ERROR) { fails(FAULT_MISSING, ip, 0); traced(idOf(node), -1); return FAILED; }
    const n = load<u32>(absent);
    if (lacksRoom(n)) return FAILED;
    memory.copy(op, absent + 4, n);
    writeAt(op + n);
    members++;
  }
  if (load<u32>(message, MESSAGE_IS_UNION) && members != 1) {
    if (members == 0) return UNWRITABLE;
    fails(FAULT_MEMBERS, ip, 0);
    return FAILED;
  }
  if (lacksRoom(1)) return FAILED;
  thrift.put8(0);
  return WRITTEN;
}

function unwritable(node: usize): u32 {
  fails(kindOf(node) == KIND_ENUM ? FAULT_SYNTHETIC_ZERO : FAULT_NO_MEMBER, ip, 0);
  return FAILED;
}

/** Writes the value whose occurrences are noted in `slot`. */
function valueStatus(node: usize, slot: usize, depth: u32): u32 {
  const kind = kindOf(node);
  if (kind < KIND_MESSAGE) {
    readAt(load<u32>(slot));
    return scalarStatus(node, inputEnd);
  }
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  switch (kind) {
    case KIND_MESSAGE: {
      const message = targetOf(node), frame = open(message);
      if (!frame || gatherFails(message, frame, slot, depth + 1)) return FAILED;
      putHead(node);
      const status = messageStatus(message, frame, depth + 1);
      stackAt(frame);
      wasZero = false;
      return status;
    }
    case KIND_LIST: return listStatus(node, slot, depth + 1);
    case KIND_MAP: return mapStatus(node, slot, depth + 1);
    case KIND_OCTETS:
      readAt(load<u32>(slot));
      return octetsStatus(node, inputEnd, depth + 1);
    case KIND_WRAPPED: {
      const message = targetOf(node), frame = open(message);
      if (!frame || gatherFails(message, frame, slot, depth)) return FAILED;
      putHead(node);
      const status = partStatus(nodeOf(message, 0), frame, depth);
      stackAt(frame);
      wasZero = false;
      return status;
    }
    default: return timeStatus(node, slot, depth);
  }
}

/** Writes one element of a list, of which `key` was just read. */
function elementStatus(node: usize, key: u32, end: usize, depth: u32): u32 {
  const kind = kindOf(node);
  if (kind < KIND_MESSAGE) return scalarStatus(node, end);
  if (kind == KIND_OCTETS) return octetsStatus(node, end, depth + 1);
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  if (kind != KIND_MESSAGE) return oneOccurrenceStatus(node, key, end, depth);
  const message = targetOf(node), frame = open(message);
  if (!frame || pieceFails(message, frame, key, end, depth + 1)) return FAILED;
  const next = ip, status = messageStatus(message, frame, depth + 1);
  stackAt(frame);
  readAt(next);
  return status;
}

/** An element that is neither scalar nor message: as a field that came once. */
function oneOccurrenceStatus(node: usize, key: u32, end: usize, depth: u32): u32 {
  const slot = push(16), message = targetOf(node), frame = open(message);
  if (!slot || !frame || pieceFails(message, frame, key, end, depth)) return FAILED;
  const next = ip, status = kindOf(node) == KIND_TIME ? timePartsStatus(node, frame) : partStatus(nodeOf(message, 0), frame, depth);
  stackAt(slot);
  readAt(next);
  return status;
}

/** Writes the key or value of a map's entry, or the inside of a wrapper: its zero when it did not come. */
function partStatus(node: usize, slot: usize, depth: u32): u32 {
  return load<u32>(slot) ? valueStatus(node, slot, depth) : zeroStatus(node, depth);
}

function zeroStatus(node: usize, depth: u32): u32 {
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  wasZero = true;
  switch (kindOf(node)) {
    case KIND_STRING: thrift.put32(0); return WRITTEN;
    case KIND_LIST: thrift.put8(thriftTypeOf(targetOf(node))); thrift.put32(0); return WRITTEN;
    case KIND_OCTETS: thrift.put8(I8); thrift.put32(0); return WRITTEN;
    case KIND_MAP: {
      thrift.put8(thriftTypeOf(nodeOf(targetOf(node), 0)));
      thrift.put8(thriftTypeOf(nodeOf(targetOf(node), 1)));
      thrift.put32(0);
      return WRITTEN;
    }
    case KIND_WRAPPED: return zeroStatus(nodeOf(targetOf(node), 0), depth);
    case KIND_MESSAGE: {
      if (depth + 1 > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
      const message = targetOf(node), frame = open(message);
      if (!frame) return FAILED;
      const status = messageStatus(message, frame, depth + 1);
      stackAt(frame);
      wasZero = false;
      return status;
    }
    case KIND_ENUM: return zeroEnumStatus(node);
    default: {
      const n = fixedSize(thriftTypeOf(node));
      store<u64>(op, 0);
      store<u64>(op, 0, 8);
      writeAt(op + n);
      return WRITTEN;
    }
  }
}

function zeroEnumStatus(node: usize): u32 {
  if (hasFlag(node, FLAG_SYNTHETIC_ZERO)) return UNWRITABLE;
  const known = targetOf(node);
  if (!known || names(known, 0)) return putEnum(node, 0);
  fails(FAULT_UNKNOWN_ENUM, ip, 0);
  return FAILED;
}

function listStatus(node: usize, slot: usize, depth: u32): u32 {
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const element = targetOf(node), mayBePacked = hasFlag(node, FLAG_PACKED);
  putHead(node);
  thrift.put8(thriftTypeOf(element));
  const countAt = op;
  thrift.put32(0);
  let n: u32 = 0;
  for (let run = slot; run; run = load<u32>(run, RUN_NEXT)) {
    readAt(load<u32>(run, RUN_START));
    const end = <usize>load<u32>(run, RUN_END);
    while (ip < end) {
      const key = protobuf.key(end);
      let elementsEnd = ip + 1;
      if (mayBePacked && (key & 7) == DELIMITED) {
        const length = protobuf.length(end);
        if (length < 0) return FAILED;
        elementsEnd = ip + length;
      } else elementsEnd = ip + 1;
      const bound = mayBePacked && (key & 7) == DELIMITED ? elementsEnd : end;
      while (ip < elementsEnd) {
        if (n == maxElements) { fails(FAULT_ELEMENTS, ip, <i64>n + 1); traced(idOf(element), n); return FAILED; }
        const status = elementStatus(element, key, bound, depth);
        if (status != WRITTEN) {
          if (status == UNWRITABLE) unwritable(element);
          traced(idOf(element), n);
          return FAILED;
        }
        n++;
      }
    }
  }
  if (n > 1 && hasFlag(node, FLAG_SET) && kindOf(element) < KIND_MESSAGE) {
    n = distinct(countAt + 4, n, thriftTypeOf(element), 0);
    if (!n) return FAILED;
  }
  thrift.patchCount(countAt, n);
  wasZero = n == 0;
  return WRITTEN;
}

function mapStatus(node: usize, slot: usize, depth: u32): u32 {
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const entry = targetOf(node), key = nodeOf(entry, 0), value = nodeOf(entry, 1);
  putHead(node);
  thrift.put8(thriftTypeOf(key));
  thrift.put8(thriftTypeOf(value));
  const countAt = op;
  thrift.put32(0);
  let n: u32 = 0;
  for (let run = slot; run; run = load<u32>(run, RUN_NEXT)) {
    readAt(load<u32>(run, RUN_START));
    const end = <usize>load<u32>(run, RUN_END);
    while (ip < end) {
      if (n == maxElements) { fails(FAULT_ELEMENTS, ip, <i64>n + 1); return FAILED; }
      const frame = open(entry);
      if (!frame || pieceFails(entry, frame, protobuf.key(end), end, depth)) return FAILED;
      const next = ip;
      if (entryPartFails(key, frame, depth, n) || entryPartFails(value, frame + (1 << SLOT_SHIFT), depth, n)) return FAILED;
      stackAt(frame);
      readAt(next);
      n++;
    }
  }
  if (n > 1) {
    n = distinct(countAt + 4, n, thriftTypeOf(key), thriftTypeOf(value));
    if (!n) return FAILED;
  }
  thrift.patchCount(countAt, n);
  wasZero = false;
  return WRITTEN;
}

function entryPartFails(node: usize, slot: usize, depth: u32, n: u32): bool {
  const status = partStatus(node, slot, depth);
  if (status == WRITTEN) return false;
  if (status == UNWRITABLE) unwritable(node);
  return traced(idOf(node), n);
}

function octetsStatus(node: usize, end: usize, depth: u32): u32 {
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const at = ip, n = protobuf.length(end);
  if (n < 0) return FAILED;
  if (<u32>n > maxElements) { fails(FAULT_ELEMENTS, at, n); return FAILED; }
  if (lacksRoom(SCALAR_ROOM + n)) return FAILED;
  putHead(node);
  thrift.put8(I8);
  thrift.put32(n);
  copyBytes(n);
  wasZero = n == 0;
  return WRITTEN;
}

function timeStatus(node: usize, slot: usize, depth: u32): u32 {
  const message = targetOf(node), frame = open(message);
  if (!frame || gatherFails(message, frame, slot, depth)) return FAILED;
  putHead(node);
  const status = timePartsStatus(node, frame);
  stackAt(frame);
  return status;
}

function timePartsStatus(node: usize, frame: usize): u32 {
  let seconds: i64 = 0, nanos: i32 = 0;
  if (load<u32>(frame)) { readAt(load<u32>(frame)); seconds = <i64>protobuf.varint(inputEnd); }
  if (load<u32>(frame, 16)) { readAt(load<u32>(frame, 16)); nanos = <i32>protobuf.varint(inputEnd); }
  if (joinFails(seconds, nanos, formOf(node))) { fails(FAULT_TIME, ip, seconds); return FAILED; }
  thrift.put64(joined);
  wasZero = false;
  return WRITTEN;
}

/** Translates the scalar at `ip`. */
function scalarStatus(node: usize, end: usize): u32 {
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  switch (kindOf(node)) {
    case KIND_I32: {
      const value = <u32>protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      putHead(node);
      thrift.put32(value);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_I64: {
      const value = protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      putHead(node);
      thrift.put64(value);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_STRING: {
      const n = protobuf.length(end);
      if (n < 0 || lacksRoom(SCALAR_ROOM + n)) return FAILED;
      putHead(node);
      thrift.put32(n);
      wasZero = n == 0;
      if (!hasFlag(node, FLAG_TEXT)) copyBytes(n);
      else if (textFails(n)) return FAILED;
      return WRITTEN;
    }
    case KIND_BOOL: {
      const value = protobuf.varint(end);
      if (protobuf.failed()) return FAILED;
      putHead(node);
      thrift.put8(value != 0 ? 1 : 0);
      wasZero = value == 0;
      return WRITTEN;
    }
    case KIND_DOUBLE: {
      if (protobuf.lacks(8, end)) return FAILED;
      const bits = load<u64>(ip);
      readAt(ip + 8);
      putHead(node);
      thrift.put64(bits);
      wasZero = bits == 0;
      return WRITTEN;
    }
    case KIND_FLOAT: {
      if (protobuf.lacks(4, end)) return FAILED;
      const bits = load<u32>(ip);
      readAt(ip + 4);
      putHead(node);
      thrift.put64(widen(bits));
      wasZero = bits == 0;
      return WRITTEN;
    }
    case KIND_INTEGER: return integerStatus(node, end);
    case KIND_ENUM: return enumStatus(node, end);
    default: return uuidStatus(node, end);
  }
}

function integerStatus(node: usize, end: usize): u32 {
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
  const type = thriftTypeOf(node), size = fixedSize(type);
  const isAboveSigned = value < 0 && (form == FORM_UINT64 || form == FORM_FIXED64);
  const fits = isAboveSigned ? size == 8 && hasFlag(node, FLAG_BITS)
    : size == 8 || value == (size == 4 ? <i64><i32>value : size == 2 ? <i64><i16>value : <i64><i8>value);
  if (!fits) { fails(FAULT_RANGE, at, value); return FAILED; }
  putHead(node);
  thrift.putInteger(type, value);
  wasZero = value == 0;
  return WRITTEN;
}

function enumStatus(node: usize, end: usize): u32 {
  const at = ip, value = <i32>protobuf.varint(end), known = targetOf(node);
  if (protobuf.failed()) return FAILED;
  wasZero = value == 0;
  // Without presence a zero is rolled back by the caller: as good as absent.
  if (wasZero) return hasFlag(node, FLAG_IMPLICIT) ? WRITTEN : zeroEnumStatus(node);
  if (known && !names(known, value)) { fails(FAULT_UNKNOWN_ENUM, at, value); return FAILED; }
  return putEnum(node, value);
}

function putEnum(node: usize, value: i32): u32 {
  putHead(node);
  thrift.put32(value);
  return WRITTEN;
}

function uuidStatus(node: usize, end: usize): u32 {
  const at = ip, n = protobuf.length(end), isText = kindOf(node) == KIND_UUID_TEXT;
  if (n < 0) return FAILED;
  wasZero = n == 0;
  // Rolled back by the caller: as good as absent.
  if (wasZero && hasFlag(node, FLAG_IMPLICIT)) return WRITTEN;
  putHead(node);
  if (n != (isText ? 36 : 16)) { fails(FAULT_UUID, at, n); return FAILED; }
  if (!isText) copyBytes(16);
  else if (!putUuidBytes()) { fails(FAULT_UUID, at, n); return FAILED; }
  return WRITTEN;
}
