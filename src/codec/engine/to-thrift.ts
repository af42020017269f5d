// The walk from Protobuf to Thrift. Fields of one message may interleave, repeat and come in pieces, so each level takes
// two passes: one notes where the occurrences of each field stand, one writes the fields in the order of their Thrift ids.
import {
  ABSENT_ERROR, ABSENT_OMIT, FAULT_DEPTH, FAULT_ELEMENTS, FAULT_MEMBERS, FAULT_MISSING, FAULT_NO_MEMBER, FAULT_TIME,
  FLAG_IMPLICIT, FLAG_OMIT_UNWRITABLE, FLAG_PACKED, FLAG_SET, KIND_LIST, KIND_MAP, KIND_MESSAGE, KIND_OCTETS, KIND_TIME,
  KIND_WRAPPED, MESSAGE_IS_UNION, MESSAGE_NODES, MESSAGE_ONEOF_COUNT, NO_FIELD, NODE_ABSENT, NODE_ONEOF, NODE_SIZE,
} from "../layout";
import { distinct } from "./distinct";
import { DELIMITED, GROUP, GROUP_END, Protobuf } from "./protobuf";
import {
  countUnknown, fails, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, overflows, push, readAt, restart, stackAt,
  traced, writeAt,
} from "./registers";
import {
  countOf, find, formOf, hasFlag, idOf, indexOf, kindOf, nodeOf, targetOf, thriftTypeOf,
} from "./table";
import { STRUCT } from "./thrift";
import { joined, joinFails } from "./time";
import { directStatus } from "./to-thrift-direct";
import {
  accepts, FAILED, octetsStatus, SCALAR_ROOM, scalarStatus, unwritable, UNWRITABLE, wasZero, WRITTEN, wrote,
  zeroValueStatus,
} from "./to-thrift-value";

const protobuf = changetype<Protobuf>(0);

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
 * Translates the message that fills the input; true with a fault noted. With a `field` of which the id is not NO_FIELD as
 * the only field of a struct, which errors name by `node`.
 */
export function toThriftFails<T>(message: usize, field: u32, node: u32): bool {
  const thrift = changetype<T>(0), start = ip;
  begin<T>(field);
  if (directStatus<T>(message, inputEnd, 1) != WRITTEN) {
    restart(start);
    begin<T>(field);
    if (indexedFails<T>(message)) return field == NO_FIELD || traced(node, -1);
  }
  if (lacksRoom(1)) return true;
  if (field != NO_FIELD) thrift.putStop();
  return overflows();
}

function begin<T>(field: u32): void {
  const thrift = changetype<T>(0);
  thrift.begin();
  if (field != NO_FIELD) thrift.putField(STRUCT, field);
}

