// Kitex as a program: how it is built from the IDL of Kinds and its derived twin, and run as client and as server.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, vi } from "vitest";
import { type App, checkConfig, createApp } from "../../src/app/app.ts";
import { formatAddress } from "../../src/base/address.ts";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";
import { quietLog } from "../quiet-log.ts";
import { type Outcome, TWIN, TWINS } from "./programs.ts";

const IDL = "idl/kinds/kinds.thrift";
const MODULE = "causeway.test/kitex";
const READY = /^ready (.*)$/;
const CLIENT_MS = 90_000;

export type Payload = "thrift" | "protobuf";

/** A Kitex client: what its messages are, and what stands around them; `mux` is many calls on one TTHeader connection. */
export interface KitexClient {
  readonly payload: Payload;
  readonly transport: "buffered" | "framed" | "ttheader" | "ttheader-framed" | "mux";
}

/** Who answers, as far as it matters to what a client can expect. */
export type Answering = "kitex-thrift" | "kitex-protobuf" | "kitex-plain" | "grpc" | "thrift";

/** Builds the program; needs the twin. Kitex's own generator makes the code for both IDLs. Gives the path of the command. */
export async function buildKitex(): Promise<string> {
  const folder = await buildOnce({
    folder: ".cache/interop/kitex",
    sources: "test/interop/kitex",
    inputs: [IDL, TWINS],
    async make(cwd) {
      await runProgram("go", ["build", "-o", "bin/", "github.com/cloudwego/kitex/tool/cmd/kitex"], { cwd });
      const generate = (...args: string[]) =>
        runProgram(join(cwd, "bin/kitex"), ["-module", MODULE, "-gen-path", "gen", ...args], { cwd });
      copyProto(TWIN, `${MODULE}/gen/kindspb`, cwd);
      copyProto("causeway/options.proto", `${MODULE}/gen/rules`, cwd);
      await generate(join(ROOT, IDL));
      await generate("-type", "protobuf", "-I", "idl", join("idl", TWIN));
      await runProgram("go", ["build", "-o", "bin/kinds", "."], { cwd });
    },
  });
  return join(folder, "bin/kinds");
}

/** Copies a file of the twin with the Go package that Kitex's generator insists on. */
function copyProto(file: string, goPackage: string, cwd: string): void {
  const target = join(cwd, "idl", file);
  mkdirSync(dirname(target), { recursive: true });
  const text = readFileSync(join(ROOT, TWINS, file), "utf8");
  writeFileSync(
    target,
    text.replace(/^package .*;$/m, (line) => `${line}\noption go_package = "${goPackage}";`),
  );
}

/** Starts a server; with `mux` it answers the calls of a connection side by side, else one after the other. */
export function startKitexServer(command: string, payload: Payload, mux: boolean): Promise<Service> {
  return startService(command, ["server", payload, ...(mux ? ["mux"] : [])], READY);
}

/** Runs all cases of a client, one after the other. */
export async function runKitexClient(
  command: string,
  { payload, transport }: KitexClient,
  address: string,
  answering: Answering,
): Promise<Outcome[]> {
  const signal = AbortSignal.timeout(CLIENT_MS);
  const lines = await runProgram(command, ["client", payload, transport, address, answering], { signal });
  return outcomesOf(lines);
}

/**
 * Starts a client with many calls in flight on one connection, then runs `meanwhile`; gives what became of those, and of a
 * further one, which is to fail with a `text`.
 */
export async function runThroughDrain(
  command: string,
  { payload, address, text }: { payload: Payload; address: string; text: string },
  meanwhile: () => Promise<void>,
): Promise<Outcome[]> {
  const client = await startService(command, ["drain", payload, address, text], /^(in flight)$/);
  try {
    await meanwhile();
    const lines = () => client.tail().match(/^\{.*\}$/gm) ?? [];
    await vi.waitFor(() => expect(lines()).toHaveLength(2), { timeout: 10_000 });
    return outcomesOf(lines().join("\n"));
  } finally {
    await client.stop();
  }
}

function outcomesOf(lines: string): Outcome[] {
  return lines
    .trim()
    .split("\n")
    .map((line): Outcome => JSON.parse(line));
}

/** A sidecar in this process. */
export interface LocalSidecar {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a sidecar with one upstream that serves Kinds. */
export async function startKindsSidecar(name: string, upstream: object, drainMs = 0): Promise<LocalSidecar> {
  const file = join(ROOT, ".cache/sidecar", `kitex-${name}.yaml`);
  mkdirSync(dirname(file), { recursive: true });
  const config = {
    schema: { files: [join(ROOT, IDL)] },
    listeners: [{ kind: "local", address: "127.0.0.1:0", defaultService: "kinds.Kinds" }],
    upstreams: { kinds: { timeoutMs: 10_000, services: ["kinds.Kinds", "kinds.Basic"], ...upstream } },
    drainMs,
  };
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  const said: string[] = [];
  const checked = await checkConfig(file, ({ message }) => said.push(message));
  if (!checked) throw new Error(`${file}: ${said.join("; ")}`);
  const app = await createApp(checked, quietLog);
  return { address: addressOf(app), close: app.close };
}

function addressOf({ listeners }: App): string {
  const address = listeners[0]?.address;
  if (!address) throw new Error("the sidecar has no listener");
  return formatAddress(address);
}
