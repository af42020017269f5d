import { expect, test } from "vitest";
import { fuzzCodec } from "../fuzz/fuzz-codec.ts";

// The long run is `node test/fuzz/codec.ts --executions 5000000`.
test("mutated messages end in bytes within the limits or in a RpcError, whatever stands around them in memory", () => {
  const figures = fuzzCodec(20_000, 20_261_122);
  expect(figures.executions).toBe(20_000);
  expect(figures.translated).toBeGreaterThan(1_000);
  expect(figures.refused).toBeGreaterThan(1_000);
});
