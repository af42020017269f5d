// Whether the files that a config names for TLS can be used, so that a mistake shows before anything listens.
import type { YamlPath } from "../base/yaml.ts";
import { CredentialsError, readPems } from "./credentials.ts";
import type { ListenerTlsOptions, UpstreamTlsOptions } from "./tls-options.ts";

/** What is looked at of a config. */
export interface TlsUsers {
  readonly listeners: readonly { readonly tls?: ListenerTlsOptions | undefined }[];
  readonly upstreams: Readonly<Record<string, { readonly tls?: UpstreamTlsOptions | undefined }>>;
}

/** Reads every file; `fault` hears of those that cannot be used, with their place in the config. */
export function checkCredentials(
  { listeners, upstreams }: TlsUsers,
  fault: (path: YamlPath, message: string) => void,
): void {
  for (const [i, { tls }] of listeners.entries()) {
    if (tls) check({ cert: tls.cert, key: tls.key, ca: tls.clientCa }, ["listeners", i, "tls"], "clientCa", fault);
  }
  for (const [name, { tls }] of Object.entries(upstreams)) {
    if (tls) check({ cert: tls.cert, key: tls.key, ca: tls.ca }, ["upstreams", name, "tls"], "ca", fault);
  }
}

function check(
  files: Parameters<typeof readPems>[0],
  path: YamlPath,
  nameOfCa: string,
  fault: (path: YamlPath, message: string) => void,
): void {
  try {
    readPems(files);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    fault([...path, error.which === "ca" ? nameOfCa : error.which], error.message);
  }
}
