// Kitex, whose wire TTHeader is, on both sides of a sidecar: its client and its server, with Thrift and with Kitex-Protobuf
// messages, with each other, with gRPC and with Apache Thrift.
import {
  credentials,
  type Client as GrpcClient,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Service, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { CASES, type Client } from "./cases.ts";
import {
  type Answering,
  buildKitex,
  type KitexClient,
  type LocalSidecar,
  runKitexClient,
  runThroughDrain,
  startKindsSidecar,
  startKitexServer,
} from "./kitex-peers.ts";
import { buildGo, deriveKinds, GO_TOOLS, goThriftClient, type Outcome, runGoGrpcClient } from "./programs.ts";

const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;
const missing = whatIsMissing(GO_TOOLS);

const CLIENTS: readonly KitexClient[] = [
  { payload: "thrift", transport: "buffered" },
  { payload: "thrift", transport: "framed" },
  { payload: "thrift", transport: "ttheader" },
  { payload: "thrift", transport: "ttheader-framed" },
  { payload: "thrift", transport: "mux" },
  { payload: "protobuf", transport: "framed" },
  { payload: "protobuf", transport: "ttheader-framed" },
  { payload: "protobuf", transport: "mux" },
];

/** Who is called, and what the upstream's config says of it beside its address. */
const SERVERS = {
  "kitex-thrift": { answering: "kitex-thrift", protocol: "ttheader", maxCallsPerConnection: 1 },
  "kitex-thrift mux": { answering: "kitex-thrift", protocol: "ttheader" },
  "kitex-thrift framed": { answering: "kitex-plain", protocol: "thrift-framed" },
  "kitex-thrift unframed": { answering: "kitex-plain", protocol: "thrift-unframed" },
  "kitex-protobuf": { answering: "kitex-protobuf", protocol: "ttheader", codec: "protobuf", maxCallsPerConnection: 1 },
  "kitex-protobuf mux": { answering: "kitex-protobuf", protocol: "ttheader", codec: "protobuf" },
  grpc: { answering: "grpc", protocol: "grpc" },
  thrift: { answering: "thrift", protocol: "thrift-framed" },
} as const satisfies Record<string, { answering: Answering; protocol: string; [key: string]: unknown }>;
type Server = keyof typeof SERVERS;
const SERVER_NAMES = Object.keys(SERVERS) as Server[];
const KITEX_SERVERS = SERVER_NAMES.filter((name) => SERVERS[name].answering.startsWith("kitex"));

/** What a server with Kitex-Protobuf messages cannot say, and why. */
const NOT_IN_KITEX_PROTOBUF: Readonly<Record<string, string>> = {
  "fail: NotFound": "a reply has no room for declared exceptions",
  "fail: Refused": "the same",
  "fail: Plain": "the same",
  "check: void that throws": "the same",
  "echoBinary: empty": "the library (prutal 0.1.3) leaves out bytes that are empty, though their field has presence",
  "echoScalars: all zero": "the same",
  "echoPresence: optional fields zero": "the same",
  "echoChoice: bool": "the library leaves out the alternative of a oneof that is false, 0 or empty",
  "echoChoice: string": "the same",
  "echoChoice: itself": "the same",
  "echoChoices: several": "the same",
};

const stops: (() => Promise<void>)[] = [];
let kitex: string;
let official: string;
const servers = new Map<Server, Service>();
const sidecars = new Map<Server, LocalSidecar>();

beforeAll(async () => {
  if (missing) return;
  await deriveKinds();
  [kitex, official] = await Promise.all([buildKitex(), buildGo()]);
  await Promise.all(
    SERVER_NAMES.map(async (name) => {
      const { answering, ...upstream } = SERVERS[name];
      const server = await startServer(name);
      stops.push(server.stop);
      servers.set(name, server);
      const sidecar = await startKindsSidecar(name.replace(" ", "-"), { ...upstream, endpoints: [server.ready] });
      stops.push(sidecar.close);
      sidecars.set(name, sidecar);
    }),
  );
}, BUILD_MS);

afterAll(async () => {
  await Promise.all(stops.toReversed().map((stop) => stop()));
});

function startServer(name: Server): Promise<Service> {
  const { answering } = SERVERS[name];
  if (answering === "grpc") return startService(official, ["grpc-server"], READY);
  if (answering === "thrift") return startService(official, ["thrift-server", "framed"], READY);
  const payload = answering === "kitex-protobuf" ? "protobuf" : "thrift";
  return startKitexServer(kitex, payload, name.endsWith(" mux"));
}

function failuresOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
}

describe.each(CLIENTS)("a Kitex client, $payload, $transport", (client) => {
  test.concurrent.for(SERVER_NAMES)("calls %s", async (name, { skip, expect }) => {
    skip(missing !== undefined, missing);
    const { answering } = SERVERS[name];
    const outcomes = await runKitexClient(kitex, client, sidecars.get(name)!.address, answering);
    expect(failuresOf(outcomes)).toEqual([]);
    expect(outcomes.length).toBeGreaterThanOrEqual(56);
  });
});

