// What TLS needs to be told: on a listener, and to an upstream. The files are read by credentials.ts; handshakes are left
// to inbound and outbound.
import { z } from "zod";

const pemFile = z.string().min(1);
const minVersion = z
  .enum(["TLSv1.2", "TLSv1.3"])
  .default("TLSv1.2") // RFC 9325: older ones must not be used
  .describe("oldest version of TLS that is spoken");

/** TLS on a listener. The files are PEM and are read anew when they change. */
export const listenerTlsOptions = z
  .strictObject({
    cert: pemFile.describe(
      "file with the certificate and the intermediate ones behind it, relative to the config file",
    ),
    key: pemFile.describe("file with the certificate's private key, without a passphrase"),
    clientCa: pemFile.optional().describe("file with the authorities that sign callers' certificates"),
    clientAuth: z
      .enum(["none", "request", "require"])
      .optional()
      .describe(
        "whether callers show certificates: request takes callers without one; the default is require with clientCa, else none",
      ),
    minVersion,
    handshakeTimeoutMs: z
      .int()
      .positive()
      .default(10_000)
      .describe("longest time for a caller's handshake, in milliseconds"),
  })
  .superRefine(({ clientCa, clientAuth }, context) => {
    if (clientAuth !== undefined && clientAuth !== "none" && clientCa === undefined) {
      const message = `clientAuth is ${clientAuth}: expected clientCa, the authorities that callers' certificates are held against`;
      context.addIssue({ code: "custom", path: ["clientAuth"], message });
    }
    if (clientAuth === "none" && clientCa !== undefined) {
      const message = "clientAuth is none: expected request or require beside clientCa";
      context.addIssue({ code: "custom", path: ["clientAuth"], message });
    }
  })
  .transform(({ clientAuth, ...others }) => ({
    ...others,
    clientAuth: clientAuth ?? (others.clientCa === undefined ? ("none" as const) : ("require" as const)),
  }))
  .describe("serves TLS and nothing else on this listener");

export type ListenerTlsOptions = z.output<typeof listenerTlsOptions>;

/** TLS to an upstream: `true`, or a mapping where there is more to say. */
export const upstreamTlsOptions = z
  .preprocess(
    (value) => (value === true ? {} : value),
    z
      .strictObject({
        ca: pemFile
          .optional()
          .describe("file with the authorities that servers' certificates are held against, if not the system's"),
        cert: pemFile.optional().describe("file with the certificate that is shown to servers that ask for one"),
        key: pemFile.optional().describe("file with the certificate's private key, without a passphrase"),
        serverName: z
          .string()
          .min(1)
          .optional()
          .describe("the name that servers' certificates must have, if not the host of the endpoint's address"),
        insecureSkipVerify: z
          .boolean()
          .default(false)
          .describe("takes any certificate: whoever stands in between can read and change everything"),
        minVersion,
      })
      .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
        error: "expected both cert and key, or none of them",
      }),
  )
  .describe("TLS to the endpoints: true, or { ca, cert, key, serverName, insecureSkipVerify, minVersion }");

export type UpstreamTlsOptions = z.output<typeof upstreamTlsOptions>;

/** The options that name files. */
const TLS_FILES = ["cert", "key", "clientCa", "ca"] as const;

/** The same options with each file's path resolved. */
export function resolveTlsFiles<Options extends ListenerTlsOptions | UpstreamTlsOptions>(
  options: Options,
  resolve: (path: string) => string,
): Options {
  const resolved: Partial<Record<(typeof TLS_FILES)[number], string>> = {};
  const given: Partial<Record<(typeof TLS_FILES)[number], string | undefined>> = options;
  for (const name of TLS_FILES) {
    const path = given[name];
    if (path !== undefined) resolved[name] = resolve(path);
  }
  return { ...options, ...resolved };
}
