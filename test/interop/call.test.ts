// `causeway call`, and the upstreams that it shares its clients with, against official servers in Go: connect-go over Connect and
// JSON, and grpc-go with its own reflection.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import { runProgram, startService } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { buildGo, deriveKinds, GO_TOOLS } from "./programs.ts";

const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;
const ECHO = `
syntax = "proto3";
package test.v1;
import "google/protobuf/wrappers.proto";
service Echo { rpc Say(google.protobuf.StringValue) returns (google.protobuf.StringValue); }
`;

const missing = whatIsMissing(GO_TOOLS);
const folder = mkdtempSync(join(tmpdir(), "causeway-call-go-"));
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
const idl = join(folder, "echo.proto");

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function causeway(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, "src/cli/main.ts"), "call", ...args], (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}

describe("a connect-go server", () => {
  let server = "";
  let sidecar = "";

  beforeAll(async () => {
    if (missing) return;
    writeFileSync(idl, ECHO);
    const built = await buildOnce({
      folder: ".cache/interop/connect-go",
      sources: "test/interop/connect-go",
      inputs: [],
      make: async (cwd) => void (await runProgram("go", ["build", "-o", "server", "."], { cwd })),
    });
    const service = await startService(join(built, "server"), [], READY);
    stops.push(service.stop);
    server = service.ready;
    const running = await startSidecar("call-connect-go", {
      schema: { files: [idl] },
      listeners: [{ kind: "local", address: "127.0.0.1:0" }],
      upstreams: { echo: { protocol: "connect", endpoints: [server], services: ["test.v1.Echo"], timeoutMs: 10_000 } },
    });
    stops.push(running.stop);
    sidecar = running.ready;
  }, BUILD_MS);

  /** Straight over two wires, and as gRPC through a sidecar that calls it over Connect. */
  const WAYS = [
    ["over Connect", "connect"],
    ["over JSON", "http-json"],
    ["through a sidecar", "grpc"],
  ] as const;

  test.for(WAYS)("%s: metadata both ways, trailers, the deadline, an empty message", async ([, protocol], { skip }) => {
    skip(missing !== undefined, missing);
    const target = ["--idl", idl, "-p", protocol, protocol === "grpc" ? sidecar : server, "test.v1.Echo/Say"];
    const { code, out, err } = await causeway(...target, '"hi "', "-H", "tenant: a", "-v");
    expect({ code, out }).toEqual({ code: 0, out: '"hi a"\n' });
    expect(err).toContain("< served-by: connect-go\n");
    expect(err).toContain("<< cost-bin: AQL/\n");
    expect((await causeway(...target, '"deadline"', "--timeout", "8s")).out).toBe('"deadline"\n');
    expect((await causeway(...target, '""')).out).toBe('""\n');
  });

  test.for(WAYS)("%s: errors with their code, message, details and metadata", async ([, protocol], { skip }) => {
    skip(missing !== undefined, missing);
    const target = ["--idl", idl, "-p", protocol, protocol === "grpc" ? sidecar : server, "Echo/Say"];
    const { code, out, err } = await causeway(...target, '"fail"', "-v");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(' why: weather\nFAILED_PRECONDITION: not today: é\n  google.protobuf.StringValue "rain"\n');
    const late = await causeway(...target, '"hang"', "--timeout", "300ms");
    expect(late.code).toBe(4);
    expect(late.err).toContain("DEADLINE_EXCEEDED");
  });
});

test(
  "grpc-go's own reflection lists, describes and gives the schema of calls",
  async ({ skip }) => {
    skip(missing !== undefined, missing);
    await deriveKinds();
    const service = await startService(await buildGo(), ["grpc-server"], READY);
    stops.push(service.stop);
    const listed = await causeway(service.ready, "--list");
    expect(listed.out.split("\n")).toContain("kinds.Kinds");
    const described = await causeway(service.ready, "--describe", "Kinds");
    expect(described.out).toContain("rpc sum(.kinds.Kinds_sum_args) returns (.kinds.Kinds_sum_result);");
    const sum = '{"first":1,"second":"9007199254740990","others":["1","1"]}';
    const { code, out, err } = await causeway(service.ready, "Kinds/sum", sum);
    expect({ code, out, err }).toEqual({ code: 0, out: '{"success":"9007199254740993"}\n', err: "" });
    const failed = await causeway(service.ready, "Kinds/fail", '{"how":1}');
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('kinds.NotFound {"what":"shelf","id":"9007199254740993"}');
  },
  BUILD_MS,
);
