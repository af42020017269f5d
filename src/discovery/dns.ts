// Upstreams' endpoints from DNS: the addresses of a name, or the targets of its SRV records (RFC 2782). Who asks which server
// is the lookup's, which has the sockets.
import { z } from "zod";
import { formatAddress } from "../base/address.ts";
import type { Clock, Stop } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint, Endpoints, Resolver } from "../rpc/endpoint.ts";

/** What of DNS an upstream's endpoints are. */
export const dnsOptions = z
  .preprocess(
    (value) => (typeof value === "object" && value !== null && !("type" in value) ? { type: "A", ...value } : value),
    z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("A").describe("the addresses of the name, IPv4's and IPv6's"),
        name: z.string().min(1).max(253),
        port: z.int().min(1).max(65_535).describe("where the processes listen"),
      }),
      z.strictObject({
        type: z
          .literal("SRV")
          .describe("the targets of the name's SRV records, with their ports, priorities and weights"),
        name: z.string().min(1).max(253),
      }),
    ]),
  )
  .describe("a name in DNS");

export type DnsOptions = z.output<typeof dnsOptions>;

/** How DNS is asked, for all upstreams. */
export const dnsClientOptions = z
  .strictObject({
    servers: z
      .array(z.string().regex(/^(?:[\d.]+|\[[\da-f:.]+\]|[\da-f:]+)(?::\d+)?$/i, { error: "expected IP or IP:PORT" }))
      .min(1)
      .optional()
      .describe("servers to ask, instead of those of the system"),
    minTtlMs: z
      .int()
      .min(100)
      .default(1_000)
      .describe("shortest time that an answer is believed, whatever its TTL, in milliseconds"),
    maxTtlMs: z
      .int()
      .min(100)
      .default(30_000)
      .describe("longest time that an answer is believed, whatever its TTL or without one, in milliseconds"),
  })
  .describe("how DNS is asked");

export type DnsClientOptions = z.output<typeof dnsClientOptions>;

/** An address of a name. */
export interface DnsAddress {
  readonly address: string;
  /** Undefined where the system does not say. */
  readonly ttlMs: number | undefined;
}

