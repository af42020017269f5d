// A sidecar with an example's config before small servers, one for each endpoint that the example names, and a caller.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { onTestFinished, vi } from "vitest";
import { parse } from "yaml";
import {
  InventoryClient,
  type InventoryGetResult,
  type InventoryReserveResult,
  type InventorySearchResult,
  InventoryService,
} from "../../demo/gen/proto/inventory.ts";
import { type App, type CheckedConfig, checkConfig, createApp } from "../../src/app/app.ts";
import { formatAddress } from "../../src/base/address.ts";
import { formatDiagnostic } from "../../src/base/diagnostic.ts";
import { type InventoryServer, startInventory } from "../matrix/inventory-server.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** What an example leaves to the reader: keys of the config, and for an example of one upstream's policies the upstream. */
const AROUND = `
schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }
listeners: [{ kind: local, address: "127.0.0.1:0" }, { kind: admin, address: "127.0.0.1:0" }]
accessLog: all
`;
const UPSTREAM = `
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["10.0.0.1:9090", "10.0.0.2:9090", "10.0.0.3:9090"]
    services: [shop.Inventory]
`;
const ROUND_ROBIN = "    balance: { policy: round-robin }\n";
/** Keys at the top of a config that examples have. */
const AT_TOP = /^(?:upstreams|routes|authorize|faults):/m;

/** The example as a whole config, with endpoints that are not there yet. */
export function wholeConfig(example: string): string {
  if (/^upstreams:/m.test(example)) return AROUND + example;
  if (AT_TOP.test(example)) return AROUND + UPSTREAM + example;
  const own = example.replace(/^(?=.)/gm, "    ");
  return AROUND + UPSTREAM + (example.includes("balance:") ? "" : ROUND_ROBIN) + own;
}

/** A config file with this text, until the test is over. */
export function configFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "causeway-policy-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "causeway.yaml");
  writeFileSync(path, text);
  return path;
}

/** What a call got: OK or the name of an error's code, with the item's title or the error's text. */
export interface Outcome {
  readonly code: string;
  readonly text: string;
}

/** A server on Thrift, or on gRPC, where it hears `mode` only when it is asked how it is: all but `answer` is NOT_SERVING. */
export interface StageServer extends InventoryServer {
  /** The metadata of its calls, on gRPC. */
  readonly seen: Readonly<Record<string, grpc.MetadataValue>>[];
}

export interface Stage {
  /** In the order in which the example names them; `Tea 1` is the title of what the first has. */
  readonly servers: readonly StageServer[];
  /** The access log's lines. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** The admin listener's base URL. */
  readonly admin: string;
  get(sku?: string, headers?: Readonly<Record<string, string>>): Promise<Outcome>;
  search(): Promise<Outcome>;
  reserve(): Promise<Outcome>;
  /** A call with bytes as its request. */
  raw(path: string, request: Uint8Array): Promise<Outcome>;
  /** One more endpoint of the upstream, by a reload of the config. */
  join(): Promise<StageServer>;
}

