// The programs that stand on the official libraries of other languages: how each is built and run.
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { deriveTwin } from "../../tools/causeway.ts";
import { runProgram } from "../../tools/program.ts";
import { PHP_THRIFT, type Tool } from "../../tools/toolchain.ts";

const IDL = "idl/kinds/kinds.thrift";

/** Where the derived twin of the IDL is kept, relative to the root. */
export const TWINS = ".cache/interop/idl";

/** The name under which the twin is imported from TWINS. */
export const TWIN = "kinds.proto";

/** The twin and what it imports, each with the Go package that is generated for it. */
const GO_PACKAGES = { [TWIN]: "kindspb", "causeway/options.proto": "rules" };

/** What a client program says about one case. */
export interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  /** What went wrong. */
  readonly detail: string;
}

/** A client program that is built; `address` is HOST:PORT of who serves Kinds. */
export type RunClient = (
  address: string,
  transport: "framed" | "buffered" | "http" | "theader" | "theader-zlib" | "ttheader",
  dialect: "strict" | "old" | "compact",
) => Promise<Outcome[]>;

/** Writes the twin that everything gRPC here is generated from. */
export function deriveKinds(): Promise<void> {
  return deriveTwin(IDL, "proto", TWINS);
}

export const GO_TOOLS: readonly Tool[] = ["go", "thrift", "protoc"];

/** Builds the Go program; needs the twin. Gives the path of the command. */
export async function buildGo(): Promise<string> {
  const module = "causeway.test/kinds/gen";
  const folder = await buildOnce({
    folder: ".cache/interop/go",
    sources: "test/interop/go",
    inputs: [IDL, TWINS],
    async make(cwd) {
      mkdirSync(join(cwd, "gen"));
      await runProgram("thrift", ["-out", "gen", "--gen", `go:package_prefix=${module}/`, join(ROOT, IDL)], { cwd });
      rmSync(join(cwd, "gen/kinds/kinds-remote"), { recursive: true });
      rmSync(join(cwd, "gen/kinds/basic-remote"), { recursive: true });
      await runProgram("go", ["build", "-o", "bin/", "google.golang.org/protobuf/cmd/protoc-gen-go"], { cwd });
      const packages = Object.entries(GO_PACKAGES).map(([file, name]) => `--go_opt=M${file}=${module}/${name}`);
      const target = ["--go_out=gen", `--go_opt=module=${module}`, ...packages];
      const env = { PATH: `${join(cwd, "bin")}${delimiter}${process.env["PATH"]}` };
      await runProgram("protoc", ["-I", join(ROOT, TWINS), ...target, ...Object.keys(GO_PACKAGES)], { cwd, env });
      await runProgram("go", ["build", "-o", "bin/kinds", "."], { cwd });
    },
  });
  return join(folder, "bin/kinds");
}

/** The client of Apache Thrift's library for Go. */
export function goThriftClient(command: string): RunClient {
  return async (address, ...dress) => outcomes(await runProgram(command, ["thrift-client", address, ...dress]));
}

/** Runs the client of grpc-go. */
export async function runGoGrpcClient(command: string, address: string): Promise<Outcome[]> {
  return outcomes(await runProgram(command, ["grpc-client", address]));
}

export const JAVA_TOOLS: readonly Tool[] = ["javac", "mvn", "thrift"];

/** Builds the client of Apache Thrift's library for Java. */
export async function buildJavaClient(): Promise<RunClient> {
  const folder = await buildOnce({
    folder: ".cache/interop/java",
    sources: "test/interop/java",
    inputs: [IDL],
    async make(cwd) {
      const generator = "java:generated_annotations=suppress";
      await runProgram("thrift", ["-out", "src/main/java", "--gen", generator, join(ROOT, IDL)], { cwd });
      await runProgram("mvn", ["-q", "-B", "-ntp", "compile"], { cwd });
    },
  });
  const classes = [join(folder, "target/classes"), join(folder, "target/dependency/*")].join(delimiter);
  return async (address, ...dress) => {
    const args = ["-XX:TieredStopAtLevel=1", "-cp", classes, "client.Client", ...address.split(":"), ...dress];
    return outcomes(await runProgram("java", args));
  };
}

export const PHP_TOOLS: readonly Tool[] = ["php", "php-thrift", "thrift"];

/** Generates what the client of Apache Thrift's library for PHP needs. */
export async function buildPhpClient(): Promise<RunClient> {
  const folder = await buildOnce({
    folder: ".cache/interop/php",
    sources: "test/interop/php",
    inputs: [IDL],
    async make(cwd) {
      mkdirSync(join(cwd, "gen"));
      await runProgram("thrift", ["-out", "gen", "--gen", "php", join(ROOT, IDL)], { cwd });
    },
  });
  return async (address, ...dress) => {
    const args = [join(folder, "client.php"), join(folder, "gen"), ...address.split(":"), ...dress];
    return outcomes(await runProgram("php", args, { env: { PHP_THRIFT } }));
  };
}

function outcomes(lines: string): Outcome[] {
  return lines
    .trim()
    .split("\n")
    .map((line): Outcome => JSON.parse(line));
}
