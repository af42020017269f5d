// gRPC's official interop suites through the sidecar. grpc-go's client and server with the IDL of the service loaded, and
// without it, forwarded as it comes; grpc-java's for compression; the
// libraries of four languages with each other; and a Thrift server behind grpc-go's client.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSidecar } from "../../tools/causeway.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import {
  buildJavaPeer,
  buildPythonPeer,
  type GrpcPeer,
  goPeer,
  JAVA_TOOLS,
  type JavaPeer,
  jsPeer,
  type Outcomes,
  PYTHON_TOOLS,
  type PythonPeer,
  startThriftServer,
  THRIFT_TOOLS,
} from "./grpc-peers.ts";
import {
  buildGrpcSuite,
  COMMON_CASES,
  type GrpcSuite,
  JAVA_CASES,
  runSuiteCase,
  SUITE_CASES,
  suiteConfig,
  UNARY_CASES,
} from "./grpc-suite.ts";
import { judge, KNOWN_FAILURES } from "./known-failures.ts";

const BUILD_MS = 300_000;
const LIBRARIES = ["go", "java", "js", "python"] as const;
type Library = (typeof LIBRARIES)[number];

/** The descriptors come from the Go program, so that nothing goes without. */
const TOOLS: Readonly<Record<Library, readonly Tool[]>> = {
  go: ["go"],
  java: ["go", ...JAVA_TOOLS],
  js: ["go"],
  python: ["go", ...PYTHON_TOOLS],
};
const missing = (...libraries: readonly Library[]) => whatIsMissing(libraries.flatMap((library) => TOOLS[library]));

const stops: (() => Promise<void>)[] = [];
let suite: GrpcSuite;
let java: JavaPeer;
let python: PythonPeer;
const peers = new Map<Library, GrpcPeer>();
/** A sidecar before the server of each library. */
const sidecars = new Map<Library, string>();
let opaqueSidecar: string;

beforeAll(async () => {
  if (missing("go")) return;
  suite = await buildGrpcSuite();
  peers.set("go", goPeer(suite)).set("js", jsPeer(suite));
  async function addJava(): Promise<void> {
    if (missing("java")) return;
    java = await buildJavaPeer();
    peers.set("java", java);
  }
  async function addPython(): Promise<void> {
    if (missing("python")) return;
    python = await buildPythonPeer(suite);
    peers.set("python", python);
  }
  await Promise.all([addJava(), addPython()]);
  await Promise.all(
    [...peers].map(async ([library, peer]) => {
      const server = await peer.startServer();
      stops.push(server.stop);
      sidecars.set(library, await sidecarTo(server.ready, library, suite.descriptors));
      if (library === "go") opaqueSidecar = await sidecarTo(server.ready, "opaque", undefined);
    }),
  );
}, BUILD_MS);

afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

async function sidecarTo(
  server: string,
  name: string,
  descriptors: string | undefined,
  protocol?: string,
): Promise<string> {
  const sidecar = await startSidecar(`interop-grpc-suite-${name}`, suiteConfig(server, descriptors, protocol));
  stops.push(sidecar.stop);
  return sidecar.ready;
}

describe.each([
  { name: "go go", of: "loaded", address: () => sidecars.get("go")! },
  { name: "go go-opaque", of: "not loaded", address: () => opaqueSidecar },
])("grpc-go's suite, client and server, the IDL $of", ({ name, address }) => {
  test.concurrent.for(SUITE_CASES)("%s", async (suiteCase, { skip, expect }) => {
    const lacking = missing("go");
    skip(lacking !== undefined, lacking);
    const failure = await runSuiteCase(suite.client, address(), suiteCase);
    expect(judge(`${name}/${suiteCase}`, failure)).toBeUndefined();
  });
});

describe("grpc-java's suite, client and server, with compression", () => {
  let outcomes: Outcomes;
  beforeAll(async () => {
    if (!missing("java")) outcomes = await java.runClient(sidecars.get("java")!, JAVA_CASES);
  }, BUILD_MS);

  test.for(JAVA_CASES)("%s", (suiteCase, { skip }) => {
    const lacking = missing("java");
    skip(lacking !== undefined, lacking);
    expect(outcomes.has(suiteCase)).toBe(true);
    expect(judge(`java java/${suiteCase}`, outcomes.get(suiteCase))).toBeUndefined();
  });
});

describe("grpc-go's client and a Thrift server of the derived twin", () => {
  const lacking = missing("go") ?? whatIsMissing(THRIFT_TOOLS);
  let sidecar: string;
  beforeAll(async () => {
    if (lacking) return;
    const server = await startThriftServer(suite);
    stops.push(server.stop);
    sidecar = await sidecarTo(server.ready, "thrift", suite.descriptors, "thrift-framed");
  }, BUILD_MS);

  test.concurrent.for(UNARY_CASES)("%s", async (suiteCase, { skip, expect }) => {
    skip(lacking !== undefined, lacking);
    const failure = await runSuiteCase(suite.client, sidecar, suiteCase);
    expect(judge(`go thrift/${suiteCase}`, failure)).toBeUndefined();
  });
});

const PAIRS = LIBRARIES.flatMap((client) => LIBRARIES.map((server) => ({ client, server })));

describe("all four kinds of calls, and how they end", () => {
  test.concurrent.for(PAIRS)("from $client to $server", async ({ client, server }, { skip, expect }) => {
    const lacking = missing(client, server);
    skip(lacking !== undefined, lacking);
    const outcomes = await peers.get(client)!.runClient(sidecars.get(server)!, COMMON_CASES);
    expect([...outcomes.keys()]).toEqual(COMMON_CASES);
    const judged = [...outcomes].map(([name, failure]) => [name, judge(`${client} ${server}/${name}`, failure)]);
    expect(judged).toEqual(COMMON_CASES.map((name) => [name, undefined]));
  });

  test("a Python client with no descriptors but those of the sidecar's reflection", async ({ skip }) => {
    const lacking = missing("python");
    skip(lacking !== undefined, lacking);
    const outcomes = await python.runByReflection(sidecars.get("go")!, COMMON_CASES);
    expect([...outcomes]).toEqual(COMMON_CASES.map((name) => [name, undefined]));
  });
});

test("every known failure is a case that exists", () => {
  const cases = [
    ...["go go", "go go-opaque"].flatMap((name) => SUITE_CASES.map((suiteCase) => `${name}/${suiteCase}`)),
    ...UNARY_CASES.map((suiteCase) => `go thrift/${suiteCase}`),
    ...JAVA_CASES.map((suiteCase) => `java java/${suiteCase}`),
    ...PAIRS.flatMap(({ client, server }) => COMMON_CASES.map((name) => `${client} ${server}/${name}`)),
  ];
  expect(Object.keys(KNOWN_FAILURES).filter((name) => !cases.includes(name))).toEqual([]);
});
