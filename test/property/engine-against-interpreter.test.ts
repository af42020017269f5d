// The engine and the interpreter are two answers to one question. They must agree on every message: the same bytes and the same
// losses, or an error from both. CAUSEWAY_PROPERTY_RUNS sets how many messages are tried; a failure prints the seed to repeat it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import type { Codec, Limits, Losses } from "../../src/codec/codec.ts";
import { createEngine, type EnginePair, enginePair } from "../../src/codec/engine.ts";
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
import { compactOf } from "./compact-of.ts";

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

function randomStruct(random: Random, body: BodyLink, codec: Codec, size: number): Uint8Array {
  const struct = inField(random, body, randomThrift(random, body.link, size));
  return codec === "thrift-compact" ? (compactOf(random, struct) ?? struct) : struct;
}

function compare(seed: number, from: Codec, to: Codec, mutated: boolean, tally: { good: number; all: number }): void {
  const random = createRandom(seed);
  const body = randomBody(random);
  const limits = randomLimits(random);
  const engine = createEngine();
  const fast = engine.compile(bodyOf(body), enginePair(from, to)!, limits);
  const plain = compileInterpreter(body, from, to, limits);
  for (let i = 0; i < MESSAGES_PER_LINK; i++) {
    const size = random.pick([0, 3, 10, 40]);
    const message =
      from === "protobuf" ? randomProtobuf(random, body.link, size) : randomStruct(random, body, from, size);
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
  ["thrift-compact", "protobuf", false],
  ["protobuf", "thrift-compact", false],
  ["thrift-compact", "protobuf", true],
  ["protobuf", "thrift-compact", true],
] as const)("from %s to %s the engine and the interpreter agree (mutated bytes: %s)", (from, to, mutated) => {
  const tally = { good: 0, all: 0 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => compare(seed, from, to, mutated, tally)),
    { numRuns: Math.ceil(RUNS / MESSAGES_PER_LINK) },
  );
  // Otherwise the messages would only test that both refuse.
  if (!mutated) expect(tally.good / tally.all).toBeGreaterThan(0.4);
});

const COMPACT = "thriftBinaryToThriftCompact";
const BINARY = "thriftCompactToThriftBinary";
const NOTHING_LOST: Losses = { unknownFields: 0, duplicates: 0 };

test("a struct rewritten from one Thrift encoding to the other is the same message, unknown fields included", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const random = createRandom(seed);
      const body = randomBody(random);
      const limits = { maxBytes: 1 << 20, maxDepth: 64, maxElements: 10_000 };
      const engine = createEngine();
      const toCompact = engine.compile(bodyOf(body), COMPACT, limits);
      const toBinary = engine.compile(bodyOf(body), BINARY, limits);
      const [fromBinary, fromCompact] = ["thriftBinaryToProtobuf", "thriftCompactToProtobuf"].map((pair) =>
        engine.compile(bodyOf(body), pair as EnginePair, limits),
      );
      for (let i = 0; i < MESSAGES_PER_LINK; i++) {
        const losses = { ...NOTHING_LOST };
        const binary = inField(random, body, randomThrift(random, body.link, random.pick([0, 3, 10, 40])));
        const free = compactOf(random, binary);
        if (!free) continue;
        const compact = toCompact(binary, losses);
        // The liberties of the encoding, taken and then gone.
        expect(toCompact(toBinary(free, losses), losses)).toEqual(compact);
        expect(toCompact(toBinary(compact, losses), losses)).toEqual(compact);
        expect(losses).toEqual(NOTHING_LOST);
        const [direct, rewritten] = [
          outcomeOf((lost) => fromBinary!(binary, lost)),
          outcomeOf((lost) => fromCompact!(compact, lost)),
        ];
        expect({ ...rewritten, message: "" }).toEqual({ ...direct, message: "" });
      }
    }),
    { numRuns: Math.ceil(RUNS / MESSAGES_PER_LINK) },
  );
});

test("bytes that are no struct are refused when they are rewritten, or come out well-formed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const random = createRandom(seed);
      const body = randomBody(random);
      const engine = createEngine();
      const limits = randomLimits(random);
      const pairs = random.chance(50) ? ([COMPACT, BINARY] as const) : ([BINARY, COMPACT] as const);
      const [there, back] = pairs.map((pair) => engine.compile(bodyOf(body), pair, limits));
      const struct = inField(random, body, randomThrift(random, body.link, 10));
      const bytes = mutate(random, pairs[0] === COMPACT ? struct : (compactOf(random, struct) ?? struct));
      const outcome = outcomeOf((losses) => there!(bytes, losses));
      if (outcome.error === "") back!(Buffer.from(outcome.hex, "hex"), { ...NOTHING_LOST });
    }),
    { numRuns: RUNS },
  );
});
