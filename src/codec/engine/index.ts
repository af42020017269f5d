// What the engine offers: it is told where the tables end and what the limits are, and translates one message at a time
// that its host has put into its memory. It calls nothing outside and knows no time.
import { FAULT_MEMORY } from "../layout";
import * as registers from "./registers";
import { fieldToProtobufFails, toProtobufFails } from "./to-protobuf";
import { toThriftFails } from "./to-thrift";

export { seed } from "./distinct";

/** Where tables may begin. */
export function tablesStart(): usize { return (__heap_base + 15) & ~15; }

/** Makes memory reach up to `end`. */
export function provide(end: usize): bool { return registers.provide(end); }

export function limit(maxBytes: u32, maxDepth: u32, maxElements: u32): void { registers.limit(maxBytes, maxDepth, maxElements); }

// Each translates the `length` bytes at `start`, with `stackSize` bytes of frames. The result is the length of the output, and
// `report` says where it stands; or it is negative, and the `fault…` functions say what went wrong.

export function thriftBinaryToProtobuf(message: usize, start: usize, length: u32, stackSize: u32): i32 {
  if (!registers.begin(start, length, stackSize)) return outOfMemory();
  return toProtobufFails(message) ? -1 : registers.finish();
}

/** The struct's field with this id, and nothing else; when it is not there, a fault if it is needed, else an empty message. */
export function thriftBinaryFieldToProtobuf(
  message: usize, start: usize, length: u32, stackSize: u32, field: u32, node: u32, needed: bool,
): i32 {
  if (!registers.begin(start, length, stackSize)) return outOfMemory();
  return fieldToProtobufFails(message, field, node, needed) ? -1 : registers.finish();
}

export function protobufToThriftBinary(message: usize, start: usize, length: u32, stackSize: u32): i32 {
  if (!registers.begin(start, length, stackSize)) return outOfMemory();
  return toThriftFails(message, 0, 0) ? -1 : registers.finish();
}

/** As a struct that holds the message as its one field with this header: type and id. */
export function protobufToThriftBinaryField(
  message: usize, start: usize, length: u32, stackSize: u32, header: u32, node: u32,
): i32 {
  if (!registers.begin(start, length, stackSize)) return outOfMemory();
  return toThriftFails(message, header, node) ? -1 : registers.finish();
}

function outOfMemory(): i32 {
  registers.fails(FAULT_MEMORY, 0, 0);
  return -1;
}

/** The address of three u32: where the last output stands, how many unknown fields and how many duplicates it cost. */
export function report(): usize { return registers.report; }

export function fault(): u32 { return registers.fault; }
export function faultAt(): usize { return registers.faultAt; }
export function faultValue(): i64 { return registers.faultValue; }
/** The path to the fault: pairs of u32 node id and i32 element index, innermost first. */
export function trace(): usize { return registers.trace; }
export function traceLength(): u32 { return registers.traceLength; }
