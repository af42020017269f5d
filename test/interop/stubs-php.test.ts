// The stubs for PHP against real peers: as clients through a sidecar on either wire, as servers under `php -S` and PHP-FPM for
// official clients, and where things die in the middle of a call.
import { EventEmitter, once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { HeaderFrame } from "../../src/protocol/thrift/header-frame.ts";
import { readRequestHeaders } from "../../src/protocol/thrift/header-keys.ts";
import { readTTHeader } from "../../src/protocol/thrift/ttheader.ts";
import { ROOT } from "../../tools/build-cache.ts";
import { generateStubs, startSidecar as startSidecarOfTools } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { phpFpm, type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { CASES, methodOf } from "./cases.ts";
import { requestFastCgi } from "./fastcgi-client.ts";
import { type GrpcServer, startGrpcServer } from "./grpc-server.ts";
import {
  buildGo,
  buildPhpClient,
  deriveKinds,
  GO_TOOLS,
  type Outcome,
  PHP_TOOLS,
  runGoGrpcClient,
  TWIN,
  TWINS,
} from "./programs.ts";
import { generatePhpStubs, outcomesOf, STUB_WIRES, type StubWire } from "./stub-programs.ts";
import { startThriftRecorder, type ThriftRecorder } from "./thrift-recorder.ts";

const SOURCES = join(ROOT, "test/interop/stubs-php");
const CACHE = ".cache/interop/stubs-php";
const READY = /^ready (.*)$/;

const stops: (() => unknown)[] = [];
const missingPhp = whatIsMissing(["php"]);
const missingGo = whatIsMissing([...GO_TOOLS, "php"]);

const folders = new Map<StubWire, string>();

/** A folder that goes when all tests have ended. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-php-"));
  stops.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Where the code of a wire is. */
function generated(wire: StubWire): string {
  return folders.get(wire) ?? "";
}

beforeAll(async () => {
  if (missingPhp) return;
  for (const wire of STUB_WIRES) folders.set(wire, await generatePhpStubs(wire));
  await deriveKinds();
});

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

function configOf(protocol: string, endpoint: string, address = "127.0.0.1:0"): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ address, kind: "local" }],
    upstreams: { kinds: { protocol, endpoints: [endpoint], services: ["kinds.Kinds"], timeoutMs: 20_000 } },
  };
}

async function startSidecar(name: string, protocol: string, endpoint: string): Promise<Service> {
  const sidecar = await startSidecarOfTools(`stubs-php-${name}`, configOf(protocol, endpoint));
  stops.push(sidecar.stop);
  return sidecar;
}

async function runClient(wire: StubWire, address: string): Promise<Outcome[]> {
  return outcomesOf(await runProgram("php", [join(SOURCES, "client.php"), generated(wire), address]));
}

function failures(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.filter(({ ok }) => !ok);
}

/** The requests that a server saw, by the case that made them: both are in order per method. */
function requestsOf(outcomes: readonly Outcome[], { seen }: GrpcServer | ThriftRecorder): Map<string, string> {
  const requests = new Map<string, string>();
  for (const { name } of outcomes) {
    const request = seen.get(methodOf(name))?.shift();
    if (request) requests.set(name, request.toString("hex"));
  }
  return requests;
}

/** PHP's official library leaves out arguments' structs and zeros of its own accord in none of these. */
function expectSame(own: ReadonlyMap<string, string>, official: ReadonlyMap<string, string>): void {
  const names = CASES.filter(({ name, differs }) => !differs && own.has(name) && official.has(name)).map(
    ({ name }) => name,
  );
  expect(names.length).toBeGreaterThan(45);
  for (const name of names) expect([name, own.get(name)]).toEqual([name, official.get(name)]);
}

function needs(skip: (condition: boolean, note?: string) => void, ...tools: readonly Tool[]): void {
  const missing = whatIsMissing(tools);
  skip(missing !== undefined, missing);
}

