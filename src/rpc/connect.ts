// How calls get to an endpoint: its handler, with the connections it holds.
import type { Handler } from "./call.ts";
import type { Endpoint } from "./endpoint.ts";
import type { StreamHandler } from "./stream.ts";

/** Builds one endpoint's handler. */
export type Connect = (endpoint: Endpoint) => EndpointHandler;

/** An endpoint's handler, with the connections it holds. */
export interface EndpointHandler {
  readonly handle: Handler;
  /** Undefined where the wire has no streams. */
  readonly handleStream?: StreamHandler;
  /** Its connections now; absent where nobody counts them. */
  connections?(): Connections;
  /** Closes its connections when the calls in flight are done. */
  close(): Promise<void>;
}

/** The connections to an endpoint. */
export interface Connections {
  /** Those that calls can go over. */
  readonly open: number;
  readonly connecting: number;
  /** Calls that wait for one. */
  readonly waiting: number;
}
