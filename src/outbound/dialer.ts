// Opens the connections to one endpoint, and leaves it alone for a while when that fails. What goes over them is left to
// those who dial, TLS to tls-dialer.ts.
import { connect, type Socket } from "node:net";
import { z } from "zod";
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { describeTlsFailure } from "../credentials/tls-failure.ts";
import { upstreamTlsOptions } from "../credentials/tls-options.ts";
import { createBackOff, reconnectOptions } from "./back-off.ts";
import type { TlsDialer } from "./tls-dialer.ts";

/** How connections to an upstream's endpoints are opened, whatever is spoken over them. */
export const dialOptions = z.strictObject({
  connectTimeoutMs: z
    .int()
    .positive()
    .default(1_000)
    .describe("longest time to connect, TLS handshake included, in milliseconds"),
  reconnect: reconnectOptions.prefault({}),
  maxPending: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_024) // Envoy's max_pending_requests
    .describe("most calls that wait for a connection to one endpoint; further ones are RESOURCE_EXHAUSTED"),
  tls: upstreamTlsOptions.optional(),
});

export type DialOptions = z.output<typeof dialOptions>;

/** What becomes of a connection. */
export interface DialEvents {
  /** It can be used; not called when it never can. */
  connected(): void;
  /** It never came to be: the error of those who wait for it. */
  failed(error: RpcError): void;
  /** It is closed after it was connected; `failure` says why, where that is known. */
  closed(failure: Error | undefined): void;
}

/** Opens connections to one endpoint. */
export interface Dialer {
  /** Why no connection may be opened now; undefined when one may. */
  refusal(): RpcError | undefined;
  /** Opens one. Its `error`, `connect` and `close` are looked after here. */
  dial(events: DialEvents): Socket;
  /** The peer of a connection has shown that it is what it should be: ends the back-off, where the transport does not. */
  succeeded(): void;
}

/** What a dialer works with. */
export interface DialContext {
  readonly clock: Clock;
  /** Undefined without TLS. */
  readonly tls: TlsDialer | undefined;
  /** What has to be agreed on by ALPN; with it a connection has only succeeded when `succeeded` says so. */
  readonly protocol: "h2" | undefined;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random?: () => number;
}

/** A dialer of the endpoint at `address`, which errors call `name`. */
export function createDialer(
  address: Address,
  name: string,
  { connectTimeoutMs, reconnect }: Pick<DialOptions, "connectTimeoutMs" | "reconnect">,
  { clock, tls, protocol, random = Math.random }: DialContext,
): Dialer {
  const where = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  const host = address.kind === "unix" ? "localhost" : address.host;
  const backOff = createBackOff(reconnect, random);
  let lastFailure = "";
  /** How many connections have succeeded: one that ends without is an attempt that failed. */
  let successes = 0;

  function succeeded(): void {
    successes++;
    backOff.succeeded();
  }

  return {
    succeeded,
    refusal() {
      const waitMs = backOff.waitMs(clock.nowMs());
      if (waitMs === 0) return undefined;
      return new RpcError("UNAVAILABLE", `${lastFailure}; the next attempt is in ${Math.ceil(waitMs)} ms`);
    },
    dial(events) {
      const startedMs = clock.nowMs();
      const successesBefore = successes;
      let isConnected = false;
      let failure: Error | undefined;
      const socket = tls ? tls.connect(where, host) : connect({ ...where, noDelay: true, keepAlive: true });
      const stopTimer = clock.after(connectTimeoutMs, () => {
        socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms (connectTimeoutMs)`));
      });
      socket.on(tls ? "secureConnect" : "connect", () => {
        stopTimer();
        if (tls && protocol !== undefined && (!("alpnProtocol" in socket) || socket.alpnProtocol !== protocol)) {
          socket.destroy(new Error(`TLS: the server does not offer ${protocol} by ALPN, which gRPC needs`));
          return;
        }
        isConnected = true;
        if (protocol === undefined) succeeded();
        events.connected();
      });
      socket.on("error", (error) => {
        failure ??= error;
      });
      socket.on("close", () => {
        stopTimer();
        const text = `cannot connect to ${name}: ${reasonOf(failure)}`;
        // An attempt that who dialled has given up says nothing of the endpoint.
        if (isConnected ? successes === successesBefore : failure !== undefined) {
          lastFailure = text;
          backOff.failed(startedMs, clock.nowMs());
        }
        if (isConnected) events.closed(failure && readable(failure));
        else events.failed(new RpcError("UNAVAILABLE", text, { cause: failure }));
      });
      return socket;
    },
  };
}

/** The same failure in words where OpenSSL's are none. */
function readable(failure: Error): Error {
  const reason = describeTlsFailure(failure);
  return reason === undefined ? failure : new Error(reason, { cause: failure });
}

function reasonOf(failure: Error | undefined): string {
  if (!failure) return "the connection was closed";
  return describeTlsFailure(failure) ?? (failure.message || ("code" in failure ? String(failure.code) : "unknown"));
}
