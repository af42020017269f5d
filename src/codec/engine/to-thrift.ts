// The walk from Protobuf to Thrift. Fields of one message may interleave, repeat and come in pieces, so each level takes
// two passes: one notes where the occurrences of each field stand, one writes the fields in the order of their Thrift ids.
import {
  ABSENT_ERROR, ABSENT_OMIT, FAULT_DEPTH, FAULT_ELEMENTS, FAULT_MEMBERS, FAULT_MISSING, FAULT_NO_MEMBER, FAULT_TIME,
  FLAG_IMPLICIT, FLAG_OMIT_UNWRITABLE, FLAG_PACKED, FLAG_SET, KIND_LIST, KIND_MAP, KIND_MESSAGE, KIND_OCTETS, KIND_TIME,
  KIND_WRAPPED, MESSAGE_IS_UNION, MESSAGE_NODES, MESSAGE_ONEOF_COUNT, NODE_ABSENT, NODE_ONEOF, NODE_SIZE,
} from "../layout";
import { distinct } from "./distinct";
import { DELIMITED, GROUP, GROUP_END, Protobuf } from "./protobuf";
import {
  countUnknown, fails, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, overflows, push, readAt, restart, stackAt,
  traced, writeAt,
} from "./registers";
import {
  countOf, find, formOf, hasFlag, idOf, indexOf, kindOf, nodeOf, putHead, targetOf, thriftTypeOf,
} from "./table";
import { ThriftBinary } from "./thrift-binary";
import { joined, joinFails } from "./time";
import { directStatus } from "./to-thrift-direct";
import {
  accepts, FAILED, octetsStatus, SCALAR_ROOM, scalarStatus, unwritable, UNWRITABLE, wasZero, WRITTEN, wrote,
  zeroValueStatus,
} from "./to-thrift-value";

const thrift = changetype<ThriftBinary>(0), protobuf = changetype<Protobuf>(0);

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

/**
 * Translates the message that fills the input; true with a fault noted. With a header (type and id) as the only field of a
 * struct, which errors name by `node`.
 */
export function toThriftFails(message: usize, header: u32, node: u32): bool {
  const start = ip;
  putHeader(header);
  if (directStatus(message, inputEnd, 1) != WRITTEN) {
    restart(start);
    putHeader(header);
    if (indexedFails(message)) return header == 0 || traced(node, -1);
  }
  if (lacksRoom(1)) return true;
  if (header) thrift.put8(0);
  return overflows();
}

function putHeader(header: u32): void {
  if (!header) return;
  thrift.put8(<u8>(header >>> 16));
  thrift.put16(<u16>header);
}

function indexedFails(message: usize): bool {
  const frame = open(message);
  if (!frame || scanFails(message, frame, inputEnd, 1)) return true;
  const status = messageStatus(message, frame, 1);
  if (status == UNWRITABLE) fails(FAULT_NO_MEMBER, ip, 0);
  return status != WRITTEN;
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
    if (protobuf.skipFails(key, end, depth)) return traced(idOf(node), -1);
    if (load<u32>(node, NODE_ONEOF)) replaceMember(message, frame, node, slot);
    const kind = kindOf(node);
    if (kind < KIND_MESSAGE || kind == KIND_OCTETS) store<u32>(slot, <u32>value);
    else if (noteRunFails(slot, at)) return true;
  }
  return false;
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
      wrote(false);
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
      wrote(false);
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
  if (kindOf(node) != KIND_MESSAGE) return zeroValueStatus(node);
  if (depth + 1 > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const message = targetOf(node), frame = open(message);
  if (!frame) return FAILED;
  const status = messageStatus(message, frame, depth + 1);
  stackAt(frame);
  wrote(false);
  return status;
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
      // One element, or as many as fill a packed occurrence.
      let elementsEnd = ip + 1, bound = end;
      if (mayBePacked && (key & 7) == DELIMITED) {
        const length = protobuf.length(end);
        if (length < 0) return FAILED;
        elementsEnd = bound = ip + length;
      }
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
  wrote(n == 0);
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
  wrote(false);
  return WRITTEN;
}

function entryPartFails(node: usize, slot: usize, depth: u32, n: u32): bool {
  const status = partStatus(node, slot, depth);
  if (status == WRITTEN) return false;
  if (status == UNWRITABLE) unwritable(node);
  return traced(idOf(node), n);
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
  wrote(false);
  return WRITTEN;
}
