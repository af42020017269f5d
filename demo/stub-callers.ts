// Who calls the shop with stubs: a program for each language that stubs are generated for. Each encodes in the other world's
// way, and needs no more than its language's own compiler.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, ROOT } from "../tools/build-cache.ts";
import { generateStubs } from "../tools/causeway.ts";
import { type ProgramOptions, runProgram } from "../tools/program.ts";
import type { Caller, RunCaller } from "./callers.ts";

const OVER = { gRPC: "stub, Thrift", Thrift: "stub, Protobuf" };

/** The services that speak gRPC are called in Thrift, and the other way round. */
const FILES = {
  thrift: ["idl/shop/vouchers.thrift", "idl/shop/orders.proto"],
  protobuf: ["idl/shop/inventory.thrift"],
} as const;
const INPUTS = ["idl/shop", "codegen", "src/schema", "src/cli"];

/** Generates the stubs on each wire to a folder of `out`; packages begin with what `packageOf` gives for it. */
async function generate(
  lang: string,
  out: string,
  packageOf: (wire: keyof typeof FILES) => string,
  options: ProgramOptions,
): Promise<void> {
  for (const wire of ["thrift", "protobuf"] as const) {
    const to = ["--lang", lang, "--wire", wire, "--package", packageOf(wire), "--out", join(out, wire)];
    await generateStubs([...to, "-I", "idl", ...FILES[wire]], options);
  }
}

/** Runs a program that finds the sidecar by its environment, as stubs do. */
function run(command: string, args: readonly string[], options: ProgramOptions): RunCaller {
  return (address) => runProgram(command, args, { ...options, env: { CAUSEWAY_ADDRESS: address } });
}

const go: Caller = {
  language: "Go",
  with: "stubs",
  over: OVER,
  tools: ["go"],
  async build(started, options) {
    const make = async (cwd: string): Promise<void> => {
      await generate("go", join(cwd, "gen"), (wire) => `causeway.demo/stub/gen/${wire}`, options);
      const inside = { ...options, cwd };
      const runtime = `causeway.dev/causeway=${join(ROOT, "clients/go")}`;
      await runProgram("go", ["mod", "edit", "-replace", runtime], inside);
      await runProgram("go", ["build", "-o", "caller", "."], inside);
    };
    const inputs = [...INPUTS, "clients/go"];
    const folder = await buildOnce(
      { folder: ".cache/demo/go-stub", sources: "demo/callers/go-stub", inputs, make },
      started,
    );
    return run(join(folder, "caller"), [], options);
  },
};

const java: Caller = {
  language: "Java",
  with: "stubs",
  over: OVER,
  tools: ["javac"],
  async build(started, options) {
    const runtime = "clients/java/src/main/java";
    const make = async (cwd: string): Promise<void> => {
      await generate("java", join(cwd, "gen"), (wire) => `stub.${wire}`, options);
      const sources = [cwd, join(ROOT, runtime)].flatMap(javaFiles);
      await runProgram("javac", ["-encoding", "UTF-8", "-d", "classes", ...sources], { ...options, cwd });
    };
    const inputs = [...INPUTS, runtime];
    const folder = await buildOnce(
      { folder: ".cache/demo/java-stub", sources: "demo/callers/java-stub", inputs, make },
      started,
    );
    return run("java", ["-XX:TieredStopAtLevel=1", "-cp", join(folder, "classes"), "Caller"], options);
  },
};

function javaFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".java")).map((name) => join(folder, name));
}

const php: Caller = {
  language: "PHP",
  with: "stubs",
  over: OVER,
  tools: ["php"],
  async build(started, options) {
    const make = (cwd: string): Promise<void> =>
      generate("php", join(cwd, "gen"), (wire) => `Stub\\${wire === "thrift" ? "Thrift" : "Protobuf"}`, options);
    const folder = await buildOnce(
      { folder: ".cache/demo/php-stub", sources: "demo/callers/php-stub", inputs: INPUTS, make },
      started,
    );
    return run("php", [join(folder, "caller.php"), join(ROOT, "clients/php/src")], options);
  },
};

/** Those that use stubs. */
export const STUB_CALLERS: readonly Caller[] = [go, java, php];
