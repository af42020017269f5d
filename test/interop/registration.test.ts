// Servers of the stubs of each language register with a sidecar by their own runtimes, and are called through it as long as
// they live.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { phpFpmCommand } from "../../tools/php-fpm.ts";
import { type Service, startService } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { type Sidecar, startSidecarForTest } from "../e2e/sidecar.ts";
import { buildJavaStubs, generatePhpStubs, goStubs, javaArgs, type StubWire } from "./stub-programs.ts";

const BUILD_MS = 300_000;
const PATIENCE = { timeout: 20_000, interval: 50 };
const READY = /^ready (.*)$/;

/** A sidecar with an upstream `kinds` that has only what registers. */
function startSidecar(upstream: object): Sidecar {
  return startSidecarForTest(
    JSON.stringify({
      schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
      listeners: [{ kind: "http", address: "127.0.0.1:0" }],
      registration: { unhealthyAfter: 1 },
      upstreams: { kinds: { services: ["kinds.Kinds"], discovery: "local", ...upstream } },
    }),
  );
}

async function call(sidecar: Sidecar, method: string, request: object): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${await sidecar.addressOf("http")}/kinds.Kinds/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  return { status: response.status, text: await response.text() };
}

const who = (sidecar: Sidecar) => call(sidecar, "who", {});

async function isCalled(sidecar: Sidecar): Promise<void> {
  await vi.waitFor(async () => expect(await who(sidecar)).toMatchObject({ status: 200 }), PATIENCE);
}

async function isGone(sidecar: Sidecar, why: (line: Readonly<Record<string, unknown>>) => boolean): Promise<void> {
  await sidecar.logged(why);
  expect(await who(sidecar)).toMatchObject({ status: 503, text: expect.stringContaining("has no endpoints") });
}

const hasLeft = ({ why }: Readonly<Record<string, unknown>>) => why === "it has left";
const isLeftOut = ({ msg }: Readonly<Record<string, unknown>>) =>
  msg === "a local instance fails its health checks, and is left out";

/** A method without arguments. */
const HEALTH_CHECK = '{"thrift": {"method": "ping"}}';

async function startGo(wire: StubWire, http: string): Promise<Service> {
  const { startServer } = await goStubs(wire);
  return startServer({ REGISTER_AS: "kinds", CAUSEWAY_HTTP_ADDRESS: http, HEALTH_CHECK });
}

async function startJava(wire: StubWire, http: string): Promise<Service> {
  return startService(
    "java",
    javaArgs(await buildJavaStubs(wire), "StubServer", "127.0.0.1:0", http, HEALTH_CHECK),
    READY,
  );
}

const LANGUAGES: readonly { name: string; tools: readonly Tool[]; start: typeof startGo }[] = [
  { name: "Go", tools: ["go"], start: startGo },
  { name: "Java", tools: ["javac"], start: startJava },
];
const CASES = LANGUAGES.flatMap((language) => [
  { ...language, wire: "thrift" as const, codec: "thrift-binary" },
  { ...language, wire: "protobuf" as const, codec: "protobuf" },
]);

test.for(CASES)(
  "a server in $name with $codec registers, is left out when it is killed, and leaves when it is told to end",
  { timeout: BUILD_MS },
  async ({ tools, start, wire, codec }, { skip }) => {
    const missing = whatIsMissing(tools);
    skip(missing !== undefined, missing);
    const sidecar = startSidecar({ protocol: "ttheader", codec });
    const http = await sidecar.addressOf("http");
    const first = await start(wire, http);
    onTestFinished(first.kill);
    await isCalled(sidecar);
    await first.kill();
    await isGone(sidecar, isLeftOut);

    const second = await start(wire, http);
    onTestFinished(second.kill);
    await isCalled(sidecar);
    await second.stop();
    await isGone(sidecar, hasLeft);
  },
);

const FRONT = join(ROOT, "test/interop/stubs-php/front.php");

/** A folder of this test, and what PHP's front controller finds in its environment. */
async function phpEnvironment() {
  const folder = mkdtempSync(join(tmpdir(), "causeway-register-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, env: { GENERATED: await generatePhpStubs("thrift"), NOTES: join(folder, "notes") } };
}

/** The arguments of the program that registers a server of PHP, and runs a command meanwhile. */
async function registerArgs(sidecar: Sidecar, address: string, framing: string, command: readonly string[] = []) {
  const instance = JSON.stringify({
    upstream: "kinds",
    services: ["kinds.Kinds"],
    address,
    codec: "CODEC_THRIFT_BINARY",
    framing,
    healthCheck: JSON.parse(HEALTH_CHECK),
  });
  const program = "test/interop/stubs-php/register-with.php";
  return [program, await generatePhpStubs("thrift"), await sidecar.addressOf("http"), instance, ...command];
}

test("a server in PHP is kept registered by its own process, and forgotten when that dies", {
  timeout: BUILD_MS,
}, async ({ skip }) => {
  const missing = whatIsMissing(["php"]);
  skip(missing !== undefined, missing);
  const { env } = await phpEnvironment();
  const address = `127.0.0.1:${await freePort()}`;
  const serve = ["-c", `exec php "$@" 2>&1`, "php", "-S", address, "-d", "display_errors=stderr", FRONT];
  const server = await startService("/bin/sh", serve, /(Development Server)/, { env });
  onTestFinished(server.kill);

  const sidecar = startSidecar({ protocol: "thrift-http" });
  const register = await registerArgs(sidecar, address, "FRAMING_HTTP");
  const registered = await startService("php", register, READY, { cwd: ROOT });
  onTestFinished(registered.kill);
  await isCalled(sidecar);
  await registered.kill();
  await isGone(sidecar, ({ why }) => why === "its lease is over");
});

test.for(["php -S", "PHP-FPM"])(
  "%s that its registration runs leaves on SIGTERM, and answers what it was asked before",
  { timeout: BUILD_MS },
  async (name, { skip }) => {
    const isFpm = name === "PHP-FPM";
    const missing = whatIsMissing(isFpm ? ["php", "php-fpm"] : ["php"]);
    skip(missing !== undefined, missing);
    const { folder, env } = await phpEnvironment();
    const fpm = phpFpmCommand(folder, 2);
    const address = isFpm ? `unix:${fpm.socket}` : `127.0.0.1:${await freePort()}`;
    const command = isFpm ? fpm.command : ["php", "-S", address, "-d", "display_errors=stderr", FRONT];
    const sidecar = startSidecar(isFpm ? { protocol: "fastcgi", script: FRONT } : { protocol: "thrift-http" });
    const register = await registerArgs(sidecar, address, isFpm ? "FRAMING_FASTCGI" : "FRAMING_HTTP", command);
    const server = await startService("php", register, READY, { cwd: ROOT, env });
    // It ends the server that it runs.
    onTestFinished(server.stop);
    await isCalled(sidecar);

    const last = call(sidecar, "echoString", { value: "wait a little" });
    const asked = () => expect(readFileSync(join(folder, "notes"), "utf8")).toBe("wait a little\n");
    await vi.waitFor(asked, PATIENCE);
    await server.stop();
    expect(await last).toMatchObject({ status: 200, text: expect.stringContaining("wait a little") });
    await isGone(sidecar, hasLeft);
    const [host = "", port = ""] = address.split(":");
    const socket = connect(isFpm ? { path: fpm.socket } : { host, port: Number(port) });
    await expect(once(socket, "connect")).rejects.toThrow();
  },
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
