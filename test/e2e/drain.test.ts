// SIGTERM, as each of those sees it that a sidecar process has to do with: callers of every kind, the registry, the prober.
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { thriftMessage } from "../faults/upstreams.ts";
import { protobufText, thriftText } from "../matrix/echo.ts";
import { IDL, startInventory } from "../matrix/inventory-server.ts";
import { startSidecarForTest } from "./sidecar.ts";

/** Generous: what is waited for is an event, on a machine that does other things too. */
const PATIENCE = { timeout: 15_000, interval: 10 };
const LARGEST_STREAM_ID = 2 ** 31 - 1;

function socketTo(address: string): Socket {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A call over gRPC by node:http2, with the GOAWAYs that its connection gets. */
function callOverGrpc(address: string) {
  const session = connectHttp2(`http://${address}`);
  onTestFinished(() => session.destroy());
  const goAways: (readonly [code: number, lastStreamId: number])[] = [];
  session.on("goaway", (code, lastStreamId) => goAways.push([code, lastStreamId]));
  const stream = session.request({
    ":method": "POST",
    ":path": "/shop.Inventory/get",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const message = protobufText("TEA");
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  stream.resume();
  return { goAways, status: once(stream, "trailers").then(([trailers]) => trailers["grpc-status"]) };
}

/** A call over TTHeader, in Kitex's own way; its reply's bytes. */
function callOverTTHeader(address: string): Promise<Buffer> {
  const message = thriftMessage({ strict: true, name: "get", type: 1, sequenceId: 7 }, thriftText(1, "TEA"));
  // Magic, flags, sequence id, one word of header: protocol 0, no transforms, padding.
  const head = Buffer.from([0x10, 0x00, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length + message.length);
  const socket = socketTo(address);
  socket.write(Buffer.concat([length, head, message]));
  return new Promise((resolve) => {
    let reply = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length >= 4 && reply.length >= 4 + reply.readUInt32BE(0)) resolve(reply);
    });
  });
}

/** A call over HTTP on a connection that would be kept; the status, and what becomes of the connection. */
function callOverHttp(address: string): Promise<readonly [status: number | undefined, connection: string | undefined]> {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    request(`http://${address}/shop.Inventory/get`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      resolve([response.statusCode, response.headers.connection]);
    })
      .on("error", reject)
      .end('{"sku":"TEA"}');
  });
}

function isRefused(address: string): Promise<boolean> {
  const socket = socketTo(address);
  return new Promise((resolve) => {
    socket.on("connect", () => resolve(false)).on("close", () => resolve(true));
  });
}

test("SIGTERM: readiness and the registry first, callers of every wire are told to go, and what they have asked is answered", async () => {
  const registry = mkdtempSync(join(tmpdir(), "causeway-drain-"));
  onTestFinished(() => rmSync(registry, { recursive: true, force: true }));
  const server = await startInventory();
  const sidecar = startSidecarForTest(`
schema: { include: ["${IDL}"], files: ["${IDL}/shop/inventory.thrift"] }
listeners:
  - { kind: local, address: "127.0.0.1:0" }
  - { kind: http, address: "127.0.0.1:0" }
  - { kind: admin, address: "127.0.0.1:0" }
discovery: { directory: { path: "${registry}", rescanMs: 100 } }
registration: { unhealthyAfter: 1, healthyAfter: 1 }
upstreams: { inventory: { protocol: thrift-framed, services: [shop.Inventory], discovery: directory } }
accessLog: all
`);
  const [local, http, admin] = await Promise.all((["local", "http", "admin"] as const).map(sidecar.addressOf));
  const instance = {
    upstream: "inventory",
    services: ["shop.Inventory"],
    address: `127.0.0.1:${server.port}`,
    codec: "CODEC_THRIFT_BINARY",
    framing: "FRAMING_FRAMED",
  };
  const registered = await fetch(`http://${http}/v1/instances`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ instance, lease: "60s" }),
  });
  expect(registered.status).toBe(200);
  await vi.waitFor(() => expect(readdirSync(registry)).toHaveLength(1), PATIENCE);
  await vi.waitFor(async () => expect((await callOverHttp(http!))[0]).toBe(200), PATIENCE);
  expect((await callOverTTHeader(local!)).includes("crrst")).toBe(false);

  server.mode = "hang";
  const before = server.calls;
  const overGrpc = callOverGrpc(local!);
  const overTTHeader = callOverTTHeader(local!);
  const overHttp = callOverHttp(http!);
  await vi.waitFor(() => expect(server.calls).toBe(before + 3), PATIENCE);

  sidecar.process.kill("SIGTERM");
  await sidecar.logged(({ signal }) => signal === "SIGTERM");
  const ready = await fetch(`http://${admin}/readyz`);
  expect([ready.status, (await ready.text()).split("\n")[0]]).toEqual([503, "not ready"]);
  await vi.waitFor(() => expect(readdirSync(registry)).toEqual([]), PATIENCE);
  await vi.waitFor(async () => expect(await isRefused(local!)).toBe(true), PATIENCE);
  await vi.waitFor(async () => expect(await isRefused(http!)).toBe(true), PATIENCE);
  // RFC 9113, section 6.8: first that there will be no more, then, when that has surely arrived, which was the last.
  await vi.waitFor(() => {
    expect(overGrpc.goAways).toEqual([
      [0, LARGEST_STREAM_ID],
      [0, 1],
    ]);
  }, PATIENCE);
  expect(server.calls).toBe(before + 3);

  server.release();
  expect(await overGrpc.status).toBe("0");
  const reply = await overTTHeader;
  expect([reply.includes("crrst"), reply.includes("Tea")]).toEqual([true, true]);
  expect(await overHttp).toEqual([200, "close"]);
  expect(await sidecar.exited).toMatchObject({ code: 0, stderr: "" });
  const after = sidecar.log.slice(sidecar.log.findIndex(({ signal }) => signal === "SIGTERM"));
  expect(after.filter(({ msg }) => msg === "call").map(({ code }) => code)).toEqual(["OK", "OK", "OK"]);
});
