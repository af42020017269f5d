// Copies bytes and text from the input to the output. Bounds are the caller's.
import { FAULT_UTF8 } from "../layout";
import { fails, ip, op, readAt, writeAt } from "./registers";

const HIGH_BITS: u64 = 0x8080808080808080;

/** Copies `n` bytes: short ones, as most are, without a call. What is left below eight is copied by a step that overlaps. */
@inline export function copyBytes(n: u32): void {
  const from = ip, to = op;
  readAt(from + n);
  writeAt(to + n);
  if (n > 64) { memory.copy(to, from, n); return; }
  if (n < 8) { copyFew(from, to, n); return; }
  const last: u32 = n - 8;
  for (let i: u32 = 0; i < last; i += 8) store<u64>(to + i, load<u64>(from + i));
  store<u64>(to + last, load<u64>(from + last));
}

/** Fewer than eight. */
@inline function copyFew(from: usize, to: usize, n: u32): void {
  if (n >= 4) {
    store<u32>(to, load<u32>(from));
    store<u32>(to + n - 4, load<u32>(from + n - 4));
  } else if (n) {
    store<u8>(to, load<u8>(from));
    if (n > 1) store<u16>(to + n - 2, load<u16>(from + n - 2));
  }
}

/** Copies `n` bytes that must be UTF-8; true, with a fault noted, when they are not. */
@inline export function textFails(n: u32): bool {
  const from = ip, to = op;
  if (n < 8) {
    const all = n >= 4 ? load<u32>(from) | load<u32>(from + n - 4)
      : n > 1 ? load<u8>(from) | load<u16>(from + n - 2)
      : n ? load<u8>(from) : 0;
    if (all & <u32>HIGH_BITS) return mixedTextFails(n, 0);
    copyFew(from, to, n);
  } else {
    const last: u32 = n - 8;
    for (let i: u32 = 0; i < last; i += 8) {
      const eight = load<u64>(from + i);
      if (eight & HIGH_BITS) return mixedTextFails(n, i);
      store<u64>(to + i, eight);
    }
    const eight = load<u64>(from + last);
    if (eight & HIGH_BITS) return mixedTextFails(n, 0);
    store<u64>(to + last, eight);
  }
  readAt(from + n);
  writeAt(to + n);
  return false;
}

/** The rest of the text from `i` on, where the first byte beyond ASCII is near. */
function mixedTextFails(n: u32, i: u32): bool {
  const from = ip, bad = invalidUtf8(from + i, from + n);
  if (bad) return fails(FAULT_UTF8, bad, 0);
  memory.copy(op + i, from + i, n - i);
  readAt(from + n);
  writeAt(op + n);
  return false;
}

/** Leads of three bytes after which any two continuations may stand. */
@inline function isPlainLead(lead: u32): bool { return lead - 0xe1 < 15 && lead != 0xed; }

/** Passes over characters of such leads, two at a time: most of East Asia's text. */
function pastPlainPairs(at: usize, end: usize): usize {
  for (; at + 8 <= end; at += 6) {
    const six = load<u64>(at), isPair = (six & 0xc0c0f0c0c0f0) == 0x8080e08080e0;
    if (!isPair || !isPlainLead(<u32>six & 0xff) || !isPlainLead(<u32>(six >> 24) & 0xff)) break;
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
      const next = pastPlainPairs(at, end);
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
