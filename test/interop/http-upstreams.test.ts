// The upstreams over HTTP and FastCGI against real servers: grpc-go calls through a sidecar what Apache Thrift for Go, the PHP
// stubs under `php -S` and PHP-FPM, and another sidecar's HTTP port serve.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { CASES } from "./cases.ts";
import { startPhpFpm } from "./php-fpm.ts";
import { buildGo, deriveKinds, GO_TOOLS, type Outcome, runGoGrpcClient } from "./programs.ts";

const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;
const FRONT = join(ROOT, "test/interop/stubs-php/front.php");
const folder = mkdtempSync(join(tmpdir(), "causeway-http-upstreams-"));
const missingForGo = whatIsMissing(GO_TOOLS);

const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
let command = "";

beforeAll(async () => {
  if (missingForGo) return;
  await deriveKinds();
  command = await buildGo();
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function start(name: string, config: object): Promise<Service> {
  const sidecar = await startSidecar(`http-upstreams-${name}`, config);
  stops.push(sidecar.stop);
  return sidecar;
}

function configOf(upstream: object, more: object = {}): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ address: "127.0.0.1:0", kind: "local", defaultService: "kinds.Kinds" }],
    upstreams: { kinds: { services: ["kinds.Kinds"], timeoutMs: 20_000, ...upstream } },
    ...more,
  };
}

async function startGo(...args: readonly string[]): Promise<string> {
  const server = await startService(command, ["thrift-server", ...args], READY);
  stops.push(server.stop);
  return server.ready;
}

type Wire = "thrift" | "protobuf";

/** What a front controller of the stubs for PHP needs in its environment. */
async function phpEnvironment(wire: Wire): Promise<Record<string, string>> {
  const generated = join(folder, wire);
  const args = ["generate", "--lang", "php", "--server", "--wire", wire, "--out", generated];
  await runProgram(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args, join(ROOT, "idl/kinds/kinds.thrift")]);
  return { GENERATED: generated, NOTES: join(folder, `notes-${wire}`) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

async function startPhp(wire: Wire): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const args = ["-S", address, "-d", "display_errors=stderr", FRONT];
  const server = await startService("/bin/sh", ["-c", `exec php "$@" 2>&1`, "php", ...args], /(Development Server)/, {
    env: await phpEnvironment(wire),
  });
  stops.push(server.stop);
  return address;
}

async function startFpm(wire: Wire): Promise<string> {
  const fpm = await startPhpFpm(folder, `fpm-${wire}`, await phpEnvironment(wire));
  stops.push(fpm.stop);
  return `unix:${join(folder, `fpm-${wire}.sock`)}`;
}

/** A sidecar whose HTTP port stands before a Thrift server, at a unix socket. */
async function startOtherSidecar(): Promise<string> {
  const address = `unix:${join(folder, `other-${stops.length}.sock`)}`;
  const endpoints = [await startGo()];
  const listeners = [
    { address, kind: "http", defaultService: "kinds.Kinds" },
    { address: "127.0.0.1:0", kind: "local" },
  ];
  await start(`other-${stops.length}`, configOf({ protocol: "thrift-framed", endpoints }, { listeners }));
  return address;
}

const PEERS: readonly {
  readonly title: string;
  readonly tools?: readonly Tool[];
  readonly upstream: object;
  readonly serve: () => Promise<string>;
  /** Cases that the wire cannot carry. */
  readonly lacks?: readonly string[];
}[] = [
  {
    title: "Thrift over HTTP, Apache Thrift for Go",
    upstream: { protocol: "thrift-http" },
    serve: () => startGo("http"),
  },
  {
    title: "Thrift over HTTP, compact, Apache Thrift for Go",
    upstream: { protocol: "thrift-http", codec: "thrift-compact" },
    serve: () => startGo("http", "compact"),
  },
  {
    title: "Thrift over HTTP, the PHP stubs under php -S",
    tools: ["php"],
    upstream: { protocol: "thrift-http", path: "/api/{service}" },
    serve: () => startPhp("thrift"),
  },
  {
    title: "Connect, the PHP stubs under php -S",
    tools: ["php"],
    upstream: { protocol: "connect", path: "/api/" },
    serve: () => startPhp("protobuf"),
  },
  {
    title: "FastCGI with Thrift, the PHP stubs under PHP-FPM",
    tools: ["php", "php-fpm"],
    upstream: { protocol: "fastcgi", script: FRONT, maxConnections: 2 },
    serve: () => startFpm("thrift"),
  },
  {
    title: "FastCGI with Protobuf, the PHP stubs under PHP-FPM",
    tools: ["php", "php-fpm"],
    upstream: { protocol: "fastcgi", codec: "protobuf", script: FRONT, maxConnections: 2 },
    serve: () => startFpm("protobuf"),
  },
  {
    title: "JSON over HTTP, another sidecar",
    upstream: { protocol: "http-json" },
    serve: startOtherSidecar,
    // In JSON there is one NaN.
    lacks: ["echoDouble: NaN with a payload"],
  },
  { title: "Connect, another sidecar", upstream: { protocol: "connect" }, serve: startOtherSidecar },
  {
    title: "Thrift over HTTP, compact, another sidecar",
    upstream: { protocol: "thrift-http", codec: "thrift-compact" },
    serve: startOtherSidecar,
  },
];

describe.each(PEERS)("a grpc-go client calls over $title", ({ title, tools = [], upstream, serve, lacks = [] }) => {
  const missing = whatIsMissing([...GO_TOOLS, ...tools]);
  let outcomes: ReadonlyMap<string, Outcome>;

  beforeAll(async () => {
    if (missing) return;
    const endpoints = [await serve()];
    const sidecar = await start(title.replaceAll(/\W+/g, "-").toLowerCase(), configOf({ ...upstream, endpoints }));
    const done = await runGoGrpcClient(command, sidecar.ready);
    outcomes = new Map(done.map((outcome) => [outcome.name, outcome]));
  }, BUILD_MS);

  test.for(CASES.filter(({ name, only }) => (only === undefined || only.includes("go-grpc")) && !lacks.includes(name)))(
    "$name",
    ({ name }, { skip }) => {
      skip(missing !== undefined, missing);
      expect(outcomes.get(name)).toEqual({ name, ok: true, detail: "" });
    },
  );
});
