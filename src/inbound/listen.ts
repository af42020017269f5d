// Opens a server's address, of either kind.
import { rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import type { Address } from "../base/address.ts";

/**
 * Makes `server` listen on `address` and gives it back with the port that the system chose where 0 was asked for. A unix
 * socket that a dead process left behind is replaced. Rejects with the system's error when the address cannot be had.
 */
export async function listen(server: Server, address: Address): Promise<Address> {
  try {
    await listenOnce(server, address);
  } catch (error) {
    if (address.kind !== "unix" || codeOf(error) !== "EADDRINUSE" || (await isAlive(address.path))) throw error;
    await rm(address.path);
    await listenOnce(server, address);
  }
  const bound = server.address();
  return address.kind === "tcp" && bound !== null && typeof bound === "object"
    ? { ...address, port: bound.port }
    : address;
}

function listenOnce(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Whether a process answers on a unix socket; one that refuses is only the file that a dead process left. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", (error) => resolve(codeOf(error) !== "ECONNREFUSED"));
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
