// Trace contexts over the wires of a real process, and its spans in a collector: OpenTelemetry's exporter on one side, OTLP's
// JSON on the other.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { formatAddress } from "../../src/base/address.ts";
import { NEVER_CANCELLED } from "../../src/base/cancel.ts";
import { RpcError } from "../../src/base/errors.ts";
import { Metadata } from "../../src/base/metadata.ts";
import type { Call } from "../../src/rpc/call.ts";
import { startGrpcUpstream } from "../faults/upstreams.ts";
import { facts, INBOUND, lookup, openPorts, SERVICE, translated, type Wire } from "../matrix/all-wires.ts";
import { KindsClient, noteOf, startKinds } from "../matrix/grpc-kinds.ts";
import { writeIdl } from "./mesh-fixture.ts";
import { startSidecarForTest } from "./sidecar.ts";

const IDL = join(import.meta.dirname, "../../idl");
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve("@opentelemetry/exporter-trace-otlp-http");
    return true;
  } catch {
    return false;
  }
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly name: string;
  readonly status: { readonly code?: number; readonly message?: string };
}

/** A collector that keeps every span it is sent. */
async function startCollector() {
  const spans: OtlpSpan[] = [];
  let wake = () => {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[];
    };
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader("content-type", "application/json").end("{}");
    wake();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    async received(count: number): Promise<readonly OtlpSpan[]> {
      while (spans.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return spans;
    },
  };
}

function configOf(upstream: string, tracing: string): string {
  return `
schema: { files: [${IDL}/kinds/kinds.thrift], include: [${IDL}] }
listeners: [{ kind: http, address: "127.0.0.1:0" }]
accessLog: all
${tracing}
upstreams: { kinds: ${upstream} }
`;
}

async function call(http: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch(`http://${http}/kinds.Kinds/echoString`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });
  expect(response.status).toBe(200);
}

test("a call's spans arrive at the collector, and the server is told the attempt's", async (context) => {
  context.skip(!isInstalled(), "needs OpenTelemetry's packages: npm ci");
  const collector = await startCollector();
  const upstream = await startGrpcUpstream();
  onTestFinished(upstream.stop);
  const sidecar = startSidecarForTest(
    configOf(
      `{ protocol: grpc, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] }`,
      `tracing: { otlp: { url: "${collector.url}", serviceName: edge } }`,
    ),
  );
  await call(await sidecar.addressOf("http"), { traceparent: `00-${TRACE}-${SPAN}-01` });
  const spans = await collector.received(2);
  const server = spans.find(({ kind }) => kind === 2);
  const attempt = spans.find(({ kind }) => kind === 3);
  expect(server).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, name: "kinds.Kinds/echoString" });
  expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: server?.spanId });
  expect(await sidecar.logged(({ msg }) => msg === "call")).toMatchObject({ traceId: TRACE });
});

test("without tracing in the config a trace's id is in the log, and the call goes on as ever", async () => {
  const upstream = await startGrpcUpstream();
  onTestFinished(upstream.stop);
  const sidecar = startSidecarForTest(
    configOf(`{ protocol: grpc, endpoints: ["${upstream.endpoint}"], services: [kinds.Kinds] }`, ""),
  );
  await call(await sidecar.addressOf("http"), { b3: `${TRACE}-${SPAN}-1` });
  expect(await sidecar.logged(({ msg }) => msg === "call")).toMatchObject({ traceId: TRACE });
});

/** What servers speak, as a config has it, and what callers speak. */
const TO: readonly (readonly [name: string, port: Wire["port"], upstream: string])[] = [
  ["theader", "local", "protocol: theader"],
  ["ttheader", "local", "protocol: ttheader"],
  ["ttheader-protobuf", "local", "protocol: ttheader, codec: protobuf"],
  ["grpc", "local", "protocol: grpc"],
  ["thrift-http", "http", 'protocol: thrift-http, path: "/{service}"'],
  ["connect", "http", "protocol: connect"],
  ["http-json", "http", "protocol: http-json"],
  ["fastcgi", "fastcgi", "protocol: fastcgi, script: /srv/front.php, codec: protobuf"],
];
const FROM = INBOUND.filter(({ hasMetadata }) => hasMetadata);

const hex = (digits: number) => randomBytes(digits / 2).toString("hex");

/** A trace context as a caller says it, and how the server must hear of it when its span is `span`. */
interface Said {
  readonly headers: Readonly<Record<string, string>>;
  heard(span: string): Readonly<Record<string, string>>;
}

