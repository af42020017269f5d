// HPACK against golang.org/x/net: random lists on one connection, encoded by each and decoded by the other.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HpackDecoder } from "../../src/protocol/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../src/protocol/http2/hpack-encoder.ts";
import { buildOnce } from "../../tools/build-cache.ts";
import { runProgram } from "../../tools/program.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { connectionStep } from "./arbitrary-headers.ts";

const STEPS = 3_000;
const missing = whatIsMissing(["go"]);

interface Answer {
  readonly error?: string;
  readonly list?: readonly string[];
  readonly block?: string;
}

async function buildProgram(): Promise<string> {
  const folder = await buildOnce({
    folder: ".cache/property/hpack-go",
    sources: "test/property/hpack-go",
    inputs: [],
    make: async (cwd) => void (await runProgram("go", ["build", "-o", "bin/hpack", "."], { cwd })),
  });
  return join(folder, "bin/hpack");
}

/** The program's answers to orders, in order. */
async function ask(command: string, orders: readonly object[]): Promise<readonly Answer[]> {
  const child = spawn(command, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(orders.map((order) => `${JSON.stringify(order)}\n`).join(""));
  const answers: Answer[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const answer: Answer = JSON.parse(line);
    answers.push(answer);
  }
  return answers;
}

test("lists survive from us to Go and from Go to us", { timeout: 300_000 }, async ({ skip }) => {
  skip(missing !== undefined, missing);
  const command = await buildProgram();
  const seed = Number(process.env["CAUSEWAY_SEED"] ?? Date.now() % 1_000_000);
  const steps = fc.sample(connectionStep, { numRuns: STEPS, seed });
  const encoder = new HpackEncoder();
  const orders = steps.flatMap((step): object[] => {
    if (typeof step === "number") {
      encoder.limitTable(step);
      return [{ resize: step }];
    }
    const length = encoder.encode(step, 1_000_000);
    return [{ decode: encoder.block.toString("hex", 0, length) }, { encode: step }];
  });
  const answers = await ask(command, orders);
  expect(answers.length, `seed ${seed}`).toBe(orders.length);

  const decoder = new HpackDecoder(1_000_000);
  let next = 0;
  for (const step of steps) {
    if (typeof step === "number") {
      decoder.limitTable(step);
      next++;
      continue;
    }
    const decoded = answers[next++]!;
    expect(decoded.error, `seed ${seed}`).toBeUndefined();
    expect(decoded.list ?? [], `seed ${seed}`).toEqual(step);
    const block = Buffer.from(answers[next++]!.block ?? "", "hex");
    expect(decoder.decode(block, 0, block.length).list, `seed ${seed}`).toEqual(step);
  }
});
