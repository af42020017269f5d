// Where calls can go, and who knows of it.
import type { Address } from "../base/address.ts";
import type { Stop } from "../base/clock.ts";

/** One process of an upstream. */
export interface Endpoint {
  /** The upstream it belongs to. */
  readonly upstream: string;
  readonly address: Address;
  /** `address` as text, for logs. */
  readonly name: string;
  /** Its share of the calls relative to the others', for balancing that heeds it; undefined is 1. */
  readonly weight?: number;
  /** Endpoints of a higher number are called when those of lower ones do not do; undefined is 0. */
  readonly priority?: number;
  /** What routes and balancing choose by, such as `version` and `zone`; undefined is none. */
  readonly labels?: Labels;
}

/** Names and values that a deployment gives its processes. */
export type Labels = Readonly<Record<string, string>>;

/** What is known of an upstream's endpoints: `stale` when the registry is out of reach, `unknown` before its first answer. */
export interface Endpoints {
  readonly kind: "known" | "stale" | "unknown";
  readonly endpoints: readonly Endpoint[];
}

/** Watches the endpoints of upstreams. `changed` is called at once with what is known, then at each change. */
export interface Resolver {
  watch(upstream: string, changed: (endpoints: Endpoints) => void): Stop;
}

/** A process that wants to be found, and how long it is believed to live without saying so again. */
export interface Instance {
  /** Names it among those of its upstream: letters, digits, `-`, `_` and `.`, at most 128. */
  readonly id: string;
  readonly upstream: string;
  /** As others reach it. */
  readonly address: Address;
  readonly weight: number;
  readonly labels: Labels;
  readonly leaseMs: number;
}

/** An instance that was registered. Both reject when the registry cannot be reached. */
export interface Registration {
  /** Renews the lease. */
  heartbeat(): Promise<void>;
  /** Takes it out of the registry; what nobody takes out is forgotten when its lease is over. */
  deregister(): Promise<void>;
}

/** Makes instances known to other sidecars. Registering an id again replaces what was said of it. */
export interface Registrar {
  register(instance: Instance): Promise<Registration>;
}
