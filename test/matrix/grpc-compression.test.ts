// A compressed gRPC call to a server whose wire has no compression: the message is unpacked before it is translated.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { startSidecarForTest } from "../e2e/sidecar.ts";
import { startThriftUpstream } from "../faults/upstreams.ts";
import { protobufText } from "./echo.ts";

const THRIFT = "namespace * test\nservice Echo { string echo(1: string text) }";
const same = (bytes: Buffer): Buffer => bytes;

async function call(address: string, algorithm: grpc.compressionAlgorithms, request: Buffer): Promise<Buffer> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.default_compression_algorithm": algorithm,
  });
  onTestFinished(() => client.close());
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest("/test.Echo/echo", same, same, request, (error, bytes) =>
      error || !bytes ? reject(error) : resolve(bytes),
    );
  });
}

test("a Thrift server gets what gzip and deflate callers mean, no further than the limit", async () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-compression-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "echo.thrift"), THRIFT);
  const upstream = await startThriftUpstream();
  onTestFinished(() => upstream.stop());
  const sidecar = startSidecarForTest(`
schema: { files: [${join(folder, "echo.thrift")}] }
listeners: [{ kind: local, address: "127.0.0.1:0" }]
limits: { maxMessageBytes: 20000 }
upstreams: { echo: { protocol: thrift-framed, endpoints: ["${upstream.endpoint}"], services: [test.Echo] } }`);
  const address = await sidecar.addressOf("local");
  for (const algorithm of [grpc.compressionAlgorithms.gzip, grpc.compressionAlgorithms.deflate]) {
    const message = protobufText("hello ".repeat(1_000));
    expect((await call(address, algorithm, message)).equals(message)).toBe(true);
    await expect(call(address, algorithm, Buffer.alloc(20_001))).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining("once it is unpacked"),
    });
  }
});
