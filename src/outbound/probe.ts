// Asks a server whether it is there, over a connection of its own: by connecting, or by one HTTP request. Answers that
// need a wire's own messages are asked for by its client.
import { request } from "node:http";
import { connect } from "node:net";
import { type Address, formatAddress } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { TlsDialer } from "./tls-dialer.ts";

/** Resolves when a connection can be made within `timeoutMs`, and closes it. */
export function probeTcp(address: Address, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(whereOf(address));
    const stop = clock.after(timeoutMs, () => socket.destroy(late(timeoutMs)));
    socket.on("connect", () => {
      resolve();
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", stop);
  });
}

/** Resolves when a GET of `path` is answered with a status of 200 to 299 within `timeoutMs`; the body is not read. */
export function probeHttp(
  address: Address,
  path: string,
  timeoutMs: number,
  clock: Clock,
  tls?: TlsDialer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const where = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
    const authority = address.kind === "unix" ? "localhost" : formatAddress(address);
    const headers = { host: authority, "user-agent": "causeway-health-check", connection: "close" };
    const host = address.kind === "unix" ? "localhost" : address.host;
    const createConnection = tls && (() => tls.connect(whereOf(address), host));
    const outgoing = request({
      ...where,
      path,
      headers,
      ...(createConnection ? { createConnection } : { agent: false }),
    });
    const stop = clock.after(timeoutMs, () => outgoing.destroy(late(timeoutMs)));
    outgoing.on("response", (incoming) => {
      const { statusCode: status = 0 } = incoming;
      if (status >= 200 && status <= 299) resolve();
      else reject(new Error(`GET ${path} was answered with ${status}, expected 200 to 299`));
      // It may be endless.
      outgoing.destroy();
    });
    outgoing.on("error", reject);
    outgoing.on("close", stop);
    outgoing.end();
  });
}

function whereOf(address: Address): { path: string } | { host: string; port: number } {
  return address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
}

function late(timeoutMs: number): Error {
  return new Error(`no answer within ${timeoutMs} ms`);
}
