// The sidecars of the cross test, in this process: one before each server, and one that reaches it as gRPC through the first.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type App, checkConfig, createApp } from "../../../src/app/app.ts";
import { formatAddress } from "../../../src/base/address.ts";
import { ROOT } from "../../../tools/build-cache.ts";
import { quietLog } from "../../quiet-log.ts";
import { PHP_FRONT } from "./programs.ts";
import { type Language, type ServerWire, wireName } from "./wires.ts";

const SERVICES = ["thrift.test.ThriftTest", "thrift.test.SecondService"];
const PROTOCOLS = {
  framed: "thrift-framed",
  buffered: "thrift-unframed",
  theader: "theader",
  "theader-zlib": "theader",
  http: "thrift-http",
  fastcgi: "fastcgi",
} as const;

/** A sidecar's addresses, by the kinds of its listeners. */
export interface Sidecar {
  readonly local: string;
  readonly http: string;
  close(): Promise<void>;
}

const CALL_MS = 10_000;
/** For servers that do not say when they leave a connection: whoever calls over it waits that long. */
const SILENT_MS = 1_000;

/**
 * The library for PHP leaves a connection to itself that has said nothing for 750 ms, and does not close it: whoever holds it
 * waits for answers that do not come. A server that forks does not close one either whose process has ended.
 */
const PHP_SOCKETS: Readonly<Partial<Record<ServerWire["transport"], object>>> = {
  framed: { idleTimeoutMs: 250, timeoutMs: SILENT_MS },
  // It serves one connection at a time.
  buffered: { idleTimeoutMs: 250, timeoutMs: SILENT_MS, maxConnections: 1 },
};

/** Starts a sidecar before a server. */
export function startBefore(server: Language, idl: string, wire: ServerWire, address: string): Promise<Sidecar> {
  return start(`${server}-${wireName(wire).replaceAll("/", "-")}`, idl, {
    protocol: PROTOCOLS[wire.transport],
    codec: `thrift-${wire.protocol}`,
    endpoints: [address],
    multiplexed: wire.naming === "multiplexed",
    timeoutMs: CALL_MS,
    ...(wire.transport === "theader-zlib" && { zlib: true }),
    ...(server === "php" && PHP_SOCKETS[wire.transport]),
    // PHP-FPM has two processes, and each connection holds one.
    ...(wire.transport === "fastcgi" && { script: PHP_FRONT, maxConnections: 2 }),
  });
}

/** Starts a sidecar that calls another's local port as gRPC. */
export function startBridge(name: string, idl: string, { local }: Sidecar): Promise<Sidecar> {
  return start(`${name}-by-grpc`, idl, { protocol: "grpc", endpoints: [local], timeoutMs: CALL_MS });
}

async function start(name: string, idl: string, upstream: object): Promise<Sidecar> {
  const file = join(ROOT, ".cache/sidecar", `cross-${name}.yaml`);
  mkdirSync(join(ROOT, ".cache/sidecar"), { recursive: true });
  const config = {
    schema: { files: [idl] },
    listeners: (["local", "http"] as const).map((kind) => ({ kind, address: "127.0.0.1:0" })),
    upstreams: { cross: { ...upstream, services: SERVICES } },
    drainMs: 0,
  };
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const said: string[] = [];
  const checked = await checkConfig(file, ({ message }) => said.push(message));
  if (!checked) throw new Error(`${file}: ${said.join("; ")}`);
  const app = await createApp(checked, quietLog);
  return { local: addressOf(app, "local"), http: addressOf(app, "http"), close: app.close };
}

function addressOf({ listeners }: App, kind: "local" | "http"): string {
  const address = listeners.find((listener) => listener.kind === kind)?.address;
  if (!address) throw new Error(`the sidecar has no ${kind} listener`);
  return formatAddress(address);
}
