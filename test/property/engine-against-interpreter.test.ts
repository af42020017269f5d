// The engine and the interpreter are two answers to one question. They must agree on every message: the same bytes and the same
// losses, or an error from both. CAUSEWAY_PROPERTY_RUNS sets how many messages are tried; a failure prints the seed to repeat it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import type { Codec, Limits, Losses } from "../../src/codec/codec.ts";
import { createEngine } from "../../src/codec/engine.ts";
import { bodyOf, compileInterpreter } from "../../src/codec/interpret.ts";
import type { BodyLink } from "../../src/schema/link.ts";
import {
  createRandom,
  mutate,
  type Random,
  randomField,
  randomLink,
  randomProtobuf,
  randomThrift,
} from "./arbitrary-link.ts";

const RUNS = Number(process.env["CAUSEWAY_PROPERTY_RUNS"] ?? 1_500);
const MESSAGES_PER_LINK = 8;

interface Outcome {
  readonly hex: string;
  readonly error: string;
  readonly losses: Losses | undefined;
  /** Shown when the two differ. */
  readonly message: string;
}

function outcomeOf(translate: (losses: Losses) => Uint8Array): Outcome {
  const losses = { unknownFields: 0, duplicates: 0 };
  try {
    return { hex: Buffer.from(translate(losses)).toString("hex"), error: "", losses, message: "" };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { hex: "", error: error.code, losses: undefined, message: error.message };
  }
}

function randomLimits(random: Random): Limits {
  if (random.chance(70)) return { maxBytes: 1 << 20, maxDepth: 64, maxElements: 10_000 };
  return { maxBytes: 1 << 20, maxDepth: 1 + random.below(6), maxElements: random.below(5) };
}

function randomBody(random: Random): BodyLink {
  const link = randomLink(random);
  if (random.chance(85)) return { kind: "whole", link };
  const shape = random.pick(["arguments", "result"] as const);
  return { kind: "field", link, thrift: { ...link.thrift, shape }, field: randomField("request", random.below(3)) };
}

/** A struct that holds the given one, or does not. */
function inField(random: Random, body: BodyLink, struct: Uint8Array): Uint8Array {
  if (body.kind === "whole") return struct;
  const id = random.chance(90) ? body.field.id : 9;
  const field = Buffer.concat([Uint8Array.of(12, 0, id), struct]);
  return Buffer.concat(random.chance(10) ? [field, field, Uint8Array.of(0)] : [field, Uint8Array.of(0)]);
}

function compare(seed: number, from: Codec, to: Codec, mutated: boolean, tally: { good: number; all: number }): void {
  const random = createRandom(seed);
  const body = randomBody(random);
  const limits = randomLimits(random);
  const engine = createEngine();
  const fast = engine.compile(bodyOf(body), from === "protobuf" ? "to-thrift" : "to-protobuf", limits);
  const plain = compileInterpreter(body, from, to, limits);
  for (let i = 0; i < MESSAGES_PER_LINK; i++) {
    const size = random.pick([0, 3, 10, 40]);
    const message =
      from === "protobuf"
        ? randomProtobuf(random, body.link, size)
        : inField(random, body, randomThrift(random, body.link, size));
    const bytes = mutated ? mutate(random, message) : message;
    const actual = outcomeOf((losses) => fast(bytes, losses));
    const expected = outcomeOf((losses) => plain(bytes, losses));
    if (actual.error !== expected.error || actual.hex !== expected.hex) {
      expect({ input: Buffer.from(bytes).toString("hex"), ...actual }).toEqual(expected);
    }
    expect(actual.losses).toEqual(expected.losses);
    tally.all++;
    if (actual.error === "") tally.good++;
  }
}

test.each([
  ["thrift-binary", "protobuf", false],
  ["protobuf", "thrift-binary", false],
  ["thrift-binary", "protobuf", true],
  ["protobuf", "thrift-binary", true],
] as const)("from %s to %s the engine and the interpreter agree (mutated bytes: %s)", (from, to, mutated) => {
  const tally = { good: 0, all: 0 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => compare(seed, from, to, mutated, tally)),
    { numRuns: Math.ceil(RUNS / MESSAGES_PER_LINK) },
  );
  // Otherwise the messages would only test that both refuse.
  if (!mutated) expect(tally.good / tally.all).toBeGreaterThan(0.4);
});
