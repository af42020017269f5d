// A UUID as 16 bytes and as text (RFC 9562, section 4): written in lower case, read in either.
import { ip, op, readAt, writeAt } from "./registers";

/** Whether a hyphen stands before byte `i`. */
@inline function hyphenBefore(i: u32): bool { return i == 4 || i == 6 || i == 8 || i == 10; }

@inline function digit(value: u32): u8 { return <u8>(value < 10 ? 0x30 + value : 0x57 + value); }

/** Reads 16 bytes and writes 36 characters. */
export function putUuidText(): void {
  let to = op;
  for (let i: u32 = 0; i < 16; i++) {
    const byte = <u32>load<u8>(ip + i);
    if (hyphenBefore(i)) store<u8>(to++, 0x2d);
    store<u8>(to++, digit(byte >>> 4));
    store<u8>(to++, digit(byte & 15));
  }
  readAt(ip + 16);
  writeAt(to);
}

/** The value of a hexadecimal digit, or 16. */
function valueOf(character: u32): u32 {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  const lower = character | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 16;
}

/** Reads 36 characters and writes 16 bytes; false when they are no UUID. */
export function putUuidBytes(): bool {
  let from = ip;
  for (let i: u32 = 0; i < 16; i++) {
    if (hyphenBefore(i) && load<u8>(from++) != 0x2d) return false;
    const high = valueOf(load<u8>(from++)), low = valueOf(load<u8>(from++));
    if (high > 15 || low > 15) return false;
    store<u8>(op + i, <u8>(high << 4 | low));
  }
  readAt(from);
  writeAt(op + 16);
  return true;
}
