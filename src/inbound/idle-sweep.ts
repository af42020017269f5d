// Closes connections that nobody uses, with one timer for all connections of a listener and nothing on a call's path.
import type { Socket } from "node:net";
import type { Clock, Stop } from "../base/clock.ts";
import type { Connection } from "./connection.ts";

/** What is looked at of a socket. */
export type SweptSocket = Pick<Socket, "bytesRead" | "bytesWritten">;

/** When a connection was last seen to be used. */
interface Sighting {
  bytes: number;
  atMs: number;
}

/** How often connections are looked at in the time after which they are idle: so much too late one may be closed. */
const LOOKS = 4;

/**
 * Drains each of the connections once it has had no call, and no byte has come or gone, for `idleTimeoutMs`; up to a
 * quarter of that later. Runs until it is stopped.
 */
export function createIdleSweep<S extends SweptSocket>(
  idleTimeoutMs: number,
  clock: Clock,
  connections: ReadonlyMap<S, Connection>,
): Stop {
  let sightings = new Map<S, Sighting>();
  let stop = clock.after(idleTimeoutMs / LOOKS, sweep);

  function sweep(): void {
    const nowMs = clock.nowMs();
    const seen = new Map<S, Sighting>();
    for (const [socket, connection] of [...connections]) {
      const bytes = socket.bytesRead + socket.bytesWritten;
      const before = sightings.get(socket);
      if (!connection.isIdle || before?.bytes !== bytes) seen.set(socket, { bytes, atMs: nowMs });
      else if (nowMs - before.atMs < idleTimeoutMs) seen.set(socket, before);
      else connection.drain();
    }
    sightings = seen;
    stop = clock.after(idleTimeoutMs / LOOKS, sweep);
  }
  return () => stop();
}
