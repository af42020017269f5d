// TLS to the endpoints of one upstream: which certificates are taken and shown. When to dial is left to dialer.ts.
import { isIP, type Socket } from "node:net";
import { checkServerIdentity, createSecureContext, connect as tlsConnect } from "node:tls";
import type { Log } from "../base/log.ts";
import { loadCredentials } from "../credentials/credentials.ts";
import type { UpstreamTlsOptions } from "../credentials/tls-options.ts";

/** Opens the TLS of an upstream's connections. */
export interface TlsDialer {
  /** As tls.connect, towards a server that must have the certificate of `host`. */
  connect(where: { path: string } | { host: string; port: number }, host: string): Socket;
}

/** The TLS of an upstream, shared by its endpoints. Throws a CredentialsError when its files cannot be used. */
export function createTlsDialer(options: UpstreamTlsOptions, protocol: "h2" | undefined, log: Log): TlsDialer {
  const { cert, key, ca, serverName, insecureSkipVerify, minVersion } = options;
  const credentials = loadCredentials({ cert, key, ca }, (pems) => createSecureContext({ ...pems, minVersion }), log);
  return {
    connect(where, host) {
      // Connections are rare: looking at each saves a timer, and no file is read that has not changed.
      credentials.refresh();
      const name = serverName ?? host;
      return tlsConnect({
        ...where,
        secureContext: credentials.current,
        // Server name indication has no place for addresses (RFC 6066 section 3).
        ...(isIP(name) === 0 ? { servername: name } : {}),
        ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
        rejectUnauthorized: !insecureSkipVerify,
        checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      })
        .setNoDelay(true)
        .setKeepAlive(true);
    },
  };
}