describe("PHP", () => {
  test("all that is generated, and the runtime, has no fault for `php -l` and PSR-12", async ({ skip }) => {
    needs(skip, "php", "phpcs");
    const folders = ["clients/php", "test/golden/stubs/php", "test/interop/stubs-php"].map((path) => join(ROOT, path));
    const files = folders.flatMap((folder) => phpFiles(folder));
    expect(files.length).toBeGreaterThan(150);
    for (let at = 0; at < files.length; at += 40) {
      await Promise.all(files.slice(at, at + 40).map((file) => runProgram("php", ["-l", file])));
    }
    expect(await runProgram("phpcs", ["--standard=PSR12", "--report=emacs", ...folders])).toBe("");
  });

  test.for(STUB_WIRES)("all that is generated for %s loads beside the runtime", async (wire, { skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const folder = join(ROOT, "test/golden/stubs/php", wire);
    const counts: { classes: number; messages: number } = JSON.parse(
      await runProgram("php", [join(SOURCES, "load.php"), folder]),
    );
    expect(counts.classes).toBe(phpFiles(folder).length);
    expect(counts.messages).toBeGreaterThan(20);
  });

  test("a runtime that is too old is refused when generated code loads", async ({ skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const old = temporaryFolder();
    cpSync(join(ROOT, "clients/php/src"), old, { recursive: true });
    unlinkSync(join(old, "RuntimeVersion1.php"));
    const program = `spl_autoload_register(function ($class) use ($argv) {
      $file = $argv[str_starts_with($class, "Causeway") ? 1 : 2] . "/" . strtr(str_replace("Causeway", "", $class), "\\\\", "/") . ".php";
      if (is_file($file)) require $file;
    });
    new Kinds\\Point(1, 2);`;
    const php = runProgram("php", ["-r", program, "--", old, generated("thrift")]);
    await expect(php).rejects.toThrow(/Interface "Causeway\\RuntimeVersion1" not found/);
  });

  test.for(STUB_WIRES)("bytes that are no %s message are refused, whatever they are", async (wire, { skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const counts: { read: number; refused: number } = JSON.parse(
      await runProgram("php", [join(SOURCES, "bytes.php"), generated(wire)]),
    );
    expect(counts.read + counts.refused).toBeGreaterThanOrEqual(18_000);
    expect(counts.refused).toBeGreaterThan(3_000);
  });
});

function phpFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".php") && statSync(join(folder, name)).isFile())
    .map((name) => join(folder, name));
}

