// The command line of this clone, as the demo and the tests across languages use it: from its sources, as a process.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./build-cache.ts";
import { type ProgramOptions, runProgram, type Service, startService } from "./program.ts";

const MAIN = join(ROOT, "src/cli/main.ts");

/** Writes the derived twin of an IDL file, and of what it includes, to a folder, both relative to the root. */
export async function deriveTwin(file: string, to: "proto" | "thrift", folder: string): Promise<void> {
  mkdirSync(join(ROOT, folder), { recursive: true });
  await runProgram(process.execPath, [MAIN, "idl", join(ROOT, file), "--to", to, "--out", join(ROOT, folder)]);
}

/** Runs `causeway generate`, in the root unless `options` say another folder. */
export async function generateStubs(args: readonly string[], options: ProgramOptions = {}): Promise<void> {
  await runProgram(process.execPath, [MAIN, "generate", ...args], { cwd: ROOT, ...options });
}

/** Starts a sidecar by a config, kept as `name`.yaml below .cache; `ready` is the address of its local listener. */
export function startSidecar(name: string, config: object, signal?: AbortSignal): Promise<Service> {
  const folder = join(ROOT, ".cache/sidecar");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.yaml`);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const args = [MAIN, "serve", "-c", file];
  return startService(process.execPath, args, /"kind":"local".*?"address":"([^"]+)"/, signal ? { signal } : {});
}
