// The services that a sidecar answers itself, and when it does not: with grpc-js as the caller, and as an upstream that has
// a health service of its own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startSidecarForTest } from "./sidecar.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const INFO = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const same = (bytes: Buffer): Buffer => bytes;
const HEALTH_IDL = `syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
`;

const folder = mkdtempSync(join(tmpdir(), "causeway-own-services-"));
const idl = join(folder, "health.proto");
const server = new grpc.Server();
let upstream: string;

beforeAll(async () => {
  writeFileSync(idl, HEALTH_IDL);
  const method = { path: CHECK, requestStream: false, responseStream: false } as const;
  const bytes = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  // 7 is no status of health's: only this server says it.
  server.addService(
    { Check: { ...method, ...bytes } },
    {
      Check: (_: unknown, done: grpc.sendUnaryData<Buffer>) => done(null, Buffer.of(8, 7)),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  upstream = `127.0.0.1:${port}`;
});

afterAll(() => {
  server.forceShutdown();
  rmSync(folder, { recursive: true });
});

/** A client of a sidecar with these lines in its config. */
async function clientOf(lines: string, options: grpc.ClientOptions = {}): Promise<grpc.Client> {
  const sidecar = startSidecarForTest(`listeners: [{ kind: local, address: "127.0.0.1:0" }]\n${lines}`);
  const client = new grpc.Client(await sidecar.addressOf("local"), grpc.credentials.createInsecure(), options);
  onTestFinished(() => client.close());
  return client;
}

/** The bytes of the answer, or the name of the status. */
function check(client: grpc.Client, request = Buffer.alloc(0)): Promise<Buffer | string | undefined> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(CHECK, same, same, request, (error, bytes) =>
      resolve(error ? grpc.status[error.code] : bytes),
    );
  });
}

test("without an upstream that has it, health is the sidecar's", async () => {
  const client = await clientOf("");
  expect(await check(client)).toEqual(Buffer.of(8, 1));
});

test("IDL of health that no upstream serves changes nothing", async () => {
  const client = await clientOf(`schema: { files: [${idl}] }`);
  expect(await check(client)).toEqual(Buffer.of(8, 1));
});

test.each([
  ["services, its IDL loaded", "services"],
  ["opaqueServices", "opaqueServices"],
])("an upstream with health in its %s answers it", async (_, key) => {
  const schema = key === "services" ? `schema: { files: [${idl}] }\n` : "";
  const own = `upstreams: { own: { protocol: grpc, endpoints: ["${upstream}"], ${key}: [grpc.health.v1.Health] } }`;
  expect(await check(await clientOf(schema + own))).toEqual(Buffer.of(8, 7));
});

test("what is turned off is UNIMPLEMENTED", async () => {
  const client = await clientOf("health: false\nreflection: false");
  expect(await check(client)).toBe("UNIMPLEMENTED");
  const call = client.makeBidiStreamRequest(INFO, same, same);
  const code = await new Promise((resolve) => {
    call.on("error", (error: grpc.ServiceError) => resolve(grpc.status[error.code]));
    call.on("data", () => resolve("an answer"));
    call.end(Buffer.of(0x3a, 0));
  });
  expect(code).toBe("UNIMPLEMENTED");
});

test("compressed questions are understood", async () => {
  const gzip = grpc.compressionAlgorithms.gzip;
  const client = await clientOf("", { "grpc.default_compression_algorithm": gzip });
  const name = Buffer.from("grpc.health.v1.Health");
  expect(await check(client, Buffer.concat([Buffer.of(10, name.length), name]))).toEqual(Buffer.of(8, 1));
  const call = client.makeBidiStreamRequest(INFO, same, same);
  const answers: Buffer[] = [];
  call.write(Buffer.of(0x3a, 0));
  call.end(Buffer.concat([Buffer.of(0x22, name.length), name]));
  for await (const answer of call) answers.push(answer);
  expect(answers.map((answer) => answer.includes("grpc.health.v1.Health"))).toEqual([true, true]);
});
