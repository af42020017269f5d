// Mutated messages straight into the translation, by the engine and by the interpreter: the entry of `causeway convert`.
import { expect, test } from "vitest";
import { RpcError } from "../../src/base/errors.ts";
import type { Codec, Transcoder } from "../../src/codec/codec.ts";
import { compileInterpreter } from "../../src/codec/interpret.ts";
import { compileTranscoder } from "../../src/codec/transcode.ts";
import { expectClear } from "./clear.ts";
import { goodMethods, LIMITS, loadKinds } from "./kinds.ts";
import { usedBytes } from "./memory.ts";
import { runMutations } from "./run.ts";

const good = goodMethods(loadKinds()).flatMap(({ requests, responses }) => [...requests, ...responses]);

const compile = { engine: compileTranscoder, interpreter: compileInterpreter };

const cases: readonly (readonly [keyof typeof compile, Codec, Codec])[] = [
  ["engine", "thrift-binary", "protobuf"],
  ["engine", "protobuf", "thrift-binary"],
  ["interpreter", "thrift-binary", "protobuf"],
  ["interpreter", "protobuf", "thrift-binary"],
  ["interpreter", "thrift-binary", "json"],
  ["interpreter", "protobuf", "json"],
  ["interpreter", "json", "thrift-binary"],
  ["interpreter", "json", "protobuf"],
];

test.each(cases)(
  "mutated messages into the %s, from %s to %s, give a message or a clear RpcError",
  async (kind, from, to) => {
    const transcoders = new Map<string, Transcoder>();
    const messages = good.map(({ body, thrift, protobuf }) => {
      if (from === "thrift-binary") return thrift;
      if (from === "protobuf") return protobuf;
      return Buffer.from(
        compileInterpreter(body, "protobuf", "json", LIMITS)(protobuf, { unknownFields: 0, duplicates: 0 }),
      );
    });
    let translated = 0;
    let refused = 0;
    await runMutations({
      entry: `${kind}, ${from} to ${to}`,
      messages,
      workers: 1,
      memory: usedBytes,
      exchange({ origin, bytes }) {
        const { body } = good[origin]!;
        const transcode = transcoders.get(body.link.thrift.fullName) ?? compile[kind](body, from, to, LIMITS);
        transcoders.set(body.link.thrift.fullName, transcode);
        const before = Buffer.from(bytes);
        try {
          const result = transcode(bytes, { unknownFields: 0, duplicates: 0 });
          expect(result.length).toBeLessThanOrEqual(LIMITS.maxBytes);
          translated++;
        } catch (error) {
          if (!(error instanceof RpcError)) throw error;
          expect(error.code).toBe("INVALID_ARGUMENT");
          expectClear(error.message);
          refused++;
        }
        if (!before.equals(bytes)) throw new Error("the input was changed");
      },
    });
    // Otherwise the mutations would be too harmless, or too harsh, to say anything.
    expect(Math.min(translated, refused)).toBeGreaterThan((translated + refused) / 50);
  },
);