function indexedFails<T>(message: usize): bool {
  const frame = open(message);
  if (!frame || scanFails(message, frame, inputEnd, 1)) return true;
  const status = messageStatus<T>(message, frame, 1);
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
function messageStatus<T>(message: usize, frame: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  const outer = thrift.last();
  thrift.follow(0);
  let members = 0, node = <usize>load<u32>(message, MESSAGE_NODES);
  for (let slot = frame, end = frame + (countOf(message) << SLOT_SHIFT); slot < end; slot += 1 << SLOT_SHIFT, node += NODE_SIZE) {
    if (load<u32>(slot)) {
      const from = op, last = thrift.last(), status = valueStatus<T>(node, slot, depth);
      if (status == FAILED) { traced(idOf(node), -1); return FAILED; }
      const isAbsent = wasZero && hasFlag(node, FLAG_IMPLICIT);
      if (status == WRITTEN && !isAbsent) { members++; continue; }
      writeAt(from);
      thrift.follow(last);
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
    if (thrift.putAbsentFails(node, absent)) return FAILED;
    members++;
  }
  if (load<u32>(message, MESSAGE_IS_UNION) && members != 1) {
    if (members == 0) return UNWRITABLE;
    fails(FAULT_MEMBERS, ip, 0);
    return FAILED;
  }
  if (lacksRoom(1)) return FAILED;
  thrift.putStop();
  thrift.follow(outer);
  return WRITTEN;
}

/** Writes the value whose occurrences are noted in `slot`. */
function valueStatus<T>(node: usize, slot: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  const kind = kindOf(node);
  if (kind < KIND_MESSAGE) {
    readAt(load<u32>(slot));
    return scalarStatus<T>(node, inputEnd);
  }
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  switch (kind) {
    case KIND_MESSAGE: {
      const message = targetOf(node), frame = open(message);
      if (!frame || gatherFails(message, frame, slot, depth + 1)) return FAILED;
      thrift.putHead(node);
      const status = messageStatus<T>(message, frame, depth + 1);
      stackAt(frame);
      wrote(false);
      return status;
    }
    case KIND_LIST: return listStatus<T>(node, slot, depth + 1);
    case KIND_MAP: return mapStatus<T>(node, slot, depth + 1);
    case KIND_OCTETS:
      readAt(load<u32>(slot));
      return octetsStatus<T>(node, inputEnd, depth + 1);
    case KIND_WRAPPED: {
      const message = targetOf(node), frame = open(message);
      if (!frame || gatherFails(message, frame, slot, depth)) return FAILED;
      thrift.putHead(node);
      const status = partStatus<T>(nodeOf(message, 0), frame, depth);
      stackAt(frame);
      wrote(false);
      return status;
    }
    default: return timeStatus<T>(node, slot, depth);
  }
}

/** Writes one element of a list, of which `key` was just read. */
function elementStatus<T>(node: usize, key: u32, end: usize, depth: u32): u32 {
  const kind = kindOf(node);
  if (kind < KIND_MESSAGE) return scalarStatus<T>(node, end);
  if (kind == KIND_OCTETS) return octetsStatus<T>(node, end, depth + 1);
  if (lacksRoom(SCALAR_ROOM)) return FAILED;
  if (kind != KIND_MESSAGE) return oneOccurrenceStatus<T>(node, key, end, depth);
  const message = targetOf(node), frame = open(message);
  if (!frame || pieceFails(message, frame, key, end, depth + 1)) return FAILED;
  const next = ip, status = messageStatus<T>(message, frame, depth + 1);
  stackAt(frame);
  readAt(next);
  return status;
}

/** An element that is neither scalar nor message: as a field that came once. */
function oneOccurrenceStatus<T>(node: usize, key: u32, end: usize, depth: u32): u32 {
  const slot = push(16), message = targetOf(node), frame = open(message);
  if (!slot || !frame || pieceFails(message, frame, key, end, depth)) return FAILED;
  const next = ip, status = kindOf(node) == KIND_TIME ? timePartsStatus<T>(node, frame) : partStatus<T>(nodeOf(message, 0), frame, depth);
  stackAt(slot);
  readAt(next);
  return status;
}

/** Writes the key or value of a map's entry, or the inside of a wrapper: its zero when it did not come. */
function partStatus<T>(node: usize, slot: usize, depth: u32): u32 {
  return load<u32>(slot) ? valueStatus<T>(node, slot, depth) : zeroStatus<T>(node, depth);
}

function zeroStatus<T>(node: usize, depth: u32): u32 {
  if (kindOf(node) != KIND_MESSAGE) return zeroValueStatus<T>(node);
  if (depth + 1 > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const message = targetOf(node), frame = open(message);
  if (!frame) return FAILED;
  const status = messageStatus<T>(message, frame, depth + 1);
  stackAt(frame);
  wrote(false);
  return status;
}

function listStatus<T>(node: usize, slot: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const element = targetOf(node), mayBePacked = hasFlag(node, FLAG_PACKED);
  thrift.putHead(node);
  const content = thrift.openList(thriftTypeOf(element));
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
        const status = elementStatus<T>(element, key, bound, depth);
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
    n = distinct<T>(content, n, thriftTypeOf(element), 0);
    if (!n) return FAILED;
  }
  if (thrift.closeListFails(content, n)) return FAILED;
  wrote(n == 0);
  return WRITTEN;
}

function mapStatus<T>(node: usize, slot: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) { fails(FAULT_DEPTH, ip, 0); return FAILED; }
  const entry = targetOf(node), key = nodeOf(entry, 0), value = nodeOf(entry, 1);
  thrift.putHead(node);
  const content = thrift.openMap(thriftTypeOf(key), thriftTypeOf(value));
  let n: u32 = 0;
  for (let run = slot; run; run = load<u32>(run, RUN_NEXT)) {
    readAt(load<u32>(run, RUN_START));
    const end = <usize>load<u32>(run, RUN_END);
    while (ip < end) {
      if (n == maxElements) { fails(FAULT_ELEMENTS, ip, <i64>n + 1); return FAILED; }
      const frame = open(entry);
      if (!frame || pieceFails(entry, frame, protobuf.key(end), end, depth)) return FAILED;
      const next = ip;
      if (entryPartFails<T>(key, frame, depth, n) || entryPartFails<T>(value, frame + (1 << SLOT_SHIFT), depth, n)) return FAILED;
      stackAt(frame);
      readAt(next);
      n++;
    }
  }
  if (n > 1) {
    n = distinct<T>(content, n, thriftTypeOf(key), thriftTypeOf(value));
    if (!n) return FAILED;
  }
  if (thrift.closeMapFails(content, n)) return FAILED;
  wrote(false);
  return WRITTEN;
}

function entryPartFails<T>(node: usize, slot: usize, depth: u32, n: u32): bool {
  const status = partStatus<T>(node, slot, depth);
  if (status == WRITTEN) return false;
  if (status == UNWRITABLE) unwritable(node);
  return traced(idOf(node), n);
}

function timeStatus<T>(node: usize, slot: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  const message = targetOf(node), frame = open(message);
  if (!frame || gatherFails(message, frame, slot, depth)) return FAILED;
  thrift.putHead(node);
  const status = timePartsStatus<T>(node, frame);
  stackAt(frame);
  return status;
}

function timePartsStatus<T>(node: usize, frame: usize): u32 {
  const thrift = changetype<T>(0);
  let seconds: i64 = 0, nanos: i32 = 0;
  if (load<u32>(frame)) { readAt(load<u32>(frame)); seconds = <i64>protobuf.varint(inputEnd); }
  if (load<u32>(frame, 16)) { readAt(load<u32>(frame, 16)); nanos = <i32>protobuf.varint(inputEnd); }
  if (joinFails(seconds, nanos, formOf(node))) { fails(FAULT_TIME, ip, seconds); return FAILED; }
  thrift.putI64(joined);
  wrote(false);
  return WRITTEN;
}
