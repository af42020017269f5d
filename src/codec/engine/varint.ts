// Varints as numbers, seven bits to a byte.

/** Writes a varint and returns the address behind it. */
@inline export function exactVarintTo(to: usize, value: u64): usize {
  while (value > 127) { store<u8>(to++, <u8>(value | 128)); value >>= 7; }
  store<u8>(to, <u8>value);
  return to + 1;
}

/** As `exactVarintTo`, without a loop, so that the size need not be foreseen; eight bytes from `to` on are overwritten, if not ten. */
@inline export function varintTo(to: usize, value: u64): usize {
  if (value < 128) { store<u8>(to, <u8>value); return to + 1; }
  return value >> 56 ? longestTo(to, value) : spreadTo(to, value);
}

function longestTo(to: usize, value: u64): usize { return exactVarintTo(to, value); }

/** Of at most 56 bits: each seven in a byte of its own. */
@inline function spreadTo(to: usize, value: u64): usize {
  value = value & 0x000000000fffffff | (value & 0x00fffffff0000000) << 4;
  value = value & 0x00003fff00003fff | (value & 0x0fffc0000fffc000) << 2;
  value = value & 0x007f007f007f007f | (value & 0x3f803f803f803f80) << 1;
  const last = 63 - <u32>clz(value) >>> 3;
  store<u64>(to, value | (0x8080808080808080 & ((<u64>1 << (last << 3)) - 1)));
  return to + last + 1;
}

/** The number of which a varint of at most eight bytes has seven bits in each. */
@inline export function gathered(bytes: u64): u64 {
  let value = bytes & 0x007f007f007f007f | (bytes & 0x7f007f007f007f00) >> 1;
  value = value & 0x00003fff00003fff | (value & 0x3fff00003fff0000) >> 2;
  return value & 0x000000000fffffff | (value & 0x0fffffff00000000) >> 4;
}
