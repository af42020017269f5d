// Floats and doubles as bits, where the instructions of WebAssembly leave a NaN's payload open.

/** The payload of a double's NaN that fits a float's; one that does not is still a NaN. */
export function narrowNaN(bits: u64): u32 {
  const payload = <u32>(bits >> 29) & 0x7fffff;
  return <u32>(bits >> 32) & 0x80000000 | 0x7f800000 | (payload ? payload : 0x400000);
}

/** A float's bits as a double's, NaN payload kept. */
export function widen(bits: u32): u64 {
  if ((bits & 0x7f800000) == 0x7f800000 && bits & 0x7fffff) {
    return (<u64>(bits & 0x80000000) << 32) | 0x7ff0000000000000 | (<u64>(bits & 0x7fffff) << 29);
  }
  return reinterpret<u64>(<f64>reinterpret<f32>(bits));
}
