// TLS on a listener: its certificate, which callers' certificates are taken, and what is said of handshakes that fail.
import type { Socket } from "node:net";
import { createSecureContext, type Server, TLSSocket, type TlsOptions } from "node:tls";
import type { Log } from "../base/log.ts";
import { loadCredentials } from "../credentials/credentials.ts";
import { identityOf } from "../credentials/identity.ts";
import { describeTlsFailure } from "../credentials/tls-failure.ts";
import type { ListenerTlsOptions } from "../credentials/tls-options.ts";
import { peerOf } from "./connection.ts";

/** TLS for one server. */
export interface TlsAcceptor {
  /** What the server is made with. */
  readonly serverOptions: TlsOptions;
  /** To be called once with the server: keeps its certificate up to date, logs failed handshakes, and counts them. */
  attach(server: Server): void;
  /**
   * Whether a caller may come in whose handshake has ended; where not, its connection is closed. A certificate that is
   * asked for, not required, and cannot be verified is refused too: its holder believes to be known.
   */
  admits(socket: Socket): boolean;
}

/** `protocols` are those that ALPN may choose from. Throws a CredentialsError when the files cannot be used. */
export function createTlsAcceptor(
  { cert, key, clientCa, clientAuth, minVersion, handshakeTimeoutMs }: ListenerTlsOptions,
  protocols: readonly string[],
  log: Log,
  failed: () => void = () => {},
): TlsAcceptor {
  const credentials = loadCredentials(
    { cert, key, ca: clientCa },
    (pems) => {
      const options = { ...pems, minVersion };
      // Throws where OpenSSL does not take them.
      createSecureContext(options);
      return options;
    },
    log,
  );
  function refuse(socket: Socket, why: string): void {
    failed();
    log.warn({ peer: peerOf(socket), why }, "a TLS handshake failed");
  }
  return {
    serverOptions: {
      ...credentials.current,
      requestCert: clientAuth !== "none",
      rejectUnauthorized: clientAuth === "require",
      handshakeTimeout: handshakeTimeoutMs,
      ALPNProtocols: [...protocols],
    },
    attach(server) {
      // Before the handshake of the connection that has come: a timer would be another thing to stop.
      server.prependListener("connection", () => {
        if (credentials.refresh()) server.setSecureContext(credentials.current);
      });
      server.on("tlsClientError", (error, socket) => refuse(socket, whyOf(error, socket)));
    },
    admits(socket) {
      if (!(socket instanceof TLSSocket) || clientAuth === "none" || socket.authorized) return true;
      if (Object.keys(socket.getPeerCertificate()).length === 0) return true;
      refuse(socket, whyOf(undefined, socket));
      socket.destroy();
      return false;
    },
  };
}

/** Who the caller is by its certificate; undefined where none was verified. */
export function callerOf(socket: Socket): string | undefined {
  return socket instanceof TLSSocket && socket.authorized ? identityOf(socket.getPeerCertificate()) : undefined;
}

function whyOf(error: Error | undefined, { authorizationError }: TLSSocket): string {
  // Where the certificate was the reason, Node's error says no more than that the connection is gone.
  const code: unknown = authorizationError;
  if (typeof code === "string") {
    const unverified = Object.assign(new Error("its certificate cannot be verified"), { code });
    return describeTlsFailure(unverified) ?? `TLS: ${unverified.message} (${code})`;
  }
  return (error && describeTlsFailure(error)) ?? error?.message ?? "unknown";
}
