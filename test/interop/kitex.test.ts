// Kitex, whose wire TTHeader is, on both sides of a sidecar: its client and its server, with Thrift and with Kitex-Protobuf
// messages, with each other, with gRPC and with Apache Thrift.
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

/** All cases but the known ones are done, and those are not. */
function expectCases(outcomes: readonly Outcome[], client: Client, known: readonly string[]): void {
  const own = CASES.filter(({ only }) => only?.includes(client) ?? true).map(({ name }) => name);
  expect(outcomes.map(({ name }) => name)).toEqual(own);
  expect(failuresOf(outcomes.filter(({ name }) => !known.includes(name)))).toEqual([]);
  expect(outcomes.filter(({ name, ok }) => known.includes(name) && ok)).toEqual([]);
}
