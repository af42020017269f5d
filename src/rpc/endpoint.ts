// Where calls can go, and who knows of it.
import type { Address } from "../base/address.ts";
import type { Stop } from "../base/clock.ts";
import type { Handler } from "./call.ts";
import type { StreamHandler } from "./stream.ts";

/** One process of an upstream. */
export interface Endpoint {
  /** The upstream it belongs to. */
  readonly upstream: string;
  readonly address: Address;
  /** `address` as text, for logs. */
  readonly name: string;
  /** Its share of the calls relative to the others', for balancing that heeds it; undefined is 1. */
  readonly weight?: number;
}

/** Builds one endpoint's handler. */
export type Connect = (endpoint: Endpoint) => EndpointHandler;

/** An endpoint's handler, with the connections it holds. */
export interface EndpointHandler {
  readonly handle: Handler;
  /** Undefined where the wire has no streams. */
  readonly handleStream?: StreamHandler;
  /** Closes its connections when the calls in flight are done. */
  close(): Promise<void>;
}

/** What is known of an upstream's endpoints: `stale` when the registry is out of reach, `unknown` before its first answer. */
export interface Endpoints {
  readonly kind: "known" | "stale" | "unknown";
  readonly endpoints: readonly Endpoint[];
}

/** Watches the endpoints of upstreams. `changed` is called at once with what is known, then at each change. */
export interface Resolver {
  watch(upstream: string, changed: (endpoints: Endpoints) => void): Stop;
}
