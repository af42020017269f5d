// How a balance's policies choose: from the endpoints that can be used to the one that is.
import type { AnyCall } from "../rpc/call.ts";
import type { EndpointHandler } from "../rpc/connect.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { EndpointState } from "./endpoint-state.ts";

/** An endpoint that may be chosen. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly state: EndpointState;
  /** Its stack and its connections, made at its first call: a sidecar may know many endpoints, and calls few. */
  handler?: EndpointHandler;
}

/** Chooses a candidate for one attempt; not `avoid`, which has just failed the call, unless there is no other. */
export type Pick = (call: AnyCall, avoid: Candidate | undefined, nowMs: number) => Candidate;

/** Builds the choice among candidates, at least one, at each change of their set. */
export type Picker = (candidates: readonly Candidate[], nowMs: number) => Pick;

/** An endpoint's share of the calls relative to the others'. */
export function weightOf({ endpoint }: Candidate): number {
  return endpoint.weight ?? 1;
}
