// Mutated messages of generated and of real schemas through the engine, each twice with other bytes around it in the engine's
// memory: it must end in the same bytes or the same RpcError, and stay within its limits.
import { join } from "node:path";
import { RpcError } from "../../src/base/errors.ts";
import type { Codec, Limits, Transcoder } from "../../src/codec/codec.ts";
import { createEngine, type Engine, enginePair } from "../../src/codec/engine.ts";
import { bodyOf } from "../../src/codec/interpret.ts";
import type { MessageLink } from "../../src/schema/link.ts";
import { linkSchema } from "../../src/schema/link-schema.ts";
import { loadSchema } from "../../src/schema/load.ts";
import {
  createRandom,
  mutate,
  type Random,
  randomLink,
  randomProtobuf,
  randomThrift,
} from "../property/arbitrary-link.ts";
import { compactOf } from "../property/compact-of.ts";

const LIMITS: Limits = { maxBytes: 64 * 1024, maxDepth: 24, maxElements: 5_000 };
/** More than a message of the largest size needs: input, frames, runs and output. */
const MOST_MEMORY_BYTES = 24 * 1024 * 1024;
/** How far the canary bytes go: beyond input and frames of most messages. */
const POISONED_BYTES = 16 * 1024;
const CANARIES = [0x00, 0x7f, 0xff] as const;
const EXECUTIONS_PER_ROUND = 20_000;
const LINKS_PER_ROUND = 12;
const SEEDS_PER_TARGET = 12;

const BINARY_CODECS = ["thrift-binary", "thrift-compact", "protobuf"] as const satisfies readonly Codec[];

export interface FuzzFigures {
  readonly executions: number;
  /** How many translated. */
  readonly translated: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly memoryBytes: number;
}

interface Target {
  readonly name: string;
  readonly transcode: Transcoder;
  readonly seeds: readonly Uint8Array[];
}

/** Throws at the first message that breaks a promise, with what repeats it. */
export function fuzzCodec(executions: number, seed: number, progress: (done: number) => void = () => {}): FuzzFigures {
  const tally = { executions: 0, translated: 0, refused: 0, slowestMs: 0, memoryBytes: 0 };
  const real = realLinks();
  for (let round = 0; tally.executions < executions; round++) {
    const random = createRandom(seed + round);
    const engine = createEngine();
    const links = [
      ...Array.from({ length: LINKS_PER_ROUND }, () => randomLink(random)),
      random.pick(real),
      random.pick(real),
    ];
    const targets = links.flatMap((link) => targetsOf(link, engine, random));
    const most = Math.min(EXECUTIONS_PER_ROUND, executions - tally.executions);
    for (let i = 0; i < most; i++) {
      const target = random.pick(targets);
      const bytes = mutated(random, target.seeds);
      const before = performance.now();
      const outcome = executeTwice(engine, target, bytes, random);
      tally.slowestMs = Math.max(tally.slowestMs, performance.now() - before);
      tally.memoryBytes = Math.max(tally.memoryBytes, engine.memoryBytes());
      tally.executions++;
      if (outcome.error === undefined) tally.translated++;
      else tally.refused++;
    }
    progress(tally.executions);
  }
  return tally;
}

function mutated(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const bytes = mutate(random, random.pick(seeds));
  if (random.chance(85)) return bytes;
  // The beginning of one and the end of another.
  const other = random.pick(seeds);
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
}

interface Outcome {
  readonly hex: string | undefined;
  readonly error: string | undefined;
}

function executeTwice(engine: Engine, target: Target, bytes: Uint8Array, random: Random): Outcome {
  const fail = (what: string): never => {
    throw new Error(`${target.name}: ${what}; input ${Buffer.from(bytes).toString("hex")}`);
  };
  const first = random.below(CANARIES.length);
  const outcomes = [first, (first + 1) % CANARIES.length].map((canary): Outcome => {
    engine.poison(CANARIES[canary] ?? 0, POISONED_BYTES);
    try {
      const result = target.transcode(bytes, { unknownFields: 0, duplicates: 0 });
      if (result.length > LIMITS.maxBytes) fail(`${result.length} bytes came out`);
      return { hex: Buffer.from(result).toString("hex"), error: undefined };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code !== "INVALID_ARGUMENT") fail(`${error.code} ${error.message}`);
      return { hex: undefined, error: error.message };
    }
  });
  const [one, other] = outcomes as [Outcome, Outcome];
  if (one.hex !== other.hex || one.error !== other.error) {
    fail(`bytes outside the message decide: ${JSON.stringify(one)} or ${JSON.stringify(other)}`);
  }
  if (engine.memoryBytes() > MOST_MEMORY_BYTES) fail(`the engine holds ${engine.memoryBytes()} bytes`);
  return one;
}

function targetsOf(link: MessageLink, engine: Engine, random: Random): Target[] {
  const structs = Array.from({ length: SEEDS_PER_TARGET }, () => randomThrift(random, link, random.pick([3, 10, 40])));
  const seeds: Record<(typeof BINARY_CODECS)[number], readonly Uint8Array[]> = {
    "thrift-binary": structs,
    "thrift-compact": structs.map((struct) => compactOf(random, struct) ?? struct),
    protobuf: structs.map(() => randomProtobuf(random, link, random.pick([3, 10, 40]))),
  };
  return BINARY_CODECS.flatMap((from) =>
    BINARY_CODECS.flatMap((to) => {
      const pair = enginePair(from, to);
      if (!pair) return [];
      const transcode = engine.compile(bodyOf({ kind: "whole", link }), pair, LIMITS);
      return { name: `${link.thrift.fullName}, ${pair}`, transcode, seeds: seeds[from] };
    }),
  );
}

/** Every message of the benchmark's and the examples' IDL. */
function realLinks(): readonly MessageLink[] {
  const root = join(import.meta.dirname, "../..");
  return ["bench/idl/orders.thrift", "bench/idl/orders.proto"].flatMap((file) => {
    const schema = loadSchema([join(root, file)], { includeDirs: [], allowNegativeKeys: false }, () => {});
    if (!schema) throw new Error(`${file} does not load`);
    const linked = linkSchema(schema, { pairs: [] }, () => {});
    return schema.files.flatMap((each) => each.messages.map((message) => linked.messageLink(message)));
  });
}
