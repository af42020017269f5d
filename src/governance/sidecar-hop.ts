// What a sidecar tells the next of a call: how often it was sent on, and who calls. The sidecar at the application says who
// calls; those behind it believe that and count.
import { z } from "zod";
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { SIDECAR_KEY } from "../rpc/sidecar-keys.ts";
import type { StreamLayer } from "../rpc/stream.ts";

/** Who the sidecar stands beside, for those who are called. */
export const identityOptions = {
  name: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, { error: "expected 1 to 256 printable ASCII characters without spaces" })
    .optional()
    .describe(
      "the application that the sidecar stands beside, told to those it calls as cw-from; without it the name in its certificate is",
    ),
};

export interface IdentityOptions {
  readonly name?: string | undefined;
}

/** Most sidecars that a call may pass: more is a loop. */
export const MAX_HOPS = 8;

/** Marks calls of both kinds. */
export interface SidecarHop {
  readonly calls: Layer;
  readonly streams: StreamLayer;
}

/**
 * Adds to calls what the next sidecar is told. A call that has passed 8 sidecars goes round, and is
 * FAILED_PRECONDITION, which nobody retries.
 */
export function sidecarHop({ name }: IdentityOptions): SidecarHop {
  const own = (from: string | undefined) => [
    SIDECAR_KEY.HOPS,
    "1",
    ...(from === undefined ? [] : [SIDECAR_KEY.FROM, from]),
  ];
  /** The very same for all calls, so that wires can know it again. */
  const alone = Metadata.fromFlat(own(name));

  function mark({ headers, facts }: AnyCall): Metadata {
    const hops = headers.get(SIDECAR_KEY.HOPS);
    if (hops !== undefined) {
      facts.from = headers.get(SIDECAR_KEY.FROM);
      return counted(headers, hops);
    }
    facts.from = name ?? facts.caller;
    const isNamed = name !== undefined || facts.caller === undefined;
    return headers.behind(isNamed ? alone : Metadata.fromFlat(own(facts.caller)));
  }

  return {
    calls: (next) => (call) => {
      try {
        return next({ ...call, headers: mark(call) });
      } catch (error) {
        return Promise.reject(error);
      }
    },
    streams: (next) => (call) => {
      try {
        return next({ ...call, headers: mark(call) });
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}

function counted(headers: Metadata, text: string): Metadata {
  const hops = /^\d{1,3}$/.test(text) ? Number(text) : undefined;
  if (hops === undefined || hops < 1) {
    throw new RpcError("INVALID_ARGUMENT", `cw-hops is ${JSON.stringify(text.slice(0, 40))}: expected a number from 1`);
  }
  if (hops >= MAX_HOPS) {
    throw new RpcError(
      "FAILED_PRECONDITION",
      `the call has passed ${hops} sidecars, as many as it may: expected no upstream that leads back to a sidecar before`,
    );
  }
  const flat: string[] = [SIDECAR_KEY.HOPS, String(hops + 1)];
  for (const [key, value] of headers) if (key !== SIDECAR_KEY.HOPS) flat.push(key, value);
  return Metadata.fromFlat(flat);
}
