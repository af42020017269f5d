// The official libraries of the field on both sides of a sidecar. Apache Thrift's clients for Go, Java and PHP call gRPC
// servers; grpc-go calls a Thrift server. What a server gets through the sidecar is compared, byte by byte, with what
// the same library's own kind of client sends it directly.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../tools/build-cache.ts";
import { startSidecar } from "../../tools/causeway.ts";
import { type Service, startService } from "../../tools/program.ts";
import { type Tool, whatIsMissing } from "../../tools/toolchain.ts";
import { CASES, type Client, methodOf } from "./cases.ts";
import { type GrpcServer, startGrpcServer } from "./grpc-server.ts";
import {
  buildGo,
  buildJavaClient,
  buildPhpClient,
  deriveKinds,
  GO_TOOLS,
  goThriftClient,
  JAVA_TOOLS,
  type Outcome,
  PHP_TOOLS,
  runGoGrpcClient,
  TWIN,
  TWINS,
} from "./programs.ts";
import { startThriftRecorder, type ThriftRecorder } from "./thrift-recorder.ts";

/** What one client did, and what the server behind it saw. */
interface Run {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** The bytes of the request, by the name of the case. */
  readonly requests: ReadonlyMap<string, string>;
}

const BUILD_MS = 300_000;
const READY = /^ready (.*)$/;

const missingForGo = whatIsMissing(GO_TOOLS);
const goCommand = missingForGo ? undefined : once(buildGo);

const stops: (() => void | Promise<void>)[] = [];
let grpcServer: GrpcServer;
let toGrpc: Service;

beforeAll(async () => {
  await deriveKinds();
  grpcServer = await startGrpcServer(TWIN, [join(ROOT, TWINS)]);
  stops.push(grpcServer.stop);
  toGrpc = await startSidecar("interop-to-grpc", configOf("grpc", grpcServer.address));
  stops.push(toGrpc.stop);
}, BUILD_MS);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

const grpcReference = once(async () => runOn(grpcServer, runGoGrpcClient(await goCommand!(), grpcServer.address)));

describe.each<{ title: string; client: Client; tools: readonly Tool[]; run: () => Promise<Outcome[]> }>([
  {
    title: "Go, framed",
    client: "go-thrift",
    tools: GO_TOOLS,
    run: async () => goThriftClient(await goCommand!())(toGrpc.ready, "framed", "strict"),
  },
  {
    title: "Go, unframed, without strict headers",
    client: "go-thrift",
    tools: GO_TOOLS,
    run: async () => goThriftClient(await goCommand!())(toGrpc.ready, "buffered", "old"),
  },
  {
    title: "Java, framed",
    client: "java-thrift",
    tools: JAVA_TOOLS,
    run: async () => (await buildJavaClient())(toGrpc.ready, "framed", "strict"),
  },
  {
    title: "PHP, unframed",
    client: "php-thrift",
    tools: PHP_TOOLS,
    run: async () => (await buildPhpClient())(toGrpc.ready, "buffered", "strict"),
  },
])("a Thrift client in $title calls a grpc-js server", ({ client, tools, run }) => {
  const missing = whatIsMissing(tools);
  let done: Run;
  beforeAll(async () => {
    if (!missing) done = await runOn(grpcServer, run());
  }, BUILD_MS);

  test.for(casesOf(client))("$name", ({ name }, { skip }) => {
    skip(missing !== undefined, missing);
    expectDone(done.outcomes, name);
  });

  test("each request reaches the server as grpc-go would have sent it", async ({ skip }) => {
    const lacking = missing ?? missingForGo;
    skip(lacking !== undefined, lacking);
    expectSameRequests(done, await grpcReference(), client);
  });
});

describe("a Thrift client in Go, framed, calls a grpc-go server", () => {
  let outcomes: Run["outcomes"];
  beforeAll(async () => {
    if (missingForGo) return;
    const command = await goCommand!();
    const server = await startService(command, ["grpc-server"], READY);
    stops.push(server.stop);
    const sidecar = await startSidecar("interop-to-grpc-go", configOf("grpc", server.ready));
    stops.push(sidecar.stop);
    outcomes = byName(await goThriftClient(command)(sidecar.ready, "framed", "strict"));
  }, BUILD_MS);

  test.for(casesOf("go-thrift"))("$name", ({ name }, { skip }) => {
    skip(missingForGo !== undefined, missingForGo);
    expectDone(outcomes, name);
  });
});

describe("a grpc-go client calls a Thrift server", () => {
  let direct: Run;
  let done: Run;
  beforeAll(async () => {
    if (missingForGo) return;
    const command = await goCommand!();
    const server = await startService(command, ["thrift-server"], READY);
    stops.push(server.stop);
    const recorder = await startThriftRecorder(server.ready);
    stops.push(recorder.stop);
    const sidecar = await startSidecar("interop-to-thrift", configOf("thrift-framed", recorder.address));
    stops.push(sidecar.stop);
    direct = await runOn(recorder, goThriftClient(command)(recorder.address, "framed", "strict"));
    done = await runOn(recorder, runGoGrpcClient(command, sidecar.ready));
  }, BUILD_MS);

  test.for(casesOf("go-grpc"))("$name", ({ name }, { skip }) => {
    skip(missingForGo !== undefined, missingForGo);
    expectDone(done.outcomes, name);
  });

  test("each request reaches the server as Apache Thrift for Go would have sent it", ({ skip }) => {
    skip(missingForGo !== undefined, missingForGo);
    expectSameRequests(done, direct, "go-grpc");
  });
});

function configOf(protocol: string, endpoint: string): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
    listeners: [{ address: "127.0.0.1:0", kind: "local", defaultService: "kinds.Kinds" }],
    upstreams: { kinds: { protocol, endpoints: [endpoint], services: ["kinds.Kinds"], timeoutMs: 5_000 } },
  };
}

function casesOf(client: Client) {
  return CASES.filter(({ only }) => only?.includes(client) ?? true);
}

/** Runs a client and pairs its cases with the requests that the server saw meanwhile: both are in order per method. */
async function runOn(server: GrpcServer | ThriftRecorder, client: Promise<Outcome[]>): Promise<Run> {
  server.seen.clear();
  const outcomes = await client;
  const requests = new Map<string, string>();
  for (const { name } of outcomes) {
    const request = server.seen.get(methodOf(name))?.shift();
    if (request) requests.set(name, request.toString("hex"));
  }
  return { outcomes: byName(outcomes), requests };
}

function byName(outcomes: readonly Outcome[]): Run["outcomes"] {
  return new Map(outcomes.map((outcome) => [outcome.name, outcome]));
}

function expectDone(outcomes: Run["outcomes"], name: string): void {
  expect(outcomes.get(name)).toEqual({ name, ok: true, detail: "" });
}

function expectSameRequests(run: Run, reference: Run, client: Client): void {
  const comparable = casesOf(client).filter(({ name, differs }) => !differs && reference.requests.has(name));
  const pick = ({ requests }: Run) => Object.fromEntries(comparable.map(({ name }) => [name, requests.get(name)]));
  expect(comparable.length).toBeGreaterThan(50);
  expect(pick(run)).toEqual(pick(reference));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
