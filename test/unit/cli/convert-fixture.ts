// Runs `causeway convert` in this process, between files of its own.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertCommand } from "../../../src/cli/convert.ts";
import { run } from "./cli-fixture.ts";

export interface Conversion {
  /** What the shell would see. */
  readonly status: number | string | null | undefined;
  /** What was written, as text and as it is. */
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** Runs `causeway convert ARGS`, with `input` to read and what is written given back, unless ARGS say otherwise. */
export async function convert(args: readonly string[], input: string | Uint8Array = ""): Promise<Conversion> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-convert-"));
  try {
    const [source, target] = [join(folder, "in"), join(folder, "out")];
    writeFileSync(source, input);
    const { exitCode, stdout, stderr } = await run(convertCommand, ["--in", source, "--out", target, ...args]);
    const bytes = existsSync(target) ? readFileSync(target) : Buffer.from(stdout);
    return { status: exitCode, stdout: bytes.toString(), bytes, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