/** Sets it up until the test is over; `more` is more of the config, `random` what chance says. */
export async function createStage(
  example: string,
  { more = "", random }: { readonly more?: string; readonly random?: () => number } = {},
): Promise<Stage> {
  if (random) {
    const chance = vi.spyOn(Math, "random").mockImplementation(random);
    onTestFinished(() => chance.mockRestore());
  }
  // Nobody is there: what shared limits do then is part of the example.
  let text = `${wholeConfig(example).replace("10.0.0.9:6379", "127.0.0.1:1")}${more}`;
  const servers: StageServer[] = [];
  for (const [address, protocol] of endpointsOf(text)) {
    const server = await startServer(protocol, `Tea ${servers.length + 1}`);
    servers.push(server);
    text = text.replace(address, `127.0.0.1:${server.port}`);
  }
  const log: Readonly<Record<string, unknown>>[] = [];
  const write = (facts: object, msg: string) => void log.push({ ...facts, msg });
  const app = await createApp(await checked(text), { debug: () => {}, info: write, warn: write, error: write });
  onTestFinished(() => app.close());
  const client = new InventoryClient(addressOf(app, "local"), grpc.credentials.createInsecure());
  onTestFinished(() => client.close());

  return {
    servers,
    log,
    admin: `http://${addressOf(app, "admin")}`,
    get: (sku = "TEA", headers = {}) =>
      outcome<InventoryGetResult>(
        (done) => client.get({ sku }, metadataOf(headers), done),
        ({ success }) => success?.title,
      ),
    search: () =>
      outcome<InventorySearchResult>(
        (done) => client.search({ request: { tags: [], limit: 20 } }, done),
        ({ success }) => success[0]?.title,
      ),
    reserve: () =>
      outcome<InventoryReserveResult>(
        (done) => client.reserve({ request: { orderId: "o", sku: "TEA", quantity: 1, warehouse: undefined } }, done),
        ({ success }) => success?.id,
      ),
    raw: (path, request) =>
      outcome(
        (done) => client.makeUnaryRequest(path, asIs, asIs, Buffer.from(request), done),
        () => "",
      ),
    async join() {
      const server = await startServer("thrift-framed", `Tea ${servers.length + 1}`);
      text = text.replace("endpoints: [", `endpoints: ["127.0.0.1:${server.port}", `);
      app.reload(await checked(text));
      return server;
    },
  };
}

const asIs = (bytes: Buffer): Buffer => bytes;

function outcome<T>(
  begin: (done: grpc.requestCallback<T>) => void,
  textOf: (reply: T) => string | undefined,
): Promise<Outcome> {
  return new Promise((resolve) =>
    begin((error, reply) =>
      resolve(
        error
          ? { code: grpc.status[error.code] ?? "", text: error.details }
          : { code: "OK", text: (reply && textOf(reply)) ?? "" },
      ),
    ),
  );
}

function metadataOf(headers: Readonly<Record<string, string>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  return metadata;
}

async function checked(text: string): Promise<CheckedConfig> {
  const found: string[] = [];
  const config = await checkConfig(configFile(text), (each) => found.push(formatDiagnostic(each)));
  if (!config) throw new Error(found.join("\n"));
  return config;
}

function addressOf({ listeners }: App, kind: "local" | "admin"): string {
  return formatAddress(listeners.find((listener) => listener.kind === kind)!.address);
}

interface WrittenUpstream {
  readonly protocol: string;
  readonly endpoints: readonly (string | { readonly address: string })[];
}

/** Each endpoint with what it speaks. */
function endpointsOf(config: string): readonly (readonly [address: string, protocol: string])[] {
  const { upstreams } = parse(config) as { readonly upstreams: Readonly<Record<string, WrittenUpstream>> };
  return Object.values(upstreams).flatMap(({ protocol, endpoints }) =>
    endpoints.map((each) => [typeof each === "string" ? each : each.address, protocol] as const),
  );
}

/** Of grpc.health.v1.HealthCheckResponse. */
const [SERVING, NOT_SERVING] = [1, 2];

async function startServer(protocol: string, title: string): Promise<StageServer> {
  const seen: StageServer["seen"] = [];
  if (protocol !== "grpc") return Object.assign(await startInventory(0, title), { seen });
  const server = new grpc.Server();
  const self: StageServer = {
    port: 0,
    mode: "answer",
    calls: 0,
    seen,
    release: () => {},
    die: async () => server.forceShutdown(),
  };
  server.addService(
    { get: InventoryService.get },
    {
      get({ metadata }: grpc.ServerUnaryCall<unknown, unknown>, done: grpc.sendUnaryData<unknown>) {
        self.calls++;
        seen.push(metadata.getMap());
        const price = { currency: "EUR", units: 4n, nanos: 0 };
        done(null, { success: { sku: "TEA", title, price, available: {}, tags: [], weight: undefined } });
      },
    },
  );
  server.addService(
    {
      Check: {
        path: "/grpc.health.v1.Health/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      Check(_: unknown, done: grpc.sendUnaryData<Buffer>) {
        done(null, Buffer.of(8, self.mode === "answer" ? SERVING : NOT_SERVING));
      },
    },
  );
  const port = await new Promise<number>((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? failed(error) : done(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());
  return Object.assign(self, { port });
}
