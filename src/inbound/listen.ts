// Opens a server's address, of either kind. How a unix socket comes to its place is left to socket-file.ts.
import type { Server } from "node:net";
import type { z } from "zod";
import { type Address, formatAddress } from "../base/address.ts";
import { listenerTlsOptions } from "../credentials/tls-options.ts";
import { placeSocket, type SocketFileOptions, socketFileOptions } from "./socket-file.ts";

/** What every listener may be told beside its address. */
export const listenOptions = { tls: listenerTlsOptions.optional(), ...socketFileOptions.shape };

export type ListenOptions = {
  readonly [name in keyof typeof listenOptions]?: z.output<(typeof listenOptions)[name]> | undefined;
};

/** A server that listens. */
export interface Listening {
  /** Where, with the port that the system chose where 0 was asked for. */
  readonly address: Address;
  /** Removes the unix socket, if it is still this server's; to be called when the server closes. */
  release(): Promise<void>;
}

/**
 * Makes `server` listen on `address`. A unix socket that a dead process left behind is replaced; another file, or a socket
 * that a process answers on, is left alone. Rejects with an error that says why the address cannot be had.
 */
export async function listen(server: Server, address: Address, file: SocketFileOptions): Promise<Listening> {
  if (address.kind === "unix") {
    try {
      const release = await placeSocket(address.path, file, (path) => listenOnce(server, { path }));
      return { address, release };
    } catch (error) {
      // It may listen already, where nobody will find it.
      server.close();
      throw error;
    }
  }
  await listenOnce(server, { host: address.host, port: address.port });
  const bound = server.address();
  if (bound === null || typeof bound !== "object") throw new Error(`${formatAddress(address)} has no port`);
  return { address: { ...address, port: bound.port }, release: async () => {} };
}

/**
 * Most connections that wait to be accepted, within what the system allows (net.core.somaxconn): one more to a unix socket is
 * refused with EAGAIN, and to TCP is kept waiting. Node's default of 511 is less than callers that all start at once.
 */
const BACKLOG = 4_096;

function listenOnce(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
