// What one hop's sockets cost, for the layers to be measured beside: two reads and two writes per call, which is what a proxy
// does for it, over connections of this process to itself.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Connections with a call on its way on each. */
export interface HopSockets {
  /** Exchanges per second, over `ms` milliseconds. */
  ratePerSecond(ms: number): Promise<number>;
  close(): void;
}

/** Opens so many connections to an echo on this host. `message` goes each way. */
export async function openHopSockets(count: number, message: Uint8Array): Promise<HopSockets> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1", noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));

  /** One exchange after the other on one connection, until `until`. */
  function run(socket: Socket, until: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    let done = 0;
    let left = message.byteLength;
    socket.on("data", (bytes) => {
      left -= bytes.byteLength;
      if (left > 0) return;
      done++;
      left = message.byteLength;
      if (performance.now() < until) socket.write(message);
      else {
        socket.removeAllListeners("data");
        resolve(done);
      }
    });
    socket.write(message);
    return promise;
  }

  return {
    async ratePerSecond(ms) {
      const start = performance.now();
      const done = await Promise.all(sockets.map((socket) => run(socket, start + ms)));
      return (done.reduce((sum, each) => sum + each, 0) * 1_000) / (performance.now() - start);
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
