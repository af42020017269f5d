// The server that `causeway call` calls: the command line as an upstream of a config, and the client that the sidecar itself
// would call it by.
import { codecOf } from "../app/upstream-codec.ts";
import { connectOf } from "../app/upstreams.ts";
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Codec } from "../codec/codec.ts";
import { parseConfig, type UpstreamConfig } from "../config.ts";
import type { EndpointHandler } from "../rpc/connect.ts";
import { LIMITS, UsageError } from "./convert-codec.ts";

/** How the server is called, as commander hands it over. */
export interface TargetOptions {
  readonly protocol?: Protocol;
  readonly codec?: string;
  readonly path?: string;
  readonly script?: string;
  readonly authority?: string;
  readonly multiplexed?: boolean;
  readonly connectTimeout: number;
  readonly tls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecure?: boolean;
}

/** What a config's upstreams may say. */
export type Protocol = UpstreamConfig["protocol"];

export const PROTOCOLS: readonly Protocol[] = [
  ...(["grpc", "thrift-framed", "thrift-unframed", "theader", "ttheader"] as const),
  ...(["thrift-http", "connect", "http-json", "fastcgi"] as const),
];

/** The codecs that --codec knows. */
export const CALL_CODECS = ["binary", "compact", "protobuf"] as const;

const CODEC_NAMES: Readonly<Record<string, Codec>> = {
  binary: "thrift-binary",
  compact: "thrift-compact",
  protobuf: "protobuf",
};

/** A server, and what is spoken with it. */
export interface CallTarget {
  readonly name: string;
  readonly protocol: Protocol;
  readonly codec: Codec;
  readonly handler: EndpointHandler;
}

/** The client of the server at `address`; throws a UsageError for what cannot be called. */
export function createTarget(address: string, protocol: Protocol, options: TargetOptions, log: Log): CallTarget {
  const parsed = parseAddress(address);
  if (!parsed || (parsed.kind === "tcp" && parsed.port === 0)) {
    throw new UsageError(`the address is ${JSON.stringify(address)}: expected HOST:PORT, [IPv6]:PORT or unix:PATH`);
  }
  const upstream = upstreamOf(parsed, protocol, options);
  const connect = connectOf(upstream, LIMITS, systemClock, log);
  const handler = connect({ upstream: "call", address: parsed, name: address });
  return { name: address, protocol, codec: codecOf(upstream), handler };
}

function upstreamOf(address: Address, protocol: Protocol, options: TargetOptions): UpstreamConfig {
  const { codec, path, script, authority, multiplexed } = options;
  const said = {
    protocol,
    endpoints: [formatAddress(address)],
    // What the server has is looked up elsewhere; a config wants to know.
    opaqueServices: ["call"],
    connectTimeoutMs: options.connectTimeout,
    ...(codec === undefined ? {} : { codec: CODEC_NAMES[codec] ?? codec }),
    ...(path === undefined ? {} : { path }),
    ...(script === undefined ? {} : { script }),
    ...(authority === undefined ? {} : { authority }),
    ...(multiplexed === undefined ? {} : { multiplexed }),
    ...tlsOf(options),
  };
  const faults: string[] = [];
  const config = parseConfig(JSON.stringify({ upstreams: { call: said } }), "", ({ message }) =>
    faults.push(asOption(message.replace(/^upstreams\.call\.?/, ""))),
  );
  const upstream = config?.value.upstreams["call"];
  if (!upstream) throw new UsageError(`${protocol} cannot be called like this: ${faults.join("; ")}`);
  return upstream;
}

/** What is wrong with a key of a config, said of the option that stands for it. */
function asOption(fault: string): string {
  const [, key, what = ""] = /^(\w+): (.*)$/s.exec(fault) ?? [];
  if (key === undefined) return fault;
  if (what.startsWith("unknown key")) return `it has no --${key}`;
  return `--${key}: ${what.replaceAll(/thrift-(binary|compact)/g, "$1")}`;
}

/** Whatever is said of certificates asks for TLS. */
function tlsOf({ tls, ca, cert, key, serverName, insecure }: TargetOptions): { readonly tls?: object } {
  const said = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(insecure === undefined ? {} : { insecureSkipVerify: insecure }),
  };
  return tls || Object.keys(said).length > 0 ? { tls: said } : {};
}
