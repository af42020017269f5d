// Go's official libraries on the messages of the codec benchmark: builds the program in bench/go and runs it.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { buildOnce, ROOT } from "../tools/build-cache.ts";
import { runProgram } from "../tools/program.ts";

/** One message in both encodings. */
export interface NativeMessage {
  readonly case: string;
  readonly type: string;
  readonly codec: string;
  readonly thrift: Uint8Array;
  readonly protobuf: Uint8Array;
}

export interface NativeResult {
  readonly case: string;
  readonly codec: string;
  readonly direction: string;
  readonly messagesPerSecond: number;
}

/** Needs go, thrift and protoc. */
export async function measureNative(
  messages: readonly NativeMessage[],
  rounds: number,
): Promise<readonly NativeResult[]> {
  const folder = await buildOnce({
    folder: ".cache/bench/go",
    sources: "bench/go",
    inputs: ["bench/idl"],
    async make(cwd) {
      const module = "causeway.bench/native/gen";
      mkdirSync(join(cwd, "gen"));
      const idl = join(ROOT, "bench/idl");
      await runProgram("thrift", ["-out", "gen", "--gen", `go:package_prefix=${module}/`, join(idl, "orders.thrift")], {
        cwd,
      });
      rmSync(join(cwd, "bin"), { recursive: true, force: true });
      await runProgram("go", ["build", "-o", "bin/", "google.golang.org/protobuf/cmd/protoc-gen-go"], { cwd });
      const env = { PATH: `${join(cwd, "bin")}${delimiter}${process.env["PATH"]}` };
      const options = ["--go_out=gen", `--go_opt=module=${module}`, `--go_opt=Morders.proto=${module}/orderspb`];
      await runProgram("protoc", ["-I", idl, ...options, "orders.proto"], { cwd, env });
      await runProgram("go", ["build", "-o", "bin/native", "."], { cwd });
    },
  });
  const input = messages.map((message) =>
    JSON.stringify({
      ...message,
      thrift: Buffer.from(message.thrift).toString("base64"),
      protobuf: Buffer.from(message.protobuf).toString("base64"),
    }),
  );
  const { status, stdout, stderr } = spawnSync(join(folder, "bin/native"), [String(rounds)], {
    input: input.join("\n"),
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new Error(`bench/go: ${stderr}`);
  return stdout
    .trim()
    .split("\n")
    .map((line): NativeResult => JSON.parse(line));
}
