// What linked pairs of messages cost the codec's tables, which are laid out when a pair is first compiled.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine } from "../src/codec/engine.ts";
import { linkSchema } from "../src/schema/link-schema.ts";
import { loadSchema } from "../src/schema/load.ts";

const PAIRS = 1_000;
const LIMITS = { maxBytes: 16 * 1024 * 1024, maxDepth: 64, maxElements: 1_000_000 };

/** Prints one JSON object: bytes of JavaScript heap and of the engine's memory that laying out both directions took. */
export function benchTables(): void {
  const folder = mkdtempSync(join(tmpdir(), "causeway-bench-"));
  try {
    const path = join(folder, "pairs.thrift");
    const structs = Array.from(
      { length: PAIRS },
      (_, i) =>
        `struct S${i} { 1: string name; 2: i64 id; 3: list<S${Math.max(0, i - 1)}> parts; 4: map<string, i32> counts; 5: optional double mean; 6: i32 a; 7: i32 b; 8: bool c; 9: binary d; 10: string e }`,
    );
    writeFileSync(path, `namespace * bench.pairs\n${structs.join("\n")}\n`);
    const schema = loadSchema([path], { includeDirs: [], allowNegativeKeys: false }, () => {});
    if (!schema) throw new Error("the generated IDL does not load");
    const linked = linkSchema(schema, { pairs: [] }, () => {});
    const links = schema.files.flatMap((file) => file.messages.map((message) => linked.messageLink(message)));
    const engine = createEngine();
    const before = usedBytes(engine.memoryBytes());
    const startMs = performance.now();
    const transcoders = links.flatMap((link) =>
      (["thriftBinaryToProtobuf", "protobufToThriftBinary"] as const).map((pair) =>
        engine.compile({ link, field: undefined }, pair, LIMITS),
      ),
    );
    const ms = performance.now() - startMs;
    engine.poison(0, 0);
    const bytes = usedBytes(engine.memoryBytes()) - before;
    process.stdout.write(
      `${JSON.stringify({ pairs: links.length, transcoders: transcoders.length, megabytes: Math.round(bytes / 1e5) / 10, layOutMs: Math.round(ms) })}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function usedBytes(engineBytes: number): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers + engineBytes;
}
