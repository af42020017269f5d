// Points in time and spans of it: a count of units in Thrift, seconds (field 1) and nanoseconds (field 2) in Protobuf.
import { Protobuf } from "./protobuf";

const protobuf = changetype<Protobuf>(0);
const NANOS: i64 = 1000000000;

/** Writes the inside of the message for `value` units, of which there are `perSecond(unit)` in a second. */
export function splitTime(value: i64, unit: u32, isDuration: bool): void {
  const per = perSecond(unit);
  let seconds = value / per, rest = value % per;
  // A duration's parts have one sign; a timestamp counts its nanoseconds forward.
  if (rest < 0 && !isDuration) { seconds--; rest += per; }
  const nanos = rest * (NANOS / per);
  if (seconds) { store8(0x08); protobuf.putVarint(<u64>seconds); }
  if (nanos) { store8(0x10); protobuf.putVarint(<u64>nanos); }
}

@inline function store8(tag: u8): void { protobuf.putVarint(tag); }

/** Units: 0 seconds, 1 milliseconds, 2 microseconds, 3 nanoseconds. */
export function perSecond(unit: u32): i64 { return unit == 0 ? 1 : unit == 1 ? 1000 : unit == 2 ? 1000000 : NANOS; }

/** What joinTime found: the count, unless `joinFails`. */
export let joined: i64 = 0;

/** Joins seconds and nanoseconds to a count of units; true when it overflows or has a remainder. */
export function joinFails(seconds: i64, nanos: i32, unit: u32): bool {
  if (nanos <= -<i32>NANOS || nanos >= <i32>NANOS) return true;
  const per = perSecond(unit), each = NANOS / per;
  if (<i64>nanos % each != 0) return true;
  const rest = <i64>nanos / each;
  // The parts may have two signs, so a product out of range can still be brought back into it by the rest: borrow one second.
  let whole = seconds, part = rest;
  if (whole < 0 && part > 0) { whole++; part -= per; }
  else if (whole > 0 && part < 0) { whole--; part += per; }
  const most = i64.MAX_VALUE / per;
  if (whole > most || whole < -most - 1) return true;
  const product = whole * per;
  if (per > 1 && (product / per != whole)) return true;
  const sum = product + part;
  if ((part > 0 && sum < product) || (part < 0 && sum > product)) return true;
  joined = sum;
  return false;
}
