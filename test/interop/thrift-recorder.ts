// Stands before a Thrift server, forwards everything, and keeps the arguments of every call it sees.

import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

export interface ThriftRecorder {
  /** HOST:PORT */
  readonly address: string;
  /** The bytes of the arguments struct of the calls to each method, in the order they came in. */
  readonly seen: Map<string, Buffer[]>;
  stop(): void;
}

/** Starts a recorder on a free port of 127.0.0.1; the server at `upstream` takes framed strict binary. */
export async function startThriftRecorder(upstream: string): Promise<ThriftRecorder> {
  const [host, port] = upstream.split(":");
  const seen = new Map<string, Buffer[]>();
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const callee = connect(Number(port), host);
    for (const socket of [caller, callee]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        caller.destroy();
        callee.destroy();
      });
    }
    callee.pipe(caller);
    let pending: Buffer = Buffer.alloc(0);
    caller.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const end = 4 + pending.readUInt32BE(0);
        record(pending.subarray(4, end));
        pending = pending.subarray(end);
      }
      callee.write(chunk);
    });
  });

  // u16 0x8001, a byte, the type; i32 length and the name; i32 sequence id; the arguments
  function record(message: Buffer): void {
    const end = 8 + message.readInt32BE(4);
    const name = message.toString("utf8", 8, end);
    seen.set(name, [...(seen.get(name) ?? []), message.subarray(end + 4)]);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${own}`,
    seen,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
