// The header grpc-timeout: `1*8DIGIT` and a unit, as in gRPC's PROTOCOL-HTTP2.

const UNIT_MS = new Map([
  ["n", 1e-6],
  ["u", 1e-3],
  ["m", 1],
  ["S", 1_000],
  ["M", 60_000],
  ["H", 3_600_000],
]);

const LARGEST = 99_999_999;

/** Milliseconds of a grpc-timeout; undefined when the text is none. */
export function parseTimeout(text: string): number | undefined {
  const parts = /^(\d{1,8})([HMSmun])$/.exec(text);
  const unitMs = parts ? UNIT_MS.get(parts[2]!) : undefined;
  return parts && unitMs !== undefined ? Number(parts[1]) * unitMs : undefined;
}

/** A grpc-timeout of at least `timeoutMs`, in the finest unit from microseconds on that holds it in eight digits. */
export function formatTimeout(timeoutMs: number): string {
  if (timeoutMs <= 0) return "0u";
  for (const [unit, unitMs] of UNIT_MS) {
    const count = Math.ceil(timeoutMs / unitMs);
    if (unit !== "n" && count <= LARGEST) return `${count}${unit}`;
  }
  return `${LARGEST}H`;
}
