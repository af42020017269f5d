// Apache Thrift's cross-test service on the official library of each language: how its program is built, run as a client, and
// started as servers. Nothing of the service's IDL is kept here: it comes from the Go module of the compiler's version.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { buildOnce, ROOT } from "../../../tools/build-cache.ts";
import { runProgram, startService } from "../../../tools/program.ts";
import { PHP_THRIFT, type Tool } from "../../../tools/toolchain.ts";
import { startPhpFpm } from "../php-fpm.ts";
import { type Language, type ServerWire, type Wire, wireName } from "./wires.ts";

/** What a client says about one case on one of its routes. */
export interface Outcome {
  readonly route: number;
  readonly name: string;
  readonly ok: boolean;
  /** What went wrong. */
  readonly detail: string;
}

/** Where a client goes, and what its oneway call says. */
export interface Route {
  readonly address: string;
  readonly wire: Wire;
  readonly number: number;
}

/** A language's program that is built. */
export interface Program {
  /** Runs all cases on each route, one after the other. */
  runClient(routes: readonly Route[]): Promise<readonly Outcome[]>;
  /** Serves each wire at an address of its own. */
  startServers(wires: readonly ServerWire[]): Promise<Servers>;
}

export interface Servers {
  /** In the order of the wires: HOST:PORT, or unix:PATH. */
  readonly addresses: readonly string[];
  /** With a line `oneway NUMBER` for each oneway call that came. */
  output(): string;
  stop(): Promise<void>;
}

/** What all need for the IDL; Go has it, and the compiler reads it. */
export const COMMON_TOOLS: readonly Tool[] = ["go", "thrift"];

export const TOOLS: Readonly<Record<Language, readonly Tool[]>> = {
  go: [],
  java: ["javac", "mvn"],
  node: [],
  php: ["php", "php-thrift", "php-fpm"],
  python: ["python3"],
};

const IDL = ".cache/interop/cross/ThriftTest.thrift";
const TEXT = join(ROOT, "test/interop/cross/text.txt");
const READY = /^ready (.*)$/;
/** Long enough for a busy machine; a client that waits for more waits for ever, and then says where. */
const CLIENT_MS = 90_000;

/** Fetches the service's IDL, of the version that the programs' library for Go has; gives its path. */
export async function fetchIdl(): Promise<string> {
  const cwd = join(ROOT, "test/interop/cross/go");
  const said = await runProgram("go", ["mod", "download", "-json", "github.com/apache/thrift"], { cwd });
  const { Dir } = JSON.parse(said) as { readonly Dir: string };
  const path = join(ROOT, IDL);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, readFileSync(join(Dir, "test/ThriftTest.thrift")));
  return path;
}

/** Builds a language's program; needs the IDL. */
export const BUILD: Readonly<Record<Language, () => Promise<Program>>> = {
  async go() {
    const folder = await build("go", async (cwd) => {
      const idl = join(cwd, "gen/ThriftTest.thrift");
      // Go's maps cannot have sets as keys; no method has the type.
      writeFileSync(idl, readFileSync(join(ROOT, IDL), "utf8").replace(/^.*\blist_field\b.*$/m, ""));
      await generate(cwd, "go:package_prefix=causeway.test/cross/gen/", idl);
      for (const remote of ["thrift_test-remote", "second_service-remote"])
        rmSync(join(cwd, "gen/thrifttest", remote), { recursive: true });
      await runProgram("go", ["build", "-o", "cross", "."], { cwd });
    });
    return programOf(join(folder, "cross"), []);
  },

  async java() {
    const folder = await build("java", async (cwd) => {
      await generate(cwd, "java:generated_annotations=suppress", join(ROOT, IDL), "src/main/java");
      await runProgram("mvn", ["-q", "-B", "-ntp", "compile"], { cwd });
    });
    const classes = [join(folder, "target/classes"), join(folder, "target/dependency/*")].join(delimiter);
    return programOf("java", ["-XX:TieredStopAtLevel=1", "-cp", classes, "cross.Main"]);
  },

  async node() {
    const folder = await build("node", async (cwd) => {
      // What is generated is of the older kind of modules.
      writeFileSync(join(cwd, "gen/package.json"), '{ "type": "commonjs" }');
      await generate(cwd, "js:node,es6", join(ROOT, IDL));
    });
    return programOf(process.execPath, ["--no-deprecation", join(folder, "cross.mjs")]);
  },

  async php() {
    const folder = await build("php", (cwd) => generate(cwd, "php:server", join(ROOT, IDL)));
    return {
      ...programOf("php", [join(folder, "cross.php")], { PHP_THRIFT }),
      startServers: (wires) => startPhpServers(folder, wires),
    };
  },

  async python() {
    const folder = await build("python", async (cwd) => {
      await generate(cwd, "py", join(ROOT, IDL));
      await runProgram("python3", ["-m", "venv", "venv"], { cwd });
      const quiet = ["--quiet", "--disable-pip-version-check"];
      await runProgram("venv/bin/pip", ["install", ...quiet, "-r", "requirements.txt"], { cwd });
    });
    return programOf(join(folder, "venv/bin/python"), [join(folder, "cross.py")]);
  },
};

