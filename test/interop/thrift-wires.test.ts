// Apache Thrift's library for Go over the other Thrift wires: as a client of a gRPC server, and as a server that grpc-go
// calls, both through the sidecar. The frames of TTHeader are those of Kitex's own package.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import { type Service, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { CASES, type Client } from "./cases.ts";
import { startGrpcServer } from "./grpc-server.ts";
import {
  buildGo,
  deriveKinds,
  GO_TOOLS,
  goThriftClient,
  type Outcome,
  runGoGrpcClient,
  TWIN,
  TWINS,
} from "./programs.ts";

const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;
const missing = whatIsMissing(GO_TOOLS);
const stops: (() => void | Promise<void>)[] = [];
let command: string;
let toGrpc: Service;

beforeAll(async () => {
  if (missing) return;
  await deriveKinds();
  command = await buildGo();
  const server = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
  stops.push(server.stop);
  toGrpc = await startSidecar("interop-wires-to-grpc", configOf({ protocol: "grpc" }, server.address));
  stops.push(toGrpc.stop);
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

function configOf(wire: object, endpoint: string): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ address: "127.0.0.1:0", kind: "local", defaultService: "kinds.Kinds" }],
    upstreams: { kinds: { ...wire, endpoints: [endpoint], services: ["kinds.Kinds"], timeoutMs: 5_000 } },
  };
}

/** Every case that the client has, and that none failed. */
function expectAll(outcomes: readonly Outcome[], client: Client): void {
  const names = CASES.filter(({ only }) => only?.includes(client) ?? true).map(({ name }) => name);
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  expect(new Set(outcomes.map(({ name }) => name))).toEqual(new Set(names));
}

describe("a Go client calls a grpc-js server", () => {
  test.for([
    ["framed", "compact"],
    ["buffered", "compact"],
    ["theader", "strict"],
    ["theader", "compact"],
    ["theader-zlib", "strict"],
    ["theader-zlib", "compact"],
    ["ttheader", "strict"],
  ] as const)("over %s, %s: every kind of value, exception and call", async ([transport, dialect], { skip }) => {
    skip(missing !== undefined, missing);
    expectAll(await goThriftClient(command)(toGrpc.ready, transport, dialect), "go-thrift");
  });
});

describe("a grpc-go client calls a Go server", () => {
  test.for([
    [["framed", "compact"], { protocol: "thrift-framed", codec: "thrift-compact" }],
    [["buffered", "strict"], { protocol: "thrift-unframed" }],
    [["buffered", "compact"], { protocol: "thrift-unframed", codec: "thrift-compact" }],
    [["theader", "strict"], { protocol: "theader" }],
    [["theader", "strict"], { protocol: "theader", codec: "thrift-compact" }],
    [["theader", "strict"], { protocol: "theader", zlib: true }],
    [["ttheader", "strict"], { protocol: "ttheader" }],
    [["ttheader", "strict"], { protocol: "ttheader", maxCallsPerConnection: 1 }],
  ] as const)(
    "that is started as %j, over %j: every kind of value, exception and call",
    async ([args, wire], { skip }) => {
      skip(missing !== undefined, missing);
      const server = await startService(command, ["thrift-server", ...args], READY);
      stops.push(server.stop);
      const sidecar = await startSidecar(
        `interop-wires-${Object.values(wire).join("-")}`,
        configOf(wire, server.ready),
      );
      stops.push(sidecar.stop);
      expectAll(await runGoGrpcClient(command, sidecar.ready), "go-grpc");
    },
  );
});
