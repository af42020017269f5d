// The official Connect libraries as clients of the HTTP port, on both of its servers: connect-go and connect-es, over Connect and
// gRPC-Web, in Protobuf and JSON, in front of grpc-js and of Apache Thrift for Go.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { runProgram, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { startSidecar } from "../e2e/sidecar.ts";
import { type KindsServer, startKinds } from "../matrix/grpc-kinds.ts";
import { SERVERS } from "../matrix/http-port.ts";
import { buildGo, deriveKinds, GO_TOOLS, type Outcome } from "./programs.ts";

/** grpc-kinds.ts in words that the libraries have messages for. */
const KINDS_OF_WRAPPERS = `syntax = "proto3";
package kinds;
import "google/protobuf/wrappers.proto";
service Kinds {
  rpc One(google.protobuf.BytesValue) returns (google.protobuf.BytesValue) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Up(stream google.protobuf.BytesValue) returns (google.protobuf.BytesValue);
  rpc Down(google.protobuf.BytesValue) returns (stream google.protobuf.BytesValue);
  rpc Chat(stream google.protobuf.BytesValue) returns (stream google.protobuf.BytesValue);
}
`;

const CASES = [
  "unary, with metadata both ways",
  "unary by GET",
  "server stream, with metadata both ways",
  "client stream, with metadata both ways",
  // connect-go refuses these over HTTP/1.1.
  "both directions, one after the other",
  "unary error with details and trailers",
  "error in the middle of a stream",
  "a method that is not there",
  "deadline",
  "cancellation in the middle of a stream",
  "gzip",
  "a million bytes each way, and a thousand messages",
];
const THRIFT_CASES = ["unary to Thrift", "a declared exception of Thrift", "an error of Thrift"];

const BUILD_MS = 300_000;
const missingForGo = whatIsMissing(GO_TOOLS);
const stops: (() => unknown)[] = [];
const folder = mkdtempSync(join(tmpdir(), "causeway-connect-"));
let kinds: KindsServer;
let thrift = "";

type Run = (address: string, protocol: string, codec: string, upstream: string) => Promise<string>;

const CLIENTS = [
  {
    title: "connect-go",
    missing: missingForGo,
    build: buildConnectGo,
    lacks: ["both directions, one after the other"],
  },
  { title: "connect-es", missing: undefined, build: buildConnectEs, lacks: [] },
];

async function buildConnectGo(): Promise<Run> {
  const built = await buildOnce({
    folder: ".cache/interop/connect-go",
    sources: "test/interop/connect-go",
    inputs: [],
    make: async (cwd) => void (await runProgram("go", ["build", "-o", "server", "."], { cwd })),
  });
  return (...args) => runProgram(join(built, "server"), ["client", ...args]);
}

async function buildConnectEs(): Promise<Run> {
  const built = await buildOnce({
    folder: ".cache/interop/connect-es",
    sources: "test/interop/connect-es",
    inputs: [],
    make: async (cwd) => void (await runProgram("npm", ["ci", "--no-audit", "--no-fund"], { cwd })),
  });
  return (...args) => runProgram(process.execPath, [join(built, "client.js"), ...args]);
}

beforeAll(async () => {
  kinds = await startKinds();
  stops.push(() => kinds.die());
  writeFileSync(join(folder, "kinds.proto"), KINDS_OF_WRAPPERS);
  if (missingForGo) return;
  await deriveKinds();
  const server = await startService(await buildGo(), ["thrift-server"], /^ready (.*)$/);
  stops.push(server.stop);
  thrift = server.ready;
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A sidecar before one of the servers. */
async function startPort(http: (typeof SERVERS)[number], upstream: "grpc" | "thrift"): Promise<string> {
  const schema = { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] };
  const before = process.env["CAUSEWAY_HTTP"];
  if (http === "node:http") process.env["CAUSEWAY_HTTP"] = "node";
  const sidecar = startSidecar(
    JSON.stringify({
      schema: upstream === "thrift" ? schema : { files: [join(folder, "kinds.proto")] },
      listeners: [{ kind: "http", address: "127.0.0.1:0" }],
      upstreams: {
        kinds:
          upstream === "thrift"
            ? { protocol: "thrift-framed", endpoints: [thrift], services: ["kinds.Kinds"] }
            : { protocol: "grpc", endpoints: [`127.0.0.1:${kinds.port}`], services: ["kinds.Kinds"] },
      },
    }),
  );
  if (before === undefined) delete process.env["CAUSEWAY_HTTP"];
  stops.push(() => sidecar[Symbol.dispose]());
  return sidecar.addressOf("http");
}

describe.each(CLIENTS)("$title", ({ missing, build, lacks }) => {
  let run: Run;

  beforeAll(async () => {
    if (!missing) run = await build();
  }, BUILD_MS);

  describe.each(SERVERS)("on %s", (http) => {
    const addresses = new Map<string, Promise<string>>();

    function addressFor(upstream: "grpc" | "thrift"): Promise<string> {
      const known = addresses.get(upstream) ?? startPort(http, upstream);
      addresses.set(upstream, known);
      return known;
    }

    const WAYS = ["connect", "grpc-web"].flatMap((protocol) =>
      ["proto", "json"].flatMap((codec) => [{ protocol, codec }]),
    );

    test.for(WAYS)(
      "calls gRPC over $protocol in $codec",
      { timeout: 60_000 },
      async ({ protocol, codec }, { skip }) => {
        skip(missing !== undefined, missing);
        const cancelledBefore = kinds.seen.cancelled;
        const outcomes = outcomesOf(await run(await addressFor("grpc"), protocol, codec, "grpc"));
        const expected = CASES.filter((name) => !lacks.includes(name));
        expect(outcomes).toEqual(expected.map((name) => ({ name, ok: true, detail: "" })));
        // The call that ran out of time, and the one that was cancelled.
        await expect.poll(() => kinds.seen.cancelled, { timeout: 20_000 }).toBeGreaterThanOrEqual(cancelledBefore + 2);
      },
    );

    // In JSON the messages of connect-go's wrappers are others than those of the IDL.
    const thriftWays = WAYS.filter(({ codec }) => codec === "proto" || lacks.length === 0);
    test.for(thriftWays)("calls Thrift over $protocol in $codec", { timeout: 60_000 }, async (way, { skip }) => {
      skip(missing !== undefined || missingForGo !== undefined, missing ?? missingForGo);
      const outcomes = outcomesOf(await run(await addressFor("thrift"), way.protocol, way.codec, "thrift"));
      expect(outcomes).toEqual(THRIFT_CASES.map((name) => ({ name, ok: true, detail: "" })));
    });
  });
});

function outcomesOf(lines: string): Outcome[] {
  return lines
    .trim()
    .split("\n")
    .map((line): Outcome => JSON.parse(line));
}