describe("a stub in PHP calls through a sidecar", () => {
  test.for(STUB_WIRES)("a gRPC server, with %s", async (wire, { skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const server = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
    stops.push(server.stop);
    const sidecar = await startSidecar(`grpc-${wire}`, "grpc", server.address);
    const outcomes = await runClient(wire, sidecar.ready);
    expect(outcomes.length).toBeGreaterThan(70);
    // grpc-js takes 4 MB.
    expect(failures(outcomes).map(({ name }) => name)).toEqual(["echoBinary: 5 MB"]);
    if (whatIsMissing(GO_TOOLS)) return;
    const own = requestsOf(outcomes, server);
    server.seen.clear();
    const official = await runGoGrpcClient(await buildGo(), server.address);
    expectSame(own, requestsOf(official, server));
  });

  test.for(STUB_WIRES)("Apache Thrift's server for Go, with %s", async (wire, { skip }) => {
    skip(missingGo !== undefined, missingGo);
    const server = await startService(await buildGo(), ["thrift-server"], READY);
    stops.push(server.stop);
    const recorder = await startThriftRecorder(server.ready);
    stops.push(recorder.stop);
    const sidecar = await startSidecar(`thrift-${wire}`, "thrift-framed", recorder.address);
    const outcomes = await runClient(wire, sidecar.ready);
    expect(failures(outcomes)).toEqual([]);
    if (whatIsMissing(PHP_TOOLS)) return;
    const own = requestsOf(outcomes, recorder);
    recorder.seen.clear();
    const official = await (await buildPhpClient())(recorder.address, "framed", "strict");
    expectSame(own, requestsOf(official, recorder));
  });
});

describe("a stub in PHP serves", () => {
  /** `php -S`, and the file with its notes. */
  async function startPhp(wire: StubWire): Promise<string> {
    const notes = join(temporaryFolder(), "notes");
    const env = { GENERATED: generated(wire), NOTES: notes };
    const port = await freePort();
    const script = join(SOURCES, "front.php");
    const args = ["-S", `127.0.0.1:${port}`, "-d", "display_errors=stderr", script];
    const server = await startService("/bin/sh", ["-c", `exec php "$@" 2>&1`, "php", ...args], /(Development Server)/, {
      env,
    });
    stops.push(server.stop);
    return `127.0.0.1:${port}`;
  }

  test("Apache Thrift's client for PHP over HTTP", async ({ skip }) => {
    needs(skip, ...PHP_TOOLS);
    const outcomes = await (await buildPhpClient())(await startPhp("thrift"), "http", "strict");
    expect(outcomes.length).toBeGreaterThan(60);
    expect(failures(outcomes)).toEqual([]);
  });

  test("Connect's unary calls", async ({ skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const address = await startPhp("protobuf");
    const types = loadSync(TWIN, { includeDirs: [join(ROOT, TWINS)], keepCase: true, longs: String, defaults: false });
    const typeOf = (name: string) => types[`kinds.${name}`] as MessageTypeDefinition<object, object>;
    const call = async (method: string, request: object, headers: Record<string, string> = {}) => {
      const owner = method === "who" || method === "ping" ? "Basic" : "Kinds";
      const response = await fetch(`http://${address}/kinds.Kinds/${method}`, {
        method: "POST",
        headers: { "content-type": "application/proto", "connect-protocol-version": "1", ...headers },
        body: typeOf(`${owner}_${method}_args`).serialize(request),
      });
      const body = Buffer.from(await response.arrayBuffer());
      const { status } = response;
      if (status !== 200) return { status, error: JSON.parse(body.toString()), headers: response.headers };
      return { status, result: typeOf(`${owner}_${method}_result`).deserialize(body), headers: response.headers };
    };
    expect(await call("sum", { first: 1, second: "9007199254740990", others: [1, 1] })).toMatchObject({
      result: { success: "9007199254740993" },
    });
    const who = await call("who", {}, { "x-tag": "a", "connect-timeout-ms": "5000" });
    expect(who.result).toEqual({ success: "the PHP stubs" });
    expect(who.headers.get("x-seen")).toBe("a");
    expect(who.headers.get("trailer-x-left")).toBe("some");
    const thrown = await call("fail", { how: 1 });
    expect(thrown).toMatchObject({ status: 404, error: { code: "not_found", details: [{ type: "kinds.NotFound" }] } });
    expect(typeOf("NotFound").deserialize(Buffer.from(thrown.error.details[0].value, "base64"))).toEqual({
      what: "shelf",
      id: "9007199254740993",
    });
    expect(await call("fail", { how: 4 })).toMatchObject({
      status: 500,
      error: { code: "internal", message: "the shelf fell over" },
    });
    expect(await call("echoScalars", { value: { text: "out of range" } })).toMatchObject({
      status: 500,
      error: { message: "success.tiny: 300 is out of range: expected an integer from -128 to 127" },
    });
    const numbered = await call("ping", {}, { "1": "2" });
    expect(numbered.status).toBe(200);
    expect(await call("ping", {}, { "connect-timeout-ms": "0" })).toMatchObject({
      status: 504,
      error: { code: "deadline_exceeded" },
    });
    expect(await call("ping", {}, { "connect-timeout-ms": "soon" })).toMatchObject({ status: 400 });
    const url = `http://${address}/kinds.Kinds`;
    const plain = (path: string, init: RequestInit) => fetch(`${url}${path}`, init).then(({ status }) => status);
    expect(await plain("/ping", {})).toBe(405);
    const proto = { "content-type": "application/proto" };
    expect(await plain("/ping", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })).toBe(
      415,
    );
    expect(await plain("/absent", { method: "POST", headers: proto })).toBe(501);
    expect(await plain("/echoScalars", { method: "POST", headers: proto, body: "\x0a\xff" })).toBe(400);
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

describe("a stub in PHP, where the sidecar", () => {
  test("is not there, says where it looked and how to start one", async ({ skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const address = `unix:${join(tmpdir(), "causeway-nobody.sock")}`;
    const args = [join(SOURCES, "nobody.php"), generated("thrift")];
    expect(await runProgram("php", args, { env: { CAUSEWAY_ADDRESS: address } })).toMatch(
      /^UNAVAILABLE not sent no Causeway sidecar listens on unix:\S+ \(No such file.*causeway serve.*CAUSEWAY_ADDRESS/,
    );
  });

  test("is silent, gives up at the deadline of the call being served, and has told the sidecar of it and of the trace", async ({
    skip,
  }) => {
    skip(missingPhp !== undefined, missingPhp);
    const frames: Buffer[] = [];
    const silent = await listen(
      (socket) => void socket.on("error", () => {}).on("data", (chunk) => frames.push(chunk)),
    );
    stops.push(silent.stop);
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const args = [join(SOURCES, "travel.php"), generated("thrift"), silent.address, trace];
    expect(await runProgram("php", args)).toBe("DEADLINE_EXCEEDED sent the deadline passed before the answer came\n");
    const frame: HeaderFrame = readTTHeader(Buffer.concat(frames).subarray(4));
    const headers = readRequestHeaders(frame, "ttheader", false);
    expect(headers).toMatchObject({ service: "kinds.Kinds", profile: true });
    expect(headers.timeoutMs).toBeGreaterThan(0);
    expect(headers.timeoutMs).toBeLessThanOrEqual(300);
    expect([...headers.metadata]).toEqual([
      ["x-tag", "a"],
      ["x-tag", "b"],
      ["traceparent", trace],
      ["tracestate", "a=1,b=2"],
    ]);
    expect(Object.fromEntries(frame.numbered)).toMatchObject({ 3: "page", 9: "echoString", 22: "1" });
  });

  test("dies in the middle of a call, fails that call and makes the next one once it is back", async ({ skip }) => {
    skip(missingPhp !== undefined, missingPhp);
    const folder = temporaryFolder();
    const path = join(folder, "sidecar.sock");
    // The sidecar may connect before there is a call.
    const calls = new EventEmitter();
    const silent = await listen((socket) => void socket.on("error", () => {}).once("data", () => calls.emit("call")));
    stops.push(silent.stop);
    const called = once(calls, "call");
    const before = startSidecarForTest(JSON.stringify(configOf("thrift-framed", silent.address, `unix:${path}`)));
    await before.addressOf("local");
    const client = runProgram("php", [join(SOURCES, "restart.php"), generated("protobuf"), `unix:${path}`]);
    await called;
    before.process.kill("SIGKILL");
    await before.exited;
    rmSync(path, { force: true });
    const server = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
    stops.push(server.stop);
    const after = startSidecarForTest(JSON.stringify(configOf("grpc", server.address, `unix:${path}`)));
    await after.addressOf("local");
    expect((await client).split("\n")).toEqual([
      "first: UNAVAILABLE sent the sidecar closed the connection before it answered",
      "second: second",
      "third: third",
      "",
    ]);
  });
});

/** A server that counts its connections. */
async function listen(handle: (socket: Socket) => void, path?: string) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    handle(socket);
  });
  await new Promise<void>((resolve) => (path ? server.listen(path, resolve) : server.listen(0, "127.0.0.1", resolve)));
  const address = server.address();
  return {
    server,
    address: typeof address === "object" && address ? `127.0.0.1:${address.port}` : `unix:${path}`,
    count: () => sockets.size,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("a server in PHP registers, registers again when its lease was lost, and leaves", async ({ skip }) => {
  skip(missingPhp !== undefined, missingPhp);
  const seen: string[] = [];
  let beats = 0;
  const server = createHttpServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      const refused = body.includes('"upstream":""');
      const lost = request.url?.endsWith("/heartbeat") && ++beats === 2;
      response.statusCode = refused ? 400 : lost ? 404 : 200;
      const lease = { id: `kinds/${seen.length}`, lease: "6s" };
      response.end(
        JSON.stringify(refused ? { code: "invalid_argument", message: "upstream is empty" } : lost ? {} : lease),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const args = [join(SOURCES, "register.php"), generated("thrift"), `127.0.0.1:${port}`];
  expect(await runProgram("php", args)).toBe("2\nPUT /v1/instances: upstream is empty\n");
  const instance =
    '"upstream":"kinds","services":["kinds.Kinds"],"address":"unix:/run/php/fpm.sock",' +
    '"codec":"CODEC_THRIFT_BINARY","framing":"FRAMING_FASTCGI"';
  expect(seen.slice(0, 5)).toEqual([
    `PUT /v1/instances {"instance":{${instance}},"lease":"12s"}`,
    "POST /v1/instances/kinds%2F1/heartbeat {}",
    "POST /v1/instances/kinds%2F2/heartbeat {}",
    `PUT /v1/instances {"instance":{${instance}},"lease":"6s"}`,
    "DELETE /v1/instances/kinds%2F4 ",
  ]);
});

test("the example in clients/php/example calls and serves as its README says", async ({ skip }) => {
  needs(skip, "php", "composer");
  const client = join(ROOT, CACHE, "example/php");
  const example = join(client, "example");
  rmSync(client, { recursive: true, force: true });
  cpSync(join(ROOT, "clients/php"), client, { recursive: true, filter: (path) => !/\/(?:vendor|gen)$/.test(path) });
  const args = ["--lang", "php", "--server", "--out", "gen", join(ROOT, "idl/shop/inventory.thrift")];
  await generateStubs(args, { cwd: example });
  await runProgram("composer", ["install", "--no-interaction", "--quiet"], { cwd: example });
  const port = await freePort();
  const script = `exec php "$@" 2>&1`;
  const serve = ["-c", script, "php", "-S", `127.0.0.1:${port}`, "public/index.php"];
  const server = await startService("/bin/sh", serve, /(Development Server)/, { cwd: example });
  stops.push(server.stop);
  // What it says, but for the ports.
  const { upstreams } = parse(readFileSync(join(example, "causeway.yaml"), "utf8"));
  upstreams.inventory.endpoints = [`127.0.0.1:${port}`];
  const sidecar = await startSidecarOfTools("stubs-php-example", {
    schema: { files: [join(ROOT, "idl/shop/inventory.thrift")] },
    listeners: [{ address: "127.0.0.1:0", kind: "local" }],
    upstreams,
  });
  stops.push(sidecar.stop);
  const env = { CAUSEWAY_ADDRESS: sidecar.ready };
  const call = (sku: string) => runProgram("php", ["client.php", sku], { cwd: example, env });
  expect(await call("TEA-GREEN-100")).toBe("Green tea, 100 g, 6 EUR\nreserved: reservation-order-1\n");
  expect(await call("LOST")).toBe("there is no LOST\n");
});

describe("under PHP-FPM", () => {
  /** One worker, so that requests share what outlives them. */
  async function startFpm(folder: string): Promise<string> {
    const path = join(folder, "fpm.sock");
    const asRoot = process.getuid?.() === 0;
    const lines = [
      "[global]",
      "daemonize = no",
      "[www]",
      ...(asRoot ? ["user = root", "group = root"] : []),
      `listen = ${path}`,
      "pm = static",
      "pm.max_children = 1",
      "catch_workers_output = yes",
      "clear_env = no",
    ];
    writeFileSync(join(folder, "fpm.conf"), `${lines.join("\n")}\n`);
    const args = ["-n", "-F", "-O", ...(asRoot ? ["-R"] : []), "-y", join(folder, "fpm.conf")];
    const script = `exec "$@" 2>&1`;
    const fpm = await startService(
      "/bin/sh",
      ["-c", script, "fpm", phpFpm() ?? "php-fpm", ...args],
      /(ready to handle)/,
    );
    stops.push(fpm.stop);
    return path;
  }

  const page = (script: string, more: Record<string, string>) => ({
    REQUEST_METHOD: "GET",
    SCRIPT_FILENAME: join(SOURCES, script),
    REQUEST_URI: "/",
    ...more,
  });

  test.for(STUB_WIRES)(
    "requests share a connection, and what one left half read is never another's answer (%s)",
    async (wire, { skip }) => {
      needs(skip, "php", "php-fpm");
      const folder = temporaryFolder();
      const fpm = await startFpm(folder);
      const grpc = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
      stops.push(grpc.stop);
      const sidecar = await startSidecar(`fpm-${wire}`, "grpc", grpc.address);
      const [host, port] = sidecar.ready.split(":");
      // Stands before the sidecar and counts.
      const proxy = await listen(
        (caller) => {
          const callee = connect(Number(port), host);
          caller.pipe(callee).pipe(caller);
          for (const socket of [caller, callee]) socket.on("error", () => {});
        },
        join(folder, "sidecar.sock"),
      );
      stops.push(proxy.stop);
      const get = (mode: string) =>
        requestFastCgi(fpm, page("page.php", { GENERATED: generated(wire), ADDRESS: proxy.address, MODE: mode }));
      for (let i = 0; i < 5; i++) {
        const { status, body } = await get("who");
        expect([status, body.toString()]).toEqual([200, "grpc-js 9007199254740993"]);
      }
      expect(proxy.count()).toBe(1);
      expect((await get("fill")).status).toBe(200);
      const dead = await get("die");
      expect(dead.status).toBe(500);
      for (let i = 0; i < 3; i++) expect((await get("who")).body.toString()).toBe("grpc-js 9007199254740993");
      expect(proxy.count()).toBe(2);
    },
  );

  test("the front controller serves Thrift over FastCGI", async ({ skip }) => {
    needs(skip, "php", "php-fpm");
    const folder = temporaryFolder();
    const fpm = await startFpm(folder);
    const post = (body: Buffer, more: Record<string, string> = {}) =>
      requestFastCgi(
        fpm,
        page("front.php", {
          REQUEST_METHOD: "POST",
          REQUEST_URI: "/kinds.Kinds",
          CONTENT_TYPE: "application/vnd.apache.thrift.binary",
          CONTENT_LENGTH: String(body.length),
          GENERATED: generated("thrift"),
          NOTES: join(folder, "notes"),
          ...more,
        }),
        body,
      );
    const call = (method: string, struct: string, type = 1) => {
      const name = Buffer.from(method);
      const head = Buffer.alloc(8);
      head.writeUInt32BE(0x80010000 + type);
      head.writeUInt32BE(name.length, 4);
      return Buffer.concat([head, name, Buffer.from([0, 0, 0, 7]), Buffer.from(struct, "hex")]);
    };
    const sent = "0b0001000f4240".concat("78".repeat(1_000_000), "00");
    const echoed = await post(call("echoString", sent));
    expect(echoed.headers.get("content-type")).toBe("application/vnd.apache.thrift.binary");
    expect(echoed.body.equals(call("echoString", sent.replace("0b0001", "0b0000"), 2))).toBe(true);
    const late = await post(call("ping", "00"), { HTTP_CLIENT_TIMEOUT: "0" });
    expect(late.headers.get("cw-code")).toBe("4");
    expect(late.body.toString("latin1")).toContain("[grpc:4 DEADLINE_EXCEEDED]");
    expect((await post(call("note", "0b00010000000568656c6c6f00", 4))).body.length).toBe(0);
    expect((await post(call("notes", "00"))).body.toString("latin1")).toContain("hello");
    const bad = await post(Buffer.from("not thrift"));
    expect(bad.headers.get("cw-code")).toBe("3");
    const seen = await post(call("who", "00"), { HTTP_X_TAG: "a", HTTP_TRACEPARENT: "" });
    expect(seen.headers.get("x-seen")).toBe("a");
    expect(seen.headers.get("cw-t-x-left")).toBe("forever");
    unlinkSync(join(folder, "notes"));
  });
});
