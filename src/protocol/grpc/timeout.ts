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

/** Longer ones are given in milliseconds: what is cut off matters to nobody. */
const FINE_BELOW_MS = 100;

/** A grpc-timeout of at least `timeoutMs`, less than a millisecond above it if eight digits can say so. */
export function formatTimeout(timeoutMs: number): string {
  if (timeoutMs <= 0) return "0u";
  const wholeMs = Math.ceil(timeoutMs);
  if (timeoutMs >= FINE_BELOW_MS && wholeMs <= LARGEST) return `${wholeMs}m`;
  for (const [unit, unitMs] of UNIT_MS) {
    const count = Math.ceil(timeoutMs / unitMs);
    if (unit !== "n" && count <= LARGEST) return `${count}${unit}`;
  }
  return `${LARGEST}H`;
}
