// `node test/fuzz/codec.ts --executions N [--seed N]`: mutated messages through the engine; prints the figures, or the first
// message that breaks a promise and exits 1.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzzCodec } from "./fuzz-codec.ts";

const { values } = parseArgs({
  options: { executions: { type: "string", default: "100000" }, seed: { type: "string" } },
});
const executions = Number(values.executions);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const startMs = performance.now();
const perSecond = (done: number) => Math.round((done * 1000) / (performance.now() - startMs));

process.stderr.write(`${executions} executions, seed ${seed}\n`);
const figures = fuzzCodec(executions, seed, (done) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${executions}, ${perSecond(done)} per second `);
});
if (process.stderr.isTTY) process.stderr.write("\n");
const { translated, refused, slowestMs, memoryBytes } = figures;
process.stdout.write(
  `${figures.executions} messages, each twice: ${translated} translated, ${refused} refused, none broke a promise; ` +
    `slowest ${slowestMs.toFixed(1)} ms, at most ${(memoryBytes / 2 ** 20).toFixed(1)} MiB, ${perSecond(figures.executions)} per second\n`,
);
