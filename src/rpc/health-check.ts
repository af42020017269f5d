// Whether one server can take calls, asked again and again. How it is asked is the probe's, which has the sockets.
import { z } from "zod";
import type { Clock, Stop } from "../base/clock.ts";

/** The path of a GET that a check makes. */
export const probePathOption = z
  .string()
  .max(2_048)
  .regex(/^\/[\x21-\x7e]*$/, { error: "expected a path that begins with a slash" });

/** The name of a service that a check asks for. */
export const probeServiceOption = z.string().max(512);

/** The name of a method that a check calls. */
export const probeMethodOption = z.string().min(1).max(512);

/** When a server is left out, and when it is back. */
export const thresholdOptions = {
  unhealthyAfter: z
    .int()
    .min(1)
    .default(3) // HAProxy's fall
    .describe("health checks in a row that fail before a server is left out"),
  healthyAfter: z
    .int()
    .min(1)
    .default(2) // HAProxy's rise
    .describe("health checks in a row that pass before a server that was left out is back"),
};

export interface HealthCheckOptions {
  /** Between two checks, give or take a tenth, so that the checks of many instances do not fall together. */
  readonly intervalMs: number;
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
  /** What it is taken for before its checks say otherwise: who is unproven is not healthy until one passes. */
  readonly initially: "healthy" | "unhealthy" | "unproven";
}

/** How a server is asked whether it can take calls. */
export type ProbeKind =
  | { readonly kind: "tcp" }
  /** `port` takes the place of the server's own; for a unix socket, one of this host. */
  | { readonly kind: "http"; readonly path: string; readonly port?: number | undefined }
  | { readonly kind: "grpc"; readonly service: string }
  | { readonly kind: "thrift"; readonly service: string; readonly method: string };

/** The checks of one server, with the connections they need. */
export interface HealthProbe {
  /** Rejects when the server cannot take calls, and within a time of its own when it does not answer. */
  probe(): Promise<void>;
  close(): void;
}

export interface HealthCheckContext {
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly probe: HealthProbe["probe"];
  /** Is told of each change; the error of the last check says why an instance is not healthy. */
  readonly changed: (healthy: boolean, error: unknown) => void;
}

/** A check that goes on until it is stopped. */
export interface HealthCheck {
  /** Resolves after the first check, whatever it has found. */
  readonly first: Promise<void>;
  readonly isHealthy: boolean;
  stop(): void;
}

/** After a failure, and before the first success, nobody waits longer for the next check. */
const SOON_MS = 1_000;
const JITTER = 0.1;

/** Checks at once and then at intervals, until it is stopped. */
export function createHealthCheck(
  { intervalMs, unhealthyAfter, healthyAfter, initially }: HealthCheckOptions,
  { clock, random, probe, changed }: HealthCheckContext,
): HealthCheck {
  let isHealthy = initially === "healthy";
  /** Checks in a row that say the contrary. */
  let contrary = 0;
  let needed = { healthy: unhealthyAfter, unhealthy: healthyAfter, unproven: 1 }[initially];
  let stopped = false;
  let stopTimer: Stop = () => {};

  async function check(): Promise<void> {
    let error: unknown;
    const passed = await probe().then(
      () => true,
      (why: unknown) => {
        error = why;
        return false;
      },
    );
    if (stopped) return;
    contrary = passed === isHealthy ? 0 : contrary + 1;
    if (contrary >= needed) {
      isHealthy = passed;
      contrary = 0;
      needed = isHealthy ? unhealthyAfter : healthyAfter;
      changed(isHealthy, error);
    }
    const nextMs = passed && isHealthy ? intervalMs : Math.min(intervalMs, SOON_MS);
    stopTimer = clock.after(nextMs * (1 - JITTER + 2 * JITTER * random()), () => void check());
  }

  return {
    first: check(),
    get isHealthy() {
      return isHealthy;
    },
    stop() {
      stopped = true;
      stopTimer();
    },
  };
}
