// The instances that registered with this sidecar: kept as long as they say so and can be reached. How requests look is
// admin/registration.ts's; what a probe does, and whether an instance fits its upstream, is the caller's to say.
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock, Stop } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint, Endpoints, Labels, Resolver } from "../rpc/endpoint.ts";
import {
  createHealthCheck,
  type HealthCheck,
  type HealthProbe,
  type ProbeKind,
  thresholdOptions,
} from "../rpc/health-check.ts";
import { endpointOf } from "./endpoint-option.ts";
import type { Publication } from "./publication.ts";
import { createWatchers } from "./watchers.ts";

/** What may register with a sidecar. */
export const registrationOptions = z
  .strictObject({
    maxInstances: z.int().min(0).default(100).describe("most instances that are registered at a time; 0: none may"),
    ...thresholdOptions,
  })
  .describe("servers on this host that register themselves, on the HTTP port");

export type RegistrationOptions = z.output<typeof registrationOptions>;

/** How messages of an instance are encoded, and what stands around them, as registration.proto has it. */
export type InstanceCodec = "thrift-binary" | "thrift-compact" | "protobuf";
export type InstanceFraming = "framed" | "unframed" | "theader" | "ttheader" | "grpc" | "http" | "fastcgi";

/** A process that registered itself. */
export interface LocalInstance {
  readonly upstream: string;
  /** Full names; empty: all that the upstream has. */
  readonly services: readonly string[];
  readonly address: Address;
  /** Undefined: as the upstream's config says. */
  readonly codec: InstanceCodec | undefined;
  readonly framing: InstanceFraming | undefined;
  readonly weight: number;
  readonly labels: Labels;
  readonly healthCheck: { readonly probe: ProbeKind; readonly intervalMs: number; readonly timeoutMs: number };
}

/** How long an instance stays without a further heartbeat. */
export interface InstanceLease {
  readonly id: string;
  readonly leaseMs: number;
}

export interface LocalInstancesContext {
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  /** Throws a RpcError when the instance cannot be called by what the config says of its upstream. */
  readonly check: (instance: LocalInstance) => void;
  readonly connect: (instance: LocalInstance) => HealthProbe;
  /** Makes a healthy instance known to other sidecars; undefined when it cannot be. */
  readonly publish: (id: string, instance: LocalInstance, leaseMs: number) => Publication | undefined;
}

/** The instances of this host, as a resolver of those that are healthy. */
export interface LocalInstances extends Resolver {
  /**
   * Registers an instance, or renews it: the same upstream and address is the same one. Resolves after its first check.
   * Rejects with a RpcError when it does not fit its upstream, or when there are too many.
   */
  register(instance: LocalInstance, leaseMs: number): Promise<InstanceLease>;
  /** Renews a lease; throws a RpcError NOT_FOUND when it is over. */
  heartbeat(id: string): InstanceLease;
  /** Forgets an instance; throws a RpcError NOT_FOUND when it is not there. */
  deregister(id: string): void;
  /** Forgets those that do not fit their upstream any more, after the config has changed. */
  checkAgain(): void;
  /** Takes all out of the registry, where none comes any more; those that are healthy are called here still. */
  withdraw(): Promise<void>;
  /** Forgets all. */
  close(): void;
}

interface Entry {
  readonly id: string;
  readonly instance: LocalInstance;
  readonly endpoint: Endpoint;
  leaseMs: number;
  stopLease: Stop;
  health: HealthCheck | undefined;
  publication: Publication | undefined;
  readonly client: HealthProbe;
}

