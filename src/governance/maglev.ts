// The same endpoint for the same key, by every sidecar alike, with few keys moved when an endpoint comes or goes:
// Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4.
import { hash } from "node:crypto";
import type { AnyCall } from "../rpc/call.ts";
import { type Candidate, type Picker, weightOf } from "./picker.ts";

/** The paper's table size: a prime that is much larger than the number of endpoints. */
export const MAGLEV_TABLE_SIZE = 65_537;

/** Chooses by the key of a call; a call without one goes anywhere. */
export function maglev(keyOf: (call: AnyCall) => string | undefined, random: () => number): Picker {
  return (unordered) => {
    // Sidecars learn of endpoints in different orders and must agree nevertheless.
    const candidates = unordered.toSorted((a, b) => (a.endpoint.name < b.endpoint.name ? -1 : 1));
    // Built when it is needed: most changes of a set are followed by the next before a call comes.
    let table: Uint32Array | undefined;
    return (call, avoid) => {
      table ??= maglevTable(candidates);
      const key = keyOf(call);
      const start = key === undefined ? Math.floor(random() * table.length) : digest(key)[0] % table.length;
      let at = start;
      // The next in the table is the one that most of the key's neighbours would move to, were this one gone.
      while (candidates[table[at]!] === avoid && candidates.length > 1) at = (at + 1) % table.length;
      return candidates[table[at]!]!;
    };
  };
}

/** For each slot the index of its candidate, shares by weight: the lookup table of the paper's section 3.4. */
export function maglevTable(candidates: readonly Candidate[]): Uint32Array {
  const size = MAGLEV_TABLE_SIZE;
  const empty = 0xffff_ffff;
  const table = new Uint32Array(size).fill(empty);
  const heaviest = Math.max(...candidates.map(weightOf));
  const rows = candidates.map((candidate) => {
    const [first, second] = digest(candidate.endpoint.name);
    // Each row is a permutation of the slots: the size is prime, so every step visits all of them.
    return { slot: first % size, step: (second % (size - 1)) + 1, turn: 0, weight: weightOf(candidate) / heaviest };
  });
  for (let filled = 0; filled < size; ) {
    for (const [index, row] of rows.entries()) {
      row.turn += row.weight;
      if (row.turn < 1) continue;
      row.turn -= 1;
      while (table[row.slot] !== empty) row.slot = (row.slot + row.step) % size;
      table[row.slot] = index;
      if (++filled === size) break;
    }
  }
  return table;
}

/** Two independent numbers of 32 bits. */
function digest(text: string): readonly [number, number] {
  const bytes = hash("sha256", text, "buffer");
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
