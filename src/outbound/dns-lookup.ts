// Asks DNS: servers that are named, or those of the system, and then the system's own ways, such as its hosts file.
import { lookup as lookupBySystem, Resolver } from "node:dns/promises";
import type { DnsAddress, DnsLookup, DnsService } from "../discovery/dns.ts";

/** For one server; the next one is asked then. */
const TIMEOUT_MS = 2_000;
const TRIES = 2;

/** The servers are `IP` or `IP:PORT`; without any the system's are asked. */
export function createDnsLookup(servers: readonly string[] | undefined): DnsLookup {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);

  async function addresses(name: string): Promise<readonly DnsAddress[]> {
    const asked = await Promise.allSettled([
      orNone(resolver.resolve4(name, { ttl: true })),
      orNone(resolver.resolve6(name, { ttl: true })),
    ]);
    const found = asked.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length > 0) return found.map(({ address, ttl }) => ({ address, ttlMs: ttl * 1_000 }));
    // A hosts file, a search domain: what other programs on this host resolve is resolved here too.
    const all = servers ? [] : await orNone(lookupBySystem(name, { all: true })).catch(() => []);
    const failure = asked.find((answer) => answer.status === "rejected");
    if (all.length === 0 && failure) throw failure.reason;
    return all.map(({ address }) => ({ address, ttlMs: undefined }));
  }

  async function services(name: string): Promise<readonly DnsService[]> {
    const records = await orNone(resolver.resolveSrv(name));
    return records.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
  }

  return { addresses, services };
}

/** DNS has answered that there is nothing of that kind. */
const NONE: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA"]);

async function orNone<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && "code" in error && NONE.has(String(error.code))) return [];
    throw error;
  }
}
