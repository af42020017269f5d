// The gRPC libraries of four languages as clients and as servers of the interop suite's service, and Apache Thrift's as a
// server of what of it is unary.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { deriveTwin } from "../../tools/causeway.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import type { Tool } from "../../tools/toolchain.ts";
import { type CommonCase, type GrpcSuite, runSuiteCase } from "./grpc-suite.ts";
import { runJsCases, startJsServer } from "./grpc-suite-js.ts";

/** By the name of the case, what went wrong; undefined when nothing did. */
export type Outcomes = ReadonlyMap<string, string | undefined>;

/** One library. */
export interface GrpcPeer {
  /** Starts a server on a free port of 127.0.0.1; `ready` is its address. */
  startServer(): Promise<{ readonly ready: string; stop(): Promise<void> }>;
  runClient(address: string, names: readonly CommonCase[]): Promise<Outcomes>;
}

const READY = /^ready (.*)$/;

export function goPeer(suite: GrpcSuite): GrpcPeer {
  return {
    startServer: suite.startServer,
    async runClient(address, names) {
      const outcomes = names.map(async (name) => [name, await runSuiteCase(suite.client, address, name)] as const);
      return new Map(await Promise.all(outcomes));
    },
  };
}

export function jsPeer({ descriptors }: GrpcSuite): GrpcPeer {
  return {
    startServer: () => startJsServer(descriptors),
    runClient: (address, names) => runJsCases(address, descriptors, names),
  };
}

export const JAVA_TOOLS: readonly Tool[] = ["javac", "mvn"];

/** grpc-java with the whole of its own suite, beyond what all libraries here have. */
export interface JavaPeer extends GrpcPeer {
  runClient(address: string, names: readonly string[]): Promise<Outcomes>;
}

/** Gets the suite that grpc-java publishes. */
export async function buildJavaPeer(): Promise<JavaPeer> {
  const folder = await buildOnce({
    folder: ".cache/interop/grpc-suite-java",
    sources: "test/interop/grpc-suite-java",
    inputs: [],
    async make(cwd) {
      await runProgram("mvn", ["-q", "-B", "-ntp", "dependency:copy-dependencies"], { cwd });
      const own = readdirSync(join(cwd, "src"), { recursive: true, encoding: "utf8" });
      const files = own.filter((file) => file.endsWith(".java")).map((file) => join("src", file));
      await runProgram("javac", ["-cp", "target/dependency/*", "-d", "classes", ...files], { cwd });
    },
  });
  const path = [join(folder, "classes"), join(folder, "target/dependency/*")].join(delimiter);
  const args = ["-XX:TieredStopAtLevel=1", "-cp", path, "io.grpc.testing.integration.Suite"];
  return {
    startServer: () => startService("java", [...args, "server"], READY),
    async runClient(address, names) {
      return outcomesOf(await runProgram("java", [...args, "client", ...address.split(":"), ...names]));
    },
  };
}

export const PYTHON_TOOLS: readonly Tool[] = ["python3"];

/** grpcio, which can also have its descriptors from the server. */
export interface PythonPeer extends GrpcPeer {
  runByReflection(address: string, names: readonly CommonCase[]): Promise<Outcomes>;
}

/** Makes a virtual environment with grpcio. */
export async function buildPythonPeer({ descriptors }: GrpcSuite): Promise<PythonPeer> {
  const folder = await buildOnce({
    folder: ".cache/interop/grpc-suite-python",
    sources: "test/interop/grpc-suite-python",
    inputs: [],
    async make(cwd) {
      await runProgram("python3", ["-m", "venv", "venv"], { cwd });
      const quiet = ["--quiet", "--disable-pip-version-check"];
      await runProgram("venv/bin/pip", ["install", ...quiet, "-r", "requirements.txt"], { cwd });
    },
  });
  const python = join(folder, "venv/bin/python");
  const script = join(folder, "suite.py");
  const run = async (from: string, address: string, names: readonly CommonCase[]) =>
    outcomesOf(await runProgram(python, [script, "client", from, address, ...names]));
  return {
    startServer: () => startService(python, [script, "server", descriptors], READY),
    runClient: (address, names) => run(descriptors, address, names),
    runByReflection: (address, names) => run("reflection", address, names),
  };
}

/** Lines `case`, name and failure, with tabs between. */
function outcomesOf(output: string): Outcomes {
  const lines = output.split("\n").filter((line) => line.startsWith("case\t"));
  return new Map(lines.map((line) => [line.split("\t")[1] ?? "", line.split("\t")[2] || undefined]));
}

export const THRIFT_TOOLS: readonly Tool[] = ["thrift"];

/** Starts a server of Apache Thrift that has the unary methods of the suite's service. */
export async function startThriftServer({ descriptors }: GrpcSuite): Promise<Service> {
  const folder = await buildOnce({
    folder: ".cache/interop/grpc-suite-thrift",
    sources: "test/interop/grpc-suite-thrift",
    inputs: ["test/interop/grpc-suite"],
    async make(cwd) {
      mkdirSync(join(cwd, "gen"));
      // What is generated is of the older kind of modules.
      writeFileSync(join(cwd, "gen/package.json"), '{ "type": "commonjs" }');
      await deriveTwin(relative(ROOT, descriptors), "thrift", relative(ROOT, join(cwd, "idl")));
      const idl = join(cwd, "idl/test.thrift");
      await runProgram("thrift", ["-r", "-out", "gen", "--gen", "js:node,es6", idl], { cwd });
    },
  });
  return startService(process.execPath, [join(folder, "server.mjs")], READY);
}
