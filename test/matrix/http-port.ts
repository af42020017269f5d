// The HTTP port over real sockets, for the tests of what comes in there: the service Echo from IDL text, a bridge, and behind it
// the fake that echoes in the codec of the upstream.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Codec, Limits } from "../../src/codec/codec.ts";
import { compileTranscoder } from "../../src/codec/transcode.ts";
import { bridge } from "../../src/governance/bridge.ts";
import { createHttpListener } from "../../src/inbound/http-listener.ts";
import { createDetailPrinter } from "../../src/protocol/http/detail-json.ts";
import { createHttpPort, type HttpPortOptions } from "../../src/protocol/http/http-port.ts";
import { createLookup } from "../../src/rpc/resolve.ts";
import type { LinkedSchema } from "../../src/schema/link.ts";
import { linkSchema } from "../../src/schema/link-schema.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { createEchoService, type EchoService } from "./echo.ts";

const THRIFT = `
namespace * test
exception Missing { 1: string text } (pb.code = "NOT_FOUND")
service Echo {
  string echo(1: string text) throws (1: Missing missing)
  oneway void note(1: string text)
}
`;

const PROTO = `
syntax = "proto3";
package test.v1;
message Text { string text = 1; }
service Greeter {
  rpc Greet(Text) returns (Text) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Change(Text) returns (Text) { option idempotency_level = IDEMPOTENT; }
  rpc Watch(Text) returns (stream Text);
}
`;

const LIMITS: Limits = { maxBytes: 100_000, maxDepth: 64, maxElements: 100_000 };

function load(): LinkedSchema {
  const folder = mkdtempSync(join(tmpdir(), "causeway-http-"));
  try {
    const paths = Object.entries({ "echo.thrift": THRIFT, "greeter.proto": PROTO }).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const schema = loadSchema(paths, { includeDirs: [], allowNegativeKeys: false }, () => {});
    if (!schema) throw new Error("the IDL of the test is wrong");
    return linkSchema(schema, { pairs: [] }, () => {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const linked = load();
const services = [...linked.schema.services.values()].flat();

export const SERVERS = ["hyper-express", "node:http"] as const;
export const UPSTREAMS = ["thrift-binary", "protobuf"] as const;

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface Port {
  readonly url: string;
  readonly number: number;
  readonly service: EchoService;
  /** What the upstream says beside its results. */
  beside: { readonly headers: Metadata; readonly trailers: Metadata };
}

/** Opens the port on one of the servers, in front of an upstream of one codec, until the test is over. */
export async function openPort(
  server: (typeof SERVERS)[number],
  upstream: Codec = "thrift-binary",
  options: Partial<HttpPortOptions> = {},
): Promise<Port> {
  if (server === "node:http") vi.stubEnv("CAUSEWAY_HTTP", "node");
  const service = createEchoService();
  const compile: Parameters<typeof bridge>[0]["compile"] = (body, from, to) =>
    compileTranscoder(body, from, to, LIMITS);
  const opened = { service, beside: { headers: Metadata.EMPTY, trailers: Metadata.EMPTY } };
  const layer = bridge({ codec: upstream, links: linked.methods, compile }, "drop");
  const handle = layer(async (call) => ({ ...(await service.handle(call)), ...opened.beside }));
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const port = createHttpPort(
    { allowedOrigins: [], allowedHosts: [], maxMessageBytes: LIMITS.maxBytes, address, ...options },
    {
      lookup: createLookup(services),
      services,
      handle,
      clock: systemClock,
      printDetail: createDetailPrinter(linked, LIMITS),
    },
  );
  const bounds = { maxBodyBytes: LIMITS.maxBytes, maxHeaderBytes: 32_768 };
  const listener = await createHttpListener({ address, ...bounds }, port, quiet);
  onTestFinished(() => listener.close(0));
  vi.unstubAllEnvs();
  if (listener.server !== server) throw new Error(`expected ${server}, got ${listener.server}`);
  const number = listener.address.kind === "tcp" ? listener.address.port : 0;
  return Object.assign(opened, { url: `http://127.0.0.1:${number}`, number });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
}

/** POSTs a body of a content type. */
export function post(
  { url }: Port,
  path: string,
  contentType: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return ask(url + path, { method: "POST", headers: { "content-type": contentType, ...headers }, body: bytes });
}

export async function ask(url: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, options);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
}

/** A request with headers that fetch does not let its callers set. */
export function askWith(
  { number }: Port,
  { method = "POST", path = "/test.Echo/echo", headers = {}, body = '{"text":"hi"}' } = {},
): Promise<{ readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const where = { host: "127.0.0.1", port: number, agent: false };
    const outgoing = httpRequest({
      ...where,
      method,
      path,
      headers: { "content-type": "application/json", ...headers },
    });
    outgoing.on("error", reject).on("response", async (incoming) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
    });
    outgoing.end(body);
  });
}
