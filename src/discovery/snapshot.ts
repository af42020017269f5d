// The endpoints that a sidecar knew, on disk: written whole and atomically some time after each change, for its owner alone,
// because it says where everything is.
import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { endpointOf, endpointOption } from "./endpoint-option.ts";

/** What the last process knew, and what this one does. */
export interface Snapshot {
  /** What the file had of an upstream when it was opened, unless `put` has said better since. */
  get(upstream: string): readonly Endpoint[] | undefined;
  /** To be written soon. */
  put(upstream: string, endpoints: readonly Endpoint[]): void;
  /** Writes what waits to be written, before the process ends. */
  flush(): void;
}

/** Changes come in bursts. */
const WRITE_AFTER_MS = 1_000;
/** A disk that was full may have room again. */
const RETRY_AFTER_MS = 30_000;
const VERSION = 1;

const fileSchema = z.object({ version: z.literal(VERSION), upstreams: z.record(z.string(), z.array(endpointOption)) });

/**
 * Opens the snapshot at `path`. One that is not there is empty; one that cannot be read, too, and the log says so. A disk
 * that cannot be written to is said once in the log, and tried again every 30 s and at the next change.
 */
export function openSnapshot(path: string, clock: Clock, log: Log): Snapshot {
  const known = readSnapshot(path, log);
  let stopTimer: (() => void) | undefined;
  let failed = false;
  /** Whether a write is under way: another that began beside it might end before it. */
  let writing = false;
  /** Whether what waits is another try, which a change need not wait for. */
  let retrying = false;

  function writeAfter(delayMs: number): void {
    stopTimer?.();
    retrying = delayMs === RETRY_AFTER_MS;
    stopTimer = clock.after(delayMs, () => void write());
  }

  function text(): string {
    const upstreams = Object.fromEntries(
      [...known].map(([upstream, endpoints]) => [
        upstream,
        endpoints.map(({ address, weight, priority, labels }) => {
          return { address: formatAddress(address), weight, priority, labels };
        }),
      ]),
    );
    return `${JSON.stringify({ version: VERSION, upstreams })}\n`;
  }

  async function write(): Promise<void> {
    stopTimer = undefined;
    if (writing) {
      writeAfter(WRITE_AFTER_MS);
      return;
    }
    writing = true;
    const draft = `${path}.${randomUUID()}.tmp`;
    try {
      await writeFile(draft, text(), { mode: 0o600, flag: "wx" });
      await rename(draft, path);
      if (failed) log.info({ path }, "the snapshot of the endpoints can be written again");
      failed = false;
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      failure(error);
      if (!stopTimer) writeAfter(RETRY_AFTER_MS);
    }
    writing = false;
  }

  function failure(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    if (!failed) log.warn({ path, error: why }, "the snapshot of the endpoints cannot be written");
    failed = true;
  }

  return {
    get: (upstream) => known.get(upstream),
    put(upstream, endpoints) {
      if (endpoints.length === 0) known.delete(upstream);
      else known.set(upstream, endpoints);
      if (!stopTimer || retrying) writeAfter(WRITE_AFTER_MS);
    },
    flush() {
      if (!stopTimer) return;
      stopTimer();
      stopTimer = undefined;
      const draft = `${path}.${randomUUID()}.tmp`;
      try {
        writeFileSync(draft, text(), { mode: 0o600, flag: "wx" });
        renameSync(draft, path);
      } catch (error) {
        rmSync(draft, { force: true });
        failure(error);
      }
    },
  };
}

function readSnapshot(path: string, log: Log): Map<string, readonly Endpoint[]> {
  try {
    const { upstreams } = fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    return new Map(Object.entries(upstreams).map(([name, all]) => [name, all.map((each) => endpointOf(name, each))]));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : "";
      log.warn({ path, error: why }, "the snapshot of the endpoints cannot be read: starting without");
    }
    return new Map();
  }
}
