// Who calls the shop with the official libraries: a program for each language, with how it is built and what it needs to be
// there. stub-callers.ts has those that call it with stubs.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { buildOnce, ROOT } from "../tools/build-cache.ts";
import { type ProgramOptions, runProgram } from "../tools/program.ts";
import { PHP_THRIFT, type Tool } from "../tools/toolchain.ts";
import { TWINS } from "./generate.ts";

/** A program that calls the shop at an address HOST:PORT and prints a line of JSON for each call. */
export type RunCaller = (address: string) => Promise<string>;

export interface Caller {
  readonly language: string;
  readonly with: "official libraries" | "stubs";
  /** What it calls over, by what the service speaks; without an entry it does not call such services. */
  readonly over: { readonly gRPC: string; readonly Thrift?: string };
  readonly tools: readonly Tool[];
  /** Builds it unless it is built; `started` is called if there is work to do. */
  build(started: () => void, options: ProgramOptions): Promise<RunCaller>;
}

/** Each world from the other one. */
const OVER = { gRPC: "Thrift", Thrift: "gRPC" };

const VOUCHERS = "idl/shop/vouchers.thrift";

/** Files that the callers' code is generated from: the contracts, each in the language of the caller's world. */
const THRIFT_FILES = [VOUCHERS, `${TWINS}/orders.thrift`];
const PROTO_FILES = ["inventory.proto", "common.proto", "causeway/options.proto"];
const INPUTS = [VOUCHERS, "idl/shop/common.thrift", TWINS];

async function generateThrift(cwd: string, out: string, generator: string, options: ProgramOptions): Promise<void> {
  mkdirSync(join(cwd, out), { recursive: true });
  for (const file of THRIFT_FILES) {
    await runProgram("thrift", ["-r", "-out", out, "--gen", generator, join(ROOT, file)], { ...options, cwd });
  }
}

const node: Caller = {
  language: "Node",
  with: "official libraries",
  over: OVER,
  tools: [],
  build: async (_started, options) => (address) =>
    runProgram(process.execPath, [join(ROOT, "demo/callers/node.ts"), address], options),
};

const go: Caller = {
  language: "Go",
  with: "official libraries",
  over: OVER,
  tools: ["go", "thrift", "protoc"],
  async build(started, options) {
    const module = "causeway.demo/caller/gen";
    const recipe = { folder: ".cache/demo/go", sources: "demo/callers/go", inputs: INPUTS };
    const make = async (cwd: string) => {
      const inside = { ...options, cwd };
      await generateThrift(cwd, "gen", `go:package_prefix=${module}/`, options);
      for (const remote of ["shop/vouchers-remote", "shop/v1/orders-remote"]) {
        rmSync(join(cwd, "gen", remote), { recursive: true });
      }
      await runProgram("go", ["build", "-o", "bin/", "google.golang.org/protobuf/cmd/protoc-gen-go"], inside);
      await runProgram("go", ["build", "-o", "bin/", "google.golang.org/grpc/cmd/protoc-gen-go-grpc"], inside);
      const target = ["go", "go-grpc"].flatMap((plugin) => [
        `--${plugin}_out=gen`,
        `--${plugin}_opt=module=${module}`,
        ...PROTO_FILES.map((file) => {
          const name = file.includes("/") ? "rules" : "shoppb";
          return `--${plugin}_opt=M${file}=${module}/${name}`;
        }),
      ]);
      const env = { PATH: `${join(cwd, "bin")}${delimiter}${process.env["PATH"]}` };
      await runProgram("protoc", ["-I", join(ROOT, TWINS), ...target, ...PROTO_FILES], { ...inside, env });
      await runProgram("go", ["build", "-o", "bin/caller", "."], inside);
    };
    const folder = await buildOnce({ ...recipe, make }, started);
    return (address) => runProgram(join(folder, "bin/caller"), [address], options);
  },
};

const java: Caller = {
  language: "Java",
  with: "official libraries",
  over: OVER,
  tools: ["javac", "mvn", "thrift"],
  async build(started, options) {
    const recipe = { folder: ".cache/demo/java", sources: "demo/callers/java", inputs: INPUTS };
    const make = async (cwd: string) => {
      await generateThrift(cwd, "src/main/java", "java:generated_annotations=suppress", options);
      for (const file of PROTO_FILES) cpSync(join(ROOT, TWINS, file), join(cwd, "src/main/proto", file));
      await runProgram("mvn", ["-q", "-B", "-ntp", "compile"], { ...options, cwd });
    };
    const folder = await buildOnce({ ...recipe, make }, started);
    const classes = [join(folder, "target/classes"), join(folder, "target/dependency/*")].join(delimiter);
    const args = ["-XX:TieredStopAtLevel=1", "-cp", classes, "caller.Caller"];
    return (address) => runProgram("java", [...args, ...address.split(":")], options);
  },
};

const php: Caller = {
  language: "PHP",
  with: "official libraries",
  // There is no official gRPC library without an extension of PHP.
  over: { gRPC: "Thrift" },
  tools: ["php", "php-thrift", "thrift"],
  async build(started, options) {
    const recipe = { folder: ".cache/demo/php", sources: "demo/callers/php", inputs: INPUTS };
    const make = (cwd: string) => generateThrift(cwd, "gen", "php", options);
    const folder = await buildOnce({ ...recipe, make }, started);
    const env = { PHP_THRIFT };
    return (address) => {
      const args = [join(folder, "caller.php"), join(folder, "gen"), ...address.split(":")];
      return runProgram("php", args, { ...options, env });
    };
  },
};

/** Those that use the official libraries. */
export const OFFICIAL_CALLERS: readonly Caller[] = [node, go, java, php];
