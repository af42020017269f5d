// Copies bytes and text from the input to the output. Bounds are the caller's.
import { FAULT_UTF8 } from "../layout";
import { fails, ip, op, readAt, writeAt } from "./registers";

const HIGH_BITS: u64 = 0x8080808080808080;

/** Bytes of one step. The last step of a copy may write and read this much beyond what it is about. */
export const STEP: u32 = 16;
/** From here on the call that `memory.copy` is pays off. */
const LONG: u32 = 512;

/** Copies `n` bytes in steps: up to 15 bytes behind them in the output are overwritten. */
@inline export function copyTo(from: usize, to: usize, n: u32): void {
  if (n > LONG) memory.copy(to, from, n);
  else for (let i: u32 = 0; i < n; i += STEP) v128.store(to + i, v128.load(from + i));
}

/** As `copyTo`, up to the first byte beyond ASCII; true when there was none. */
@inline export function asciiTo(from: usize, to: usize, n: u32): bool {
  let i: u32 = 0;
  for (; i + STEP < n; i += STEP) {
    const step = v128.load(from + i);
    v128.store(to + i, step);
    if (i8x16.bitmask(step)) return false;
  }
  const step = v128.load(from + i);
  v128.store(to + i, step);
  return !(i8x16.bitmask(step) & ((1 << n - i) - 1));
}

@inline export function copyBytes(n: u32): void {
  copyTo(ip, op, n);
  readAt(ip + n);
  writeAt(op + n);
}

/** Copies `n` bytes that must be UTF-8; true, with a fault noted, when they are not. */
@inline export function textFails(n: u32): bool {
  if (!asciiTo(ip, op, n) && mixedTextFails(ip, op, n)) return true;
  readAt(ip + n);
  writeAt(op + n);
  return false;
}

/** As `copyTo`, of text that is not all ASCII; true, with a fault noted, when it is not UTF-8. */
export function mixedTextFails(from: usize, to: usize, n: u32): bool {
  const bad = invalidUtf8(from, from + n);
  if (bad) return fails(FAULT_UTF8, bad, 0);
  copyTo(from, to, n);
  return false;
}

/** Leads of three bytes after which any two continuations may stand. */
@inline function isPlainLead(lead: u32): bool { return lead - 0xe1 < 15 && lead != 0xed; }

/** Passes over characters of such leads, five at a time: most of East Asia's text. */
function pastPlainFives(at: usize, end: usize): usize {
  // The bits that tell a lead or a continuation (f0 c0 c0 ...), and what they must be (e0 80 80 ...), in the order of memory.
  const high = i64x2(0xc0f0c0c0f0c0c0f0, 0x00c0c0f0c0c0f0c0), five = i64x2(0x80e08080e08080e0, 0x008080e08080e080);
  for (; at + STEP <= end; at += 15) {
    const step = v128.load(at), isOther = v128.xor(v128.and(step, high), five);
    // No continuation is like these leads.
    const isSpecial = v128.or(i8x16.eq(step, i8x16.splat(<i8>0xe0)), i8x16.eq(step, i8x16.splat(<i8>0xed)));
    if (v128.any_true(v128.or(isOther, isSpecial))) break;
  }
  return at;
}

/** The address of the first byte that is not UTF-8 as Unicode's table 3-7 has it (no surrogates, shortest forms), or zero. */
export function invalidUtf8(at: usize, end: usize): usize {
  while (at < end) {
    if (at + 8 <= end && !(load<u64>(at) & HIGH_BITS)) { at += 8; continue; }
    const lead = <u32>load<u8>(at);
    if (lead < 0x80) { at++; continue; }
    if (isPlainLead(lead)) {
      const next = pastPlainFives(at, end);
      if (next != at) { at = next; continue; }
    }
    if (lead < 0xc2 || lead > 0xf4) return at;
    const size: usize = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > end - at) return at;
    const second = <u32>load<u8>(at, 1);
    const low: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const high: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return at;
    if (size > 2 && (load<u8>(at, 2) & 0xc0) != 0x80) return at;
    if (size > 3 && (load<u8>(at, 3) & 0xc0) != 0x80) return at;
    at += size;
  }
  return 0;
}
