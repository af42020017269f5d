// The stubs of each language as clients of the stubs' servers in each, through a sidecar, on both wires either side: all do the
// cases of one table.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import type { Service } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { STUB_CASES, type StubLanguage } from "./stub-cases.ts";
import { STUB_WIRES, STUBS, type StubPrograms, upstreamOf } from "./stub-programs.ts";

const TOOLS: Readonly<Record<StubLanguage, readonly Tool[]>> = {
  go: ["go"],
  java: ["javac"],
  php: ["php", "php-fpm"],
};
const LANGUAGES = ["go", "java", "php"] as const;
const SIDES = LANGUAGES.flatMap((language) => STUB_WIRES.map((wire) => ({ language, wire })));
const BUILD_MS = 300_000;

type Side = (typeof SIDES)[number];

const stops: (() => unknown)[] = [];
const programs = new Map<string, StubPrograms>();
const sidecars = new Map<string, Service>();

const nameOf = ({ language, wire }: Side): string => `${language} on ${wire}`;

const schema = { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] };

function upstreamsOf({ language, wire }: Side, where: object): object {
  // Longer than the deadline that a case has.
  return { kinds: { ...upstreamOf(language, wire), ...where, services: ["kinds.Kinds"], timeoutMs: 60_000 } };
}

beforeAll(async () => {
  for (const side of SIDES) {
    if (whatIsMissing(TOOLS[side.language])) continue;
    const both = await STUBS[side.language](side.wire);
    programs.set(nameOf(side), both);
    const server = await both.startServer();
    stops.push(server.stop);
    const sidecar = await startSidecar(`stubs-across-${side.language}-${side.wire}`, {
      schema,
      listeners: [{ kind: "local", address: "127.0.0.1:0" }],
      upstreams: upstreamsOf(side, { endpoints: [server.ready] }),
    });
    stops.push(sidecar.stop);
    sidecars.set(nameOf(side), sidecar);
  }
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

describe.each(SIDES)("a server of stubs for $language on $wire", (server) => {
  test.concurrent.for(SIDES)("answers stubs for $language on $wire", async (client, { skip }) => {
    const missing = whatIsMissing([...TOOLS[client.language], ...TOOLS[server.language]]);
    skip(missing !== undefined, missing);
    const outcomes = await programs
      .get(nameOf(client))!
      .runClient(sidecars.get(nameOf(server))!.ready, server.language);
    const got = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
    for (const { name, notServedBy } of STUB_CASES) {
      if (notServedBy?.includes(server.language)) continue;
      expect(got.get(name)).toEqual({ name, ok: true, detail: "" });
    }
  });
});
