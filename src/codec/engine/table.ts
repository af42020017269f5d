// Reads the tables. Addresses of message records and nodes are plain numbers; what stands in them is in layout.ts.
import {
  MESSAGE_COUNT, MESSAGE_DENSE, MESSAGE_DENSE_COUNT, MESSAGE_NODES, MESSAGE_SPARSE, MESSAGE_SPARSE_COUNT, NODE_FLAGS,
  NODE_FORM, NODE_HEAD, NODE_HEAD_LENGTH, NODE_ID, NODE_INDEX, NODE_KIND, NODE_OTHER, NODE_SIZE, NODE_TARGET,
  NODE_THRIFT_TYPE,
} from "../layout";
import { op, writeAt } from "./registers";

@inline export function kindOf(node: usize): i32 { return load<u8>(node, NODE_KIND); }
@inline export function thriftTypeOf(node: usize): u8 { return load<u8>(node, NODE_THRIFT_TYPE); }
@inline export function formOf(node: usize): i32 { return load<u8>(node, NODE_FORM); }
@inline export function hasFlag(node: usize, flag: u32): bool { return (load<u16>(node, NODE_FLAGS) & flag) != 0; }
@inline export function targetOf(node: usize): usize { return load<u32>(node, NODE_TARGET); }
@inline export function otherOf(node: usize): usize { return load<u32>(node, NODE_OTHER); }
@inline export function idOf(node: usize): u32 { return load<u32>(node, NODE_ID); }
@inline export function indexOf(node: usize): u32 { return load<u32>(node, NODE_INDEX); }

@inline export function countOf(message: usize): u32 { return load<u32>(message, MESSAGE_COUNT); }
@inline export function nodeOf(message: usize, index: u32): usize {
  return load<u32>(message, MESSAGE_NODES) + index * NODE_SIZE;
}

/** Writes what stands before a value: a tag or a field header of up to eight bytes. Needs room for eight. */
@inline export function putHead(node: usize): void {
  store<u64>(op, load<u64>(node, NODE_HEAD));
  writeAt(op + load<u16>(node, NODE_HEAD_LENGTH));
}

/** The node of a field by its number, or zero. */
@inline export function find(message: usize, number: u32): usize {
  if (number < load<u32>(message, MESSAGE_DENSE_COUNT)) return load<u32>(load<u32>(message, MESSAGE_DENSE) + (number << 2));
  return load<u32>(message, MESSAGE_SPARSE_COUNT) ? findSparse(message, number) : 0;
}

function findSparse(message: usize, number: u32): usize {
  const pairs = <usize>load<u32>(message, MESSAGE_SPARSE);
  let low: u32 = 0, high = load<u32>(message, MESSAGE_SPARSE_COUNT);
  while (low < high) {
    const middle = (low + high) >>> 1, pair = pairs + (middle << 3), found = load<u32>(pair);
    if (found == number) return load<u32>(pair, 4);
    if (found < number) low = middle + 1;
    else high = middle;
  }
  return 0;
}

/** Whether a sorted list of i32, its count first, holds `number`. */
export function names(list: usize, number: i32): bool {
  let low: u32 = 0, high = load<u32>(list);
  while (low < high) {
    const middle = (low + high) >>> 1, found = load<i32>(list + 4 + (middle << 2));
    if (found == number) return true;
    if (found < number) low = middle + 1;
    else high = middle;
  }
  return false;
}
