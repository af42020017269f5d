// Every wire as a caller's and as a server's: a caller of it, and the pipeline from a listener to a server of it. The
// service is Echo, on both ends the fake of echo.ts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
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
  httpJsonUpstreamOptions,
  thriftHttpUpstreamOptions,
} from "../../src/outbound/http-upstream.ts";
import { connectThrift, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import { createDetailPrinter } from "../../src/protocol/http/detail-json.ts";
import { createHttpPort } from "../../src/protocol/http/http-port.ts";
import { codecOf, type Dialect } from "../../src/protocol/thrift/dialect.ts";
import { type Handler, newFacts } from "../../src/rpc/call.ts";
import type { Connect, EndpointHandler } from "../../src/rpc/endpoint.ts";
import { createLookup } from "../../src/rpc/resolve.ts";
import { type LinkedSchema, linkSchema } from "../../src/schema/link.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { quietLog } from "../quiet-log.ts";

const THRIFT = `
namespace * test
exception Missing { 1: string text } (pb.code = "NOT_FOUND")
service Echo {
  string echo(1: string text) throws (1: Missing missing)
  oneway void note(1: string text)
}
`;

export const LIMITS: Limits = { maxBytes: 16_384_000, maxDepth: 64, maxElements: 1_000_000 };

function load(): LinkedSchema {
  const folder = mkdtempSync(join(tmpdir(), "causeway-wires-"));
  try {
    const path = join(folder, "echo.thrift");
    writeFileSync(path, THRIFT);
    const schema = loadSchema([path], { includeDirs: [], allowNegativeKeys: false }, () => {});
    if (!schema) throw new Error("the IDL of the test is wrong");
    return linkSchema(schema, { pairs: [] }, () => {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const linked = load();
const services = [...linked.schema.services.values()].flat();
export const lookup = createLookup(services);

/** A wire that calls travel on, in either direction. */
export interface Wire {
  readonly name: string;
  readonly codec: Codec;
  /** Which listener takes its calls. */
  readonly port: "local" | "http";
  /** Whether it has room for metadata, and for the details of errors. */
  readonly hasMetadata: boolean;
  readonly connect: Connect;
}

function thriftWire(dialect: Dialect, changes: { zlib?: boolean; profile?: boolean } = {}): Wire {
  const { framing, envelope } = dialect;
  return {
    name: [framing, envelope, ...Object.keys(changes)].join(" "),
    codec: codecOf(envelope),
    port: "local",
    hasMetadata: framing === "theader" || framing === "ttheader",
    connect: connectThrift({ ...thriftUpstreamOptions.parse({}), ...dialect, ...changes }, systemClock, quietLog),
  };
}

function httpWire(options: Parameters<typeof connectHttp>[0], codec: Codec): Wire {
  const name = options.protocol === "thrift-http" ? `thrift-http ${options.codec}` : options.protocol;
  return { name, codec, port: "http", hasMetadata: true, connect: connectHttp(options, systemClock, quietLog) };
}

const BOUNDS = { maxMessageBytes: LIMITS.maxBytes, maxDepth: LIMITS.maxDepth };
const overHttp = (codec: "thrift-binary" | "thrift-compact") =>
  httpWire(
    { ...thriftHttpUpstreamOptions.parse({ protocol: "thrift-http", codec, path: "/{service}" }), ...BOUNDS },
    codec,
  );

export const WIRES: readonly Wire[] = [
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
  httpWire({ ...connectUpstreamOptions.parse({ protocol: "connect" }), ...BOUNDS }, "protobuf"),
  httpWire({ ...httpJsonUpstreamOptions.parse({ protocol: "http-json" }), ...BOUNDS }, "json"),
];

const ADDRESS = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;

/** Listeners of both kinds before one handler. */
export interface Ports {
  /** A client of a wire at the listener that takes it. */
  client(wire: Wire): EndpointHandler;
  close(): Promise<void>;
}

/** Opens both listeners; what they take goes to `handle` as it comes. */
export async function openPorts(handle: Handler): Promise<Ports> {
  const context = { lookup, handle, log: quietLog, clock: systemClock };
  const options = { ...localListenerOptions.parse({}), address: ADDRESS, defaultService: "test.Echo" };
  const bounds = { maxFrameBytes: LIMITS.maxBytes, maxMessageBytes: LIMITS.maxBytes };
  const local = await createLocalListener({ ...options, ...bounds }, context);
  const port = createHttpPort(
    { allowedOrigins: [], allowedHosts: [], maxMessageBytes: LIMITS.maxBytes, address: ADDRESS },
    { lookup, services, handle, clock: systemClock, printDetail: createDetailPrinter(linked, LIMITS) },
  );
  const limits = { maxBodyBytes: LIMITS.maxBytes, maxHeaderBytes: 32_768 };
  const http = await createHttpListener({ address: ADDRESS, ...limits }, port, quietLog);
  const clients: EndpointHandler[] = [];
  return {
    client({ port: kind, connect }) {
      const { address } = kind === "local" ? local : http;
      const client = connect({ upstream: "echo", address, name: kind });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all([local.close(0), http.close(0)]);
    },
  };
}

/** The way of a call through a sidecar to a server of a wire. */
export function through({ codec }: Wire, server: EndpointHandler): Handler {
  const compile: Parameters<typeof bridge>[0]["compile"] = (body, from, to) =>
    compileTranscoder(body, from, to, LIMITS);
  const layer = bridge({ codec, links: linked.methods, compile }, "drop");
  return deadline({ timeoutMs: 30_000 }, systemClock)(layer(server.handle));
}

/** Facts of a call of a test. */
export const facts = () => newFacts("test", "test");
