// Calls and replies for the tests of layers.
import { Metadata } from "../../../src/base/metadata.ts";
import { createEndpointState } from "../../../src/governance/endpoint-state.ts";
import type { Candidate } from "../../../src/governance/picker.ts";
import type { Call, Facts, Reply } from "../../../src/rpc/call.ts";
import type { Field } from "../../../src/schema/model.ts";
import { methodOf } from "../../model.ts";

export const getMethod = methodOf("thrift", "shop.Inventory", "get");

export function factsOf(): Facts {
  return {
    inbound: "thrift-framed",
    peer: "127.0.0.1:5000",
    caller: undefined,
    from: undefined,
    upstream: undefined,
    outbound: undefined,
    endpoint: undefined,
    attempts: 0,
    requestBytes: 0,
    replyBytes: 0,
    losses: undefined,
    droppedMetadata: 0,
  };
}

/** A Thrift call of shop.Inventory/get with three bytes, but for what `changes` says. */
export function callOf(changes: Partial<Call> = {}): Call {
  const method = changes.method ?? getMethod;
  return {
    method,
    payload: { type: method.request, codec: "thrift-binary", bytes: Uint8Array.of(1, 2, 3) },
    headers: Metadata.EMPTY,
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    facts: factsOf(),
    ...changes,
  };
}

export function resultOf(bytes: Uint8Array = Uint8Array.of(9), changes: Partial<Reply["payload"]> = {}): Reply {
  return {
    kind: "result",
    payload: { type: undefined, codec: "thrift-binary", bytes, ...changes },
    headers: Metadata.EMPTY,
    trailers: Metadata.EMPTY,
  };
}

export function exceptionOf(field: Field, bytes: Uint8Array, changes: Partial<Reply["payload"]> = {}): Reply {
  return { ...resultOf(bytes, changes), kind: "exception", field };
}

/** What `promise` rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

/** Resolves when all that was resolved by now has had its continuations run, however long their chains. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Numbers from 0 up to but not including 1 that look random and are the same in each run (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Candidates of a picker that nobody connects to. */
export function candidatesOf(weights: readonly number[]): Candidate[] {
  return weights.map((weight, i) => ({
    endpoint: {
      upstream: "shop",
      address: { kind: "tcp", host: "10.0.0.1", port: i + 1 },
      name: `10.0.0.1:${i + 1}`,
      weight,
    },
    state: createEndpointState(),
  }));
}