/** Keeps instances until their leases are over. */
export function createLocalInstances(
  { maxInstances, unhealthyAfter, healthyAfter }: RegistrationOptions,
  { clock, log, random, check, connect, publish }: LocalInstancesContext,
): LocalInstances {
  const entries = new Map<string, Entry>();
  const watchers = createWatchers();
  const ending = new Set<Promise<void>>();
  let withdrawn = false;

  function endpointsOf(upstream: string): Endpoints {
    if (entries.size === 0) return NONE;
    const all = [...entries.values()].filter(
      ({ health, instance }) => health?.isHealthy && instance.upstream === upstream,
    );
    return { kind: "known", endpoints: all.map(({ endpoint }) => endpoint) };
  }

  function tell(upstream: string): void {
    watchers.tell(upstream, endpointsOf);
  }

  function add(id: string, instance: LocalInstance, leaseMs: number): Entry {
    const entry: Entry = {
      id,
      instance,
      endpoint: endpointOf(instance.upstream, instance),
      leaseMs,
      stopLease: () => {},
      health: undefined,
      publication: undefined,
      client: connect(instance),
    };
    entries.set(id, entry);
    entry.health = createHealthCheck(
      { intervalMs: instance.healthCheck.intervalMs, unhealthyAfter, healthyAfter, initially: "unproven" },
      { clock, random, probe: entry.client.probe, changed: (healthy, error) => healthChanged(entry, healthy, error) },
    );
    return entry;
  }

  function renew(entry: Entry, leaseMs: number): InstanceLease {
    entry.stopLease();
    entry.leaseMs = leaseMs;
    entry.stopLease = clock.after(leaseMs, () => forget(entry, "its lease is over"));
    return { id: entry.id, leaseMs };
  }

  function healthChanged(entry: Entry, healthy: boolean, error: unknown): void {
    const facts = factsOf(entry);
    if (healthy) log.info(facts, "a local instance is healthy, and takes calls");
    else log.warn({ ...facts, error: textOf(error) }, "a local instance fails its health checks, and is left out");
    if (healthy && !withdrawn) entry.publication = publish(entry.id, entry.instance, entry.leaseMs);
    else unpublish(entry);
    tell(entry.instance.upstream);
  }

  function unpublish(entry: Entry): void {
    const { publication } = entry;
    if (!publication) return;
    entry.publication = undefined;
    const done = publication.end().finally(() => ending.delete(done));
    ending.add(done);
  }

  function forget(entry: Entry, why: string): void {
    entries.delete(entry.id);
    entry.stopLease();
    entry.health?.stop();
    entry.client.close();
    unpublish(entry);
    log.info({ ...factsOf(entry), why }, "a local instance is gone");
    tell(entry.instance.upstream);
  }

  function entryOf(id: string): Entry {
    const entry = entries.get(id);
    if (entry) return entry;
    const name = JSON.stringify(id.slice(0, 100));
    throw new RpcError(
      "NOT_FOUND",
      `no instance ${name} is registered: its lease is over, or the sidecar was restarted`,
    );
  }

  return {
    async register(instance, leaseMs) {
      check(instance);
      const id = idOf(instance);
      const known = entries.get(id);
      if (known && JSON.stringify(known.instance) === JSON.stringify(instance)) return renew(known, leaseMs);
      if (!known && entries.size >= maxInstances) {
        throw new RpcError(
          "RESOURCE_EXHAUSTED",
          `${entries.size} instances are registered: at most ${maxInstances} may be (registration.maxInstances)`,
        );
      }
      if (known) forget(known, "it registered anew");
      const entry = add(id, instance, leaseMs);
      log.info(factsOf(entry), "a local instance has registered");
      const lease = renew(entry, leaseMs);
      await entry.health?.first;
      return lease;
    },
    heartbeat(id) {
      const entry = entryOf(id);
      return renew(entry, entry.leaseMs);
    },
    deregister: (id) => forget(entryOf(id), "it has left"),
    checkAgain() {
      for (const entry of entries.values()) {
        try {
          check(entry.instance);
        } catch (error) {
          forget(entry, textOf(error));
        }
      }
    },
    watch(upstream, changed) {
      const stop = watchers.add(upstream, changed);
      changed(endpointsOf(upstream));
      return stop;
    },
    async withdraw() {
      withdrawn = true;
      for (const entry of entries.values()) unpublish(entry);
      await Promise.all(ending);
    },
    close() {
      withdrawn = true;
      for (const entry of entries.values()) forget(entry, "the sidecar is stopping");
    },
  };
}

const NONE: Endpoints = { kind: "known", endpoints: [] };

/** The same for the same upstream and address, so that a server that was restarted takes its own place. */
function idOf({ upstream, address }: LocalInstance): string {
  return createHash("sha256")
    .update(`${upstream}\n${formatAddress(address)}`)
    .digest("hex")
    .slice(0, 24);
}

function factsOf({ id, instance: { upstream }, endpoint: { name } }: Entry): object {
  return { upstream, instance: id, endpoint: name };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
