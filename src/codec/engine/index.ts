// What the engine offers: it translates one message at a time that its host has put into its memory, by a plan that stands
// in the tables. It calls nothing outside and knows no time.
import { NO_FIELD, PLAN_FIELD, PLAN_MESSAGE, PLAN_NEEDED, PLAN_NODE } from "../layout";
import * as registers from "./registers";
import { rewriteFails } from "./rewrite";
import { ThriftBinary } from "./thrift-binary";
import { ThriftCompact } from "./thrift-compact";
import { fieldToProtobufFails, toProtobufFails } from "./to-protobuf";
import { toThriftFails } from "./to-thrift";

export { seed } from "./distinct";

/** Where tables may begin. */
export function tablesStart(): usize { return (__heap_base + 15) & ~15; }

/** Makes memory reach up to `end`. */
export function provide(end: usize): bool { return registers.provide(end); }

// Each translates the `length` bytes at `start`. The result is the length of the output, and `report` says where it stands; or
// it is negative, and the `fault…` functions say what went wrong.

export function thriftBinaryToProtobuf(plan: usize, start: usize, length: u32): i32 {
  return toProtobuf<ThriftBinary>(plan, start, length);
}
export function thriftCompactToProtobuf(plan: usize, start: usize, length: u32): i32 {
  return toProtobuf<ThriftCompact>(plan, start, length);
}
export function protobufToThriftBinary(plan: usize, start: usize, length: u32): i32 {
  return toThrift<ThriftBinary>(plan, start, length);
}
export function protobufToThriftCompact(plan: usize, start: usize, length: u32): i32 {
  return toThrift<ThriftCompact>(plan, start, length);
}
export function thriftBinaryToThriftCompact(plan: usize, start: usize, length: u32): i32 {
  return rewrite<ThriftBinary, ThriftCompact>(plan, start, length);
}
export function thriftCompactToThriftBinary(plan: usize, start: usize, length: u32): i32 {
  return rewrite<ThriftCompact, ThriftBinary>(plan, start, length);
}

@inline function toProtobuf<T>(plan: usize, start: usize, length: u32): i32 {
  if (!registers.begin(plan, start, length, 0)) return -1;
  const message = <usize>load<u32>(plan, PLAN_MESSAGE), field = load<u32>(plan, PLAN_FIELD);
  const failed = field == NO_FIELD ? toProtobufFails<T>(message)
    : fieldToProtobufFails<T>(message, field, load<u32>(plan, PLAN_NODE), load<u32>(plan, PLAN_NEEDED) != 0);
  return failed ? -1 : registers.finish();
}

@inline function toThrift<T>(plan: usize, start: usize, length: u32): i32 {
  if (!registers.begin(plan, start, length, registers.RUNS_PER_BYTE)) return -1;
  const failed = toThriftFails<T>(load<u32>(plan, PLAN_MESSAGE), load<u32>(plan, PLAN_FIELD), load<u32>(plan, PLAN_NODE));
  return failed ? -1 : registers.finish();
}

@inline function rewrite<R, W>(plan: usize, start: usize, length: u32): i32 {
  return !registers.begin(plan, start, length, 0) || rewriteFails<R, W>() ? -1 : registers.finish();
}

/** The address of four u32: where the last output stands, whether it cost anything, how many unknown fields, how many duplicates. */
export function report(): usize { return registers.report; }

export function fault(): u32 { return registers.fault; }
export function faultAt(): usize { return registers.faultAt; }
export function faultValue(): i64 { return registers.faultValue; }
/** The path to the fault: pairs of u32 node id and i32 element index, innermost first. */
export function trace(): usize { return registers.trace; }
export function traceLength(): u32 { return registers.traceLength; }
