// TJSON carries what Thrift binary carries: over random schemas and values the way through it changes nothing, and mutated text
// is refused with a RpcError or read, never more. CAUSEWAY_PROPERTY_RUNS sets how many messages are tried.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import type { Codec, Limits } from "../../src/codec/codec.ts";
import { compileInterpreter } from "../../src/codec/interpret.ts";
import type { BodyLink } from "../../src/schema/link.ts";
import { createRandom, mutate, randomLink, randomProtobuf } from "./arbitrary-link.ts";

const RUNS = Number(process.env["CAUSEWAY_PROPERTY_RUNS"] ?? 1_500);
const LIMITS: Limits = { maxBytes: 1 << 20, maxDepth: 64, maxElements: 10_000 };

/** Undefined where the message cannot be translated. */
function translate(body: BodyLink, from: Codec, to: Codec, bytes: Uint8Array): Uint8Array | undefined {
  try {
    return compileInterpreter(body, from, to, LIMITS)(bytes, { unknownFields: 0, duplicates: 0 });
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString("hex");
}

test("the way through TJSON changes no message", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = createRandom(seed);
      const body: BodyLink = { kind: "whole", link: randomLink(random) };
      const binary = translate(body, "protobuf", "thrift-binary", randomProtobuf(random, body.link, 40));
      const json = binary && translate(body, "thrift-binary", "thrift-json", binary);
      if (!binary || !json) return;
      compared++;
      const expected = translate(body, "thrift-binary", "thrift-binary", binary);
      const actual = translate(body, "thrift-json", "thrift-binary", json);
      // Text has one NaN, and the bits of a double have many: two keys of a map may be the same in text.
      const nans = Buffer.from(json).toString("latin1").split('"NaN"').length - 1;
      if (nans === 0) expect(hexOf(actual)).toBe(hexOf(expected));
      const again = actual && translate(body, "thrift-binary", "thrift-json", actual);
      if (nans <= 1) expect(again).toEqual(expected && translate(body, "thrift-binary", "thrift-json", expected));
      // What has gone through text once goes through it unchanged.
      expect(hexOf(again && translate(body, "thrift-json", "thrift-binary", again))).toBe(hexOf(actual));
      for (let i = 0; i < 4; i++) translate(body, "thrift-json", "protobuf", mutate(random, json));
      translate(body, "thrift-binary", "thrift-simplejson", binary);
    }),
    { numRuns: RUNS },
  );
  expect(compared).toBeGreaterThan(RUNS / 10);
});
