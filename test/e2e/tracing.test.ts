// Trace contexts over the wires of a real process, and its spans in a collector: OpenTelemetry's exporter on one side, OTLP's
// JSON on the other.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startGrpcUpstream } from "../faults/upstreams.ts";
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