const FORMATS: Readonly<Record<string, (trace: string, parent: string, sampled: 0 | 1) => Said>> = {
  w3c: (trace, parent, sampled) => ({
    headers: { traceparent: `00-${trace}-${parent}-0${sampled}`, tracestate: "a=b" },
    heard: (span) => ({ traceparent: `00-${trace}-${span}-0${sampled}`, tracestate: "a=b" }),
  }),
  b3: (trace, parent, sampled) => ({
    headers: { b3: `${trace}-${parent}-${sampled}` },
    heard: (span) => ({ b3: `${trace}-${span}-${sampled}`, ...(sampled && { traceparent: `00-${trace}-${span}-01` }) }),
  }),
  "b3-multi": (trace, parent, sampled) => ({
    headers: { "x-b3-traceid": trace, "x-b3-spanid": parent, "x-b3-sampled": `${sampled}` },
    heard: (span) => ({
      "x-b3-traceid": trace,
      "x-b3-spanid": span,
      "x-b3-sampled": `${sampled}`,
      ...(sampled && { traceparent: `00-${trace}-${span}-01` }),
    }),
  }),
};

const isTrace = (key: string) => /^(?:traceparent|tracestate|b3|x-b3-.*)$/.test(key);
const tracesOf = (headers: Iterable<readonly [string, unknown]>) =>
  Object.fromEntries([...headers].filter(([key]) => isTrace(key)));

/** Servers of every wire behind a sidecar that goes by the header x-to, and callers of every wire. */
async function everyWire(collector: string) {
  /** The contexts that the servers were told, by the calls' x-id, an attempt each. */
  const told = new Map<string, Readonly<Record<string, unknown>>[]>();
  const servers = await openPorts(
    translated({ codec: "protobuf" }, async ({ headers, method }) => {
      const id = headers.get("x-id") ?? "";
      const attempts = told.get(id) ?? [];
      told.set(id, [...attempts, tracesOf(headers)]);
      if (attempts.length < Number(headers.get("x-fail") ?? 0)) {
        throw new RpcError("UNAVAILABLE", "not now", { origin: "peer", sent: true });
      }
      const payload = { type: method.response, codec: "protobuf", bytes: new Uint8Array(0) } as const;
      return { kind: "result", payload, headers: Metadata.EMPTY, trailers: Metadata.EMPTY };
    }),
  );
  onTestFinished(servers.close);
  const upstreams = TO.map(([name, port, upstream], i) => {
    const services = i === 0 ? ", services: [matrix.Wires]" : "";
    const endpoint = formatAddress(servers.addresses[port]);
    return `  ${name}: { ${upstream}, endpoints: ["${endpoint}"], retry: { idempotent: ["matrix.Wires/*"] }${services} }`;
  });
  const routes = TO.map(([name]) => `  - { match: { headers: { x-to: ${name} } }, to: ${name} }`);
  const sidecar = startSidecarForTest(`
schema: { files: [${join(import.meta.dirname, "../matrix/wires.thrift")}], include: [${IDL}/kinds] }
listeners:
  - { kind: local, address: "127.0.0.1:0", defaultService: matrix.Wires }
  - { kind: http, address: "127.0.0.1:0" }
accessLog: all
tracing: { otlp: { url: "${collector}" } }
upstreams:
${upstreams.join("\n")}
routes:
${routes.join("\n")}
`);
  const addresses = { local: await sidecar.addressOf("local"), http: await sidecar.addressOf("http") };
  const callers = FROM.map(({ port, connect, ...wire }) => {
    const [host = "", number] = addresses[port === "local" ? port : "http"].split(":");
    const client = connect({ upstream: "wires", address: { kind: "tcp", host, port: Number(number) }, name: port });
    onTestFinished(() => client.close());
    return { from: wire.name, handle: translated(wire, client.handle) };
  });
  const method = lookup.grpc(SERVICE, "refuse");
  const request = (headers: Readonly<Record<string, string>>): Call => ({
    method,
    payload: { type: method.request, codec: "protobuf", bytes: new Uint8Array(0) },
    headers: Metadata.from(Object.entries(headers)),
    expiresAtMs: Number.POSITIVE_INFINITY,
    signal: NEVER_CANCELLED,
    facts: facts(),
  });
  return { callers, request, told, sidecar };
}

