// The programs that stand on the stubs of each language: how each is generated, built and run.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { generateStubs } from "../../tools/causeway.ts";
import { startPhpFpm } from "../../tools/php-fpm.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import type { Outcome } from "./programs.ts";
import type { StubLanguage } from "./stub-cases.ts";

export const STUB_WIRES = ["thrift", "protobuf"] as const;
/** What a stub puts on the wire. */
export type StubWire = (typeof STUB_WIRES)[number];

const KINDS = "idl/kinds/kinds.thrift";
const GENERATOR = ["codegen", "src/schema", "src/cli"];
const READY = /^ready (.*)$/;
const JAVAC = ["-encoding", "UTF-8", "--release", "17", "-Xlint:all", "-Werror"];

/** Builds the Go programs whose stubs speak `wire`; gives the folder with the commands `stubs` and `kinds`. */
export function buildGoStubs(wire: StubWire): Promise<string> {
  const golden = "test/golden/stubs/idl";
  return buildOnce({
    folder: `.cache/interop/stubs-go-${wire}`,
    sources: "test/interop/stubs-go",
    inputs: [golden, KINDS, "clients/go", ...GENERATOR],
    async make(cwd) {
      const files = [`${golden}/services.thrift`, `${golden}/services.proto`, KINDS];
      const to = ["--package", "stubs.test/gen", "--wire", wire, "--server", "--out", join(cwd, "gen")];
      await generateStubs(["--lang", "go", ...to, ...files]);
      await runProgram("go", ["vet", "./..."], { cwd });
      await runProgram("go", ["build", "-o", "stubs", "."], { cwd });
      await runProgram("go", ["build", "-o", "kinds.command", "./kinds"], { cwd });
    },
  });
}

/** Compiles Java's runtime and its programs over stubs that speak `wire`; gives the folder of the classes. */
export async function buildJavaStubs(wire: StubWire): Promise<string> {
  const report = "test/interop/java/src/main/java/client/Report.java";
  const folder = await buildOnce({
    folder: `.cache/stubs-java/${wire}`,
    sources: "test/interop/stubs-java",
    inputs: ["clients/java/src", KINDS, report, ...GENERATOR],
    async make(cwd) {
      await generateStubs(["--lang", "java", "--server", "--wire", wire, "--out", join(cwd, "gen"), KINDS]);
      await compileJava(cwd, [...javaFiles(cwd), join(ROOT, report)]);
    },
  });
  return join(folder, "classes");
}

/** Compiles sources and the runtime with all warnings as errors, into the folder `classes` of `cwd`. */
export async function compileJava(cwd: string, sources: readonly string[]): Promise<void> {
  const runtime = javaFiles(join(ROOT, "clients/java/src"));
  await runProgram("javac", [...JAVAC, "-d", "classes", ...sources, ...runtime], { cwd });
}

export function javaFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".java"))
    .map((name) => join(folder, name));
}

/** The arguments of `java` that run one of the programs. */
export function javaArgs(classes: string, program: string, ...args: readonly string[]): string[] {
  return ["-XX:TieredStopAtLevel=1", "-cp", classes, `client.${program}`, ...args];
}

/** Generates PHP's stubs that speak `wire`; gives their folder. */
export function generatePhpStubs(wire: StubWire): Promise<string> {
  return buildOnce({
    folder: `.cache/interop/stubs-php/${wire}`,
    sources: "idl/kinds",
    inputs: GENERATOR,
    async make(cwd) {
      rmSync(cwd, { recursive: true });
      await generateStubs(["--lang", "php", "--server", "--wire", wire, "--out", cwd, KINDS]);
    },
  });
}

/** One language's programs over the stubs of one wire. */
export interface StubPrograms {
  /** The client, through the sidecar at `address`, before a server of stubs for a language. */
  runClient(address: string, server: StubLanguage): Promise<Outcome[]>;
  /** The server; `ready` is its address. */
  startServer(env?: Readonly<Record<string, string>>): Promise<Service>;
}

/** The programs of each language. */
export const STUBS: Readonly<Record<StubLanguage, (wire: StubWire) => Promise<StubPrograms>>> = {
  go: goStubs,
  java: javaStubs,
  php: phpStubs,
};

export async function goStubs(wire: StubWire): Promise<StubPrograms> {
  const command = join(await buildGoStubs(wire), "kinds.command");
  return {
    runClient: async (address, server) => outcomesOf(await runProgram(command, ["client", address, wire, server])),
    startServer: (env = {}) => startService(command, ["server"], READY, { env }),
  };
}

async function javaStubs(wire: StubWire): Promise<StubPrograms> {
  const classes = await buildJavaStubs(wire);
  return {
    runClient: async (address, server) =>
      outcomesOf(await runProgram("java", javaArgs(classes, "StubClient", address, server))),
    startServer: (env = {}) =>
      startService(
        "java",
        javaArgs(
          classes,
          "StubServer",
          "127.0.0.1:0",
          ...(env["REGISTER_AS"] ? [env["CAUSEWAY_HTTP_ADDRESS"] ?? ""] : []),
        ),
        READY,
        { env },
      ),
  };
}

/** The server is a front controller under PHP-FPM, with six processes. */
async function phpStubs(wire: StubWire): Promise<StubPrograms> {
  const generated = await generatePhpStubs(wire);
  const client = join(ROOT, "test/interop/stubs-php/client.php");
  return {
    runClient: async (address, server) => outcomesOf(await runProgram("php", [client, generated, address, server])),
    async startServer(env = {}) {
      const folder = mkdtempSync(join(tmpdir(), "causeway-php-"));
      const fpm = await startPhpFpm(folder, 6, { GENERATED: generated, NOTES: join(folder, "notes"), ...env });
      return {
        ...fpm,
        async stop() {
          await fpm.stop();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

/** What a sidecar's config says of the upstream that a language's server is. */
export function upstreamOf(language: StubLanguage, wire: StubWire): object {
  const codec = wire === "thrift" ? "thrift-binary" : "protobuf";
  if (language !== "php") return { protocol: "ttheader", codec };
  return { protocol: "fastcgi", codec, script: join(ROOT, "test/interop/stubs-php/front.php"), maxConnections: 6 };
}

/** The lines of a program that report a case. */
export function outcomesOf(text: string): Outcome[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): Outcome => JSON.parse(line));
}
