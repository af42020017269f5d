// The engine's registers: where it reads, where it writes, what it counted and what went wrong. Memory holds, upwards: the
// tables, the input, the stack of frames, the output.
import {
  FAULT_BYTES, FAULT_MEMORY, PLAN_MAX_BYTES, PLAN_MAX_DEPTH, PLAN_MAX_ELEMENTS, PLAN_STACK_BYTES,
} from "../layout";

/** The next byte to read, and the end of what may be read. */
export let ip: usize = 0;
export let inputEnd: usize = 0;
/** The next byte to write, and the end of what may be written without asking for more. */
export let op: usize = 0;
export let roomEnd: usize = 0;
/** The next free byte of the stack of frames. */
export let sp: usize = 0;

/** Where the host reads what a translation said beside its length: four u32 of the last success. */
const REPORT_OUTPUT: usize = 0;
const REPORT_LOSSY: usize = 4;
const REPORT_UNKNOWN: usize = 8;
const REPORT_DUPLICATES: usize = 12;
export const report: usize = memory.data(16, 4);

let outputStart: usize = 0;
let stackStart: usize = 0;
let stackEnd: usize = 0;

export let maxBytes: u32 = 0;
export let maxDepth: u32 = 0;
export let maxElements: u32 = 0;

export let unknownFields: u32 = 0;
export let duplicates: u32 = 0;

export let fault: u32 = 0;
export let faultAt: usize = 0;
export let faultValue: i64 = 0;

/** Writes of fixed size may pass the limit by this much before it is noticed. */
const SLACK: usize = 64;

/** Where an error stands: pairs of node id and element index, innermost first. Deeper ones than fit are left out. */
const TRACE_LIMIT: u32 = 512;
export const trace: usize = memory.data(512 * 8);
export let traceLength: u32 = 0;

// Imported variables are assigned through these.
@inline export function readAt(address: usize): void { ip = address; }
@inline export function writeAt(address: usize): void { op = address; }
@inline export function stackAt(address: usize): void { sp = address; }
@inline export function readUntil(address: usize): void { inputEnd = address; }
@inline export function countUnknown(): void { unknownFields++; }
@inline export function countDuplicates(n: u32): void { duplicates += n; }

/** A run of 12 bytes for every two bytes of input is the most that interleaved fields can need. */
export const RUNS_PER_BYTE: u32 = 6;

/**
 * Prepares for one message of `length` bytes at `start`, within the limits of the plan, with `perByte` bytes of stack for each
 * beside the frames. False, with a fault noted: no memory.
 */
@inline export function begin(plan: usize, start: usize, length: u32, perByte: u32): bool {
  maxBytes = load<u32>(plan, PLAN_MAX_BYTES);
  maxDepth = load<u32>(plan, PLAN_MAX_DEPTH);
  maxElements = load<u32>(plan, PLAN_MAX_ELEMENTS);
  inputEnd = start + length;
  stackStart = (inputEnd + 15) & ~15;
  stackEnd = stackStart + load<u32>(plan, PLAN_STACK_BYTES) + length * perByte;
  outputStart = (stackEnd + 15) & ~15;
  if (outputStart < stackEnd || stackEnd < stackStart || !provide(outputStart + SLACK)) {
    traceLength = 0;
    fails(FAULT_MEMORY, start, 0);
    return false;
  }
  restart(start);
  return true;
}

/** Forgets what was written and counted. */
@inline export function restart(start: usize): void {
  ip = start;
  op = outputStart;
  sp = stackStart;
  unknownFields = duplicates = traceLength = 0;
  limitRoom();
}

/** Forgets what went wrong, and all but so many unknown fields. */
export function forget(unknown: u32): void {
  unknownFields = unknown;
  traceLength = 0;
}

/** Ends a translation that succeeded: says where the output stands and what was lost, and returns its length. */
@inline export function finish(): i32 {
  store<u32>(report, <u32>outputStart, REPORT_OUTPUT);
  const lossy = unknownFields | duplicates;
  store<u32>(report, lossy, REPORT_LOSSY);
  if (lossy) {
    store<u32>(report, unknownFields, REPORT_UNKNOWN);
    store<u32>(report, duplicates, REPORT_DUPLICATES);
  }
  return <i32>(op - outputStart);
}

/** Whether the output is more than it may be. */
export function overflows(): bool { return op - outputStart > <usize>maxBytes && fails(FAULT_BYTES, ip, 0); }

/** Notes what went wrong and where; always true, so that a failing function can return it. */
export function fails(code: u32, at: usize, value: i64): bool {
  fault = code;
  faultAt = at;
  faultValue = value;
  return true;
}

/** Notes one step of the path to the failure; always true. */
export function traced(node: u32, index: i32): bool {
  if (traceLength < TRACE_LIMIT) store<u64>(trace + (traceLength++ << 3), <u64>node | (<u64>(<u32>index)) << 32);
  return true;
}

/** True, with a fault noted, when `n` more bytes cannot be written. */
@inline export function lacksRoom(n: usize): bool { return op + n > roomEnd && growsNot(n); }

function growsNot(n: usize): bool {
  if (op + n > outputStart + <usize>maxBytes + SLACK) return fails(FAULT_BYTES, ip, 0);
  if (!provide(op + n + SLACK)) return fails(FAULT_MEMORY, ip, 0);
  limitRoom();
  return false;
}

@inline function limitRoom(): void {
  const allowed = outputStart + <usize>maxBytes + SLACK, present = (<usize>memory.size()) << 16;
  roomEnd = allowed < present ? allowed : present;
}

/** Makes memory reach up to `end`, doubling it where it can so that growing stays rare. */
@inline export function provide(end: usize): bool { return end <= <usize>memory.size() << 16 || grows(end); }

function grows(end: usize): bool {
  const pages = memory.size(), needed = <i32>((end + 0xffff) >> 16);
  if (end > 0xfff00000) return false;
  if (memory.grow(max(needed - pages, min(pages, 1024))) >= 0) return true;
  return memory.grow(needed - pages) >= 0;
}

/** Takes `size` bytes from the stack; zero, with a fault noted, when it is spent. Given back by `stackAt`. */
@inline export function push(size: usize): usize {
  const frame = sp;
  if (frame + size > stackEnd) { fails(FAULT_MEMORY, ip, 0); return 0; }
  sp = frame + size;
  return frame;
}
