import { expect, test } from "vitest";
import { noteFirstAnswers } from "../../../src/discovery/first-answers.ts";
import type { Endpoints } from "../../../src/rpc/endpoint.ts";

function setUp() {
  const tell = new Map<string, (kind: Endpoints["kind"]) => void>();
  const answers = noteFirstAnswers({
    watch(upstream, changed) {
      tell.set(upstream, (kind) => changed({ kind, endpoints: [] }));
      changed({ kind: "unknown", endpoints: [] });
      return () => {};
    },
  });
  const seen: string[] = [];
  for (const upstream of ["b", "a"]) answers.watch(upstream, ({ kind }) => seen.push(`${upstream} ${kind}`));
  return { answers, seen, tell: (upstream: string, kind: Endpoints["kind"]) => tell.get(upstream)?.(kind) };
}

test("it is waited for the first answer of each, a stale one too, and what is told is passed on", async () => {
  const { answers, seen, tell } = setUp();
  let done = false;
  const all = answers.all(["b", "a"]).then(() => {
    done = true;
  });
  tell("a", "stale");
  await Promise.resolve();
  expect(done).toBe(false);
  tell("b", "known");
  await all;
  expect(seen).toEqual(["b unknown", "a unknown", "a stale", "b known"]);
  expect(answers.of("stale", ["b", "a"])).toEqual(["a"]);
  await answers.all(["b", "a"]);
});

test("the unknown are named in order, those that nobody watches among them", () => {
  const { answers, tell } = setUp();
  tell("b", "known");
  expect(answers.of("unknown", ["c", "b", "a"])).toEqual(["a", "c"]);
});