test("a trace goes through every wire in and out, in the format it came in, with a span for the call and one for each attempt", async (context) => {
  context.skip(!isInstalled(), "needs OpenTelemetry's packages: npm ci");
  const collector = await startCollector();
  const { callers, request, told, sidecar } = await everyWire(collector.url);
  const calls = callers.flatMap((caller) =>
    TO.flatMap(([to]) =>
      Object.entries(FORMATS).flatMap(([format, said]) =>
        ([1, 0] as const).map((sampled) => {
          const [trace, parent] = [hex(32), hex(16)];
          const id = `${caller.from} to ${to}, ${format}, ${sampled ? "sampled" : "not sampled"}`;
          // Of one format: attempts have nothing to do with formats.
          const fail = sampled && format === "b3" ? 1 : 0;
          return { ...caller, to, said: said(trace, parent, sampled), sampled, trace, parent, id, fail };
        }),
      ),
    ),
  );
  for (const { handle, said, to, id, fail } of calls) {
    const headers = { ...said.headers, "x-to": to, "x-id": id, ...(fail && { "x-fail": `${fail}` }) };
    const outcome = await handle(request(headers)).catch((error: unknown) => error);
    expect(outcome, id).toMatchObject({ kind: "result" });
  }

  const sampled = calls.filter((call) => call.sampled);
  expect(calls.length).toBeGreaterThan(400);
  const spans = await collector.received(sampled.reduce((sum, { fail }) => sum + 2 + fail, 0));
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  for (const { id, trace, parent, said, fail } of sampled) {
    const [server, ...others] = (byTrace.get(trace) ?? []).toSorted((a, b) => a.kind - b.kind);
    expect(server, id).toMatchObject({ kind: 2, parentSpanId: parent, name: "matrix.Wires/refuse" });
    expect(server?.status.code ?? 0, id).toBe(0);
    expect(others, id).toHaveLength(1 + fail);
    for (const attempt of others) expect(attempt, id).toMatchObject({ kind: 3, parentSpanId: server?.spanId });
    // In the order of the attempts, which failed but for the last.
    const attempts = others.toSorted((a, b) => (b.status.code ?? 0) - (a.status.code ?? 0));
    expect(
      attempts.map(({ status }) => status.code ?? 0),
      id,
    ).toEqual(fail ? [2, 0] : [0]);
    expect(told.get(id), id).toEqual(attempts.map(({ spanId }) => said.heard(spanId)));
  }
  for (const { id, trace, said } of calls.filter((call) => !call.sampled)) {
    expect(told.get(id), id).toEqual([said.headers]);
    expect(byTrace.get(trace), id).toBeUndefined();
  }
  const logged = new Set(sidecar.log.map(({ traceId }) => traceId));
  expect(calls.filter(({ trace }) => !logged.has(trace)).map(({ id }) => id)).toEqual([]);
});

test("a trace goes along with streams of every kind, and their spans end when they do", async (context) => {
  context.skip(!isInstalled(), "needs OpenTelemetry's packages: npm ci");
  const idl = writeIdl();
  onTestFinished(idl.remove);
  const [collector, kinds] = await Promise.all([startCollector(), startKinds()]);
  onTestFinished(kinds.die);
  const sidecar = startSidecarForTest(`
${idl.schema}
listeners: [{ kind: local, address: "127.0.0.1:0" }]
accessLog: all
tracing: { otlp: { url: "${collector.url}" } }
upstreams: { kinds: { protocol: grpc, endpoints: ["127.0.0.1:${kinds.port}"], services: [kinds.Kinds] } }
`);
  const client = new KindsClient(await sidecar.addressOf("local"));
  onTestFinished(() => client.close());
  const calls = (["One", "Up", "Down", "Chat"] as const).flatMap((method) =>
    Object.values(FORMATS).map((said) => {
      const [trace, parent] = [hex(32), hex(16)];
      return { method, trace, parent, said: said(trace, parent, 1) };
    }),
  );
  for (const [i, { method, said }] of calls.entries()) {
    const { status } = await client.call(method, [noteOf("a")], { ...said.headers });
    expect(status).toMatchObject({ code: 0 });
    expect(kinds.seen.metadata).toHaveLength(i + 1);
  }
  const spans = await collector.received(calls.length * 2);
  for (const [i, { method, trace, parent, said }] of calls.entries()) {
    const ofTrace = spans.filter(({ traceId }) => traceId === trace);
    const server = ofTrace.find(({ kind }) => kind === 2);
    const attempt = ofTrace.find(({ kind }) => kind === 3);
    expect(server).toMatchObject({ parentSpanId: parent, name: `kinds.Kinds/${method}` });
    expect(attempt).toMatchObject({ parentSpanId: server?.spanId });
    expect(tracesOf(Object.entries(kinds.seen.metadata[i] ?? {}))).toEqual(said.heard(attempt?.spanId ?? ""));
    await sidecar.logged(({ traceId }) => traceId === trace);
  }
});
