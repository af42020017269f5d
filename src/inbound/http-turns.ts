// Keeps the requests of a connection in line on node:http, which would begin every request that a caller has sent without waiting
// for answers, and hold all of the answers for one that reads none.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

type Serve = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** So many requests of a connection wait before no more of it is read. */
const MAX_WAITING = 16;

/** Serves each request of a connection when the response before it has left. */
export function inTurns(serve: Serve): Serve {
  const lines = new WeakMap<Socket, (() => void)[]>();

  function next(socket: Socket): void {
    const line = lines.get(socket);
    if (!line || socket.destroyed) return;
    const begin = line.shift();
    if (begin === undefined) {
      lines.delete(socket);
      return;
    }
    if (line.length === MAX_WAITING - 1) socket.resume();
    begin();
  }

  return (incoming, outgoing) => {
    const { socket } = incoming;
    outgoing.once("close", () => next(socket));
    const line = lines.get(socket);
    if (line === undefined) {
      lines.set(socket, []);
      serve(incoming, outgoing);
      return;
    }
    line.push(() => serve(incoming, outgoing));
    if (line.length === MAX_WAITING) socket.pause();
  };
}
