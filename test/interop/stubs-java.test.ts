// Java's stubs and their runtime: the stub as a client of grpc-js, official clients of the stub's server, the stub against
// itself, each on both wires through a sidecar; and what happens when the sidecar dies.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { generateStubs, startSidecar } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
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
import {
  buildJavaStubs,
  compileJava,
  javaArgs as javaArgsOf,
  javaFiles,
  outcomesOf,
  STUB_WIRES,
  type StubWire,
} from "./stub-programs.ts";

const TOOLS: readonly Tool[] = ["javac"];
const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;
/** Go's clients that stand for all the official ones, as interop.test.ts tells them apart. */
const STUB_CASES = CASES.filter(({ only }) => only?.includes("go-grpc") ?? true);

const missing = whatIsMissing(TOOLS);
const missingForGo = missing ?? whatIsMissing(GO_TOOLS);
const stops: (() => void | Promise<void>)[] = [];
const classes = new Map<StubWire, string>();

beforeAll(async () => {
  if (missing) return;
  for (const wire of STUB_WIRES) classes.set(wire, await buildJavaStubs(wire));
  await deriveKinds();
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

test(
  "the golden stubs of either wire compile with every warning on, as errors",
  async ({ skip }) => {
    skip(missing !== undefined, missing);
    await buildOnce({
      folder: ".cache/stubs-java/golden",
      sources: "test/golden/stubs/java",
      inputs: ["clients/java/src"],
      async make(cwd) {
        await compileJava(cwd, javaFiles(cwd));
      },
    });
  },
  BUILD_MS,
);

test(
  "no file of the golden stubs compiles with a runtime that is older than it needs",
  async ({ skip }) => {
    skip(missing !== undefined, missing);
    const folder = mkdtempSync(join(tmpdir(), "causeway-stubs-"));
    stops.push(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(join(ROOT, "clients/java/src/main/java"), folder, { recursive: true });
    const version = join(folder, "causeway/Version.java");
    writeFileSync(version, readFileSync(version, "utf8").replace("int V0_1 =", "int V0_0 ="));
    const golden = javaFiles(join(ROOT, "test/golden/stubs/java/own"));
    const options = ["-encoding", "UTF-8", "-Xmaxerrs", "10000", "-d", join(folder, "classes")];
    const refusal: unknown = await runProgram("javac", [...options, ...javaFiles(folder), ...golden]).catch(
      (error: unknown) => error,
    );
    expect(golden.filter((file) => !String(refusal).includes(`${file}:`))).toEqual([]);
    expect(String(refusal)).toContain("variable V0_1");
  },
  BUILD_MS,
);

describe.each(STUB_WIRES)("the stub on %s calls a grpc-js server", (wire) => {
  let outcomes: ReadonlyMap<string, Outcome>;
  beforeAll(async () => {
    if (missing) return;
    const server = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
    stops.push(server.stop);
    const sidecar = await startSidecar(`stubs-java-grpc-${wire}`, configOf({ protocol: "grpc" }, server.address));
    stops.push(sidecar.stop);
    outcomes = byName(await runStub(wire, "StubClient", sidecar.ready));
  }, BUILD_MS);

  test.for(STUB_CASES)("$name", ({ name }, { skip }) => {
    skip(missing !== undefined, missing);
    expect(outcomes.get(name)).toEqual({ name, ok: true, detail: "" });
  });
});

describe.each(STUB_WIRES)("a server of the stub on %s", (wire) => {
  let sidecar: Service;
  beforeAll(async () => {
    if (missing) return;
    const server = await startServer(wire);
    sidecar = await startSidecar(`stubs-java-server-${wire}`, configOf(ttheader(wire), server.ready));
    stops.push(sidecar.stop);
  }, BUILD_MS);

  describe.each(STUB_WIRES)("is called by the stub on %s", (callerWire) => {
    let outcomes: ReadonlyMap<string, Outcome>;
    beforeAll(async () => {
      if (!missing) outcomes = byName(await runStub(callerWire, "StubClient", sidecar.ready));
    }, BUILD_MS);

    test.for(STUB_CASES)("$name", ({ name }, { skip }) => {
      skip(missing !== undefined, missing);
      expect(outcomes.get(name)).toEqual({ name, ok: true, detail: "" });
    });
  });

  describe.each<{ title: string; client: Client; run: (go: string) => Promise<Outcome[]> }>([
    {
      title: "Apache Thrift for Go",
      client: "go-thrift",
      run: (go) => goThriftClient(go)(sidecar.ready, "framed", "strict"),
    },
    { title: "grpc-go", client: "go-grpc", run: (go) => runGoGrpcClient(go, sidecar.ready) },
  ])("is called by $title", ({ client, run }) => {
    let outcomes: ReadonlyMap<string, Outcome>;
    beforeAll(async () => {
      if (!missingForGo) outcomes = byName(await run(await buildGo()));
    }, BUILD_MS);

    test.for(CASES.filter(({ only }) => only?.includes(client) ?? true))("$name", ({ name }, { skip }) => {
      skip(missingForGo !== undefined, missingForGo);
      expect(outcomes.get(name)).toEqual({ name, ok: true, detail: "" });
    });
  });
});

describe.each(STUB_WIRES)("calls of the stub on %s", (wire) => {
  test(
    "have deadlines, metadata and sizes, and can be cancelled",
    async ({ skip }) => {
      skip(missing !== undefined, missing);
      const server = await startServer(wire);
      const sidecar = await startSidecar(`stubs-java-calls-${wire}`, configOf(ttheader(wire), server.ready));
      stops.push(sidecar.stop);
      const outcomes = await runStub(wire, "StubFaults", sidecar.ready);
      expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
      expect(outcomes).toHaveLength(11);
    },
    BUILD_MS,
  );

  test(
    "fail when the sidecar dies under them, and later ones wait for it to come back",
    async ({ skip }) => {
      skip(missing !== undefined, missing);
      const server = await startServer(wire);
      const folder = mkdtempSync(join(tmpdir(), "causeway-stubs-"));
      stops.push(() => rmSync(folder, { recursive: true, force: true }));
      const address = `unix:${join(folder, "local.sock")}`;
      const config = configOf(ttheader(wire), server.ready, address);
      const first = await startSidecar(`stubs-java-dies-${wire}`, config);
      const program = await startService("java", javaArgs(wire, "StubFaults", address, "restart"), /^(ready)$/);
      stops.push(program.stop);
      first.kill();
      // The program tells by its outcomes how far it is; the sidecar comes back while it waits.
      await expect.poll(() => outcomesOf(program.tail()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
      const second = await startSidecar(`stubs-java-dies-${wire}`, config);
      stops.push(second.stop);
      await expect.poll(() => outcomesOf(program.tail()).length, { timeout: 40_000 }).toBe(3);
      expect(outcomesOf(program.tail()).filter(({ ok }) => !ok)).toEqual([]);
    },
    BUILD_MS,
  );
});

/** What a server asked of the sidecar's HTTP port, which here is a stand-in that forgets it once. */
interface Asked {
  readonly what: string;
  readonly body: unknown;
}

test("a server registers, renews, registers anew when it was forgotten, and deregisters on SIGTERM", {
  timeout: BUILD_MS,
}, async ({ skip }) => {
  skip(missing !== undefined, missing);
  const asked: Asked[] = [];
  let heartbeats = 0;
  const sidecar = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      asked.push({ what: `${request.method} ${request.url}`, body: text === "" ? undefined : JSON.parse(text) });
      const forgotten = request.url?.endsWith("/heartbeat") && ++heartbeats === 1;
      const answer = forgotten ? { code: "not_found", message: "no such instance" } : { id: "i-7", lease: "1s" };
      response.writeHead(forgotten ? 404 : 200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => void sidecar.listen(0, "127.0.0.1", resolve));
  stops.push(() => void sidecar.close());
  const address = sidecar.address();
  const http = typeof address === "object" && address ? `127.0.0.1:${address.port}` : "";
  const server = await startService("java", javaArgs("thrift", "StubServer", "127.0.0.1:0", http), READY);
  stops.push(server.stop);
  await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
  await server.stop();
  const instance = {
    upstream: "kinds",
    services: ["kinds.Kinds"],
    address: server.ready,
    codec: "CODEC_THRIFT_BINARY",
    framing: "FRAMING_TTHEADER",
    weight: 0,
    labels: {},
    healthCheck: {},
  };
  const register = { what: "PUT /v1/instances", body: { instance, lease: "30s" } };
  const heartbeat = { what: "POST /v1/instances/i-7/heartbeat", body: {} };
  expect(asked.slice(0, 4)).toEqual([register, heartbeat, register, heartbeat]);
  expect(asked.at(-1)).toEqual({ what: "DELETE /v1/instances/i-7", body: undefined });
});

test("a server on SIGTERM finishes the calls that run, and takes no more", { timeout: BUILD_MS }, async ({ skip }) => {
  skip(missing !== undefined, missing);
  const server = await startService("java", javaArgs("thrift", "StubServer", "127.0.0.1:0"), READY);
  const sidecar = await startSidecar("stubs-java-drain", configOf(ttheader("thrift"), server.ready));
  stops.push(sidecar.stop);
  const client = await startService("java", javaArgs("thrift", "StubFaults", sidecar.ready, "drain"), /^(ready)$/);
  stops.push(client.stop);
  await server.stop();
  await expect
    .poll(() => outcomesOf(client.tail()), { timeout: 20_000 })
    .toEqual([{ name: "a call that runs while its server drains is answered", ok: true, detail: "" }]);
});

test("the example compiles against what is generated for it", { timeout: BUILD_MS }, async ({ skip }) => {
  skip(missing !== undefined, missing);
  await buildOnce({
    folder: ".cache/stubs-java/example",
    sources: "clients/java/example",
    inputs: ["clients/java/src", "codegen"],
    async make(cwd) {
      await generateStubs(["--lang", "java", "--server", "--out", "gen", "greeter.thrift"], { cwd });
      await compileJava(cwd, javaFiles(cwd));
    },
  });
});

function javaArgs(wire: StubWire, program: string, ...args: readonly string[]): string[] {
  return javaArgsOf(classes.get(wire) ?? "", program, ...args);
}

async function runStub(wire: StubWire, program: string, ...args: readonly string[]): Promise<Outcome[]> {
  return outcomesOf(await runProgram("java", javaArgs(wire, program, ...args)));
}

async function startServer(wire: StubWire): Promise<Service> {
  const server = await startService("java", javaArgs(wire, "StubServer", "127.0.0.1:0"), READY);
  stops.push(server.stop);
  return server;
}

function byName(outcomes: readonly Outcome[]): ReadonlyMap<string, Outcome> {
  return new Map(outcomes.map((outcome) => [outcome.name, outcome]));
}

function ttheader(wire: StubWire): object {
  return { protocol: "ttheader", codec: wire === "thrift" ? "thrift-binary" : "protobuf" };
}

function configOf(upstream: object, endpoint: string, address = "127.0.0.1:0"): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ address, kind: "local", defaultService: "kinds.Kinds" }],
    upstreams: { kinds: { ...upstream, endpoints: [endpoint], services: ["kinds.Kinds"], timeoutMs: 60_000 } },
  };
}