/** A target of SRV records. */
export interface DnsService {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Asks DNS. A name without such records has none; whatever else goes wrong rejects. */
export interface DnsLookup {
  addresses(name: string): Promise<readonly DnsAddress[]>;
  services(name: string): Promise<readonly DnsService[]>;
}

export interface DnsResolverContext {
  readonly lookup: DnsLookup;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/** Asks as long as it is watched. */
export interface DnsResolver extends Resolver {
  /** Puts these names in the place of all that were there before; those that are watched and have changed are asked at once. */
  replace(names: ReadonlyMap<string, DnsOptions>): void;
  close(): void;
}

/** An upstream that is watched. */
interface Entry {
  readonly upstream: string;
  readonly watchers: Set<(endpoints: Endpoints) => void>;
  last: Endpoints;
  /** Counts what was asked: an answer to an earlier question is not heard. */
  asked: number;
  failures: number;
  stopTimer: Stop;
}

const MAX_TARGETS = 500;
const MAX_ENDPOINTS = 10_000;
const RETRY_MS = { first: 1_000, last: 30_000 } as const;
/** Those of many sidecars shall not ask at once. */
const JITTER = 0.1;

/**
 * Resolves upstreams by their names. An answer is asked for anew when its TTL is over; while nobody answers, the last one is
 * stale, and is asked for with a growing pause. A name without records has no endpoints.
 */
export function createDnsResolver(
  initial: ReadonlyMap<string, DnsOptions>,
  { minTtlMs, maxTtlMs }: DnsClientOptions,
  { lookup, clock, log, random }: DnsResolverContext,
): DnsResolver {
  let names = initial;
  const entries = new Map<string, Entry>();

  async function ask(entry: Entry): Promise<void> {
    const { upstream } = entry;
    const options = names.get(upstream);
    if (!options) return;
    const question = ++entry.asked;
    entry.stopTimer();
    let found: Found | undefined;
    let error: unknown;
    try {
      found = await find(upstream, options, lookup);
    } catch (thrown) {
      error = thrown;
    }
    if (question !== entry.asked || !entries.has(upstream)) return;
    if (found) {
      entry.failures = 0;
      give(entry, { kind: "known", endpoints: found.endpoints });
    } else failed(entry, options, error);
    const waitMs = found
      ? Math.min(Math.max(found.ttlMs ?? maxTtlMs, minTtlMs), maxTtlMs)
      : Math.min(RETRY_MS.first * 2 ** (entry.failures - 1), RETRY_MS.last);
    entry.stopTimer = clock.after(waitMs * (1 - JITTER * random()), () => void ask(entry));
  }

  function failed(entry: Entry, { name, type }: DnsOptions, error: unknown): void {
    const facts = {
      upstream: entry.upstream,
      name,
      type,
      error: error instanceof Error ? error.message : String(error),
    };
    // Once: it is asked for again and again.
    if (entry.failures++ === 0) log.warn(facts, "DNS does not answer: what was known last is kept");
    const { endpoints } = entry.last;
    give(entry, { kind: entry.last.kind === "unknown" ? "unknown" : "stale", endpoints });
  }

  function give(entry: Entry, endpoints: Endpoints): void {
    if (entry.last.kind === endpoints.kind && isSame(entry.last.endpoints, endpoints.endpoints)) return;
    entry.last = endpoints;
    for (const changed of entry.watchers) changed(endpoints);
  }

  function end(entry: Entry): void {
    entry.asked++;
    entry.stopTimer();
    entries.delete(entry.upstream);
  }

  return {
    watch(upstream, changed) {
      let entry = entries.get(upstream);
      if (!entry) {
        const last: Endpoints = { kind: "unknown", endpoints: [] };
        entry = { upstream, watchers: new Set(), last, asked: 0, failures: 0, stopTimer: () => {} };
        entries.set(upstream, entry);
        void ask(entry);
      }
      const watched = entry;
      watched.watchers.add(changed);
      changed(watched.last);
      return () => {
        if (watched.watchers.delete(changed) && watched.watchers.size === 0) end(watched);
      };
    },
    replace(next) {
      const before = names;
      names = next;
      for (const [upstream, entry] of entries) {
        if (JSON.stringify(before.get(upstream)) !== JSON.stringify(next.get(upstream))) void ask(entry);
      }
    },
    close() {
      for (const entry of entries.values()) end(entry);
    },
  };
}

interface Found {
  readonly endpoints: readonly Endpoint[];
  readonly ttlMs: number | undefined;
}

async function find(upstream: string, options: DnsOptions, lookup: DnsLookup): Promise<Found> {
  if (options.type === "A") return findAddresses(upstream, options.name, { port: options.port }, lookup);
  const services = (await lookup.services(options.name)).slice(0, MAX_TARGETS);
  const heaviest = Math.max(...services.map(({ weight }) => weight), 0);
  const all = await Promise.all(
    services.map(({ target, port, priority, weight }) => {
      // Where all weigh nothing, all weigh the same.
      const share = heaviest === 0 ? 1 : Math.max(weight / heaviest, LEAST_WEIGHT);
      return findAddresses(upstream, target, { port, priority, weight: share }, lookup);
    }),
  );
  const ttls = all.flatMap(({ ttlMs }) => ttlMs ?? []);
  return {
    endpoints: inOrder(all.flatMap(({ endpoints }) => endpoints)),
    ttlMs: ttls.length > 0 ? Math.min(...ttls) : undefined,
  };
}

/** RFC 2782 gives weight 0 a very small chance. */
const LEAST_WEIGHT = 0.001;

async function findAddresses(
  upstream: string,
  name: string,
  { port, priority = 0, weight = 1 }: { readonly port: number; readonly priority?: number; readonly weight?: number },
  lookup: DnsLookup,
): Promise<Found> {
  const found = await lookup.addresses(name);
  const endpoints = found.map(({ address: host }): Endpoint => {
    const address = { kind: "tcp", host, port } as const;
    const endpoint = { upstream, address, name: formatAddress(address), weight };
    return priority === 0 ? endpoint : { ...endpoint, priority };
  });
  const ttls = found.flatMap(({ ttlMs }) => ttlMs ?? []);
  return { endpoints: inOrder(endpoints), ttlMs: ttls.length > 0 ? Math.min(...ttls) : undefined };
}

/** Servers turn their answers, and that is no change. The same address twice is one. */
function inOrder(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MAX_ENDPOINTS);
}

function isSame(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
