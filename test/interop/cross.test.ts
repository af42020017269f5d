// Apache Thrift's own cross-test service through the sidecar: the official libraries of five languages, each as client and as
// server, over every transport and protocol that they share with us; as Thrift, and as gRPC between two sidecars.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { reasonToFail } from "./cross/known-failures.ts";
import { BUILD, COMMON_TOOLS, fetchIdl, type Outcome, type Program, type Servers, TOOLS } from "./cross/programs.ts";
import { type Sidecar, startBefore, startBridge } from "./cross/sidecars.ts";
import { type Cell, cellName, cells, LANGUAGES, type Language, SERVER_WIRES, wireName } from "./cross/wires.ts";

const BUILD_MS = 300_000;

/** In the order in which every client reports them. */
const CASES = [
  "testVoid",
  "testString: empty",
  "testString: many scripts",
  "testString: control characters",
  "testBool",
  "testByte",
  "testI32",
  "testI64",
  "testDouble",
  "testDouble: infinity",
  "testBinary: empty",
  "testBinary: every byte",
  "testStruct",
  "testNest",
  "testMap",
  "testStringMap",
  "testSet",
  "testList",
  "testEnum",
  "testTypedef",
  "testMapMap",
  "testInsanity",
  "testMulti",
  "testException: Xception",
  "testException: TException",
  "testException: none",
  "testMultiException: Xception",
  "testMultiException: Xception2",
  "testMultiException: none",
  "testOneway",
  "testVoid: after a oneway call",
];
/** Of the second service, which only multiplexed servers have. */
const SECOND = "secondtestString";

/** Asked once, as it starts programs. */
const lacks = new Map(
  LANGUAGES.map((language) => [language, whatIsMissing([...COMMON_TOOLS, ...TOOLS[language]])] as const),
);
const missing = (...languages: readonly Language[]) => languages.map((language) => lacks.get(language)).find(Boolean);
const present = LANGUAGES.filter((language) => !missing(language));
/** What a oneway call says is the place of its cell. */
const all = cells();
const taken = [...all.entries()].filter(([, { client, server }]) => !missing(client, server));

const stops: (() => Promise<void>)[] = [];
const programs = new Map<Language, Program>();
const servers = new Map<Language, Servers>();
const outcomes = new Map<Cell, readonly Outcome[]>();

beforeAll(async () => {
  if (present.length === 0) return;
  const idl = await fetchIdl();
  await Promise.all(present.map(async (language) => programs.set(language, await BUILD[language]())));
  const sidecars = new Map<string, Sidecar>();
  await Promise.all(present.map((language) => openServers(language, idl, sidecars)));
  await Promise.all(present.map((language) => runCells(language, sidecars)));
}, BUILD_MS);

afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

const keyOf = ({ server, serverWire, path }: Cell): string => `${server} ${wireName(serverWire)} ${path}`;

async function openServers(server: Language, idl: string, sidecars: Map<string, Sidecar>): Promise<void> {
  const wires = SERVER_WIRES[server];
  const started = await programs.get(server)!.startServers(wires);
  stops.push(started.stop);
  servers.set(server, started);
  for (const [i, address] of started.addresses.entries()) {
    const before = await startBefore(server, idl, wires[i]!, address);
    stops.push(before.close);
    sidecars.set(`${server} ${wireName(wires[i]!)} direct`, before);
    if (!all.some((cell) => cell.path === "by gRPC" && cell.server === server && cell.serverWire === wires[i]))
      continue;
    const bridge = await startBridge(`${server}-${i}`, idl, before);
    stops.push(bridge.close);
    sidecars.set(`${server} ${wireName(wires[i]!)} by gRPC`, bridge);
  }
}

async function runCells(client: Language, sidecars: ReadonlyMap<string, Sidecar>): Promise<void> {
  const own = taken.filter(([, cell]) => cell.client === client);
  const routes = own.map(([number, cell]) => {
    const sidecar = sidecars.get(keyOf(cell))!;
    const wire = cell.clientWire;
    return { address: wire.transport === "http" ? sidecar.http : sidecar.local, wire, number };
  });
  const byRoute = Map.groupBy(await programs.get(client)!.runClient(routes), ({ route }) => route);
  for (const [i, [, cell]] of own.entries()) outcomes.set(cell, byRoute.get(i) ?? []);
}

describe.each(LANGUAGES)("a client in %s", (client) => {
  test.for(all.filter((cell) => cell.client === client).map((cell) => ({ name: cellName(cell), cell })))(
    "$name",
    ({ cell }, { skip }) => {
      const lacking = missing(cell.client, cell.server);
      skip(lacking !== undefined, lacking);
      const done = outcomes.get(cell) ?? [];
      const isNamed = cell.clientWire.naming === "multiplexed";
      expect(done.map(({ name }) => name)).toEqual(isNamed ? [...CASES, SECOND] : CASES);
      expect(done.map((outcome) => judge(cell, outcome)).filter((fault) => fault !== undefined)).toEqual([]);
    },
  );
});

function judge(cell: Cell, { name, ok, detail }: Outcome): string | undefined {
  const isAbsent = name === SECOND && cell.serverWire.naming === "plain";
  const reason = isAbsent ? "the server has no such service" : reasonToFail(cell, name);
  if (reason === undefined) return ok ? undefined : `${name}: ${detail}`;
  return ok ? `${name} passes now: take it off the list in cross/known-failures.ts (${reason})` : undefined;
}

test.for(LANGUAGES)("the oneway calls reach the server in %s", async (server, { skip }) => {
  const lacking = missing(server);
  skip(lacking !== undefined, lacking);
  const numbers = taken.filter(([, cell]) => cell.server === server).map(([number]) => String(number));
  const found = () =>
    [
      ...servers
        .get(server)!
        .output()
        .matchAll(/oneway (\d+)/g),
    ].map(([, number]) => number);
  await vi.waitFor(() => expect(new Set(found())).toEqual(new Set(numbers)), { timeout: 10_000 });
});
