// Calls to other sidecars, at their provider listeners: calls of one message over TTHeader, many at a time on few
// connections, and streams over HTTP/2 at the same address.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Connect, Connections } from "../rpc/connect.ts";
import { connectGrpc, type GrpcUpstreamOptions } from "./grpc-client.ts";
import { connectThrift, type ThriftUpstreamOptions } from "./thrift-client.ts";

/** What is needed of both wires, for the same endpoints. */
export type SidecarUpstreamOptions = Omit<ThriftUpstreamOptions, "framing" | "profile" | "pingIntervalMs"> &
  GrpcUpstreamOptions;

/** What stands between two sidecars and forgets silent connections does so after minutes. */
const PING_INTERVAL_MS = 30_000;

/** Calls sidecars. Fails as connectThrift and connectGrpc do; a connection is made to a wire when a call needs it. */
export function connectSidecar(options: SidecarUpstreamOptions, clock: Clock, log: Log): Connect {
  const toCalls = connectThrift(
    { ...options, framing: "ttheader", profile: true, pingIntervalMs: PING_INTERVAL_MS },
    clock,
    log,
  );
  const toStreams = connectGrpc(options, clock, log);
  return (endpoint) => {
    const calls = toCalls(endpoint);
    const streams = toStreams(endpoint);
    return {
      handle: calls.handle,
      ...(streams.handleStream && { handleStream: streams.handleStream }),
      connections: () => added(calls.connections?.(), streams.connections?.()),
      close: async () => void (await Promise.all([calls.close(), streams.close()])),
    };
  };
}

function added(...all: readonly (Connections | undefined)[]): Connections {
  const sum = { open: 0, connecting: 0, waiting: 0 };
  for (const each of all) {
    sum.open += each?.open ?? 0;
    sum.connecting += each?.connecting ?? 0;
    sum.waiting += each?.waiting ?? 0;
  }
  return sum;
}