describe.each(KITEX_SERVERS)("%s behind other clients", (name) => {
  const known = SERVERS[name].answering === "kitex-protobuf" ? Object.keys(NOT_IN_KITEX_PROTOBUF) : [];

  test("a gRPC client", async ({ skip }) => {
    skip(missing !== undefined, missing);
    expectCases(await runGoGrpcClient(official, sidecars.get(name)!.address), "go-grpc", known);
  });

  test("an Apache Thrift client", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const outcomes = await goThriftClient(official)(sidecars.get(name)!.address, "framed", "strict");
    expectCases(outcomes, "go-thrift", known);
  });
});

describe.each(["kitex-thrift", "kitex-thrift mux", "kitex-protobuf mux"] as const)("a gRPC client of %s", (name) => {
  test("is told a business error as Kitex says it over gRPC", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { error } = await callGrpc(sidecars.get(name)!.address, "Kinds/echoString", "business error");
    expect(error).toMatchObject({ code: 13, details: "no such shelf: 棚" });
    expect(error?.metadata.get("biz-status")).toEqual(["404"]);
    expect(error?.metadata.get("biz-extra")).toEqual(['{"shelf":"7"}']);
  });

  test("sends Kitex's metainfo, and gets its backward values", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const sent = { "rpc-persist-user-id": "7", rpc_transit_temp: "t", tenant: "no metainfo" };
    const { text, metadata } = await callGrpc(sidecars.get(name)!.address, "Kinds/echoString", "tell", sent);
    expect(JSON.parse(text)).toMatchObject({ Persistent: { USER_ID: "7" }, Transient: { temp: "t" } });
    expect(metadata).toMatchObject({ "rpc-backward-seen-by": "kitex", "rpc_backward_lower.case": "kept" });
  });
});

/** Calls a method whose request and response have a string 1, or nothing. */
function callGrpc(address: string, path: string, text: string, headers: Record<string, string> = {}) {
  const bytes = (value: Buffer): Buffer => value;
  const client: GrpcClient = new (makeGenericClientConstructor({}, "Kinds"))(address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  const request = Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(text)]), Buffer.from(text)]);
  return new Promise<{ error: ServiceError | null; text: string; metadata: Record<string, unknown> }>((resolve) => {
    let received: Metadata | undefined;
    const call = client.makeUnaryRequest(`/kinds.${path}`, bytes, bytes, request, metadata, (error, response) => {
      client.close();
      // A tag and a length of two bytes, or of one.
      const start = (response?.[1] ?? 0) < 0x80 ? 2 : 3;
      resolve({ error, text: response?.toString("utf8", start) ?? "", metadata: received?.getMap() ?? {} });
    });
    call.on("metadata", (headers) => {
      received = headers;
    });
  });
}

describe("connections that end", () => {
  test("a sidecar that drains answers a Kitex client what is in flight", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const upstream = { protocol: "ttheader", endpoints: [servers.get("kitex-thrift mux")!.ready] };
    const { address, close } = await startKindsSidecar("drained", upstream, 5_000);
    const outcomes = await runThroughDrain(kitex, { payload: "thrift", address, text: "" }, close);
    // One more may still come in time.
    expect(failuresOf(outcomes.slice(0, 1))).toEqual([]);
  });

  test.for([
    { payload: "thrift", mux: true },
    { payload: "thrift", mux: false },
    { payload: "protobuf", mux: true },
  ] as const)("a Kitex server that ends answers what is in flight, $payload, mux: $mux", async (server, { skip }) => {
    skip(missing !== undefined, missing);
    const { payload, mux } = server;
    const { ready, stop } = await startKitexServer(kitex, payload, mux);
    const sidecar = await startKindsSidecar(`ended-${payload}-${mux}`, {
      protocol: "ttheader",
      codec: payload === "thrift" ? "thrift-binary" : "protobuf",
      endpoints: [ready],
      ...(!mux && { maxCallsPerConnection: 1 }),
    });
    try {
      const text = "[grpc:14 UNAVAILABLE]";
      const outcomes = await runThroughDrain(kitex, { payload, address: sidecar.address, text }, stop);
      // Without mux it goes on to serve the connections that it has, for a while.
      expect(failuresOf(mux ? outcomes : outcomes.slice(0, 1))).toEqual([]);
    } finally {
      await sidecar.close();
      await stop();
    }
  });
});

/** All cases but the known ones are done, and those are not. */
function expectCases(outcomes: readonly Outcome[], client: Client, known: readonly string[]): void {
  const own = CASES.filter(({ only }) => only?.includes(client) ?? true).map(({ name }) => name);
  expect(outcomes.map(({ name }) => name)).toEqual(own);
  expect(failuresOf(outcomes.filter(({ name }) => !known.includes(name)))).toEqual([]);
  expect(outcomes.filter(({ name, ok }) => known.includes(name) && ok)).toEqual([]);
}
