// The most memory that a sidecar has had.
import { readFileSync } from "node:fs";
import type { Sidecar } from "../e2e/sidecar.ts";

/** In bytes, by /proc. */
export function peakBytes({ process: { pid } }: Sidecar): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}
