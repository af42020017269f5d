// All ways from a wire to a wire: one server, and a sidecar before it for each wire that it is called over.
import { afterAll, beforeAll, vi } from "vitest";
import { INBOUND, OUTBOUND, openPorts, type Ports, through, translated, type Wire } from "./all-wires.ts";
import type { Way } from "./wire-cases.ts";
import { createWireServer } from "./wire-server.ts";

export type HttpServer = "hyper-express" | "node:http";

/** A way by its title, which can be gone when the tests run. */
export interface Pair {
  readonly title: string;
  readonly from: Wire;
  readonly to: Wire;
}

/** The pairs that make a difference to one of the servers of HTTP: the wires of the local port do not meet it at all. */
export function pairsOf(http: HttpServer): readonly Pair[] {
  return INBOUND.flatMap((from) => OUTBOUND.map((to) => ({ title: `${from.name} → ${to.name}`, from, to }))).filter(
    ({ from, to }) => http === "hyper-express" || from.port === "http" || to.port === "http",
  );
}

/** Opens everything for the tests of the suite around it, and gives the way of a pair. */
export function openWays(http: HttpServer): (pair: Pair) => Way {
  const server = createWireServer();
  let servers: Ports;
  /** By outbound wire. */
  const sidecars = new Map<Wire, Ports>();

  beforeAll(async () => {
    if (http === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
    servers = await openPorts(translated({ codec: "protobuf" }, server.handle));
    for (const wire of OUTBOUND) {
      sidecars.set(wire, await openPorts(through(wire, servers.client(wire), server.arrived)));
    }
    vi.unstubAllEnvs();
  });

  afterAll(async () => {
    await Promise.all([...sidecars.values()].map((sidecar) => sidecar.close()));
    await servers.close();
  });

  return ({ title, from, to }) => {
    const handle = translated(from, sidecars.get(to)!.client(from).handle);
    return { title, from, to, handle, server };
  };
}