function build(language: Language, make: (folder: string) => Promise<void>): Promise<string> {
  return buildOnce({
    folder: `.cache/interop/cross/${language}`,
    sources: `test/interop/cross/${language}`,
    inputs: [IDL],
    async make(cwd) {
      mkdirSync(join(cwd, "gen"), { recursive: true });
      await make(cwd);
    },
  });
}

async function generate(cwd: string, generator: string, idl: string, out = "gen"): Promise<void> {
  await runProgram("thrift", ["-out", out, "--gen", generator, idl], { cwd });
}

function programOf(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  return {
    async runClient(routes) {
      const said = routes.map(({ address, wire, number }) => `${address}/${wireName(wire)}/${number}`);
      const signal = AbortSignal.timeout(CLIENT_MS);
      const output = await runProgram(command, [...args, "client", TEXT, ...said], { env, signal });
      return output
        .trim()
        .split("\n")
        .map((line): Outcome => JSON.parse(line));
    },
    async startServers(wires) {
      const service = await startService(command, [...args, "server", ...wires.map(wireName)], READY, { env });
      return { addresses: service.ready.split(" "), output: service.tail, stop: service.stop };
    },
  };
}

/** PHP serves pages, under PHP-FPM and under its own small server, and sockets, with a process for each wire. */
async function startPhpServers(folder: string, wires: readonly ServerWire[]): Promise<Servers> {
  const temporary = mkdtempSync(join(tmpdir(), "causeway-cross-"));
  const front = join(folder, "front.php");
  // Processes come and go, and keep what they were told in a file.
  const notes = join(temporary, "notes");
  writeFileSync(notes, "");
  const env = { PHP_THRIFT, NOTES: notes };
  const fpm = await startPhpFpm(temporary, "fpm", env);
  const http = `127.0.0.1:${await freePort()}`;
  const shell = ["-c", `exec php "$@" 2>&1`, "php", "-S", http, "-d", "display_errors=stderr", front];
  const page = await startService("/bin/sh", shell, /(Development Server)/, { env });
  const services = [fpm, page];
  async function addressOf(wire: ServerWire): Promise<string> {
    if (wire.transport === "fastcgi") return `unix:${join(temporary, "fpm.sock")}`;
    if (wire.transport === "http") return http;
    const service = await startService("php", [join(folder, "cross.php"), "server", wireName(wire)], READY, { env });
    services.push(service);
    return service.ready;
  }
  return {
    addresses: await Promise.all(wires.map(addressOf)),
    output: () => readFileSync(notes, "utf8"),
    async stop() {
      await Promise.all(services.map(({ stop }) => stop()));
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** Where PHP's front controller is, for who calls it by FastCGI. */
export const PHP_FRONT = join(ROOT, ".cache/interop/cross/php/front.php");

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
