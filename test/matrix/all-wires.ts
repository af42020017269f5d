// Every wire as a caller's and as a server's: a caller of it, and the pipeline from a listener to a server of it. The
// service is that of wires.thrift, for callers and servers of Protobuf.
import { join } from "node:path";
import type { Address } from "../../src/base/address.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import type { Codec, Limits } from "../../src/codec/codec.ts";
import { compileTranscoder } from "../../src/codec/transcode.ts";
import { bridge } from "../../src/governance/bridge.ts";
import { deadline } from "../../src/governance/deadline.ts";
import { createHttpListener } from "../../src/inbound/http-listener.ts";
import { createLocalListener, localListenerOptions } from "../../src/inbound/local-listener.ts";
import { connectGrpc, grpcUpstreamOptions } from "../../src/outbound/grpc-client.ts";
import {
  connectHttp,
  connectUpstreamOptions,
  fastCgiUpstreamOptions,
  type HttpUpstreamOptions,
  httpJsonUpstreamOptions,
  thriftHttpUpstreamOptions,
} from "../../src/outbound/http-upstream.ts";
import { connectThrift, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { createDetailPrinter } from "../../src/protocol/http/detail-json.ts";
import { createHttpPort } from "../../src/protocol/http/http-port.ts";
import { codecOf, type Dialect } from "../../src/protocol/thrift/dialect.ts";
import { type Call, type Handler, newFacts } from "../../src/rpc/call.ts";
import type { Connect, EndpointHandler } from "../../src/rpc/connect.ts";
import { createLookup } from "../../src/rpc/resolve.ts";
import type { LinkedSchema } from "../../src/schema/link.ts";
import { linkSchema } from "../../src/schema/link-schema.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { ROOT } from "../../tools/build-cache.ts";
import { serveFastCgi } from "../fastcgi-server.ts";
import { quietLog } from "../quiet-log.ts";
import { connectGrpcWeb } from "./grpc-web-client.ts";

export const SERVICE = "matrix.Wires";

export const LIMITS: Limits = { maxBytes: 16_384_000, maxDepth: 64, maxElements: 1_000_000 };

function load(): LinkedSchema {
  const includeDirs = [join(ROOT, "idl/kinds")];
  const said: string[] = [];
  const schema = loadSchema(
    [join(ROOT, "test/matrix/wires.thrift")],
    { includeDirs, allowNegativeKeys: false },
    (fault) => said.push(fault.message),
  );
  if (!schema) throw new Error(`the IDL of the test is wrong: ${said.join("; ")}`);
  return linkSchema(schema, { pairs: [] }, () => {});
}

export const linked = load();
const services = [...linked.schema.services.values()].flat();
export const lookup = createLookup(services);

/** A wire that calls travel on. */
export interface Wire {
  readonly name: string;
  readonly codec: Codec;
  /** Who takes its calls. */
  readonly port: "local" | "http" | "fastcgi";
  /** Whether it has room for metadata, for a deadline, and for the details of errors. */
  readonly hasMetadata: boolean;
  readonly connect: Connect;
}

/** There are hundreds of clients, and both ends of their connections are in one process. */
const maxConnections = 8;

function thriftWire(dialect: Dialect, changes: { zlib?: boolean; profile?: boolean } = {}): Wire {
  const { framing, envelope } = dialect;
  return {
    name: [framing, envelope, ...Object.keys(changes)].join(" "),
    codec: codecOf(envelope),
    port: "local",
    hasMetadata: framing === "theader" || framing === "ttheader",
    connect: connectThrift(
      { ...thriftUpstreamOptions.parse({ maxConnections }), ...dialect, ...changes },
      systemClock,
      quietLog,
    ),
  };
}

const BOUNDS = { maxMessageBytes: LIMITS.maxBytes, maxDepth: LIMITS.maxDepth };

function httpWire(options: HttpUpstreamOptions, codec: Codec, name: string = options.protocol): Wire {
  const port = options.protocol === "fastcgi" ? "fastcgi" : "http";
  return { name, codec, port, hasMetadata: true, connect: connectHttp(options, systemClock, quietLog) };
}

function overHttp(codec: "thrift-binary" | "thrift-compact"): Wire {
  const options = thriftHttpUpstreamOptions.parse({
    protocol: "thrift-http",
    codec,
    maxConnections,
    path: "/{service}",
  });
  return httpWire({ ...options, ...BOUNDS }, codec, `thrift-http ${codec}`);
}

function overFastCgi(codec: "thrift-binary" | "protobuf"): Wire {
  const options = fastCgiUpstreamOptions.parse({
    protocol: "fastcgi",
    codec,
    script: "/srv/front.php",
    maxConnections,
  });
  return httpWire({ ...options, ...BOUNDS }, codec, `fastcgi ${codec}`);
}

function grpcWebWire(form: "binary" | "text"): Wire {
  const name = form === "text" ? "grpc-web-text" : "grpc-web";
  return {
    name,
    codec: "protobuf",
    port: "http",
    hasMetadata: true,
    connect: connectGrpcWeb(form, maxConnections, systemClock),
  };
}

const BOTH_WAYS: readonly Wire[] = [
  thriftWire({ framing: "framed", envelope: "strict" }),
  thriftWire({ framing: "framed", envelope: "old" }),
  thriftWire({ framing: "framed", envelope: "compact" }),
  thriftWire({ framing: "unframed", envelope: "strict" }),
  thriftWire({ framing: "unframed", envelope: "compact" }),
  thriftWire({ framing: "theader", envelope: "strict" }),
  thriftWire({ framing: "theader", envelope: "compact" }, { zlib: true }),
  thriftWire({ framing: "ttheader", envelope: "strict" }),
  thriftWire({ framing: "ttheader", envelope: "compact" }, { profile: true }),
  thriftWire({ framing: "ttheader", envelope: "kitex-protobuf" }),
  {
    name: "grpc",
    codec: "protobuf",
    port: "local",
    hasMetadata: true,
    connect: connectGrpc(grpcUpstreamOptions.parse({}), systemClock, quietLog),
  },
  overHttp("thrift-binary"),
  overHttp("thrift-compact"),
  httpWire({ ...connectUpstreamOptions.parse({ protocol: "connect", maxConnections }), ...BOUNDS }, "protobuf"),
  httpWire({ ...httpJsonUpstreamOptions.parse({ protocol: "http-json", maxConnections }), ...BOUNDS }, "json"),
];

/** What callers speak: browsers have gRPC-Web. */
export const INBOUND: readonly Wire[] = [...BOTH_WAYS, grpcWebWire("binary"), grpcWebWire("text")];

/** What servers speak: PHP-FPM has FastCGI. */
export const OUTBOUND: readonly Wire[] = [...BOTH_WAYS, overFastCgi("thrift-binary"), overFastCgi("protobuf")];

const ADDRESS = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

/** Whatever takes calls, before one handler. */
export interface Ports {
  readonly addresses: Readonly<Record<Wire["port"], Address>>;
  /** A client of a wire, at whoever takes its calls. */
  client(wire: Wire): EndpointHandler;
  close(): Promise<void>;
}

/** Opens the listeners, and a FastCGI application; what they take goes to `handle` as it comes. */
export async function openPorts(handle: Handler): Promise<Ports> {
  const context = { lookup, handle, log: quietLog, clock: systemClock };
  const options = { ...localListenerOptions.parse({}), address: ADDRESS, defaultService: SERVICE };
  const bounds = { maxFrameBytes: LIMITS.maxBytes, maxMessageBytes: LIMITS.maxBytes };
  const local = await createLocalListener({ ...options, ...bounds }, context);
  const port = createHttpPort(
    { allowedOrigins: [], allowedHosts: [], maxMessageBytes: LIMITS.maxBytes, address: ADDRESS },
    { lookup, services, handle, clock: systemClock, printDetail: createDetailPrinter(linked, LIMITS) },
  );
  const limits = { maxBodyBytes: LIMITS.maxBytes, maxHeaderBytes: 32_768 };
  const http = await createHttpListener({ address: ADDRESS, ...limits }, port, quietLog);
  const fastcgi = await serveFastCgi(port);
  const addresses = {
    local: local.address,
    http: http.address,
    fastcgi: { ...ADDRESS, port: fastcgi.port },
  };
  const clients: EndpointHandler[] = [];
  return {
    addresses,
    client({ port: kind, connect }) {
      const client = connect({ upstream: "wires", address: addresses[kind], name: kind });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all([local.close(0), http.close(0), fastcgi.close()]);
    },
  };
}

/** Before it, whatever is encoded as the wire is not becomes so. */
export function translated({ codec }: Pick<Wire, "codec">, handle: Handler): Handler {
  const compile: Parameters<typeof bridge>[0]["compile"] = (body, from, to) =>
    compileTranscoder(body, from, to, LIMITS);
  return bridge({ codec, links: linked.methods, compile }, "drop")(handle);
}

/** The longest that a sidecar lets its calls take, in milliseconds: those of `wait`, and all others. */
export const POLICY_MS = { wait: 50, other: 30_000 } as const;

/** The way of a call through a sidecar to a server of a wire. For calls of `wait`, time has passed when `arrived` says so. */
export function through(wire: Wire, server: EndpointHandler, arrived: (call: Call) => Promise<unknown>): Handler {
  const handle = translated(wire, server.handle);
  const other = deadline({ timeoutMs: POLICY_MS.other }, systemClock)(handle);
  return (call) => {
    if (call.method.name !== "wait") return other(call);
    const clock: Clock = {
      ...systemClock,
      after(_, passed) {
        void arrived(call).then(passed);
        return () => {};
      },
    };
    return deadline({ timeoutMs: POLICY_MS.wait }, clock)(handle)(call);
  };
}

/** Facts of a call of a test. */
export const facts = () => newFacts("test", "test");
