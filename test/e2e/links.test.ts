// Two IDLs that were written apart, joined by the config: the caller's bytes and the server's, as they are on the wire.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { startSidecarForTest } from "./sidecar.ts";

const THRIFT = `namespace * stock
struct Query { 1: i32 shelf }
struct Found { 1: required string name, 2: optional i64 count }
service Stock { Found find(1: Query query) }
`;
const PROTO = `syntax = "proto3";
package stock.v1;
message FindRequest { int32 shelf = 1; }
message FindResponse { string name = 1; optional int64 count = 2; }
service StockService { rpc find(FindRequest) returns (FindResponse); }
`;

test("a Thrift call reaches the gRPC service that the config links it with, though only that one has a route", async () => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-links-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "stock.thrift"), THRIFT);
  writeFileSync(join(folder, "stock.proto"), PROTO);

  const requests: Buffer[] = [];
  const server = new grpc.Server();
  const bytes = (value: Buffer) => value;
  const find = {
    path: "/stock.v1.StockService/find",
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  server.addService(
    { find },
    {
      find({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) {
        requests.push(request);
        callback(null, Buffer.from("0a03746561" + "1007", "hex")); // name "tea", count 7
      },
    },
  );
  const port = await new Promise<number>((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? failed(error) : done(bound),
    );
  });
  onTestFinished(() => server.forceShutdown());

  const sidecar = startSidecarForTest(`
schema:
  files: ["${folder}/stock.thrift", "${folder}/stock.proto"]
  links: [{ thrift: stock.Stock, protobuf: stock.v1.StockService }]
listeners: [{ kind: local, address: "127.0.0.1:0", defaultService: stock.Stock }]
upstreams:
  stock: { protocol: grpc, endpoints: ["127.0.0.1:${port}"], services: [stock.v1.StockService] }
`);
  const [host, localPort] = (await sidecar.addressOf("local")).split(":");
  const socket = connect(Number(localPort), host);
  onTestFinished(() => void socket.destroy());
  // A framed strict call of `find`, sequence id 5, {1: {1: i32 3}}.
  const call = `80010001${"00000004"}66696e64${"00000005"}0c0001${"080001" + "00000003"}0000`;
  socket.write(Buffer.from(`000000${(call.length / 2).toString(16)}${call}`, "hex"));
  let reply = "";
  while (reply.length < 8 || reply.length < 8 + 2 * Number.parseInt(reply.slice(0, 8), 16)) {
    const [chunk] = await once(socket, "data");
    reply += chunk.toString("hex");
  }
  // A reply to `find`, sequence id 5, {0: {1: "tea", 2: i64 7}}.
  expect(reply.slice(8)).toBe(
    `80010002${"00000004"}66696e64${"00000005"}0c0000${"0b0001" + "00000003" + "746561"}${"0a0002" + "0000000000000007"}0000`,
  );
  expect(requests.map((request) => request.toString("hex"))).toEqual(["0803"]);
});
