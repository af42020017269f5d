// The stubs of each language as clients of the stubs' servers in each other, through a sidecar, each on both wires: all do
// the cases of one table.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import type { Service } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { STUB_CASES, type StubLanguage } from "./stub-cases.ts";
import { goStubs, javaStubs, phpStubs, STUB_WIRES, type StubPrograms, type StubWire } from "./stub-programs.ts";

const TOOLS: Readonly<Record<StubLanguage, Tool>> = { go: "go", java: "javac", php: "php" };
const CLIENTS = { go: goStubs, java: javaStubs, php: phpStubs };
const SERVERS = { go: goStubs, java: javaStubs };
const BUILD_MS = 300_000;

interface Side {
  readonly language: StubLanguage;
  readonly wire: StubWire;
}

const stops: (() => unknown)[] = [];
const clients = new Map<string, Pick<StubPrograms, "runClient">>();
const sidecars = new Map<string, Service>();

function sidesOf(languages: object): Side[] {
  return Object.keys(languages).flatMap((language) =>
    STUB_WIRES.map((wire) => ({ language: language as StubLanguage, wire })),
  );
}

const nameOf = ({ language, wire }: Side): string => `${language} on ${wire}`;

function configOf(wire: StubWire, server: string): object {
  const codec = wire === "thrift" ? "thrift-binary" : "protobuf";
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ kind: "local", address: "127.0.0.1:0" }],
    // Longer than the deadline that a case has.
    upstreams: {
      kinds: { protocol: "ttheader", codec, endpoints: [server], services: ["kinds.Kinds"], timeoutMs: 60_000 },
    },
  };
}

beforeAll(async () => {
  for (const side of sidesOf(CLIENTS)) {
    if (whatIsMissing([TOOLS[side.language]])) continue;
    clients.set(nameOf(side), await CLIENTS[side.language](side.wire));
  }
  for (const [language, programs] of Object.entries(SERVERS)) {
    if (whatIsMissing([TOOLS[language as StubLanguage]])) continue;
    for (const wire of STUB_WIRES) {
      const server = await (await programs(wire)).startServer();
      stops.push(server.stop);
      const sidecar = await startSidecar(`stubs-across-${language}-${wire}`, configOf(wire, server.ready));
      stops.push(sidecar.stop);
      sidecars.set(nameOf({ language: language as StubLanguage, wire }), sidecar);
    }
  }
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

describe.each(sidesOf(SERVERS))("a server of stubs for $language on $wire", (server) => {
  test.concurrent.for(sidesOf(CLIENTS))("answers stubs for $language on $wire", async (client, { skip }) => {
    const missing = whatIsMissing([TOOLS[client.language], TOOLS[server.language]]);
    skip(missing !== undefined, missing);
    const outcomes = await clients.get(nameOf(client))!.runClient(sidecars.get(nameOf(server))!.ready);
    const got = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
    for (const { name, notServedBy } of STUB_CASES) {
      if (notServedBy?.includes(server.language)) continue;
      expect(got.get(name)).toEqual({ name, ok: true, detail: "" });
    }
  });
});
