import fc from "fast-check";
import { expect, test } from "vitest";
import { IdTable } from "../../../src/base/id-table.ts";

const ids = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer(),
  fc.integer({ min: 0, max: 50 }).map((n) => n * 4096),
);
const steps = fc.array(fc.tuple(fc.constantFrom("set", "delete", "get", "clear"), ids), { maxLength: 400 });

test("a table holds what a Map would, whatever comes and goes", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new IdTable<{ readonly n: number }>();
      const map = new Map<number, { readonly n: number }>();
      for (const [n, [step, id]] of all.entries()) {
        if (step === "set") {
          table.set(id, { n });
          map.set(id, { n });
        } else if (step === "delete") expect(table.delete(id)).toBe(map.delete(id));
        else if (step === "clear" && n % 50 === 0) {
          table.clear();
          map.clear();
        } else {
          expect(table.get(id)).toEqual(map.get(id));
          expect(table.has(id)).toBe(map.has(id));
        }
        expect(table.size).toBe(map.size);
      }
      const byN = (a: { n: number }, b: { n: number }) => a.n - b.n;
      expect(table.values().sort(byN)).toEqual([...map.values()].sort(byN));
    }),
    { numRuns: 500 },
  );
});

test("ids that follow each other, as calls have them, are found while others come and go", () => {
  const table = new IdTable<{ readonly id: number }>();
  for (let id = 1; id < 20_001; id += 2) {
    table.set(id, { id });
    if (id > 128) expect(table.delete(id - 128)).toBe(true);
  }
  expect(table.size).toBe(64);
  expect(table.get(19_999)).toEqual({ id: 19_999 });
  expect(table.get(19_871)).toBeUndefined();
});
