// Copies of calls for an upstream whose answers nobody waits for: they cost the call nothing and cannot fail it.
import { Canceller } from "../base/cancel.ts";
import type { Call, Handler } from "../rpc/call.ts";
import { newFacts } from "../rpc/call.ts";
import type { Labels } from "../rpc/endpoint.ts";

export interface MirrorOptions {
  /** Share of the calls that are copied, from 0 to 1. */
  readonly share: number;
  /** Most copies that are not answered yet; those above are not sent. */
  readonly maxInFlight: number;
  readonly labels?: Labels | undefined;
}

/** Sends a copy of a call on its way. */
export type Mirror = (call: Call) => void;

/** Copies calls to `handle`, where only the upstream's own deadline bounds them. They say `cw-mirror: 1`. */
export function createMirror(
  { share, maxInFlight, labels }: MirrorOptions,
  handle: Handler,
  random: () => number,
): Mirror {
  let inFlight = 0;
  const done = (): void => {
    inFlight--;
  };
  return (call) => {
    if (inFlight >= maxInFlight || random() >= share) return;
    inFlight++;
    const { subset: _, ...given } = call;
    const copy: Call = {
      ...given,
      ...(labels && { subset: labels }),
      headers: call.headers.with(MIRROR_HEADER, "1"),
      // The bytes belong to the call, which may be over before its copy.
      payload: { ...call.payload, bytes: call.payload.bytes.slice() },
      expiresAtMs: Number.POSITIVE_INFINITY,
      signal: new Canceller(),
      facts: newFacts(call.facts.inbound, call.facts.peer, call.facts.caller),
    };
    // A handler may throw before it waits.
    Promise.resolve(copy).then(handle).then(done, done);
  };
}

/** Tells an upstream that nobody waits for its answer. */
const MIRROR_HEADER = "cw-mirror";
