// Mutated IDL: whoever wrote it is told what is wrong and where, and nothing else happens.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Diagnostic } from "../../src/base/diagnostic.ts";
import { linkSchema } from "../../src/schema/link-schema.ts";
import { loadSchema } from "../../src/schema/load.ts";
import { IDL } from "./kinds.ts";
import { usedBytes } from "./memory.ts";
import { runMutations } from "./run.ts";
import { checkDiagnostics, mutatedText } from "./text.ts";

test.each([
  ["Thrift IDL", ["kinds/kinds.thrift", "shop/inventory.thrift", "shop/vouchers.thrift", "kinds/kinds-uuid.thrift"]],
  [".proto", ["shop/orders.proto", "shop/customer.proto", "causeway/options.proto"]],
])("mutated %s loads and links, or is told where it is wrong", async (entry, files) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const originals = files.map((file) => readFileSync(join(IDL, file)));
  const good = { loaded: 0, refused: 0 };
  await runMutations({
    entry,
    messages: originals,
    workers: 1,
    memory: usedBytes,
    exchange(mutation) {
      const text = mutatedText(mutation, originals[mutation.origin]!);
      const path = join(folder, entry === ".proto" ? "mutated.proto" : "mutated.thrift");
      writeFileSync(path, text);
      const diagnostics: Diagnostic[] = [];
      const report = (diagnostic: Diagnostic) => void diagnostics.push(diagnostic);
      try {
        const schema = loadSchema([path], { includeDirs: [IDL, join(IDL, "shop")], allowNegativeKeys: false }, report);
        checkDiagnostics(diagnostics, schema !== undefined);
        good[schema ? "loaded" : "refused"]++;
        if (!schema || mutation.index % 5 > 0) return;
        diagnostics.length = 0;
        linkSchema(schema, { pairs: [] }, report);
        // What is linked in spite of an error is what the error does not concern.
        checkDiagnostics(diagnostics, !diagnostics.some(({ severity }) => severity === "error"));
      } catch (cause) {
        throw new Error(`${cause instanceof Error ? cause.message : cause} with the text\n${text.toString("latin1")}`, {
          cause,
        });
      }
    },
  });
  expect(Math.min(good.loaded, good.refused)).toBeGreaterThan(0);
});
